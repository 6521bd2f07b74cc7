/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers and readers. */
#include "test/alloc.h"
#include <beamc/buffer.h>
#include <check.h>
#include <stdio.h>

static beamc_buffer buffer;

static void set_up(void)
{
    beamc_buffer_init(&buffer);
}

static void tear_down(void)
{
    test_alloc_fail_at(-1);
    beamc_buffer_dispose(&buffer);
}

START_TEST(what_is_appended_is_there)
{
    for (unsigned i = 0; i < 10000; i++) {
        beamc_buffer_append_byte(&buffer, (uint8_t)i);
        beamc_buffer_append_string(&buffer, "ab");
        beamc_buffer_append(&buffer, "\0c", 2);
        beamc_buffer_append(&buffer, NULL, 0);
    }
    ck_assert(!beamc_buffer_failed(&buffer));
    ck_assert_uint_eq(buffer.size, 50000);
    for (unsigned i = 0; i < 10000; i++) {
        const uint8_t expected[] = { (uint8_t)i, 'a', 'b', 0, 'c' };
        ck_assert_mem_eq(buffer.data + 5 * i, expected, sizeof(expected));
    }
}
END_TEST

START_TEST(memory_at_least_doubles)
{
    test_alloc_fail_at(-1);
    for (int i = 0; i < 1 << 20; i++)
        beamc_buffer_append_byte(&buffer, 1);
    ck_assert_int_le(test_alloc_count(), 20);
}
END_TEST

START_TEST(clearing_keeps_the_memory)
{
    beamc_buffer_append_string(&buffer, "some text");
    const uint8_t *data = buffer.data;
    beamc_buffer_clear(&buffer);
    ck_assert_uint_eq(buffer.size, 0);
    beamc_buffer_append_string(&buffer, "other");
    ck_assert_ptr_eq(buffer.data, data);
}
END_TEST

START_TEST(disposed_buffers_can_be_used_again)
{
    beamc_buffer_append_string(&buffer, "some text");
    beamc_buffer_dispose(&buffer);
    ck_assert_ptr_null(buffer.data);
    ck_assert_uint_eq(buffer.size, 0);
    beamc_buffer_append_string(&buffer, "again");
    ck_assert_mem_eq(buffer.data, "again", 5);
}
END_TEST

START_TEST(reserved_room_is_written_directly)
{
    uint8_t *to = beamc_buffer_reserve(&buffer, 1000);

    ck_assert_ptr_nonnull(to);
    memset(to, 'r', 1000);
    ck_assert_uint_eq(buffer.size, 0);
    buffer.size += 1000;
    ck_assert_ptr_eq(beamc_buffer_reserve(&buffer, 0), buffer.data + 1000);
    ck_assert(beamc_buffer_grow(&buffer, 0));
}
END_TEST

/* Texts of each length into the same buffer: some fit the room left, some just do not. */
START_TEST(texts_are_formatted_whatever_the_room)
{
    char expected[300];
    int length = _i;

    memset(expected, ' ', sizeof(expected));
    snprintf(expected, sizeof(expected), "%*d", length == 0 ? 1 : length, 7);
    beamc_buffer_printf(&buffer, "%s", "");
    ck_assert_uint_eq(buffer.size, 0);
    for (int i = 0; i < 20; i++)
        beamc_buffer_printf(&buffer, "%s", expected);
    size_t size = strlen(expected);
    ck_assert_uint_eq(buffer.size, 20 * size);
    for (size_t i = 0; i < 20; i++)
        ck_assert_mem_eq(buffer.data + i * size, expected, size);
}
END_TEST

START_TEST(failure_is_sticky_until_cleared)
{
    beamc_buffer_append_string(&buffer, "before");
    test_alloc_fail_at(0);
    ck_assert_ptr_null(beamc_buffer_reserve(&buffer, 1000));
    ck_assert(beamc_buffer_failed(&buffer));
    ck_assert_uint_eq(buffer.size, 0);
    beamc_buffer_append_byte(&buffer, 1);
    beamc_buffer_append_string(&buffer, "x");
    beamc_buffer_printf(&buffer, "%d", 1);
    ck_assert_ptr_null(beamc_buffer_reserve(&buffer, 0));
    ck_assert(beamc_buffer_failed(&buffer));
    ck_assert_uint_eq(buffer.size, 0);

    beamc_buffer_clear(&buffer);
    beamc_buffer_append_string(&buffer, "after");
    ck_assert(!beamc_buffer_failed(&buffer));
    ck_assert_mem_eq(buffer.data, "after", 5);
}
END_TEST

START_TEST(sizes_that_overflow_fail)
{
    static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 1, (size_t)PTRDIFF_MAX,
                                    (size_t)PTRDIFF_MAX + 1 };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        beamc_buffer_append_byte(&buffer, 1);
        ck_assert(!beamc_buffer_grow(&buffer, sizes[i]));
        ck_assert(beamc_buffer_failed(&buffer));
        beamc_buffer_clear(&buffer);
    }
}
END_TEST

START_TEST(every_allocation_fails_once)
{
    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        for (int i = 0; i < 100; i++) {
            beamc_buffer_append_string(&buffer, "some text");
            beamc_buffer_printf(&buffer, "%d", i);
        }
        bool failed = test_alloc_failed();
        ck_assert(beamc_buffer_failed(&buffer) == failed);
        ck_assert_uint_eq(buffer.size, failed ? 0 : 100 * 9 + 190);
        beamc_buffer_dispose(&buffer);
        if (!failed)
            break;
    }
}
END_TEST

START_TEST(readers_know_what_is_left)
{
    const uint8_t bytes[] = { 1, 2, 3 };
    beamc_reader reader = beamc_reader_of(bytes, sizeof(bytes));

    for (size_t left = sizeof(bytes); left > 0; left--) {
        ck_assert_uint_eq(beamc_reader_left(&reader), left);
        reader.at++;
    }
    ck_assert_uint_eq(beamc_reader_left(&reader), 0);
}
END_TEST

Suite *suite_buffer(void)
{
    Suite *suite = suite_create("buffer");
    TCase *tc = tcase_create("buffer");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, what_is_appended_is_there);
    tcase_add_test(tc, memory_at_least_doubles);
    tcase_add_test(tc, clearing_keeps_the_memory);
    tcase_add_test(tc, disposed_buffers_can_be_used_again);
    tcase_add_test(tc, reserved_room_is_written_directly);
    tcase_add_loop_test(tc, texts_are_formatted_whatever_the_room, 0, 140);
    tcase_add_test(tc, failure_is_sticky_until_cleared);
    tcase_add_test(tc, sizes_that_overflow_fail);
    tcase_add_test(tc, every_allocation_fails_once);
    tcase_add_test(tc, readers_know_what_is_left);
    suite_add_tcase(suite, tc);
    return suite;
}
