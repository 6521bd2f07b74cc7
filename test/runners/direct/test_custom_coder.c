/* SPDX-License-Identifier: Apache-2.0 */
/* A type with a coder of the program's own goes through a grouping. */
#include "test/sdk/transforms/collect.h"

#include <beamc/pipeline.h>

#include <check.h>

/* Two bytes, the high one first. */
typedef struct {
    uint16_t number;
} port;
typedef port beamc_t_port;

static int port_encode(const beamc_type *type BEAMC_UNUSED, const void *value,
                       bool nested BEAMC_UNUSED, beamc_buffer *out)
{
    uint16_t number = ((const port *)value)->number;
    beamc_buffer_append_byte(out, (uint8_t)(number >> 8));
    beamc_buffer_append_byte(out, (uint8_t)number);
    return beamc_buffer_failed(out) ? BEAMC_ENOMEM : BEAMC_OK;
}

static int port_decode(const beamc_type *type BEAMC_UNUSED, void *value, bool nested BEAMC_UNUSED,
                       beamc_reader *in, beamc_arena *arena BEAMC_UNUSED)
{
    if (beamc_reader_left(in) < 2)
        return BEAMC_ESHORT;
    ((port *)value)->number = (uint16_t)(in->at[0] << 8 | in->at[1]);
    in->at += 2;
    return BEAMC_OK;
}

static int port_copy(const beamc_type *type BEAMC_UNUSED, void *to, const void *from,
                     beamc_arena *arena BEAMC_UNUSED)
{
    *(port *)to = *(const port *)from;
    return BEAMC_OK;
}

static const beamc_coder_ops port_coder = { "beam:coder:testport:v1", port_encode, port_decode,
                                            port_copy, NULL, NULL, true };
static const beamc_type beamc_type_port = { "port", BEAMC_KIND_CUSTOM, sizeof(port),
                                            _Alignof(port), NULL, 0, NULL, &port_coder, NULL };

BEAMC_KV(port_use, port, int64)
BEAMC_ITERABLE(custom_uses, int64)
BEAMC_KV(port_uses, port, custom_uses)

BEAMC_DOFN(use_port, int64, port_use)
{
    port_use use = { { (uint16_t)(*element % 2 + 443) }, *element };
    return beamc_emit(ctx, &use);
}

BEAMC_DOFN(sum_uses, port_uses, string)
{
    beamc_iterator iterator;
    int64_t use;
    int64_t sum = 0;

    beamc_iterate(&iterator, &element->value);
    while (beamc_next(&iterator, &use))
        sum += use;
    BEAMC_TRY(beamc_iterator_finish(&iterator));
    return beamc_emitf(ctx, "%d: %d", element->key.number, (int)sum);
}

START_TEST(a_coder_of_the_programs_own_carries_keys)
{
    const int64_t numbers[] = { 1, 2, 3, 4, 5 };
    beamc_pipeline *pipeline = collect_pipeline();
    beamc_pcollection in = beamc_create(pipeline, BEAMC_TYPE(int64), numbers, 5);
    beamc_pcollection grouped = beamc_group_by_key(beamc_par_do(in, &use_port));

    collect_check(beamc_par_do(grouped, &sum_uses), "443: 6\n444: 9\n");
}
END_TEST

Suite *suite_custom_coder(void)
{
    Suite *suite = suite_create("custom_coder");
    TCase *tc = tcase_create("custom_coder");

    tcase_add_test(tc, a_coder_of_the_programs_own_carries_keys);
    suite_add_tcase(suite, tc);
    return suite;
}
