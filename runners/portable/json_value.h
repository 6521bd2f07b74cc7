/* SPDX-License-Identifier: Apache-2.0 */
/* JSON texts as google.protobuf.Value, the form in which options travel. */
#ifndef BEAMC_PORTABLE_JSON_VALUE_H
#define BEAMC_PORTABLE_JSON_VALUE_H

#include "proto/beam.h"
#include <beamc/arena.h>

typedef Google__Protobuf__Value beamc__json_value;
typedef Google__Protobuf__Struct beamc__json_object;

/* How deep objects and lists may lie in each other: a message holds three for each, and those who
 * read messages take no more than 100 of them. */
#define BEAMC__JSON_DEPTH 24

/* Reads all of @text, strictly as RFC 8259 has it; in @arena.  Of members with one name the last
 * counts.  Errors say where: "character 12: ..". */
BEAMC_MUST_USE beamc_error *beamc__json_parse(beamc__json_value **out, const char *text,
                                              beamc_arena *arena);

/* Values in @arena; NULL without memory.  Texts are borrowed. */
beamc__json_value *beamc__json_value_text(beamc_arena *arena, const char *text);
beamc__json_value *beamc__json_value_bool(beamc_arena *arena, bool truth);
beamc__json_value *beamc__json_value_number(beamc_arena *arena, double number);
/* With room for @room values; add them to its n_values. */
beamc__json_value *beamc__json_value_list(beamc_arena *arena, size_t room);

/* An object without members; NULL without memory. */
beamc__json_object *beamc__json_object_new(beamc_arena *arena);
/* Sets or replaces a member, whose name is borrowed.  False without memory, also if @value is
 * NULL. */
BEAMC_MUST_USE bool beamc__json_object_set(beamc__json_object *object, const char *name,
                                           beamc__json_value *value, beamc_arena *arena);
/* NULL if there is none. */
const beamc__json_value *beamc__json_object_get(const beamc__json_object *object, const char *name);

/* NULL if @value is NULL or something else. */
const char *beamc__json_as_text(const beamc__json_value *value);
const beamc__json_object *beamc__json_as_object(const beamc__json_value *value);

#endif
