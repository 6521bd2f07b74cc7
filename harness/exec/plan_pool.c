/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/exec/plan_pool.h"

#include "sdk/base/clock.h"
#include <stdlib.h>
#include <uv.h>

typedef struct pooled pooled;
struct pooled {
    beamc__plan *plan;
    pooled *next_idle;
    pooled *next; /* of all */
    int64_t since_ms; /* idle */
};

struct beamc__plan_pool {
    const FN(ProcessBundleDescriptor) *descriptor;
    const beamc__plan_options *options;
    uv_mutex_t lock; /* guards the lists */
    pooled *all;
    pooled *idle; /* the latest first */
};

beamc__plan_pool *beamc__plan_pool_new(const FN(ProcessBundleDescriptor) *descriptor,
                                       const beamc__plan_options *options)
{
    beamc__plan_pool *pool = calloc(1, sizeof(*pool));

    if (pool == NULL)
        return NULL;
    if (uv_mutex_init(&pool->lock) < 0) {
        free(pool);
        return NULL;
    }
    pool->descriptor = descriptor;
    pool->options = options;
    return pool;
}

void beamc__plan_pool_free(beamc__plan_pool *pool)
{
    if (pool == NULL)
        return;
    for (pooled *next, *each = pool->all; each != NULL; each = next) {
        next = each->next;
        beamc__plan_free(each->plan);
        free(each);
    }
    uv_mutex_destroy(&pool->lock);
    free(pool);
}

static pooled *take_idle(beamc__plan_pool *pool)
{
    uv_mutex_lock(&pool->lock);
    pooled *taken = pool->idle;
    if (taken != NULL)
        pool->idle = taken->next_idle;
    uv_mutex_unlock(&pool->lock);
    return taken;
}

static beamc_error *take(beamc__plan_pool *pool, const beamc__bundle *bundle, pooled **out)
{
    beamc__plan_options options = *pool->options;

    options.watch = bundle->watch;
    *out = take_idle(pool);
    if (*out != NULL)
        return NULL;
    pooled *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__plan_new(&made->plan, pool->descriptor, &options);
    if (error != NULL) {
        free(made);
        return error;
    }
    uv_mutex_lock(&pool->lock);
    made->next = pool->all;
    pool->all = made;
    uv_mutex_unlock(&pool->lock);
    *out = made;
    return NULL;
}

static void give(beamc__plan_pool *pool, pooled *plan)
{
    uv_mutex_lock(&pool->lock);
    plan->since_ms = beamc__now_ms();
    plan->next_idle = pool->idle;
    pool->idle = plan;
    uv_mutex_unlock(&pool->lock);
}

/* With the lock. */
static void forget(beamc__plan_pool *pool, const pooled *plan)
{
    pooled **at = &pool->all;

    while (*at != plan)
        at = &(*at)->next;
    *at = plan->next;
}

static void tear_down(pooled *plan)
{
    beamc__plan_free(plan->plan);
    free(plan);
}

/* Tears down a plan that is not idle. */
static void discard(beamc__plan_pool *pool, pooled *plan)
{
    uv_mutex_lock(&pool->lock);
    forget(pool, plan);
    uv_mutex_unlock(&pool->lock);
    tear_down(plan);
}

/* With the lock: where those begin that are idle for @ms, which are the last of the list. */
static pooled **find_stale(beamc__plan_pool *pool, int64_t ms)
{
    const int64_t before = beamc__now_ms() - ms;
    pooled **at = &pool->idle;

    while (*at != NULL && (*at)->since_ms > before)
        at = &(*at)->next_idle;
    return at;
}

bool beamc__plan_pool_is_stale(beamc__plan_pool *pool, int64_t ms)
{
    uv_mutex_lock(&pool->lock);
    bool is_stale = *find_stale(pool, ms) != NULL;
    uv_mutex_unlock(&pool->lock);
    return is_stale;
}

void beamc__plan_pool_trim(beamc__plan_pool *pool, int64_t ms)
{
    uv_mutex_lock(&pool->lock);
    pooled **at = find_stale(pool, ms);
    pooled *stale = *at;
    *at = NULL;
    for (const pooled *each = stale; each != NULL; each = each->next_idle)
        forget(pool, each);
    uv_mutex_unlock(&pool->lock);
    for (pooled *next; stale != NULL; stale = next) {
        next = stale->next_idle;
        tear_down(stale);
    }
}

beamc_error *beamc__plan_pool_run(beamc__plan_pool *pool, const beamc__bundle *bundle,
                                  beamc__metrics *metrics)
{
    pooled *taken;

    BEAMC_TRY(take(pool, bundle, &taken));
    beamc_error *error = beamc__plan_run(taken->plan, bundle);
    if (error == NULL)
        error = beamc__plan_report(taken->plan, metrics);
    if (error == NULL)
        give(pool, taken);
    else
        discard(pool, taken);
    return error;
}

void beamc__plan_pool_sample(beamc__plan_pool *pool, int64_t elapsed_ms)
{
    uv_mutex_lock(&pool->lock);
    for (pooled *each = pool->all; each != NULL; each = each->next)
        beamc__plan_sample(each->plan, elapsed_ms);
    uv_mutex_unlock(&pool->lock);
}

void beamc__plan_pool_memory(beamc__plan_pool *pool,
                             void (*visit)(void *ctx, const char *transform, size_t bytes),
                             void *ctx)
{
    uv_mutex_lock(&pool->lock);
    for (const pooled *each = pool->all; each != NULL; each = each->next)
        beamc__plan_memory(each->plan, visit, ctx);
    uv_mutex_unlock(&pool->lock);
}
