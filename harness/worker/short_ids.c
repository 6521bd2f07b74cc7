/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/short_ids.h"

#include "proto/unpack.h"
#include "sdk/base/arena_proto.h"
#include "sdk/base/table.h"
#include <beamc/type.h>
#include <stdlib.h>
#include <uv.h>

/* A metric by its serialized message without payload, which is the key in one table and the value in
 * the other. */
struct beamc__short_ids {
    uv_mutex_t lock;
    char *prefix;
    beamc_arena *arena;
    beamc__table *ids;   /* message -> id */
    beamc__table *infos; /* id -> beamc_bytes of the message */
};

beamc__short_ids *beamc__short_ids_new(const char *prefix)
{
    beamc__short_ids *ids = calloc(1, sizeof(*ids));

    if (ids == NULL)
        return NULL;
    if (uv_mutex_init(&ids->lock) < 0) {
        free(ids);
        return NULL;
    }
    ids->prefix = strdup(prefix);
    ids->arena = beamc_arena_new();
    ids->ids = beamc__table_new();
    ids->infos = beamc__table_new();
    if (ids->prefix == NULL || ids->arena == NULL || ids->ids == NULL || ids->infos == NULL) {
        beamc__short_ids_free(ids);
        return NULL;
    }
    return ids;
}

void beamc__short_ids_free(beamc__short_ids *ids)
{
    if (ids == NULL)
        return;
    beamc__table_free(ids->ids);
    beamc__table_free(ids->infos);
    beamc_arena_free(ids->arena);
    free(ids->prefix);
    uv_mutex_destroy(&ids->lock);
    free(ids);
}

static const char *new_id(beamc__short_ids *ids)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    size_t number = beamc__table_count(ids->ids) + 1;
    char text[16];
    size_t at = sizeof(text) - 1;

    text[at] = '\0';
    for (; number > 0; number /= 36)
        text[--at] = digits[number % 36];
    return beamc_arena_printf(ids->arena, "%s%s", ids->prefix, text + at);
}

static const char *find_or_add(beamc__short_ids *ids, const uint8_t *message, size_t size)
{
    const char *id = beamc__table_get(ids->ids, message, size);

    if (id != NULL)
        return id;
    id = new_id(ids);
    beamc_bytes *bytes = beamc_arena_alloc(ids->arena, sizeof(*bytes));
    uint8_t *copy = beamc_arena_memdup(ids->arena, message, size);
    if (id == NULL || bytes == NULL || copy == NULL)
        return NULL;
    *bytes = (beamc_bytes){ copy, size };
    if (beamc__table_puts(ids->infos, id, bytes) < 0 ||
        beamc__table_put(ids->ids, copy, size, (void *)id) < 0)
        return NULL;
    return id;
}

const char *beamc__short_ids_of(beamc__short_ids *ids, const PB(MonitoringInfo) *info)
{
    PB(MonitoringInfo) bare = *info;
    uint8_t small[512];

    bare.payload = (ProtobufCBinaryData){ 0, NULL };
    size_t size = pb(monitoring_info__get_packed_size)(&bare);
    uint8_t *message = size <= sizeof(small) ? small : malloc(size);
    if (message == NULL)
        return NULL;
    pb(monitoring_info__pack)(&bare, message);
    uv_mutex_lock(&ids->lock);
    const char *id = find_or_add(ids, message, size);
    uv_mutex_unlock(&ids->lock);
    if (message != small)
        free(message);
    return id;
}

PB(MonitoringInfo) *beamc__short_ids_info(beamc__short_ids *ids, const char *id,
                                          beamc_arena *arena)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(arena);

    uv_mutex_lock(&ids->lock);
    const beamc_bytes *bytes = beamc__table_gets(ids->infos, id);
    uv_mutex_unlock(&ids->lock);
    if (bytes == NULL)
        return NULL;
    return BEAMC__UNPACK(PB(MonitoringInfo), pb(monitoring_info__descriptor), &allocator,
                         bytes->size, bytes->data);
}
