/* SPDX-License-Identifier: Apache-2.0 */
/* beamc jobs and beamc graph --job on a scripted job server. */
#include "runners/cli/cli.h"
#include "test/alloc.h"
#include "test/check_has.h"
#include "test/runners/cli/cli_run.h"
#include "test/runners/cli/cli_server.h"
#include "test/sdk/io/scratch.h"
#include "test/sdk/rpc/certificates.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_ends(const cli_run *run, int status, const char *out, const char *err)
{
    ck_assert_str_eq(run->err, err);
    ck_assert_str_eq(run->out, out);
    ck_assert_int_eq(run->status, status);
}

/* The same with the server's address where "%s" is in @err. */
static void check_fails(const cli_run *run, const char *err)
{
    char text[1024];

    snprintf(text, sizeof(text), err, job_server_url(cli_server));
    check_ends(run, 1, "", text);
}

/* ---- list ------------------------------------------------------------------------------------ */

START_TEST(jobs_are_listed_by_name)
{
    cli_serve(JOB_GOES_ON);
    check_ends(cli("jobs list"), 0,
               "ID      STATE    NAME\n"
               "job-1   RUNNING  first-1\n"
               "job-2   DONE     second-1\n"
               "job-20  DONE     second-2\n",
               "");
}
END_TEST

START_TEST(jobs_are_listed_as_json)
{
    cli_serve(JOB_GOES_ON);
    const cli_run *run = cli("jobs list --json");
    ck_assert_int_eq(run->status, 0);
    check_has(run->out, "[\n  {\n    \"id\": \"job-1\",\n    \"name\": \"first-1\",\n"
                        "    \"state\": \"RUNNING\"\n  },\n");
}
END_TEST

START_TEST(a_server_without_jobs_says_so)
{
    char said[256];

    cli_server = job_server_new(JOB_IS_DONE);
    snprintf(said, sizeof(said), "the job server at %s has no jobs\n", job_server_url(cli_server));
    check_ends(cli("jobs list --job_endpoint=%s", job_server_url(cli_server)), 0, "", said);
    check_ends(cli("jobs list --json --job_endpoint=%s", job_server_url(cli_server)), 0, "[]\n",
               "");
}
END_TEST

START_TEST(what_is_given_counts_more_than_the_environment)
{
    setenv("BEAMC_JOB_ENDPOINT", "localhost:1", 1);
    cli_server = job_server_new(JOB_IS_DONE);
    ck_assert_int_eq(cli("jobs list --job_endpoint=%s", job_server_url(cli_server))->status, 0);
    check_ends(cli("jobs list"), 1, "",
               "beamc jobs list: endpoint localhost:1: connection refused (UNAVAILABLE)\n");
}
END_TEST

START_TEST(a_server_is_asked_by_tls)
{
    char line[512];

    cli_serve_with_tls("ca.pem");
    snprintf(line, sizeof(line),
             "jobs list --json --tls_roots=%s --tls_certificate=%s --tls_private_key=%s",
             certificates("ca.pem"), certificates("client.pem"), certificates("client.key"));
    check_ends(cli("%s", line), 0, "[]\n", "");
    const cli_run *run = cli("jobs list");
    ck_assert_int_eq(run->status, 1);
    check_has(run->err, "TLS handshake failed: the server's certificate is not signed by a known");
    run = cli("%s --job_endpoint=localhost:1", line);
    ck_assert_int_eq(run->status, 2);
    check_has(run->err, "--tls_roots is for a job server with TLS, and the endpoint localhost:1 is "
                        "without: write https://HOST:PORT\n");
}
END_TEST

/* ---- which job ------------------------------------------------------------------------------- */

static const struct {
    const char *text, *id;
} meant[] = {
    { "job-2", "job-2" }, { "second-2", "job-20" }, { "job-20", "job-20" },
    { "first", "job-1" }, { "job-1", "job-1" },
};

START_TEST(a_job_is_meant_by_id_name_or_beginning)
{
    char head[64];

    cli_serve(JOB_GOES_ON);
    const cli_run *run = cli("jobs show %s", meant[_i].text);
    ck_assert_int_eq(run->status, 0);
    snprintf(head, sizeof(head), "job    %s\n", meant[_i].id);
    ck_assert_msg(strncmp(run->out, head, strlen(head)) == 0, "%s", run->out);
}
END_TEST

START_TEST(a_job_that_is_not_there_is_refused)
{
    cli_serve(JOB_GOES_ON);
    check_fails(cli("jobs show second"),
                "beamc jobs show: 2 jobs at %s are meant by second: give the whole id, which beamc "
                "jobs list shows\n");
    check_fails(cli("jobs watch jbo-2"),
                "beamc jobs watch: the job server at %s has no job jbo-2; did you mean job-2?\n");
    check_fails(cli("jobs cancel something-else-altogether"),
                "beamc jobs cancel: the job server at %s has no job something-else-altogether; "
                "beamc jobs list shows those that it has\n");
    check_ends(cli("jobs metrics"), 2, "",
               "beamc jobs metrics: ID is missing; beamc help jobs metrics says more\n");
    ck_assert_int_eq(job_server_cancels(cli_server), 0);
}
END_TEST

/* As a shell gives it for a variable that is not set. */
START_TEST(an_empty_id_is_no_jobs)
{
    const char *const argv[] = { "beamc", "jobs", "cancel", "" };
    char said[256];
    FILE *err = tmpfile();

    cli_serve(JOBS_ARE_SECRET);
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(beamc__cli(4, argv, stdout, err), 1);
    rewind(err);
    ck_assert_ptr_nonnull(fgets(said, sizeof(said), err));
    fclose(err);
    ck_assert_str_eq(said, "beamc jobs cancel: the ID is empty; beamc jobs list shows those that "
                           "there are\n");
    ck_assert_int_eq(job_server_cancels(cli_server), 0);
}
END_TEST

START_TEST(a_server_that_lists_no_jobs_is_given_the_id)
{
    cli_serve(JOBS_ARE_SECRET);
    const cli_run *run = cli("jobs watch job-1");
    ck_assert_int_eq(run->status, 0);
    check_has(run->out, "job job-1: DONE\n");
}
END_TEST

/* ---- show ------------------------------------------------------------------------------------ */

START_TEST(all_that_is_known_of_a_job_is_shown)
{
    cli_serve(JOB_GOES_ON);
    const cli_run *run = cli("jobs show job-1");
    ck_assert_str_eq(run->err, "");
    ck_assert_int_eq(run->status, 0);
    check_has(run->out, "job    job-1\nname   first-1\nstate  RUNNING\n"
                        "\nstates\n"
                        "  2027-01-15T08:00:01.005Z  STOPPED\n"
                        "  2027-01-15T08:00:02.005Z  RUNNING\n"
                        "\noptions\n  input = \"some \\\"words\\\"\"\n"
                        "\npipeline\n"
                        "  2 transforms, 2 of them leaves: 1 Impulse, 1 ParDo\n"
                        "  2 PCollections, 2 coders, 1 windowing strategy\n"
                        "  environment e1: DOCKER ");
}
END_TEST

START_TEST(all_that_is_known_of_a_job_is_shown_as_json)
{
    cli_serve(JOB_IS_DONE);
    const cli_run *run = cli("jobs show job-1 --json");
    ck_assert_int_eq(run->status, 0);
    check_has(run->out,
              "      \"state\": \"RUNNING\",\n      \"time\": \"2027-01-15T08:00:02.005Z\"\n");
    check_has(run->out, "\"beam:option:input:v1\": \"some \\\"words\\\"\"");
    check_has(run->out, "\"leaves\": {\n      \"Impulse\": 1,\n      \"ParDo\": 1\n    }");
}
END_TEST

START_TEST(a_job_without_a_pipeline_is_shown)
{
    cli_serve(JOB_HAS_NO_PIPELINE);
    const cli_run *run = cli("jobs show job-1");
    ck_assert_int_eq(run->status, 0);
    check_has(run->out, "\nits pipeline cannot be shown: endpoint ");
    ck_assert_int_eq(cli("jobs show job-1 --json")->status, 0);
}
END_TEST

/* ---- watch and logs -------------------------------------------------------------------------- */

START_TEST(a_job_is_watched_to_its_end)
{
    cli_serve(JOB_IS_DONE);
    const cli_run *run = cli("jobs watch job-1");
    ck_assert_str_eq(run->err, "");
    ck_assert_int_eq(run->status, 0);
    check_has(run->out, "job job-1: STOPPED\n");
    check_has(run->out, "job job-1: RUNNING\n");
    check_has(run->out, "job job-1: DONE\n");
    check_has(run->out, "INFO it begins\n");
    check_has(run->out, "WARN a warning\n");
    ck_assert_ptr_null(strstr(run->out, "a detail"));
}
END_TEST

START_TEST(a_level_hides_what_is_below)
{
    cli_serve(JOB_IS_DONE);
    const cli_run *run = cli("jobs watch job-1 --level=WARN");
    ck_assert_int_eq(run->status, 0);
    check_has(run->out, "WARN a warning\n");
    ck_assert_ptr_null(strstr(run->out, "it begins"));
    check_ends(cli("jobs watch job-1 --level=LOUD"), 2, "",
               "beamc jobs watch: --level=LOUD: it is TRACE, DEBUG, INFO, NOTICE, WARN, ERROR or "
               "CRITICAL\n");
}
END_TEST

START_TEST(the_exit_status_of_watch_is_the_jobs)
{
    cli_serve(JOB_FAILS);
    const cli_run *run = cli("jobs watch job-1");
    ck_assert_int_eq(run->status, 1);
    ck_assert_str_eq(run->err, "beamc jobs watch: job job-1 failed: transform Square: no root\n");
    check_has(run->out, "job job-1: FAILED\n");
    check_has(run->out, "ERROR an error before\n");
}
END_TEST

static const char *const interrupted[] = { "jobs watch job-1", "jobs logs job-1" };

START_TEST(ctrl_c_leaves_a_job)
{
    cli_serve(JOB_INTERRUPTS);
    const cli_run *run = cli("%s", interrupted[_i]);
    ck_assert_int_eq(run->status, 128 + SIGINT);
    check_has(run->err, "job job-1 was left behind ");
    check_has(_i == 0 ? run->out : run->err, "Ctrl-C: leaving the job as it is; ");
    ck_assert_int_eq(job_server_cancels(cli_server), 0);
}
END_TEST

START_TEST(logs_have_all_of_each_message)
{
    cli_serve(JOB_FAILS);
    const cli_run *run = cli("jobs logs job-1");
    ck_assert_str_eq(run->err, "");
    ck_assert_int_eq(run->status, 0);
    check_has(run->out, "at noon INFO  it begins\nat noon DEBUG a detail\n"
                        "at noon WARN  a warning\nat noon ERROR an error before\n"
                        "at noon ERROR java.lang.RuntimeException: bundle failed\n"
                        "\tat org.x.Y.z(Y.java:1)\n");
    run = cli("jobs logs job-1 --level=ERROR");
    ck_assert_ptr_null(strstr(run->out, "a warning"));
    check_has(run->out, "an error before");
    run = cli("jobs logs job-1 --json");
    check_has(run->out, "{\"time\": \"at noon\", \"level\": \"WARN\", \"id\": \"m\", "
                        "\"text\": \"a warning\"}\n");
}
END_TEST

/* ---- cancel and drain ------------------------------------------------------------------------ */

START_TEST(a_job_is_cancelled)
{
    cli_serve(JOB_GOES_ON);
    check_ends(cli("jobs cancel first"), 0, "job job-1: CANCELLING\n", "");
    ck_assert_int_eq(job_server_cancels(cli_server), 1);
}
END_TEST

START_TEST(the_end_of_a_cancelled_job_is_waited_for)
{
    cli_serve(JOB_GOES_ON);
    const cli_run *run = cli("jobs cancel job-1 --wait");
    ck_assert_str_eq(run->err, "");
    ck_assert_int_eq(run->status, 0);
    check_has(run->out, "job job-1: CANCELLED\n");
}
END_TEST

START_TEST(a_job_that_cannot_be_cancelled_says_why)
{
    cli_serve(JOB_GOES_ON_FOR_EVER);
    const cli_run *run = cli("jobs cancel job-1");
    ck_assert_int_eq(run->status, 1);
    check_has(run->err, "not now");
    check_ends(cli("jobs cancel job-2"), 1, "",
               "beamc jobs cancel: job job-2 has ended already: it is DONE\n");
    ck_assert_int_eq(job_server_cancels(cli_server), 1);
}
END_TEST

START_TEST(a_job_is_drained_where_the_server_can)
{
    cli_serve(JOB_CAN_BE_DRAINED);
    const cli_run *run = cli("jobs drain job-1 --wait");
    ck_assert_str_eq(run->err, "");
    ck_assert_int_eq(run->status, 0);
    ck_assert_int_eq(job_server_drains(cli_server), 1);
}
END_TEST

START_TEST(a_server_that_cannot_drain_is_told)
{
    cli_serve(JOB_GOES_ON);
    const cli_run *run = cli("jobs drain job-1");
    ck_assert_int_eq(run->status, 1);
    check_has(run->err, " cannot drain jobs: ");
    check_has(run->err, "UNIMPLEMENTED");
}
END_TEST

/* ---- metrics --------------------------------------------------------------------------------- */

START_TEST(metrics_are_shown)
{
    cli_serve(JOB_IS_DONE);
    check_ends(cli("jobs metrics job-1"), 0, "metrics of a stage:\n  space/answers  42\n", "");
    const cli_run *run = cli("jobs metrics job-1 --json");
    ck_assert_int_eq(run->status, 0);
    check_has(run->out, "\"job\": \"job-1\"");
    check_has(run->out, "      \"transform\": \"a stage\",\n      \"namespace\": \"space\",\n"
                        "      \"name\": \"answers\",\n      \"kind\": \"counter\",\n"
                        "      \"value\": 42\n");
}
END_TEST

START_TEST(metrics_need_no_pipeline)
{
    cli_serve(JOB_HAS_NO_PIPELINE);
    check_ends(cli("jobs metrics job-1"), 0, "metrics of a stage:\n  space/answers  42\n", "");
}
END_TEST

START_TEST(a_job_without_metrics_says_why)
{
    cli_serve(JOB_HAS_NO_METRICS);
    const cli_run *run = cli("jobs metrics job-1");
    ck_assert_int_eq(run->status, 1);
    check_has(run->err, "nobody counted");
}
END_TEST

/* ---- graph ----------------------------------------------------------------------------------- */

START_TEST(the_pipeline_of_a_job_is_drawn)
{
    static const char tree[] = "Impulse  (Impulse)\n"
                               "    -> bytes\n"
                               "copy  (ParDo copy)\n"
                               "    <- bytes  from Impulse\n"
                               "    -> bytes\n";

    cli_serve(JOB_GOES_ON);
    check_ends(cli("graph --job=first"), 0, tree, "");
    check_ends(cli("graph --job=job-1 --output=a.pb,b.dot"), 0, "",
               "the pipeline is drawn in a.pb\nthe pipeline is drawn in b.dot\n");
    check_ends(cli("graph a.pb"), 0, tree, "");
    ck_assert(scratch_exists("b.dot"));
}
END_TEST

START_TEST(what_is_no_pipeline_is_not_drawn)
{
    scratch_write_text("text", "no pipeline");
    check_ends(cli("graph text"), 1, "", "beamc graph: text: these bytes are no Beam Pipeline\n");
    check_ends(cli("graph none"), 1, "", "beamc graph: none: No such file or directory\n");
    check_ends(cli("graph ."), 1, "", "beamc graph: reading .: Is a directory\n");
    check_ends(cli("graph"), 2, "", "beamc graph: give either a FILE or --job=ID\n");
    check_ends(cli("graph text --job=1"), 2, "", "beamc graph: give either a FILE or --job=ID\n");
    check_ends(
        cli("graph text --output=a.png"), 2, "",
        "beamc graph: --output=a.png: the name must end in .dot, .svg, .json, .txt or .pb\n");
}
END_TEST

START_TEST(no_memory_is_an_error)
{
    cli_pipeline_write("p.pb");
    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        const cli_run *run = cli("graph p.pb");
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        if (!failed) {
            ck_assert_int_eq(run->status, 0);
            break;
        }
        ck_assert_msg(run->status != 0, "allocation %ld", n);
        check_has(run->err, "out of memory");
    }
}
END_TEST

Suite *suite_jobs(void)
{
    Suite *suite = suite_create("jobs");
    TCase *tc = tcase_create("jobs");

    tcase_add_checked_fixture(tc, cli_server_setup, cli_server_teardown);
    tcase_add_test(tc, jobs_are_listed_by_name);
    tcase_add_test(tc, jobs_are_listed_as_json);
    tcase_add_test(tc, a_server_without_jobs_says_so);
    tcase_add_test(tc, what_is_given_counts_more_than_the_environment);
    tcase_add_test(tc, a_server_is_asked_by_tls);
    tcase_add_loop_test(tc, a_job_is_meant_by_id_name_or_beginning, 0,
                        (int)(sizeof(meant) / sizeof(meant[0])));
    tcase_add_test(tc, a_job_that_is_not_there_is_refused);
    tcase_add_test(tc, an_empty_id_is_no_jobs);
    tcase_add_test(tc, a_server_that_lists_no_jobs_is_given_the_id);
    tcase_add_test(tc, all_that_is_known_of_a_job_is_shown);
    tcase_add_test(tc, all_that_is_known_of_a_job_is_shown_as_json);
    tcase_add_test(tc, a_job_without_a_pipeline_is_shown);
    tcase_add_test(tc, a_job_is_watched_to_its_end);
    tcase_add_test(tc, a_level_hides_what_is_below);
    tcase_add_test(tc, the_exit_status_of_watch_is_the_jobs);
    tcase_add_loop_test(tc, ctrl_c_leaves_a_job, 0, 2);
    tcase_add_test(tc, logs_have_all_of_each_message);
    tcase_add_test(tc, a_job_is_cancelled);
    tcase_add_test(tc, the_end_of_a_cancelled_job_is_waited_for);
    tcase_add_test(tc, a_job_that_cannot_be_cancelled_says_why);
    tcase_add_test(tc, a_job_is_drained_where_the_server_can);
    tcase_add_test(tc, a_server_that_cannot_drain_is_told);
    tcase_add_test(tc, metrics_are_shown);
    tcase_add_test(tc, metrics_need_no_pipeline);
    tcase_add_test(tc, a_job_without_metrics_says_why);
    tcase_add_test(tc, the_pipeline_of_a_job_is_drawn);
    tcase_add_test(tc, what_is_no_pipeline_is_not_drawn);
    tcase_add_test(tc, no_memory_is_an_error);
    suite_add_tcase(suite, tc);
    return suite;
}
