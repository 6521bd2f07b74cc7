/* SPDX-License-Identifier: Apache-2.0 */
/* The DoFns of WriteText, called one by one: what a runner may do, and a disk. */
#include "sdk/io/text_sink.h"

#include "sdk/io/shard_name.h"
#include "sdk/pipeline/context.h"
#include "scratch.h"
#include "test/alloc.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- a harness of one DoFn ------------------------------------------------------------------- */

enum { CAPTURED = 512 };

typedef struct {
    beamc_receiver receiver;
    const beamc_type *type;
    beamc_arena *arena;
    void *values[CAPTURED]; /* what was emitted */
    size_t count;
} capture;

static beamc_error *keep_value(beamc_receiver *self,
                               const beamc_element_info *info BEAMC_UNUSED, const void *value)
{
    capture *out = (capture *)self;

    ck_assert_uint_lt(out->count, CAPTURED);
    out->values[out->count] = beamc_arena_alloc(out->arena, out->type->size);
    if (out->values[out->count] == NULL ||
        beamc_copy(out->type, out->values[out->count], value, out->arena) < 0)
        return beamc_error_nomem();
    out->count++;
    return NULL;
}

typedef struct {
    const beamc_dofn *dofn;
    beamc_context ctx;
    capture out;
    beamc_receiver *outputs[1];
    const beamc_type *types[1];
    size_t sizes[1];
    beamc_context_ops ops;
    beamc_log_target log;
} harness;

static beamc_receiver *find_output(beamc_context *ctx, size_t output)
{
    return ctx->outputs[output];
}

static void harness_init(harness *h, const beamc_dofn *dofn, const beamc__text_sink *sink)
{
    memset(h, 0, sizeof(*h));
    h->dofn = dofn;
    h->out.receiver.process = keep_value;
    h->out.type = dofn->output;
    h->out.arena = beamc_arena_new();
    h->outputs[0] = &h->out.receiver;
    h->types[0] = dofn->output;
    h->sizes[0] = dofn->output->size;
    h->ops.output = find_output;
    h->ctx = (beamc_context){ .info = &beamc_element_info_initial,
                              .outputs = h->outputs,
                              .output_sizes = h->sizes,
                              .output_count = 1,
                              .config = sink,
                              .instance = calloc(1, dofn->instance_size + 1),
                              .arena = beamc_arena_new(),
                              .log = &h->log,
                              .input = dofn->input,
                              .output_types = h->types,
                              .ops = &h->ops };
    ck_assert_ptr_nonnull(h->ctx.instance);
}

static void harness_dispose(harness *h)
{
    if (h->dofn->teardown != NULL)
        h->dofn->teardown(&h->ctx);
    free(h->ctx.instance);
    beamc_arena_free(h->ctx.arena);
    beamc_arena_free(h->out.arena);
}

static beamc_error *set_up(harness *h)
{
    return h->dofn->setup == NULL ? NULL : h->dofn->setup(&h->ctx);
}

/* ---- configurations -------------------------------------------------------------------------- */

static beamc__text_sink usual_sink(void)
{
    beamc__text_sink sink = {
        .prefix = beamc_string_of("out/x"),
        .suffix = beamc_string_of(".txt"),
        .shard_template = beamc_string_of(BEAMC__SHARD_TEMPLATE),
        .temporary = beamc_string_of("out/.temp"),
        .header = { "", 0 },
        .footer = { "", 0 },
        .delimiter = beamc_string_of("\n"),
        .compression = BEAMC_COMPRESSION_NONE,
        .always = true,
        .started = 1000,
    };
    return sink;
}

static beamc_error *write_bundle(harness *h, unsigned lines)
{
    char text[20];

    for (unsigned i = 0; i < lines; i++) {
        beamc_string line = { text, (size_t)snprintf(text, sizeof(text), "line %u", i) };
        BEAMC_TRY(h->dofn->process(&h->ctx, &line));
    }
    return h->dofn->finish_bundle(&h->ctx);
}

/* What finalize is given of @written. */
static beamc_error *finalize(const beamc__text_sink *sink, const beamc__written *written,
                             size_t count, capture *out)
{
    harness h;
    beamc__gathered gathered = {
        0, beamc_iterable_of_array(&beamc_type_beamc__written, written, count)
    };

    harness_init(&h, &beamc__finalize_fn, sink);
    beamc_error *err = h.dofn->process(&h.ctx, &gathered);
    out->count = h.out.count;
    harness_dispose(&h);
    return err;
}

/* ---- writing --------------------------------------------------------------------------------- */

START_TEST(each_bundle_writes_a_file)
{
    beamc__text_sink sink = usual_sink();
    harness h;

    harness_init(&h, &beamc__write_bundle_fn, &sink);
    ck_assert_ptr_null(set_up(&h));
    ck_assert_ptr_null(write_bundle(&h, 0));
    ck_assert_uint_eq(h.out.count, 0);
    ck_assert(!scratch_exists("out"));
    for (unsigned bundle = 0; bundle < 3; bundle++) {
        ck_assert_ptr_null(write_bundle(&h, 2));
        ck_assert_uint_eq(h.out.count, bundle + 1);
        const beamc__keyed_written *written = h.out.values[bundle];
        ck_assert_int_eq(written->key, 0);
        char path[100];
        snprintf(path, sizeof(path), "%.*s", BEAMC_STR(written->value.path));
        beamc_buffer text = scratch_read(path);
        ck_assert_str_eq((char *)text.data, "line 0\nline 1\n");
        beamc_buffer_dispose(&text);
    }
    harness_dispose(&h);
}
END_TEST

START_TEST(a_torn_down_copy_leaves_no_half_file)
{
    beamc__text_sink sink = usual_sink();
    harness h;
    beamc_string line = { malloc(1000000), 1000000 };

    memset((char *)(uintptr_t)line.data, 'x', line.size);
    harness_init(&h, &beamc__write_bundle_fn, &sink);
    ck_assert_ptr_null(set_up(&h));
    ck_assert_ptr_null(h.dofn->process(&h.ctx, &line));
    char *before = scratch_list("out/.temp");
    ck_assert_uint_gt(strlen(before), 0);
    harness_dispose(&h);
    char *after = scratch_list("out/.temp");
    ck_assert_str_eq(after, "");
    free(before);
    free(after);
    free((char *)(uintptr_t)line.data);
}
END_TEST

START_TEST(large_files_are_followed_by_others)
{
    beamc__text_sink sink = usual_sink();
    harness h;

    sink.max_bytes = 20;
    harness_init(&h, &beamc__write_bundle_fn, &sink);
    ck_assert_ptr_null(set_up(&h));
    ck_assert_ptr_null(write_bundle(&h, 10)); /* of 7 bytes each: 3, 3, 3, 1 */
    ck_assert_uint_eq(h.out.count, 4);
    harness_dispose(&h);
    scratch_run("test \"$(cat out/.temp/* | wc -l)\" = 10");
}
END_TEST

/* Beam's coder of interval windows: the end as 8 bytes of which the first bit is flipped, then the
 * length as a varint. */
static beamc_element_info info_of_window(uint8_t bytes[16], beamc_timestamp start,
                                         beamc_timestamp end)
{
    beamc_element_info info = beamc_element_info_initial;
    uint64_t shifted = (uint64_t)end ^ UINT64_C(0x8000000000000000);
    uint64_t length = (uint64_t)(end - start);
    uint32_t size = 8;

    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(shifted >> (56 - 8 * i));
    for (; length >= 0x80; length >>= 7)
        bytes[size++] = (uint8_t)(length | 0x80);
    bytes[size++] = (uint8_t)length;
    info.timestamp = start;
    info.windows = bytes;
    info.windows_size = size;
    return info;
}

/* More windows than files may be open, each line in another one than the line before. */
START_TEST(many_windows_have_their_files)
{
    enum { WINDOWS = 300, ROUNDS = 40, LONG = 30000, SHORT = 10 };
    beamc__text_sink sink = usual_sink();
    harness h;
    char *line = malloc(LONG);
    uint8_t bytes[16];

    memset(line, 'x', LONG);
    sink.windowed = true;
    sink.always = false;
    sink.compression = _i == 0 ? BEAMC_COMPRESSION_NONE : BEAMC_COMPRESSION_GZIP;
    harness_init(&h, &beamc__write_windows_fn, &sink);
    ck_assert_ptr_null(set_up(&h));
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned window = 0; window < WINDOWS; window++) {
            beamc_element_info info = info_of_window(bytes, window * 1000, window * 1000 + 1000);
            beamc_string text = { line, round % 2 == 0 ? LONG : SHORT };
            h.ctx.info = &info;
            ck_assert_ptr_null(h.dofn->process(&h.ctx, &text));
        }
    }
    ck_assert_ptr_null(h.dofn->finish_bundle(&h.ctx));
    ck_assert_uint_eq(h.out.count, WINDOWS);
    harness_dispose(&h);
    free(line);
    scratch_run(_i == 0 ? "cat out/.temp/* >all" : "cat out/.temp/* | gzip -dc >all");
    beamc_buffer all = scratch_read("all");
    ck_assert_uint_eq(all.size, (size_t)WINDOWS * ROUNDS / 2 * (LONG + SHORT + 2));
    beamc_buffer_dispose(&all);
}
END_TEST

/* ---- finalizing ------------------------------------------------------------------------------ */

static beamc__written make_written(const char *path, int64_t shard)
{
    beamc__written written = { beamc_string_of(path), shard };

    scratch_run("mkdir -p out/.temp");
    scratch_write_text(path, path);
    return written;
}

START_TEST(files_get_their_names_in_order)
{
    beamc__text_sink sink = usual_sink();
    beamc__written written[] = { make_written("out/.temp/c", -1), make_written("out/.temp/a", -1),
                                 { { "", 0 }, -1 }, make_written("out/.temp/b", -1) };
    capture out;

    scratch_write_text("out/x-00000-of-00003.txt", "old");
    scratch_write_text("out/x-00000-of-00009.txt", "of an earlier run");
    ck_assert_ptr_null(finalize(&sink, written, 4, &out));
    ck_assert_uint_eq(out.count, 3);
    char *names = scratch_list("out");
    ck_assert_str_eq(names, "x-00000-of-00003.txt x-00000-of-00009.txt x-00001-of-00003.txt "
                            "x-00002-of-00003.txt ");
    free(names);
    beamc_buffer text = scratch_read("out/x-00000-of-00003.txt");
    ck_assert_str_eq((char *)text.data, "out/.temp/a");
    beamc_buffer_dispose(&text);
}
END_TEST

START_TEST(a_repeated_finalize_is_no_harm)
{
    beamc__text_sink sink = usual_sink();
    beamc__written written[] = { make_written("out/.temp/a", -1), make_written("out/.temp/b", -1),
                                 make_written("out/.temp/c", -1) };
    capture out;

    for (int again = 0; again < 3; again++) {
        ck_assert_ptr_null(finalize(&sink, written, 3, &out));
        ck_assert_uint_eq(out.count, 3);
    }
    /* it stopped half-way */
    scratch_run("mkdir -p out/.temp && mv out/x-00001-of-00003.txt out/.temp/b");
    ck_assert_ptr_null(finalize(&sink, written, 3, &out));
    char *names = scratch_list("out");
    ck_assert_str_eq(names,
                     "x-00000-of-00003.txt x-00001-of-00003.txt x-00002-of-00003.txt ");
    free(names);
}
END_TEST

START_TEST(lost_files_are_not_taken_for_old_ones)
{
    beamc__text_sink sink = usual_sink();
    beamc__written written[] = { make_written("out/.temp/a", -1), make_written("out/.temp/b", -1) };
    capture out;

    scratch_run("rm out/.temp/b; echo old >out/x-00001-of-00002.txt; "
                "touch -d '2001-01-01' out/x-00001-of-00002.txt");
    sink.started = INT64_C(1100000000000);
    ck_assert_str_eq(scratch_text(finalize(&sink, written, 2, &out)),
                     "out/.temp/b is gone, which was to become out/x-00001-of-00002.txt");
    ck_assert(!scratch_exists("out/x-00000-of-00002.txt"));
    ck_assert_uint_eq(out.count, 0);
}
END_TEST

START_TEST(nothing_gives_one_empty_file)
{
    beamc__text_sink sink = usual_sink();
    beamc__written start = { { "", 0 }, -1 };
    capture out;

    sink.header = beamc_string_of("HEAD");
    ck_assert_ptr_null(finalize(&sink, &start, 1, &out));
    ck_assert_uint_eq(out.count, 1);
    beamc_buffer text = scratch_read("out/x-00000-of-00001.txt");
    ck_assert_str_eq((char *)text.data, "HEAD\n");
    beamc_buffer_dispose(&text);
    ck_assert(!scratch_exists("out/.temp"));
}
END_TEST

START_TEST(shards_without_lines_are_files)
{
    beamc__text_sink sink = usual_sink();
    beamc__written written[] = { make_written("out/.temp/q", 3), make_written("out/.temp/r", 1) };
    capture out;

    sink.num_shards = 5;
    ck_assert_ptr_null(finalize(&sink, written, 2, &out));
    ck_assert_uint_eq(out.count, 5);
    scratch_run("test \"$(cat out/x-0000[024]-of-00005.txt | wc -c)\" = 0 && "
                "test \"$(cat out/x-00003-of-00005.txt)\" = out/.temp/q && "
                "test \"$(cat out/x-00001-of-00005.txt)\" = out/.temp/r");
}
END_TEST

START_TEST(shards_that_cannot_be_are_refused)
{
    beamc__text_sink sink = usual_sink();
    beamc__written twice[] = { make_written("out/.temp/q", 1), make_written("out/.temp/r", 1) };
    capture out;

    sink.num_shards = 2;
    ck_assert_str_eq(scratch_text(finalize(&sink, twice, 2, &out)),
                     "shard 1 of 2 was written twice, or is none of them");
    sink.num_shards = 1;
    ck_assert_str_eq(scratch_text(finalize(&sink, twice, 1, &out)),
                     "shard 1 of 1 was written twice, or is none of them");
    char *names = scratch_list("out");
    ck_assert_str_eq(names, ".temp ");
    free(names);
}
END_TEST

START_TEST(names_that_cannot_be_are_told)
{
    beamc__text_sink sink = usual_sink();
    beamc__written written = make_written("out/.temp/a", -1);
    capture out;

    scratch_run("mkdir -p out/x-00000-of-00001.txt/full");
    ck_assert_str_eq(scratch_text(finalize(&sink, &written, 1, &out)),
                     "renaming out/.temp/a to out/x-00000-of-00001.txt: Is a directory");
}
END_TEST

static beamc_error *write_and_finalize(const beamc__text_sink *sink)
{
    harness h;
    capture out;
    beamc__written written = { { "", 0 }, -1 };

    harness_init(&h, &beamc__write_bundle_fn, sink);
    beamc_error *err = set_up(&h);
    if (err == NULL)
        err = write_bundle(&h, 3);
    if (err == NULL)
        written = ((const beamc__keyed_written *)h.out.values[0])->value;
    if (err == NULL)
        err = finalize(sink, &written, 1, &out);
    harness_dispose(&h);
    return err;
}

/* The harness itself allocates before the DoFns do. */
START_TEST(no_memory_is_told)
{
    beamc__text_sink sink = usual_sink();

    scratch_run("mkdir out");
    for (long n = 0;; n++) {
        harness h;
        beamc__written written = { { "", 0 }, -1 };
        beamc__gathered gathered = {
            0, beamc_iterable_of_array(&beamc_type_beamc__written, &written, 1)
        };
        harness_init(&h, &beamc__finalize_fn, &sink);
        test_alloc_fail_at(n);
        beamc_error *err = h.dofn->process(&h.ctx, &gathered);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        harness_dispose(&h);
        ck_assert_int_eq(beamc_error_code(err), failed ? BEAMC_ENOMEM : BEAMC_OK);
        beamc_error_free(err);
        if (!failed)
            break;
    }
    ck_assert(scratch_exists("out/x-00000-of-00001.txt"));
    ck_assert_ptr_null(write_and_finalize(&sink));
    for (long n = 0;; n++) {
        harness h;
        harness_init(&h, &beamc__write_bundle_fn, &sink);
        test_alloc_fail_at(n);
        beamc_error *err = set_up(&h);
        if (err == NULL)
            err = write_bundle(&h, 1000);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        harness_dispose(&h);
        ck_assert_int_eq(beamc_error_code(err), failed ? BEAMC_ENOMEM : BEAMC_OK);
        beamc_error_free(err);
        if (!failed)
            break;
    }
}
END_TEST

Suite *suite_text_sink(void);

Suite *suite_text_sink(void)
{
    Suite *suite = suite_create("text_sink");
    TCase *tc = tcase_create("text_sink");

    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, each_bundle_writes_a_file);
    tcase_add_test(tc, a_torn_down_copy_leaves_no_half_file);
    tcase_add_test(tc, large_files_are_followed_by_others);
    tcase_add_loop_test(tc, many_windows_have_their_files, 0, 2);
    tcase_add_test(tc, files_get_their_names_in_order);
    tcase_add_test(tc, a_repeated_finalize_is_no_harm);
    tcase_add_test(tc, lost_files_are_not_taken_for_old_ones);
    tcase_add_test(tc, nothing_gives_one_empty_file);
    tcase_add_test(tc, shards_without_lines_are_files);
    tcase_add_test(tc, shards_that_cannot_be_are_refused);
    tcase_add_test(tc, names_that_cannot_be_are_told);
    tcase_add_test(tc, no_memory_is_told);
    suite_add_tcase(suite, tc);
    return suite;
}
