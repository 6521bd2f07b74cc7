/* SPDX-License-Identifier: Apache-2.0 */
#include "print.h"

#include <string.h>

beamc_error *beamc__print(const beamc__call *call, beamc_buffer *text)
{
    bool failed = beamc_buffer_failed(text);

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
