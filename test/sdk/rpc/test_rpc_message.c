/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: slices in, slices out, and whose they are. */
#include "sdk/rpc/message.h"

#include "peer.h"
#include "proto/beam.h"
#include "sdk/rpc/pack.h"
#include "test/alloc.h"
#include <check.h>
#include <stdlib.h>

static int released;

static void release(void *ctx)
{
    released += *(int *)ctx;
}

START_TEST(slices_are_in_order)
{
    static const char text[] = "abcdefghijklmnopqrstuvwxyz";
    beamc__rpc_message *message = beamc__rpc_message_new();
    size_t count;
    uint8_t *copy;

    ck_assert_uint_eq(beamc__rpc_message_size(message), 0);
    ck_assert_ptr_nonnull(beamc__rpc_message_flat(message, &copy));
    for (size_t i = 0; i < 26; i++) {
        if (i % 2 == 0)
            ck_assert_int_eq(beamc__rpc_message_append(message, text + i, 1), BEAMC_OK);
        else
            ck_assert_int_eq(beamc__rpc_message_append_owned(message, text + i, 1, NULL, NULL),
                             BEAMC_OK);
        ck_assert_int_eq(beamc__rpc_message_append(message, NULL, 0), BEAMC_OK);
    }
    ck_assert_uint_eq(beamc__rpc_message_size(message), 26);
    beamc__rpc_message_slices(message, &count);
    ck_assert_uint_eq(count, 26);
    ck_assert_int_eq(memcmp(beamc__rpc_message_flat(message, &copy), text, 26), 0);
    ck_assert_ptr_nonnull(copy);
    free(copy);
    beamc__rpc_message_unref(message);
    beamc__rpc_message_unref(NULL);
}
END_TEST

START_TEST(owned_bytes_are_released_once)
{
    int one = 1, ten = 10, hundred = 100, thousand = 1000;
    beamc__rpc_message *message = beamc__rpc_message_new();

    ck_assert_int_eq(beamc__rpc_message_append_owned(message, "a", 1, release, &one), BEAMC_OK);
    ck_assert_int_eq(beamc__rpc_message_append_owned(message, "b", 1, release, &ten), BEAMC_OK);
    /* Nothing of an empty slice is kept. */
    ck_assert_int_eq(beamc__rpc_message_append_owned(message, "", 0, release, &hundred), BEAMC_OK);
    ck_assert_int_eq(released, 100);
    /* Neither of one that is too much. */
    ck_assert_int_eq(
        beamc__rpc_message_append_owned(message, "", BEAMC__RPC_MESSAGE_MAX, release, &thousand),
        BEAMC_ELIMIT);
    ck_assert_int_eq(released, 1100);
    beamc__rpc_message_ref(message);
    beamc__rpc_message_unref(message);
    ck_assert_int_eq(released, 1100);
    beamc__rpc_message_unref(message);
    ck_assert_int_eq(released, 1111);
}
END_TEST

START_TEST(buffers_become_messages)
{
    beamc_buffer buffer;

    beamc_buffer_init(&buffer);
    beamc_buffer_append_string(&buffer, "some text");
    const uint8_t *data = buffer.data;
    beamc__rpc_message *message = beamc__rpc_message_of(&buffer);
    size_t count;
    ck_assert_ptr_eq(beamc__rpc_message_slices(message, &count)[0].data, data);
    ck_assert_uint_eq(count, 1);
    ck_assert_ptr_null(buffer.data);
    beamc__rpc_message_unref(message);

    message = beamc__rpc_message_of(&buffer);
    ck_assert_uint_eq(beamc__rpc_message_size(message), 0);
    beamc__rpc_message_unref(message);
}
END_TEST

static PB(Coder) coder_message(void)
{
    static PB(FunctionSpec) spec = PBK(FUNCTION_SPEC__INIT);
    static char *components[] = { "a", "b" };
    PB(Coder) coder = PBK(CODER__INIT);

    spec.urn = "beam:coder:kv:v1";
    coder.spec = &spec;
    coder.component_coder_ids = components;
    coder.n_component_coder_ids = 2;
    return coder;
}

START_TEST(protobuf_messages_go_in_and_out)
{
    PB(Coder) coder = coder_message();
    beamc_arena *arena = beamc_arena_new();
    ProtobufCMessage *out;

    beamc__rpc_message *message = beamc__rpc_pack(&coder.base);
    must(beamc__rpc_unpack(&out, message, &pb(coder__descriptor), arena));
    ck_assert_str_eq(((PB(Coder) *)out)->component_coder_ids[1], "b");
    beamc__rpc_message_unref(message);

    message = beamc__rpc_message_copy("\xff\xff", 2);
    ck_assert_str_eq(error_text(beamc__rpc_unpack(&out, message, &pb(coder__descriptor), arena)),
                     "org.apache.beam.model.pipeline.v1.Coder: malformed message of 2 bytes");
    ck_assert_ptr_null(out);
    beamc__rpc_message_unref(message);
    beamc_arena_free(arena);
}
END_TEST

static int build_and_unpack(void)
{
    PB(Coder) coder = coder_message();
    beamc_arena *arena = beamc_arena_new();
    beamc__rpc_message *message = beamc__rpc_message_new();
    beamc__rpc_message *packed = beamc__rpc_pack(&coder.base);
    ProtobufCMessage *out;
    int one = 1;
    int code = arena == NULL || message == NULL || packed == NULL ? BEAMC_ENOMEM : BEAMC_OK;

    for (int i = 0; i < 10 && code == BEAMC_OK; i++) {
        code = beamc__rpc_message_append(message, "abc", 3);
        if (code == BEAMC_OK)
            code = beamc__rpc_message_append_owned(message, "abc", 3, release, &one);
    }
    if (code == BEAMC_OK) {
        beamc_error *error = beamc__rpc_unpack(&out, packed, &pb(coder__descriptor), arena);
        code = beamc_error_code(error);
        beamc_error_free(error);
    }
    beamc__rpc_message_unref(message);
    beamc__rpc_message_unref(packed);
    beamc_arena_free(arena);
    return code;
}

START_TEST(no_memory_is_told)
{
    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        int code = build_and_unpack();
        if (!test_alloc_failed()) {
            ck_assert_int_eq(code, BEAMC_OK);
            break;
        }
        ck_assert_int_eq(code, BEAMC_ENOMEM);
    }
    test_alloc_fail_at(-1);
}
END_TEST

/* ---- over the wire ---- */

START_TEST(many_slices_arrive_as_one_message)
{
    beamc__rpc_message *message = beamc__rpc_message_new();
    beamc__rpc_message *pattern = make_pattern(100000, 5);
    beamc__rpc_message *response = NULL;
    const uint8_t *bytes;
    uint8_t *copy;
    int one = 1;

    bytes = beamc__rpc_message_flat(pattern, &copy);
    for (size_t at = 0, size = 1; at < 100000; at += size, size = size * 3 / 2 + 1) {
        if (size > 100000 - at)
            size = 100000 - at;
        ck_assert_int_eq(beamc__rpc_message_append_owned(message, bytes + at, size, release, &one),
                         BEAMC_OK);
    }
    size_t count;
    beamc__rpc_message_slices(message, &count);
    must(beamc__rpc_call(&response, NULL, the_peer.channel, "/test.Calls/Echo", message,
                         PATIENCE_MS));
    check_pattern(response, 100000, 5);
    beamc__rpc_message_unref(message);
    beamc__rpc_message_unref(response);
    /* The transport has let go of all of it at the latest when its connection is gone. */
    beamc__rpc_channel_free(the_peer.channel);
    the_peer.channel = NULL;
    ck_assert_int_eq(released, (int)count);
    beamc__rpc_message_unref(pattern);
}
END_TEST

START_TEST(calls_take_protobuf_messages)
{
    PB(Coder) coder = coder_message();
    beamc_arena *arena = beamc_arena_new();
    beamc__rpc_code code;
    ProtobufCMessage *out;

    must(beamc__rpc_call_packed(&out, &code, the_peer.channel, "/test.Calls/Echo", &coder.base,
                                &pb(coder__descriptor), arena, PATIENCE_MS));
    ck_assert_str_eq(((PB(Coder) *)out)->spec->urn, "beam:coder:kv:v1");
    ck_assert_int_eq(code, BEAMC__RPC_OK);
    beamc_error *error =
        beamc__rpc_call_packed(&out, &code, the_peer.channel, "/test.Calls/Fail", &coder.base,
                               &pb(coder__descriptor), arena, PATIENCE_MS);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ENOENT);
    ck_assert_ptr_null(out);
    beamc_error_free(error);
    beamc_arena_free(arena);
}
END_TEST

Suite *suite_rpc_message(void)
{
    Suite *suite = suite_create("rpc_message");
    TCase *tc = tcase_create("messages");

    tcase_add_test(tc, slices_are_in_order);
    tcase_add_test(tc, owned_bytes_are_released_once);
    tcase_add_test(tc, buffers_become_messages);
    tcase_add_test(tc, protobuf_messages_go_in_and_out);
    tcase_add_test(tc, no_memory_is_told);
    suite_add_tcase(suite, tc);

    tc = tcase_create("wire");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, peer_setup, peer_teardown);
    tcase_add_test(tc, many_slices_arrive_as_one_message);
    tcase_add_test(tc, calls_take_protobuf_messages);
    suite_add_tcase(suite, tc);
    return suite;
}
