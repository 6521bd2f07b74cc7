/* SPDX-License-Identifier: Apache-2.0 */
/* The DoFns behind WriteText.
 *
 *     one file per bundle   lines ── write_bundle ──────────────┐
 *     in windows            lines ── write_windows ─────────────┤ KV<0, written>
 *     so many shards        lines ── assign ── group ── write ──┤
 *                                                               └── group ── finalize ──> names
 *
 * The writers make files in a directory of the run; finalize, which has all of a window's,
 * gives them their names. */
#ifndef BEAMC_IO_TEXT_SINK_H
#define BEAMC_IO_TEXT_SINK_H

#include "sdk/io/text_writer.h"
#include <beamc/dofn.h>

/* The configuration of all of them.  num_shards 0: shards are numbered by finalize; always: no
 * lines give a file, too; started: when the pipeline was built, in ms by the clock of files. */
#define TEXT_SINK(F)                                                                               \
    F(string, prefix)                                                                              \
    F(string, suffix) F(string, shard_template) F(string, temporary) F(int64, num_shards)          \
        F(string, header) F(string, footer) F(string, delimiter) F(int64, compression)             \
            F(int64, max_bytes) F(boolean, always) F(boolean, windowed) F(boolean, sync)         \
                F(int64, started)
BEAMC_ROW(beamc__text_sink, TEXT_SINK)

/* A file that was written whole; without a path: none was, but finalize is to be called. */
#define TEXT_WRITTEN(F) F(string, path) F(int64, shard)
BEAMC_ROW(beamc__written, TEXT_WRITTEN)
BEAMC_KV(beamc__keyed_written, int64, beamc__written)
BEAMC_ITERABLE(beamc__all_written, beamc__written)
BEAMC_KV(beamc__gathered, int64, beamc__all_written)

BEAMC_KV(beamc__shard_line, int64, string)
BEAMC_ITERABLE(beamc__lines, string)
BEAMC_KV(beamc__shard_lines, int64, beamc__lines)

/* What the configuration says of the files. */
beamc__text_format beamc__text_sink_format(const beamc__text_sink *sink);

extern const beamc_dofn beamc__write_bundle_fn;  /* string -> beamc__keyed_written */
extern const beamc_dofn beamc__write_windows_fn; /* the same */
extern const beamc_dofn beamc__assign_shard_fn;  /* string -> beamc__shard_line */
extern const beamc_dofn beamc__write_shard_fn;   /* beamc__shard_lines -> beamc__keyed_written */
extern const beamc_dofn beamc__finalize_fn;      /* beamc__gathered -> string */

#endif
