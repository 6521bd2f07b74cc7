/* SPDX-License-Identifier: Apache-2.0 */
/* Where a channel may be split, and that no element is lost or taken twice while it is. */
#include "harness/exec/data_channel.h"

#include <check.h>

static beamc__data_channel channel;

/* At element @index of a channel that nothing was split off. */
static void begin_at(int64_t index)
{
    ck_assert_int_eq(beamc__data_channel_init(&channel), BEAMC_OK);
    beamc__data_channel_start(&channel, !beamc__data_channel_prepare());
    for (int64_t i = 0; i <= index; i++)
        ck_assert(beamc__data_channel_take(&channel) || beamc__data_channel_ask(&channel, 3));
    ck_assert_int_eq(beamc__data_channel_index(&channel), index);
}

static bool take(void)
{
    return beamc__data_channel_take(&channel) || beamc__data_channel_ask(&channel, 3);
}

static const struct {
    int64_t index;
    double fraction;
    int64_t estimate;
    int64_t allowed[4]; /* up to 0 */
    int64_t stop;       /* 0: there is no split; else the first residual */
} cases[] = {
    /* Before the first element all may go. */
    { -1, 0.5, 16, { 0 }, 8 },
    { -1, 0.25, 16, { 0 }, 4 },
    { -1, 1, 16, { 0 }, 16 },
    /* The element in work stays: half of it is done. */
    { 0, 0, 16, { 0 }, 1 },
    { 2, 0.5, 16, { 0 }, 9 },   /* 0.5 + 13.5 / 2 */
    { 0, 0.25, 16, { 0 }, 4 },  /* 0.5 + 15.5 / 4 */
    { 14, 0, 16, { 0 }, 15 },
    /* Estimates may be too small, and fractions odd. */
    { 5, 0.5, 0, { 0 }, 6 },
    { 5, -1, 100, { 0 }, 6 },
    { 5, 7, 100, { 0 }, 100 },
    /* The closest of the allowed, the larger of two; those behind are no good. */
    { 2, 0.5, 16, { 4, 12 }, 12 },
    { 2, 0.5, 16, { 12, 8, 4 }, 8 },
    { 2, 0.5, 16, { 6, 12 }, 12 },
    { 2, 0.5, 16, { 1, 2 }, 0 },
    { 2, 0.5, 16, { 2, 3 }, 3 },
};

START_TEST(splits_are_where_the_rules_say)
{
    beamc__desired_split desired = { cases[_i].fraction, cases[_i].estimate, cases[_i].allowed, 0 };
    beamc__channel_split split = { -5, -5 };

    while (desired.allowed_count < 4 && cases[_i].allowed[desired.allowed_count] != 0)
        desired.allowed_count++;
    begin_at(cases[_i].index);
    bool done = beamc__data_channel_split(&channel, &desired, &split);
    ck_assert_int_eq(done, cases[_i].stop != 0);
    if (done) {
        ck_assert_int_eq(split.last_primary, cases[_i].stop - 1);
        ck_assert_int_eq(split.first_residual, cases[_i].stop);
        for (int64_t i = cases[_i].index + 1; i < cases[_i].stop; i++)
            ck_assert(take());
        ck_assert(!take());
        ck_assert_int_eq(beamc__data_channel_index(&channel), cases[_i].stop);
        ck_assert(!beamc__data_channel_split(&channel, &desired, &split));
        beamc__data_channel_end(&channel);
        ck_assert_int_eq(beamc__data_channel_index(&channel), cases[_i].stop);
    }
    beamc__data_channel_dispose(&channel);
}
END_TEST

START_TEST(all_may_go_before_the_first_element)
{
    beamc__desired_split desired = { .estimate = 10 };
    beamc__channel_split split;

    begin_at(-1);
    ck_assert(beamc__data_channel_split(&channel, &desired, &split));
    ck_assert_int_eq(split.last_primary, -1);
    ck_assert_int_eq(split.first_residual, 0);
    ck_assert(!take());
    beamc__data_channel_end(&channel);
    ck_assert_int_eq(beamc__data_channel_index(&channel), 0);
    beamc__data_channel_dispose(&channel);
}
END_TEST

START_TEST(stops_only_move_to_the_front)
{
    beamc__desired_split desired = { .fraction = 0.5, .estimate = 1000 };
    beamc__channel_split split;
    int64_t last = INT64_MAX;

    begin_at(3);
    while (beamc__data_channel_split(&channel, &desired, &split)) {
        ck_assert_int_lt(split.first_residual, last);
        last = split.first_residual;
    }
    ck_assert_int_eq(last, 4);
    beamc__data_channel_dispose(&channel);
}
END_TEST

START_TEST(what_has_ended_is_not_split)
{
    beamc__desired_split desired = { .fraction = 0.5, .estimate = 1000 };
    beamc__channel_split split;

    begin_at(3);
    beamc__data_channel_end(&channel);
    ck_assert_int_eq(beamc__data_channel_index(&channel), 4);
    ck_assert(!beamc__data_channel_split(&channel, &desired, &split));
    beamc__data_channel_start(&channel, false); /* the next bundle */
    ck_assert_int_eq(beamc__data_channel_index(&channel), -1);
    ck_assert(take());
    ck_assert(beamc__data_channel_split(&channel, &desired, &split));
    beamc__data_channel_dispose(&channel);
}
END_TEST

/* ---- at once --------------------------------------------------------------------------------- */

enum { ROUNDS = 300, ELEMENTS = 20000 };

static uv_sem_t round_begins;
static uv_sem_t round_ended;
static int64_t taken;

static void take_all(void *arg)
{
    (void)arg;
    for (int round = 0; round < ROUNDS; round++) {
        uv_sem_wait(&round_begins);
        taken = 0;
        while (taken < ELEMENTS && (beamc__data_channel_take(&channel) ||
                                    beamc__data_channel_ask(&channel, 64)))
            taken++;
        beamc__data_channel_end(&channel);
        uv_sem_post(&round_ended);
    }
}

/* What is taken is what was not given away, with the barrier of the kernel and with fences. */
START_TEST(elements_are_taken_or_given_away)
{
    bool fenced = _i == 1 || !beamc__data_channel_prepare();
    uv_thread_t thread;

    uv_sem_init(&round_begins, 0);
    uv_sem_init(&round_ended, 0);
    ck_assert_int_eq(beamc__data_channel_init(&channel), BEAMC_OK);
    ck_assert_int_eq(uv_thread_create(&thread, take_all, NULL), 0);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t stop = ELEMENTS;
        beamc__data_channel_start(&channel, fenced);
        uv_sem_post(&round_begins);
        for (int i = 0; i < 50; i++) {
            const beamc__desired_split desired = {
                .fraction = i % 3 == 0 ? 0 : i % 3 == 1 ? 0.001 : 0.9, .estimate = ELEMENTS
            };
            beamc__channel_split split;
            if (beamc__data_channel_split(&channel, &desired, &split)) {
                ck_assert_int_lt(split.first_residual, stop + (stop == ELEMENTS));
                stop = split.first_residual;
            }
        }
        uv_sem_wait(&round_ended);
        ck_assert_int_eq(taken, stop < ELEMENTS ? stop : ELEMENTS);
        ck_assert_int_eq(beamc__data_channel_index(&channel), taken);
    }
    uv_thread_join(&thread);
    uv_sem_destroy(&round_begins);
    uv_sem_destroy(&round_ended);
    beamc__data_channel_dispose(&channel);
}
END_TEST

Suite *suite_data_channel(void)
{
    Suite *suite = suite_create("data_channel");
    TCase *tc = tcase_create("split");

    tcase_add_loop_test(tc, splits_are_where_the_rules_say, 0, sizeof(cases) / sizeof(*cases));
    tcase_add_test(tc, all_may_go_before_the_first_element);
    tcase_add_test(tc, stops_only_move_to_the_front);
    tcase_add_test(tc, what_has_ended_is_not_split);
    suite_add_tcase(suite, tc);
    tc = tcase_create("at once");
    tcase_add_loop_test(tc, elements_are_taken_or_given_away, 0, 2);
    suite_add_tcase(suite, tc);
    return suite;
}
