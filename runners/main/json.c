/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"
#include "number.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The length of the UTF-8 sequence at @at, 0 if it is none. */
static size_t utf8_size(const uint8_t *at, const uint8_t *end)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t size = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3
                : at[0] >> 3 == 30 ? 4 : 0;
    uint32_t code = size < 2 ? at[0] : at[0] & (0x7fu >> size);

    if (size == 0 || (size_t)(end - at) < size)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if (at[i] >> 6 != 2)
            return 0;
        code = code << 6 | (at[i] & 0x3f);
    }
    if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    return size;
}

static void write_text(beamc_buffer *out, const uint8_t *at, size_t size)
{
    const uint8_t *end = at + size;

    beamc_buffer_append_byte(out, '"');
    while (at < end) {
        size_t length = utf8_size(at, end);
        if (*at == '"' || *at == '\\') {
            beamc_buffer_append_byte(out, '\\');
            beamc_buffer_append_byte(out, *at);
        } else if (*at == '\n') {
            beamc_buffer_append_string(out, "\\n");
        } else if (*at == '\t') {
            beamc_buffer_append_string(out, "\\t");
        } else if (*at < 0x20 || *at == 0x7f) {
            beamc_buffer_printf(out, "\\u%04x", *at);
        } else if (length == 0) {
            beamc_buffer_append_string(out, "\\ufffd"); /* no UTF-8 */
        } else {
            beamc_buffer_append(out, at, length);
        }
        at += length > 0 ? length : 1;
    }
    beamc_buffer_append_byte(out, '"');
}

static void begin(beamc__json *json, const char *key)
{
    if (!json->first)
        beamc_buffer_append_byte(json->out, ',');
    if (json->depth > 0 && !json->flat)
        beamc_buffer_printf(json->out, "\n%*s", json->depth * 2, "");
    else if (json->flat && !json->first)
        beamc_buffer_append_byte(json->out, ' ');
    json->first = false;
    if (key != NULL) {
        write_text(json->out, (const uint8_t *)key, strlen(key));
        beamc_buffer_append_string(json->out, ": ");
    }
}

void beamc__json_open(beamc__json *json, const char *key, char bracket)
{
    begin(json, key);
    beamc_buffer_append_byte(json->out, (uint8_t)bracket);
    json->first = true;
    json->depth++;
}

void beamc__json_close(beamc__json *json, char bracket)
{
    json->depth--;
    if (!json->first && !json->flat)
        beamc_buffer_printf(json->out, "\n%*s", json->depth * 2, "");
    beamc_buffer_append_byte(json->out, (uint8_t)bracket);
    json->first = false;
}

void beamc__json_bytes(beamc__json *json, const char *key, const void *value, size_t size)
{
    begin(json, key);
    write_text(json->out, (const uint8_t *)value, size);
}

void beamc__json_string(beamc__json *json, const char *key, const char *value)
{
    beamc__json_bytes(json, key, value, strlen(value));
}

void beamc__json_int(beamc__json *json, const char *key, int64_t value)
{
    begin(json, key);
    beamc_buffer_printf(json->out, "%" PRId64, value);
}

void beamc__json_double(beamc__json *json, const char *key, double value)
{
    char text[BEAMC__NUMBER_SIZE];

    beamc__number_double(text, value);
    if (!isfinite(value)) {
        beamc__json_string(json, key, text); /* JSON has no such numbers */
        return;
    }
    begin(json, key);
    beamc_buffer_append_string(json->out, text);
}

void beamc__json_bool(beamc__json *json, const char *key, bool value)
{
    begin(json, key);
    beamc_buffer_append_string(json->out, value ? "true" : "false");
}

void beamc__json_null(beamc__json *json, const char *key)
{
    begin(json, key);
    beamc_buffer_append_string(json->out, "null");
}
