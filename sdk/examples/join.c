/* SPDX-License-Identifier: Apache-2.0 */
/* Joins customers with their orders, and looks up the currency of each customer's country in a side
 * input:
 *
 *     customers   id,name,country          c7,Mika,FI
 *     orders      id,customer,cents        o81,c7,1250
 *     currencies  country,currency         FI,EUR
 *
 *     join --customers=customers.csv --orders=orders.csv --currencies=currencies.csv --output=sales
 *
 * CoGroupByKey brings the two big inputs together by key; the small one goes to every worker. */
#include <beamc/beamc.h>
#include <stdio.h>
#include <stdlib.h>

#define CUSTOMER(F) F(string, name) F(string, country)
BEAMC_ROW(customer, CUSTOMER)
BEAMC_KV(customer_by_id, string, customer)
BEAMC_KV(cents_by_customer, string, int64)
BEAMC_KV(currency_by_country, string, string)

/* What CoGroupByKey gives for a customer id: all that either input has for it. */
BEAMC_ITERABLE(customer_list, customer)
BEAMC_ITERABLE(cents_list, int64)
#define CUSTOMER_WITH_ORDERS(F) F(customer_list, customers) F(cents_list, orders)
BEAMC_ROW(customer_with_orders, CUSTOMER_WITH_ORDERS)
BEAMC_KV(joined_by_id, string, customer_with_orders)

BEAMC_COUNTER(malformed_lines, "join")
BEAMC_COUNTER(orders_without_customer, "join")
BEAMC_COUNTER(customers_without_currency, "join")

/* Splits a line at its commas into @count fields; false if there are more or fewer. */
static bool split_line(beamc_string line, beamc_string *fields, size_t count)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        size_t start = at;
        while (at < line.size && line.data[at] != ',')
            at++;
        if (i + 1 < count ? at == line.size : at < line.size)
            return false;
        fields[i].data = line.data + start;
        fields[i].size = at - start;
        at++;
    }
    return true;
}

static beamc_error *skip_line(beamc_context *ctx, beamc_string line)
{
    beamc_counter_add(ctx, &malformed_lines, 1);
    beamc_log(ctx, BEAMC_LOG_WARN, "left out: %.*s", BEAMC_STR(line));
    return NULL;
}

BEAMC_DOFN(parse_customer, string, customer_by_id)
{
    beamc_string fields[3];

    if (!split_line(*element, fields, 3))
        return skip_line(ctx, *element);
    const customer_by_id parsed = { fields[0], { fields[1], fields[2] } };
    return beamc_emit(ctx, &parsed);
}

BEAMC_DOFN(parse_order, string, cents_by_customer)
{
    beamc_string fields[3];
    char cents[24];

    if (!split_line(*element, fields, 3) || fields[2].size == 0 || fields[2].size >= sizeof(cents))
        return skip_line(ctx, *element);
    snprintf(cents, sizeof(cents), "%.*s", BEAMC_STR(fields[2]));
    const cents_by_customer parsed = { fields[1], atoll(cents) };
    return beamc_emit(ctx, &parsed);
}

BEAMC_DOFN(parse_currency, string, currency_by_country)
{
    beamc_string fields[2];

    if (!split_line(*element, fields, 2))
        return skip_line(ctx, *element);
    const currency_by_country parsed = { fields[0], fields[1] };
    return beamc_emit(ctx, &parsed);
}

static beamc_error *sum_orders(const beamc_iterable *orders, int64_t *count, int64_t *cents)
{
    beamc_iterator iterator;
    int64_t order;

    *count = *cents = 0;
    for (beamc_iterate(&iterator, orders); beamc_next(&iterator, &order); ++*count)
        *cents += order;
    return beamc_iterator_finish(&iterator);
}

/* A copy of the first value of an iterable; *found tells whether there is one.  What a walk gives
 * ends with its next step, so what is kept for longer is copied. */
static beamc_error *first_of(beamc_context *ctx, const beamc_iterable *values, void *value,
                             bool *found)
{
    void *borrowed = beamc_alloc(ctx, values->element->size);
    beamc_iterator iterator;
    int code = BEAMC_OK;

    if (borrowed == NULL)
        return beamc_error_nomem();
    beamc_iterate(&iterator, values);
    *found = beamc_next(&iterator, borrowed);
    if (*found)
        code = beamc_copy(values->element, value, borrowed, ctx->arena);
    BEAMC_TRY(beamc_iterator_finish(&iterator));
    return code < 0 ? beamc_error_new((beamc_code)code, "copying a value") : NULL;
}

static const beamc_dofn_side report_sides[] = {
    { "currencies", BEAMC_TYPE(currency_by_country), BEAMC_VIEW_MULTIMAP },
};

BEAMC_DOFN_WITH(report, joined_by_id, string, .sides = report_sides, .side_count = 1)
{
    beamc_iterable currencies;
    beamc_string currency;
    customer who;
    int64_t count, cents;
    bool found;

    BEAMC_TRY(sum_orders(&element->value.orders, &count, &cents));
    BEAMC_TRY(first_of(ctx, &element->value.customers, &who, &found));
    if (!found) {
        beamc_counter_add(ctx, &orders_without_customer, count);
        return NULL;
    }
    BEAMC_TRY(beamc_side_lookup(ctx, 0, &who.country, &currencies));
    BEAMC_TRY(first_of(ctx, &currencies, &currency, &found));
    if (!found) {
        beamc_counter_add(ctx, &customers_without_currency, 1);
        currency = beamc_string_of("?");
    }
    return beamc_emitf(ctx, "%.*s (%.*s): %" PRId64 " orders, %" PRId64 ".%02" PRId64 " %.*s",
                       BEAMC_STR(who.name), BEAMC_STR(who.country), count, cents / 100,
                       cents % 100, BEAMC_STR(currency));
}

static const beamc_option_spec program_options[] = {
    { .name = "customers", .help = "lines of id,name,country", .required = true,
      .placeholder = "PATTERN" },
    { .name = "orders", .help = "lines of id,customer,cents", .required = true,
      .placeholder = "PATTERN" },
    { .name = "currencies", .help = "lines of country,currency", .required = true,
      .placeholder = "PATTERN" },
};

static void build(beamc_pipeline *p, const beamc_options *options)
{
    beamc_pcollection customers =
        beamc_par_do(beamc_read_text(p, beamc_option(options, "customers")), &parse_customer);
    beamc_pcollection orders =
        beamc_par_do(beamc_read_text(p, beamc_option(options, "orders")), &parse_order);
    beamc_pcollection currencies =
        beamc_par_do(beamc_read_text(p, beamc_option(options, "currencies")), &parse_currency);

    const beamc_pcollection by_customer[] = { customers, orders };
    beamc_pcollection joined =
        beamc_co_group_by_key(by_customer, 2, BEAMC_TYPE(customer_with_orders));

    const beamc_side_input sides[] = { { currencies, NULL } };
    const beamc_par_do_options with_currencies = { .sides = sides, .side_count = 1 };
    beamc_pcollection lines = beamc_par_do_with(joined, &report, &with_currencies);
    beamc_write_text(lines, beamc_option(options, "output"));
}

int main(int argc, char **argv)
{
    return beamc_main_options(argc, argv, build, program_options, 3);
}
