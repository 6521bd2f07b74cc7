/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: order, flow control both ways, and every way to end. */
#include "peer.h"

#include "test/process.h"
#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static inbox box;

START_TEST(messages_come_back_in_order)
{
    static const size_t sizes[] = { 0, 1, 20, 300, 5000, 70000 };

    box.keep = true;
    inbox_open(&box, the_peer.channel, "/test.Streams/Echo", NULL);
    for (unsigned i = 0; i < 1000; i++)
        send_pattern(box.stream, sizes[i % 6], i);
    beamc__rpc_stream_half_close(box.stream);
    inbox_wait_end(&box);
    ck_assert_msg(box.code == BEAMC__RPC_OK, "%s", box.text);
    ck_assert_uint_eq(box.kept_count, 1000);
    for (unsigned i = 0; i < 1000; i++)
        check_pattern(box.kept[i], sizes[i % 6], i);
    ck_assert_uint_eq(beamc__rpc_stream_unsent(box.stream), 0);
    inbox_close(&box);
    peer_wait_closed();
    ck_assert_int_eq(the_peer.cancelled, 0);
}
END_TEST

START_TEST(answers_do_not_wait_for_more)
{
    inbox_open(&box, the_peer.channel, "/test.Streams/Echo", NULL);
    for (unsigned i = 1; i <= 200; i++) {
        send_pattern(box.stream, i, i);
        inbox_wait_count(&box, i);
    }
    beamc__rpc_stream_half_close(box.stream);
    inbox_wait_end(&box);
    inbox_close(&box);
}
END_TEST

START_TEST(bursts_of_small_messages_arrive_to_the_last)
{
    beamc__rpc_message *message = make_pattern(10, 0);

    inbox_open(&box, the_peer.channel, "/test.Streams/Echo", NULL);
    for (size_t burst = 1; burst <= 10; burst++) {
        for (int i = 0; i < 500; i++)
            must(beamc__rpc_stream_send(box.stream, message, PATIENCE_MS));
        inbox_wait_count(&box, burst * 500);
    }
    beamc__rpc_message_unref(message);
    beamc__rpc_stream_half_close(box.stream);
    inbox_wait_end(&box);
    inbox_close(&box);
}
END_TEST

START_TEST(messages_of_10_mb_go_both_ways)
{
    box.keep = true;
    inbox_open(&box, the_peer.channel, "/test.Streams/Echo", NULL);
    for (unsigned i = 0; i < 5; i++)
        send_pattern(box.stream, 10 << 20, i);
    beamc__rpc_stream_half_close(box.stream);
    inbox_wait_end(&box);
    ck_assert_uint_eq(box.kept_count, 5);
    for (unsigned i = 0; i < 5; i++)
        check_pattern(box.kept[i], 10 << 20, i);
    inbox_close(&box);
}
END_TEST

START_TEST(servers_stream_to_one_request)
{
    beamc__rpc_message *request = beamc__rpc_message_copy("2000 65536", 10);

    inbox_open(&box, the_peer.channel, "/test.Streams/Many", NULL);
    must(beamc__rpc_stream_send(box.stream, request, 0));
    beamc__rpc_message_unref(request);
    inbox_wait_end(&box);
    ck_assert_msg(box.code == BEAMC__RPC_OK, "%s", box.text);
    ck_assert_uint_eq(box.count, 2000);
    ck_assert_uint_eq(box.bytes, 2000 * 65536);
    inbox_close(&box);
}
END_TEST

START_TEST(clients_stream_to_one_answer)
{
    uint8_t *copy;

    box.keep = true;
    inbox_open(&box, the_peer.channel, "/test.Streams/Sum", NULL);
    for (unsigned i = 0; i < 300; i++)
        send_pattern(box.stream, i, i);
    beamc__rpc_stream_half_close(box.stream);
    inbox_wait_end(&box);
    ck_assert_uint_eq(box.kept_count, 1);
    ck_assert_uint_eq(beamc__rpc_message_size(box.kept[0]), 5);
    ck_assert_int_eq(memcmp(beamc__rpc_message_flat(box.kept[0], &copy), "44850", 5), 0);
    free(copy);
    inbox_close(&box);
}
END_TEST

/* ---- flow control ---- */

START_TEST(slow_readers_stop_the_writer)
{
    const beamc__rpc_stream_options options = { .send_limit = 256 << 10 };
    beamc__rpc_message *message = make_pattern(64 << 10, 0);
    size_t sent = 0;

    inbox_open(&box, the_peer.channel, "/test.Streams/Hold", &options);
    beamc__rpc_stream *held = peer_held();
    for (bool full = false; !full; sent += 64 << 10) {
        beamc_error *error = beamc__rpc_stream_send(box.stream, message, 300);
        ck_assert_uint_lt(sent, 32 << 20);
        if (error == NULL)
            continue;
        ck_assert_int_eq(beamc_error_code(error), BEAMC_ETIMEOUT);
        ck_assert_str_eq(error_text(error),
                         "/test.Streams/Hold: the peer reads nothing for 300 ms");
        /* Else nothing moved for a while, and then there was room. */
        full = beamc__rpc_stream_try_send(box.stream, message) == BEAMC__RPC_FULL;
    }
    ck_assert_uint_le(beamc__rpc_stream_unsent(box.stream), 256 << 10);

    /* Once it reads, there is room again, and we hear of it. */
    beamc__rpc_stream_resume(held);
    must(beamc__rpc_stream_send(box.stream, message, PATIENCE_MS));
    uv_mutex_lock(&box.lock);
    while (box.writable == 0)
        uv_cond_wait(&box.changed, &box.lock);
    uv_mutex_unlock(&box.lock);
    beamc__rpc_stream_half_close(box.stream);
    ck_assert_int_eq(beamc__rpc_stream_try_send(box.stream, message), BEAMC__RPC_ENDED);
    inbox_wait_end(&box);
    ck_assert_int_eq(box.code, BEAMC__RPC_OK);
    peer_wait_closed();
    ck_assert(the_peer.half_closed);
    beamc__rpc_message_unref(message);
    beamc__rpc_stream_unref(held);
    inbox_close(&box);
}
END_TEST

enum { PUSHED_SIZE = 64 << 10, PUSHED = 100 };

/* Pushes when nothing has moved for a while, and says how much more there is unsent then. */
static size_t push_into_full_stream(beamc__rpc_message *message)
{
    beamc_error *error = NULL;

    while (error == NULL)
        error = beamc__rpc_stream_send(box.stream, message, 300);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ETIMEOUT);
    beamc_error_free(error);
    size_t before = beamc__rpc_stream_unsent(box.stream);
    for (int i = 0; i < PUSHED; i++) {
        beamc__rpc_sent sent = beamc__rpc_stream_push(box.stream, message);
        ck_assert_int_eq(sent, BEAMC__RPC_SENT);
    }
    size_t after = beamc__rpc_stream_unsent(box.stream);
    return after > before ? after - before : 0;
}

/* What is pushed is accepted past the limit, counted, and goes behind what was accepted before. */
START_TEST(pushes_know_no_limit)
{
    const beamc__rpc_stream_options options = { .send_limit = 256 << 10 };
    beamc__rpc_message *message = make_pattern(PUSHED_SIZE, 0);
    beamc__rpc_sent sent;

    inbox_open(&box, the_peer.channel, "/test.Streams/Hold", &options);
    beamc__rpc_stream *held = peer_held();
    /* On a slow machine the transport may take some of the first ones yet. */
    size_t more = 0;
    for (int i = 0; i < 5 && more < (size_t)PUSHED * PUSHED_SIZE; i++)
        more = push_into_full_stream(message);
    ck_assert_uint_ge(more, (size_t)PUSHED * PUSHED_SIZE);
    ck_assert_uint_lt(more, (size_t)PUSHED * (PUSHED_SIZE + 1024));
    /* The limit is there as before for those who heed it. */
    ck_assert_int_eq(beamc__rpc_stream_try_send(box.stream, message), BEAMC__RPC_FULL);
    beamc__rpc_stream_resume(held);
    must(beamc__rpc_stream_send(box.stream, message, PATIENCE_MS));
    beamc__rpc_stream_half_close(box.stream);
    sent = beamc__rpc_stream_push(box.stream, message);
    ck_assert_int_eq(sent, BEAMC__RPC_ENDED);
    inbox_wait_end(&box);
    ck_assert_int_eq(box.code, BEAMC__RPC_OK);
    ck_assert_uint_eq(beamc__rpc_stream_unsent(box.stream), 0);
    sent = beamc__rpc_stream_push(box.stream, message);
    ck_assert_int_eq(sent, BEAMC__RPC_ENDED);
    beamc__rpc_message_unref(message);
    beamc__rpc_stream_unref(held);
    inbox_close(&box);
    peer_wait_closed();
}
END_TEST

START_TEST(pushes_and_sends_keep_their_order)
{
    const beamc__rpc_stream_options options = { .send_limit = 10000 };

    box.keep = true;
    inbox_open(&box, the_peer.channel, "/test.Streams/Echo", &options);
    for (unsigned i = 0; i < 1000; i++) {
        beamc__rpc_message *message = make_pattern(3000, i);
        if (i % 3 == 0)
            must(beamc__rpc_stream_send(box.stream, message, PATIENCE_MS));
        else
            ck_assert_int_eq((int)beamc__rpc_stream_push(box.stream, message), BEAMC__RPC_SENT);
        beamc__rpc_message_unref(message);
    }
    beamc__rpc_stream_half_close(box.stream);
    inbox_wait_end(&box);
    ck_assert_msg(box.code == BEAMC__RPC_OK, "%s", box.text);
    ck_assert_uint_eq(box.kept_count, 1000);
    for (unsigned i = 0; i < 1000; i++)
        check_pattern(box.kept[i], 3000, i);
    inbox_close(&box);
}
END_TEST

/* What a cancelled call had not sent is dropped with it. */
START_TEST(pushes_end_with_a_cancelled_call)
{
    beamc__rpc_message *message = make_pattern(1 << 20, 0);

    inbox_open(&box, the_peer.channel, "/test.Streams/Hold", NULL);
    beamc__rpc_stream *held = peer_held();
    for (int i = 0; i < 64; i++)
        ck_assert_int_eq((int)beamc__rpc_stream_push(box.stream, message), BEAMC__RPC_SENT);
    beamc__rpc_stream_cancel(box.stream);
    inbox_wait_end(&box);
    ck_assert_int_eq(box.code, BEAMC__RPC_CANCELLED);
    ck_assert_int_eq((int)beamc__rpc_stream_push(box.stream, message), BEAMC__RPC_ENDED);
    ck_assert_uint_eq(beamc__rpc_stream_unsent(box.stream), 0);
    beamc__rpc_message_unref(message);
    beamc__rpc_stream_unref(held);
    inbox_close(&box);
    peer_wait_closed();
}
END_TEST

static long max_resident_kb(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

START_TEST(paused_readers_cost_no_memory)
{
    const beamc__rpc_stream_options options = { .paused = true };
    beamc__rpc_message *request = beamc__rpc_message_copy("2500 65536", 10);
    long before = max_resident_kb();

    inbox_open(&box, the_peer.channel, "/test.Streams/Many", &options);
    must(beamc__rpc_stream_send(box.stream, request, 0));
    beamc__rpc_message_unref(request);
    /* Other calls go on meanwhile, for long enough to fill what is unbounded. */
    for (int i = 0; i < 300; i++)
        ck_assert_str_eq(ask(the_peer.channel, "/test.Calls/Echo", "still there"), "still there");
    ck_assert_uint_eq(box.count, 0);
    /* In small steps. */
    for (size_t i = 0; i < 50; i++) {
        beamc__rpc_stream_resume(box.stream);
        inbox_wait_count(&box, i + 1);
        beamc__rpc_stream_pause(box.stream);
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    ck_assert_int_lt(max_resident_kb() - before, 100 << 10);
#else
    (void)before;
#endif
    beamc__rpc_stream_resume(box.stream);
    inbox_wait_end(&box);
    ck_assert_msg(box.code == BEAMC__RPC_OK, "%s", box.text);
    ck_assert_uint_eq(box.count, 2500);
    inbox_close(&box);
}
END_TEST

START_TEST(many_streams_go_at_once)
{
    enum { STREAMS = 64, MESSAGES = 100 };
    static inbox boxes[STREAMS];

    for (size_t s = 0; s < STREAMS; s++)
        inbox_open(&boxes[s], the_peer.channel, "/test.Streams/Echo", NULL);
    for (unsigned i = 0; i < MESSAGES; i++)
        for (size_t s = 0; s < STREAMS; s++)
            send_pattern(boxes[s].stream, 3000, i);
    for (size_t s = 0; s < STREAMS; s++)
        beamc__rpc_stream_half_close(boxes[s].stream);
    for (size_t s = 0; s < STREAMS; s++) {
        inbox_wait_end(&boxes[s]);
        ck_assert_msg(boxes[s].code == BEAMC__RPC_OK, "%s", boxes[s].text);
        ck_assert_uint_eq(boxes[s].count, MESSAGES);
        inbox_close(&boxes[s]);
    }
}
END_TEST

typedef struct {
    beamc__rpc_stream *stream;
    uv_thread_t thread;
} writer;

static void write_messages(void *ctx)
{
    writer *one = ctx;

    for (unsigned i = 0; i < 500; i++)
        send_pattern(one->stream, 2000, i);
}

START_TEST(many_threads_send_on_one_stream)
{
    const beamc__rpc_stream_options options = { .send_limit = 10000 };
    writer writers[4];

    inbox_open(&box, the_peer.channel, "/test.Streams/Echo", &options);
    for (int i = 0; i < 4; i++) {
        writers[i].stream = box.stream;
        uv_thread_create(&writers[i].thread, write_messages, &writers[i]);
    }
    for (int i = 0; i < 4; i++)
        uv_thread_join(&writers[i].thread);
    beamc__rpc_stream_half_close(box.stream);
    inbox_wait_end(&box);
    ck_assert_uint_eq(box.count, 2000);
    ck_assert_uint_eq(box.bytes, 2000 * 2000);
    inbox_close(&box);
}
END_TEST

/* ---- ends ---- */

START_TEST(clients_cancel)
{
    inbox_open(&box, the_peer.channel, "/test.Streams/Hold", NULL);
    beamc__rpc_stream *held = peer_held();
    ck_assert_str_eq(beamc__rpc_stream_method(held), "/test.Streams/Hold");
    ck_assert_int_eq(strncmp(beamc__rpc_stream_peer(held), "ipv4:127.0.0.1:", 15), 0);
    /* Told apart from a proper half-close even while the server reads. */
    beamc__rpc_stream_resume(held);
    beamc__rpc_stream_cancel(box.stream);
    beamc__rpc_stream_cancel(box.stream);
    inbox_wait_end(&box);
    ck_assert_int_eq(box.code, BEAMC__RPC_CANCELLED);
    peer_wait_closed();
    ck_assert_int_eq(the_peer.cancelled, 1);
    ck_assert(!the_peer.half_closed);
    /* Nothing of this does anything any more. */
    beamc__rpc_stream_finish(held, BEAMC__RPC_OK, NULL);
    beamc__rpc_stream_cancel(held);
    beamc__rpc_stream_resume(held);
    beamc__rpc_stream_pause(held);
    ck_assert_ptr_nonnull(beamc__rpc_stream_metadata(held, "user-agent"));
    beamc__rpc_stream_unref(held);
    inbox_close(&box);
}
END_TEST

START_TEST(servers_cancel)
{
    inbox_open(&box, the_peer.channel, "/test.Streams/Hold", NULL);
    beamc__rpc_stream *held = peer_held();
    beamc__rpc_stream_cancel(held);
    inbox_wait_end(&box);
    ck_assert_int_eq(box.code, BEAMC__RPC_CANCELLED);
    peer_wait_closed();
    beamc__rpc_stream_unref(held);
    inbox_close(&box);
}
END_TEST

START_TEST(cancelling_wakes_who_waits_for_room)
{
    const beamc__rpc_stream_options options = { .send_limit = 1 };
    beamc__rpc_message *message = make_pattern(1 << 20, 0);
    beamc_error *error = NULL;

    inbox_open(&box, the_peer.channel, "/test.Streams/Hold", &options);
    beamc__rpc_stream *held = peer_held();
    beamc__rpc_stream_cancel(held);
    /* However many the buffers take, in the end this fails and does not hang. */
    for (int i = 0; i < 100 && error == NULL; i++)
        error = beamc__rpc_stream_send(box.stream, message, 0);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ECANCELLED);
    beamc_error_free(error);
    inbox_wait_end(&box);
    beamc__rpc_message_unref(message);
    beamc__rpc_stream_unref(held);
    inbox_close(&box);
}
END_TEST

START_TEST(time_runs_out_for_both_sides)
{
    beamc__rpc_stream_options options = { .timeout_ms = 150 };
    bool came = false;
    char want[100];

    ask(the_peer.channel, "/test.Calls/Echo", ""); /* connected, it is not the way that takes time */
    /* The server hears nothing of a call whose time was over before it went out. */
    for (; !came; options.timeout_ms *= 2) {
        ck_assert_int_lt(options.timeout_ms, PATIENCE_MS);
        inbox_open(&box, the_peer.channel, "/test.Streams/Hold", &options);
        inbox_wait_end(&box);
        ck_assert_int_eq(box.code, BEAMC__RPC_DEADLINE_EXCEEDED);
        snprintf(want, sizeof(want), "/test.Streams/Hold: no answer within %d ms",
                 (int)options.timeout_ms);
        ck_assert_msg(strstr(box.text, want) != NULL, "%s", box.text);
        inbox_close(&box);
        uv_mutex_lock(&the_peer.lock);
        came = the_peer.open > 0 || the_peer.cancelled > 0;
        uv_mutex_unlock(&the_peer.lock);
    }
    peer_wait_closed();
    ck_assert_int_ge(the_peer.cancelled, 1);
}
END_TEST

START_TEST(refusals_come_with_their_reason)
{
    inbox_open(&box, the_peer.channel, "/test.Streams/Refuse", NULL);
    inbox_wait_end(&box);
    ck_assert_int_eq(box.code, BEAMC__RPC_ABORTED);
    ck_assert_ptr_nonnull(strstr(box.text, "/test.Streams/Refuse: ABORTED: not today"));
    beamc__rpc_message *message = make_pattern(0, 0);
    ck_assert_int_eq(beamc__rpc_stream_try_send(box.stream, message), BEAMC__RPC_ENDED);
    beamc__rpc_message_unref(message);
    inbox_close(&box);
}
END_TEST

START_TEST(unread_messages_hold_up_no_end)
{
    beamc__rpc_message *message = make_pattern(1000, 0);

    inbox_open(&box, the_peer.channel, "/test.Streams/Chop", NULL);
    beamc_error *error = NULL;
    while (error == NULL)
        error = beamc__rpc_stream_send(box.stream, message, PATIENCE_MS);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ECANCELLED);
    beamc_error_free(error);
    inbox_wait_end(&box);
    ck_assert_msg(box.code == BEAMC__RPC_ABORTED, "%s", box.text);
    peer_wait_closed();
    beamc__rpc_message_unref(message);
    inbox_close(&box);
}
END_TEST

START_TEST(unknown_streams_are_unimplemented)
{
    inbox_open(&box, the_peer.channel, "/test.Streams/Fly", NULL);
    inbox_wait_end(&box);
    ck_assert_int_eq(box.code, BEAMC__RPC_UNIMPLEMENTED);
    inbox_close(&box);
}
END_TEST

START_TEST(calls_of_one_request_take_one_request)
{
    inbox_open(&box, the_peer.channel, "/test.Calls/Never", NULL);
    beamc__rpc_stream_half_close(box.stream);
    inbox_wait_end(&box);
    ck_assert_ptr_nonnull(strstr(box.text, "INVALID_ARGUMENT: no request"));
    inbox_close(&box);

    inbox_open(&box, the_peer.channel, "/test.Calls/Never", NULL);
    send_pattern(box.stream, 1, 0);
    send_pattern(box.stream, 1, 0);
    inbox_wait_end(&box);
    ck_assert_ptr_nonnull(strstr(box.text, "INVALID_ARGUMENT: more than one request"));
    inbox_close(&box);
}
END_TEST

START_TEST(freeing_a_channel_ends_its_streams)
{
    static inbox boxes[10];

    for (size_t i = 0; i < 10; i++)
        inbox_open(&boxes[i], the_peer.channel,
                   i % 2 == 0 ? "/test.Streams/Hold" : "/test.Streams/Echo", NULL);
    beamc__rpc_channel_free(the_peer.channel);
    the_peer.channel = NULL;
    for (size_t i = 0; i < 10; i++) {
        ck_assert_int_eq(boxes[i].code, BEAMC__RPC_CANCELLED);
        inbox_close(&boxes[i]);
    }
    peer_wait_closed();
}
END_TEST

/* ---- a server that dies ---- */

START_TEST(death_of_the_server_ends_streams)
{
    int ends[2];
    char url[100] = "";

    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        peer_setup();
        const char *mine = beamc__rpc_server_url(the_peer.server);
        if (write(ends[1], mine, strlen(mine) + 1) < 0)
            _exit(1);
        for (;;)
            pause();
    }
    ck_assert_int_gt(read(ends[0], url, sizeof(url) - 1), 0);
    peer_setup();
    beamc__rpc_channel *channel = peer_channel(url, NULL);
    box.keep = true;
    inbox_open(&box, channel, "/test.Streams/Echo", NULL);
    send_pattern(box.stream, 1000, 1);
    inbox_wait_count(&box, 1);
    kill(child, SIGKILL);
    inbox_wait_end(&box);
    ck_assert_int_eq(box.code, BEAMC__RPC_UNAVAILABLE);
    ck_assert_msg(strstr(box.text, "/test.Streams/Echo: the connection was lost: ") != NULL, "%s",
                  box.text);
    ck_assert_int_eq(beamc__rpc_stream_try_send(box.stream, box.kept[0]), BEAMC__RPC_ENDED);
    inbox_close(&box);
    beamc__rpc_channel_free(channel);
    peer_teardown();
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* ---- nothing is left ---- */

START_TEST(cycles_leave_nothing_behind)
{
    int threads = 0, descriptors = 0;

    for (int i = 0; i < 200; i++) {
        peer_setup();
        inbox_open(&box, the_peer.channel, "/test.Streams/Echo", NULL);
        send_pattern(box.stream, 100, 0);
        if (i % 2 == 0) {
            inbox_wait_count(&box, 1);
            beamc__rpc_stream_half_close(box.stream);
        } else {
            beamc__rpc_stream_cancel(box.stream);
        }
        inbox_wait_end(&box);
        inbox_close(&box);
        peer_teardown();
        if (i == 10) {
            threads = count_threads();
            descriptors = count_descriptors();
        }
    }
    wait_for_few(threads, descriptors);
}
END_TEST

/* Whether a line of /proc/.../stat, "7 (name) S ...", is of one of the core's threads, which are known
 * by their names only, and of one that still runs: a thread that was joined may be listed for a
 * moment yet, with PF_EXITING among its flags. */
static bool is_executor(const char *line)
{
    const char *rest = strrchr(line, ')');
    unsigned flags = 0;

    return strstr(line, "execut") != NULL && rest != NULL &&
           sscanf(rest, ") %*c %*d %*d %*d %*d %*d %u", &flags) == 1 && (flags & 4) == 0;
}

static int count_executors(void)
{
    struct dirent *entry;
    DIR *dir = opendir("/proc/self/task");
    char path[300], line[500];
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        snprintf(path, sizeof(path), "/proc/self/task/%s/stat", entry->d_name);
        FILE *file = fopen(path, "re");
        if (file == NULL)
            continue;
        count += fgets(line, sizeof(line), file) != NULL && is_executor(line);
        fclose(file);
    }
    closedir(dir);
    return count;
}

/* A refused connection is let go by a thread of the core's. */
START_TEST(no_thread_of_the_core_meets_the_exit)
{
    beamc__rpc_code code;

    peer_setup();
    beamc__rpc_channel *channel = peer_channel("127.0.0.1:1", NULL);
    ask_failing(&code, channel, "/test.Calls/Echo", "", PATIENCE_MS);
    ck_assert_int_eq(code, BEAMC__RPC_UNAVAILABLE);
    ck_assert_int_gt(count_executors(), 0);
    beamc__rpc_channel_free(channel);
    peer_teardown();
    ck_assert_int_eq(count_executors(), 0);
}
END_TEST

Suite *suite_rpc_stream(void)
{
    Suite *suite = suite_create("rpc_stream");
    TCase *tc = tcase_create("streams");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, peer_setup, peer_teardown);
    tcase_add_test(tc, messages_come_back_in_order);
    tcase_add_test(tc, answers_do_not_wait_for_more);
    tcase_add_test(tc, bursts_of_small_messages_arrive_to_the_last);
    tcase_add_test(tc, messages_of_10_mb_go_both_ways);
    tcase_add_test(tc, servers_stream_to_one_request);
    tcase_add_test(tc, clients_stream_to_one_answer);
    tcase_add_test(tc, slow_readers_stop_the_writer);
    tcase_add_test(tc, pushes_know_no_limit);
    tcase_add_test(tc, pushes_and_sends_keep_their_order);
    tcase_add_test(tc, pushes_end_with_a_cancelled_call);
    tcase_add_test(tc, paused_readers_cost_no_memory);
    tcase_add_test(tc, many_streams_go_at_once);
    tcase_add_test(tc, many_threads_send_on_one_stream);
    tcase_add_test(tc, clients_cancel);
    tcase_add_test(tc, servers_cancel);
    tcase_add_test(tc, cancelling_wakes_who_waits_for_room);
    tcase_add_test(tc, time_runs_out_for_both_sides);
    tcase_add_test(tc, refusals_come_with_their_reason);
    tcase_add_test(tc, unread_messages_hold_up_no_end);
    tcase_add_test(tc, unknown_streams_are_unimplemented);
    tcase_add_test(tc, calls_of_one_request_take_one_request);
    tcase_add_test(tc, freeing_a_channel_ends_its_streams);
    suite_add_tcase(suite, tc);

    tc = tcase_create("processes");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, death_of_the_server_ends_streams);
    tcase_add_test(tc, cycles_leave_nothing_behind);
    tcase_add_test(tc, no_thread_of_the_core_meets_the_exit);
    suite_add_tcase(suite, tc);
    return suite;
}
