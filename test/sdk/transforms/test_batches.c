/* SPDX-License-Identifier: Apache-2.0 */
/* GroupIntoBatches. */
#include "test/sdk/transforms/collect.h"

#include <beamc/aggregate.h>
#include <beamc/batches.h>
#include <beamc/kv.h>
#include <beamc/map.h>
#include <check.h>
#include <stdlib.h>

#define S(text) { text, sizeof(text) - 1 }

BEAMC_KV(score, string, int64)
BEAMC_KV(named, int64, string)
BEAMC_ITERABLE(scores_of, int64)
BEAMC_KV(batch, string, scores_of)

static const score scores[] = { { S("a"), 1 }, { S("b"), 2 }, { S("a"), 3 }, { S("a"), 4 },
                                { S("a"), 5 }, { S("a"), 6 } };
static const named names[] = { { 1, S("four") }, { 1, S("five5") }, { 1, S("three") },
                               { 1, S("a very long one") } };
#define SCORES beamc_create(collect_pipeline(), BEAMC_TYPE(score), scores, 6)
#define NAMES beamc_create(collect_pipeline(), BEAMC_TYPE(named), names, 4)

BEAMC_DOFN(batch_size, batch, string)
{
    int64_t count;

    BEAMC_TRY(beamc_iterable_count(&count, &element->value));
    return beamc_emitf(ctx, "%.*s %d", BEAMC_STR(element->key), (int)count);
}

START_TEST(batches_have_a_size)
{
    static const beamc_batch_options two = { .max_values = 2 };
    static const beamc_batch_options ten = { .max_values = 10 };

    collect_check(beamc_par_do(beamc_group_into_batches(SCORES, two), &batch_size),
                  "a 2\na 2\na 1\nb 1");
    collect_check(beamc_par_do(beamc_group_into_batches(SCORES, ten), &batch_size), "a 5\nb 1");
}
END_TEST

START_TEST(batches_lose_nothing)
{
    static const beamc_batch_options two = { .max_values = 2, .max_bytes = 100 };

    collect_check(beamc_flatten_iterables(beamc_values(beamc_group_into_batches(SCORES, two))),
                  "1\n2\n3\n4\n5\n6");
    collect_check(beamc_flatten_iterables(beamc_values(beamc_group_into_batches(NAMES, two))),
                  "four\nfive5\nthree\na very long one");
}
END_TEST

/* One that is too large has a batch of its own. */
START_TEST(batches_have_a_number_of_bytes)
{
    static const beamc_batch_options small = { .max_bytes = 1 };
    static const beamc_batch_options large = { .max_bytes = 1000 };

    collect_check(beamc_count_globally(beamc_group_into_batches(NAMES, small)), "4");
    collect_check(beamc_count_globally(beamc_group_into_batches(NAMES, large)), "1");
}
END_TEST

START_TEST(batches_need_a_limit)
{
    static const beamc_batch_options none = { 0, 0 };
    static const beamc_batch_options negative = { 5, -1 };

    collect_check_refused(beamc_group_into_batches(SCORES, none), "limits of 0 values and 0 bytes");
    collect_check_refused(beamc_group_into_batches(SCORES, negative), "limits of 5 values and -1");
}
END_TEST

Suite *suite_batches(void);
Suite *suite_batches(void)
{
    Suite *suite = suite_create("batches");
    TCase *tc = tcase_create("batches");

    tcase_add_test(tc, batches_have_a_size);
    tcase_add_test(tc, batches_lose_nothing);
    tcase_add_test(tc, batches_have_a_number_of_bytes);
    tcase_add_test(tc, batches_need_a_limit);
    suite_add_tcase(suite, tc);
    return suite;
}
