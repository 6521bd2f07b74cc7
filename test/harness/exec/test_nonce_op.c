/* SPDX-License-Identifier: Apache-2.0 */
/* Transforms that answer what a runner asks: map_windows, merge_windows, to_string.  Questions are
 * bytes, as a runner writes them. */
#include "test/harness/exec/kit.h"

#include "proto/urns.h"
#include "sdk/windowing/window_proto.h"
#include <check.h>
#include <stdio.h>

#define W60_120           "\x80\0\0\0\0\1\xd4\xc0\xe0\xd4\3" /* [60 s, 120 s) */
#define WINDOW(end, span) "\x80\0\0\0\0\0\0" end span

/* A window as text: minutes and seconds of 1970. */
#define IN(start, end) "[1970-01-01T00:" start "Z, 1970-01-01T00:" end "Z)"
#define IN_MS(start, end) IN("00:00.0" start, "00:00.0" end)

#define BYTES          BEAMC_URN_CODER_BYTES
#define STRING         BEAMC_URN_CODER_STRING_UTF8
#define GLOBAL         BEAMC_URN_CODER_GLOBAL_WINDOW
#define INTERVAL       BEAMC_URN_CODER_INTERVAL_WINDOW

static const char *leaf(exec_kit *kit, const char *urn)
{
    return exec_coder_of(kit, urn, NULL, NULL);
}

static const char *kv(exec_kit *kit, const char *key, const char *value)
{
    return exec_coder_of(kit, BEAMC_URN_CODER_KV, key, value);
}

static const char *iterable(exec_kit *kit, const char *element)
{
    return exec_coder_of(kit, BEAMC_URN_CODER_ITERABLE, element, NULL);
}

static const char *prefixed(exec_kit *kit, const char *coder)
{
    return exec_coder_of(kit, BEAMC_URN_CODER_LENGTH_PREFIX, coder, NULL);
}

/* A source, a transform with a FunctionSpec for its payload, a sink. */
static exec_kit *kit_with(const char *urn)
{
    exec_kit *kit = exec_kit_new();
    exec_transform(kit, "asked", urn, "", 0);
    return kit;
}

static void connect(exec_kit *kit, const char *in, const char *out)
{
    exec_collection_of(kit, "p0", in, beamc_global_windows());
    exec_collection_of(kit, "p1", out, beamc_global_windows());
    exec_source(kit, "in", "p0");
    exec_input(kit, "asked", "i", "p0");
    exec_output(kit, "asked", "o", "p1");
    exec_sink(kit, "out", "p1");
}

/* KVs: a nonce, which is bytes, and the value that is asked about or given. */
static void connect_values(exec_kit *kit, const char *in, const char *out)
{
    connect(kit, kv(kit, leaf(kit, BYTES), in), kv(kit, leaf(kit, BYTES), out));
}

static ProtobufCBinaryData packed(exec_kit *kit, const PB(FunctionSpec) * spec)
{
    ProtobufCBinaryData bytes = { pb(function_spec__get_packed_size)(spec), NULL };

    bytes.data = beamc_arena_alloc(exec_arena(kit), bytes.len);
    pb(function_spec__pack)(spec, bytes.data);
    return bytes;
}

static void set_spec(exec_kit *kit, const char *urn, ProtobufCBinaryData payload)
{
    PB(FunctionSpec) spec = PBK(FUNCTION_SPEC__INIT);

    spec.urn = (char *)urn;
    spec.payload = payload;
    exec_find_transform(kit, "asked")->spec->payload = packed(kit, &spec);
}

static void set_window_fn(exec_kit *kit, beamc_windowing windowing)
{
    exec_find_transform(kit, "asked")->spec->payload =
        packed(kit, beamc__window_fn_write(&windowing, exec_arena(kit)));
}

static void set_mapping(exec_kit *kit, beamc_windowing side)
{
    set_spec(kit, BEAMC_URN_WINDOW_MAPPING_FN_ASSIGN_MAX_TIMESTAMP,
             packed(kit, beamc__window_fn_write(&side, exec_arena(kit))));
}

static const ProtobufCBinaryData nothing = { 0, NULL };

#define PUT(kit, value) exec_put_literal(kit, "in", value)

/* ---- to_string ------------------------------------------------------------------------------- */

START_TEST(elements_become_text)
{
    static const struct {
        const char *urn;
        const char *bytes;
        size_t size;
        const char *text;
    } cases[] = {
        { BEAMC_URN_CODER_VARINT, "\xac\2", 2, "300" },
        { BEAMC_URN_CODER_DOUBLE, "\xc0\4\0\0\0\0\0\0", 8, "-2.5" },
        { BEAMC_URN_CODER_BOOL, "\1", 1, "true" },
        { BEAMC_URN_CODER_STRING_UTF8, "\2hi", 3, "hi" },
        { BEAMC_URN_CODER_BYTES, "\2\0a", 3, "\\x00a" },
        { BEAMC_URN_CODER_INTERVAL_WINDOW, W60_120, 11, IN("01:00.000", "02:00.000") },
    };
    exec_kit *kit = kit_with(BEAMC_URN_TO_STRING);
    char expected[64];

    connect_values(kit, prefixed(kit, leaf(kit, cases[_i].urn)), prefixed(kit, leaf(kit, STRING)));
    char element[64] = EXEC_HEAD "\2\0n";
    size_t at = sizeof(EXEC_HEAD "\2\0n") - 1;
    /* The inner encoding is the last in its prefix, so text and bytes have no size of their own. */
    bool sized = strcmp(cases[_i].urn, STRING) == 0 || strcmp(cases[_i].urn, BYTES) == 0;
    size_t size = cases[_i].size - sized;
    element[at++] = (char)size;
    memcpy(element + at, cases[_i].bytes + sized, size);
    exec_put_bytes(kit, "in", element, at + size);
    snprintf(expected, sizeof(expected), "(\\x00n, %s)\n", cases[_i].text);
    exec_check(kit, "out", expected);
    exec_kit_free(kit);
}
END_TEST

START_TEST(whole_structures_become_text)
{
    exec_kit *kit = kit_with(BEAMC_URN_TO_STRING);
    const char *inner =
        kv(kit, leaf(kit, STRING), iterable(kit, leaf(kit, BEAMC_URN_CODER_VARINT)));

    connect_values(kit, inner, leaf(kit, STRING));
    PUT(kit, "\1x\1k\0\0\0\2\5\xac\2");
    PUT(kit, "\1y\0\0\0\0\0");
    exec_check(kit, "out", "(x, (k, [5, 300]))\n(y, (, []))\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(text_goes_into_strings_only)
{
    exec_kit *kit = kit_with(BEAMC_URN_TO_STRING);

    connect_values(kit, leaf(kit, BYTES), leaf(kit, BYTES));
    exec_check_error(kit, BEAMC_ETYPE,
                     "transform asked: it gives string, but its output has bytes");
    exec_kit_free(kit);
}
END_TEST

/* ---- map_windows ----------------------------------------------------------------------------- */

START_TEST(windows_are_mapped)
{
    const struct {
        beamc_windowing side;
        const char *expected;
    } cases[] = {
        /* the last timestamps are 119999 and 9 */
        { beamc_fixed_windows(60000),
          "(n, " IN("01:00.000", "02:00.000") ")\n(, " IN("00:00.000", "01:00.000") ")\n" },
        { beamc_fixed_windows(7),
          "(n, " IN("01:59.994", "02:00.001") ")\n(, " IN_MS("07", "14") ")\n" },
        /* the earliest of those that hold it */
        { beamc_sliding_windows(20, 10),
          "(n, " IN("01:59.980", "02:00.000") ")\n"
          "(, [1969-12-31T23:59:59.990Z, 1970-01-01T00:00:00.010Z))\n" },
    };
    exec_kit *kit = kit_with(BEAMC_URN_MAP_WINDOWS);

    connect_values(kit, leaf(kit, INTERVAL), leaf(kit, INTERVAL));
    set_mapping(kit, cases[_i].side);
    PUT(kit, "\1n" W60_120);
    PUT(kit, "\0" WINDOW("\x0a", "\x0a"));
    exec_check(kit, "out", cases[_i].expected);
    exec_kit_free(kit);
}
END_TEST

START_TEST(windows_map_to_the_global_one)
{
    exec_kit *kit = kit_with(BEAMC_URN_MAP_WINDOWS);

    connect_values(kit, leaf(kit, INTERVAL), leaf(kit, GLOBAL));
    set_spec(kit, BEAMC_URN_WINDOW_MAPPING_FN_GLOBAL, nothing);
    PUT(kit, "\1n" W60_120);
    exec_check(kit, "out", "(n, global)\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(the_global_window_maps_to_the_last_one)
{
    exec_kit *kit = kit_with(BEAMC_URN_MAP_WINDOWS);

    connect_values(kit, leaf(kit, GLOBAL), leaf(kit, INTERVAL));
    set_mapping(kit, beamc_fixed_windows(1000));
    PUT(kit, "\1n");
    exec_check(kit, "out",
               "(n, [294247-01-09T04:00:54.000Z, 294247-01-09T04:00:54.776Z))\n");
    exec_kit_free(kit);
}
END_TEST

/* custom_window: its last timestamp, then what only its SDK can read. */
START_TEST(custom_windows_are_mapped_by_their_last_timestamp)
{
    exec_kit *kit = kit_with(BEAMC_URN_MAP_WINDOWS);
    const char *custom =
        exec_coder_of(kit, BEAMC_URN_CODER_CUSTOM_WINDOW, prefixed(kit, leaf(kit, BYTES)), NULL);

    connect_values(kit, custom, leaf(kit, INTERVAL));
    set_mapping(kit, beamc_fixed_windows(10));
    PUT(kit, "\1n" WINDOW("\x19", "\3abc"));
    exec_check(kit, "out", "(n, " IN_MS("20", "30") ")\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(the_same_window_may_be_of_any_kind)
{
    static const char *const urns[] = { INTERVAL, GLOBAL, "some:other:coder" };
    static const char *const expected[] = { "(n, " IN("01:00.000", "02:00.000") ")\n",
                                            "(n, global)\n", "(n, w)\n" };
    exec_kit *kit = kit_with(BEAMC_URN_MAP_WINDOWS);
    const char *coder = leaf(kit, urns[_i]);
    const char *window = _i == 2 ? prefixed(kit, coder) : coder;

    connect_values(kit, window, window);
    set_spec(kit, BEAMC_URN_WINDOW_MAPPING_FN_IDENTITY, nothing);
    if (_i == 0)
        PUT(kit, "\1n" W60_120);
    else if (_i == 1)
        PUT(kit, "\1n");
    else
        PUT(kit, "\1n\1w");
    exec_check(kit, "out", expected[_i]);
    exec_kit_free(kit);
}
END_TEST

START_TEST(a_window_may_belong_to_none)
{
    exec_kit *kit = kit_with(BEAMC_URN_MAP_WINDOWS);

    connect_values(kit, leaf(kit, INTERVAL), leaf(kit, INTERVAL));
    set_mapping(kit, beamc_sliding_windows(5, 10));
    PUT(kit, "\1n" WINDOW("\x05", "\5"));   /* up to 4: in [0, 5) */
    PUT(kit, "\1n" WINDOW("\x0a", "\x0a")); /* up to 9: between two */
    exec_check_error(kit, BEAMC_ENOENT,
                     "transform asked: element 2: no window of the side input holds");
    exec_kit_free(kit);
}
END_TEST

START_TEST(a_mapping_must_be_one_that_is_known)
{
    exec_kit *kit = kit_with(BEAMC_URN_MAP_WINDOWS);
    PB(FunctionSpec) fn = PBK(FUNCTION_SPEC__INIT);

    connect_values(kit, leaf(kit, INTERVAL), leaf(kit, INTERVAL));
    exec_check_error(kit, BEAMC_EUNSUPPORTED,
                     "transform asked: a mapping without a URN is another SDK's window mapping");
    set_spec(kit, "beam:window_mapping_fn:pickled_python:v1", nothing);
    exec_check_error(kit, BEAMC_EUNSUPPORTED,
                     "transform asked: beam:window_mapping_fn:pickled_python:v1 is another SDK's "
                     "window mapping");
    set_spec(kit, BEAMC_URN_WINDOW_MAPPING_FN_ASSIGN_MAX_TIMESTAMP, nothing);
    exec_check_error(kit, BEAMC_ECORRUPT, "its window mapping has no window function");
    fn.urn = "beam:window_fn:serialized_java:v1";
    set_spec(kit, BEAMC_URN_WINDOW_MAPPING_FN_ASSIGN_MAX_TIMESTAMP, packed(kit, &fn));
    exec_check_error(kit, BEAMC_EUNSUPPORTED,
                     "transform asked: beam:window_fn:serialized_java:v1 is another SDK's window "
                     "function");
    set_mapping(kit, beamc_session_windows(5));
    exec_check_error(kit, BEAMC_EUNSUPPORTED,
                     "no window of beam:window_fn:session_windows:v1 belongs to another one");
    set_mapping(kit, beamc_fixed_windows(0));
    exec_check_error(kit, BEAMC_EINVAL, "the size must be above 0");
    exec_find_transform(kit, "asked")->spec->payload.len--;
    exec_check_error(kit, BEAMC_ECORRUPT, "the FunctionSpec of its window mapping is malformed");
    exec_kit_free(kit);
}
END_TEST

START_TEST(windows_must_be_those_of_the_mapping)
{
    static const struct {
        const char *from;
        const char *to;
        const char *mapping; /* NULL: to windows of 10 ms */
        const char *error;
    } cases[] = {
        { STRING, INTERVAL, NULL, "it takes windows, but its input has string" },
        { INTERVAL, GLOBAL, NULL, "its mapping does not give windows of global_window" },
        { INTERVAL, INTERVAL, BEAMC_URN_WINDOW_MAPPING_FN_GLOBAL,
          "its mapping does not give windows of interval_window" },
        { INTERVAL, STRING, BEAMC_URN_WINDOW_MAPPING_FN_GLOBAL,
          "its mapping does not give windows of string" },
        { INTERVAL, GLOBAL, BEAMC_URN_WINDOW_MAPPING_FN_IDENTITY,
          "is no mapping of interval_window to global_window" },
    };
    exec_kit *kit = kit_with(BEAMC_URN_MAP_WINDOWS);

    connect_values(kit, leaf(kit, cases[_i].from), leaf(kit, cases[_i].to));
    if (cases[_i].mapping == NULL)
        set_mapping(kit, beamc_fixed_windows(10));
    else
        set_spec(kit, cases[_i].mapping, nothing);
    exec_check_error(kit, BEAMC_ETYPE, cases[_i].error);
    exec_kit_free(kit);
}
END_TEST

/* ---- merge_windows --------------------------------------------------------------------------- */

static exec_kit *merge_kit(beamc_windowing windowing, const char *window_urn, bool prefixes)
{
    exec_kit *kit = kit_with(BEAMC_URN_MERGE_WINDOWS);
    const char *nonce = leaf(kit, BYTES);
    const char *window = leaf(kit, window_urn);

    if (prefixes)
        window = prefixed(kit, window);
    const char *windows = iterable(kit, window);
    connect(kit, kv(kit, nonce, windows),
            kv(kit, nonce, kv(kit, windows, iterable(kit, kv(kit, window, windows)))));
    set_window_fn(kit, windowing);
    return kit;
}

START_TEST(sessions_merge_where_they_overlap)
{
    exec_kit *kit = merge_kit(beamc_session_windows(10), INTERVAL, false);

    /* [5,15) [40,50) [0,10) [50,60): the last two touch, which is not overlapping */
    PUT(kit, "\1a\0\0\0\4" WINDOW("\x0f", "\x0a") WINDOW("\x32", "\x0a")
                 WINDOW("\x0a", "\x0a") WINDOW("\x3c", "\x0a"));
    /* in blocks: [5,15) | [14,20) [0,99) */
    PUT(kit, "\1b\xff\xff\xff\xff\1" WINDOW("\x0f", "\x0a") "\2" WINDOW("\x14", "\6")
                 WINDOW("\x63", "\x63") "\0");
    PUT(kit, "\1c\0\0\0\0");
    exec_check(kit, "out",
               "(a, ([" IN_MS("40", "50") ", " IN_MS("50", "60") "], "
                   "[(" IN_MS("00", "15") ", [" IN_MS("00", "10") ", " IN_MS("05", "15") "])]))\n"
               "(b, ([], [(" IN_MS("00", "99") ", "
                   "[" IN_MS("00", "99") ", " IN_MS("05", "15") ", " IN_MS("14", "20") "])]))\n"
               "(c, ([], []))\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(a_window_twice_is_one)
{
    exec_kit *kit = merge_kit(beamc_session_windows(10), INTERVAL, false);

    PUT(kit, "\1a\0\0\0\3" WINDOW("\x0f", "\x0a") WINDOW("\x32", "\x0a")
                 WINDOW("\x0f", "\x0a"));
    exec_check(kit, "out",
               "(a, ([" IN_MS("05", "15") ", " IN_MS("40", "50") "], []))\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(windows_behind_prefixes_merge)
{
    exec_kit *kit = merge_kit(beamc_session_windows(10), INTERVAL, true);

    PUT(kit, "\1a\0\0\0\3\x09" WINDOW("\x0f", "\x0a") "\x09"
                 WINDOW("\x32", "\x0a") "\x09" WINDOW("\x0a", "\x0a"));
    exec_check(kit, "out",
               "(a, ([" IN_MS("40", "50") "], "
                   "[(" IN_MS("00", "15") ", [" IN_MS("00", "10") ", " IN_MS("05", "15") "])]))\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(many_windows_merge)
{
    enum { COUNT = 5000 };
    exec_kit *kit = merge_kit(beamc_session_windows(10), INTERVAL, false);
    beamc_buffer element;

    beamc_buffer_init(&element);
    beamc_buffer_append(&element, EXEC_HEAD "\1a\0\0\x13\x88",
                        sizeof(EXEC_HEAD "\1a\0\0\0\0") - 1);
    for (int64_t i = COUNT; i-- > 0;) {
        uint8_t window[BEAMC__WINDOW_SIZE_MAX];
        /* pairs that overlap: [0,10) [5,15), [20,30) [25,35), ... */
        int64_t start = i / 2 * 20 + i % 2 * 5;
        beamc_buffer_append(
            &element, window,
            beamc__interval_encode((beamc_interval_window){ start, start + 10 }, window));
    }
    exec_put_bytes(kit, "in", element.data, element.size);
    exec_ok(exec_run(kit));
    const char *lines = exec_lines(kit, "out");
    static const char first[] =
        "(a, ([], [(" IN_MS("00", "15") ", [" IN_MS("00", "10") ", " IN_MS("05", "15") "]), ";
    static const char last[] =
        "(" IN("00:49.980", "00:49.995") ", "
        "[" IN("00:49.980", "00:49.990") ", " IN("00:49.985", "00:49.995") "])]))\n";
    ck_assert_msg(strncmp(lines, first, sizeof(first) - 1) == 0, "%.80s", lines);
    ck_assert_str_eq(lines + strlen(lines) - (sizeof(last) - 1), last);
    beamc_buffer_dispose(&element);
    exec_kit_free(kit);
}
END_TEST

START_TEST(windows_that_do_not_merge_stay)
{
    static const char *const urns[] = { INTERVAL, GLOBAL };
    exec_kit *kit =
        merge_kit(_i == 0 ? beamc_fixed_windows(10) : beamc_global_windows(), urns[_i], false);

    if (_i == 0)
        PUT(kit, "\1a\0\0\0\2" WINDOW("\x0a", "\x0a") WINDOW("\x0f", "\x0a"));
    else
        PUT(kit, "\1a\0\0\0\1");
    exec_check(kit, "out",
               _i == 0 ? "(a, ([" IN_MS("00", "10") ", " IN_MS("05", "15") "], []))\n"
                       : "(a, ([global], []))\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(what_merges_must_be_known)
{
    exec_kit *kit = merge_kit(beamc_session_windows(10), INTERVAL, false);

    set_spec(kit, "beam:window_fn:pickled_python:v1", nothing);
    exec_check_error(kit, BEAMC_EUNSUPPORTED,
                     "transform asked: beam:window_fn:pickled_python:v1 is another SDK's window "
                     "function");
    exec_find_transform(kit, "asked")->spec->payload.len--;
    exec_check_error(kit, BEAMC_ECORRUPT, "the FunctionSpec of its window function is malformed");
    set_spec(kit, "", nothing);
    exec_check_error(kit, BEAMC_ECORRUPT, "transform asked: it has no window function");
    set_window_fn(kit, beamc_session_windows(-1));
    exec_check_error(kit, BEAMC_EINVAL, "the gap must be above 0");
    exec_kit_free(kit);
    kit = merge_kit(beamc_session_windows(10), GLOBAL, false);
    exec_check_error(kit, BEAMC_ETYPE, "does not merge windows of global_window");
    exec_kit_free(kit);
}
END_TEST

START_TEST(what_merges_must_be_windows_throughout)
{
    exec_kit *kit = kit_with(BEAMC_URN_MERGE_WINDOWS);
    const char *nonce = leaf(kit, BYTES);
    const char *window = leaf(kit, INTERVAL);
    const char *other = leaf(kit, GLOBAL);
    const char *windows = iterable(kit, window);
    const char *entries = iterable(kit, kv(kit, window, windows));
    const char *outputs[] = {
        window,
        windows,
        kv(kit, windows, windows),
        kv(kit, iterable(kit, other), entries),
        kv(kit, windows, iterable(kit, kv(kit, other, windows))),
        kv(kit, windows, iterable(kit, kv(kit, window, window))),
        kv(kit, windows, iterable(kit, kv(kit, window, iterable(kit, other)))),
        kv(kit, windows, entries),
    };

    /* The last output is right, but then the input is none of windows. */
    connect(kit, kv(kit, nonce, _i == 7 ? window : windows), kv(kit, nonce, outputs[_i]));
    set_window_fn(kit, beamc_session_windows(10));
    exec_check_error(kit, BEAMC_ETYPE, "transform asked: it takes windows, Iterable<W>, and gives");
    exec_kit_free(kit);
}
END_TEST

/* ---- all of them ----------------------------------------------------------------------------- */

static const char *const all[] = { BEAMC_URN_TO_STRING, BEAMC_URN_MAP_WINDOWS,
                                   BEAMC_URN_MERGE_WINDOWS };

START_TEST(a_nonce_must_come_back)
{
    exec_kit *kit = kit_with(all[_i]);

    connect(kit, kv(kit, leaf(kit, BYTES), leaf(kit, INTERVAL)),
            kv(kit, leaf(kit, STRING), leaf(kit, INTERVAL)));
    exec_check_error(kit, BEAMC_ETYPE, "transform asked: it takes and gives KVs of the same keys");
    exec_kit_free(kit);
    kit = kit_with(all[_i]);
    connect(kit, leaf(kit, BYTES), leaf(kit, STRING));
    exec_check_error(kit, BEAMC_ETYPE, "not bytes and string");
    exec_find_transform(kit, "asked")->n_outputs = 0;
    exec_check_error(kit, BEAMC_ECORRUPT, "it has one input and one output");
    exec_kit_free(kit);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    exec_kit *kit = _i == 2 ? merge_kit(beamc_session_windows(10), INTERVAL, false)
                            : kit_with(all[_i]);

    if (_i < 2)
        connect_values(kit, leaf(kit, INTERVAL), leaf(kit, _i == 0 ? STRING : INTERVAL));
    if (_i == 1)
        set_mapping(kit, beamc_fixed_windows(60000));
    if (_i < 2)
        PUT(kit, "\1n" W60_120);
    else
        PUT(kit, "\1n\0\0\0\2" W60_120 W60_120);
    exec_fail_allocations(kit, 6);
    exec_kit_free(kit);
}
END_TEST

Suite *suite_nonce_op(void)
{
    Suite *suite = suite_create("nonce_op");
    TCase *tc = tcase_create("to_string");
    tcase_add_loop_test(tc, elements_become_text, 0, 6);
    tcase_add_test(tc, whole_structures_become_text);
    tcase_add_test(tc, text_goes_into_strings_only);
    suite_add_tcase(suite, tc);
    tc = tcase_create("map_windows");
    tcase_add_loop_test(tc, windows_are_mapped, 0, 3);
    tcase_add_test(tc, windows_map_to_the_global_one);
    tcase_add_test(tc, the_global_window_maps_to_the_last_one);
    tcase_add_test(tc, custom_windows_are_mapped_by_their_last_timestamp);
    tcase_add_loop_test(tc, the_same_window_may_be_of_any_kind, 0, 3);
    tcase_add_test(tc, a_window_may_belong_to_none);
    tcase_add_test(tc, a_mapping_must_be_one_that_is_known);
    tcase_add_loop_test(tc, windows_must_be_those_of_the_mapping, 0, 5);
    suite_add_tcase(suite, tc);
    tc = tcase_create("merge_windows");
    tcase_add_test(tc, sessions_merge_where_they_overlap);
    tcase_add_test(tc, a_window_twice_is_one);
    tcase_add_test(tc, windows_behind_prefixes_merge);
    tcase_add_test(tc, many_windows_merge);
    tcase_add_loop_test(tc, windows_that_do_not_merge_stay, 0, 2);
    tcase_add_test(tc, what_merges_must_be_known);
    tcase_add_loop_test(tc, what_merges_must_be_windows_throughout, 0, 8);
    suite_add_tcase(suite, tc);
    tc = tcase_create("all");
    tcase_add_loop_test(tc, a_nonce_must_come_back, 0, 3);
    tcase_add_loop_test(tc, every_allocation_may_fail, 0, 3);
    suite_add_tcase(suite, tc);
    return suite;
}
