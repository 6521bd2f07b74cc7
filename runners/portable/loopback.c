/* SPDX-License-Identifier: Apache-2.0 */
/* The pool does what is common to all pools; here is what its workers are: a worker's threads. */
#include "loopback.h"

#include "harness/container/pool.h"
#include "harness/worker/worker.h"
#include <stdlib.h>

struct beamc__loopback {
    beamc__loopback_options options;
    beamc__pool *pool;
};

/* NULL for an endpoint that is not given. */
static const char *url_of(const PB(ApiServiceDescriptor) *endpoint)
{
    return endpoint == NULL || endpoint->url[0] == '\0' ? NULL : endpoint->url;
}

static beamc_error *start(void *ctx, void **out, const FN(StartWorkerRequest) *request)
{
    const beamc__loopback *loopback = ctx;
    const beamc__worker_options options = {
        .id = request->worker_id,
        .control_url = url_of(request->control_endpoint),
        .logging_url = loopback->options.log_here ? NULL : url_of(request->logging_endpoint),
        .functions = loopback->options.functions,
        .function_count = loopback->options.function_count,
        .log_level = loopback->options.log_level,
        .log_overrides = loopback->options.log_overrides,
    };
    beamc__worker *worker;
    beamc_error *error = beamc__worker_start(&worker, &options);

    *out = worker;
    return error;
}

static beamc_error *wait_for(void *worker)
{
    return beamc__worker_wait(worker);
}

static void stop(void *worker)
{
    beamc__worker_stop(worker);
}

static void end(void *worker)
{
    beamc__worker_free(worker);
}

static const beamc__pool_kind threads = {
    .start = start, .wait = wait_for, .stop = stop, .free = end
};

beamc_error *beamc__loopback_start(beamc__loopback **out, const beamc__loopback_options *options)
{
    beamc__loopback *loopback = calloc(1, sizeof(*loopback));

    *out = NULL;
    if (loopback == NULL)
        return beamc_error_nomem();
    loopback->options = *options;
    const beamc__pool_options pool = { .kind = &threads, .ctx = loopback, .log = options->log };
    beamc_error *error = beamc__pool_start(&loopback->pool, &pool);
    if (error != NULL) {
        free(loopback);
        return beamc_error_wrap(error, "workers in this program");
    }
    *out = loopback;
    return NULL;
}

const char *beamc__loopback_url(const beamc__loopback *loopback)
{
    return beamc__pool_url(loopback->pool);
}

size_t beamc__loopback_started(beamc__loopback *loopback)
{
    return beamc__pool_started(loopback->pool);
}

void beamc__loopback_free(beamc__loopback *loopback)
{
    if (loopback == NULL)
        return;
    beamc__pool_free(loopback->pool);
    free(loopback);
}
