/* SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/worker/messages.h"

#include "sdk/coders/varint.h"
#include "sdk/coders/windowed.h"
#include <stdlib.h>

#define INNER_MAX 256 /* what stands before the elements */

/* Protobuf wire: field << 3 | type. */
enum {
    TAG_DATA = 1 << 3 | 2,
    TAG_INSTRUCTION_ID = 1 << 3 | 2,
    TAG_TRANSFORM_ID = 2 << 3 | 2,
    TAG_BYTES = 3 << 3 | 2,
    TAG_IS_LAST = 4 << 3 | 0
};

/* ---- the page ---------------------------------------------------------------------------------- */

static int append_element(beamc_buffer *page, const char *key, size_t key_size, size_t index)
{
    /* From 128 on: two bytes. */
    struct fed element = { { key, key_size }, 128 + (int64_t)(index % 1000) };
    int rc = beamc__element_info_encode(&beamc_element_info_initial, page);

    return rc < 0 ? rc : beamc_encode(&beamc_type_fed, &element, true, page);
}

beamc_error *fed_page_make(fed_page *out, size_t size, size_t key_size)
{
    char *key = malloc(key_size + 1);
    beamc_buffer page;
    int rc = key == NULL ? BEAMC_ENOMEM : BEAMC_OK;

    *out = (fed_page){ 0 };
    beamc_buffer_init(&page);
    if (key != NULL)
        memset(key, 'k', key_size);
    while (rc == BEAMC_OK && (out->count == 0 || page.size + out->element_size <= size)) {
        rc = append_element(&page, key, key_size, out->count++);
        out->element_size = page.size / out->count;
    }
    free(key);
    out->bytes = page.data; /* taken */
    return rc < 0 ? beamc_error_new((beamc_code)rc, "elements: %s", beamc_code_text(rc)) : NULL;
}

void fed_page_dispose(fed_page *page)
{
    free(page->bytes);
}

/* ---- messages ---------------------------------------------------------------------------------- */

static uint8_t *put_string(uint8_t *to, uint8_t tag, const char *string)
{
    size_t size = strlen(string);

    *to++ = tag;
    to = beamc__varint_put(to, size);
    memcpy(to, string, size);
    return to + size;
}

beamc__rpc_message *fed_message(const fed_page *page, const char *instruction, size_t count)
{
    uint8_t inner[INNER_MAX], head[1 + BEAMC__VARINT_MAX];
    size_t size = count * page->element_size;
    uint8_t *to = put_string(inner, TAG_INSTRUCTION_ID, instruction);

    to = put_string(to, TAG_TRANSFORM_ID, "in");
    *to++ = count == 0 ? TAG_IS_LAST : TAG_BYTES;
    to = beamc__varint_put(to, count == 0 ? 1 : size);
    size_t inner_size = (size_t)(to - inner);
    head[0] = TAG_DATA;
    size_t head_size = (size_t)(beamc__varint_put(head + 1, inner_size + size) - head);

    beamc__rpc_message *message = beamc__rpc_message_new();
    if (message == NULL || beamc__rpc_message_append(message, head, head_size) < 0 ||
        beamc__rpc_message_append(message, inner, inner_size) < 0 ||
        beamc__rpc_message_append_owned(message, page->bytes, size, NULL, NULL) < 0) {
        beamc__rpc_message_unref(message);
        return NULL;
    }
    return message;
}
