/* SPDX-License-Identifier: Apache-2.0 */
/* The generated messages: that their bytes are Beam's where the .proto files here are written
 * differently, and that bytes from outside cannot do harm. */
#include "proto/beam.h"
#include "proto/unpack.h"
#include "proto/urns.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

START_TEST(unset_optional_field_has_no_bytes)
{
    FN(ProcessBundleProgressResponse) response = FNK(PROCESS_BUNDLE_PROGRESS_RESPONSE__INIT);

    ck_assert_uint_eq(fn(process_bundle_progress_response__get_packed_size)(&response), 0);
}
END_TEST

/* What tells an optional field from a plain one: false is sent. */
START_TEST(optional_field_is_sent_even_if_zero)
{
    const uint8_t expected[] = { 0x30, 0x00 };
    uint8_t bytes[sizeof(expected)];
    FN(ProcessBundleProgressResponse) response = FNK(PROCESS_BUNDLE_PROGRESS_RESPONSE__INIT);

    response.optional_consuming_received_data_case =
        FNK(PROCESS_BUNDLE_PROGRESS_RESPONSE__OPTIONAL_CONSUMING_RECEIVED_DATA_CONSUMING_RECEIVED_DATA);
    response.consuming_received_data = 0;
    ck_assert_uint_eq(fn(process_bundle_progress_response__get_packed_size)(&response),
                      sizeof(expected));
    fn(process_bundle_progress_response__pack)(&response, bytes);
    ck_assert_mem_eq(bytes, expected, sizeof(expected));
}
END_TEST

/* FunctionSpec{urn 1, payload 3} within Coder{spec 1, component_coder_ids 2}. */
static const uint8_t kv_coder[] = {
    0x0a, 0x12, 0x0a, 0x10, 'b', 'e', 'a', 'm', ':', 'c', 'o', 'd', 'e', 'r', ':', 'k', 'v', ':',
    'v', '1', 0x12, 0x01, 'a', 0x12, 0x01, 'b',
};

START_TEST(coder_packs_to_the_published_fields)
{
    PB(FunctionSpec) spec = PBK(FUNCTION_SPEC__INIT);
    PB(Coder) coder = PBK(CODER__INIT);
    char *components[] = { (char *)"a", (char *)"b" };
    uint8_t bytes[sizeof(kv_coder)];

    spec.urn = (char *)BEAMC_URN_CODER_KV;
    coder.spec = &spec;
    coder.n_component_coder_ids = 2;
    coder.component_coder_ids = components;
    ck_assert_uint_eq(pb(coder__get_packed_size)(&coder), sizeof(kv_coder));
    pb(coder__pack)(&coder, bytes);
    ck_assert_mem_eq(bytes, kv_coder, sizeof(kv_coder));
}
END_TEST

START_TEST(coder_unpacks_from_the_published_fields)
{
    PB(Coder) *coder =
        BEAMC__UNPACK(PB(Coder), pb(coder__descriptor), NULL, sizeof(kv_coder), kv_coder);

    ck_assert_ptr_nonnull(coder);
    ck_assert_str_eq(coder->spec->urn, BEAMC_URN_CODER_KV);
    ck_assert_uint_eq(coder->n_component_coder_ids, 2);
    ck_assert_str_eq(coder->component_coder_ids[1], "b");
    pb(coder__free_unpacked)(coder, NULL);
}
END_TEST

/* Cut between fields it is a shorter message; anywhere else it is refused. */
START_TEST(truncated_coder_is_refused)
{
    size_t size = (size_t)_i;
    uint8_t *copy = malloc(size + 1);   /* of this size, so that a read past it is noticed */

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, kv_coder, size);
    PB(Coder) *coder = BEAMC__UNPACK(PB(Coder), pb(coder__descriptor), NULL, size, copy);
    ck_assert_int_eq(coder != NULL, size == 0 || size == 20 || size == 23);
    if (coder != NULL)
        pb(coder__free_unpacked)(coder, NULL);
    free(copy);
}
END_TEST

/* Triggers within each other, with Repeat{subtrigger 1} in Trigger.repeat 11, made from the inside
 * out at the end of a buffer. */
static PB(Trigger) *unpack_nested_triggers(size_t levels)
{
    size_t room = 16 * levels + 1;
    uint8_t *buffer = malloc(room);
    uint8_t *start = buffer + room;

    ck_assert_ptr_nonnull(buffer);
    for (size_t i = 0; i < 2 * levels; i++) {
        uint8_t header[8];
        size_t used = 0, size = (size_t)(buffer + room - start);
        header[used++] = i % 2 == 0 ? 0x0a : 0x5a;
        for (; size >= 0x80; size >>= 7)
            header[used++] = (uint8_t)(size | 0x80);
        header[used++] = (uint8_t)size;
        start -= used;
        memcpy(start, header, used);
    }
    PB(Trigger) *trigger = BEAMC__UNPACK(PB(Trigger), pb(trigger__descriptor), NULL,
                                         (size_t)(buffer + room - start), start);
    free(buffer);
    return trigger;
}

START_TEST(nested_triggers_unpack)
{
    PB(Trigger) *trigger = unpack_nested_triggers(BEAMC__PROTO_DEPTH / 2);

    ck_assert_ptr_nonnull(trigger);
    ck_assert_ptr_nonnull(trigger->repeat->subtrigger->repeat);
    pb(trigger__free_unpacked)(trigger, NULL);
}
END_TEST

START_TEST(deeper_triggers_are_refused)
{
    ck_assert_ptr_null(unpack_nested_triggers(BEAMC__PROTO_DEPTH / 2 + 1));
    ck_assert_ptr_null(unpack_nested_triggers(100000));
}
END_TEST

Suite *suite_messages(void)
{
    Suite *suite = suite_create("messages");
    TCase *tcase = tcase_create("messages");

    tcase_add_test(tcase, unset_optional_field_has_no_bytes);
    tcase_add_test(tcase, optional_field_is_sent_even_if_zero);
    tcase_add_test(tcase, coder_packs_to_the_published_fields);
    tcase_add_test(tcase, coder_unpacks_from_the_published_fields);
    tcase_add_loop_test(tcase, truncated_coder_is_refused, 0, sizeof(kv_coder));
    tcase_add_test(tcase, nested_triggers_unpack);
    tcase_add_test(tcase, deeper_triggers_are_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
