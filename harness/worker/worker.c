/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a worker: what it opens, what it does now and then, and its end. */
#include "harness/worker/worker_core.h"

#include "harness/exec/data_channel.h"
#include "sdk/base/clock.h"
#include "sdk/base/log_levels.h"
#include "sdk/base/log_trace.h"
#include "sdk/base/utf8.h"
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define CONTROL_METHOD   "/org.apache.beam.model.fn_execution.v1.BeamFnControl/Control"
#define BUNDLES_MAX      1024                 /* that run at once */
#define HELD_ENOUGH      ((int64_t)512 << 10) /* bytes that came and wait for busy bundles .. */
#define HELD_LIMIT       ((int64_t)256 << 20) /* .. and where others need theirs */
#define CONTROL_LIMIT    ((size_t)1 << 30)    /* answers that wait to be sent */
#define STATE_CACHE_SIZE ((size_t)100 << 20)
#define SAMPLE_MS        200
#define READY_MS         60000
#define IDLE_MS          60000
#define LOG_READY_MS     5000 /* the log is not worth a worker */
#define SLICE_MS         250  /* between looks at whether the worker was stopped */
#define LULL_MS          ((int64_t)5 * 60 * 1000)
#define LAST_WORDS_MS    2000 /* for the runner to take them */

typedef beamc__running_bundle bundle;

/* ---- what data streams ask ------------------------------------------------------------------- */

static beamc__inbox *find_inbox(void *ctx, const char *instruction_id, size_t size)
{
    beamc__worker *worker = ctx;
    return beamc__instructions_inbox(worker->instructions, instruction_id, size);
}

/* A data stream has ended: bundles that wait for its elements would wait for ever. */
static void data_lost(void *ctx, const beamc_error *error)
{
    beamc__worker *worker = ctx;
    char text[BEAMC__WORKER_ERROR_SIZE] = "the runner ended the data stream";

    if (error != NULL)
        beamc_error_print(error, text, sizeof(text));
    beamc__instructions_close(worker->instructions, text);
}

/* ---- what others are told of it -------------------------------------------------------------- */

/* The part of the status that only the worker knows: what it keeps for all bundles. */
static void print_status(void *ctx, beamc_buffer *text)
{
    beamc__worker *worker = ctx;
    const beamc__state_store_stats cache = beamc__state_store_tell(worker->state_cache);

    beamc_buffer_printf(text, "  elements that wait for their bundles: %" PRId64 " bytes\n",
                        __atomic_load_n(&worker->load.held, __ATOMIC_RELAXED));
    beamc_buffer_printf(text,
                        "\nstate cache\n  %zu of %zu bytes, %" PRIu64 " entries\n  %" PRIu64
                        " hits, %" PRIu64 " misses\n",
                        cache.bytes, cache.limit, cache.entries, cache.hits, cache.misses);
}

typedef struct {
    beamc__worker *worker;
    const char *text;
} last_words;

static void answer_for(void *ctx, const beamc__instruction *at)
{
    const last_words *words = ctx;
    bundle *of = at->bundle;

    if (!__atomic_exchange_n(&of->answered, true, __ATOMIC_ACQ_REL))
        beamc__answer_text(words->worker, at->id, words->text);
}

/* A bundle's thread will not come back, and is answered for: to a runner the worker would else just
 * be gone.  Returns when that is sent, or not soon enough. */
static void answer_in_place(beamc__worker *worker, const char *instruction, const char *message,
                            const char *stack)
{
    const struct timespec nap = { .tv_nsec = 1000000 };
    char text[BEAMC__WORKER_ERROR_SIZE];
    last_words words = { worker, text };

    snprintf(text, sizeof(text), "%s\n%s", message, stack == NULL ? "" : stack);
    beamc__utf8_clean(text);
    beamc__instructions_visit(worker->instructions, instruction, answer_for, &words);
    /* By naps, not by the clock: while the machine stands still nothing is sent. */
    for (int naps = 0; beamc__rpc_stream_unsent(worker->control) > 0 && naps < LAST_WORDS_MS; naps++)
        nanosleep(&nap, NULL);
}

static beamc__worker *of_crash(beamc__crash_listener *listener)
{
    return (beamc__worker *)(void *)((char *)listener - offsetof(beamc__worker, crash));
}

static bool find_crashed(beamc__crash_listener *self, pid_t thread, beamc__crash_place *out)
{
    return beamc__activities_find_crashed(of_crash(self)->activities, thread, out);
}

/* Standard error has been told by whoever watches. */
static void tell_crash(beamc__crash_listener *self, const beamc__crash *crash, bool is_mine)
{
    beamc__worker *worker = of_crash(self);
    const beamc__crash_place *place = is_mine ? crash->place : NULL;
    const beamc_log_target log = {
        .sink = worker->log,
        .level = worker->log_level,
        .instruction = place == NULL ? NULL : place->instruction,
        .transform = place == NULL || place->transform[0] == '\0' ? NULL : place->transform
    };

    if (worker->log_stream != NULL)
        beamc__log_trace(&log, BEAMC_LOG_CRITICAL, crash->message, crash->stack);
    if (place != NULL)
        answer_in_place(worker, place->instruction, crash->message, crash->stack);
    if (worker->log_stream != NULL)
        beamc__log_stream_finish(worker->log_stream, LAST_WORDS_MS);
}

static void give_up(void *ctx, beamc__activity *activity BEAMC_UNUSED,
                    const beamc__activity_view *view, const char *message, const char *stack)
{
    beamc__worker *worker = ctx;
    const beamc_log_target log = { .sink = worker->log,
                                   .level = worker->log_level,
                                   .instruction = view->instruction,
                                   .transform = view->place.transform };

    beamc__log_trace(&log, BEAMC_LOG_CRITICAL, message, stack);
    answer_in_place(worker, view->instruction, message, stack);
    if (worker->give_up == NULL)
        return;
    if (worker->log_stream != NULL)
        beamc__log_stream_finish(worker->log_stream, LAST_WORDS_MS);
    worker->give_up();
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool is_stopped(beamc__worker *worker)
{
    uv_mutex_lock(&worker->lock);
    bool stopped = worker->stopped;
    uv_mutex_unlock(&worker->lock);
    return stopped;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Waits for the server; runners start theirs and their workers at once.  Time in which the machine
 * stood still is none that the server had. */
static beamc_error *await_server(beamc__worker *worker, beamc__rpc_channel *channel, int64_t ms)
{
    for (int64_t left = ms;;) {
        int64_t began = beamc__now_ms();
        beamc_error *error = beamc__rpc_channel_connect(channel, least(left, SLICE_MS));
        left -= least(beamc__now_ms() - began, 2 * SLICE_MS);
        if (error == NULL || is_stopped(worker) || left <= 0)
            return beamc_error_wrap(error, "after %" PRId64 " ms", ms);
        beamc_error_free(error); /* it may yet come up */
    }
}

static beamc_error *open_call(beamc__worker *worker, beamc__rpc_channel *channel,
                              const char *method, const beamc__rpc_stream_handlers *handlers,
                              beamc__rpc_stream **out)
{
    beamc__rpc_stream_options options = { .send_limit = CONTROL_LIMIT };
    return beamc__rpc_stream_open(out, channel, method, handlers, worker, &options);
}

/* Without a server for the log, entries go to standard error. */
static beamc_error *open_logging(beamc__worker *worker)
{
    const int64_t ms = worker->ready_ms < LOG_READY_MS ? worker->ready_ms : LOG_READY_MS;
    char text[BEAMC__WORKER_ERROR_SIZE];

    if (worker->log_channel == NULL)
        return NULL;
    beamc_error *error = await_server(worker, worker->log_channel, ms);
    if (error != NULL) {
        beamc_log_target log = { .sink = worker->log };
        beamc_log_files files;
        beamc__log_levels_set(&log, &files, worker->plan_options.log_overrides, worker->log_level,
                              NULL, NULL);
        beamc_error_print(error, text, sizeof(text));
        beamc_log_to(&log, BEAMC_LOG_WARN, "the log is written here: %s", text);
        beamc_error_free(error);
        return NULL;
    }
    beamc__rpc_channel *channel = worker->log_channel;
    worker->log_channel = NULL;
    BEAMC_TRY(beamc__log_stream_open(&worker->log_stream, worker->queue, channel));
    worker->log = beamc__log_stream_sink(worker->log_stream);
    worker->plan_options.log = worker->log;
    return NULL;
}

static beamc_error *open_status(beamc__worker *worker)
{
    const beamc__status_parts parts = { worker->id, worker->activities, worker->descriptors,
                                        print_status, worker };
    beamc__rpc_channel *channel = worker->status_channel;

    worker->status_channel = NULL;
    return channel == NULL ? NULL : beamc__status_open(&worker->status, channel, &parts);
}

/* Control last, and only when the log is connected: a runner whose work is done ends the streams
 * that it knows of, and waits for those that come while it does. */
static beamc_error *open_streams(beamc__worker *worker)
{
    BEAMC_TRY(open_logging(worker));
    BEAMC_TRY(open_status(worker));
    BEAMC_TRY(beamc_error_wrap(await_server(worker, worker->control_channel, worker->ready_ms),
                               "the control stream"));
    return open_call(worker, worker->control_channel, CONTROL_METHOD, &beamc__control_handlers,
                     &worker->control);
}

/* ---- what is done now and then --------------------------------------------------------------- */

static void tick(void *ctx BEAMC_UNUSED, const beamc__instruction *at)
{
    bundle *of = at->bundle;

    __atomic_fetch_add(&of->ticks, 1, __ATOMIC_RELAXED);
    beamc__inbox_nudge(at->inbox); /* it may wait for more to do */
}

/* Bundle's thread: teardown is user code. */
static void trim(void *arg)
{
    beamc__worker *worker = arg;

    beamc__descriptors_trim(worker->descriptors, worker->idle_ms);
    __atomic_store_n(&worker->trims, false, __ATOMIC_RELEASE);
}

static void trim_if_stale(beamc__worker *worker)
{
    if (__atomic_load_n(&worker->trims, __ATOMIC_ACQUIRE) ||
        !beamc__descriptors_are_stale(worker->descriptors, worker->idle_ms))
        return;
    __atomic_store_n(&worker->trims, true, __ATOMIC_RELAXED);
    beamc_error *error = beamc__threads_start(worker->threads, trim, worker);
    if (error != NULL)
        __atomic_store_n(&worker->trims, false, __ATOMIC_RELAXED);
    beamc_error_free(error); /* it is tried again */
}

/* Samples where plans are, and lets bundles send what they have. */
static void watch(beamc__worker *worker)
{
    const int64_t flush_ms = worker->flush_ms > 0 ? worker->flush_ms : INT64_MAX / 2;
    const int64_t sample_ms = least(SAMPLE_MS, worker->lulls.after_ms);
    int64_t sampled = beamc__now_ms();
    int64_t flushed = sampled;

    worker->lull_log = (beamc_log_target){ .sink = worker->log, .level = worker->log_level };
    uv_mutex_lock(&worker->lock);
    while (!worker->stopped) {
        int64_t now = beamc__now_ms();
        int64_t wait = least(sampled + sample_ms, flushed + flush_ms) - now;
        if (wait > 0) {
            uv_cond_timedwait(&worker->changed, &worker->lock, (uint64_t)wait * 1000000);
            continue;
        }
        uv_mutex_unlock(&worker->lock);
        if (now - flushed >= flush_ms) {
            beamc__instructions_visit_all(worker->instructions, tick, NULL);
            flushed = now;
        }
        if (now - sampled >= sample_ms) {
            beamc__descriptors_sample(worker->descriptors, now - sampled);
            beamc__activities_sample(worker->activities, now);
            beamc__lulls_check(&worker->lulls, now);
            if (worker->log_stream != NULL)
                beamc__log_stream_mend(worker->log_stream, now);
            trim_if_stale(worker);
            sampled = now;
        }
        uv_mutex_lock(&worker->lock);
    }
    uv_mutex_unlock(&worker->lock);
}

/* The thread of what is neither a stream's nor a bundle's. */
static void keep(void *arg)
{
    beamc__worker *worker = arg;

    pthread_setname_np(pthread_self(), "beamc-keeper");
    beamc_error *error = open_streams(worker);
    if (error != NULL)
        beamc__worker_end(worker, error);
    watch(worker);
}

/* ---- the worker ------------------------------------------------------------------------------ */

static beamc_error *make_parts(beamc__worker *worker, const beamc__worker_options *options)
{
    static const beamc_log_sink stderr_sink = { beamc_log_write_stderr, NULL };
    char prefix[256];

    worker->id = strdup(options->id);
    snprintf(prefix, sizeof(prefix), "%s/", options->id);
    worker->ids = beamc__short_ids_new(prefix);
    worker->load.on_starved = beamc__make_room;
    worker->load.ctx = worker;
    worker->instructions = beamc__instructions_new(&worker->load);
    worker->threads = beamc__threads_new(BUNDLES_MAX);
    worker->activities = beamc__activities_new();
    worker->state_cache = beamc__state_store_new(
        options->state_cache_size > 0 ? options->state_cache_size : STATE_CACHE_SIZE);
    if (options->sample_elements || options->sample_errors)
        worker->samples = beamc__samples_new(!options->sample_elements);
    if ((options->sample_elements || options->sample_errors) && worker->samples == NULL)
        return beamc_error_nomem();
    if (worker->id == NULL || worker->ids == NULL || worker->instructions == NULL ||
        worker->threads == NULL || worker->state_cache == NULL || worker->activities == NULL)
        return beamc_error_nomem();
    worker->short_ids = options->short_ids;
    worker->embed_output = options->embed_output;
    worker->fenced = !beamc__data_channel_prepare();
    worker->log = &stderr_sink;
    worker->log_level = options->log_level != 0 ? options->log_level : BEAMC_LOG_INFO;
    worker->flush_size = options->flush_size;
    worker->flush_ms = options->flush_ms > 0 ? options->flush_ms : 0;
    worker->ready_ms = options->ready_ms > 0 ? options->ready_ms : READY_MS;
    worker->idle_ms = options->idle_ms > 0 ? options->idle_ms : IDLE_MS;
    worker->plan_options = (beamc__plan_options){ .functions = options->functions,
                                                  .function_count = options->function_count,
                                                  .log = worker->log,
                                                  .log_level = worker->log_level,
                                                  .log_overrides = options->log_overrides,
                                                  .log_ids = true,
                                                  .byte_sizes = true,
                                                  .samples = worker->samples };
    worker->registry = (beamc__data_registry){ .find = find_inbox,
                                               .lost = data_lost,
                                               .ctx = worker,
                                               .load = &worker->load,
                                               .enough = HELD_ENOUGH,
                                               .limit = HELD_LIMIT };
    worker->lulls = (beamc__lulls){ .activities = worker->activities,
                                    .log = &worker->lull_log,
                                    .overrides = options->log_overrides,
                                    .after_ms = options->lull_ms > 0 ? options->lull_ms : LULL_MS,
                                    .limit_ms = options->stuck_ms,
                                    .give_up = give_up,
                                    .ctx = worker };
    worker->give_up = options->give_up;
    worker->crash = (beamc__crash_listener){ .find = find_crashed, .tell = tell_crash };
    beamc__crash_join(&worker->crash);
    worker->listens = true;
    return NULL;
}

/* A channel connects when it is first used. */
static beamc_error *make_channel(beamc__worker *worker, const char *url, beamc__rpc_channel **out)
{
    beamc__rpc_metadata metadata[] = { { "worker_id", worker->id } };
    beamc__rpc_channel_options options = { .metadata = metadata, .metadata_count = 1 };

    if (url == NULL || *url == '\0')
        return NULL;
    return beamc__rpc_channel_new(out, worker->queue, url, &options);
}

static beamc_error *start(beamc__worker *worker, const beamc__worker_options *options)
{
    BEAMC_TRY(make_parts(worker, options));
    BEAMC_TRY(beamc__rpc_queue_new(&worker->queue, "beamc-streams"));
    BEAMC_TRY(make_channel(worker, options->logging_url, &worker->log_channel));
    BEAMC_TRY(make_channel(worker, options->status_url, &worker->status_channel));
    BEAMC_TRY(make_channel(worker, options->control_url, &worker->control_channel));
    worker->descriptors = beamc__descriptors_new(worker->control_channel, &worker->plan_options);
    if (worker->descriptors == NULL)
        return beamc_error_nomem();
    int rc = uv_thread_create(&worker->keeper, keep, worker);
    if (rc < 0)
        return beamc_error_new(BEAMC_EIO, "starting a thread: %s", uv_strerror(rc));
    worker->has_keeper = true;
    return NULL;
}

beamc_error *beamc__worker_start(beamc__worker **out, const beamc__worker_options *options)
{
    beamc__worker *worker = calloc(1, sizeof(*worker));

    *out = NULL;
    if (worker == NULL)
        return beamc_error_nomem();
    if (uv_mutex_init(&worker->lock) < 0 || uv_cond_init(&worker->changed) < 0) {
        free(worker);
        return beamc_error_nomem();
    }
    beamc_error *error = start(worker, options);
    if (error != NULL) {
        beamc__worker_free(worker);
        return beamc_error_wrap(error, "worker %s", options->id);
    }
    *out = worker;
    return NULL;
}

beamc_error *beamc__worker_wait(beamc__worker *worker)
{
    uv_mutex_lock(&worker->lock);
    while (!worker->ended && !worker->stopped)
        uv_cond_wait(&worker->changed, &worker->lock);
    beamc_error *error = worker->error;
    worker->error = NULL;
    uv_mutex_unlock(&worker->lock);
    return beamc_error_wrap(error, "worker %s", worker->id);
}

void beamc__worker_stop(beamc__worker *worker)
{
    uv_mutex_lock(&worker->lock);
    worker->stopped = true;
    uv_cond_broadcast(&worker->changed);
    uv_mutex_unlock(&worker->lock);
}

static void cancel_bundle(void *ctx BEAMC_UNUSED, const beamc__instruction *at)
{
    bundle *of = at->bundle;
    __atomic_store_n(&of->cancel, 1, __ATOMIC_RELAXED);
}

/* Bundles under way end with errors: they are cancelled, their inboxes closed, their streams, too.
 */
static void end_bundles(beamc__worker *worker)
{
    if (worker->instructions != NULL) {
        beamc__instructions_stop(worker->instructions, "the worker is stopped");
        beamc__instructions_visit_all(worker->instructions, cancel_bundle, NULL);
    }
    beamc__rpc_channel_close(worker->control_channel);
    uv_mutex_lock(&worker->lock);
    worker->closing = true;
    for (size_t i = 0; i < worker->state.count; i++)
        beamc__state_client_close(worker->state.clients[i]);
    for (size_t i = 0; i < worker->data.count; i++)
        beamc__data_stream_close(worker->data.streams[i]);
    uv_mutex_unlock(&worker->lock);
    beamc__threads_end(worker->threads);
}

void beamc__worker_free(beamc__worker *worker)
{
    if (worker == NULL)
        return;
    if (worker->listens)
        beamc__crash_leave(&worker->crash);
    beamc__worker_stop(worker);
    if (worker->has_keeper)
        uv_thread_join(&worker->keeper);
    if (worker->control_channel != NULL)
        end_bundles(worker);
    beamc__rpc_channel_free(worker->control_channel); /* from here on no instruction comes */
    beamc__threads_free(worker->threads);
    beamc__rpc_stream_unref(worker->control);
    beamc__status_free(worker->status);
    beamc__rpc_channel_free(worker->status_channel);
    for (size_t i = 0; i < worker->data.count; i++)
        beamc__data_stream_free(worker->data.streams[i]);
    for (size_t i = 0; i < worker->state.count; i++)
        beamc__state_client_free(worker->state.clients[i]);
    free(worker->data.streams);
    free(worker->state.clients);
    beamc__descriptors_free(worker->descriptors); /* DoFns are torn down, and may log */
    beamc__log_stream_free(worker->log_stream);
    beamc__rpc_channel_free(worker->log_channel);
    beamc__rpc_queue_free(worker->queue);
    beamc__instructions_free(worker->instructions);
    beamc__state_store_free(worker->state_cache);
    beamc__samples_free(worker->samples);
    beamc__activities_free(worker->activities);
    beamc__short_ids_free(worker->ids);
    beamc_error_free(worker->error); /* nobody waited */
    uv_cond_destroy(&worker->changed);
    uv_mutex_destroy(&worker->lock);
    free(worker->id);
    free(worker);
}
