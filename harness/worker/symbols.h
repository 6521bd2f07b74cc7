/* SPDX-License-Identifier: Apache-2.0 */
/* Names of functions by address, from the symbol tables of the program and its libraries: static
 * functions, too, which a DoFn is and the dynamic linker does not know.  Allocates nothing, so that it
 * serves a process whose heap is broken; but it is not for signal handlers. */
#ifndef BEAMC_WORKER_SYMBOLS_H
#define BEAMC_WORKER_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes "parse_line+0x1c (wordcount+0x4f3a1)" as snprintf does.  The second number is what
 * `addr2line -e wordcount` takes; without a symbol table it is all there is. */
void beamc__symbol_print(uintptr_t address, char *out, size_t size);

/* Whether it lies in the program itself, not in a library that was loaded. */
bool beamc__symbol_is_own(uintptr_t address);

#endif
