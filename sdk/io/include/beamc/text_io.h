/* SPDX-License-Identifier: Apache-2.0 */
/* Text files as PCollections of lines, and back; files by pattern.
 *
 *     beamc_pcollection lines = beamc_read_text(p, "logs/2024-*.txt.gz");
 *     beamc_write_text(lines, "out/lines");       -> out/lines-00000-of-00004 ...
 *
 * Patterns are those of <beamc/filesystem.h>.  Lines are given as their bytes are: NUL bytes and
 * what is not UTF-8 pass through (a PCollection of strings carries any bytes; other SDKs may
 * refuse them).
 *
 * Reading: files that are not compressed are cut into ranges, read in parallel; how many depends on
 * their sizes alone.  A line may be as long as there is memory.
 *
 * Writing: each bundle writes files of its own in a new directory, .temp-beamc-..., beside the
 * final names.  When all are written whole they are renamed.  So a final name never has part of a
 * file, whatever fails; files of those names from before are replaced, others (of an earlier run
 * with more shards, say) are left alone.
 *
 * A local name that does not begin with '/' is that of a file below the directory where the pipeline
 * is built, wherever on that machine workers are started.  Not so with names that are elements, as
 * those of with_filename, which are as the pattern has them. */
#ifndef BEAMC_TEXT_IO_H
#define BEAMC_TEXT_IO_H

#include <beamc/compression.h>
#include <beamc/pipeline.h>

BEAMC_EXTERN_C_BEGIN

/* ---- reading --------------------------------------------------------------------------------- */

/* What a pattern that matches no file is. */
typedef enum {
    BEAMC_EMPTY_MATCH_DEFAULT = 0,    /* refused; of PCollections of patterns: as IF_WILD */
    BEAMC_EMPTY_MATCH_REFUSED,
    BEAMC_EMPTY_MATCH_ALLOWED_IF_WILD, /* only names without wildcards must be there */
    BEAMC_EMPTY_MATCH_ALLOWED
} beamc_empty_match;

/* All zero is the default. */
typedef struct {
    beamc_compression compression;
    int64_t skip_header_lines;    /* of each file */
    beamc_string delimiter;       /* empty: "\n" or "\r\n".  May not overlap itself */
    bool keep_delimiter;          /* lines keep it at their end */
    bool with_filename;           /* -> KV<string path, string line>, a beamc_file_line */
    uint64_t min_range_bytes;     /* files are not cut smaller than that; 0: 8 MiB */
    beamc_empty_match empty_match;
    bool without_validation;      /* does not look for the files before the pipeline runs */
} beamc_read_text_options;

BEAMC_KV(beamc_file_line, string, string)

/** The lines of all files that match @pattern (copied).  -> string.  @options may be NULL.
 *  Of local files it is known when the pipeline is built if there are none. */
BEAMC_API beamc_pcollection beamc_read_text_at(beamc_location at, beamc_pipeline *pipeline,
                                               const char *pattern,
                                               const beamc_read_text_options *options);
#define beamc_read_text(pipeline, pattern) beamc_read_text_at(BEAMC_HERE, pipeline, pattern, NULL)
#define beamc_read_text_with(pipeline, pattern, options)                                           \
    beamc_read_text_at(BEAMC_HERE, pipeline, pattern, options)

/** The lines of all files that match any of @patterns, a PCollection of string.  -> string */
BEAMC_API beamc_pcollection beamc_read_all_text_at(beamc_location at, beamc_pcollection patterns,
                                                   const beamc_read_text_options *options);
#define beamc_read_all_text(patterns) beamc_read_all_text_at(BEAMC_HERE, patterns, NULL)
#define beamc_read_all_text_with(patterns, options)                                                \
    beamc_read_all_text_at(BEAMC_HERE, patterns, options)

/* ---- matching -------------------------------------------------------------------------------- */

#define BEAMC_FILE_FIELDS(F) F(string, path) F(int64, size) F(timestamp, modified)
BEAMC_ROW(beamc_file, BEAMC_FILE_FIELDS)

/** The files that match @pattern (copied).  -> beamc_file */
BEAMC_API beamc_pcollection beamc_match_files_at(beamc_location at, beamc_pipeline *pipeline,
                                                 const char *pattern,
                                                 beamc_empty_match empty_match);
#define beamc_match_files(pipeline, pattern)                                                       \
    beamc_match_files_at(BEAMC_HERE, pipeline, pattern, BEAMC_EMPTY_MATCH_DEFAULT)

/** The files that match any of @patterns, a PCollection of string.  -> beamc_file */
BEAMC_API beamc_pcollection beamc_match_all_files_at(beamc_location at, beamc_pcollection patterns,
                                                     beamc_empty_match empty_match);
#define beamc_match_all_files(patterns)                                                            \
    beamc_match_all_files_at(BEAMC_HERE, patterns, BEAMC_EMPTY_MATCH_DEFAULT)

/* ---- writing --------------------------------------------------------------------------------- */

/* All zero is the default. */
typedef struct {
    const char *suffix;         /* of the names: ".txt.gz"; NULL: none */
    const char *shard_template; /* between prefix and suffix: a run of S is the shard, of N their
                                   count, with so many digits at least, W the window; NULL:
                                   "-SSSSS-of-NNNNN", in windows "-W-SSSSS-of-NNNNN" */
    int64_t num_shards;         /* 0: one per bundle, which is fastest */
    const char *header;         /* first line of each file; NULL: none */
    const char *footer;         /* last line of each file; NULL: none */
    beamc_string delimiter;     /* after each line; empty: "\n" */
    beamc_compression compression; /* AUTO: by the suffix */
    uint64_t max_bytes;         /* a file that has so many bytes of text is followed by another;
                                   0: no limit.  Not with num_shards */
    bool skip_if_empty;         /* no lines give no file, not an empty one */
    bool sync;                  /* files are on the disk before they get their final names: also a
                                   power cut leaves whole ones only.  Takes its time */
    bool without_validation;    /* does not look at the directory before the pipeline runs */
} beamc_write_text_options;

/** Writes strings as lines to files named @prefix (copied), shard and suffix.  -> string: the
 *  names, local ones from '/' on, each after its file is there.  In other windows than the global one, each window has its own
 *  files: prefix-2024-05-06T07:00:00Z-2024-05-06T08:00:00Z-00000-of-00002.  No lines at all in the
 *  global window make one empty file.  @options may be NULL. */
BEAMC_API beamc_pcollection beamc_write_text_at(beamc_location at, beamc_pcollection lines,
                                                const char *prefix,
                                                const beamc_write_text_options *options);
#define beamc_write_text(lines, prefix) beamc_write_text_at(BEAMC_HERE, lines, prefix, NULL)
#define beamc_write_text_with(lines, prefix, options)                                              \
    beamc_write_text_at(BEAMC_HERE, lines, prefix, options)

BEAMC_EXTERN_C_END

#endif
