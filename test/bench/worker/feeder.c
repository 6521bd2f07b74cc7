/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles that run at once have a thread each here, which sends their elements and then waits for the
 * response and the end of the output. */
#include "test/bench/worker/feeder.h"

#include "proto/beam.h"
#include "sdk/rpc/pack.h"
#include "sdk/rpc/rpc.h"
#include "sdk/rpc/server.h"
#include "test/bench/worker/messages.h"
#include "test/bench/worker/process.h"
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <uv.h>

#define SERVICE "/org.apache.beam.model.fn_execution.v1."
#define SEND_LIMIT ((size_t)1 << 20)
#define SMALL_MESSAGE 512 /* such a one may be the mark of the end: the rest is only counted */
#define ID_SIZE 64

/* A thread of bundles, one after the other. */
typedef struct {
    feeder *of;
    size_t number;
    char instruction[ID_SIZE];
    uv_cond_t changed;
    bool answered, ended; /* guarded by the feeder's lock */
} lane;

struct feeder {
    beamc__rpc_queue *queue;
    beamc__rpc_server *server;
    pid_t worker;
    clockid_t worker_clock;
    uv_mutex_t lock; /* guards what follows */
    uv_cond_t changed;
    beamc__rpc_stream *control, *data;
    size_t jobs;                      /* begun so far */
    const feeder_job *job;
    char descriptor_id[ID_SIZE];
    beamc_buffer descriptor;
    fed_page page;
    lane *lanes[FEEDER_CONCURRENT_MAX];
    size_t begun, done; /* bundles */
    double *waits;      /* of each */
    uint64_t bytes_in, bytes_out;
    feeder_result *result;
    bool failed;
};

static double seconds_of(clockid_t clock)
{
    struct timespec at;

    if (clock_gettime(clock, &at) < 0)
        return 0;
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* ---- what comes from it ------------------------------------------------------------------------ */

/* With the lock.  The lane of an instruction "LANE-...". */
static lane *lane_of(feeder *of, const char *instruction)
{
    size_t number = (size_t)strtoul(instruction, NULL, 10);
    lane *at = number < FEEDER_CONCURRENT_MAX ? of->lanes[number] : NULL;

    return at != NULL && strcmp(at->instruction, instruction) == 0 ? at : NULL;
}

static void *unpack(beamc__rpc_message *message, const ProtobufCMessageDescriptor *type,
                    beamc_arena *arena)
{
    ProtobufCMessage *out = NULL;
    beamc_error *error = beamc__rpc_unpack(&out, message, type, arena);

    beamc_error_free(error); /* NULL says it */
    return error == NULL ? out : NULL;
}

/* With the lock. */
static void take_response(feeder *of, const FN(InstructionResponse) *response)
{
    lane *at = response == NULL ? NULL : lane_of(of, response->instruction_id);

    if (at == NULL || *response->error != '\0') {
        fprintf(stderr, "the worker: %s\n", at == NULL ? "a strange response" : response->error);
        of->failed = true;
    }
    if (at == NULL)
        return;
    at->answered = true;
    uv_cond_signal(&at->changed);
}

static void on_response(void *ctx, beamc__rpc_stream *stream BEAMC_UNUSED,
                        beamc__rpc_message *message)
{
    feeder *of = ctx;
    beamc_arena *arena = beamc_arena_new();

    uv_mutex_lock(&of->lock);
    take_response(of, arena == NULL ? NULL
                                    : unpack(message, &fn(instruction_response__descriptor), arena));
    uv_mutex_unlock(&of->lock);
    beamc_arena_free(arena);
}

/* With the lock. */
static void take_end(feeder *of, const FN(Elements) *elements)
{
    for (size_t i = 0; elements != NULL && i < elements->n_data; i++) {
        lane *at = lane_of(of, elements->data[i]->instruction_id);
        if (at == NULL || !elements->data[i]->is_last)
            continue;
        at->ended = true;
        uv_cond_signal(&at->changed);
    }
}

static void on_data(void *ctx, beamc__rpc_stream *stream BEAMC_UNUSED, beamc__rpc_message *message)
{
    feeder *of = ctx;
    size_t size = beamc__rpc_message_size(message);

    if (size > SMALL_MESSAGE) {
        __atomic_fetch_add(&of->bytes_out, size, __ATOMIC_RELAXED);
        return;
    }
    beamc_arena *arena = beamc_arena_new();
    uv_mutex_lock(&of->lock);
    if (arena != NULL)
        take_end(of, unpack(message, &fn(elements__descriptor), arena));
    uv_mutex_unlock(&of->lock);
    beamc_arena_free(arena);
}

/* The worker has gone: nobody waits for it any more. */
static void on_end(void *ctx, beamc__rpc_stream *stream BEAMC_UNUSED,
                   const beamc__rpc_status *status BEAMC_UNUSED)
{
    feeder *of = ctx;

    uv_mutex_lock(&of->lock);
    of->failed = true;
    for (size_t i = 0; i < FEEDER_CONCURRENT_MAX; i++) {
        if (of->lanes[i] != NULL)
            uv_cond_signal(&of->lanes[i]->changed);
    }
    uv_cond_broadcast(&of->changed);
    uv_mutex_unlock(&of->lock);
}

static const beamc__rpc_stream_handlers control_handlers = { .on_message = on_response,
                                                             .on_end = on_end };
static const beamc__rpc_stream_handlers data_handlers = { .on_message = on_data, .on_end = on_end };

static void accept_stream(feeder *of, beamc__rpc_stream *stream, beamc__rpc_stream **to,
                          const beamc__rpc_stream_handlers *handlers)
{
    const beamc__rpc_stream_options options = { .send_limit = SEND_LIMIT };

    beamc__rpc_stream_accept(stream, handlers, of, &options);
    uv_mutex_lock(&of->lock);
    beamc__rpc_stream_unref(*to);
    *to = beamc__rpc_stream_ref(stream);
    uv_cond_broadcast(&of->changed);
    uv_mutex_unlock(&of->lock);
}

static void on_control(void *ctx, beamc__rpc_stream *stream)
{
    feeder *of = ctx;
    accept_stream(of, stream, &of->control, &control_handlers);
}

static void on_data_stream(void *ctx, beamc__rpc_stream *stream)
{
    feeder *of = ctx;
    accept_stream(of, stream, &of->data, &data_handlers);
}

static void on_ask(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request BEAMC_UNUSED)
{
    feeder *of = ctx;

    uv_mutex_lock(&of->lock);
    beamc__rpc_message *answer =
        beamc__rpc_message_copy(of->descriptor.data, of->descriptor.size);
    uv_mutex_unlock(&of->lock);
    if (answer == NULL)
        beamc__rpc_stream_finish(stream, BEAMC__RPC_RESOURCE_EXHAUSTED, "out of memory");
    else
        beamc__rpc_reply(stream, answer);
    beamc__rpc_message_unref(answer);
}

static const beamc__rpc_method methods[] = {
    { SERVICE "BeamFnControl/Control", NULL, on_control },
    { SERVICE "BeamFnControl/GetProcessBundleDescriptor", on_ask, NULL },
    { SERVICE "BeamFnData/Data", NULL, on_data_stream },
};

/* ---- starting and ending ----------------------------------------------------------------------- */

static bool told(beamc_error *take_error)
{
    char text[1000];

    if (take_error == NULL)
        return true;
    beamc_error_print(take_error, text, sizeof(text));
    fprintf(stderr, "%s\n", text);
    beamc_error_free(take_error);
    return false;
}

static bool start_worker(feeder *of, const char *program)
{
    extern char **environ;
    char control[100];
    char *argv[] = { (char *)program, "--id=fed", control, NULL };

    snprintf(control, sizeof(control), "--control_endpoint=%s", beamc__rpc_server_url(of->server));
    if (posix_spawn(&of->worker, program, NULL, NULL, argv, environ) != 0 ||
        clock_getcpuclockid(of->worker, &of->worker_clock) != 0) {
        fprintf(stderr, "%s cannot be started\n", program);
        return false;
    }
    uv_mutex_lock(&of->lock);
    while (of->control == NULL && !of->failed)
        uv_cond_wait(&of->changed, &of->lock);
    uv_mutex_unlock(&of->lock);
    return !of->failed;
}

feeder *feeder_new(const char *program)
{
    feeder *of = calloc(1, sizeof(*of));
    const beamc__rpc_service served = { methods, sizeof(methods) / sizeof(*methods), of, NULL };

    if (of == NULL || uv_mutex_init(&of->lock) < 0 || uv_cond_init(&of->changed) < 0) {
        fprintf(stderr, "out of memory\n");
        free(of);
        return NULL;
    }
    beamc_buffer_init(&of->descriptor);
    beamc__rpc_init();
    if (told(beamc__rpc_queue_new(&of->queue, "feeder")) &&
        told(beamc__rpc_server_new(&of->server, of->queue, &served, 1, NULL)) &&
        start_worker(of, program))
        return of;
    (void)feeder_free(of);
    return NULL;
}

bool feeder_free(feeder *of)
{
    int status = 1;

    if (of->control != NULL)
        beamc__rpc_stream_finish(of->control, BEAMC__RPC_OK, NULL);
    if (of->worker > 0)
        waitpid(of->worker, &status, 0);
    beamc__rpc_server_free(of->server);
    beamc__rpc_stream_unref(of->control);
    beamc__rpc_stream_unref(of->data);
    beamc__rpc_queue_free(of->queue);
    beamc__rpc_shutdown();
    uv_cond_destroy(&of->changed);
    uv_mutex_destroy(&of->lock);
    beamc_buffer_dispose(&of->descriptor);
    free(of);
    return status == 0;
}

/* ---- a job ------------------------------------------------------------------------------------- */

/* Sends @message, taken, @times. */
static bool send_times(feeder *of, beamc__rpc_message *take_message, size_t times)
{
    bool good = take_message != NULL;

    for (size_t i = 0; good && i < times; i++) {
        good = told(beamc__rpc_stream_send(of->data, take_message, 0));
        __atomic_fetch_add(&of->bytes_in, beamc__rpc_message_size(take_message), __ATOMIC_RELAXED);
    }
    beamc__rpc_message_unref(take_message);
    return good;
}

static bool send_request(feeder *of, const lane *at)
{
    FN(InstructionRequest) request = FNK(INSTRUCTION_REQUEST__INIT);
    FN(ProcessBundleRequest) process = FNK(PROCESS_BUNDLE_REQUEST__INIT);

    request.instruction_id = (char *)at->instruction;
    request.request_case = FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE);
    request.process_bundle = &process;
    process.process_bundle_descriptor_id = of->descriptor_id;
    beamc__rpc_message *message = beamc__rpc_pack(&request.base);
    bool good = message != NULL && told(beamc__rpc_stream_send(of->control, message, 0));
    beamc__rpc_message_unref(message);
    return good;
}

/* The first bundle makes the worker open its data stream. */
static bool await_data_stream(feeder *of)
{
    uv_mutex_lock(&of->lock);
    while (of->data == NULL && !of->failed)
        uv_cond_wait(&of->changed, &of->lock);
    bool good = !of->failed;
    uv_mutex_unlock(&of->lock);
    return good;
}

static bool send_bundle(feeder *of, const lane *at)
{
    const fed_page *page = &of->page;
    size_t whole = of->job->elements / page->count;
    size_t left = of->job->elements % page->count;
    const char *id = at->instruction;

    return send_request(of, at) && await_data_stream(of) &&
           (whole == 0 || send_times(of, fed_message(page, id, page->count), whole)) &&
           (left == 0 || send_times(of, fed_message(page, id, left), 1)) &&
           send_times(of, fed_message(page, id, 0), 1);
}

/* With the lock. */
static void measure_memory(feeder *of)
{
    feeder_result *result = of->result;
    size_t bundles = of->job->bundles;
    uint64_t now = process_memory(of->worker);

    if (now > result->memory_peak)
        result->memory_peak = now;
    if (of->done >= bundles / 10) {
        if (result->memory_at_tenth == 0)
            result->memory_at_tenth = now;
        if (now > result->memory_after)
            result->memory_after = now;
    }
}

/* With the lock: takes the next bundle, if there is one. */
static bool next_bundle(feeder *of, lane *at)
{
    if (of->failed || of->begun == of->job->bundles)
        return false;
    snprintf(at->instruction, sizeof(at->instruction), "%zu-%zu-%zu", at->number, of->jobs,
             of->begun++);
    at->answered = at->ended = false;
    return true;
}

static void run_lane(void *arg)
{
    lane *at = arg;
    feeder *of = at->of;
    size_t look_every = of->job->bundles / 200 + 1;

    uv_mutex_lock(&of->lock);
    while (next_bundle(of, at)) {
        uv_mutex_unlock(&of->lock);
        double start = seconds_of(CLOCK_MONOTONIC);
        bool sent = send_bundle(of, at);
        uv_mutex_lock(&of->lock);
        of->failed |= !sent;
        while (!of->failed && !(at->answered && at->ended))
            uv_cond_wait(&at->changed, &of->lock);
        of->waits[of->done++] = seconds_of(CLOCK_MONOTONIC) - start;
        if (of->done % look_every == 0 || of->done == of->job->bundles)
            measure_memory(of);
    }
    uv_mutex_unlock(&of->lock);
}

static bool run_lanes(feeder *of)
{
    size_t count = of->job->concurrent;
    lane *lanes = calloc(count, sizeof(*lanes));
    uv_thread_t *threads = calloc(count, sizeof(*threads));
    size_t started = 0;

    while (lanes != NULL && threads != NULL && started < count) {
        lane *at = &lanes[started];
        *at = (lane){ .of = of, .number = started };
        if (uv_cond_init(&at->changed) < 0)
            break;
        of->lanes[started] = at;
        if (uv_thread_create(&threads[started], run_lane, at) < 0)
            break;
        started++;
    }
    for (size_t i = 0; i < started; i++)
        uv_thread_join(&threads[i]);
    uv_mutex_lock(&of->lock);
    memset(of->lanes, 0, sizeof(of->lanes));
    uv_mutex_unlock(&of->lock);
    for (size_t i = 0; i < started; i++)
        uv_cond_destroy(&lanes[i].changed);
    free(lanes);
    free(threads);
    return started == count && !of->failed;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool run_job(feeder *of, feeder_result *out)
{
    size_t bundles = of->job->bundles;
    double start = seconds_of(CLOCK_MONOTONIC);
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    double worker_cpu = seconds_of(of->worker_clock);

    of->result = out;
    of->begun = of->done = 0;
    of->bytes_in = of->bytes_out = 0;
    if (!run_lanes(of))
        return false;
    out->seconds = seconds_of(CLOCK_MONOTONIC) - start;
    out->feeder_cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    out->worker_cpu = seconds_of(of->worker_clock) - worker_cpu;
    out->bytes_in = of->bytes_in;
    out->bytes_out = of->bytes_out;
    qsort(of->waits, bundles, sizeof(*of->waits), compare);
    out->wait_p50 = of->waits[bundles / 2];
    out->wait_p99 = of->waits[bundles - 1 - bundles / 100];
    out->worker_threads = process_threads(of->worker);
    out->worker_files = process_files(of->worker);
    return true;
}

bool feeder_run(feeder *of, const feeder_job *job, feeder_result *out)
{
    *out = (feeder_result){ 0 };
    snprintf(of->descriptor_id, sizeof(of->descriptor_id), "d%zu", ++of->jobs);
    beamc_buffer_clear(&of->descriptor);
    of->job = job;
    of->waits = calloc(job->bundles, sizeof(*of->waits));
    bool good = of->waits != NULL &&
                told(fed_descriptor(&of->descriptor, of->descriptor_id,
                                    beamc__rpc_server_url(of->server), job->dofn)) &&
                told(fed_page_make(&of->page, job->message_size, job->key_size)) &&
                run_job(of, out);
    fed_page_dispose(&of->page);
    of->page = (fed_page){ 0 };
    free(of->waits);
    return good;
}
