/* SPDX-License-Identifier: Apache-2.0 */
/* Text read and written by whole pipelines: every way to say what is read and written, and what is
 * left on the disk when something goes wrong. */
#include <beamc/direct.h>
#include <beamc/text_io.h>

#include "test/alloc.h"
#include "test/sdk/io/scratch.h"
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static beamc_pipeline *pipeline;
static int workers;

static void set_up(void)
{
    scratch_setup();
    pipeline = beamc_pipeline_new(BEAMC_PROGRAM_FUNCTIONS);
    ck_assert_ptr_nonnull(pipeline);
    workers = 2;
}

static void tear_down(void)
{
    beamc_pipeline_free(pipeline);
    scratch_teardown();
}

static void drop_log(void *ctx BEAMC_UNUSED, const beamc_log_entry *entry BEAMC_UNUSED)
{
}

static beamc_error *run(void)
{
    const beamc_log_sink sink = { drop_log, NULL };
    beamc_direct_options options = { .workers = workers, .log = &sink };
    return beamc_run_direct(NULL, pipeline, &options);
}

static void run_well(void)
{
    beamc_error *err = run();
    ck_assert_msg(err == NULL, "%s", err == NULL ? "" : scratch_text(err));
}

/* What all files "out..." hold, with its lines sorted, is what the command prints. */
static void check_out(const char *command)
{
    char line[1000];

    snprintf(line, sizeof(line), "{ %s\n} | LC_ALL=C sort >want; cat out* | LC_ALL=C sort | "
                                 "diff - want >&2", command);
    scratch_run(line);
}

/* The files here, each with a blank behind. */
static void check_files(const char *pattern, const char *names)
{
    char command[2000];

    snprintf(command, sizeof(command), "test \"$(ls -d %s 2>/dev/null | tr '\\n' ' ')\" = '%s'",
             pattern, names);
    scratch_run(command);
}

/* ---- DoFns ----------------------------------------------------------------------------------- */

BEAMC_DOFN(show_file_line, beamc_file_line, string)
{
    return beamc_emitf(ctx, "%.*s: %.*s", BEAMC_STR(element->key), BEAMC_STR(element->value));
}

BEAMC_DOFN(show_file, beamc_file, string)
{
    return beamc_emitf(ctx, "%.*s %lld %lld", BEAMC_STR(element->path), (long long)element->size,
                       (long long)element->modified);
}

/* A line is its time in ms. */
BEAMC_DOFN(take_time, string, string)
{
    return beamc_emit_at(ctx, 0, element, atoll(beamc_arena_strndup(ctx->arena, element->data,
                                                                    element->size)));
}

BEAMC_DOFN(fail_at_last, string, string)
{
    if (beamc_string_equal(*element, beamc_string_of("last")))
        return beamc_error_new(BEAMC_EUSER, "there is a last one");
    return beamc_emit(ctx, element);
}

BEAMC_DOFN(die_at_last, string, string)
{
    if (beamc_string_equal(*element, beamc_string_of("last")))
        raise(SIGKILL);
    return beamc_emit(ctx, element);
}

/* ---- reading --------------------------------------------------------------------------------- */

START_TEST(many_ranges_of_many_files_give_each_line_once)
{
    beamc_read_text_options options = { .min_range_bytes = 100 };

    workers = _i;
    scratch_run("seq 1 5000 >a.txt; seq 5001 5003 >b.txt; : >c.txt; "
                "seq 6000 9000 | sed 's/$/\\r/' >d.txt; printf 'no newline' >e.txt");
    beamc_write_text(beamc_read_text_with(pipeline, "?.txt", &options), "out");
    run_well();
    check_out("seq 1 5003; seq 6000 9000; echo no newline");
}
END_TEST

START_TEST(headers_are_skipped)
{
    /* Of a.txt the header is longer than a range; b.txt is read whole; c.txt is all header. */
    beamc_read_text_options options = { .min_range_bytes = 100, .skip_header_lines = 2 };

    scratch_run("{ head -c 5000 /dev/zero; echo; echo 1 >&1; seq 2 2000; } >a.txt; "
                "printf 'h\\nh\\nb' >b.txt; printf 'c' >c.txt; gzip -c a.txt >d.txt.gz");
    beamc_write_text(beamc_read_text_with(pipeline, "*.txt*", &options), "out");
    run_well();
    check_out("seq 2 2000; seq 2 2000; echo b");
}
END_TEST

START_TEST(lines_come_with_their_file)
{
    beamc_read_text_options options = { .with_filename = true, .min_range_bytes = 10 };

    scratch_run("mkdir d; seq 1 50 >d/a; seq 3 4 >d/b");
    beamc_pcollection lines = beamc_read_text_with(pipeline, "d/*", &options);
    beamc_write_text(beamc_par_do(lines, &show_file_line), "out");
    run_well();
    check_out("seq 1 50 | sed 's/^/d\\/a: /'; seq 3 4 | sed 's/^/d\\/b: /'");
}
END_TEST

/* As a worker of a job server does. */
START_TEST(files_are_those_of_where_the_pipeline_is_built)
{
    scratch_run("mkdir 'a[b]*\\?' elsewhere && seq 1 9 >'a[b]*\\?/in.txt'");
    ck_assert_int_eq(chdir("a[b]*\\?"), 0);
    beamc_write_text(beamc_read_text(pipeline, "*.txt"), "out");
    ck_assert_int_eq(chdir("../elsewhere"), 0);
    run_well();
    scratch_run("rmdir ../elsewhere");
    ck_assert_int_eq(chdir("../a[b]*\\?"), 0);
    check_out("seq 1 9");
}
END_TEST

START_TEST(compressed_files_are_read)
{
    scratch_run("seq 1 1000 | gzip >a.gz; seq 2000 3000 | bzip2 >a.bz2; "
                "seq 4000 5000 | zstd -q >a.zst; seq 7 9 >a.txt");
    beamc_write_text(beamc_read_text(pipeline, "a.*"), "out");
    run_well();
    check_out("seq 1 1000; seq 2000 3000; seq 4000 5000; seq 7 9");
}
END_TEST

START_TEST(compression_can_be_said)
{
    beamc_read_text_options options = { .compression = _i == 0 ? BEAMC_COMPRESSION_GZIP
                                                               : BEAMC_COMPRESSION_NONE };

    scratch_run(_i == 0 ? "seq 1 1000 | gzip >a.txt" : "seq 1 1000 >a.txt");
    beamc_write_text(beamc_read_text_with(pipeline, "a.txt", &options), "out");
    run_well();
    check_out("seq 1 1000");
}
END_TEST

START_TEST(delimiters_can_be_said)
{
    beamc_read_text_options options = { .delimiter = { "\0", 1 }, .min_range_bytes = 20 };

    scratch_run("seq 1 1000 | tr '\\n' '\\0' >a.txt");
    beamc_write_text(beamc_read_text_with(pipeline, "a.txt", &options), "out");
    run_well();
    check_out("seq 1 1000");
}
END_TEST

START_TEST(pipes_and_proc_are_read)
{
    scratch_run("mkfifo pipe; (seq 1 1000 >pipe) &");
    beamc_pcollection both[] = { beamc_read_text(pipeline, "pipe"),
                                 beamc_read_text(pipeline, "/proc/sys/kernel/ostype") };
    beamc_write_text(beamc_flatten(both, 2), "out");
    run_well();
    check_out("seq 1 1000; cat /proc/sys/kernel/ostype");
}
END_TEST

START_TEST(patterns_may_be_elements)
{
    beamc_string patterns[] = { { "a*", 2 }, { "none*", 5 }, { "b", 1 } };

    scratch_run("seq 1 10 >a1; seq 11 20 >a2; seq 21 30 >b");
    beamc_pcollection in = beamc_create(pipeline, BEAMC_TYPE(string), patterns, 3);
    beamc_write_text(beamc_read_all_text(in), "out");
    run_well();
    check_out("seq 1 30");
}
END_TEST

START_TEST(files_can_be_listed)
{
    beamc_string more = beamc_string_of("b*");

    scratch_run("printf 12345 >a1; : >a2; printf 1 >b; "
                "touch -d '2001-02-03 04:05:06.789 UTC' a1 a2 b");
    beamc_pcollection patterns = beamc_create(pipeline, BEAMC_TYPE(string), &more, 1);
    beamc_pcollection both[] = { beamc_match_files(pipeline, "a*"),
                                 beamc_match_all_files(patterns) };
    beamc_write_text(beamc_par_do(beamc_flatten(both, 2), &show_file), "out");
    run_well();
    check_out("echo a1 5 981173106789; echo a2 0 981173106789; echo b 1 981173106789");
}
END_TEST

/* ---- reading what cannot be read ------------------------------------------------------------- */

/* The pipeline's error behind its place in this file. */
static const char *build_error(void)
{
    static char text[2000];

    ck_assert_ptr_nonnull(beamc_pipeline_error(pipeline));
    beamc_error_print(beamc_pipeline_error(pipeline), text, sizeof(text));
    const char *place = strstr(text, "test_text_io.c:");
    ck_assert_msg(place != NULL, "%s", text);
    return strstr(place, ": ") + 2;
}

START_TEST(missing_files_are_told_when_building)
{
    beamc_read_text(pipeline, "logs/*.txt");
    ck_assert_str_eq(build_error(), "transform ReadText: no file matches logs/*.txt");
}
END_TEST

START_TEST(a_missing_file_is_told_when_building)
{
    beamc_read_text(beamc_named_root(pipeline, "Lines"), "logs/x");
    ck_assert_str_eq(build_error(), "transform Lines: there is no file logs/x");
}
END_TEST

START_TEST(missing_patterns_are_told)
{
    beamc_read_text(pipeline, _i == 0 ? NULL : "");
    ck_assert_str_eq(build_error(), "transform ReadText: is given no pattern of files to read");
}
END_TEST

START_TEST(directories_are_no_input)
{
    scratch_run("mkdir d");
    beamc_read_text(pipeline, "d");
    ck_assert_str_eq(build_error(), "transform ReadText: d is a directory; a pattern such as d/* "
                                    "names the files in it");
}
END_TEST

START_TEST(unknown_file_systems_are_told)
{
    beamc_read_text_options options = { .without_validation = true };

    beamc_read_text_with(pipeline, "moon://a", &options);
    ck_assert_ptr_null(beamc_pipeline_error(pipeline)); /* a worker may know it */
    beamc_read_text(pipeline, "moon://a");
    ck_assert_str_eq(build_error(),
                     "transform ReadText: moon://a: there is no file system for moon://");
}
END_TEST

START_TEST(bad_options_are_told)
{
    static const beamc_read_text_options bad[] = {
        { .compression = (beamc_compression)77 },
        { .skip_header_lines = -1 },
        { .delimiter = { "aa", 2 } },
        { .empty_match = (beamc_empty_match)9 },
    };
    static const char *const texts[] = {
        "transform ReadText: compression 77 is none of those known",
        "transform ReadText: skip_header_lines is -1",
        "transform ReadText: the delimiter overlaps itself, so that lines could be cut in more "
        "than one way",
        "transform ReadText: empty_match 9 is none of those known",
    };

    beamc_read_text_with(pipeline, "/etc/passwd", &bad[_i]);
    ck_assert_str_eq(build_error(), texts[_i]);
}
END_TEST

START_TEST(only_strings_are_patterns)
{
    int64_t number = 1;

    beamc_read_all_text(beamc_create(pipeline, BEAMC_TYPE(int64), &number, 1));
    ck_assert_str_eq(build_error(), "transform ReadAllText: takes string, but is given int64");
}
END_TEST

START_TEST(missing_files_may_be_allowed)
{
    beamc_read_text_options options = { .empty_match = BEAMC_EMPTY_MATCH_ALLOWED };

    beamc_write_text(beamc_read_text_with(pipeline, "none", &options), "out");
    run_well();
    check_files("out*", "out-00000-of-00001 ");
}
END_TEST

/* Errors of a run hold what is looked for, and leave nothing behind. */
static void check_failure(const char *const *parts)
{
    const char *text = scratch_text(run());

    for (; *parts != NULL; parts++)
        ck_assert_msg(strstr(text, *parts) != NULL, "no \"%s\" in: %s", *parts, text);
    char *names = scratch_list(".");
    ck_assert_msg(strstr(names, "out") == NULL && strstr(names, "temp") == NULL, "%s", names);
    free(names);
}

START_TEST(files_that_went_away_are_told)
{
    beamc_read_text_options options = { .without_validation = true };
    const char *parts[] = { "transform ReadText/Match", "no file matches ", "/none*", NULL };

    beamc_write_text(beamc_read_text_with(pipeline, "none*", &options), "out");
    check_failure(parts);
}
END_TEST

START_TEST(missing_files_among_patterns_are_told)
{
    beamc_string patterns[] = { { "a*", 2 }, { "b", 1 } };
    const char *parts[] = { "transform ReadAllText/Match", "there is no file b", NULL };

    scratch_run("seq 1 10 >a1");
    beamc_pcollection in = beamc_create(pipeline, BEAMC_TYPE(string), patterns, 2);
    beamc_write_text(beamc_read_all_text(in), "out");
    check_failure(parts);
}
END_TEST

START_TEST(corrupt_files_are_told)
{
    const char *parts[] = { "transform ReadText/Read", "a.gz: byte ", "gzip: ", NULL };

    scratch_run("seq 1 100000 | gzip >b.gz; head -c 100000 b.gz >a.gz; rm b.gz");
    beamc_write_text(beamc_read_text(pipeline, "*.gz"), "out");
    check_failure(parts);
}
END_TEST

/* ---- writing --------------------------------------------------------------------------------- */

START_TEST(shards_can_be_counted)
{
    beamc_write_text_options options = { .num_shards = 3, .suffix = ".txt" };

    workers = 1 + _i;
    scratch_run("seq 1 1000 >a; seq 1001 1010 >b");
    beamc_pcollection names =
        beamc_write_text_with(beamc_read_text(pipeline, "[ab]"), "out", &options);
    beamc_write_text(names, "names");
    run_well();
    check_files("out*", "out-00000-of-00003.txt out-00001-of-00003.txt out-00002-of-00003.txt ");
    check_out("seq 1 1010");
    scratch_run("cat names* | sort >got; ls \"$PWD\"/out* | diff - got; "
                "test $(wc -l <out-00000-of-00003.txt) -gt 300");
}
END_TEST

START_TEST(one_shard_needs_no_number)
{
    beamc_write_text_options options = { .num_shards = 1, .shard_template = "", .suffix = ".txt" };

    scratch_run("seq 1 100 >a");
    beamc_write_text_with(beamc_read_text(pipeline, "a"), "out", &options);
    run_well();
    check_files("* .t*", "a out.txt ");
    check_out("seq 1 100");
}
END_TEST

START_TEST(headers_footers_and_delimiters_are_written)
{
    beamc_write_text_options options = {
        .num_shards = 2, .header = "head", .footer = "foot", .delimiter = { ";\n", 2 }
    };

    scratch_run("seq 1 10 >a");
    beamc_write_text_with(beamc_read_text(pipeline, "a"), "out", &options);
    run_well();
    check_out("seq 1 10 | sed 's/$/;/'; echo 'head;'; echo 'head;'; echo 'foot;'; echo 'foot;'");
    scratch_run("for f in out*; do head -n 1 $f; tail -n 1 $f; done | uniq -c | "
                "awk '{ print $2 }' | tr -d '\\n' | grep -x 'head;foot;head;foot;' >/dev/null");
}
END_TEST

START_TEST(files_are_compressed_by_their_suffix)
{
    static const char *const suffixes[] = { ".txt.gz", ".zst", ".bz2" };
    static const char *const tools[] = { "gzip -dc", "zstd -qdc", "bzip2 -dc" };
    char command[200];
    beamc_write_text_options options = { .suffix = suffixes[_i] };

    scratch_run("seq 1 100000 >a");
    beamc_write_text_with(beamc_read_text(pipeline, "a"), "out", &options);
    run_well();
    snprintf(command, sizeof(command), "cat out*%s | %s | sort -n | cmp - a", suffixes[_i],
             tools[_i]);
    scratch_run(command);
}
END_TEST

START_TEST(files_have_a_largest_size)
{
    beamc_write_text_options options = { .max_bytes = 10000 };

    scratch_run("seq 1 10000 >a");
    beamc_write_text_with(beamc_read_text(pipeline, "a"), "out", &options);
    run_well();
    check_out("seq 1 10000");
    scratch_run("test $(ls out* | wc -l) -ge 4; "
                "for f in out*; do test $(wc -c <$f) -lt 10010 || exit 1; done");
}
END_TEST

static beamc_pcollection no_lines(void)
{
    return beamc_create(pipeline, BEAMC_TYPE(string), NULL, 0);
}

START_TEST(no_lines_give_empty_files)
{
    beamc_write_text_options shards = { .num_shards = 2 };
    beamc_write_text_options none = { .skip_if_empty = true };
    beamc_write_text_options no_shards = { .num_shards = 2, .skip_if_empty = true };

    beamc_write_text(no_lines(), "a");
    beamc_write_text_with(no_lines(), "b", &shards);
    beamc_write_text_with(no_lines(), "c", &none);
    beamc_write_text_with(no_lines(), "d", &no_shards);
    run_well();
    check_files("* .t*", "a-00000-of-00001 b-00000-of-00002 b-00001-of-00002 ");
    scratch_run("test ! -s a-00000-of-00001");
}
END_TEST

START_TEST(directories_are_made)
{
    scratch_run("seq 1 10 >a");
    beamc_write_text(beamc_read_text(pipeline, "a"), "new/er/x");
    run_well();
    scratch_run("cmp a new/er/x-00000-of-00001; test \"$(ls -A new/er | wc -l)\" = 1");
}
END_TEST

START_TEST(old_files_are_replaced)
{
    scratch_run("seq 1 10 >a; echo old >out-00000-of-00001; echo more >out-00007-of-00008");
    beamc_write_text(beamc_read_text(pipeline, "a"), "out");
    run_well();
    scratch_run("cmp a out-00000-of-00001; echo more | cmp - out-00007-of-00008");
}
END_TEST

START_TEST(a_pipeline_runs_again)
{
    scratch_run("seq 1 10 >a");
    beamc_write_text(beamc_read_text(pipeline, "a"), "out");
    run_well();
    run_well();
    check_out("seq 1 10");
    check_files(".t*", "");
}
END_TEST

START_TEST(windows_have_their_own_files)
{
    beamc_write_text_options options = { .suffix = ".txt", .num_shards = _i };

    scratch_run("seq 0 10 5000 >a");
    beamc_pcollection timed = beamc_par_do(beamc_read_text(pipeline, "a"), &take_time);
    beamc_pcollection in = beamc_window_into(timed, beamc_fixed_windows(2000));
    beamc_write_text_with(in, "out", &options);
    run_well();
    check_out("seq 0 10 5000");
    scratch_run("cat out-1970-01-01T00:00:02Z-1970-01-01T00:00:04Z-* | sort -n >got; "
                "seq 2000 10 3990 | cmp - got");
    if (_i == 0)
        check_files("*Z*", "out-1970-01-01T00:00:00Z-1970-01-01T00:00:02Z-00000-of-00001.txt "
                           "out-1970-01-01T00:00:02Z-1970-01-01T00:00:04Z-00000-of-00001.txt "
                           "out-1970-01-01T00:00:04Z-1970-01-01T00:00:06Z-00000-of-00001.txt ");
    check_files(".t*", "");
}
END_TEST

START_TEST(sliding_windows_and_sessions_have_files)
{
    scratch_run("printf '0\\n10\\n1500\\n' >a");
    beamc_pcollection timed = beamc_par_do(beamc_read_text(pipeline, "a"), &take_time);
    beamc_write_text(beamc_window_into(timed, beamc_sliding_windows(2000, 1000)), "slide");
    beamc_write_text(beamc_window_into(timed, beamc_session_windows(100)), "session");
    run_well();
    scratch_run("test \"$(cat slide-1969-12-31T23:59:59Z-1970-01-01T00:00:01Z-* | sort -n | "
                "tr '\\n' ' ')\" = '0 10 '; "
                "test \"$(cat slide-1970-01-01T00:00:00Z-1970-01-01T00:00:02Z-* | sort -n | "
                "tr '\\n' ' ')\" = '0 10 1500 '; "
                "test \"$(cat session-1970-01-01T00:00:00Z-1970-01-01T00:00:00.110Z-* | sort -n | "
                "tr '\\n' ' ')\" = '0 10 '; "
                "test \"$(cat session-1970-01-01T00:00:01.500Z-1970-01-01T00:00:01.600Z-*)\" = "
                "1500");
}
END_TEST

/* ---- writing what cannot be written ---------------------------------------------------------- */

START_TEST(bad_writes_are_told_when_building)
{
    static const beamc_write_text_options bad[] = {
        { .num_shards = -1 },
        { .num_shards = 1, .max_bytes = 1 },
        { .suffix = "/x" },
        { .shard_template = "-NN" },
        { .shard_template = "-W-S" },
        { .compression = (beamc_compression)9 },
    };
    static const char *const texts[] = {
        "transform WriteText: num_shards is -1",
        "transform WriteText: max_bytes and num_shards cannot both say how many files there are",
        "transform WriteText: the suffix \"/x\" has a '/'",
        "transform WriteText: the shard template \"-NN\" gives several shards one name: it has no "
        "S",
        "transform WriteText: the shard template \"-W-S\" has a W, but there is only the global "
        "window",
        "transform WriteText: compression 9 is none of those known",
    };

    beamc_write_text_with(no_lines(), "out", &bad[_i]);
    ck_assert_str_eq(build_error(), texts[_i]);
}
END_TEST

START_TEST(directories_that_cannot_be_are_told_when_building)
{
    scratch_run(": >file");
    beamc_write_text(no_lines(), "file/x");
    ck_assert_str_eq(build_error(),
                     "transform WriteText: writing to file/x: file/: Not a directory");
}
END_TEST

START_TEST(missing_names_are_told)
{
    beamc_write_text(no_lines(), NULL);
    ck_assert_str_eq(build_error(), "transform WriteText: is given no name for the files to write");
}
END_TEST

START_TEST(only_strings_are_written)
{
    int64_t number = 1;

    beamc_write_text(beamc_create(pipeline, BEAMC_TYPE(int64), &number, 1), "out");
    ck_assert_str_eq(build_error(), "transform WriteText: takes string, but is given int64");
}
END_TEST

START_TEST(a_directory_that_cannot_be_made_is_told)
{
    beamc_write_text_options options = { .without_validation = true };
    const char *parts[] = { "transform WriteText/", "Not a directory", "file", NULL };

    scratch_run(": >file");
    beamc_write_text_with(no_lines(), "file/x", &options);
    check_failure(parts);
}
END_TEST

/* Each allocation of building fails once; the first error is told and nothing is lost. */
START_TEST(no_memory_to_build_is_told)
{
    beamc_string pattern = beamc_string_of("a");
    beamc_write_text_options shards = { .num_shards = 2, .suffix = ".gz" };

    scratch_run("seq 1 10 >a");
    for (long n = 0;; n++) {
        beamc_pipeline_free(pipeline);
        pipeline = beamc_pipeline_new(BEAMC_PROGRAM_FUNCTIONS);
        test_alloc_fail_at(n);
        beamc_pcollection patterns = beamc_create(pipeline, BEAMC_TYPE(string), &pattern, 1);
        beamc_pcollection lines[] = { beamc_read_text(pipeline, "a"),
                                      beamc_read_all_text(patterns) };
        beamc_write_text_with(beamc_flatten(lines, 2), "out", &shards);
        beamc_write_text(lines[0], "more");
        beamc_par_do(beamc_match_files(pipeline, "*"), &show_file);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        ck_assert_int_eq(beamc_error_code(beamc_pipeline_error(pipeline)),
                         failed ? BEAMC_ENOMEM : BEAMC_OK);
        if (!failed)
            break;
    }
    run_well();
}
END_TEST

/* The disk takes 100 kB of a file and no more. */
START_TEST(a_full_disk_leaves_nothing)
{
    beamc_write_text_options options = { .num_shards = _i };
    struct rlimit limit = { 100000, RLIM_INFINITY };
    const char *parts[] = { "transform WriteText/Write", "File too large", "temp-beamc", NULL };

    scratch_run("seq 1 200000 >a");
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    beamc_write_text_with(beamc_read_text(pipeline, "a"), "out", &options);
    check_failure(parts);
}
END_TEST

/* Some bundles have written their files by then. */
START_TEST(a_failing_dofn_leaves_nothing)
{
    beamc_read_text_options ranges = { .min_range_bytes = 1000 };
    const char *parts[] = { "transform fail_at_last", "there is a last one", NULL };

    workers = 1 + _i;
    scratch_run("seq 1 100000 >a; echo last >z");
    beamc_pcollection lines = beamc_read_text_with(pipeline, "[az]", &ranges);
    beamc_write_text(beamc_par_do(lines, &fail_at_last), "out");
    check_failure(parts);
}
END_TEST

START_TEST(a_cancelled_run_leaves_nothing)
{
    const volatile int cancel = 1;
    beamc_direct_options options = { .workers = 2, .cancel = &cancel };

    scratch_run("seq 1 100000 >a");
    beamc_write_text(beamc_read_text(pipeline, "a"), "out");
    beamc_error *err = beamc_run_direct(NULL, pipeline, &options);
    ck_assert_int_eq(beamc_error_code(err), BEAMC_ECANCELLED);
    beamc_error_free(err);
    check_files("* .t*", "a ");
}
END_TEST

/* What is left is in the directory of that run; the next run does not mind. */
START_TEST(a_killed_run_leaves_no_final_names)
{
    beamc_read_text_options ranges = { .min_range_bytes = 1000 };

    scratch_run("seq 1 100000 >a; echo last >z");
    beamc_pcollection lines = beamc_read_text_with(pipeline, "[az]", &ranges);
    beamc_write_text(beamc_par_do(lines, &die_at_last), "out");
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        beamc_error_free(run());
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    check_files("out*", "");

    scratch_run("rm z");
    run_well();
    check_out("seq 1 100000");
}
END_TEST

Suite *suite_text_io(void);

Suite *suite_text_io(void)
{
    Suite *suite = suite_create("text_io");
    TCase *tc = tcase_create("reading");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, many_ranges_of_many_files_give_each_line_once, 1, 4);
    tcase_add_test(tc, headers_are_skipped);
    tcase_add_test(tc, lines_come_with_their_file);
    tcase_add_test(tc, files_are_those_of_where_the_pipeline_is_built);
    tcase_add_test(tc, compressed_files_are_read);
    tcase_add_loop_test(tc, compression_can_be_said, 0, 2);
    tcase_add_test(tc, delimiters_can_be_said);
    tcase_add_test(tc, pipes_and_proc_are_read);
    tcase_add_test(tc, patterns_may_be_elements);
    tcase_add_test(tc, files_can_be_listed);
    tcase_add_test(tc, missing_files_are_told_when_building);
    tcase_add_test(tc, a_missing_file_is_told_when_building);
    tcase_add_loop_test(tc, missing_patterns_are_told, 0, 2);
    tcase_add_test(tc, directories_are_no_input);
    tcase_add_test(tc, unknown_file_systems_are_told);
    tcase_add_loop_test(tc, bad_options_are_told, 0, 4);
    tcase_add_test(tc, only_strings_are_patterns);
    tcase_add_test(tc, missing_files_may_be_allowed);
    tcase_add_test(tc, files_that_went_away_are_told);
    tcase_add_test(tc, missing_files_among_patterns_are_told);
    tcase_add_test(tc, corrupt_files_are_told);
    suite_add_tcase(suite, tc);

    tc = tcase_create("writing");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, shards_can_be_counted, 0, 3);
    tcase_add_test(tc, one_shard_needs_no_number);
    tcase_add_test(tc, headers_footers_and_delimiters_are_written);
    tcase_add_loop_test(tc, files_are_compressed_by_their_suffix, 0, 3);
    tcase_add_test(tc, files_have_a_largest_size);
    tcase_add_test(tc, no_lines_give_empty_files);
    tcase_add_test(tc, directories_are_made);
    tcase_add_test(tc, old_files_are_replaced);
    tcase_add_test(tc, a_pipeline_runs_again);
    tcase_add_loop_test(tc, windows_have_their_own_files, 0, 3);
    tcase_add_test(tc, sliding_windows_and_sessions_have_files);
    tcase_add_loop_test(tc, bad_writes_are_told_when_building, 0, 6);
    tcase_add_test(tc, directories_that_cannot_be_are_told_when_building);
    tcase_add_test(tc, missing_names_are_told);
    tcase_add_test(tc, only_strings_are_written);
    tcase_add_test(tc, a_directory_that_cannot_be_made_is_told);
    tcase_add_test(tc, no_memory_to_build_is_told);
    tcase_add_loop_test(tc, a_full_disk_leaves_nothing, 0, 2);
    tcase_add_loop_test(tc, a_failing_dofn_leaves_nothing, 0, 2);
    tcase_add_test(tc, a_cancelled_run_leaves_nothing);
    tcase_add_test(tc, a_killed_run_leaves_no_final_names);
    suite_add_tcase(suite, tc);
    return suite;
}
