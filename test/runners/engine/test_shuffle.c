/* SPDX-License-Identifier: Apache-2.0 */
/* Shuffles against a model that sorts all records.  Whatever the budget, the threads and the order
 * in which bundles end, the groups are the same, in the same order. */
#include "runners/engine/shuffle.h"
#include "sdk/base/hash.h"
#include "test/alloc.h"
#include <check.h>
#include <uv.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

/* A sanitizer of threads is slow and has nothing to see where there is one thread. */
#ifdef __SANITIZE_THREAD__
#define THREADS_ONLY true
#else
#define THREADS_ONLY false
#endif

enum { KEY_MAX = 32, HEAD_MAX = 1024, KEYS_MAX = 60000 };

/* ---- scenarios: element i of a bundle is a function of both ---------------------------------- */

typedef struct {
    const char *name;
    beamc_windowing windowing;
    uint64_t bundles;
    uint64_t elements; /* of each bundle */
    uint64_t keys;
    uint64_t shared_bits; /* all keys' hashes begin with so many equal bits */
    uint64_t favour;      /* of 100 elements so many have the first key */
    uint64_t value_max;
    int64_t time_span;
    uint64_t huge; /* size of one value among them; 0: none */
} scenario;

#define GLOBAL(out) { BEAMC_WINDOW_GLOBAL, 0, 0, 0, 0, BEAMC_OUTPUT_##out }
#define FIXED(size, out) { BEAMC_WINDOW_FIXED, size, 0, 0, 0, BEAMC_OUTPUT_##out }
#define SLIDING(size, period, out)                                                                 \
    { BEAMC_WINDOW_SLIDING, size, period, 0, 0, BEAMC_OUTPUT_##out }
#define SESSIONS(gap, out) { BEAMC_WINDOW_SESSIONS, gap, 0, 0, 0, BEAMC_OUTPUT_##out }

static const scenario scenarios[] = {
    { "one element", GLOBAL(END_OF_WINDOW), 1, 1, 1, 0, 0, 5, 1, 0 },
    { "few elements", GLOBAL(END_OF_WINDOW), 3, 20, 5, 0, 0, 40, 1000, 0 },
    { "many keys", GLOBAL(END_OF_WINDOW), 9, 3000, 20000, 0, 0, 10, 1000, 0 },
    { "few keys", GLOBAL(END_OF_WINDOW), 9, 3000, 7, 0, 0, 60, 1000, 0 },
    { "global, latest", GLOBAL(LATEST), 5, 2000, 50, 0, 0, 20, 1000, 0 },
    { "global, earliest", GLOBAL(EARLIEST), 5, 2000, 50, 0, 0, 20, 3, 0 },
    { "large values", GLOBAL(END_OF_WINDOW), 4, 200, 30, 0, 0, 5000, 1000, 700000 },
    { "fixed", FIXED(100, END_OF_WINDOW), 9, 2000, 100, 0, 0, 20, 1000, 0 },
    { "fixed, latest", FIXED(100, LATEST), 4, 2000, 100, 0, 0, 20, 1000, 0 },
    { "sliding", SLIDING(100, 30, END_OF_WINDOW), 5, 1000, 100, 0, 0, 50, 1000, 0 },
    { "sliding, earliest", SLIDING(90, 10, EARLIEST), 5, 1000, 100, 0, 0, 20, 1000, 0 },
    { "sessions", SESSIONS(10, END_OF_WINDOW), 9, 2000, 300, 0, 0, 20, 3000, 0 },
    { "sessions, latest", SESSIONS(10, LATEST), 9, 2000, 300, 0, 0, 20, 3000, 0 },
    { "sessions of one key", SESSIONS(10, EARLIEST), 5, 2000, 1, 0, 0, 20, 100000, 0 },
    /* More than a reader may have in memory. */
    { "one lane", GLOBAL(END_OF_WINDOW), 4, 20000, 3000, 6, 0, 240, 1000, 0 },
    { "one lane, keys only", GLOBAL(LATEST), 4, 15000, 60000, 6, 0, 2, 1000, 0 },
    { "twelve equal bits", GLOBAL(END_OF_WINDOW), 4, 20000, 300, 12, 0, 240, 1000, 0 },
    { "a giant key", GLOBAL(EARLIEST), 4, 20000, 3000, 6, 80, 240, 1000, 0 },
    { "only a giant key", GLOBAL(END_OF_WINDOW), 4, 20000, 1, 0, 0, 240, 1000, 0 },
    { "a giant key in few windows", FIXED(400, LATEST), 4, 20000, 2000, 6, 90, 240, 1000, 0 },
    { "a giant key in many windows", FIXED(1, END_OF_WINDOW), 4, 20000, 1, 0, 0, 240, 1000, 0 },
    { "a giant key, sliding", SLIDING(900, 100, EARLIEST), 3, 8000, 2, 0, 0, 240, 1000, 0 },
    { "a giant key in sessions", SESSIONS(4, LATEST), 4, 20000, 1, 0, 0, 240, 200000, 0 },
    { "a giant session", SESSIONS(100, END_OF_WINDOW), 4, 20000, 2, 0, 0, 240, 1000, 0 },
    { "a huge value", GLOBAL(END_OF_WINDOW), 2, 500, 50, 6, 0, 100, 1000, 6000000 },
};

#define SCENARIOS ((int)(sizeof(scenarios) / sizeof(scenarios[0])))

typedef struct {
    const scenario *scene;
    beamc__shuffle_options options;
    uint8_t keys[KEYS_MAX][KEY_MAX];
    size_t key_sizes[KEYS_MAX];
} plan;

static uint64_t mix(uint64_t a, uint64_t b)
{
    return beamc__hash_mix(a + UINT64_C(0x9e3779b97f4a7c15), b ^ UINT64_C(0xd6e8feb86659fd93)) ^
           beamc__hash_mix(a ^ UINT64_C(0xa0761d6478bd642f), b + UINT64_C(0x2545f4914f6cdd1d));
}

static void make_keys(plan *of)
{
    uint64_t number = 0;

    for (uint64_t i = 0; i < of->scene->keys; i++) {
        for (;; number++) {
            /* The number, and for some keys that and some more. */
            size_t size = number % 5 == 0 ? KEY_MAX : 4 + number % 7;
            memset(of->keys[i], (int)(number >> 8), KEY_MAX);
            memcpy(of->keys[i], &number, 4);
            of->key_sizes[i] = size;
            uint64_t bits = of->scene->shared_bits;
            if (bits == 0 || beamc__hash(of->keys[i], size) >> (64 - bits) == 5)
                break;
        }
        number++;
    }
    if (of->scene->keys > 3 && of->scene->shared_bits == 0)
        of->key_sizes[2] = 0;
}

static void make_plan(plan *out, const scenario *scene)
{
    memset(out, 0, sizeof(*out));
    out->scene = scene;
    ck_assert_int_eq(beamc__window_fn_init(&out->options.fn, &scene->windowing), BEAMC_OK);
    out->options.output_time = scene->windowing.output_time;
    make_keys(out);
}

typedef struct {
    size_t key;
    beamc_timestamp timestamp;
    size_t value_size;
} element;

static element make_element(const plan *of, uint64_t bundle, uint64_t i)
{
    const scenario *scene = of->scene;
    uint64_t random = mix(bundle * 1000003 + 7, i);
    element made;

    made.key = (size_t)(random % scene->keys);
    if (mix(random, 1) % 100 < scene->favour)
        made.key = 0;
    /* Runs of equal timestamps too. */
    made.timestamp = (beamc_timestamp)(mix(bundle, i / 3) % (uint64_t)scene->time_span);
    made.value_size = (size_t)(mix(random, 3) % (scene->value_max + 1));
    if (scene->huge > 0 && bundle == 1 && i == scene->elements / 2)
        made.value_size = scene->huge;
    return made;
}

static void fill_value(uint8_t *out, size_t size, uint64_t bundle, uint64_t i)
{
    memset(out, (int)(bundle * 31 + i), size);
    for (size_t at = 0; at + 8 <= size; at += 1000)
        memcpy(out + at, &i, 8);
}

static size_t make_head(uint8_t *out, beamc__window_assigner *assigner, beamc_timestamp timestamp)
{
    beamc__window_assign(assigner, timestamp);
    beamc__store_be64(out, (uint64_t)timestamp ^ (UINT64_C(1) << 63));
    beamc__store_be32(out + 8, assigner->window_count);
    memcpy(out + 12, assigner->windows, assigner->windows_size);
    out[12 + assigner->windows_size] = 0x0f;
    return 13 + assigner->windows_size;
}

/* ---- the model ------------------------------------------------------------------------------- */

typedef struct {
    uint64_t hash;
    const uint8_t *key;
    size_t key_size;
    uint8_t window[BEAMC__WINDOW_SIZE_MAX];
    size_t window_size;
    beamc_interval_window interval;
    uint64_t bundle;
    uint64_t i;
    beamc_timestamp timestamp;
    size_t value_size;
} model_record;

static int compare_keys(const model_record *a, const model_record *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    size_t size = a->key_size < b->key_size ? a->key_size : b->key_size;
    int order = memcmp(a->key, b->key, size);
    return order != 0 ? order : (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

static int by_start(const void *a, const void *b)
{
    const model_record *x = a;
    const model_record *y = b;
    int order = compare_keys(x, y);

    if (order != 0)
        return order;
    return (x->interval.start > y->interval.start) - (x->interval.start < y->interval.start);
}

static int compare_windows(const model_record *x, const model_record *y)
{
    size_t size = x->window_size < y->window_size ? x->window_size : y->window_size;
    int order = memcmp(x->window, y->window, size);

    return order != 0 ? order
                      : (x->window_size > y->window_size) - (x->window_size < y->window_size);
}

static int by_group(const void *a, const void *b)
{
    const model_record *x = a;
    const model_record *y = b;
    int order = compare_keys(x, y);

    if (order == 0)
        order = compare_windows(x, y);
    if (order == 0)
        order = (x->bundle > y->bundle) - (x->bundle < y->bundle);
    return order != 0 ? order : (x->i > y->i) - (x->i < y->i);
}

static void merge_sessions(model_record *records, size_t count)
{
    qsort(records, count, sizeof(*records), by_start);
    for (size_t from = 0; from < count;) {
        beamc_interval_window session = records[from].interval;
        size_t to = from + 1;
        while (to < count && compare_keys(&records[from], &records[to]) == 0 &&
               records[to].interval.start < session.end) {
            if (records[to].interval.end > session.end)
                session.end = records[to].interval.end;
            to++;
        }
        for (; from < to; from++)
            records[from].window_size = beamc__interval_encode(session, records[from].window);
    }
}

/* One record for each element and window. */
static model_record *model_records(const plan *of, size_t *count)
{
    size_t room = 1024;
    model_record *records = malloc(room * sizeof(*records));
    beamc__window_assigner assigner;

    *count = 0;
    ck_assert_int_eq(beamc__window_assigner_init(&assigner, &of->options.fn), BEAMC_OK);
    for (uint64_t bundle = 0; bundle < of->scene->bundles; bundle++) {
        for (uint64_t i = 0; i < of->scene->elements; i++) {
            element made = make_element(of, bundle, i);
            beamc__window_assign(&assigner, made.timestamp);
            beamc_reader in = beamc_reader_of(assigner.windows, assigner.windows_size);
            for (uint32_t n = 0; n < assigner.window_count; n++) {
                if (*count == room) {
                    room *= 2;
                    records = realloc(records, room * sizeof(*records));
                }
                model_record *record = &records[(*count)++];
                memset(record, 0, sizeof(*record));
                record->key = of->keys[made.key];
                record->key_size = of->key_sizes[made.key];
                record->hash = beamc__hash(record->key, record->key_size);
                record->bundle = bundle;
                record->i = i;
                record->timestamp = made.timestamp;
                record->value_size = made.value_size;
                const uint8_t *before = in.at;
                if (of->options.fn.form == BEAMC__WINDOW_FORM_INTERVAL)
                    ck_assert_int_eq(beamc__interval_decode(&record->interval, &in), BEAMC_OK);
                record->window_size = (size_t)(in.at - before);
                memcpy(record->window, before, record->window_size);
            }
        }
    }
    beamc__window_assigner_dispose(&assigner);
    return records;
}

typedef struct {
    uint64_t digest; /* of the values' sizes and bytes, in order */
    int64_t count;
} values_digest;

static void digest_value(values_digest *into, const uint8_t *value, size_t size)
{
    into->digest = mix(into->digest ^ beamc__hash(value, size), size);
    into->count++;
}

static void write_group(beamc_buffer *out, const uint8_t *key, size_t key_size,
                        const uint8_t *window, size_t window_size, beamc_timestamp timestamp,
                        const values_digest *values)
{
    beamc_buffer_append(out, &key_size, sizeof(key_size));
    beamc_buffer_append(out, key, key_size);
    beamc_buffer_append(out, &window_size, sizeof(window_size));
    beamc_buffer_append(out, window, window_size);
    beamc_buffer_append(out, &timestamp, sizeof(timestamp));
    beamc_buffer_append(out, &values->count, sizeof(values->count));
    beamc_buffer_append(out, &values->digest, sizeof(values->digest));
}

/* What reading all groups of the plan must give. */
static beamc_buffer expect(const plan *of)
{
    uint8_t *value = malloc(of->scene->value_max + of->scene->huge + 1);
    beamc_buffer out;
    size_t count;

    beamc_buffer_init(&out);
    model_record *records = model_records(of, &count);
    if (of->options.fn.merges)
        merge_sessions(records, count);
    qsort(records, count, sizeof(*records), by_group);
    for (size_t from = 0; from < count;) {
        const model_record *first = &records[from];
        values_digest values = { 0, 0 };
        beamc_timestamp last;
        beamc_timestamp folded = first->timestamp;
        for (; from < count && compare_keys(first, &records[from]) == 0 &&
               compare_windows(first, &records[from]) == 0;
             from++) {
            const model_record *record = &records[from];
            folded = beamc__output_time_fold(of->options.output_time, folded, record->timestamp);
            fill_value(value, record->value_size, record->bundle, record->i);
            digest_value(&values, value, record->value_size);
        }
        ck_assert_int_eq(beamc__window_max_timestamp(of->options.fn.form, first->window,
                                                     first->window_size, &last),
                         BEAMC_OK);
        write_group(&out, first->key, first->key_size, first->window, first->window_size,
                    beamc__output_time_finish(of->options.output_time, folded, last), &values);
    }
    free(records);
    free(value);
    ck_assert(!beamc_buffer_failed(&out));
    return out;
}

/* ---- running it ------------------------------------------------------------------------------ */

typedef struct {
    const plan *of;
    beamc__shuffle *shuffle;
    uint64_t seed;
    bool aborts; /* some bundles fail the first time */
    atomic_size_t next;
    beamc_error *_Atomic error;
    beamc_buffer parts[64];
} run;

/* Sets the first error, frees others. */
static void run_fail(run *on, beamc_error *take_error)
{
    beamc_error *none = NULL;

    if (take_error != NULL && !atomic_compare_exchange_strong(&on->error, &none, take_error))
        beamc_error_free(take_error);
}

static beamc_error *write_elements(run *on, beamc__shuffle_writer *writer, uint64_t bundle,
                                   uint64_t count)
{
    const plan *of = on->of;
    uint8_t head[HEAD_MAX];
    beamc__window_assigner assigner;
    beamc_error *err = NULL;
    uint8_t *value = malloc(of->scene->value_max + of->scene->huge + 1);

    if (value == NULL)
        return beamc_error_nomem();
    if (beamc__window_assigner_init(&assigner, &of->options.fn) < 0) {
        free(value);
        return beamc_error_nomem();
    }
    for (uint64_t i = 0; err == NULL && i < count; i++) {
        element made = make_element(of, bundle, i);
        size_t head_size = make_head(head, &assigner, made.timestamp);
        fill_value(value, made.value_size, bundle, i);
        err = beamc__shuffle_put(writer, head, head_size, of->keys[made.key],
                                 of->key_sizes[made.key], value, made.value_size);
    }
    beamc__window_assigner_dispose(&assigner);
    free(value);
    return err;
}

static beamc_error *write_bundle(run *on, uint64_t bundle)
{
    beamc__shuffle_writer *writer;

    if (on->aborts && bundle % 2 == 0) {
        BEAMC_TRY(beamc__shuffle_writer_new(&writer, on->shuffle, bundle));
        beamc_error *err = write_elements(on, writer, bundle + 77, on->of->scene->elements / 2);
        beamc__shuffle_abort(writer);
        if (err != NULL)
            return err;
    }
    BEAMC_TRY(beamc__shuffle_writer_new(&writer, on->shuffle, bundle));
    beamc_error *err = write_elements(on, writer, bundle, on->of->scene->elements);
    if (err != NULL) {
        beamc__shuffle_abort(writer);
        return err;
    }
    return beamc__shuffle_commit(writer);
}

/* The bundles in an order that the seed tells: i -> i * odd + seed, modulo a power of two. */
static void write_some(void *context)
{
    run *on = context;
    size_t room = 1;

    while (room < on->of->scene->bundles)
        room *= 2;
    for (size_t n; (n = atomic_fetch_add(&on->next, 1)) < room;) {
        uint64_t bundle = (n * (2 * on->seed + 1) + on->seed) % room;
        if (bundle < on->of->scene->bundles && atomic_load(&on->error) == NULL)
            run_fail(on, write_bundle(on, bundle));
    }
}

static beamc_error *walk_values(const beamc__group *group, values_digest *out, int64_t most)
{
    uintptr_t cursor[4];
    beamc_bytes value;
    beamc_error *err = NULL;

    memset(out, 0, sizeof(*out));
    group->ops->start(group, cursor);
    while (out->count < most && (err = group->ops->next(group, cursor, &value)) == NULL &&
           value.data != NULL)
        digest_value(out, value.data, value.size);
    if (group->ops->end != NULL)
        group->ops->end(group, cursor);
    return err;
}

/* Two walks over the values at once, one left early. */
static beamc_error *walk_twice(const beamc__group *group, const values_digest *expected)
{
    values_digest digest = { 0, 0 };
    values_digest other;
    uintptr_t cursor[4];
    beamc_bytes value;
    beamc_error *err;

    BEAMC_TRY(walk_values(group, &other, 2));
    group->ops->start(group, cursor);
    while ((err = group->ops->next(group, cursor, &value)) == NULL && value.data != NULL) {
        digest_value(&digest, value.data, value.size);
        if (digest.count == 2 && (err = walk_values(group, &other, INT64_MAX)) != NULL)
            break;
    }
    if (err == NULL && digest.count >= 2 && other.digest != digest.digest)
        err = beamc_error_new(BEAMC_ECORRUPT, "a walk inside a walk differs");
    if (err == NULL && (digest.digest != expected->digest || digest.count != expected->count))
        err = beamc_error_new(BEAMC_ECORRUPT, "the second walk differs");
    if (group->ops->end != NULL)
        group->ops->end(group, cursor);
    return err;
}

static beamc_error *read_groups(run *on, beamc__shuffle_reader *reader, beamc_buffer *out)
{
    for (uint64_t n = 0;; n++) {
        beamc__group group;
        values_digest values;
        bool got;
        BEAMC_TRY(beamc__shuffle_next(reader, &group, &got));
        if (!got)
            return NULL;
        BEAMC_TRY(walk_values(&group, &values, INT64_MAX));
        if (n % 16 == on->seed % 16)
            BEAMC_TRY(walk_twice(&group, &values));
        if (values.count != group.count || group.info.window_count != 1 ||
            group.info.pane_size != 1 || group.info.pane[0] != 0x07)
            return beamc_error_new(BEAMC_ECORRUPT, "group %" PRIu64 " is wrong", n);
        write_group(out, group.key.data, group.key.size, group.info.windows,
                    group.info.windows_size, group.info.timestamp, &values);
        if (beamc_buffer_failed(out))
            return beamc_error_nomem();
    }
}

static void read_some(void *context)
{
    run *on = context;
    size_t count = beamc__shuffle_part_count(on->shuffle);

    for (size_t part; (part = atomic_fetch_add(&on->next, 1)) < count;) {
        beamc__shuffle_reader *reader;
        beamc_error *err = beamc__shuffle_reader_new(&reader, on->shuffle, part);
        if (err == NULL)
            err = read_groups(on, reader, &on->parts[part]);
        beamc__shuffle_reader_free(reader);
        if (err == NULL)
            beamc__shuffle_release_part(on->shuffle, part);
        run_fail(on, err);
    }
}

static void run_threads(run *on, int threads, void (*work)(void *context))
{
    uv_thread_t ids[8];

    atomic_store(&on->next, 0);
    if (threads <= 1) {
        work(on);
        return;
    }
    for (int i = 0; i < threads; i++)
        ck_assert_int_eq(uv_thread_create(&ids[i], work, on), 0);
    for (int i = 0; i < threads; i++)
        uv_thread_join(&ids[i]);
}

static void dispose_parts(run *on)
{
    for (size_t i = 0; i < 64; i++)
        beamc_buffer_dispose(&on->parts[i]);
}

/* Reads all parts and joins them. */
static beamc_error *read_all(run *on, int threads, beamc_buffer *out)
{
    run_threads(on, threads, read_some);
    beamc_buffer_clear(out);
    for (size_t i = 0; i < 64; i++)
        beamc_buffer_append(out, on->parts[i].data, on->parts[i].size);
    dispose_parts(on);
    memset(on->parts, 0, sizeof(on->parts));
    beamc_error *err = atomic_exchange(&on->error, NULL);
    return err == NULL && beamc_buffer_failed(out) ? beamc_error_nomem() : err;
}

/* Writes, then reads once, twice if @again. */
static beamc_error *run_plan(const plan *of, beamc__store *store, int threads, uint64_t seed,
                             bool aborts, beamc_buffer *out, bool again)
{
    run on = { .of = of, .seed = seed, .aborts = aborts };
    beamc__shuffle_options options = of->options;

    options.read_once = !again;
    BEAMC_TRY(beamc__shuffle_new(&on.shuffle, store, &options));
    run_threads(&on, threads, write_some);
    beamc_error *err = atomic_exchange(&on.error, NULL);
    if (err == NULL)
        err = beamc__shuffle_finish(on.shuffle);
    if (err == NULL)
        err = read_all(&on, threads, out);
    if (err == NULL && again)
        err = read_all(&on, threads, out);
    if (err == NULL && !again && beamc__store_memory(store) != 0)
        err = beamc_error_new(BEAMC_EINVAL, "released parts keep memory");
    beamc__shuffle_free(on.shuffle);
    return err;
}

static void assert_ok(beamc_error *err, const char *what)
{
    char text[300] = "";

    if (err != NULL)
        beamc_error_print(err, text, sizeof(text));
    ck_assert_msg(err == NULL, "%s: %s", what, text);
}

static beamc__store *make_store(uint64_t budget, int workers, const char *where)
{
    beamc__store_options options = { budget, where, workers };
    beamc__store *store;

    assert_ok(beamc__store_new(&store, &options), "a store");
    return store;
}

/* ---- tests ----------------------------------------------------------------------------------- */

START_TEST(groups_are_those_of_the_model)
{
    static const struct {
        uint64_t budget;
        int threads;
        bool aborts;
        bool again;
    } ways[] = {
        { UINT64_C(1) << 40, 1, false, true }, { UINT64_C(1) << 40, 3, true, false },
        { 0, 1, true, false },                 { 0, 4, false, true },
        { 3 << 20, 2, true, true },            { 16 << 20, 3, false, false },
    };
    if (THREADS_ONLY && scenarios[_i].elements >= 15000 && _i % 4 != 0)
        return;
    plan *of = malloc(sizeof(*of));
    beamc_buffer got;

    make_plan(of, &scenarios[_i]);
    beamc_buffer expected = expect(of);
    beamc_buffer_init(&got);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (THREADS_ONLY && (ways[i].threads < 3 || ways[i].aborts))
            continue;
        beamc__store *store = make_store(ways[i].budget, ways[i].threads, NULL);
        assert_ok(run_plan(of, store, ways[i].threads, 3 * i + 1, ways[i].aborts, &got,
                           ways[i].again),
                  scenarios[_i].name);
        ck_assert_msg(got.size == expected.size &&
                          memcmp(got.data, expected.data, got.size) == 0,
                      "%s: way %zu gives other groups", scenarios[_i].name, i);
        ck_assert_uint_eq(beamc__store_memory(store), 0);
        if (ways[i].budget == 0)
            ck_assert_uint_gt(beamc__store_spilled(store), 0);
        if (ways[i].budget > UINT64_C(1) << 32)
            ck_assert_uint_eq(beamc__store_spilled(store), 0);
        beamc__store_free(store);
    }
    beamc_buffer_dispose(&got);
    beamc_buffer_dispose(&expected);
    free(of);
}
END_TEST

START_TEST(an_empty_shuffle_has_no_parts)
{
    beamc__store *store = make_store(1 << 20, 1, NULL);
    beamc__shuffle_options options = { .read_once = true };
    beamc_windowing windowing = beamc_global_windows();
    beamc__shuffle_writer *writer;
    beamc__shuffle *shuffle;

    ck_assert_int_eq(beamc__window_fn_init(&options.fn, &windowing), BEAMC_OK);
    for (int bundles = 0; bundles < 2; bundles++) {
        assert_ok(beamc__shuffle_new(&shuffle, store, &options), "new");
        if (bundles > 0) {
            assert_ok(beamc__shuffle_writer_new(&writer, shuffle, 0), "writer");
            assert_ok(beamc__shuffle_commit(writer), "commit");
        }
        assert_ok(beamc__shuffle_finish(shuffle), "finish");
        ck_assert_uint_eq(beamc__shuffle_part_count(shuffle), 0);
        ck_assert_uint_eq(beamc__shuffle_count(shuffle), 0);
        beamc__shuffle_free(shuffle);
    }
    beamc__shuffle_free(NULL);
    beamc__shuffle_abort(NULL);
    beamc__shuffle_reader_free(NULL);
    beamc__store_free(store);
}
END_TEST

/* Parts depend on the bytes put only. */
START_TEST(parts_are_the_same_whatever_the_memory)
{
    static const scenario scene = { "parts", FIXED(100, LATEST), 8, 20000, 20000,
                                    0,       0,                  60, 1000,  0 };
    plan *of = malloc(sizeof(*of));
    uint64_t first[64];
    size_t first_count = 0;

    make_plan(of, &scene);
    for (int i = 0; i < 3; i++) {
        beamc__store *store = make_store((uint64_t)i * i * (20 << 20), 1 + i, NULL);
        run on = { .of = of, .seed = 5 + (uint64_t)i };
        assert_ok(beamc__shuffle_new(&on.shuffle, store, &of->options), "new");
        run_threads(&on, 1 + i, write_some);
        assert_ok(atomic_load(&on.error), "write");
        assert_ok(beamc__shuffle_finish(on.shuffle), "finish");
        size_t count = beamc__shuffle_part_count(on.shuffle);
        ck_assert_uint_gt(count, 2);
        ck_assert_uint_le(count, 64);
        ck_assert_uint_eq(beamc__shuffle_count(on.shuffle), 8 * 20000);
        uint64_t bytes = 0;
        for (size_t part = 0; part < count; part++) {
            if (i == 0)
                first[part] = beamc__shuffle_part_bytes(on.shuffle, part);
            ck_assert_uint_eq(first[part], beamc__shuffle_part_bytes(on.shuffle, part));
            bytes += first[part];
        }
        ck_assert_uint_eq(bytes, beamc__shuffle_bytes(on.shuffle));
        if (i == 0)
            first_count = count;
        ck_assert_uint_eq(count, first_count);
        beamc__shuffle_free(on.shuffle);
        beamc__store_free(store);
    }
    free(of);
}
END_TEST

static beamc_error *put_one(beamc__store *store, const beamc__shuffle_options *options,
                            const uint8_t *head, size_t size, beamc__shuffle **out)
{
    beamc__shuffle_writer *writer;

    BEAMC_TRY(beamc__shuffle_new(out, store, options));
    assert_ok(beamc__shuffle_writer_new(&writer, *out, 0), "writer");
    beamc_error *err =
        beamc__shuffle_put(writer, head, size, (const uint8_t *)"k", 1, (const uint8_t *)"v", 1);
    if (err != NULL) {
        beamc__shuffle_abort(writer);
        return err;
    }
    assert_ok(beamc__shuffle_commit(writer), "commit");
    return beamc__shuffle_finish(*out);
}

START_TEST(heads_that_are_cut_off_are_errors)
{
    static const uint8_t head[] = { 0x80, 0, 0, 0, 0, 0, 0, 9, 0,    0,    0,    2,   0x80, 0, 0,
                                    0,    0, 0, 0, 9, 1, 0x80, 0, 0, 0, 0, 0, 0, 10, 2,   0x0f };
    beamc__store *store = make_store(1 << 20, 1, NULL);
    beamc_windowing windowing = beamc_fixed_windows(10);
    beamc__shuffle_options options = { .read_once = true };

    ck_assert_int_eq(beamc__window_fn_init(&options.fn, &windowing), BEAMC_OK);
    for (size_t size = 0; size < sizeof(head); size++) {
        beamc__shuffle *shuffle = NULL;
        beamc_error *err = put_one(store, &options, head, size, &shuffle);
        if (size < sizeof(head) - 1) { /* the pane is not looked at */
            ck_assert_int_eq(beamc_error_code(err), BEAMC_ESHORT);
            beamc_error_free(err);
        } else {
            assert_ok(err, "whole");
        }
        beamc__shuffle_free(shuffle);
    }
    beamc__store_free(store);
}
END_TEST

START_TEST(an_element_in_no_window_is_dropped)
{
    static const uint8_t head[] = { 0x80, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0x0f };
    beamc__store *store = make_store(1 << 20, 1, NULL);
    beamc_windowing windowing = beamc_fixed_windows(10);
    beamc__shuffle_options options = { .read_once = true };
    beamc__shuffle *shuffle;

    ck_assert_int_eq(beamc__window_fn_init(&options.fn, &windowing), BEAMC_OK);
    assert_ok(put_one(store, &options, head, sizeof(head), &shuffle), "put");
    ck_assert_uint_eq(beamc__shuffle_part_count(shuffle), 0);
    beamc__shuffle_free(shuffle);
    beamc__store_free(store);
}
END_TEST

/* A custom window, with its length before what is only its coder's, and one of an unknown kind. */
START_TEST(windows_of_other_sdks_are_bytes)
{
    static const uint8_t head[] = { 0x80, 0,    0, 0, 0, 0, 0, 9, 0, 0, 0,   2,   /**/
                                    0x80, 0,    0, 0, 0, 0, 0, 7, 2, 'x', 'y',    /**/
                                    0x80, 0,    0, 0, 0, 0, 0, 5, 1, 'z', 0x0f };
    static const uint8_t unknown[] = { 0x80, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 2, 'x', 'y', 0x0f };
    beamc__store *store = make_store(1 << 20, 1, NULL);
    beamc__shuffle_options options = { .fn = { .opaque = true,
                                               .form = BEAMC__WINDOW_FORM_CUSTOM } };
    beamc__shuffle_reader *reader;
    beamc__shuffle *shuffle;
    beamc__group group;
    bool got;

    assert_ok(put_one(store, &options, head, sizeof(head), &shuffle), "put");
    assert_ok(beamc__shuffle_reader_new(&reader, shuffle, 0), "reader");
    for (int i = 0; i < 2; i++) {
        assert_ok(beamc__shuffle_next(reader, &group, &got), "next");
        ck_assert(got);
        ck_assert_int_eq(group.info.timestamp, i == 0 ? 5 : 7);
        ck_assert_uint_eq(group.info.windows_size, i == 0 ? 10 : 11);
    }
    assert_ok(beamc__shuffle_next(reader, &group, &got), "next");
    ck_assert(!got);
    beamc__shuffle_reader_free(reader);
    beamc__shuffle_free(shuffle);

    options.fn.form = BEAMC__WINDOW_FORM_UNKNOWN;
    beamc_error *err = beamc__shuffle_new(&shuffle, store, &options);
    ck_assert_int_eq(beamc_error_code(err), BEAMC_EUNSUPPORTED);
    beamc_error_free(err);
    options.output_time = BEAMC_OUTPUT_LATEST;
    assert_ok(put_one(store, &options, unknown, sizeof(unknown), &shuffle), "put");
    assert_ok(beamc__shuffle_reader_new(&reader, shuffle, 0), "reader");
    assert_ok(beamc__shuffle_next(reader, &group, &got), "next");
    ck_assert_int_eq(group.info.timestamp, 9);
    ck_assert_mem_eq(group.info.windows, "\2xy", 3);
    beamc__shuffle_reader_free(reader);
    beamc__shuffle_free(shuffle);

    options.fn.merges = true;
    err = beamc__shuffle_new(&shuffle, store, &options);
    ck_assert_str_eq(beamc_error_message(err),
                     "cannot merge windows of another SDK's window function");
    beamc_error_free(err);
    beamc__store_free(store);
}
END_TEST

static const scenario small = { "small", SLIDING(100, 30, LATEST), 3, 40, 9, 0, 0, 50, 1000, 0 };

START_TEST(a_directory_that_is_not_there)
{
    beamc__store *store = make_store(0, 1, "/no/such/directory");
    plan *of = malloc(sizeof(*of));
    char text[300];
    beamc_buffer out;

    make_plan(of, &small);
    beamc_buffer_init(&out);
    beamc_error *err = run_plan(of, store, 1, 1, false, &out, false);
    ck_assert_int_eq(beamc_error_code(err), BEAMC_ENOENT);
    beamc_error_print(err, text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "/no/such/directory"));
    ck_assert_ptr_nonnull(strstr(text, "No such file or directory"));
    beamc_error_free(err);
    ck_assert_uint_eq(beamc__store_memory(store), 0);
    beamc_buffer_dispose(&out);
    beamc__store_free(store);
    free(of);
}
END_TEST

/* A limit on the size of files stands for a full disk: while writing, and while dividing. */
START_TEST(a_full_disk_is_an_error)
{
    static const scenario divided = { "divided", GLOBAL(LATEST), 4,    15000, 60000, 6,
                                      0,         2,              1000, 0 };
    static const struct {
        uint64_t budget;
        rlim_t limit;
    } cases[] = { { 0, 300000 }, { 12 << 20, 100000 }, { 12 << 20, 300000 } };
    plan *of = malloc(sizeof(*of));
    struct rlimit before;
    beamc_buffer out;

    make_plan(of, &divided);
    beamc_buffer_init(&out);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        beamc__store *store = make_store(cases[i].budget, 2, "/tmp");
        struct rlimit limit = { cases[i].limit, before.rlim_max };
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        beamc_error *err = run_plan(of, store, 2, 1, true, &out, false);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
        ck_assert_int_eq(beamc_error_code(err), BEAMC_EIO);
        char text[300];
        beamc_error_print(err, text, sizeof(text));
        ck_assert_ptr_nonnull(strstr(text, "temporary file in /tmp: File too large"));
        beamc_error_free(err);
        ck_assert_uint_eq(beamc__store_memory(store), 0);
        beamc__store_free(store);
    }
    signal(SIGXFSZ, SIG_DFL);
    beamc_buffer_dispose(&out);
    free(of);
}
END_TEST

START_TEST(every_allocation_fails_once)
{
    static const scenario scenes[] = {
        { "sliding", SLIDING(100, 30, LATEST), 2, 30, 9, 0, 0, 50, 1000, 0 },
        { "sessions", SESSIONS(10, EARLIEST), 2, 30, 9, 0, 0, 50, 1000, 0 },
        { "global", GLOBAL(END_OF_WINDOW), 2, 30, 9, 0, 0, 50, 1000, 3000 },
    };
    plan *of = malloc(sizeof(*of));
    beamc_buffer got;

    beamc_buffer_init(&got);
    for (size_t i = 0; i < 6; i++) {
        make_plan(of, &scenes[i / 2]);
        beamc_buffer expected = expect(of);
        beamc__store *store = make_store(i % 2 == 0 ? 0 : 1 << 30, 1, NULL);
        for (long n = 0;; n++) {
            test_alloc_fail_at(n);
            beamc_error *err = run_plan(of, store, 1, 1, true, &got, true);
            bool failed = test_alloc_failed();
            test_alloc_fail_at(-1);
            ck_assert_uint_eq(beamc__store_memory(store), 0);
            if (err != NULL) {
                ck_assert_int_eq(beamc_error_code(err), BEAMC_ENOMEM);
                ck_assert(failed);
                beamc_error_free(err);
                beamc_buffer_dispose(&got);
                continue;
            }
            /* A buffer that could not be made smaller is no error. */
            ck_assert_uint_eq(got.size, expected.size);
            ck_assert_mem_eq(got.data, expected.data, got.size);
            if (!failed)
                break;
        }
        beamc__store_free(store);
        beamc_buffer_dispose(&expected);
    }
    beamc_buffer_dispose(&got);
    free(of);
}
END_TEST

/* The same while what is too large for memory is divided and streamed. */
START_TEST(every_allocation_of_dividing_fails_once)
{
    static const scenario scenes[] = {
        { "giant keys", GLOBAL(END_OF_WINDOW), 2, 1200, 2, 6, 0, 8000, 1000, 0 },
        { "giant windows", SLIDING(900, 450, LATEST), 2, 700, 1, 6, 0, 8000, 1000, 0 },
    };
    plan *of = malloc(sizeof(*of));
    beamc_buffer got;

    beamc_buffer_init(&got);
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        make_plan(of, &scenes[i]);
        beamc_buffer expected = expect(of);
        beamc__store *store = make_store(0, 1, NULL);
        run on = { .of = of, .seed = 1 };
        assert_ok(beamc__shuffle_new(&on.shuffle, store, &of->options), "new");
        write_some(&on);
        assert_ok(atomic_load(&on.error), "write");
        assert_ok(beamc__shuffle_finish(on.shuffle), "finish");
        for (long n = 0;; n++) {
            test_alloc_fail_at(n);
            beamc_error *err = read_all(&on, 1, &got);
            bool failed = test_alloc_failed();
            test_alloc_fail_at(-1);
            ck_assert_uint_eq(beamc__store_memory(store), 0);
            if (err == NULL) {
                ck_assert_uint_eq(got.size, expected.size);
                ck_assert_mem_eq(got.data, expected.data, got.size);
                ck_assert(!failed);
                break;
            }
            ck_assert_int_eq(beamc_error_code(err), BEAMC_ENOMEM);
            ck_assert(failed);
            beamc_error_free(err);
            beamc_buffer_dispose(&got);
        }
        beamc__shuffle_free(on.shuffle);
        beamc__store_free(store);
        beamc_buffer_dispose(&expected);
    }
    beamc_buffer_dispose(&got);
    free(of);
}
END_TEST

Suite *suite_shuffle(void)
{
    Suite *suite = suite_create("shuffle");
    TCase *tc = tcase_create("groups");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, groups_are_those_of_the_model, 0, SCENARIOS);
    suite_add_tcase(suite, tc);

    tc = tcase_create("shuffle");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, an_empty_shuffle_has_no_parts);
    tcase_add_test(tc, parts_are_the_same_whatever_the_memory);
    tcase_add_test(tc, heads_that_are_cut_off_are_errors);
    tcase_add_test(tc, an_element_in_no_window_is_dropped);
    tcase_add_test(tc, windows_of_other_sdks_are_bytes);
    tcase_add_test(tc, a_directory_that_is_not_there);
    tcase_add_test(tc, a_full_disk_is_an_error);
    if (!THREADS_ONLY) {
        tcase_add_test(tc, every_allocation_fails_once);
        tcase_add_test(tc, every_allocation_of_dividing_fails_once);
    }
    suite_add_tcase(suite, tc);
    return suite;
}
