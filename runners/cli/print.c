/* SPDX-License-Identifier: Apache-2.0 */
#include "print.h"

#include <string.h>

/* What a terminal takes for orders: in UTF-8 there are two ranges of them.  JSON has the first escaped. */
static void silence(uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((text[i] < ' ' && text[i] != '\n' && text[i] != '\t') || text[i] == 0x7f)
            text[i] = '?';
        else if (text[i] == 0xc2 && i + 1 < size && text[i + 1] >= 0x80 && text[i + 1] < 0xa0)
            text[i] = text[i + 1] = '?';
    }
}

beamc_error *beamc__print(const beamc__call *call, beamc_buffer *text)
{
    bool failed = beamc_buffer_failed(text);

    silence(text->data, text->size);
    /* That it could not be written is noticed at the end of the command. */
    if (!failed && text->size > 0)
        fwrite(text->data, 1, text->size, call->out);
    beamc_buffer_dispose(text);
    return failed ? beamc_error_nomem() : NULL;
}

void beamc__print_widen(size_t *columns, const char *text)
{
    size_t size = strlen(text);

    if (size > *columns)
        *columns = size;
}
