/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Well-formed sequences (Unicode, table 3-7) by their first byte.  The second is in a range that
 * leaves out what is too long, surrogates, and what is past the last character. */
typedef struct {
    uint8_t first, last; /* of the first byte */
    uint8_t low, high;   /* of the second */
    uint8_t size;
} form;

static const form forms[] = {
    { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
    { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
    { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

static bool fits(const form *of, const uint8_t *at, size_t size)
{
    if (at[0] < of->first || at[0] > of->last || size < of->size || at[1] < of->low ||
        at[1] > of->high)
        return false;
    for (size_t i = 2; i < of->size; i++) {
        if (at[i] < 0x80 || at[i] > 0xbf)
            return false;
    }
    return true;
}

size_t beamc__utf8_char(const char *text, size_t size)
{
    const uint8_t *at = (const uint8_t *)text;

    if (size == 0)
        return 0;
    if (at[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        if (fits(&forms[i], at, size))
            return forms[i].size;
    }
    return 0;
}

void beamc__utf8_clean(char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        size_t size = beamc__utf8_char(text, left);
        if (size == 0) {
            *text = '?';
            size = 1;
        }
        text += size;
        left -= size;
    }
}
