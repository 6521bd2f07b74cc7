/* SPDX-License-Identifier: Apache-2.0 */
/* Whole runs on a scripted job server: what it is given, how its jobs end, and what goes wrong. */
#include "test/check_has.h"
#include "test/process.h"
#include "test/runners/portable/job_server.h"
#include "test/sdk/io/scratch.h"

#include "proto/urns.h"
#include "sdk/base/sha256.h"
#include <arpa/inet.h>
#include <beamc/portable.h>
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

BEAMC_DOFN(pass_on, int64, int64)
{
    return beamc_emit(ctx, element);
}

/* ---- runs ------------------------------------------------------------------------------------ */

typedef struct {
    job_server *server;
    beamc_portable_options options;
    beamc_options *command_line;
    beamc_result *result;
    char log[4096];   /* levels and messages, a line each */
    char states[256]; /* with a blank behind each */
    volatile int cancel;
    volatile int leave;
    const char *kill_at; /* the server dies when the job is in this state */
    const char *cancel_at;
    const char *leave_at;
} job_run;

static job_run run;

static void set_up(void)
{
    scratch_setup();
    memset(&run, 0, sizeof(run));
}

static void tear_down(void)
{
    beamc_result_free(run.result);
    beamc_options_free(run.command_line);
    if (run.server != NULL)
        job_server_free(run.server);
    scratch_teardown();
}

static void keep_log(void *ctx BEAMC_UNUSED, const beamc_log_entry *entry)
{
    size_t size = strlen(run.log);

    snprintf(run.log + size, sizeof(run.log) - size, "%s %s\n", beamc_log_level_name(entry->level),
             entry->message);
}

static void keep_state(void *ctx BEAMC_UNUSED, const char *job_id, const char *state)
{
    size_t size = strlen(run.states);

    ck_assert_str_eq(job_id, "job-1");
    snprintf(run.states + size, sizeof(run.states) - size, "%s ", state);
    if (run.kill_at != NULL && strcmp(run.kill_at, state) == 0)
        job_server_kill(run.server);
    if (run.cancel_at != NULL && strcmp(run.cancel_at, state) == 0)
        run.cancel = 1;
    if (run.leave_at != NULL && strcmp(run.leave_at, state) == 0)
        run.leave = 1;
}

static const beamc_log_sink sink = { keep_log, NULL };

/* Reads the options of a command line, split at blanks. */
static void give(const char *line)
{
    static char text[1024];
    const char *argv[32] = { "/bin/prog", "--runner=portable" };
    int argc = 2;

    snprintf(text, sizeof(text), "%s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    ck_assert_str_eq(scratch_text(beamc_options_parse(&run.command_line, argc, argv, NULL, 0)),
                     "ok");
    ck_assert_str_eq(scratch_text(beamc_portable_options_read(&run.options, run.command_line)),
                     "ok");
}

/* Runs a small pipeline; its error as text. */
static const char *run_at(const char *endpoint)
{
    const int64_t numbers[] = { 1, 2, 3 };
    beamc_pipeline *pipeline = beamc_pipeline_new(BEAMC_PROGRAM_FUNCTIONS);

    ck_assert_ptr_nonnull(pipeline);
    beamc_par_do(beamc_create(pipeline, BEAMC_TYPE(int64), numbers, 3), &pass_on);
    run.options.job_endpoint = endpoint;
    run.options.log = &sink;
    if (run.options.log_level == 0)
        run.options.log_level = BEAMC_LOG_INFO;
    run.options.state = keep_state;
    run.options.cancel = &run.cancel;
    run.options.leave = &run.leave;
    beamc_error *error = beamc_run_portable(&run.result, pipeline, &run.options);
    beamc_pipeline_free(pipeline);
    ck_assert_int_eq(error == NULL, run.result != NULL);
    return scratch_text(error);
}

/* The same on a server with @script, which is not there any more afterwards. */
static const char *run_on(job_script script)
{
    run.server = job_server_new(script);
    const char *text = run_at(job_server_url(run.server));
    job_server_kill(run.server);
    return text;
}

/* ---- a job that does well -------------------------------------------------------------------- */

START_TEST(a_job_runs_to_its_end)
{
    ck_assert_str_eq(run_on(JOB_IS_DONE), "ok");
    ck_assert_str_eq(run.states, "STOPPED RUNNING DONE ");
    ck_assert_str_eq(run.log, "INFO it begins\nWARN a warning\n");
    ck_assert_int_eq(job_server_runs(run.server), 1);
    ck_assert_int_eq(job_server_cancels(run.server), 0);
    ck_assert_uint_eq(job_server_file_count(run.server), 0);
    ck_assert_uint_eq(beamc_result_metric_count(run.result), 1);
    const beamc_metric_value *metric = beamc_result_metric(run.result, 0);
    ck_assert_str_eq(metric->transform, "a stage");
    ck_assert_str_eq(metric->space, "space");
    ck_assert_str_eq(metric->name, "answers");
    ck_assert_int_eq(metric->value, 42);
}
END_TEST

START_TEST(a_drained_job_has_done_well)
{
    ck_assert_str_eq(run_on(JOB_IS_DRAINED), "ok");
    ck_assert_str_eq(run.states, "STOPPED RUNNING DRAINED ");
}
END_TEST

START_TEST(streams_that_break_are_opened_again)
{
    ck_assert_str_eq(run_on(JOB_LOSES_STREAMS), "ok");
    ck_assert_str_eq(run.states, "STOPPED RUNNING DONE ");
}
END_TEST

START_TEST(messages_need_not_be_served)
{
    ck_assert_str_eq(run_on(JOB_HAS_NO_MESSAGES), "ok");
    ck_assert_str_eq(run.log, "");
}
END_TEST

START_TEST(a_job_without_metrics_is_done_all_the_same)
{
    ck_assert_str_eq(run_on(JOB_HAS_NO_METRICS), "ok");
    check_has(run.log, "WARN there are no metrics: ");
    check_has(run.log, "nobody counted");
    ck_assert_uint_eq(beamc_result_metric_count(run.result), 0);
}
END_TEST

START_TEST(a_server_need_not_describe_options)
{
    ck_assert_str_eq(run_on(OPTIONS_ARE_SECRET), "ok");
}
END_TEST

/* ---- what a server is given ------------------------------------------------------------------ */

START_TEST(options_travel_under_beams_names)
{
    give("--job_name=count --parallelism=3 --experiments=a,b --streaming --no_operator_chaining "
         "--direct_num_workers=2 --dry_run=false --memory_budget=1MB --server_text=x --serverTruth "
         "--server_whole=7 --server-number 0.5 --server_list=a,b --server_list=c "
         "--server_object={\"a\":[1,null]} "
         "--sdk_harness_log_level_overrides={\"a/b\":\"DEBUG\",\"some.logger\":\"OFF\"}");
    ck_assert_str_eq(run_on(JOB_IS_DONE), "ok");
    static const char *const expected[][2] = {
        { "job_name", "\"count\"" },
        { "parallelism", "\"3\"" },
        { "experiments", "[\"a\",\"b\",\"beam_fn_api\"]" },
        { "streaming", "true" },
        { "operator_chaining", "false" },
        { "direct_num_workers", "-" },
        { "memory_budget", "-" },
        { "runner", "-" },
        { "server_text", "\"x\"" },
        { "server_truth", "true" },
        { "server_whole", "\"7\"" },
        { "server_number", "0.5" },
        { "server_list", "[\"a\",\"b\",\"c\"]" },
        { "server_object", "{\"a\":[1,null]}" },
        { "sdk_harness_log_level_overrides", "{\"a/b\":\"DEBUG\",\"some.logger\":\"OFF\"}" },
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
        ck_assert_str_eq(job_server_option(run.server, expected[i][0]), expected[i][1]);
    ck_assert_str_eq(job_server_prepared(run.server)->job_name, "count");
    ck_assert_uint_eq(run.options.log_overrides.count, 2);
    ck_assert_str_eq(run.options.log_overrides.list[0].name, "a/b");
    ck_assert_int_eq(run.options.log_overrides.list[0].level, BEAMC_LOG_DEBUG);
}
END_TEST

static const struct {
    const char *option;
    const char *message;
} wrong_levels[] = {
    { "--default_sdk_harness_log_level=LOUD",
      "--default_sdk_harness_log_level=LOUD: it is TRACE, DEBUG, INFO, NOTICE, WARN, ERROR or "
      "CRITICAL" },
    { "--sdk_harness_log_level_overrides={\"a\":\"DEBUG\",\"b\":\"LOUD\"}",
      "--sdk_harness_log_level_overrides: the level of \"b\" is TRACE, DEBUG, INFO, NOTICE, WARN, "
      "ERROR or CRITICAL" },
    { "--sdk_harness_log_level_overrides={\"a\":2}",
      "--sdk_harness_log_level_overrides: the level of \"a\" is TRACE, DEBUG, INFO, NOTICE, WARN, "
      "ERROR or CRITICAL" },
    { "--sdk_harness_log_level_overrides=[\"a\"]",
      "--sdk_harness_log_level_overrides: it is an object of names and levels, such as "
      "{\"extract_words\": \"DEBUG\"}" },
    { "--sdk_harness_log_level_overrides=a=DEBUG",
      "--sdk_harness_log_level_overrides: character 1: a value is missing" },
};

START_TEST(wrong_log_levels_are_refused)
{
    const char *argv[] = { "program", "--runner=prism", wrong_levels[_i].option, NULL };
    beamc_portable_options read;

    ck_assert_str_eq(scratch_text(beamc_options_parse(&run.command_line, 3, argv, NULL, 0)), "ok");
    ck_assert_str_eq(scratch_text(beamc_portable_options_read(&read, run.command_line)),
                     wrong_levels[_i].message);
}
END_TEST

static const struct {
    const char *line;
    const char *message;
} wrong_options[] = {
    { "--serverr_text=x", "unknown option --serverr_text; did you mean --server_text?" },
    { "--qqqqqqqq", "unknown option --qqqqqqqq; --help lists them all" },
    { "--inptu=x", "unknown option --inptu; did you mean --input?" },
    { "--server_text", "--server_text needs a value" },
    { "--server_truth=maybe", "--server_truth=maybe: the runner takes true or false" },
    { "--no_server_text", "unknown option --no_server_text; did you mean --server_text?" },
    { "--server_whole=1.5", "--server_whole=1.5: the runner takes a whole number" },
    { "--server_number=x", "--server_number=x: the runner takes a number" },
    { "--server_object=[]", "--server_object=[]: the runner takes a JSON object" },
    { "--server_object={", "--server_object: the runner takes JSON: character 2: the name of a "
                           "member is missing" },
};

START_TEST(wrong_options_are_refused_before_the_job_is_there)
{
    give(wrong_options[_i].line);
    ck_assert_str_eq(run_on(JOB_IS_DONE), wrong_options[_i].message);
    ck_assert_ptr_null(job_server_prepared(run.server));
}
END_TEST

static const struct {
    const char *option;
    const char *message;
} not_done[] = {
    { "--output_executable_path=job.jar",
      "--output_executable_path: a job can be run, but not be written into a jar" },
    { "--flink_submit_uber_jar",
      "--flink_submit_uber_jar: jobs go to a job server; give --flink_master=HOST:PORT" },
    { "--spark_submit_uber_jar=true",
      "--spark_submit_uber_jar: jobs go to a job server; give --spark_master_url=URL" },
    { "--no_flink_submit_uber_jar", "ok" },
};

START_TEST(what_is_not_done_here_is_refused)
{
    const char *argv[] = { "program", "--runner=flink", not_done[_i].option, NULL };
    beamc_portable_options read = { .server = BEAMC_SERVER_NONE };

    ck_assert_str_eq(scratch_text(beamc_options_parse(&run.command_line, 3, argv, NULL, 0)), "ok");
    ck_assert_str_eq(scratch_text(beamc_portable_options_read(&read, run.command_line)),
                     not_done[_i].message);
}
END_TEST

START_TEST(what_has_no_effect_on_workers_is_told)
{
    give("--resource_hints=min_ram=4GB --max_cache_memory_usage_mb=7");
    ck_assert_str_eq(run_on(JOB_IS_DONE), "ok");
    check_has(run.log, "WARN --resource_hints has no effect on workers in C\nINFO it begins\n");
}
END_TEST

START_TEST(without_a_server_an_option_of_nearly_our_own_is_blamed)
{
    give("--qqqqqqqq --job_endpont=localhost:8099");
    const char *text = run_at("127.0.0.1:1");
    check_has(text, "--job_endpont: did you mean --job_endpoint? job server (--job_endpoint): "
                    "endpoint 127.0.0.1:1: ");
    check_has(text, "connection refused");
}
END_TEST

START_TEST(a_negated_truth_of_the_server_is_false)
{
    give("--no_server_truth");
    ck_assert_str_eq(run_on(JOB_IS_DONE), "ok");
    ck_assert_str_eq(job_server_option(run.server, "server_truth"), "false");
}
END_TEST

START_TEST(a_program_may_be_called_anything)
{
    const char *argv[] = { "/bin/gr\xc3\xb6\xc3\x9f" "e", "--runner=portable" };

    ck_assert_str_eq(scratch_text(beamc_options_parse(&run.command_line, 2, argv, NULL, 0)), "ok");
    ck_assert_str_eq(scratch_text(beamc_portable_options_read(&run.options, run.command_line)),
                     "ok");
    ck_assert_str_eq(run_on(JOB_IS_DONE), "ok");
    ck_assert_int_eq(strncmp(job_server_prepared(run.server)->job_name, "gr____e-", 8), 0);
}
END_TEST

START_TEST(a_job_without_a_name_is_named_after_the_program)
{
    give("");
    ck_assert_str_eq(run_on(JOB_IS_DONE), "ok");
    ck_assert_int_eq(strncmp(job_server_prepared(run.server)->job_name, "prog-", 5), 0);
    ck_assert_str_eq(job_server_option(run.server, "experiments"), "[\"beam_fn_api\"]");
}
END_TEST

/* ---- files ----------------------------------------------------------------------------------- */

static void write_large(const char *name, size_t size)
{
    char *bytes = malloc(size);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 31 >> 3);
    scratch_write(name, bytes, size);
    free(bytes);
}

static void check_staged(const char *name)
{
    const beamc_buffer *got = job_server_file(run.server, name);
    beamc_buffer expected = scratch_read(name);

    ck_assert_msg(got != NULL, "%s was not staged", name);
    ck_assert_uint_eq(got->size, expected.size);
    if (got->size > 0)
        ck_assert_int_eq(memcmp(got->data, expected.data, expected.size), 0);
    beamc_buffer_dispose(&expected);
}

START_TEST(files_are_staged_whole)
{
    scratch_write_text("small", "hello");
    scratch_write_text("empty", "");
    write_large("large", (5 << 20) + 7);
    write_large("even", 2 << 20);
    give("--files_to_stage=small,empty --files_to_stage=large,even");
    ck_assert_str_eq(run_on(JOB_IS_DONE), "ok");
    ck_assert_uint_eq(job_server_file_count(run.server), 4);
    check_staged("small");
    check_staged("empty");
    check_staged("large");
    check_staged("even");
    ck_assert_uint_le(job_server_largest_chunk(run.server), 1 << 20);
    /* They do nothing for the runner. */
    ck_assert_str_eq(job_server_option(run.server, "files_to_stage"), "-");
}
END_TEST

START_TEST(the_program_is_staged_for_workers_elsewhere)
{
    char sha256[BEAMC__SHA256_TEXT_SIZE];
    uint64_t size;

    give("--environment_type=EXTERNAL --environment_config=pool.example:50000");
    ck_assert_str_eq(run_on(JOB_IS_DONE), "ok");
    const beamc_buffer *program = job_server_file(run.server, BEAMC_TEXT_STAGED_PROGRAM);
    ck_assert_ptr_nonnull(program);
    ck_assert_ptr_null(beamc__sha256_file(sha256, &size, "/proc/self/exe"));
    ck_assert_uint_eq(program->size, size);
}
END_TEST

static const struct {
    const char *line;
    const char *message;
} wrong_here[] = {
    { "--files_to_stage=none", "files to stage: none: No such file or directory" },
    { "--files_to_stage=/", "files to stage: /: this does not name a file" },
    { "--files_to_stage=dir/..", "files to stage: dir/..: this does not name a file" },
    { "--files_to_stage=dir", "files to stage: dir: this is a directory, not a file" },
    { "--files_to_stage=a,dir/a",
      "files to stage: dir/a: its name on the workers, a, is already that of a" },
    { "--environment_type=DOCKER --files_to_stage=dir/worker",
      "files to stage: dir/worker: its name on the workers, worker, is already that of "
      "/proc/self/exe" },
    { "--environment_type=CLOUD",
      "--environment_type=CLOUD: it is LOOPBACK, EXTERNAL, PROCESS or DOCKER" },
    { "--environment_type=EXTERNAL --environment_config=pool.example",
      "the worker pool (--environment_type=EXTERNAL): endpoint pool.example: the port is missing" },
    { "--environment_config=image:1",
      "--environment_config says nothing of LOOPBACK, where workers are threads of this program: "
      "give --environment_type=EXTERNAL, PROCESS or DOCKER with it" },
    { "--job_name=caf\xc3\xa9",
      "--job_name=caf\xc3\xa9: a name is of printable ASCII characters" },
    { "--job_name=", "--job_name=: a name is of printable ASCII characters" },
};

START_TEST(what_is_wrong_here_is_refused_before_the_server_hears_of_it)
{
    scratch_write_text("a", "1");
    scratch_run("mkdir dir && echo 2 >dir/a && echo 3 >dir/worker");
    give(wrong_here[_i].line);
    ck_assert_str_eq(run_on(JOB_IS_DONE), wrong_here[_i].message);
    ck_assert_ptr_null(job_server_prepared(run.server));
}
END_TEST

START_TEST(a_server_gets_no_file_but_the_jobs)
{
    scratch_write_text("a", "1");
    give("--files_to_stage=a");
    ck_assert_str_eq(run_on(STAGING_WANTS_MORE),
                     "staging files: the server asks for an artifact that is not one of this "
                     "job's");
    ck_assert_int_eq(job_server_runs(run.server), 0);
}
END_TEST

START_TEST(a_server_says_why_it_stops_staging)
{
    write_large("large", 5 << 20);
    give("--files_to_stage=large");
    const char *text = run_on(STAGING_BREAKS);
    check_has(text, "staging files: endpoint 127.0.0.1:");
    check_has(text, "the disk is full");
    ck_assert_int_eq(job_server_runs(run.server), 0);
}
END_TEST

START_TEST(a_server_without_staging_takes_no_files)
{
    ck_assert_str_eq(run_on(STAGING_IS_NOWHERE), "ok");
    job_server_free(run.server);
    beamc_result_free(run.result);
    run.result = NULL;
    scratch_write_text("a", "1");
    give("--files_to_stage=a");
    check_has(run_on(STAGING_IS_NOWHERE), " takes no files, and the job has 1");
}
END_TEST

/* What it says of the server of @script, which is silent from some point on; on a machine that stands
 * still the time may be over before, and there is more of it. */
static const char *silence(job_script script, const char *part)
{
    char want[100];

    for (run.options.timeout_ms = 300;; run.options.timeout_ms *= 2) {
        const char *text = run_on(script);
        job_server_free(run.server);
        run.server = NULL;
        snprintf(want, sizeof(want), part, (int)run.options.timeout_ms);
        if (strstr(text, want) != NULL)
            return text;
        ck_assert_msg(run.options.timeout_ms < 60000, "no \"%s\" in \"%s\"", want, text);
    }
}

START_TEST(silence_has_an_end)
{
    const char *text =
        silence(STAGING_IS_SILENT, "staging files: the server said nothing for %d ms");
    ck_assert_int_eq(strncmp(text, "staging files: ", 15), 0);
    text = silence(PREPARE_IS_SILENT, "Prepare: no answer within %d ms");
    check_has(text, "endpoint 127.0.0.1:");
    check_has(text, "DEADLINE_EXCEEDED");
}
END_TEST

/* ---- jobs that do not do well ---------------------------------------------------------------- */

START_TEST(a_failed_job_tells_what_its_worker_said)
{
    ck_assert_str_eq(run_on(JOB_FAILS), "job job-1 failed: transform Square: no root");
    ck_assert_str_eq(run.states, "STOPPED RUNNING FAILED ");
    ck_assert_str_eq(run.log, "INFO it begins\nWARN a warning\nERROR an error before\n");
}
END_TEST

START_TEST(a_worker_pool_that_is_not_there_is_told_before_the_job_is)
{
    run.options.environment_type = "EXTERNAL";
    run.options.environment_config = "127.0.0.1:1";
    const char *text = run_on(JOB_IS_DONE);
    check_has(text, "there is no worker pool (beamc worker-pool starts one): endpoint "
                         "127.0.0.1:1: ");
    check_has(text, "connection refused");
    ck_assert_ptr_null(job_server_prepared(run.server));
}
END_TEST

START_TEST(a_server_that_is_no_worker_pool_is_told_before_the_job_is)
{
    job_server *other = job_server_new(JOB_IS_DONE);

    run.options.environment_type = "EXTERNAL";
    run.options.environment_config = job_server_url(other);
    const char *text = run_on(JOB_IS_DONE);
    job_server_free(other);
    check_has(text, "there is no worker pool (beamc worker-pool starts one): the server at ");
    check_has(text, " speaks gRPC, but is no worker pool");
    ck_assert_ptr_null(job_server_prepared(run.server));
}
END_TEST

START_TEST(a_command_that_is_not_there_is_told)
{
    give("--environment_type=PROCESS --environment_config={\"command\":\"/no/such/boot\"}");
    ck_assert_str_eq(run_on(JOB_IS_DONE), "ok");
    check_has(run.log, "WARN on this machine, workers are started as /no/such/boot, which is not "
                       "there: No such file or directory\n");
}
END_TEST

START_TEST(a_command_that_prism_cannot_start_is_refused)
{
    give("--environment_type=PROCESS --environment_config={\"command\":\"/no/such/boot\"}");
    run.options.server = BEAMC_SERVER_PRISM;
    ck_assert_str_eq(run_on(JOB_IS_DONE), "workers are started as /no/such/boot, which is not "
                                          "there: No such file or directory");
    ck_assert_ptr_null(job_server_prepared(run.server));
}
END_TEST

START_TEST(a_job_may_fail_without_a_reason)
{
    ck_assert_str_eq(run_on(JOB_FAILS_IN_SILENCE),
                     "job job-1 failed, and the server does not say why");
}
END_TEST

START_TEST(a_refused_job_tells_what_the_server_said)
{
    const char *text = run_on(PREPARE_IS_REFUSED);

    check_has(text, "this is no pipeline");
    check_has(text, "INVALID_ARGUMENT");
}
END_TEST

START_TEST(a_job_is_cancelled)
{
    run.cancel_at = "RUNNING";
    ck_assert_str_eq(run_on(JOB_GOES_ON), "job job-1 was cancelled");
    ck_assert_int_eq(job_server_cancels(run.server), 1);
    check_has(run.states, "CANCELLED ");
}
END_TEST

START_TEST(a_job_that_cannot_be_cancelled_says_so)
{
    run.cancel_at = "RUNNING";
    const char *text = run_on(JOB_GOES_ON_FOR_EVER);
    check_has(text, "following job job-1, last seen RUNNING: cancelling the job: ");
    check_has(text, "not now");
}
END_TEST

START_TEST(a_job_is_not_begun_once_it_is_cancelled)
{
    run.cancel = 1;
    ck_assert_str_eq(run_on(JOB_IS_DONE), "cancelled before the job was started");
    ck_assert_int_eq(job_server_runs(run.server), 0);
}
END_TEST

START_TEST(a_job_is_left)
{
    char expected[256];

    run.leave_at = "RUNNING";
    ck_assert_str_eq(run_on(JOB_GOES_ON), "job job-1 was left, and ends with this program, which "
                                          "works for it");
    job_server_free(run.server);
    run.options.environment_type = "DOCKER";
    run.leave = 0;
    const char *text = run_on(JOB_GOES_ON);
    snprintf(expected, sizeof(expected),
             "job job-1 was left while it is RUNNING; to follow it: beamc jobs watch job-1 "
             "--job_endpoint=%s",
             job_server_url(run.server));
    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(job_server_cancels(run.server), 0);
}
END_TEST

START_TEST(a_server_that_dies_is_missed)
{
    run.kill_at = "RUNNING";
    const char *text = run_on(JOB_GOES_ON);
    check_has(text, "following job job-1, last seen RUNNING: endpoint 127.0.0.1:");
    check_has(text, "connection refused");
}
END_TEST

/* ---- many runs ------------------------------------------------------------------------------- */

START_TEST(runs_leave_nothing_behind)
{
    int threads = 0, descriptors = 0;

    for (int i = 0; i < 50; i++) {
        ck_assert_str_eq(run_on(JOB_IS_DONE), "ok");
        beamc_result_free(run.result);
        run.result = NULL;
        job_server_free(run.server);
        run.server = NULL;
        run.log[0] = run.states[0] = '\0';
        if (i == 5) {
            threads = count_threads();
            descriptors = count_descriptors();
        }
    }
    /* One left by each would be 44 more; those of the transport come and go. */
    wait_for_few(threads + 21, descriptors + 21);
}
END_TEST

/* ---- servers that are none ------------------------------------------------------------------- */

START_TEST(an_absent_server_is_named)
{
    int unused = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof(address);
    char url[64], expected[256];

    /* Bound, and nobody listens. */
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(unused, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(getsockname(unused, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof(url), "127.0.0.1:%d", ntohs(address.sin_port));
    snprintf(expected, sizeof(expected),
             "job server (--job_endpoint): endpoint %s: connection refused (UNAVAILABLE)", url);
    ck_assert_str_eq(run_at(url), expected);
    close(unused);
}
END_TEST

static void answer_as_http(void *ctx)
{
    static const char page[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    int listening = *(int *)ctx;
    char request[1024];

    for (int client; (client = accept(listening, NULL, NULL)) >= 0; close(client))
        if (read(client, request, sizeof(request)) > 0 && write(client, page, sizeof(page) - 1) < 0)
            break;
}

START_TEST(an_http_server_is_told_from_a_job_server)
{
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof(address);
    uv_thread_t thread;
    char url[64];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listening, 4), 0);
    ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof(url), "127.0.0.1:%d", ntohs(address.sin_port));
    ck_assert_int_eq(uv_thread_create(&thread, answer_as_http, &listening), 0);
    check_has(run_at(url), "the server speaks HTTP/1, not gRPC");
    shutdown(listening, SHUT_RDWR);
    uv_thread_join(&thread);
    close(listening);
}
END_TEST

static const struct {
    beamc_server server;
    const char *location;
    const char *message;
} wrong_servers[] = {
    { BEAMC_SERVER_NONE, NULL, "--job_endpoint=HOST:PORT of the job server is needed" },
    { BEAMC_SERVER_PRISM, NULL, "Prism is not found: give --prism_location=FILE" },
    { BEAMC_SERVER_PRISM, "here", "Prism: here/prism is no program" },
    { BEAMC_SERVER_PRISM, "none", "Prism: none is no program" },
    { BEAMC_SERVER_PRISM, "dies", "Prism ended with status 3: panic: no memory" },
    { BEAMC_SERVER_PRISM, "broken", "starting Prism: broken: No such file or directory" },
    { BEAMC_SERVER_FLINK, NULL, "the Flink job server is not found: give --flink_job_server_jar" },
    { BEAMC_SERVER_SPARK, NULL, "the Spark job server is not found: give --spark_job_server_jar" },
    { BEAMC_SERVER_FLINK, "none.jar", "the Flink job server: none.jar: No such file" },
    { BEAMC_SERVER_SPARK, "a.jar", "the Spark job server ended with status 1: -jar a.jar" },
    { BEAMC_SERVER_SPARK, "here", "the Spark job server ended with status 1: -cp here/*" },
};

static const struct {
    beamc_server server;
    const char *master;
    const char *message;
} clusters[] = {
    { BEAMC_SERVER_FLINK, "127.0.0.1:1",
      "--flink-master=127.0.0.1:1: no cluster is there: 127.0.0.1:1: Connection refused" },
    { BEAMC_SERVER_FLINK, "http://127.0.0.1:1",
      "--flink-master=http://127.0.0.1:1: no cluster is there: 127.0.0.1:1: Connection refused" },
    { BEAMC_SERVER_FLINK, "host:x", "--flink-master=host:x: no cluster is there: it is HOST:PORT" },
    { BEAMC_SERVER_FLINK, "no-such-host.invalid",
      "--flink-master=no-such-host.invalid: no cluster is there: no-such-host.invalid: " },
    { BEAMC_SERVER_SPARK, "spark://127.0.0.1:1",
      "--spark-master-url=spark://127.0.0.1:1: no cluster is there: 127.0.0.1:1: Connection "
      "refused" },
    /* The job server knows these. */
    { BEAMC_SERVER_FLINK, "[local]", "-jar a.jar" },
    { BEAMC_SERVER_SPARK, "local[4]", "-jar a.jar" },
    { BEAMC_SERVER_SPARK, "yarn", "-jar a.jar" },
    { BEAMC_SERVER_SPARK, "k8s://https://127.0.0.1:1", "-jar a.jar" },
    { BEAMC_SERVER_SPARK, "spark://127.0.0.1:1,127.0.0.1:2", "-jar a.jar" },
};

START_TEST(a_cluster_that_is_not_there_is_told_before_its_server_starts)
{
    scratch_run("touch a.jar && echo '#!/bin/sh\necho $1 $2; exit 1' >java && chmod +x java");
    run.options.server = clusters[_i].server;
    run.options.master = clusters[_i].master;
    run.options.location = "a.jar";
    run.options.java = "./java";
    check_has(run_at(NULL), clusters[_i].message);
}
END_TEST

START_TEST(servers_that_do_not_start_are_told)
{
    scratch_run("mkdir here && touch a.jar &&"
                "echo '#!/bin/sh\necho panic: no memory; echo at line 1; exit 3' >dies &&"
                "echo '#!/no/such/shell' >broken &&"
                "echo '#!/bin/sh\necho $1 $2; exit 1' >java && chmod +x dies broken java");
    unsetenv("BEAM_PRISM");
    unsetenv("BEAM_FLINK_JOB_SERVER_JAR");
    unsetenv("BEAM_SPARK_JOB_SERVER_JAR");
    setenv("PATH", "/usr/bin:/bin", 1);
    run.options.server = wrong_servers[_i].server;
    run.options.location = wrong_servers[_i].location;
    run.options.java = "./java";
    check_has(run_at(NULL), wrong_servers[_i].message);
}
END_TEST

/* It says something after a while, and does nothing. */
START_TEST(servers_that_do_not_listen_are_given_up)
{
    char want[100];

    scratch_run("echo '#!/bin/sh\necho I think; exec sleep 1000' >hangs && chmod +x hangs");
    run.options.server = BEAMC_SERVER_PRISM;
    run.options.location = "hangs";
    const char *text;
    int64_t ms = 1000;
    do {
        run.options.timeout_ms = ms;
        text = run_at(NULL);
        snprintf(want, sizeof(want), "Prism does not listen after %d s", (int)(ms / 1000));
        check_has(text, want);
        ms *= 2;
    } while (strstr(text, ": I think") == NULL && ms < 60000);
    check_has(text, ": I think");
}
END_TEST

Suite *suite_portable(void)
{
    Suite *suite = suite_create("portable");
    TCase *tc = tcase_create("portable");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_job_runs_to_its_end);
    tcase_add_test(tc, a_drained_job_has_done_well);
    tcase_add_test(tc, streams_that_break_are_opened_again);
    tcase_add_test(tc, messages_need_not_be_served);
    tcase_add_test(tc, a_job_without_metrics_is_done_all_the_same);
    tcase_add_test(tc, a_server_need_not_describe_options);
    tcase_add_test(tc, options_travel_under_beams_names);
    tcase_add_loop_test(tc, wrong_log_levels_are_refused, 0,
                        sizeof(wrong_levels) / sizeof(*wrong_levels));
    tcase_add_loop_test(tc, wrong_options_are_refused_before_the_job_is_there, 0,
                        sizeof(wrong_options) / sizeof(*wrong_options));
    tcase_add_loop_test(tc, what_is_not_done_here_is_refused, 0,
                        sizeof(not_done) / sizeof(*not_done));
    tcase_add_test(tc, what_has_no_effect_on_workers_is_told);
    tcase_add_test(tc, without_a_server_an_option_of_nearly_our_own_is_blamed);
    tcase_add_test(tc, a_negated_truth_of_the_server_is_false);
    tcase_add_test(tc, a_job_without_a_name_is_named_after_the_program);
    tcase_add_test(tc, a_program_may_be_called_anything);
    tcase_add_test(tc, files_are_staged_whole);
    tcase_add_test(tc, the_program_is_staged_for_workers_elsewhere);
    tcase_add_loop_test(tc, what_is_wrong_here_is_refused_before_the_server_hears_of_it, 0,
                        sizeof(wrong_here) / sizeof(*wrong_here));
    tcase_add_test(tc, a_server_gets_no_file_but_the_jobs);
    tcase_add_test(tc, a_server_says_why_it_stops_staging);
    tcase_add_test(tc, a_server_without_staging_takes_no_files);
    tcase_add_test(tc, silence_has_an_end);
    tcase_add_test(tc, a_failed_job_tells_what_its_worker_said);
    tcase_add_test(tc, a_job_may_fail_without_a_reason);
    tcase_add_test(tc, a_worker_pool_that_is_not_there_is_told_before_the_job_is);
    tcase_add_test(tc, a_server_that_is_no_worker_pool_is_told_before_the_job_is);
    tcase_add_test(tc, a_command_that_is_not_there_is_told);
    tcase_add_test(tc, a_command_that_prism_cannot_start_is_refused);
    tcase_add_test(tc, a_refused_job_tells_what_the_server_said);
    tcase_add_test(tc, a_job_is_cancelled);
    tcase_add_test(tc, a_job_that_cannot_be_cancelled_says_so);
    tcase_add_test(tc, a_job_is_not_begun_once_it_is_cancelled);
    tcase_add_test(tc, a_job_is_left);
    tcase_add_test(tc, a_server_that_dies_is_missed);
    tcase_add_test(tc, runs_leave_nothing_behind);
    tcase_add_test(tc, an_absent_server_is_named);
    tcase_add_test(tc, an_http_server_is_told_from_a_job_server);
    tcase_add_loop_test(tc, a_cluster_that_is_not_there_is_told_before_its_server_starts, 0,
                        sizeof(clusters) / sizeof(*clusters));
    tcase_add_loop_test(tc, servers_that_do_not_start_are_told, 0,
                        sizeof(wrong_servers) / sizeof(*wrong_servers));
    tcase_add_test(tc, servers_that_do_not_listen_are_given_up);
    suite_add_tcase(suite, tc);
    return suite;
}
