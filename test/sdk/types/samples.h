/* SPDX-License-Identifier: Apache-2.0 */
/* Types as a program declares them, with a value or two: what tests of types and coders share. */
#ifndef BEAMC_TEST_SAMPLES_H
#define BEAMC_TEST_SAMPLES_H

#include <beamc/type.h>

BEAMC_KV(word_count, string, int64)
BEAMC_KV(pair, bytes, float64)
BEAMC_ITERABLE(counts, int64)
BEAMC_KV(grouped, string, counts)
BEAMC_ITERABLE(groups, grouped)
BEAMC_NULLABLE(maybe_int64, int64)
BEAMC_NULLABLE(maybe_string, string)
BEAMC_ARRAY(tags, string)
BEAMC_ARRAY(maybe_numbers, maybe_int64)
BEAMC_MAP(prices, string, int64)

#define SALE(F) F(string, shop) F(int64, cents) F(timestamp, at)
BEAMC_ROW(sale, SALE)

BEAMC_ARRAY(sales, sale)
BEAMC_NULLABLE(maybe_sale, sale)

/* Every kind that a row may hold. */
#define EVERYTHING(F)                                                                              \
    F(boolean, flag)                                                                               \
    F(int8, tiny)                                                                                  \
    F(int16, small)                                                                                \
    F(int32, medium)                                                                               \
    F(int64, large)                                                                                \
    F(float32, single)                                                                             \
    F(float64, real)                                                                               \
    F(string, text)                                                                                \
    F(bytes, raw)                                                                                  \
    F(timestamp, at)                                                                               \
    F(decimal, price)                                                                              \
    F(date, day)                                                                                   \
    F(micros_instant, exactly)                                                                     \
    F(maybe_int64, maybe)                                                                          \
    F(maybe_string, comment)                                                                       \
    F(tags, labels)                                                                                \
    F(maybe_numbers, numbers)                                                                      \
    F(prices, costs)                                                                               \
    F(sale, last)                                                                                  \
    F(maybe_sale, first)                                                                           \
    F(sales, all)                                                                                  \
    F(counts, votes)
BEAMC_ROW(everything, EVERYTHING)

static const beamc_string sample_tags[] = { { "new", 3 }, { "", 0 }, { "red", 3 } };
static const maybe_int64 sample_numbers[] = { { true, 1 }, { false, 0 }, { true, -1 } };
static const prices_entry sample_prices[] = { { { "b", 1 }, 2 }, { { "a", 1 }, 1 } };
static const sale sample_sales[] = { { { "north", 5 }, 250, 1597328054123 },
                                     { { "south", 5 }, -1, -1 } };
static const int64_t sample_votes[] = { 3, 1, 300 };

static inline everything sample_everything(void)
{
    everything row;
    memset(&row, 0, sizeof(row));
    row.flag = true;
    row.tiny = -8;
    row.small = -2;
    row.medium = -1;
    row.large = INT64_MIN;
    row.single = 1.5f;
    row.real = -2.5;
    row.text = beamc_string_of("caf\xc3\xa9");
    row.raw = (beamc_bytes){ (const uint8_t *)"\x00\xff", 2 };
    row.at = -100;
    row.price = (beamc_decimal){ 4, { (const uint8_t *)"\x7a\xb7", 2 } };
    row.day = 18487;
    row.exactly = (beamc_micros_instant){ 1597328054, 123456 };
    row.maybe = (maybe_int64){ true, 7 };
    row.labels = (tags){ sample_tags, 3 };
    row.numbers = (maybe_numbers){ sample_numbers, 3 };
    row.costs = (prices){ sample_prices, 2 };
    row.last = sample_sales[0];
    row.first = (maybe_sale){ true, sample_sales[1] };
    row.all = (sales){ sample_sales, 2 };
    row.votes = beamc_iterable_of_array(&beamc_type_int64, sample_votes, 3);
    return row;
}

#endif
