/* SPDX-License-Identifier: Apache-2.0 */
/* The worker pool in this process: workers start when a runner asks, once each, and stop. */
#include "runners/portable/loopback.h"

#include "proto/beam.h"
#include "sdk/rpc/rpc.h"
#include "sdk/rpc/server.h"
#include "test/harness/container/pool_client.h"
#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { PATIENCE_MS = 300000 };

/* A runner's control service, which only counts who comes and goes. */
static struct {
    beamc__rpc_queue *queue;
    beamc__rpc_server *server;
    pool_client *client;
    beamc__loopback *pool;
    uv_mutex_t lock;
    uv_cond_t changed;
    int came;
    int went;
    char last[64];             /* the id of who came last */
    beamc__rpc_stream *stream; /* of it */
} runner;

static void on_end(void *ctx BEAMC_UNUSED, beamc__rpc_stream *stream BEAMC_UNUSED,
                   const beamc__rpc_status *status BEAMC_UNUSED)
{
    uv_mutex_lock(&runner.lock);
    runner.went++;
    uv_cond_signal(&runner.changed);
    uv_mutex_unlock(&runner.lock);
}

static void on_control(void *ctx, beamc__rpc_stream *stream)
{
    static const beamc__rpc_stream_handlers handlers = { .on_end = on_end };
    const char *id = beamc__rpc_stream_metadata(stream, "worker_id");

    beamc__rpc_stream_accept(stream, &handlers, ctx, NULL);
    uv_mutex_lock(&runner.lock);
    beamc__rpc_stream_unref(runner.stream);
    runner.stream = beamc__rpc_stream_ref(stream);
    runner.came++;
    snprintf(runner.last, sizeof(runner.last), "%s", id == NULL ? "" : id);
    uv_cond_signal(&runner.changed);
    uv_mutex_unlock(&runner.lock);
}

static const beamc__rpc_method control[] = {
    { .path = "/org.apache.beam.model.fn_execution.v1.BeamFnControl/Control", .open = on_control },
};
static const beamc__rpc_service service = { control, 1, NULL, NULL };

static void set_up(void)
{
    const beamc__loopback_options options = { .functions = NULL, .log_here = true };

    beamc__rpc_init();
    memset(&runner, 0, sizeof(runner));
    ck_assert_int_eq(uv_mutex_init(&runner.lock), 0);
    ck_assert_int_eq(uv_cond_init(&runner.changed), 0);
    ck_assert_ptr_null(beamc__rpc_queue_new(&runner.queue, "runner"));
    ck_assert_ptr_null(beamc__rpc_server_new(&runner.server, runner.queue, &service, 1, NULL));
    ck_assert_ptr_null(beamc__loopback_start(&runner.pool, &options));
    runner.client = pool_client_new(beamc__loopback_url(runner.pool));
}

static void tear_down(void)
{
    beamc__loopback_free(runner.pool);
    pool_client_free(runner.client);
    beamc__rpc_server_free(runner.server);
    beamc__rpc_stream_unref(runner.stream);
    beamc__rpc_queue_free(runner.queue);
    uv_cond_destroy(&runner.changed);
    uv_mutex_destroy(&runner.lock);
    beamc__rpc_shutdown();
}

static void wait_for(const int *counter, int count)
{
    uv_mutex_lock(&runner.lock);
    while (*counter < count)
        ck_assert_int_eq(
            uv_cond_timedwait(&runner.changed, &runner.lock, (uint64_t)PATIENCE_MS * 1000000), 0);
    uv_mutex_unlock(&runner.lock);
}

/* The pool's answer: "" is well. */
static const char *start(const char *id, const char *url)
{
    FN(StartWorkerRequest) request = FNK(START_WORKER_REQUEST__INIT);
    PB(ApiServiceDescriptor) endpoint = PBK(API_SERVICE_DESCRIPTOR__INIT);

    request.worker_id = (char *)id;
    if (url != NULL) {
        endpoint.url = (char *)url;
        request.control_endpoint = &endpoint;
    }
    return pool_client_start(runner.client, &request);
}

static const char *stop(const char *id)
{
    return pool_client_stop(runner.client, id);
}

START_TEST(workers_come_when_asked_for_and_go_when_stopped)
{
    const char *url = beamc__rpc_server_url(runner.server);

    ck_assert_int_eq(strncmp(beamc__loopback_url(runner.pool), "127.0.0.1:", 10), 0);
    ck_assert_str_eq(start("1-1", url), "");
    wait_for(&runner.came, 1);
    ck_assert_str_eq(runner.last, "1-1");
    ck_assert_str_eq(start("1-2", url), "");
    wait_for(&runner.came, 2);
    ck_assert_uint_eq(beamc__loopback_started(runner.pool), 2);
    ck_assert_str_eq(stop("1-1"), "");
    wait_for(&runner.went, 1);
    /* Its name is free again. */
    ck_assert_str_eq(start("1-1", url), "");
    wait_for(&runner.came, 3);
}
END_TEST

START_TEST(workers_go_when_the_runner_ends_their_control)
{
    const char *url = beamc__rpc_server_url(runner.server);

    ck_assert_str_eq(start("1-1", url), "");
    wait_for(&runner.came, 1);
    uv_mutex_lock(&runner.lock);
    beamc__rpc_stream *stream = runner.stream;
    runner.stream = NULL;
    uv_mutex_unlock(&runner.lock);
    beamc__rpc_stream_finish(stream, BEAMC__RPC_OK, NULL);
    beamc__rpc_stream_unref(stream);
    /* Once it is gone, its name is free. */
    while (start("1-1", url)[0] != '\0')
        sched_yield();
    wait_for(&runner.came, 2);
}
END_TEST

START_TEST(what_a_runner_does_wrong_is_told)
{
    const char *url = beamc__rpc_server_url(runner.server);

    ck_assert_str_eq(start("a", url), "");
    ck_assert_str_eq(start("a", url), "worker 'a' is already running");
    ck_assert_str_eq(stop("b"), "no worker 'b' is running");
    ck_assert_str_eq(start("", url), "worker '': its id is missing");
    ck_assert_str_eq(start("c", NULL), "worker 'c': the control endpoint is missing");
    ck_assert_int_eq(strncmp(start("d", "nonsense"), "worker 'd': ", 12), 0);
    ck_assert_uint_eq(beamc__loopback_started(runner.pool), 1);
}
END_TEST

START_TEST(all_workers_end_with_the_pool)
{
    enum { WORKERS = 8 };
    const char *url = beamc__rpc_server_url(runner.server);
    char id[16];

    for (int i = 0; i < WORKERS; i++) {
        snprintf(id, sizeof(id), "w%d", i);
        ck_assert_str_eq(start(id, url), "");
    }
    wait_for(&runner.came, WORKERS);
    beamc__loopback_free(runner.pool);
    runner.pool = NULL;
    wait_for(&runner.went, WORKERS);
}
END_TEST

Suite *suite_loopback(void)
{
    Suite *suite = suite_create("loopback");
    TCase *tc = tcase_create("loopback");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, workers_come_when_asked_for_and_go_when_stopped);
    tcase_add_test(tc, workers_go_when_the_runner_ends_their_control);
    tcase_add_test(tc, what_a_runner_does_wrong_is_told);
    tcase_add_test(tc, all_workers_end_with_the_pool);
    suite_add_tcase(suite, tc);
    return suite;
}
