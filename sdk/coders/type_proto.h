/* SPDX-License-Identifier: Apache-2.0 */
/* Types as Coder messages, and back.
 *
 *     KV<string, int64>   kv:v1(string_utf8:v1, varint:v1)
 *     a row               row:v1, payload Schema
 *     int32, array, ...   csdk:v1, payload FieldType: what only rows may hold, encoded as in a row
 *     custom              its own URN, payload the type's name
 *
 * See beam_runner_api.proto, StandardCoders. */
#ifndef BEAMC_CODERS_TYPE_PROTO_H
#define BEAMC_CODERS_TYPE_PROTO_H

#include "proto/beam.h"
#include <beamc/type.h>

#define BEAMC__CODER_CSDK "beam:coder:csdk:v1"

/* How deep types may nest, and of how many parts they may be: what comes from outside must not take
 * all stack and memory. */
#define BEAMC__TYPE_DEPTH_MAX 64
#define BEAMC__TYPE_PARTS_MAX 65536
#define BEAMC__TYPE_SIZE_MAX (1u << 20)

/* ---- coders to types ------------------------------------------------------------------------- */

/* Where coders are looked up. */
typedef struct {
    const PB(Coder) *(*find)(void *ctx, const char *id); /* NULL: there is none */
    void *ctx;
    const beamc_type *const *customs; /* the program's types of BEAMC_KIND_CUSTOM */
    size_t custom_count;
} beamc__coder_resolver;

/* The type of the coder @id, in memory of @arena, which outlives it.  Errors name the coder: it is
 * missing, contains itself, has the wrong parts, or a URN that is not known.  What is not known
 * below a length prefix becomes bytes. */
BEAMC_MUST_USE beamc_error *beamc__type_from_coder(const beamc_type **out,
                                                   const beamc__coder_resolver *resolver,
                                                   const char *id, beamc_arena *arena);

/* The type of a row with @schema. */
BEAMC_MUST_USE beamc_error *beamc__type_from_schema(const beamc_type **out,
                                                    const PB(Schema) *schema, beamc_arena *arena);

/* ---- types to coders ------------------------------------------------------------------------- */

/* Coders with ids; equal ones are there once. */
typedef struct beamc__coder_set beamc__coder_set;

/* Ids are "<prefix>_1" and so on.  NULL: no memory. */
BEAMC_MUST_USE beamc__coder_set *beamc__coder_set_new(const char *prefix);
void beamc__coder_set_free(beamc__coder_set *set); /* with its ids and messages; accepts NULL */

/* Adds the coder of @type and those of its parts.  *@id is the set's.  BEAMC_ETYPE if a type cannot
 * be where it is, such as a KV in a row. */
BEAMC_MUST_USE beamc_error *beamc__type_to_coder(const char **id, beamc__coder_set *set,
                                                 const beamc_type *type);

/* Coders in order of their making: parts come first.  They belong to the set. */
size_t beamc__coder_set_count(const beamc__coder_set *set);
const char *beamc__coder_set_id(const beamc__coder_set *set, size_t index);
PB(Coder) *beamc__coder_set_coder(const beamc__coder_set *set, size_t index);

/* The schema of a row's type, in memory of @arena. */
BEAMC_MUST_USE beamc_error *beamc__type_to_schema(PB(Schema) **out, const beamc_type *row,
                                                  beamc_arena *arena);

#endif
