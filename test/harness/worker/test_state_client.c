/* SPDX-License-Identifier: Apache-2.0 */
/* All kinds of state as a bundle sees them, and what outlives the bundle. */
#include "harness/worker/state_client.h"

#include "test/harness/worker/peer.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static fn_peer *runner;
static beamc__rpc_queue *queue;
static beamc__state_client *client;
static beamc__state_store *cache;

static void begin(void)
{
    runner = fn_peer_new();
    exec_ok(beamc__rpc_queue_new(&queue, "state"));
    exec_ok(beamc__state_client_open(&client, queue, fn_peer_url(runner), "worker-1"));
    cache = beamc__state_store_new(100000);
    ck_assert_ptr_nonnull(cache);
}

static void finish(void)
{
    beamc__state_store_free(cache);
    beamc__state_client_free(client);
    beamc__rpc_queue_free(queue);
    fn_peer_free(runner);
}

static beamc_bytes bytes_of(const char *text)
{
    return (beamc_bytes){ (const uint8_t *)text, strlen(text) };
}

static beamc__state_key key_of(beamc__state_kind kind)
{
    return (beamc__state_key){ .kind = kind,
                               .transform_id = "t",
                               .id = kind == BEAMC__STATE_RUNNER ? NULL : "s",
                               .window = bytes_of("w"),
                               .key = bytes_of("k"),
                               .map_key = bytes_of("m"),
                               .start = -5,
                               .end = 7 };
}

/* A request with one cache token; NULL: none.  The caller's until the next call. */
static const FN(ProcessBundleRequest) *request_with(const char *token, bool is_side)
{
    static FN(ProcessBundleRequest) request;
    static FN(ProcessBundleRequest__CacheToken) made;
    static FN(ProcessBundleRequest__CacheToken__UserState) user;
    static FN(ProcessBundleRequest__CacheToken__SideInput) side;
    static FN(ProcessBundleRequest__CacheToken) *list[] = { &made };

    fn(process_bundle_request__init)(&request);
    fn(process_bundle_request__cache_token__init)(&made);
    fn(process_bundle_request__cache_token__user_state__init)(&user);
    fn(process_bundle_request__cache_token__side_input__init)(&side);
    side.transform_id = "t";
    side.side_input_id = "s";
    if (token == NULL)
        return &request;
    made.token = (ProtobufCBinaryData){ strlen(token), (uint8_t *)token };
    made.type_case = is_side ? FNK(PROCESS_BUNDLE_REQUEST__CACHE_TOKEN__TYPE_SIDE_INPUT)
                             : FNK(PROCESS_BUNDLE_REQUEST__CACHE_TOKEN__TYPE_USER_STATE);
    if (is_side)
        made.side_input = &side;
    else
        made.user_state = &user;
    request.cache_tokens = list;
    request.n_cache_tokens = 1;
    return &request;
}

static beamc__bundle_state *begin_bundle(const char *token, bool is_side)
{
    beamc__bundle_state *state =
        beamc__bundle_state_new(client, "i1", request_with(token, is_side), cache);
    ck_assert_ptr_nonnull(state);
    return state;
}

static void end_bundle(beamc__bundle_state *state)
{
    exec_ok(beamc__bundle_state_finish(state));
    beamc__bundle_state_free(state);
}

/* All pages as text. */
static const char *read_all(beamc__bundle_state *state, const beamc__state_key *key)
{
    static char text[1000];
    beamc__state *self = beamc__bundle_state_of(state);
    beamc__state_page page = { 0 };
    uint8_t from[16];
    size_t from_size = 0, size = 0;

    do {
        exec_ok(self->get(self, key, (beamc_bytes){ from, from_size }, &page));
        ck_assert_uint_lt(size + page.size, sizeof(text));
        if (page.size > 0)
            memcpy(text + size, page.data, page.size);
        size += page.size;
        ck_assert_uint_le(page.next_size, sizeof(from));
        from_size = page.next_size;
        if (from_size > 0)
            memcpy(from, page.next, from_size);
        self->release(self, &page);
    } while (from_size > 0);
    text[size] = '\0';
    return text;
}

static void append(beamc__bundle_state *state, const beamc__state_key *key, const char *values)
{
    beamc__state *self = beamc__bundle_state_of(state);
    exec_ok(self->append(self, key, bytes_of(values)));
}

static void clear(beamc__bundle_state *state, const beamc__state_key *key)
{
    beamc__state *self = beamc__bundle_state_of(state);
    exec_ok(self->clear(self, key));
}

/* ---- kinds ----------------------------------------------------------------------------------- */

#define CHECK_PART(message, field, expected)                                                       \
    do {                                                                                           \
        ck_assert_uint_eq((message)->field.len, strlen(expected));                                 \
        ck_assert_int_eq(memcmp((message)->field.data, expected, strlen(expected)), 0);            \
    } while (0)

#define CHECK_SIDE(message)                                                                        \
    do {                                                                                           \
        ck_assert_str_eq((message)->transform_id, "t");                                            \
        ck_assert_str_eq((message)->side_input_id, "s");                                           \
        CHECK_PART(message, window, "w");                                                          \
    } while (0)

#define CHECK_USER(message)                                                                        \
    do {                                                                                           \
        ck_assert_str_eq((message)->transform_id, "t");                                            \
        ck_assert_str_eq((message)->user_state_id, "s");                                           \
        CHECK_PART(message, window, "w");                                                          \
        CHECK_PART(message, key, "k");                                                             \
    } while (0)

/* That the runner reads what was meant. */
static void check_key(const FN(StateKey) *key, beamc__state_kind kind)
{
    ck_assert_int_eq((int)key->type_case, (int)kind);
    switch (kind) {
    case BEAMC__STATE_RUNNER:
        CHECK_PART(key->runner, key, "k");
        break;
    case BEAMC__STATE_MULTIMAP_SIDE_INPUT:
        CHECK_SIDE(key->multimap_side_input);
        CHECK_PART(key->multimap_side_input, key, "k");
        break;
    case BEAMC__STATE_ITERABLE_SIDE_INPUT:
        CHECK_SIDE(key->iterable_side_input);
        break;
    case BEAMC__STATE_MULTIMAP_KEYS_SIDE_INPUT:
        CHECK_SIDE(key->multimap_keys_side_input);
        break;
    case BEAMC__STATE_MULTIMAP_KEYS_VALUES_SIDE_INPUT:
        CHECK_SIDE(key->multimap_keys_values_side_input);
        break;
    case BEAMC__STATE_BAG:
        CHECK_USER(key->bag_user_state);
        break;
    case BEAMC__STATE_MULTIMAP_KEYS:
        CHECK_USER(key->multimap_keys_user_state);
        break;
    case BEAMC__STATE_MULTIMAP_ENTRIES:
        CHECK_USER(key->multimap_entries_user_state);
        break;
    case BEAMC__STATE_MULTIMAP:
        CHECK_USER(key->multimap_user_state);
        CHECK_PART(key->multimap_user_state, map_key, "m");
        break;
    case BEAMC__STATE_ORDERED_LIST:
        CHECK_USER(key->ordered_list_user_state);
        ck_assert_int_eq(key->ordered_list_user_state->range->start, -5);
        ck_assert_int_eq(key->ordered_list_user_state->range->end, 7);
        break;
    }
}

static bool is_user_state(beamc__state_kind kind)
{
    return kind == BEAMC__STATE_BAG || kind == BEAMC__STATE_MULTIMAP_KEYS ||
           kind == BEAMC__STATE_MULTIMAP || kind == BEAMC__STATE_ORDERED_LIST ||
           kind == BEAMC__STATE_MULTIMAP_ENTRIES;
}

START_TEST(all_kinds_of_keys_reach_the_runner)
{
    const beamc__state_kind kind = (beamc__state_kind)_i;
    beamc__state_key key = key_of(kind);

    begin();
    if (kind == BEAMC__STATE_ITERABLE_SIDE_INPUT || kind == BEAMC__STATE_MULTIMAP_SIDE_INPUT)
        key.window = bytes_of("w"); /* sides of the peer are in any window */
    beamc__bundle_state *state = begin_bundle(NULL, false);
    ck_assert_str_eq(read_all(state, &key), "");
    const FN(StateRequest) *request = fn_peer_state_request(runner);
    ck_assert_str_eq(request->instruction_id, "i1");
    check_key(request->state_key, kind);
    beamc__state *self = beamc__bundle_state_of(state);
    if (!is_user_state(kind)) {
        exec_expect(self->append(self, &key, bytes_of("x")), BEAMC_EINVAL, "not written");
        exec_expect(self->clear(self, &key), BEAMC_EINVAL, "not written");
        end_bundle(state);
        finish();
        return;
    }
    append(state, &key, "one");
    append(state, &key, "two");
    ck_assert_str_eq(read_all(state, &key), "onetwo"); /* a bundle reads what it wrote */
    clear(state, &key);
    append(state, &key, "three");
    ck_assert_str_eq(read_all(state, &key), "three");
    check_key(fn_peer_state_request(runner)->state_key, kind);
    end_bundle(state);
    state = begin_bundle(NULL, false);
    ck_assert_str_eq(read_all(state, &key), "three");
    end_bundle(state);
    finish();
}
END_TEST

START_TEST(many_writes_keep_their_order)
{
    beamc__state_key key = key_of(BEAMC__STATE_BAG);
    const size_t large = (size_t)25 << 20;

    begin();
    beamc__bundle_state *state = begin_bundle(NULL, false);
    for (int i = 0; i < 900; i++)
        append(state, &key, i % 2 == 0 ? "a" : "b");
    const char *text = read_all(state, &key);
    ck_assert_uint_eq(strlen(text), 900);
    for (int i = 0; i < 900; i++)
        ck_assert_int_eq(text[i], i % 2 == 0 ? 'a' : 'b');
    /* More than other harnesses put into one request. */
    int asked = fn_peer_state_count(runner);
    char *values = calloc(1, large);
    beamc__state *self = beamc__bundle_state_of(state);
    exec_ok(self->append(self, &key, (beamc_bytes){ (uint8_t *)values, large }));
    free(values);
    end_bundle(state);
    ck_assert_int_eq(fn_peer_state_count(runner), asked + 3);
    finish();
}
END_TEST

START_TEST(refused_writes_fail_the_bundle)
{
    beamc__state_key key = key_of(BEAMC__STATE_BAG);

    begin();
    beamc__bundle_state *state = begin_bundle("token", false);
    fn_peer_refuse_state(runner, "the disk is full");
    append(state, &key, "one");
    exec_expect(beamc__bundle_state_finish(state), BEAMC_EIO, "the disk is full");
    beamc__bundle_state_free(state);
    finish();
}
END_TEST

/* A bundle that fails does not wait for what was not answered. */
START_TEST(failed_bundles_wait_for_nothing)
{
    beamc__state_key key = key_of(BEAMC__STATE_BAG);

    begin();
    fn_peer_ignore_state(runner);
    beamc__bundle_state *state = begin_bundle(NULL, false);
    for (int i = 0; i < 10; i++)
        append(state, &key, "x");
    beamc__bundle_state_free(state);
    finish();
}
END_TEST

/* ---- between bundles ------------------------------------------------------------------------- */

START_TEST(answers_outlive_a_bundle_as_long_as_their_token)
{
    static const size_t pages[] = { 0, 3 };
    const bool is_side = _i % 2 == 0;
    beamc__state_key key =
        key_of(is_side ? BEAMC__STATE_ITERABLE_SIDE_INPUT : BEAMC__STATE_BAG);

    begin();
    fn_peer_set_page(runner, pages[_i / 2]);
    if (is_side) {
        fn_peer_side(runner, "s", NULL, "alpha beta");
    } else {
        beamc__bundle_state *writer = begin_bundle(NULL, false);
        append(writer, &key, "\5alpha\4beta");
        end_bundle(writer);
    }
    beamc__bundle_state *state = begin_bundle("token 1", is_side);
    ck_assert_str_eq(read_all(state, &key), "\5alpha\4beta");
    end_bundle(state);
    const int asked = fn_peer_state_count(runner);
    state = begin_bundle("token 1", is_side);
    ck_assert_str_eq(read_all(state, &key), "\5alpha\4beta");
    end_bundle(state);
    ck_assert_int_eq(fn_peer_state_count(runner), asked);
    /* Another token, none, or one for something else. */
    static const char *const tokens[] = { "token 2", NULL, "token 1" };
    for (int i = 0; i < 3; i++) {
        const int before = fn_peer_state_count(runner);
        state = begin_bundle(tokens[i], i == 2 ? !is_side : is_side);
        ck_assert_str_eq(read_all(state, &key), "\5alpha\4beta");
        ck_assert_int_gt(fn_peer_state_count(runner), before);
        end_bundle(state);
    }
    finish();
}
END_TEST

START_TEST(answers_of_bundles_that_fail_are_forgotten)
{
    beamc__state_key key = key_of(BEAMC__STATE_BAG);

    begin();
    beamc__bundle_state *state = begin_bundle("token", false);
    read_all(state, &key);
    beamc__bundle_state_free(state);
    ck_assert_uint_eq(beamc__state_store_tell(cache).entries, 0);
    finish();
}
END_TEST

/* What a bundle writes is not taken from the cache, nor put there, whatever becomes of it. */
START_TEST(writes_end_what_is_cached)
{
    beamc__state_key bag = key_of(BEAMC__STATE_MULTIMAP);
    beamc__state_key keys = key_of(BEAMC__STATE_MULTIMAP_KEYS);

    begin();
    beamc__bundle_state *state = begin_bundle("token", false);
    read_all(state, &bag);
    read_all(state, &keys);
    end_bundle(state);
    ck_assert_uint_eq(beamc__state_store_tell(cache).entries, 1); /* of one cell */
    state = begin_bundle("token", false);
    append(state, &bag, "new");
    ck_assert_str_eq(read_all(state, &bag), "new");
    ck_assert_uint_eq(beamc__state_store_tell(cache).entries, 0);
    if (_i == 0)
        end_bundle(state);
    else
        beamc__bundle_state_free(state);
    ck_assert_uint_eq(beamc__state_store_tell(cache).entries, 0);
    state = begin_bundle("token", false);
    ck_assert_str_eq(read_all(state, &bag), "new");
    end_bundle(state);
    finish();
}
END_TEST

Suite *suite_state_client(void)
{
    Suite *suite = suite_create("state_client");
    TCase *tc = tcase_create("kinds");

    tcase_add_loop_test(tc, all_kinds_of_keys_reach_the_runner, 1, 11);
    tcase_add_test(tc, many_writes_keep_their_order);
    tcase_add_test(tc, refused_writes_fail_the_bundle);
    tcase_add_test(tc, failed_bundles_wait_for_nothing);
    suite_add_tcase(suite, tc);
    tc = tcase_create("between bundles");
    tcase_add_loop_test(tc, answers_outlive_a_bundle_as_long_as_their_token, 0, 4);
    tcase_add_test(tc, answers_of_bundles_that_fail_are_forgotten);
    tcase_add_loop_test(tc, writes_end_what_is_cached, 0, 2);
    suite_add_tcase(suite, tc);
    return suite;
}
