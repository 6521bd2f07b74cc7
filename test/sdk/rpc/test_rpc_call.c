/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of one request and one response, and all that can be wrong with an endpoint. */
#include "peer.h"

#include "test/check_has.h"
#include <arpa/inet.h>
#include <check.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(requests_are_answered)
{
    ck_assert_str_eq(ask(the_peer.channel, "/test.Calls/Echo", "hello"), "hello");
    ck_assert_str_eq(ask(the_peer.channel, "/test.Calls/Echo", ""), "");
    ck_assert_str_eq(ask(the_peer.channel, "/test.Calls/Later", "from afar"), "from afar");
}
END_TEST

START_TEST(errors_of_servers_come_with_code_and_text)
{
    char want[300];
    beamc__rpc_code code;

    snprintf(want, sizeof(want),
             "endpoint %s: /test.Calls/Fail: NOT_FOUND: no such thing: \xc3\xa4 50%%",
             beamc__rpc_server_url(the_peer.server));
    ck_assert_str_eq(ask_failing(&code, the_peer.channel, "/test.Calls/Fail", "\xc3\xa4 50%", 0),
                     want);
    ck_assert_int_eq(code, BEAMC__RPC_NOT_FOUND);
}
END_TEST

START_TEST(unknown_methods_are_unimplemented)
{
    beamc__rpc_code code;
    const char *text = ask_failing(&code, the_peer.channel, "/test.Calls/Fly", "", 0);

    ck_assert_ptr_nonnull(strstr(text, "UNIMPLEMENTED: no such method: /test.Calls/Fly"));
    ck_assert_int_eq(code, BEAMC__RPC_UNIMPLEMENTED);
}
END_TEST

static const size_t sizes[] = { 0, 1, 100, 5000, 65536, 1 << 20, 10 << 20, 50 << 20 };

START_TEST(messages_of_any_size_come_back_as_they_were)
{
    beamc__rpc_message *request = make_pattern(sizes[_i], 7);
    beamc__rpc_message *response = NULL;

    must(beamc__rpc_call(&response, NULL, the_peer.channel, "/test.Calls/Echo", request,
                         PATIENCE_MS));
    check_pattern(response, sizes[_i], 7);
    beamc__rpc_message_unref(request);
    beamc__rpc_message_unref(response);
}
END_TEST

START_TEST(metadata_goes_with_every_call)
{
    const beamc__rpc_metadata metadata[] = { { "worker_id", "worker-7" }, { "x-2", "" } };
    const beamc__rpc_channel_options options = { .metadata = metadata, .metadata_count = 2 };
    beamc__rpc_channel *channel = peer_channel(beamc__rpc_server_url(the_peer.server), &options);

    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(ask(channel, "/test.Calls/Metadata", "worker_id"), "worker-7");
        ck_assert_str_eq(ask(channel, "/test.Calls/Metadata", "x-2"), "");
        ck_assert_str_eq(ask(channel, "/test.Calls/Metadata", "x-3"), "(none)");
    }
    beamc__rpc_channel_free(channel);
}
END_TEST

START_TEST(metadata_that_cannot_travel_is_refused)
{
    static const beamc__rpc_metadata wrong[] = {
        { "Worker_ID", "x" }, { "", "x" }, { "a b", "x" }, { "a", "new\nline" }, { "a", "\xc3\xa4" }
    };
    const beamc__rpc_channel_options options = { .metadata = &wrong[_i], .metadata_count = 1 };
    beamc__rpc_channel *channel;
    beamc_error *error = beamc__rpc_channel_new(&channel, the_peer.client_queue, "a:1", &options);

    ck_assert_ptr_null(channel);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_EINVAL);
    ck_assert_ptr_nonnull(strstr(error_text(error), "metadata"));
}
END_TEST

START_TEST(servers_know_the_deadline)
{
    beamc__rpc_message *request = beamc__rpc_message_new();
    beamc__rpc_message *response = NULL;
    uint8_t *copy;

    ck_assert_str_eq(ask(the_peer.channel, "/test.Calls/TimeLeft", ""), "some");
    must(beamc__rpc_call(&response, NULL, the_peer.channel, "/test.Calls/TimeLeft", request, 0));
    ck_assert_int_eq(memcmp(beamc__rpc_message_flat(response, &copy), "none", 4), 0);
    free(copy);
    beamc__rpc_message_unref(request);
    beamc__rpc_message_unref(response);
}
END_TEST

START_TEST(calls_end_at_their_deadline)
{
    beamc__rpc_code code;
    char want[200];

    ask(the_peer.channel, "/test.Calls/Echo", ""); /* connected, it is not the way that takes time */
    snprintf(want, sizeof(want),
             "endpoint %s: /test.Calls/Never: no answer within 100 ms (DEADLINE_EXCEEDED)",
             beamc__rpc_server_url(the_peer.server));
    ck_assert_str_eq(ask_failing(&code, the_peer.channel, "/test.Calls/Never", "", 100), want);
    ck_assert_int_eq(code, BEAMC__RPC_DEADLINE_EXCEEDED);
}
END_TEST

/* A port that nobody listens on, and will not soon: bound, so that nobody else gets it. */
static int bind_port(unsigned *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

START_TEST(absent_servers_are_told_at_once)
{
    beamc__rpc_code code;
    unsigned port;
    char url[40], want[200];
    int fd = bind_port(&port);

    snprintf(url, sizeof(url), "127.0.0.1:%u", port);
    snprintf(want, sizeof(want), "endpoint %s: connection refused (UNAVAILABLE)", url);
    beamc__rpc_channel *channel = peer_channel(url, NULL);
    ck_assert_str_eq(ask_failing(&code, channel, "/a.B/C", "", PATIENCE_MS), want);
    ck_assert_int_eq(code, BEAMC__RPC_UNAVAILABLE);
    beamc__rpc_channel_free(channel);
    close(fd);
}
END_TEST

/* Whether a call, a stream and a wait of @ms each are refused in time. */
static bool is_refused_within(const char *url, int64_t ms)
{
    static const char in_time[] = "connection refused";
    const beamc__rpc_channel_options options = { .wait_for_ready = true, .timeout_ms = ms };
    beamc__rpc_code code;
    char want[200], told[1000];

    snprintf(want, sizeof(want), "endpoint %s: not reached within %" PRId64 " ms: ", url, ms);
    beamc__rpc_channel *channel = peer_channel(url, &options);
    snprintf(told, sizeof(told), "%s", ask_failing(&code, channel, "/a.B/C", "", 0));
    check_has(told, want);
    ck_assert_int_eq(code, BEAMC__RPC_DEADLINE_EXCEEDED);
    ck_assert_ptr_nonnull(strstr(told, " (DEADLINE_EXCEEDED)"));
    bool refused = strstr(told, in_time) != NULL;

    inbox box = { 0 };
    inbox_open(&box, channel, "/a.B/C", NULL);
    inbox_wait_end(&box);
    check_has(box.text, want);
    ck_assert_ptr_nonnull(strstr(box.text, " (DEADLINE_EXCEEDED)"));
    refused = refused && strstr(box.text, in_time) != NULL;
    inbox_close(&box);

    const char *text = error_text(beamc__rpc_channel_connect(channel, ms));
    check_has(text, want);
    refused = refused && strstr(text, in_time) != NULL;
    beamc__rpc_channel_free(channel);
    return refused;
}

/* On a machine that stands still the time may be over before anybody is asked. */
START_TEST(whoever_waits_for_a_server_is_told_why_in_vain)
{
    unsigned port;
    char url[40];
    int fd = bind_port(&port);

    snprintf(url, sizeof(url), "127.0.0.1:%u", port);
    for (int64_t ms = 200; !is_refused_within(url, ms); ms *= 2)
        ck_assert_int_lt(ms, PATIENCE_MS);
    close(fd);
}
END_TEST

START_TEST(waiting_calls_go_through_once_the_server_is_up)
{
    const beamc__rpc_channel_options options = { .wait_for_ready = true,
                                                 .timeout_ms = PATIENCE_MS };
    unsigned port;
    char url[40];
    inbox box = { .keep = true };
    int fd = bind_port(&port);

    snprintf(url, sizeof(url), "127.0.0.1:%u", port);
    beamc__rpc_channel *channel = peer_channel(url, &options);
    inbox_open(&box, channel, "/test.Streams/Echo", NULL);
    send_pattern(box.stream, 1000, 1);
    ck_assert_ptr_nonnull(
        strstr(error_text(beamc__rpc_channel_connect(channel, 100)), "not reached within 100 ms"));
    close(fd);
    const beamc__rpc_server_options server_options = { .url = url };
    beamc__rpc_server *server = peer_server(&server_options);
    ck_assert_uint_eq(beamc__rpc_server_port(server), port);
    must(beamc__rpc_channel_connect(channel, PATIENCE_MS));
    beamc__rpc_stream_half_close(box.stream);
    inbox_wait_end(&box);
    ck_assert_int_eq(box.code, BEAMC__RPC_OK);
    check_pattern(box.kept[0], 1000, 1);
    inbox_close(&box);
    beamc__rpc_channel_free(channel);
    beamc__rpc_server_free(server);
}
END_TEST

/* Something that listens but is no gRPC server: says @answer to whoever connects, and hangs up. */
typedef struct {
    int fd;
    const char *answer;
    uv_thread_t thread;
} impostor;

static void run_impostor(void *ctx)
{
    impostor *one = ctx;
    char request[1000];

    for (;;) {
        int fd = accept(one->fd, NULL, NULL);
        if (fd < 0)
            return;
        if (one->answer[0] != '\0' && recv(fd, request, sizeof(request), 0) > 0)
            send(fd, one->answer, strlen(one->answer), MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        while (recv(fd, request, sizeof(request), 0) > 0)
            ;
        close(fd);
    }
}

static const struct {
    const char *answer;
    const char *reason;
} impostors[] = {
    { "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
      "the server speaks HTTP/1, not gRPC" },
    { "SSH-2.0-OpenSSH_9.2\r\n", "the server does not speak HTTP/2, so not gRPC" },
    { "", "the server closes the connection at once: it may want TLS (https://), or speak "
          "something else than gRPC" },
};

START_TEST(impostors_are_found_out)
{
    beamc__rpc_code code;
    impostor one = { .answer = impostors[_i].answer };
    unsigned port;
    char url[40], want[300];

    one.fd = bind_port(&port);
    ck_assert_int_eq(listen(one.fd, 10), 0);
    uv_thread_create(&one.thread, run_impostor, &one);
    snprintf(url, sizeof(url), "127.0.0.1:%u", port);
    snprintf(want, sizeof(want), "endpoint %s: %s (UNAVAILABLE)", url, impostors[_i].reason);
    beamc__rpc_channel *channel = peer_channel(url, NULL);
    ck_assert_str_eq(ask_failing(&code, channel, "/a.B/C", "", PATIENCE_MS), want);
    beamc__rpc_channel_free(channel);
    shutdown(one.fd, SHUT_RDWR);
    uv_thread_join(&one.thread);
    close(one.fd);
}
END_TEST

START_TEST(closed_channels_take_no_calls)
{
    beamc__rpc_channel *channel = peer_channel("127.0.0.1:1", NULL);

    beamc__rpc_channel_close(channel);
    beamc__rpc_code code;
    ck_assert_str_eq(ask_failing(&code, channel, "/a.B/C", "", 0),
                     "endpoint 127.0.0.1:1: the channel is closed");
    beamc__rpc_channel_free(channel);
}
END_TEST

typedef struct {
    uv_sem_t done;
    beamc__rpc_code code;
} async_answer;

static void on_answer(void *ctx, const beamc__rpc_status *status, beamc__rpc_message *response)
{
    async_answer *answer = ctx;

    answer->code = status->code;
    if (status->code == BEAMC__RPC_OK)
        check_pattern(response, 100, 3);
    uv_sem_post(&answer->done);
}

START_TEST(calls_need_nobody_who_waits)
{
    async_answer answers[64];
    beamc__rpc_message *request = make_pattern(100, 3);

    for (size_t i = 0; i < 64; i++) {
        uv_sem_init(&answers[i].done, 0);
        must(beamc__rpc_call_start(the_peer.channel, "/test.Calls/Echo", request, PATIENCE_MS,
                                   on_answer, &answers[i]));
    }
    for (size_t i = 0; i < 64; i++) {
        uv_sem_wait(&answers[i].done);
        ck_assert_int_eq(answers[i].code, BEAMC__RPC_OK);
        uv_sem_destroy(&answers[i].done);
    }
    beamc__rpc_message_unref(request);
}
END_TEST

START_TEST(freeing_a_channel_cancels_its_calls)
{
    async_answer answer;
    beamc__rpc_message *request = beamc__rpc_message_new();

    uv_sem_init(&answer.done, 0);
    must(beamc__rpc_call_start(the_peer.channel, "/test.Calls/Never", request, 0, on_answer,
                               &answer));
    beamc__rpc_stream_unref(peer_held());
    beamc__rpc_channel_free(the_peer.channel);
    the_peer.channel = NULL;
    ck_assert_int_eq(uv_sem_trywait(&answer.done), 0);
    ck_assert_int_eq(answer.code, BEAMC__RPC_CANCELLED);
    uv_sem_destroy(&answer.done);
    beamc__rpc_message_unref(request);
}
END_TEST

Suite *suite_rpc_call(void)
{
    Suite *suite = suite_create("rpc_call");
    TCase *tc = tcase_create("calls");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, peer_setup, peer_teardown);
    tcase_add_test(tc, requests_are_answered);
    tcase_add_test(tc, errors_of_servers_come_with_code_and_text);
    tcase_add_test(tc, unknown_methods_are_unimplemented);
    tcase_add_loop_test(tc, messages_of_any_size_come_back_as_they_were, 0,
                        sizeof(sizes) / sizeof(sizes[0]));
    tcase_add_test(tc, metadata_goes_with_every_call);
    tcase_add_loop_test(tc, metadata_that_cannot_travel_is_refused, 0, 5);
    tcase_add_test(tc, servers_know_the_deadline);
    tcase_add_test(tc, calls_end_at_their_deadline);
    tcase_add_test(tc, absent_servers_are_told_at_once);
    tcase_add_test(tc, whoever_waits_for_a_server_is_told_why_in_vain);
    tcase_add_test(tc, waiting_calls_go_through_once_the_server_is_up);
    tcase_add_loop_test(tc, impostors_are_found_out, 0, 3);
    tcase_add_test(tc, closed_channels_take_no_calls);
    tcase_add_test(tc, calls_need_nobody_who_waits);
    tcase_add_test(tc, freeing_a_channel_cancels_its_calls);
    suite_add_tcase(suite, tc);
    return suite;
}
