/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/worker/fns.h"

#include <check.h>
#include <uv.h>

int worker_setup_fails;
int worker_teardowns;

BEAMC_DOFN(worker_echo, string, string)
{
    return beamc_emit(ctx, element);
}

static const beamc_dofn_output tagged[] = { { "odd", BEAMC_TYPE(string) } };

BEAMC_DOFN_WITH(worker_twice, string, string, .outputs = tagged, .output_count = 1)
{
    BEAMC_TRY(beamc_emit_to(ctx, 1, element));
    return element->size % 2 == 1 ? NULL : beamc_emit(ctx, element);
}

static void torn_down(beamc_context *ctx BEAMC_UNUSED)
{
    __atomic_fetch_add(&worker_teardowns, 1, __ATOMIC_RELAXED);
}

BEAMC_DOFN_WITH(worker_fail, string, string, .teardown = torn_down)
{
    if (element->size == 3 && memcmp(element->data, "bad", 3) == 0)
        return beamc_error_new(BEAMC_EUSER, "no good: %.*s", BEAMC_STR(*element));
    if (element->size > 3 && memcmp(element->data, "bad", 3) == 0)
        return beamc_error_new(BEAMC_EUSER, "%.*s", BEAMC_STR(*element));
    return beamc_emit(ctx, element);
}

static beamc_error *set_up(beamc_context *ctx BEAMC_UNUSED)
{
    return __atomic_load_n(&worker_setup_fails, __ATOMIC_RELAXED) != 0
               ? beamc_error_new(BEAMC_EUSER, "no database today")
               : NULL;
}

BEAMC_DOFN_WITH(worker_setup, string, string, .setup = set_up)
{
    return beamc_emit(ctx, element);
}

/* ---- the gate -------------------------------------------------------------------------------- */

static uv_once_t gate_once = UV_ONCE_INIT;
static uv_mutex_t gate_lock;
static uv_cond_t gate_changed;
static int gate_waiting;
static int gate_admits; /* so many may pass though it is not open */
static bool gate_open;

static void make_gate(void)
{
    uv_mutex_init(&gate_lock);
    uv_cond_init(&gate_changed);
}

void worker_gate_open(void)
{
    uv_once(&gate_once, make_gate);
    uv_mutex_lock(&gate_lock);
    gate_open = true;
    uv_cond_broadcast(&gate_changed);
    uv_mutex_unlock(&gate_lock);
}

void worker_gate_admit(void)
{
    uv_once(&gate_once, make_gate);
    uv_mutex_lock(&gate_lock);
    gate_admits++;
    uv_cond_broadcast(&gate_changed);
    uv_mutex_unlock(&gate_lock);
}

void worker_gate_wait(int count)
{
    uv_once(&gate_once, make_gate);
    uv_mutex_lock(&gate_lock);
    while (gate_waiting < count)
        uv_cond_wait(&gate_changed, &gate_lock); /* the test's time limit is the deadline */
    uv_mutex_unlock(&gate_lock);
}

static void pass_gate(void)
{
    uv_once(&gate_once, make_gate);
    uv_mutex_lock(&gate_lock);
    gate_waiting++;
    uv_cond_broadcast(&gate_changed);
    while (!gate_open && gate_admits == 0)
        uv_cond_wait(&gate_changed, &gate_lock);
    if (!gate_open)
        gate_admits--;
    uv_mutex_unlock(&gate_lock);
}

static beamc_error *pass_gate_at_end(beamc_context *ctx BEAMC_UNUSED)
{
    pass_gate();
    return NULL;
}

BEAMC_DOFN_WITH(worker_late, string, string, .finish_bundle = pass_gate_at_end)
{
    return beamc_emit(ctx, element);
}

BEAMC_COUNTER(passed, "worker")

BEAMC_DOFN(worker_gate, string, string)
{
    beamc_counter_add(ctx, &passed, 1);
    if (element->size == 4 && memcmp(element->data, "wait", 4) == 0)
        pass_gate();
    else if (element->size == 2 && memcmp(element->data, "go", 2) == 0)
        worker_gate_open();
    return beamc_emit(ctx, element);
}

/* ---- logs, metrics --------------------------------------------------------------------------- */

static beamc_error *log_set_up(beamc_context *ctx)
{
    beamc_log(ctx, BEAMC_LOG_INFO, "set up");
    return NULL;
}

static void log_torn_down(beamc_context *ctx)
{
    beamc_log(ctx, BEAMC_LOG_WARN, "torn down");
}

BEAMC_DOFN_WITH(worker_log, string, string, .setup = log_set_up, .teardown = log_torn_down)
{
    beamc_log(ctx, BEAMC_LOG_DEBUG, "quiet %.*s", BEAMC_STR(*element));
    beamc_log(ctx, BEAMC_LOG_WARN, "got %.*s", BEAMC_STR(*element));
    return beamc_emit(ctx, element);
}

BEAMC_COUNTER(seen, "worker")

BEAMC_DOFN(worker_count, string, string)
{
    beamc_counter_add(ctx, &seen, 1);
    return beamc_emit(ctx, element);
}

/* ---- side inputs ----------------------------------------------------------------------------- */

BEAMC_KV(worker_entry, string, string)

static const beamc_dofn_side all_side[] = { { "side0", BEAMC_TYPE(string), BEAMC_VIEW_ITERABLE } };
static const beamc_dofn_side map_side[] = {
    { "side0", &beamc_type_worker_entry, BEAMC_VIEW_MULTIMAP }
};

static beamc_error *emit_all(beamc_context *ctx, beamc_string first, const beamc_iterable *values)
{
    beamc_iterator iterator;
    beamc_string value;
    char text[1000];
    int size = snprintf(text, sizeof(text), "%.*s:", BEAMC_STR(first));

    beamc_iterate(&iterator, values);
    while (beamc_next(&iterator, &value))
        size += snprintf(text + size, sizeof(text) - (size_t)size, " %.*s", BEAMC_STR(value));
    BEAMC_TRY(beamc_iterator_finish(&iterator));
    beamc_string out = { text, (size_t)size };
    return beamc_emit(ctx, &out);
}

BEAMC_DOFN_WITH(worker_side, string, string, .sides = all_side, .side_count = 1)
{
    beamc_iterable all;

    BEAMC_TRY(beamc_side_iterable(ctx, 0, &all));
    return emit_all(ctx, *element, &all);
}

BEAMC_DOFN_WITH(worker_look, string, string, .sides = map_side, .side_count = 1)
{
    beamc_iterable found;

    BEAMC_TRY(beamc_side_lookup(ctx, 0, element, &found));
    return emit_all(ctx, *element, &found);
}

const beamc_dofn *const worker_fn_echo = &worker_echo;
const beamc_dofn *const worker_fn_twice = &worker_twice;
const beamc_dofn *const worker_fn_fail = &worker_fail;
const beamc_dofn *const worker_fn_setup = &worker_setup;
const beamc_dofn *const worker_fn_gate = &worker_gate;
const beamc_dofn *const worker_fn_late = &worker_late;
const beamc_dofn *const worker_fn_log = &worker_log;
const beamc_dofn *const worker_fn_count = &worker_count;
const beamc_dofn *const worker_fn_side = &worker_side;
const beamc_dofn *const worker_fn_look = &worker_look;

/* ---- descriptors ----------------------------------------------------------------------------- */

void worker_give(fn_peer *peer, const char *id, const beamc_dofn *dofn)
{
    exec_kit *kit = exec_kit_new();
    exec_par_do_options options = { .outputs = { "p1" } };

    exec_collection(kit, "p0", BEAMC_TYPE(string), beamc_global_windows());
    exec_collection(kit, "p1", BEAMC_TYPE(string), beamc_global_windows());
    if (dofn->side_count > 0) {
        options.sides[0].collection = "side";
        exec_collection(kit, "side",
                        dofn->sides[0].view == BEAMC_VIEW_MULTIMAP ? &beamc_type_worker_entry
                                                                   : BEAMC_TYPE(string),
                        beamc_global_windows());
    }
    if (dofn->output_count > 0) {
        options.outputs[1] = "p2";
        exec_collection(kit, "p2", BEAMC_TYPE(string), beamc_global_windows());
    }
    exec_source(kit, "in", "p0");
    exec_par_do_with(kit, "fn", "p0", dofn, &options);
    exec_sink(kit, "out", "p1");
    if (dofn->output_count > 0)
        exec_sink(kit, "out2", "p2");
    fn_peer_give(peer, id, kit);
    exec_kit_free(kit);
}
