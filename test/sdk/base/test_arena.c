/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: allocations, marks, reuse and failure.  With one block per allocation (AddressSanitizer)
 * the same tests hold, except those of the number of allocations. */
#include "test/alloc.h"
#include <beamc/arena.h>
#include <check.h>
#include <malloc.h>
#include <stdalign.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#define BLOCKS_ARE_SHARED false
#else
#define BLOCKS_ARE_SHARED true
#endif

static beamc_arena *arena;

static void set_up(void)
{
    arena = beamc_arena_new();
    ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
    test_alloc_fail_at(-1);
    beamc_arena_free(arena);
}

START_TEST(allocations_are_aligned_and_apart)
{
    uint8_t *all[2000];
    size_t count = sizeof(all) / sizeof(all[0]);
    size_t total = 0;

    for (size_t i = 0; i < count; i++) {
        all[i] = beamc_arena_alloc(arena, i);
        ck_assert_ptr_nonnull(all[i]);
        ck_assert_uint_eq((uintptr_t)all[i] % alignof(max_align_t), 0);
        memset(all[i], (int)i, i);
        total += i;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t expected[sizeof(all) / sizeof(all[0])];
        memset(expected, (int)i, i);
        ck_assert_int_eq(memcmp(all[i], expected, i), 0);
    }
    ck_assert_uint_ge(beamc_arena_used(arena), total);
    ck_assert(!beamc_arena_failed(arena));
}
END_TEST

START_TEST(strings_end_in_nul)
{
    ck_assert_str_eq(beamc_arena_strdup(arena, ""), "");
    ck_assert_str_eq(beamc_arena_strdup(arena, "word"), "word");
    ck_assert_str_eq(beamc_arena_strndup(arena, "wording", 4), "word");
    ck_assert_str_eq(beamc_arena_strndup(arena, NULL, 0), "");
    ck_assert_str_eq(beamc_arena_printf(arena, "%s: %d", "count", 12), "count: 12");
    ck_assert_uint_eq((uintptr_t)beamc_arena_alloc(arena, 1) % alignof(max_align_t), 0);

    char text[70000];
    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ck_assert_str_eq(beamc_arena_printf(arena, "%s", text), text);
}
END_TEST

START_TEST(copies_and_cleared_memory)
{
    const uint8_t bytes[] = { 1, 0, 2 };
    uint8_t *copy = beamc_arena_memdup(arena, bytes, sizeof(bytes));

    ck_assert_ptr_ne(copy, bytes);
    ck_assert_mem_eq(copy, bytes, sizeof(bytes));
    ck_assert_ptr_nonnull(beamc_arena_memdup(arena, NULL, 0));

    /* Memory that was used before is cleared too. */
    memset(beamc_arena_alloc(arena, 4096), 0xff, 4096);
    beamc_arena_reset(arena);
    uint8_t *cleared = beamc_arena_calloc(arena, 512, 8);
    ck_assert_uint_eq(cleared[0], 0);
    ck_assert_int_eq(memcmp(cleared, cleared + 1, 4095), 0);
}
END_TEST

START_TEST(a_rewind_gives_memory_back)
{
    char *kept = beamc_arena_strdup(arena, "kept");
    beamc_arena_mark mark = beamc_arena_save(arena);
    size_t used = beamc_arena_used(arena);
    long allocations = 0;

    for (int round = 0; round < 100; round++) {
        if (round == 1)
            test_alloc_fail_at(-1);
        for (int i = 0; i < 300; i++)
            memset(beamc_arena_alloc(arena, 1000), round, 1000);
        ck_assert_uint_ge(beamc_arena_used(arena), used + 300 * 1000);
        beamc_arena_rewind(arena, mark);
        ck_assert_uint_eq(beamc_arena_used(arena), used);
    }
    allocations = test_alloc_count();
    if (BLOCKS_ARE_SHARED)
        ck_assert_int_eq(allocations, 0); /* all rounds but the first found their blocks */
    ck_assert_str_eq(kept, "kept");
}
END_TEST

START_TEST(marks_nest)
{
    enum { DEPTH = 50 };
    beamc_arena_mark marks[DEPTH];
    size_t used[DEPTH];
    char *texts[DEPTH];

    for (int i = 0; i < DEPTH; i++) {
        marks[i] = beamc_arena_save(arena);
        used[i] = beamc_arena_used(arena);
        texts[i] = beamc_arena_printf(arena, "%0*d", 1 + i * 100, i);
    }
    for (int i = DEPTH - 1; i >= 0; i--) {
        ck_assert_uint_eq(strlen(texts[i]), 1 + (size_t)i * 100);
        beamc_arena_rewind(arena, marks[i]);
        ck_assert_uint_eq(beamc_arena_used(arena), used[i]);
    }
    ck_assert_uint_eq(beamc_arena_used(arena), 0);
    ck_assert_str_eq(beamc_arena_strdup(arena, "again"), "again");
}
END_TEST

START_TEST(a_rewind_to_an_empty_arena)
{
    beamc_arena_mark mark = beamc_arena_save(arena);

    memset(beamc_arena_alloc(arena, 100000), 1, 100000);
    beamc_arena_rewind(arena, mark);
    ck_assert_uint_eq(beamc_arena_used(arena), 0);
    memset(beamc_arena_alloc(arena, 100000), 2, 100000);
    ck_assert_uint_ge(beamc_arena_used(arena), 100000);
}
END_TEST

static size_t memory_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Elements that grow from one to the next must not leave all their blocks behind. */
START_TEST(growing_elements_leave_nothing_behind)
{
    size_t before = memory_in_use();
    beamc_arena_mark mark = beamc_arena_save(arena);
    size_t size = 2 << 20;

    for (int i = 0; i < 200; i++) {
        char *memory = beamc_arena_alloc(arena, size + (size_t)i);
        ck_assert_ptr_nonnull(memory);
        memory[size - 1] = 1;
        ck_assert_ptr_nonnull(beamc_arena_alloc(arena, 100));
        beamc_arena_rewind(arena, mark);
    }
    ck_assert_uint_lt(memory_in_use() - before, 3 * size); /* 0 where a sanitizer has the heap */
    test_alloc_fail_at(-1);
    ck_assert_ptr_nonnull(beamc_arena_alloc(arena, size));
    if (BLOCKS_ARE_SHARED)
        ck_assert_int_eq(test_alloc_count(), 0);
}
END_TEST

START_TEST(a_reset_starts_over_and_keeps_a_block)
{
    for (int i = 0; i < 1000; i++)
        ck_assert_ptr_nonnull(beamc_arena_alloc(arena, 1000));
    ck_assert_ptr_nonnull(beamc_arena_alloc(arena, 5 << 20));
    beamc_arena_reset(arena);
    ck_assert_uint_eq(beamc_arena_used(arena), 0);

    test_alloc_fail_at(BLOCKS_ARE_SHARED ? 0 : -1);
    ck_assert_str_eq(beamc_arena_strdup(arena, "from the kept block"), "from the kept block");
    test_alloc_fail_at(-1);
    beamc_arena_reset(arena);
    beamc_arena_reset(arena);
    ck_assert_uint_eq(beamc_arena_used(arena), 0);
}
END_TEST

START_TEST(failure_is_sticky_until_reset)
{
    test_alloc_fail_at(0);
    ck_assert_ptr_null(beamc_arena_alloc(arena, 100000));
    ck_assert(test_alloc_failed());
    ck_assert(beamc_arena_failed(arena));
    beamc_arena_mark mark = beamc_arena_save(arena);
    ck_assert_ptr_null(beamc_arena_alloc(arena, 0));
    ck_assert_ptr_null(beamc_arena_calloc(arena, 1, 1));
    ck_assert_ptr_null(beamc_arena_memdup(arena, "x", 1));
    ck_assert_ptr_null(beamc_arena_strdup(arena, "x"));
    ck_assert_ptr_null(beamc_arena_printf(arena, "%d", 1));
    beamc_arena_rewind(arena, mark);
    ck_assert(beamc_arena_failed(arena));

    beamc_arena_reset(arena);
    ck_assert(!beamc_arena_failed(arena));
    ck_assert_str_eq(beamc_arena_strdup(arena, "back"), "back");
}
END_TEST

START_TEST(what_was_there_survives_a_failure)
{
    char *text = beamc_arena_strdup(arena, "here before");

    test_alloc_fail_at(0);
    ck_assert_ptr_null(beamc_arena_alloc(arena, 10 << 20));
    ck_assert_str_eq(text, "here before");
}
END_TEST

START_TEST(sizes_that_overflow_fail)
{
    static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 8, SIZE_MAX - 64, (size_t)PTRDIFF_MAX,
                                    (size_t)PTRDIFF_MAX + 1 };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ck_assert_ptr_nonnull(beamc_arena_alloc(arena, 1));
        ck_assert_ptr_null(beamc_arena_alloc(arena, sizes[i]));
        ck_assert(beamc_arena_failed(arena));
        beamc_arena_reset(arena);
        ck_assert_ptr_null(beamc_arena_strndup(arena, "", sizes[i]));
        ck_assert(beamc_arena_failed(arena));
        beamc_arena_reset(arena);
    }
    ck_assert_ptr_null(beamc_arena_calloc(arena, SIZE_MAX / 2, 3));
    ck_assert(beamc_arena_failed(arena));
}
END_TEST

START_TEST(every_allocation_fails_once)
{
    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        beamc_arena *mine = beamc_arena_new();
        bool whole = mine != NULL;
        for (size_t i = 0; i < 40 && whole; i++)
            whole = beamc_arena_calloc(mine, i, 1000) != NULL;
        bool failed = test_alloc_failed();
        ck_assert(whole == !failed);
        beamc_arena_free(mine);
        if (!failed)
            break;
    }
}
END_TEST

START_TEST(freeing_none_is_fine)
{
    beamc_arena_free(NULL);
}
END_TEST

Suite *suite_arena(void)
{
    Suite *suite = suite_create("arena");
    TCase *tc = tcase_create("arena");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, allocations_are_aligned_and_apart);
    tcase_add_test(tc, strings_end_in_nul);
    tcase_add_test(tc, copies_and_cleared_memory);
    tcase_add_test(tc, a_rewind_gives_memory_back);
    tcase_add_test(tc, marks_nest);
    tcase_add_test(tc, a_rewind_to_an_empty_arena);
    tcase_add_test(tc, growing_elements_leave_nothing_behind);
    tcase_add_test(tc, a_reset_starts_over_and_keeps_a_block);
    tcase_add_test(tc, failure_is_sticky_until_reset);
    tcase_add_test(tc, what_was_there_survives_a_failure);
    tcase_add_test(tc, sizes_that_overflow_fail);
    tcase_add_test(tc, every_allocation_fails_once);
    tcase_add_test(tc, freeing_none_is_fine);
    suite_add_tcase(suite, tc);
    return suite;
}
