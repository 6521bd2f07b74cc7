/* SPDX-License-Identifier: Apache-2.0 */
/* Servers: where they listen, whom they trust, how they stop; and queues. */
#include "peer.h"

#include "certificates.h"
#include "test/alloc.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inbox box;

/* ---- where ---- */

static void check_listens_on(const char *url, const char *begins)
{
    const beamc__rpc_server_options options = { .url = url };
    beamc__rpc_server *server = peer_server(&options);
    const char *mine = beamc__rpc_server_url(server);

    ck_assert_msg(strncmp(mine, begins, strlen(begins)) == 0, "%s", mine);
    beamc__rpc_channel *channel = peer_channel(mine, NULL);
    ck_assert_str_eq(ask(channel, "/test.Calls/Echo", url), url);
    beamc__rpc_channel_free(channel);
    beamc__rpc_server_free(server);
}

START_TEST(servers_listen_where_they_are_told)
{
    char path[100], url[120];

    snprintf(path, sizeof(path), "/tmp/beamc-test-%d", (int)getpid());
    snprintf(url, sizeof(url), "unix:%s", path);
    check_listens_on(url, url);
    ck_assert_int_ne(access(path, F_OK), 0);
    check_listens_on("localhost:0", "localhost:");
    check_listens_on("0.0.0.0:0", "127.0.0.1:");
    if (access("/proc/net/if_inet6", R_OK) == 0 && system("grep -q . /proc/net/if_inet6") == 0)
        check_listens_on("[::1]:0", "[::1]:");
    ck_assert_uint_ne(beamc__rpc_server_port(the_peer.server), 0);
}
END_TEST

static const char *refusal(const beamc__rpc_server_options *options)
{
    beamc__rpc_server *server;
    beamc_error *error = beamc__rpc_server_new(&server, the_peer.server_queue, NULL, 0, options);

    ck_assert_ptr_null(server);
    ck_assert_ptr_nonnull(error);
    return error_text(error);
}

START_TEST(servers_say_why_they_cannot_listen)
{
    beamc__rpc_server_options options = { .url = beamc__rpc_server_url(the_peer.server) };
    char want[300];

    snprintf(want, sizeof(want), "server on %s: endpoint %s: Address already in use", options.url,
             options.url);
    ck_assert_str_eq(refusal(&options), want);
    options.url = "192.0.2.1:4711";
    ck_assert_str_eq(refusal(&options), "server on 192.0.2.1:4711: endpoint 192.0.2.1:4711: "
                                        "Cannot assign requested address");
    options.url = "unix:/no/such/directory/socket";
    ck_assert_ptr_nonnull(strstr(refusal(&options), "No such file or directory"));
    options.url = "nonsense";
    ck_assert_str_eq(refusal(&options), "endpoint nonsense: the port is missing");
}
END_TEST

static void nothing(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request)
{
    (void)ctx;
    (void)stream;
    (void)request;
}

START_TEST(methods_are_served_once)
{
    const beamc__rpc_method methods[] = { { .path = "/a.B/C", .unary = nothing },
                                          { .path = "/a.B/C", .unary = nothing } };
    const beamc__rpc_service service = { methods, 2, NULL, NULL };
    beamc__rpc_server *server;
    beamc_error *error = beamc__rpc_server_new(&server, the_peer.server_queue, &service, 1, NULL);

    ck_assert_str_eq(error_text(error), "method /a.B/C is served twice");
}
END_TEST

START_TEST(no_memory_is_told)
{
    const beamc__rpc_metadata metadata = { "worker_id", "7" };
    const beamc__rpc_channel_options options = { .metadata = &metadata, .metadata_count = 1 };
    beamc__rpc_server *server;
    beamc__rpc_channel *channel = NULL;

    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        beamc_error *error = beamc__rpc_server_new(&server, the_peer.server_queue, NULL, 0, NULL);
        if (error == NULL)
            error =
                beamc__rpc_channel_new(&channel, the_peer.client_queue, "localhost:1", &options);
        else
            channel = NULL;
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        beamc__rpc_server_free(server);
        beamc__rpc_channel_free(channel);
        if (!failed) {
            ck_assert_ptr_null(error);
            break;
        }
        ck_assert_int_eq(beamc_error_code(error), BEAMC_ENOMEM);
        beamc_error_free(error);
    }
}
END_TEST

/* ---- stopping ---- */

static void resume_thread(void *ctx)
{
    beamc__rpc_stream_resume(ctx);
}

START_TEST(stopping_lets_calls_end)
{
    uv_thread_t thread;

    inbox_open(&box, the_peer.channel, "/test.Streams/Hold", NULL);
    beamc__rpc_stream *held = peer_held();
    beamc__rpc_stream_half_close(box.stream);
    uv_thread_create(&thread, resume_thread, held);
    beamc__rpc_server_stop(the_peer.server, PATIENCE_MS);
    uv_thread_join(&thread);
    inbox_wait_end(&box);
    ck_assert_msg(box.code == BEAMC__RPC_OK, "%s", box.text);
    ck_assert_int_eq(the_peer.open, 0);
    beamc__rpc_stream_unref(held);
    inbox_close(&box);

    beamc__rpc_code code;
    ask_failing(&code, the_peer.channel, "/test.Calls/Echo", "", PATIENCE_MS);
    ck_assert_int_eq(code, BEAMC__RPC_UNAVAILABLE);
    beamc__rpc_server_stop(the_peer.server, 0);
}
END_TEST

START_TEST(stopping_cancels_what_does_not_end)
{
    static inbox boxes[10];
    beamc__rpc_stream *held[10];

    for (size_t i = 0; i < 10; i++) {
        inbox_open(&boxes[i], the_peer.channel, "/test.Streams/Hold", NULL);
        held[i] = peer_held();
    }
    beamc__rpc_server_stop(the_peer.server, _i == 0 ? 0 : 50);
    ck_assert_int_eq(the_peer.open, 0);
    ck_assert_int_eq(the_peer.cancelled, 10);
    for (size_t i = 0; i < 10; i++) {
        inbox_wait_end(&boxes[i]);
        ck_assert(boxes[i].code == BEAMC__RPC_CANCELLED || boxes[i].code == BEAMC__RPC_UNAVAILABLE);
        inbox_close(&boxes[i]);
        beamc__rpc_stream_unref(held[i]);
    }
}
END_TEST

/* ---- TLS ---- */

/* Who talks to whom, and what the client hears; NULL: an answer. */
static const struct {
    const char *server;       /* its certificate; NULL: plaintext */
    const char *server_roots; /* asks clients for certificates of these */
    const char *roots;        /* of the client; NULL: plaintext */
    const char *client;
    const char *name;
    const char *error;
} pairs[] = {
    { "server", NULL, "ca.pem", NULL, NULL, NULL },
    { "wrong", NULL, "ca.pem", NULL, "elsewhere.example", NULL },
    { "server", "ca.pem", "ca.pem", "client", NULL, NULL },
    { "server", NULL, "other.pem", NULL, NULL,
      "TLS handshake failed: the server's certificate is not signed by a known root" },
    { "wrong", NULL, "ca.pem", NULL, NULL,
      "TLS handshake failed: the server's certificate is for another name" },
    { "server", "ca.pem", "ca.pem", NULL, NULL, "TLS handshake failed: the server " },
    { "server", "ca.pem", "ca.pem", "other", NULL, "TLS handshake failed: the server " },
    { "server", NULL, NULL, NULL, NULL,
      "the server closes the connection at once: it may want TLS (https://), or speak something "
      "else than gRPC" },
    { NULL, NULL, "ca.pem", NULL, NULL, "TLS handshake failed: " },
};

START_TEST(tls_is_spoken_by_both_or_refused)
{
    beamc__rpc_tls server_tls = { 0 }, client_tls = { 0 };
    beamc__rpc_server_options server_options = { .url = "localhost:0" };
    beamc__rpc_channel_options options = { 0 };
    char want[300];

    if (pairs[_i].server != NULL) {
        server_tls = certificates_load(pairs[_i].server_roots, pairs[_i].server);
        server_options.tls = &server_tls;
    }
    if (pairs[_i].roots != NULL) {
        client_tls = certificates_load(pairs[_i].roots, pairs[_i].client);
        client_tls.server_name = pairs[_i].name;
        options.tls = &client_tls;
    }
    beamc__rpc_server *server = peer_server(&server_options);
    beamc__rpc_channel *channel = peer_channel(beamc__rpc_server_url(server), &options);
    if (pairs[_i].error == NULL) {
        ck_assert_str_eq(ask(channel, "/test.Calls/Echo", "secret"), "secret");
        beamc__rpc_message *request = make_pattern(1 << 20, 1);
        beamc__rpc_message *response = NULL;
        must(beamc__rpc_call(&response, NULL, channel, "/test.Calls/Echo", request, PATIENCE_MS));
        check_pattern(response, 1 << 20, 1);
        beamc__rpc_message_unref(request);
        beamc__rpc_message_unref(response);
    } else {
        beamc__rpc_code code;
        snprintf(want, sizeof(want), "endpoint %s: %s", beamc__rpc_server_url(server),
                 pairs[_i].error);
        const char *text = ask_failing(&code, channel, "/test.Calls/Echo", "", PATIENCE_MS);
        ck_assert_msg(strncmp(text, want, strlen(want)) == 0, "%s", text);
        ck_assert_int_eq(code, BEAMC__RPC_UNAVAILABLE);
    }
    beamc__rpc_channel_free(channel);
    beamc__rpc_server_free(server);
    client_tls.server_name = NULL;
    beamc__rpc_tls_dispose(&server_tls);
    beamc__rpc_tls_dispose(&client_tls);
    certificates_remove();
}
END_TEST

START_TEST(keys_that_do_not_fit_are_refused)
{
    beamc__rpc_tls tls = certificates_load("ca.pem", "server");
    beamc__rpc_tls other = certificates_load(NULL, "wrong");
    const beamc__rpc_tls mixed = { .certificate = tls.certificate,
                                   .private_key = other.private_key };
    const beamc__rpc_tls keyless = { .certificate = tls.certificate };
    const beamc__rpc_tls garbage = { .certificate = "x", .private_key = tls.private_key };
    const beamc__rpc_tls rootless = { .roots = tls.roots };
    beamc__rpc_server_options options = { .tls = &mixed };
    beamc__rpc_tls loaded;

    ck_assert_str_eq(refusal(&options), "server on 127.0.0.1:0: TLS: the private key is not that "
                                        "of the certificate");
    options.tls = &keyless;
    ck_assert_str_eq(refusal(&options), "server on 127.0.0.1:0: TLS: the private key is missing");
    options.tls = &rootless;
    ck_assert_str_eq(refusal(&options),
                     "server on 127.0.0.1:0: TLS: a server needs a certificate and its key");
    options.tls = &garbage;
    ck_assert_str_eq(refusal(&options),
                     "server on 127.0.0.1:0: TLS: the certificate cannot be read");
    ck_assert_ptr_nonnull(strstr(error_text(beamc__rpc_tls_load(&loaded, "/no/file", NULL, NULL)),
                                 "TLS: /no/file: No such file or directory"));
    ck_assert_ptr_nonnull(
        strstr(error_text(beamc__rpc_tls_load(&loaded, NULL, "/etc/passwd", NULL)),
               "TLS: /etc/passwd: no PEM file"));
    beamc__rpc_tls_dispose(&tls);
    beamc__rpc_tls_dispose(&other);
    certificates_remove();
}
END_TEST

/* Files of a client, and what is wrong with them. */
static const struct {
    const char *roots;
    const char *certificate;
    const char *key;
    const char *error;
} unfit[] = {
    { "ca.key", NULL, NULL, "no certificate can be read from the roots" },
    { "bad.pem", NULL, NULL, "no certificate can be read from the roots" },
    { "ca.pem", "bad.pem", "client.key", "the certificate cannot be read" },
    { NULL, "client.pem", "bad.pem",
      "the private key cannot be read; it must not want a password" },
    { NULL, "client.pem", "locked.key",
      "the private key cannot be read; it must not want a password" },
    { NULL, "client.pem", "server.key", "the private key is not that of the certificate" },
    { NULL, "client.pem", NULL, "the private key is missing" },
    { NULL, NULL, "client.key", "the certificate is missing" },
};

START_TEST(what_a_client_cannot_use_is_told)
{
    const char *const paths[] = { unfit[_i].roots, unfit[_i].certificate, unfit[_i].key };
    const char *found[] = { NULL, NULL, NULL };
    beamc__rpc_channel *channel;
    beamc__rpc_tls tls;
    char want[200];

    for (size_t i = 0; i < 3; i++)
        if (paths[i] != NULL)
            found[i] = certificates(paths[i]);
    must(beamc__rpc_tls_load(&tls, found[0], found[1], found[2]));
    const beamc__rpc_channel_options options = { .tls = &tls };
    snprintf(want, sizeof(want), "endpoint localhost:1: TLS: %s", unfit[_i].error);
    ck_assert_str_eq(error_text(beamc__rpc_channel_new(&channel, the_peer.client_queue,
                                                       "localhost:1", &options)),
                     want);
    beamc__rpc_tls_dispose(&tls);
    certificates_remove();
}
END_TEST

START_TEST(an_address_says_that_tls_is_spoken)
{
    beamc__rpc_tls tls = certificates_load(NULL, "server");
    const beamc__rpc_server_options server_options = { .url = "https://localhost:0", .tls = &tls };
    const beamc__rpc_server_options bare = { .url = "https://localhost:0" };
    const beamc__rpc_server_options plain = { .url = "http://localhost:0", .tls = &tls };
    beamc__rpc_code code;
    char url[80];

    ck_assert_str_eq(refusal(&bare), "server on https://localhost:0: TLS: a server needs a "
                                     "certificate and its key");
    ck_assert_str_eq(refusal(&plain), "endpoint http://localhost:0: it is one without TLS, and "
                                      "TLS is wanted");
    beamc__rpc_server *server = peer_server(&server_options);
    snprintf(url, sizeof(url), "https://%s", beamc__rpc_server_url(server));
    beamc__rpc_channel *channel = peer_channel(url, NULL);
    /* The roots are the system's. */
    const char *text = ask_failing(&code, channel, "/test.Calls/Echo", "", PATIENCE_MS);
    ck_assert_ptr_nonnull(strstr(text, "is not signed by a known root"));
    beamc__rpc_channel_free(channel);
    beamc__rpc_server_free(server);
    beamc__rpc_tls_dispose(&tls);
    certificates_remove();
}
END_TEST

/* ---- queues ---- */

typedef struct {
    beamc__rpc_task task;
    beamc__rpc_queue *queue;
    int number;
    int *next;
    bool in_order;
    bool mine;
} job;

static void run_job(beamc__rpc_task *task)
{
    job *one = (job *)task;

    one->in_order = one->number == (*one->next)++;
    one->mine = beamc__rpc_queue_is_mine(one->queue);
}

START_TEST(what_is_posted_runs_in_order_on_the_queue)
{
    enum { JOBS = 1000 };
    static job jobs[JOBS];
    int next = 0;
    beamc__rpc_queue *queue;

    must(beamc__rpc_queue_new(&queue, "posted"));
    ck_assert(!beamc__rpc_queue_is_mine(queue));
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (job){ .task.run = run_job, .queue = queue, .number = i, .next = &next };
        beamc__rpc_queue_post(queue, &jobs[i].task);
    }
    /* It runs what was posted before it ends. */
    beamc__rpc_queue_free(queue);
    ck_assert_int_eq(next, JOBS);
    for (int i = 0; i < JOBS; i++)
        ck_assert(jobs[i].mine && jobs[i].in_order);
    beamc__rpc_queue_free(NULL);
}
END_TEST

typedef struct {
    beamc__rpc_timer timer;
    beamc__rpc_queue *queue;
    uv_sem_t *sem;
    int again; /* how often it starts itself */
    int ran;   /* the how manieth of all */
} alarm_clock;

static int rung;

static void ring(beamc__rpc_task *task)
{
    alarm_clock *clock = (alarm_clock *)(void *)task;

    clock->ran = ++rung;
    if (clock->again-- > 0)
        beamc__rpc_timer_start(clock->queue, &clock->timer, 1);
    else
        uv_sem_post(clock->sem);
}

typedef struct {
    beamc__rpc_task task; /* first */
    alarm_clock clocks[6];
    uint64_t start;
    bool in_order, stopped, stopped_twice;
    uv_sem_t set;
} clock_shop;

/* On the queue's own thread: none of them runs before all are set, however long that takes.  Later
 * ones first; one is put off, one is put forward, one is stopped. */
static void set_clocks(beamc__rpc_task *task)
{
    clock_shop *shop = (clock_shop *)(void *)task;
    alarm_clock *clocks = shop->clocks;
    beamc__rpc_queue *queue = clocks[0].queue;

    shop->start = uv_hrtime();
    beamc__rpc_timer_start(queue, &clocks[0].timer, 400);
    beamc__rpc_timer_start(queue, &clocks[1].timer, 300);
    beamc__rpc_timer_start(queue, &clocks[2].timer, 50);
    beamc__rpc_timer_start(queue, &clocks[2].timer, 200);
    beamc__rpc_timer_start(queue, &clocks[3].timer, 100000);
    beamc__rpc_timer_start(queue, &clocks[3].timer, 100);
    beamc__rpc_timer_start(queue, &clocks[4].timer, 0);
    beamc__rpc_timer_start(queue, &clocks[5].timer, 350);
    /* Unless this thread was held up itself, their order is known. */
    shop->in_order = uv_hrtime() - shop->start < 50000000;
    shop->stopped = beamc__rpc_timer_stop(queue, &clocks[5].timer);
    shop->stopped_twice = beamc__rpc_timer_stop(queue, &clocks[5].timer);
    uv_sem_post(&shop->set);
}

START_TEST(timers_run_when_they_are_due)
{
    beamc__rpc_queue *queue = the_peer.client_queue;
    clock_shop shop = { .task.run = set_clocks };
    alarm_clock *clocks = shop.clocks;
    uv_sem_t sem;

    uv_sem_init(&sem, 0);
    uv_sem_init(&shop.set, 0);
    for (int i = 0; i < 6; i++)
        clocks[i] = (alarm_clock){ .timer.task.run = ring, .queue = queue, .sem = &sem };
    beamc__rpc_queue_post(queue, &shop.task);
    uv_sem_wait(&shop.set);
    ck_assert(shop.stopped);
    ck_assert(!shop.stopped_twice);
    for (int i = 0; i < 5; i++)
        uv_sem_wait(&sem);
    ck_assert_uint_ge(uv_hrtime() - shop.start, 400000000);
    ck_assert_int_eq(clocks[5].ran, 0);
    for (int i = 0; i < 5; i++)
        ck_assert(shop.in_order ? clocks[i].ran == 5 - i : clocks[i].ran > 0);
    ck_assert(!beamc__rpc_timer_stop(queue, &clocks[0].timer));

    clocks[0].again = 50;
    beamc__rpc_timer_start(queue, &clocks[0].timer, 0);
    uv_sem_wait(&sem);
    ck_assert_int_eq(clocks[0].ran, 5 + 51);
    uv_sem_destroy(&sem);
    uv_sem_destroy(&shop.set);
}
END_TEST

Suite *suite_rpc_server(void)
{
    Suite *suite = suite_create("rpc_server");
    TCase *tc = tcase_create("server");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, peer_setup, peer_teardown);
    tcase_add_test(tc, servers_listen_where_they_are_told);
    tcase_add_test(tc, servers_say_why_they_cannot_listen);
    tcase_add_test(tc, methods_are_served_once);
    tcase_add_test(tc, no_memory_is_told);
    tcase_add_test(tc, stopping_lets_calls_end);
    tcase_add_loop_test(tc, stopping_cancels_what_does_not_end, 0, 2);
    tcase_add_loop_test(tc, tls_is_spoken_by_both_or_refused, 0, sizeof(pairs) / sizeof(pairs[0]));
    tcase_add_test(tc, keys_that_do_not_fit_are_refused);
    tcase_add_loop_test(tc, what_a_client_cannot_use_is_told, 0, sizeof(unfit) / sizeof(unfit[0]));
    tcase_add_test(tc, an_address_says_that_tls_is_spoken);
    tcase_add_test(tc, what_is_posted_runs_in_order_on_the_queue);
    tcase_add_test(tc, timers_run_when_they_are_due);
    suite_add_tcase(suite, tc);
    return suite;
}
