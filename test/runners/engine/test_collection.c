/* SPDX-License-Identifier: Apache-2.0 */
/* Collections: what is read is what was put, in order of bundles, whole and in parts. */
#include "runners/engine/collection.h"
#include "test/alloc.h"
#include <check.h>
#include <uv.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* A sanitizer of threads is slow and has nothing to see where there is one thread. */
#ifdef __SANITIZE_THREAD__
#define THREADS_ONLY true
#else
#define THREADS_ONLY false
#endif

/* Element i of a bundle: its size, 4 bytes; bundle, 2; i, 4; then filling. */
enum { ELEMENT_MIN = 10 };

typedef struct {
    uint32_t bundles;
    uint32_t elements; /* of a bundle, about */
    uint32_t size_max; /* of an element, mostly */
    uint32_t huge;     /* some are of this size; 0: none */
} shape;

static const shape shapes[] = {
    { 1, 1, 20, 0 },      { 3, 5, 30, 0 },         { 40, 1, 30, 0 },
    { 7, 3000, 50, 0 },   { 5, 300, 4000, 600000 }, { 2, 20000, 30, 0 },
    { 16, 4000, 400, 0 },
};

#define SHAPES ((int)(sizeof(shapes) / sizeof(shapes[0])))

static uint32_t element_count(const shape *of, uint32_t bundle)
{
    return bundle % 4 == 3 ? 0 : of->elements + bundle % 3; /* some bundles are empty */
}

static uint32_t element_size(const shape *of, uint32_t bundle, uint32_t i)
{
    uint32_t random = (bundle * 7919 + i) * 2654435761u;

    if (of->huge > 0 && random % 101 == 0)
        return of->huge;
    return ELEMENT_MIN + (random >> 8) % of->size_max;
}

static void make_element(uint8_t *out, uint32_t size, uint32_t bundle, uint32_t i)
{
    memset(out, (int)(bundle + i), size);
    memcpy(out, &size, 4);
    out[4] = (uint8_t)bundle;
    out[5] = (uint8_t)(bundle >> 8);
    memcpy(out + 6, &i, 4);
}

typedef struct {
    const shape *of;
    beamc__collection *collection;
    atomic_uint next;
    beamc_error *_Atomic error;
} run;

static beamc_error *put_all(const shape *of, beamc__collection_writer *writer, uint32_t bundle)
{
    beamc_error *err = NULL;
    uint8_t *element = malloc(of->size_max + of->huge + ELEMENT_MIN);

    if (element == NULL)
        return beamc_error_nomem();
    for (uint32_t i = 0; err == NULL && i < element_count(of, bundle); i++) {
        uint32_t size = element_size(of, bundle, i);
        make_element(element, size, bundle, i);
        err = beamc__collection_put(writer, element, size);
    }
    free(element);
    return err;
}

/* Every third bundle fails at first. */
static beamc_error *write_bundle(run *on, uint32_t bundle)
{
    for (bool fails = bundle % 3 == 1;; fails = false) {
        beamc__collection_writer *writer;
        BEAMC_TRY(beamc__collection_writer_new(&writer, on->collection, bundle));
        beamc_error *err = put_all(on->of, writer, bundle);
        if (err == NULL && !fails)
            return beamc__collection_commit(writer);
        beamc__collection_abort(writer);
        if (err != NULL)
            return err;
    }
}

static void write_some(void *context)
{
    run *on = context;

    for (uint32_t n; (n = atomic_fetch_add(&on->next, 1)) < on->of->bundles;) {
        beamc_error *none = NULL;
        beamc_error *err = write_bundle(on, on->of->bundles - 1 - n);
        if (err != NULL && !atomic_compare_exchange_strong(&on->error, &none, err))
            beamc_error_free(err);
    }
}

static beamc_error *write_all(const shape *of, beamc__store *store, int threads,
                              beamc__collection **out)
{
    run on = { .of = of };
    uv_thread_t ids[8];

    BEAMC_TRY(beamc__collection_new(&on.collection, store));
    *out = on.collection;
    if (threads == 1)
        write_some(&on);
    for (int i = 0; threads > 1 && i < threads; i++)
        ck_assert_int_eq(uv_thread_create(&ids[i], write_some, &on), 0);
    for (int i = 0; threads > 1 && i < threads; i++)
        uv_thread_join(&ids[i]);
    beamc_error *err = atomic_load(&on.error);
    return err == NULL ? beamc__collection_finish(on.collection) : err;
}

static void assert_ok(beamc_error *err)
{
    char text[300] = "";

    if (err != NULL)
        beamc_error_print(err, text, sizeof(text));
    ck_assert_msg(err == NULL, "%s", text);
}

/* The place of the next element that should come. */
typedef struct {
    uint32_t bundle;
    uint32_t i;
} place;

/* Reads a part and compares it; answers how many elements it had. */
static beamc_error *read_part(const shape *of, const beamc__collection *collection,
                              const beamc__part *part, place *at, uint64_t *count, uint64_t *bytes)
{
    uint8_t *expected = malloc(of->size_max + of->huge + ELEMENT_MIN);
    beamc__collection_reader *reader = NULL;
    beamc_bytes chunk;

    *count = 0;
    *bytes = 0;
    beamc_error *err = expected == NULL
                           ? beamc_error_nomem()
                           : beamc__collection_reader_new(&reader, collection, part);
    while (err == NULL && (err = beamc__collection_next(reader, &chunk)) == NULL &&
           chunk.size > 0) {
        for (size_t from = 0; from < chunk.size; (*count)++) {
            while (at->i == element_count(of, at->bundle)) {
                at->bundle++;
                at->i = 0;
            }
            uint32_t size = element_size(of, at->bundle, at->i);
            make_element(expected, size, at->bundle, at->i++);
            /* Assertions write to a pipe, which is too slow for each element. */
            if (at->bundle >= of->bundles || size > chunk.size - from ||
                memcmp(chunk.data + from, expected, size) != 0)
                ck_abort_msg("bundle %u: element %u differs", at->bundle, at->i - 1);
            from += size;
            *bytes += size;
        }
    }
    beamc__collection_reader_free(reader);
    free(expected);
    return err;
}

static void check_parts(const shape *of, const beamc__collection *collection, size_t max_parts,
                        uint64_t min_bytes)
{
    beamc__part *parts;
    size_t part_count;
    place at = { 0, 0 };
    uint64_t elements = 0;
    uint64_t bytes = 0;

    assert_ok(beamc__collection_parts(collection, max_parts, min_bytes, &parts, &part_count));
    ck_assert_uint_ge(part_count, 1);
    ck_assert_uint_le(part_count, max_parts);
    for (size_t i = 0; i < part_count; i++) {
        uint64_t count;
        uint64_t size;
        assert_ok(read_part(of, collection, &parts[i], &at, &count, &size));
        ck_assert_uint_eq(count, parts[i].elements);
        ck_assert_uint_eq(size, parts[i].bytes);
        ck_assert_uint_ge(count, 1);
        elements += count;
        bytes += size;
    }
    ck_assert_uint_eq(elements, beamc__collection_count(collection));
    ck_assert_uint_eq(bytes, beamc__collection_bytes(collection));
    if (min_bytes == 0 && elements <= 1000)
        ck_assert_uint_eq(part_count, elements < max_parts ? elements : max_parts);
    if (min_bytes > 0)
        ck_assert_uint_le(part_count, bytes / min_bytes + 1);
    free(parts);
}

START_TEST(reads_what_was_put)
{
    static const uint64_t budgets[] = { 0, 1 << 20, UINT64_C(1) << 40 };
    const shape *of = &shapes[_i];
    beamc__part *first = NULL;
    size_t first_count = 0;

    for (int n = THREADS_ONLY ? 3 : 0; n < 6; n++) {
        beamc__store_options options = { budgets[n % 3], NULL, 2 };
        beamc__collection *collection;
        beamc__store *store;
        assert_ok(beamc__store_new(&store, &options));
        assert_ok(write_all(of, store, n < 3 ? 1 : 4, &collection));
        if (n % 3 == 0)
            ck_assert_uint_eq(beamc__store_spilled(store) > 0, true);
        if (n % 3 == 2)
            ck_assert_uint_eq(beamc__store_spilled(store), 0);

        uint64_t count;
        uint64_t bytes;
        place at = { 0, 0 };
        beamc__part whole = beamc__collection_whole(collection);
        assert_ok(read_part(of, collection, &whole, &at, &count, &bytes));
        ck_assert_uint_eq(count, beamc__collection_count(collection));
        ck_assert_uint_eq(count, whole.elements);
        ck_assert_uint_eq(bytes, whole.bytes);
        for (size_t max_parts = 1; max_parts < (THREADS_ONLY ? 5 : 100);
             max_parts += 1 + max_parts / 2) {
            check_parts(of, collection, max_parts, 0);
            check_parts(of, collection, max_parts, 1);
            check_parts(of, collection, max_parts, 10000);
        }

        /* Where parts break is the same each time. */
        beamc__part *parts;
        size_t part_count;
        assert_ok(beamc__collection_parts(collection, 32, 1000, &parts, &part_count));
        if (first == NULL) {
            first = parts;
            first_count = part_count;
        } else {
            ck_assert_uint_eq(part_count, first_count);
            ck_assert_mem_eq(parts, first, part_count * sizeof(*parts));
            free(parts);
        }
        beamc__collection_free(collection);
        ck_assert_uint_eq(beamc__store_memory(store), 0);
        beamc__store_free(store);
    }
    free(first);
}
END_TEST

START_TEST(an_empty_collection_has_no_parts)
{
    static const shape none = { 1, 0, 10, 0 };
    beamc__store_options options = { 0, NULL, 1 };
    beamc__collection_reader *reader;
    beamc__collection *collection;
    beamc__store *store;
    beamc__part *parts;
    beamc_bytes chunk;
    size_t count;

    assert_ok(beamc__store_new(&store, &options));
    assert_ok(write_all(&none, store, 1, &collection));
    assert_ok(beamc__collection_parts(collection, 10, 0, &parts, &count));
    ck_assert_uint_eq(count, 0);
    ck_assert_ptr_null(parts);
    beamc__part whole = beamc__collection_whole(collection);
    ck_assert_uint_eq(whole.elements, 0);
    assert_ok(beamc__collection_reader_new(&reader, collection, &whole));
    assert_ok(beamc__collection_next(reader, &chunk));
    ck_assert_uint_eq(chunk.size, 0);
    beamc__collection_reader_free(reader);
    beamc__collection_reader_free(NULL);
    beamc__collection_abort(NULL);
    beamc__collection_free(NULL);
    beamc__collection_free(collection);
    beamc__store_free(store);
    beamc__store_free(NULL);
}
END_TEST

START_TEST(parts_are_about_equal)
{
    static const shape even = { 8, 9000, 40, 0 };
    beamc__store_options options = { 0, NULL, 1 };
    beamc__collection *collection;
    beamc__store *store;
    beamc__part *parts;
    size_t count;

    assert_ok(beamc__store_new(&store, &options));
    assert_ok(write_all(&even, store, 1, &collection));
    assert_ok(beamc__collection_parts(collection, 4, 1000, &parts, &count));
    ck_assert_uint_eq(count, 4);
    uint64_t quarter = beamc__collection_bytes(collection) / 4;
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_ge(parts[i].bytes, quarter / 2);
        ck_assert_uint_le(parts[i].bytes, 2 * quarter);
    }
    free(parts);
    beamc__collection_free(collection);
    beamc__store_free(store);
}
END_TEST

START_TEST(every_allocation_fails_once)
{
    static const shape small = { 4, 700, 100, 20000 };

    for (int spills = 0; spills < 2; spills++) {
        for (long n = 0;; n++) {
            beamc__store_options options = { spills ? 0 : 1 << 30, NULL, 1 };
            beamc__collection *collection = NULL;
            beamc__store *store;
            place at = { 0, 0 };
            uint64_t count;
            uint64_t bytes;

            test_alloc_fail_at(n);
            beamc_error *err = beamc__store_new(&store, &options);
            if (err == NULL)
                err = write_all(&small, store, 1, &collection);
            if (err == NULL) {
                beamc__part whole = beamc__collection_whole(collection);
                err = read_part(&small, collection, &whole, &at, &count, &bytes);
            }
            beamc__part *parts = NULL;
            size_t part_count;
            if (err == NULL)
                err = beamc__collection_parts(collection, 5, 0, &parts, &part_count);
            free(parts);
            bool failed = test_alloc_failed();
            test_alloc_fail_at(-1);
            beamc__collection_free(collection);
            if (store != NULL)
                ck_assert_uint_eq(beamc__store_memory(store), 0);
            beamc__store_free(store);
            ck_assert_int_eq(beamc_error_code(err), err == NULL ? BEAMC_OK : BEAMC_ENOMEM);
            ck_assert(failed || err == NULL);
            beamc_error_free(err);
            if (!failed)
                break;
        }
    }
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
    static const shape large = { 6, 3000, 200, 0 };
    beamc__store_options options = { 0, "/tmp", 1 };
    beamc__collection *collection;
    struct rlimit before;
    beamc__store *store;
    char text[300];

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit limit = { 300000, before.rlim_max };
    assert_ok(beamc__store_new(&store, &options));
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    beamc_error *err = write_all(&large, store, 3, &collection);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    ck_assert_int_eq(beamc_error_code(err), BEAMC_EIO);
    beamc_error_print(err, text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "temporary file in /tmp: File too large"));
    beamc_error_free(err);
    beamc__collection_free(collection);
    ck_assert_uint_eq(beamc__store_memory(store), 0);
    beamc__store_free(store);
}
END_TEST

Suite *suite_collection(void)
{
    Suite *suite = suite_create("collection");
    TCase *tc = tcase_create("collection");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, reads_what_was_put, 0, SHAPES);
    tcase_add_test(tc, an_empty_collection_has_no_parts);
    tcase_add_test(tc, parts_are_about_equal);
    tcase_add_test(tc, every_allocation_fails_once);
    tcase_add_test(tc, a_full_disk_is_an_error);
    suite_add_tcase(suite, tc);
    return suite;
}
