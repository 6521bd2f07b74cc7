/* SPDX-License-Identifier: Apache-2.0 */
/* Side inputs: all three ways to ask, in windows, page by page. */
#include "test/harness/exec/kit.h"

#include "proto/urns.h"
#include <check.h>
#include <inttypes.h>
#include <stdio.h>

BEAMC_KV(side_entry, string, string)

/* ---- DoFns --------------------------------------------------------------------------------------- */

static const beamc_dofn_side all_side[] = { { "all", BEAMC_TYPE(string), BEAMC_VIEW_ITERABLE } };
static const beamc_dofn_side one_side[] = { { "one", BEAMC_TYPE(string), BEAMC_VIEW_SINGLETON } };
static const beamc_dofn_side map_side[] = {
    { "map", &beamc_type_side_entry, BEAMC_VIEW_MULTIMAP }
};

static beamc_error *emit_joined(beamc_context *ctx, beamc_string key, const beamc_iterable *values)
{
    char text[2048];
    int size = snprintf(text, sizeof(text), "%.*s:", BEAMC_STR(key));
    beamc_iterator iterator;
    beamc_string value;

    beamc_iterate(&iterator, values);
    while (beamc_next(&iterator, &value))
        size += snprintf(text + size, sizeof(text) - (size_t)size, " %.*s", BEAMC_STR(value));
    BEAMC_TRY(beamc_iterator_finish(&iterator));
    beamc_string out = { text, (size_t)size };
    return beamc_emit(ctx, &out);
}

BEAMC_DOFN_WITH(side_all, string, string, .sides = all_side, .side_count = 1)
{
    beamc_iterable all;

    BEAMC_TRY(beamc_side_iterable(ctx, 0, &all));
    return emit_joined(ctx, *element, &all);
}

BEAMC_DOFN_WITH(side_one, string, string, .sides = one_side, .side_count = 1)
{
    beamc_string one;

    BEAMC_TRY(beamc_side_singleton(ctx, 0, &one));
    return beamc_emitf(ctx, "%.*s: %.*s", BEAMC_STR(*element), BEAMC_STR(one));
}

BEAMC_DOFN_WITH(side_lookup, string, string, .sides = map_side, .side_count = 1)
{
    beamc_iterable found, other;
    beamc_string none = { "none", 4 };

    BEAMC_TRY(beamc_side_lookup(ctx, 0, element, &found));
    BEAMC_TRY(beamc_side_lookup(ctx, 0, &none, &other)); /* two at the same time */
    BEAMC_TRY(emit_joined(ctx, *element, &found));
    int64_t count;
    return beamc_iterable_count(&count, &other);
}

BEAMC_DOFN_WITH(side_out_of_range, string, string, .sides = all_side, .side_count = 1)
{
    beamc_iterable all;
    return beamc_side_iterable(ctx, 1, &all);
}

BEAMC_DOFN_WITH(side_not_one, string, string, .sides = all_side, .side_count = 1)
{
    beamc_string one;
    return beamc_side_singleton(ctx, 0, &one);
}

BEAMC_DOFN_WITH(side_not_map, string, string, .sides = all_side, .side_count = 1)
{
    beamc_iterable found;
    return beamc_side_lookup(ctx, 0, element, &found);
}

BEAMC_DOFN_WITH(side_not_all, string, string, .sides = map_side, .side_count = 1)
{
    beamc_iterable all;
    return beamc_side_iterable(ctx, 0, &all);
}

static beamc_error *ask_early(beamc_context *ctx)
{
    beamc_iterable all;
    return beamc_side_iterable(ctx, 0, &all);
}

BEAMC_DOFN_WITH(side_early, string, string, .sides = all_side, .side_count = 1,
                .start_bundle = ask_early)
{
    return NULL;
}

/* ---- kits ------------------------------------------------------------------------------------- */

static exec_kit *kit_of(const beamc_dofn *dofn, beamc_windowing main, beamc_windowing side,
                        const char *default_value)
{
    exec_kit *kit = exec_kit_new();
    uint8_t encoded[64];

    exec_collection(kit, "p0", BEAMC_TYPE(string), main);
    exec_collection(kit, "p1", BEAMC_TYPE(string), main);
    exec_collection(kit, "side",
                    dofn->sides[0].view == BEAMC_VIEW_MULTIMAP ? &beamc_type_side_entry
                                                               : BEAMC_TYPE(string),
                    side);
    exec_source(kit, "in", "p0");
    exec_par_do_options options = { .outputs = { "p1" }, .sides = { { .collection = "side" } } };
    if (default_value != NULL) {
        size_t size = strlen(default_value);
        encoded[0] = (uint8_t)size;
        memcpy(encoded + 1, default_value, size);
        options.sides[0].default_value = (beamc_bytes){ encoded, size + 1 };
    }
    exec_par_do_with(kit, "fn", "p0", dofn, &options);
    exec_sink(kit, "out", "p1");
    return kit;
}

static void put(exec_kit *kit, const char *text, beamc_timestamp timestamp,
                const beamc_interval_window *windows, size_t count)
{
    beamc_string value = beamc_string_of(text);
    exec_put_in(kit, "in", BEAMC_TYPE(string), &value, timestamp, windows, count);
}

static const beamc_string values[] = { { "one", 3 }, { "", 0 }, { "three and more", 14 } };

static void put_values(exec_kit *kit, const char *side, const beamc_interval_window *window,
                       const char *key, size_t count)
{
    beamc_string name = { key, key == NULL ? 0 : strlen(key) };
    exec_put_side(kit, side, window, key == NULL ? NULL : BEAMC_TYPE(string), &name,
                  BEAMC_TYPE(string), values, count);
}

/* ---- tests ------------------------------------------------------------------------------------ */

/* In pages of any size: elements are cut by their ends. */
START_TEST(an_iterable_comes_page_by_page)
{
    exec_kit *kit = kit_of(&side_all, beamc_global_windows(), beamc_global_windows(), NULL);

    put(kit, "a", 0, NULL, 1);
    put(kit, "b", 1, NULL, 1);
    put_values(kit, "all", NULL, NULL, 3);
    exec_set_page(kit, (size_t)_i);
    exec_check(kit, "out", "a: one  three and more @0\nb: one  three and more @1\n");
    ck_assert_int_eq(exec_state_open(kit), 0);
    exec_kit_free(kit);
}
END_TEST

START_TEST(an_iterable_of_nothing_is_empty)
{
    exec_kit *kit = kit_of(&side_all, beamc_global_windows(), beamc_global_windows(), NULL);

    put(kit, "a", 0, NULL, 1);
    exec_check(kit, "out", "a: @0\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(a_multimap_is_asked_by_key)
{
    exec_kit *kit = kit_of(&side_lookup, beamc_global_windows(), beamc_global_windows(), NULL);

    put(kit, "a", 0, NULL, 1);
    put(kit, "b", 1, NULL, 1);
    put(kit, "", 2, NULL, 1);
    put_values(kit, "map", NULL, "a", 1);
    put_values(kit, "map", NULL, "", 3);
    exec_set_page(kit, (size_t)_i);
    exec_check(kit, "out", "a: one @0\nb: @1\n: one  three and more @2\n");
    ck_assert_int_eq(exec_state_open(kit), 0);
    exec_kit_free(kit);
}
END_TEST

START_TEST(a_singleton_is_asked_once_for_a_window)
{
    exec_kit *kit = kit_of(&side_one, beamc_global_windows(), beamc_global_windows(), NULL);

    for (int i = 0; i < 10; i++)
        put(kit, "a", i, NULL, 1);
    put_values(kit, "one", NULL, NULL, 1);
    exec_ok(exec_run(kit));
    ck_assert_uint_eq(exec_state_calls(kit), 1);
    exec_ok(exec_run(kit)); /* another bundle asks again */
    ck_assert_uint_eq(exec_state_calls(kit), 2);
    ck_assert_uint_eq(strncmp(exec_lines(kit, "out"), "a: one @0\n", 10), 0);
    exec_kit_free(kit);
}
END_TEST

START_TEST(a_singleton_is_one_or_its_default)
{
    exec_kit *kit = kit_of(&side_one, beamc_global_windows(), beamc_global_windows(), "else");
    put(kit, "a", 0, NULL, 1);
    exec_check(kit, "out", "a: else @0\n");
    exec_kit_free(kit);

    kit = kit_of(&side_one, beamc_global_windows(), beamc_global_windows(), NULL);
    put(kit, "a", 0, NULL, 1);
    exec_check_error(kit, BEAMC_EUSER,
                     "transform fn: element 1: kit.c:7: side input one has no element and no default");
    exec_kit_free(kit);

    kit = kit_of(&side_one, beamc_global_windows(), beamc_global_windows(), "else");
    put(kit, "a", 0, NULL, 1);
    put_values(kit, "one", NULL, NULL, 2);
    exec_check_error(kit, BEAMC_EUSER,
                     "transform fn: element 1: kit.c:7: side input one has more than one element");
    exec_kit_free(kit);
}
END_TEST

/* Main windows of 10 look into side windows of 20; the element is in two windows. */
START_TEST(windows_are_mapped)
{
    exec_kit *kit = kit_of(&side_all, beamc_fixed_windows(10), beamc_fixed_windows(20), NULL);
    const beamc_interval_window main_windows[] = { { 0, 10 }, { 10, 20 }, { 20, 30 } };
    const beamc_interval_window side_windows[] = { { 0, 20 }, { 20, 40 } };

    put_values(kit, "all", &side_windows[0], NULL, 1);
    put_values(kit, "all", &side_windows[1], NULL, 3);
    put(kit, "a", 5, &main_windows[0], 1);
    put(kit, "b", 15, &main_windows[1], 1);
    put(kit, "c", 25, &main_windows[2], 1);
    put(kit, "d", 5, main_windows, 3);
    exec_check(kit, "out",
               "a: one @5 [0,10)\nb: one @15 [10,20)\nc: one  three and more @25 [20,30)\n"
               "d: one @5 [0,10)\nd: one @5 [10,20)\nd: one  three and more @5 [20,30)\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(singletons_follow_the_window)
{
    exec_kit *kit = kit_of(&side_one, beamc_fixed_windows(10), beamc_fixed_windows(10), "-");
    const beamc_interval_window windows[] = { { 0, 10 }, { 10, 20 } };

    put_values(kit, "one", &windows[0], NULL, 1);
    for (int i = 0; i < 3; i++) {
        put(kit, "a", 5, &windows[0], 1);
        put(kit, "b", 15, &windows[1], 1);
    }
    exec_check(kit, "out",
               "a: one @5 [0,10)\nb: - @15 [10,20)\na: one @5 [0,10)\nb: - @15 [10,20)\n"
               "a: one @5 [0,10)\nb: - @15 [10,20)\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(windowed_elements_see_a_global_side)
{
    exec_kit *kit = kit_of(&side_lookup, beamc_fixed_windows(10), beamc_global_windows(), NULL);
    const beamc_interval_window windows[] = { { 0, 10 }, { 10, 20 } };

    put_values(kit, "map", NULL, "a", 1);
    put(kit, "a", 5, &windows[0], 1);
    put(kit, "a", 15, &windows[1], 1);
    exec_check(kit, "out", "a: one @5 [0,10)\na: one @15 [10,20)\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(sessions_have_no_window_for_others)
{
    exec_kit *kit = kit_of(&side_all, beamc_fixed_windows(10), beamc_session_windows(10), NULL);
    const beamc_interval_window window = { 0, 10 };

    put(kit, "a", 5, &window, 1);
    exec_check_error(kit, BEAMC_EUNSUPPORTED,
                     "transform fn: element 1: kit.c:7: side input all has no window");
    exec_kit_free(kit);
}
END_TEST

START_TEST(values_cut_short_are_an_error)
{
    exec_kit *kit = kit_of(&side_all, beamc_global_windows(), beamc_global_windows(), NULL);

    /* One byte that says that five follow. */
    exec_put_side(kit, "all", NULL, NULL, NULL, BEAMC_TYPE(int64), &(int64_t){ 5 }, 1);
    put(kit, "a", 0, NULL, 1);
    exec_check_error(kit, BEAMC_ESHORT, "transform fn: element 1: kit.c:7: value of type string in");
    exec_kit_free(kit);
}
END_TEST

static const struct {
    const beamc_dofn *dofn;
    const char *error;
} asked[] = {
    { &side_out_of_range, "asks for side input 1, but has 1" },
    { &side_not_one, "side input all is no singleton" },
    { &side_not_map, "side input all is no multimap" },
    { &side_not_all, "side input map is a multimap: use beamc_side_lookup" },
    { &side_early, "side inputs belong to an element: ask in process" },
};

START_TEST(what_is_asked_the_wrong_way_is_refused)
{
    exec_kit *kit = kit_of(asked[_i].dofn, beamc_global_windows(), beamc_global_windows(), NULL);

    put(kit, "a", 0, NULL, 1);
    exec_check_error(kit, BEAMC_EINVAL, asked[_i].error);
    exec_kit_free(kit);
}
END_TEST

/* ---- descriptors that are wrong ------------------------------------------------------------------ */

static void side_missing(exec_kit *kit)
{
    exec_find_transform(kit, "fn")->inputs[1]->key = "other";
    exec_find_transform(kit, "fn")->inputs[1]->value = "p0";
}

static void side_collection_missing(exec_kit *kit)
{
    exec_find_transform(kit, "fn")->inputs[1]->value = "nothing";
}

static void side_of_another_type(exec_kit *kit)
{
    exec_find_collection(kit, "side")->coder_id = (char *)exec_coder(kit, BEAMC_TYPE(int64));
}

static const struct {
    void (*spoil)(exec_kit *kit);
    beamc_code code;
    const char *error;
} wrong[] = {
    { side_missing, BEAMC_ECORRUPT, "transform fn: it has more than one main input" },
    { side_collection_missing, BEAMC_ENOENT, "transform fn: side input all is not in the descriptor" },
    { side_of_another_type, BEAMC_ETYPE,
      "transform fn: side input all takes string, but the pipeline has int64" },
};

START_TEST(wrong_sides_are_refused)
{
    exec_kit *kit = kit_of(&side_all, beamc_global_windows(), beamc_global_windows(), NULL);

    wrong[_i].spoil(kit);
    exec_check_error(kit, wrong[_i].code, wrong[_i].error);
    exec_kit_free(kit);
}
END_TEST

START_TEST(a_default_that_is_malformed_is_refused)
{
    exec_kit *kit = exec_kit_new();
    const uint8_t five = 5;

    exec_collection(kit, "p0", BEAMC_TYPE(string), beamc_global_windows());
    exec_collection(kit, "p1", BEAMC_TYPE(string), beamc_global_windows());
    exec_source(kit, "in", "p0");
    exec_par_do_options options = { .outputs = { "p1" },
                                    .sides = { { "p0", { &five, 1 } } } };
    exec_par_do_with(kit, "fn", "p0", &side_one, &options);
    exec_check_error(kit, BEAMC_ESHORT, "transform fn: the default of side input one: input ends");
    exec_kit_free(kit);
}
END_TEST

START_TEST(all_sides_of_the_table_must_be_there)
{
    static const beamc_dofn bare = { .function = { BEAMC_FUNCTION_DOFN, "side_all" } };
    exec_kit *kit = exec_kit_new();

    exec_collection(kit, "p0", BEAMC_TYPE(string), beamc_global_windows());
    exec_collection(kit, "p1", BEAMC_TYPE(string), beamc_global_windows());
    exec_source(kit, "in", "p0");
    exec_par_do(kit, "fn", "p0", &bare, "p1");
    exec_check_error(kit, BEAMC_ECORRUPT, "transform fn: side_all has 0 side inputs here, but 1 in");
    exec_kit_free(kit);
}
END_TEST

Suite *suite_sides(void)
{
    Suite *suite = suite_create("sides");
    TCase *tc = tcase_create("views");
    tcase_add_loop_test(tc, an_iterable_comes_page_by_page, 0, 22);
    tcase_add_test(tc, an_iterable_of_nothing_is_empty);
    tcase_add_loop_test(tc, a_multimap_is_asked_by_key, 0, 22);
    tcase_add_test(tc, a_singleton_is_asked_once_for_a_window);
    tcase_add_test(tc, a_singleton_is_one_or_its_default);
    suite_add_tcase(suite, tc);

    tc = tcase_create("windows");
    tcase_add_test(tc, windows_are_mapped);
    tcase_add_test(tc, singletons_follow_the_window);
    tcase_add_test(tc, windowed_elements_see_a_global_side);
    tcase_add_test(tc, sessions_have_no_window_for_others);
    suite_add_tcase(suite, tc);

    tc = tcase_create("errors");
    tcase_add_test(tc, values_cut_short_are_an_error);
    tcase_add_loop_test(tc, what_is_asked_the_wrong_way_is_refused, 0,
                        sizeof(asked) / sizeof(*asked));
    tcase_add_loop_test(tc, wrong_sides_are_refused, 0, sizeof(wrong) / sizeof(*wrong));
    tcase_add_test(tc, a_default_that_is_malformed_is_refused);
    tcase_add_test(tc, all_sides_of_the_table_must_be_there);
    suite_add_tcase(suite, tc);
    return suite;
}
