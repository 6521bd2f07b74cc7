/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table from byte strings to pointers, for what is looked up by name: ids, options, types.
 * (Hot paths keep tables of their own shape.)  Keys are copied in; order of insertion is kept.
 * Owner thread only. */
#ifndef BEAMC_BASE_TABLE_H
#define BEAMC_BASE_TABLE_H

#include <beamc/error.h>
#include <stdint.h>

typedef struct beamc__table beamc__table;

BEAMC_MUST_USE beamc__table *beamc__table_new(void); /* NULL: no memory */
void beamc__table_free(beamc__table *table);         /* not the values; accepts NULL */

/* NULL if the key is not there. */
void *beamc__table_get(const beamc__table *table, const void *key, size_t size);
void *beamc__table_gets(const beamc__table *table, const char *key);

/* Sets or replaces; @value is not NULL.  BEAMC_OK or BEAMC_ENOMEM (nothing changed). */
BEAMC_MUST_USE int beamc__table_put(beamc__table *table, const void *key, size_t size, void *value);
BEAMC_MUST_USE int beamc__table_puts(beamc__table *table, const char *key, void *value);

size_t beamc__table_count(const beamc__table *table);

/* The entry at @index < count, in order of insertion; the key ends in NUL. */
const char *beamc__table_key(const beamc__table *table, size_t index);
void *beamc__table_value(const beamc__table *table, size_t index);

#endif
