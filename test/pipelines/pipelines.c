/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines that check themselves, one for each part of the model: `pipelines --case=NAME` runs one
 * on any --runner, and fails unless what is asserted in it holds.  `make test-runners` runs all. */
#include <beamc/beamc.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STRING(text) { text, sizeof(text) - 1 }
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

BEAMC_KV(word_count, string, int64)
BEAMC_ITERABLE(int64_list, int64)
BEAMC_KV(word_counts, string, int64_list)
BEAMC_NULLABLE(maybe_string, string)
BEAMC_ARRAY(marks, float64)
BEAMC_MAP(prices, string, int64)
#define GOODS(F) F(string, name) F(maybe_string, label) F(marks, given) F(prices, by_shop)
BEAMC_ROW(goods, GOODS)
BEAMC_KV(goods_count, goods, int64)

static const word_count counts[] = {
    { STRING("a"), 1 }, { STRING("b"), 2 }, { STRING("a"), 3 }, { STRING(""), 4 },
    { STRING("b"), 5 }, { STRING("a"), 6 }, { STRING("\xc3\xa4"), -7 },
};

static beamc_pcollection make_counts(beamc_pipeline *p)
{
    return beamc_create(p, BEAMC_TYPE(word_count), counts, COUNT_OF(counts));
}

static const int64_t numbers[] = { 5, -3, 8, 0, 8, 1000000007, INT64_MIN, INT64_MAX };

static beamc_pcollection make_numbers(beamc_pipeline *p)
{
    return beamc_create(p, BEAMC_TYPE(int64), numbers, COUNT_OF(numbers));
}

/* ---- elementwise ----------------------------------------------------------------------------- */

BEAMC_MAP_FN(half, int64, int64)
{
    return *element / 2;
}

BEAMC_FILTER_FN(is_small, int64)
{
    return *element > -10 && *element < 10;
}

BEAMC_FLAT_MAP_FN(repeat, int64, int64)
{
    for (int64_t i = 0; i < *element; i++)
        BEAMC_TRY(beamc_emit(ctx, element));
    return NULL;
}

BEAMC_PARTITION_FN(by_sign, int64, 3)
{
    return *element < 0 ? 0 : *element == 0 ? 1 : 2;
}

static void build_elementwise(beamc_pipeline *p, const beamc_options *options BEAMC_UNUSED)
{
    static const int64_t halves[] = { 2, -1, 4, 0, 4 };
    static const int64_t repeated[] = { 2, 2, 4, 4, 4, 4, 4, 4, 4, 4 };
    static const int64_t zero[] = { 0 };
    static const int64_t negative[] = { -3 };
    beamc_pcollection small = beamc_filter(make_numbers(p), &is_small);
    beamc_pcollection divided = beamc_map(small, &half);
    beamc_pcollection parts[3];

    beamc_assert_that(divided, halves, COUNT_OF(halves));
    beamc_assert_that(beamc_flat_map(divided, &repeat), repeated, COUNT_OF(repeated));
    beamc_partition(parts, 3, small, &by_sign);
    beamc_assert_that(parts[0], negative, 1);
    beamc_assert_that(parts[1], zero, 1);
    beamc_assert_that_count(parts[2], 3);
}

static void build_flatten(beamc_pipeline *p, const beamc_options *options BEAMC_UNUSED)
{
    static const int64_t none[1] = { 0 };
    beamc_pcollection all = make_numbers(p);
    const beamc_pcollection two[] = { all, all, beamc_create(p, BEAMC_TYPE(int64), none, 0) };

    beamc_assert_that_count(beamc_flatten(two, 3), 2 * (int64_t)COUNT_OF(numbers));
    beamc_assert_that_empty(two[2]);
    beamc_assert_that(beamc_reshuffle(all), numbers, COUNT_OF(numbers));
    beamc_assert_that(beamc_reshuffle(make_counts(p)), counts, COUNT_OF(counts));
}

/* ---- grouping and combining ------------------------------------------------------------------ */

static void build_group(beamc_pipeline *p, const beamc_options *options BEAMC_UNUSED)
{
    static const int64_t a[] = { 1, 3, 6 };
    static const int64_t b[] = { 2, 5 };
    static const int64_t rest[] = { 4, -7 };
    const word_counts grouped[] = {
        { STRING("a"), beamc_iterable_of_array(BEAMC_TYPE(int64), a, 3) },
        { STRING("b"), beamc_iterable_of_array(BEAMC_TYPE(int64), b, 2) },
        { STRING(""), beamc_iterable_of_array(BEAMC_TYPE(int64), rest, 1) },
        { STRING("\xc3\xa4"), beamc_iterable_of_array(BEAMC_TYPE(int64), rest + 1, 1) },
    };
    beamc_pcollection in = make_counts(p);

    beamc_assert_that(beamc_group_by_key(in), grouped, COUNT_OF(grouped));
    beamc_assert_that(beamc_to_list_per_key(in), grouped, COUNT_OF(grouped));
    /* Grouped values are elements that other groups hold. */
    beamc_pcollection again = beamc_group_by_key(
        beamc_with_constant_key(beamc_group_by_key(in), BEAMC_TYPE(int64), numbers));
    beamc_assert_that_count(again, 1);
    const beamc_batch_options twos = { .max_values = 2 };
    beamc_assert_that_count(beamc_group_into_batches(in, twos), 5);
}

static void build_combine(beamc_pipeline *p, const beamc_options *options BEAMC_UNUSED)
{
    static const word_count sums[] = { { STRING("a"), 10 }, { STRING("b"), 7 },
                                       { STRING(""), 4 }, { STRING("\xc3\xa4"), -7 } };
    static const word_count most[] = { { STRING("a"), 6 }, { STRING("b"), 5 },
                                       { STRING(""), 4 }, { STRING("\xc3\xa4"), -7 } };
    static const int64_t total = 14, none = 0;
    static const double mean = 2.0;
    static const int64_t best[] = { INT64_MAX, 1000000007 };
    static const int64_t sum_of_all = 1000000024;
    const beamc_iterable two = beamc_iterable_of_array(BEAMC_TYPE(int64), best, 2);
    const beamc_combine_options hot = { .fanout = 3 };
    beamc_pcollection in = make_counts(p);
    beamc_pcollection values = beamc_values(in);
    beamc_pcollection empty = beamc_create(p, BEAMC_TYPE(int64), numbers, 0);

    beamc_assert_that(beamc_sum_per_key(in), sums, COUNT_OF(sums));
    beamc_assert_that(beamc_max_per_key(in), most, COUNT_OF(most));
    beamc_assert_that(beamc_combine_per_key_with(in, &beamc_sum_int64_fn, &hot), sums,
                      COUNT_OF(sums));
    beamc_assert_that(beamc_combine_grouped_values(beamc_group_by_key(in), &beamc_sum_int64_fn),
                      sums, COUNT_OF(sums));
    beamc_assert_that(beamc_sum_globally(values), &total, 1);
    beamc_assert_that(beamc_mean_globally(values), &mean, 1);
    beamc_assert_that(beamc_sum_globally(make_numbers(p)), &sum_of_all, 1);
    beamc_assert_that(beamc_sum_globally(empty), &none, 1);
    beamc_assert_that_empty(beamc_max_globally(empty));
    beamc_assert_that(beamc_largest_globally(make_numbers(p), 2), &two, 1);
    beamc_assert_that_count(beamc_distinct(make_numbers(p)), 7);
}

BEAMC_ITERABLE(string_list, string)
#define JOINED(F) F(int64_list, counts) F(string_list, names)
BEAMC_ROW(joined, JOINED)
BEAMC_KV(word_joined, string, joined)
BEAMC_KV(word_name, string, string)

static void build_join(beamc_pipeline *p, const beamc_options *options BEAMC_UNUSED)
{
    static const word_name names[] = { { STRING("a"), STRING("first") },
                                       { STRING("c"), STRING("third") } };
    static const int64_t a[] = { 1, 3, 6 }, b[] = { 2, 5 }, rest[] = { 4, -7 };
    static const beamc_string first = STRING("first"), third = STRING("third");
#define INTS(items, count) beamc_iterable_of_array(BEAMC_TYPE(int64), items, count)
#define TEXTS(items, count) beamc_iterable_of_array(BEAMC_TYPE(string), items, count)
    const word_joined expected[] = {
        { STRING("a"), { INTS(a, 3), TEXTS(&first, 1) } },
        { STRING("b"), { INTS(b, 2), TEXTS(NULL, 0) } },
        { STRING("c"), { INTS(NULL, 0), TEXTS(&third, 1) } },
        { STRING(""), { INTS(rest, 1), TEXTS(NULL, 0) } },
        { STRING("\xc3\xa4"), { INTS(rest + 1, 1), TEXTS(NULL, 0) } },
    };
    const beamc_pcollection in[] = { make_counts(p),
                                     beamc_create(p, BEAMC_TYPE(word_name), names, 2) };

    beamc_assert_that(beamc_co_group_by_key(in, 2, BEAMC_TYPE(joined)), expected,
                      COUNT_OF(expected));
}

/* ---- side inputs ----------------------------------------------------------------------------- */

static beamc_error *sum_of(const beamc_iterable *values, int64_t *sum)
{
    beamc_iterator iterator;
    int64_t value;

    *sum = 0;
    for (beamc_iterate(&iterator, values); beamc_next(&iterator, &value);)
        *sum += value;
    return beamc_iterator_finish(&iterator);
}

static const beamc_dofn_side three_views[] = {
    { "all", BEAMC_TYPE(int64), BEAMC_VIEW_ITERABLE },
    { "one", BEAMC_TYPE(int64), BEAMC_VIEW_SINGLETON },
    { "by_word", BEAMC_TYPE(word_count), BEAMC_VIEW_MULTIMAP },
};

/* The sum of all small numbers, the default of nothing, and the sum of the word's counts. */
BEAMC_DOFN_WITH(look_up, string, string, .sides = three_views, .side_count = 3)
{
    beamc_iterable values;
    int64_t all, one, of_word;

    BEAMC_TRY(beamc_side_iterable(ctx, 0, &values));
    BEAMC_TRY(sum_of(&values, &all));
    BEAMC_TRY(beamc_side_singleton(ctx, 1, &one));
    BEAMC_TRY(beamc_side_lookup(ctx, 2, element, &values));
    BEAMC_TRY(sum_of(&values, &of_word));
    return beamc_emitf(ctx, "%.*s %d %d %d", BEAMC_STR(*element), (int)all, (int)one,
                       (int)of_word);
}

static void build_sides(beamc_pipeline *p, const beamc_options *options BEAMC_UNUSED)
{
    static const beamc_string words[] = { STRING("a"), STRING("b"), STRING("none") };
    static const beamc_string expected[] = { STRING("a 18 42 10"), STRING("b 18 42 7"),
                                             STRING("none 18 42 0") };
    static const int64_t fallback = 42;
    const beamc_side_input sides[] = {
        { beamc_filter(make_numbers(p), &is_small), NULL },
        { beamc_create(p, BEAMC_TYPE(int64), numbers, 0), &fallback },
        { make_counts(p), NULL },
    };
    const beamc_par_do_options with_sides = { .sides = sides, .side_count = 3 };

    beamc_assert_that(beamc_par_do_with(beamc_create(p, BEAMC_TYPE(string), words, 3), &look_up,
                                        &with_sides),
                      expected, 3);
}

/* ---- time and windows ------------------------------------------------------------------------ */

BEAMC_MAP_FN(to_millis, int64, int64)
{
    return *element * 1000;
}

BEAMC_TIMESTAMP_FN(at_itself, int64)
{
    return *element;
}

BEAMC_KEY_FN(one_key, int64, string)
{
    return beamc_string_of("k");
}

/* "start-end: sum" of a window. */
BEAMC_DOFN_WITH(tell_window, word_count, string, .observes_window = true)
{
    beamc_interval_window window = { 0, 0 };

    beamc_context_window(ctx, &window);
    return beamc_emitf(ctx, "%d-%d: %d at %d", (int)(window.start / 1000),
                       (int)(window.end / 1000), (int)element->value,
                       (int)beamc_context_timestamp(ctx));
}

static beamc_pcollection sum_in_windows(beamc_pipeline *p, beamc_windowing windowing)
{
    static const int64_t seconds[] = { 0, 1, 4, 10, 11, 30 };
    beamc_pcollection in = beamc_create(p, BEAMC_TYPE(int64), seconds, COUNT_OF(seconds));

    in = beamc_with_timestamps(beamc_map(in, &to_millis), &at_itself);
    in = beamc_with_keys(beamc_window_into(in, windowing), &one_key);
    return beamc_par_do(beamc_sum_per_key(in), &tell_window);
}

static void build_windows(beamc_pipeline *p, const beamc_options *options BEAMC_UNUSED)
{
    static const beamc_string fixed[] = { STRING("0-10: 5000 at 9999"),
                                          STRING("10-20: 21000 at 19999"),
                                          STRING("30-40: 30000 at 39999") };
    static const beamc_string sliding[] = {
        STRING("-5-5: 5000 at 4999"),     STRING("0-10: 5000 at 9999"),
        STRING("5-15: 21000 at 14999"),   STRING("10-20: 21000 at 19999"),
        STRING("25-35: 30000 at 34999"),  STRING("30-40: 30000 at 39999"),
    };
    static const beamc_string sessions[] = { STRING("0-9: 5000 at 8999"),
                                             STRING("10-16: 21000 at 15999"),
                                             STRING("30-35: 30000 at 34999") };

    beamc_assert_that(sum_in_windows(p, beamc_fixed_windows(10000)), fixed, COUNT_OF(fixed));
    beamc_assert_that(sum_in_windows(p, beamc_sliding_windows(10000, 5000)), sliding,
                      COUNT_OF(sliding));
    beamc_assert_that(sum_in_windows(p, beamc_session_windows(5000)), sessions,
                      COUNT_OF(sessions));
}

/* ---- values ---------------------------------------------------------------------------------- */

static void build_rows(beamc_pipeline *p, const beamc_options *options BEAMC_UNUSED)
{
    static const double given[] = { 0.5, -1e300, INFINITY };
    static const prices_entry shops[] = { { STRING("hill"), 5 }, { STRING("harbour"), -1 } };
    static const goods all[] = {
        { STRING("lamp"), { true, STRING("x") }, { given, 3 }, { shops, 2 } },
        { STRING(""), { false, STRING("") }, { NULL, 0 }, { NULL, 0 } },
    };
    beamc_pcollection in = beamc_create(p, BEAMC_TYPE(goods), all, 2);

    beamc_assert_that(beamc_reshuffle(in), all, 2);
    beamc_assert_that_count(beamc_count_per_element(in), 2);
    beamc_assert_that(beamc_values(beamc_reshuffle(
                          beamc_with_constant_key(in, BEAMC_TYPE(string), &all[0].name))),
                      all, 2);
}

/* A string of @element bytes. */
BEAMC_DOFN(fill, int64, string)
{
    char *text = (char *)beamc_alloc(ctx, (size_t)*element);

    if (text == NULL)
        return beamc_error_nomem();
    memset(text, 'x', (size_t)*element);
    const beamc_string filled = { text, (size_t)*element };
    return beamc_emit(ctx, &filled);
}

BEAMC_MAP_FN(size_of, string, int64)
{
    return (int64_t)element->size;
}

/* Elements of many megabytes, through a shuffle. */
static void build_large(beamc_pipeline *p, const beamc_options *options BEAMC_UNUSED)
{
    static const int64_t sizes[] = { 10000000, 0, 3000000, 1 };
    beamc_pcollection texts =
        beamc_par_do(beamc_create(p, BEAMC_TYPE(int64), sizes, COUNT_OF(sizes)), &fill);

    beamc_assert_that(beamc_map(beamc_reshuffle(texts), &size_of), sizes, COUNT_OF(sizes));
}

BEAMC_DOFN(count_up, int64, int64)
{
    for (int64_t i = 0; i < *element; i++)
        BEAMC_TRY(beamc_emit(ctx, &i));
    return NULL;
}

BEAMC_KEY_FN(by_rest, int64, int64)
{
    return *element % 1000;
}

BEAMC_KV(rest_list, int64, int64_list)

BEAMC_DOFN(sum_group, rest_list, int64)
{
    int64_t sum;

    BEAMC_TRY(sum_of(&element->value, &sum));
    return beamc_emit(ctx, &sum);
}

/* Groups that need more than one message, with all the values of one key in state pages, maybe. */
static void build_many(beamc_pipeline *p, const beamc_options *options BEAMC_UNUSED)
{
    static const int64_t count = 100000;
    static const int64_t sum = INT64_C(4999950000);
    beamc_pcollection in = beamc_par_do(beamc_create(p, BEAMC_TYPE(int64), &count, 1), &count_up);
    beamc_pcollection keyed = beamc_with_keys(in, &by_rest);
    beamc_pcollection grouped = beamc_group_by_key(keyed);

    beamc_assert_that_count(grouped, 1000);
    beamc_assert_that(beamc_sum_globally(beamc_par_do(grouped, &sum_group)), &sum, 1);
    beamc_assert_that_count(beamc_reshuffle(keyed), count);
    beamc_pcollection one = beamc_group_by_key(
        beamc_with_constant_key(in, BEAMC_TYPE(int64), &count));
    beamc_assert_that(beamc_par_do(one, &sum_group), &sum, 1);
}

/* ---- a worker that dies ---------------------------------------------------------------------- */

#define DEATH(F) F(string, marker)
BEAMC_ROW(death, DEATH)

/* Who comes first, of all workers, is killed in the middle of its bundle. */
BEAMC_DOFN_WITH(die_once, int64, int64, .config = BEAMC_TYPE(death))
{
    const death *config = (const death *)beamc_config(ctx);
    char path[1024];

    if (*element == 150000 && config->marker.size > 0) {
        snprintf(path, sizeof(path), "%.*s", BEAMC_STR(config->marker));
        int marker = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (marker >= 0)
            kill(getpid(), SIGKILL);
    }
    return beamc_emit(ctx, element);
}

static void build_killed(beamc_pipeline *p, const beamc_options *options)
{
    static const int64_t count = 300000;
    static const int64_t sum = INT64_C(44999850000);
    const death config = { beamc_string_of(beamc_option_or(options, "marker", "")) };
    const beamc_par_do_options with_config = { .config = &config };
    beamc_pcollection in = beamc_par_do(beamc_create(p, BEAMC_TYPE(int64), &count, 1), &count_up);
    beamc_pcollection keyed = beamc_with_keys(in, &by_rest);

    in = beamc_values(beamc_reshuffle(keyed));
    in = beamc_par_do_with(in, &die_once, &with_config);
    beamc_assert_that(beamc_sum_globally(in), &sum, 1);
}

/* ---- failing --------------------------------------------------------------------------------- */

static void build_fails(beamc_pipeline *p, const beamc_options *options BEAMC_UNUSED)
{
    static const int64_t expected[] = { 1, 2 };

    beamc_assert_that(beamc_create(p, BEAMC_TYPE(int64), expected, 1), expected, 2);
}

/* ---- the program ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*build)(beamc_pipeline *p, const beamc_options *options);
} cases[] = {
    { "elementwise", build_elementwise },
    { "flatten", build_flatten },
    { "group", build_group },
    { "combine", build_combine },
    { "join", build_join },
    { "sides", build_sides },
    { "windows", build_windows },
    { "rows", build_rows },
    { "large", build_large },
    { "many", build_many },
    { "killed", build_killed },
    { "fails", build_fails },
};

static void build(beamc_pipeline *p, const beamc_options *options)
{
    const char *wanted = beamc_option(options, "case");

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (wanted != NULL && strcmp(cases[i].name, wanted) == 0) {
            cases[i].build(p, options);
            return;
        }
    }
    beamc_pipeline_fail(p, BEAMC_HERE,
                        beamc_error_new(BEAMC_EINVAL, "there is no --case=%s",
                                        wanted == NULL ? "" : wanted));
}

int main(int argc, char **argv)
{
    static const beamc_option_spec program_options[] = {
        { .name = "case", .help = "the pipeline to run", .required = true, .placeholder = "NAME" },
        { .name = "marker", .help = "killed: a file that the worker makes before it dies; if not "
                                    "given, it lives", .placeholder = "FILE" },
    };

    return beamc_main_options(argc, argv, build, program_options, 2);
}
