/* SPDX-License-Identifier: Apache-2.0 */
/* What the intermediate results of one run share: a memory budget, and temporary files for what is
 * past it.
 *
 *     budget   | held by collections and shuffles | worked with by readers |
 *               half of it, then data is spilled    half of it, a share for each worker
 *
 * A temporary file has no name: nothing is left even by a process that is killed.  Any thread may
 * call any function, except that _free comes last. */
#ifndef BEAMC_ENGINE_STORE_H
#define BEAMC_ENGINE_STORE_H

#include <beamc/error.h>
#include <stdint.h>

typedef struct beamc__store beamc__store;

typedef struct {
    uint64_t budget;           /* bytes; 0: everything is spilled */
    const char *temp_location; /* directory of the temporary files; NULL: TMPDIR or /tmp */
    int workers;               /* threads that read at the same time; at least 1 */
} beamc__store_options;

BEAMC_MUST_USE beamc_error *beamc__store_new(beamc__store **out,
                                             const beamc__store_options *options);
/* After all collections and shuffles of it are freed. */
void beamc__store_free(beamc__store *store);

/* Bytes in memory now; bytes written to temporary files so far. */
uint64_t beamc__store_memory(const beamc__store *store);
uint64_t beamc__store_spilled(const beamc__store *store);

/* ---- for collections and shuffles ------------------------------------------------------------ */

/* Books @bytes to what is held if they fit into the budget. */
BEAMC_MUST_USE bool beamc__store_take(beamc__store *store, size_t bytes);
/* Books them in any case. */
void beamc__store_force(beamc__store *store, size_t bytes);
void beamc__store_give(beamc__store *store, size_t bytes);

/* How much one reader may work with. */
size_t beamc__store_share(const beamc__store *store);
/* How large a writer's buffers may be if it has @count of them: from @least to @most. */
size_t beamc__store_buffer_size(const beamc__store *store, size_t count, size_t least, size_t most);

/* A temporary file, made when it is first written to.  Writes are appended; any thread. */
typedef struct beamc__spill beamc__spill;

BEAMC_MUST_USE beamc__spill *beamc__spill_new(beamc__store *store); /* NULL: no memory */
void beamc__spill_free(beamc__spill *spill);

/* Appends the bytes; *@offset is where they are. */
BEAMC_MUST_USE beamc_error *beamc__spill_write(beamc__spill *spill, const void *bytes, size_t size,
                                               uint64_t *offset);
BEAMC_MUST_USE beamc_error *beamc__spill_read(const beamc__spill *spill, uint64_t offset,
                                              void *bytes, size_t size);
/* Gives the disk space of bytes that are not needed any more back, where the file system can. */
void beamc__spill_drop(beamc__spill *spill, uint64_t offset, uint64_t size);

#endif
