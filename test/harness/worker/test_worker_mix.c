/* SPDX-License-Identifier: Apache-2.0 */
/* Many bundles at once, questions about them, and streams that break meanwhile: whatever the order, each
 * instruction is answered once, no element is lost or done twice, and nothing is left of any of them. */
#include "test/harness/worker/fns.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 26, BUNDLES = 12, PIECES = 5, WORDS = 4, ALL_WORDS = PIECES * WORDS };

static fn_peer *runner;
static beamc__worker *worker;
static unsigned state;

static unsigned next_below(unsigned most)
{
    state = state * 1103515245u + 12345u;
    return (state >> 16) % most;
}

/* ---- a round --------------------------------------------------------------------------------- */

static void name_bundle(char out[32], int round, int bundle)
{
    snprintf(out, 32, "r%d-%d", round, bundle);
}

static const char *descriptor_of(int bundle)
{
    static const char *const ids[] = { "echo", "side", "fail", "echo" };
    return ids[bundle % 4];
}

static void put_piece(const char *instruction, int piece, bool spoilt)
{
    beamc_buffer bytes;
    char word[20];

    beamc_buffer_init(&bytes);
    for (int i = 0; i < WORDS; i++) {
        int size = snprintf(word, sizeof(word), "w%02d", piece * WORDS + i);
        fn_element(&bytes, spoilt && i == 1 ? "bad" : word, (size_t)size);
    }
    fn_peer_put_bytes(runner, instruction, "in", bytes.data, bytes.size, piece == PIECES - 1);
    beamc_buffer_dispose(&bytes);
}

static void ask_split(const char *id, const char *about)
{
    FN(InstructionRequest) request = FNK(INSTRUCTION_REQUEST__INIT);
    FN(ProcessBundleSplitRequest) split = FNK(PROCESS_BUNDLE_SPLIT_REQUEST__INIT);
    FN(ProcessBundleSplitRequest__DesiredSplitsEntry) entry =
        FNK(PROCESS_BUNDLE_SPLIT_REQUEST__DESIRED_SPLITS_ENTRY__INIT);
    FN(ProcessBundleSplitRequest__DesiredSplit) desired =
        FNK(PROCESS_BUNDLE_SPLIT_REQUEST__DESIRED_SPLIT__INIT);
    FN(ProcessBundleSplitRequest__DesiredSplitsEntry) *entries[] = { &entry };

    desired.fraction_of_remainder = 0.5;
    desired.estimated_input_elements = ALL_WORDS;
    entry.key = "in";
    entry.value = &desired;
    split.instruction_id = (char *)about;
    split.desired_splits = entries;
    split.n_desired_splits = 1;
    request.instruction_id = (char *)id;
    request.request_case = FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE_SPLIT);
    request.process_bundle_split = &split;
    fn_peer_send(runner, FN_CONTROL, &request);
}

/* @from to before @to of each bundle's pieces, those of all bundles mixed, with questions between them. */
static void put_pieces(int round, int from, int to)
{
    char id[32], question[40];

    for (int piece = from; piece < to; piece++) {
        for (int i = 0; i < BUNDLES; i++) {
            name_bundle(id, round, i);
            put_piece(id, piece, strcmp(descriptor_of(i), "fail") == 0 && piece == 2);
            snprintf(question, sizeof(question), "%s-p%d", id, piece);
            if (next_below(3) == 0)
                fn_peer_ask_progress(runner, question, id);
        }
        int split = (int)next_below(BUNDLES);
        name_bundle(id, round, split);
        snprintf(question, sizeof(question), "%s-s%d", id, piece);
        ask_split(question, id);
    }
}

/* How many elements the bundle was left with. */
static int left_of(const char *id)
{
    int left = ALL_WORDS;
    char question[40];

    for (int piece = 0; piece < PIECES; piece++) {
        snprintf(question, sizeof(question), "%s-s%d", id, piece);
        if (!fn_peer_has_response(runner, question))
            continue;
        const FN(InstructionResponse) *response = fn_peer_response(runner, question, 1);
        ck_assert_str_eq(response->error, "");
        if (response->process_bundle_split->n_channel_splits == 0)
            continue;
        int stop = (int)response->process_bundle_split->channel_splits[0]->first_residual_element;
        ck_assert_int_le(stop, left); /* it moves to the front only; the first may be where all ends */
        left = stop;
    }
    return left;
}

static void check_lines(const char *id, const char *suffix)
{
    const char *lines = fn_peer_lines(runner, id, "out");
    char line[40];
    int left = left_of(id);

    for (int i = 0; i < left; i++) {
        int size = snprintf(line, sizeof(line), "w%02d%s\n", i, suffix);
        ck_assert_msg(strncmp(lines, line, (size_t)size) == 0, "%s: %s: no %s", id, lines, line);
        lines += size;
    }
    ck_assert_str_eq(lines, "");
}

static void check_bundle(const char *id, const char *descriptor, bool may_fail)
{
    const FN(InstructionResponse) *response = fn_peer_response(runner, id, 1);
    bool failed = *response->error != '\0';

    if (failed && may_fail)
        return;
    if (strcmp(descriptor, "fail") == 0 && left_of(id) > 2 * WORDS + 1) {
        ck_assert_msg(strstr(response->error, "no good: bad") != NULL, "%s: %s", id,
                      response->error);
        return;
    }
    ck_assert_msg(!failed, "%s: %s", id, response->error);
    check_lines(id, strcmp(descriptor, "side") == 0 ? ": one" : "");
}

static void check_round(int round, bool may_fail)
{
    char id[32];

    for (int i = 0; i < BUNDLES; i++) {
        name_bundle(id, round, i);
        fn_peer_response(runner, id, 1);
    }
    /* Questions are answered before what comes behind them. */
    snprintf(id, sizeof(id), "r%d-last", round);
    fn_peer_ask_progress(runner, id, "nobody");
    fn_peer_response(runner, id, 1);
    for (int i = 0; i < BUNDLES; i++) {
        name_bundle(id, round, i);
        check_bundle(id, descriptor_of(i), may_fail);
        ck_assert_int_eq(fn_peer_response_count(runner, id), 1);
    }
}

/* ---- the test -------------------------------------------------------------------------------- */

static void begin(void)
{
    const beamc__worker_options options = { .id = "worker-1", .idle_ms = 1 };

    runner = fn_peer_new();
    worker = fn_peer_worker(runner, &options);
    worker_give(runner, "echo", worker_fn_echo);
    worker_give(runner, "fail", worker_fn_fail);
    worker_give(runner, "side", worker_fn_side);
    fn_peer_side(runner, "side0", NULL, "one");
}

static long held_by_worker(void)
{
    static const char what[] = "wait for their bundles: ";
    const char *at = strstr(fn_peer_status(runner), what);

    ck_assert_ptr_nonnull(at);
    return strtol(at + strlen(what), NULL, 10);
}

/* All have begun when a question behind them is answered: then none comes to a new stream for elements
 * that went by the old one. */
static void begin_round(int round, int streams)
{
    char id[32];

    for (int i = 0; i < BUNDLES; i++) {
        name_bundle(id, round, i);
        fn_peer_process(runner, id, descriptor_of(i));
    }
    snprintf(id, sizeof(id), "r%d-first", round);
    fn_peer_ask_progress(runner, id, "nobody");
    fn_peer_response(runner, id, 1);
    fn_peer_wait_open(runner, FN_DATA, streams);
}

START_TEST(bundles_questions_and_faults_mix)
{
    int streams = 1;

    state = (unsigned)_i;
    begin();
    for (int round = 0; round < ROUNDS; round++) {
        bool cuts_data = round % 4 == 2;
        bool cuts_state = round % 4 == 3;
        begin_round(round, streams);
        put_pieces(round, 0, PIECES / 2);
        if (cuts_data) {
            fn_peer_cut(runner, FN_DATA);
            streams++;
        } else {
            put_pieces(round, PIECES / 2, PIECES);
        }
        if (cuts_state)
            fn_peer_cut(runner, FN_STATE);
        /* That a stream of state has ended may be seen by the next to ask only. */
        check_round(round, cuts_data || cuts_state || (round > 0 && round % 4 == 0));
    }
    ck_assert_int_eq(held_by_worker(), 0);
    fn_peer_finish(runner, worker);
}
END_TEST

/* More than the worker reads ahead, in any order: it stops and goes on many times. */
START_TEST(much_comes_for_many)
{
    enum { MANY = 8, MESSAGES = 200, SIZE = 100 << 10 };
    size_t sent[MANY] = { 0 };
    char *text = calloc(1, SIZE);
    beamc_buffer bytes;
    char id[32];

    state = (unsigned)_i;
    begin();
    for (int i = 0; i < MANY; i++) {
        name_bundle(id, 0, i);
        fn_peer_process(runner, id, "echo");
    }
    beamc_buffer_init(&bytes);
    for (int i = 0; i < MESSAGES; i++) {
        unsigned to = next_below(MANY);
        name_bundle(id, 0, (int)to);
        beamc_buffer_clear(&bytes);
        fn_element(&bytes, text, next_below(SIZE));
        fn_peer_put_bytes(runner, id, "in", bytes.data, bytes.size, false);
        sent[to] += bytes.size;
    }
    for (int i = 0; i < MANY; i++) {
        name_bundle(id, 0, i);
        fn_peer_put(runner, id, "in", "");
        fn_peer_done(runner, id);
        ck_assert_uint_eq(fn_peer_output(runner, id, "out")->bytes.size, sent[i]);
    }
    ck_assert_int_eq(held_by_worker(), 0);
    beamc_buffer_dispose(&bytes);
    free(text);
    fn_peer_finish(runner, worker);
}
END_TEST

/* The worker is stopped in the middle of it. */
START_TEST(all_of_it_may_be_stopped)
{
    state = (unsigned)_i;
    begin();
    begin_round(0, 1);
    put_pieces(0, 0, (int)next_below(PIECES));
    if (_i % 2 == 0)
        beamc__worker_stop(worker);
    else
        fn_peer_end(runner, FN_CONTROL, BEAMC__RPC_OK, NULL);
    exec_ok(beamc__worker_wait(worker));
    beamc__worker_free(worker);
    fn_peer_free(runner);
}
END_TEST

Suite *suite_worker_mix(void)
{
    Suite *suite = suite_create("worker_mix");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, bundles_questions_and_faults_mix, 0, 3);
    tcase_add_loop_test(tc, much_comes_for_many, 0, 3);
    tcase_add_loop_test(tc, all_of_it_may_be_stopped, 0, 10);
    suite_add_tcase(suite, tc);
    return suite;
}
