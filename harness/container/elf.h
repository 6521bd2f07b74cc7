/* SPDX-License-Identifier: Apache-2.0 */
/* What an image has to know of a program's file. */
#ifndef BEAMC_CONTAINER_ELF_H
#define BEAMC_CONTAINER_ELF_H

#include <beamc/arena.h>
#include <beamc/buffer.h>

typedef struct {
    const char *architecture; /* as images name it: "amd64" */
    bool is_native;           /* it runs on this machine */
    const char *loader;       /* NULL: it needs no libraries; in the arena */
} beamc__elf;

/* Of a whole file of 64 bits for Linux.  Errors do not name the file. */
BEAMC_MUST_USE beamc_error *beamc__elf_read(beamc__elf *out, const void *bytes, size_t size,
                                            beamc_arena *arena);

/* Cuts off what is never loaded: symbols, debug information.  The build id stays. */
void beamc__elf_strip(beamc_buffer *file);

/* The libraries that the loader would take for a program on this machine, each with a name that is
 * needed and a path; in @arena.  An error for one that is missing. */
typedef struct {
    const char *name;
    const char *path;
} beamc__elf_library;

BEAMC_MUST_USE beamc_error *beamc__elf_libraries(beamc__elf_library **out, size_t *count,
                                                 const beamc__elf *elf, const char *program,
                                                 beamc_arena *arena);

/* Whether its loader would start the program at @path here; the error is what it lacks.  None for
 * what has no loader, or is no program of this machine: starting it tells more. */
BEAMC_MUST_USE beamc_error *beamc__elf_check(const char *path, beamc_arena *arena);

#endif
