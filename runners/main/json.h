/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON into a buffer, indented by two. */
#ifndef BEAMC_MAIN_JSON_H
#define BEAMC_MAIN_JSON_H

#include <beamc/buffer.h>
#include <stdint.h>

/* Commas and indentation follow from the order of calls. */
typedef struct {
    beamc_buffer *out;
    int depth;
    bool first;  /* nothing yet in this object or array */
    bool flat;   /* on one line: small objects */
} beamc__json;

/* In an object, @key names the member; in an array it is NULL. */
void beamc__json_open(beamc__json *json, const char *key, char bracket);
void beamc__json_close(beamc__json *json, char bracket);
void beamc__json_string(beamc__json *json, const char *key, const char *value);
void beamc__json_bytes(beamc__json *json, const char *key, const void *value, size_t size);
void beamc__json_int(beamc__json *json, const char *key, int64_t value);
void beamc__json_double(beamc__json *json, const char *key, double value);
void beamc__json_bool(beamc__json *json, const char *key, bool value);
void beamc__json_null(beamc__json *json, const char *key);

#endif
