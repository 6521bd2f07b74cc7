/* SPDX-License-Identifier: Apache-2.0 */
/* beamc doctor: servers that are none, workers that cannot start, programs, and jobs that failed.
 */
#include "runners/portable/loopback.h"
#include "test/check_has.h"
#include "test/runners/cli/cli_run.h"
#include "test/runners/cli/cli_server.h"
#include "test/sdk/io/scratch.h"
#include "test/sdk/rpc/certificates.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static char *path; /* of before */

static void set_up(void)
{
    cli_server_setup();
    path = strdup(getenv("PATH"));
    unsetenv("BEAM_PRISM");
    setenv("PATH", scratch_path(), 1);
}

static void tear_down(void)
{
    setenv("PATH", path, 1);
    free(path);
    cli_server_teardown();
}

static void write_script(const char *name, const char *body)
{
    char text[2048];

    snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", body);
    scratch_write_text(name, text);
    ck_assert_int_eq(chmod(name, 0755), 0);
}

/* Whether there is a line of @kind, "ok", that has @part. */
static void check_found(const cli_run *run, const char *kind, const char *part)
{
    char start[16];

    snprintf(start, sizeof(start), "%-8s ", kind);
    for (const char *line = run->out; *line != '\0';) {
        size_t size = strcspn(line, "\n");
        const char *found = memmem(line, size, part, strlen(part));
        if (strncmp(line, start, strlen(start)) == 0 && found != NULL)
            return;
        line += size + (line[size] == '\n');
    }
    ck_abort_msg("no %s with '%s' in\n%s%s", kind, part, run->out, run->err);
}

static void check_status(const cli_run *run, int status)
{
    ck_assert_msg(run->status == status, "status %d, not %d:\n%s%s", run->status, status, run->out,
                  run->err);
}

/* ---- job servers ----------------------------------------------------------------------------- */

START_TEST(a_job_server_is_recognized)
{
    cli_serve(JOB_IS_DONE);
    const cli_run *run = cli("doctor");
    check_status(run, 0);
    check_found(run, "ok", "it does not say which runner it is of");
    check_found(run, "ok", "workers are threads of the program");
    check_has(run->out, "nothing speaks against it\n");
}
END_TEST

START_TEST(the_runner_of_a_job_server_is_told)
{
    cli_serve(OPTIONS_ARE_FLINKS);
    const cli_run *run = cli("doctor --runner=flink");
    check_status(run, 0);
    check_found(run, "ok", "it is that of Flink, with 6 options");
    run = cli("doctor --runner=spark");
    check_status(run, 0);
    check_found(run, "warning", "--runner names Spark, but the job server at ");
    check_has(run->out, "0 problems, 1 warning\n");
}
END_TEST

START_TEST(a_server_that_is_no_job_server_is_told)
{
    cli_serve(SERVER_IS_NONE);
    const cli_run *run = cli("doctor");
    check_status(run, 1);
    check_found(run, "problem", " speaks gRPC, but is no job server of Beam");
    check_has(run->out, "1 problem, 0 warnings\n");
}
END_TEST

/* Listens, and says @words to whoever comes first, or nothing. */
static int listen_on(char url[64])
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(url, 64, "127.0.0.1:%d", ntohs(address.sin_port));
    return fd;
}

START_TEST(a_silent_server_is_given_up)
{
    char url[64];
    int fd = listen_on(url);

    const cli_run *run = cli("doctor --job_endpoint=%s --job_server_timeout=1", url);
    close(fd);
    check_status(run, 1);
    check_found(run, "problem", "not reached within 1000 ms");
}
END_TEST

START_TEST(a_server_that_is_not_there_is_told)
{
    check_found(cli("doctor --job_endpoint=127.0.0.1:1"), "problem", "connection refused");
    check_found(cli("doctor --job_endpoint=nowhere"), "problem", "the port is missing");
    check_found(cli("doctor --runner=prism"), "problem", "Prism is not found: give ");
    check_found(cli("doctor --runner=portable"), "warning", "which job server is not known");
    check_status(cli("doctor --runner=portable"), 0);
}
END_TEST

START_TEST(a_server_that_would_be_started_is_found)
{
    write_script("prism", "exit 1");
    const cli_run *run = cli("doctor --runner=prism");
    check_status(run, 0);
    check_found(run, "ok", "a job server of Prism is started for the run: ");
}
END_TEST

START_TEST(a_server_with_tls_is_looked_at)
{
    setenv("PATH", path, 1); /* openssl is there */
    cli_serve_with_tls(NULL);
    check_found(cli("doctor --tls_roots=%s", certificates("ca.pem")), "ok", "https://127.0.0.1:");
    check_found(cli("doctor"), "problem", "certificate is not signed by a known root");
    check_found(cli("doctor --job_endpoint=%s", job_server_url(cli_server) + strlen("https://")),
                "problem", "it may want TLS (https://)");
    check_found(cli("doctor --tls_certificate=a --tls_private_key=b --job_endpoint=localhost:1"),
                "problem", "--tls_certificate is for a job server with TLS");
    unsetenv("BEAMC_JOB_ENDPOINT");
    check_found(cli("doctor --runner=prism --tls_roots=a"), "problem",
                "--tls_roots is for a job server with TLS: give its --job_endpoint=https://");
}
END_TEST

/* ---- workers --------------------------------------------------------------------------------- */

START_TEST(the_command_of_workers_must_be_a_program)
{
    static const char line[] =
        "doctor --environment_type=PROCESS --environment_config={\"command\":\"%s/%s\"}";

    write_script("good", "exit 0");
    scratch_write_text("plain", "text");
    const cli_run *run = cli(line, scratch_path(), "good");
    check_status(run, 0);
    check_found(run, "ok", "workers are started as /");
    run = cli(line, scratch_path(), "plain");
    check_status(run, 1);
    check_found(run, "problem", "/plain, which cannot be executed: chmod +x ");
    run = cli(line, scratch_path(), "none");
    check_status(run, 1);
    check_found(run, "problem", "/none, which is not there: No such file or directory");
    check_found(
        cli("doctor --environment_type=PROCESS --environment_config={\"command\":\"good\"}"),
        "warning", "give an absolute path");
    check_found(cli("doctor --environment_type=PROCESS --environment_config={\"command\":\"/x\"} "
                    "--job_endpoint=192.0.2.1:1 --job_server_timeout=1"),
                "warning", "must be there on each of the runner's machines");
}
END_TEST

START_TEST(a_worker_environment_is_read_as_a_run_reads_it)
{
    const cli_run *run = cli("doctor --environment_type=SPACESHIP");
    check_status(run, 1);
    check_found(run, "problem", "it is LOOPBACK, EXTERNAL, PROCESS or DOCKER");
    check_found(cli("doctor --environment_type=PROCESS --environment_config={"), "problem",
                "--environment_config");
    check_found(cli("doctor --environment_type=EXTERNAL"), "problem", "needs the worker pool");
}
END_TEST

START_TEST(a_worker_pool_must_be_one)
{
    static const char line[] = "doctor --environment_type=EXTERNAL --environment_config=%s";
    static const beamc_log_target log;
    const beamc__loopback_options options = { .log = &log };
    beamc__loopback *pool;

    cli_serve(JOB_IS_DONE);
    const cli_run *run = cli(line, job_server_url(cli_server));
    check_status(run, 1);
    check_found(run, "problem", " speaks gRPC, but is no worker pool");
    run = cli(line, "127.0.0.1:1");
    check_status(run, 1);
    check_found(run, "problem", "connection refused");
    ck_assert_ptr_null(beamc__loopback_start(&pool, &options));
    run = cli(line, beamc__loopback_url(pool));
    beamc__loopback_free(pool);
    check_status(run, 0);
    check_found(run, "ok", "the worker pool at ");
}
END_TEST

static const char *this_architecture(void)
{
    static struct utsname about;

    uname(&about);
    return strcmp(about.machine, "x86_64") == 0    ? "amd64"
           : strcmp(about.machine, "aarch64") == 0 ? "arm64"
                                                   : "?";
}

START_TEST(an_image_must_be_here_and_for_this_machine)
{
    static const char line[] = "doctor --environment_type=DOCKER --sdk_container_image=%s";
    char script[512];

    check_found(cli(line, "words:1"), "problem", "neither docker nor podman is in the PATH");
    snprintf(script, sizeof(script),
             "case $5 in\n"
             "words:1) echo 'linux/%s [\"/opt/apache/beam/boot\"]' ;;\n"
             "other:1) echo 'linux/m68k [\"boot\"]' ;;\n"
             "empty:1) echo 'linux/%s null' ;;\n"
             "*) echo \"Error: No such image: $5\" >&2; exit 1 ;;\n"
             "esac",
             this_architecture(), this_architecture());
    write_script("docker", script);
    if (strcmp(this_architecture(), "?") != 0) {
        const cli_run *run = cli(line, "words:1");
        check_status(run, 0);
        check_found(run, "ok", "image words:1 is here, for linux/");
        check_found(cli(line, "other:1"), "problem", "image other:1 is for linux/m68k, and this");
    }
    check_found(cli(line, "empty:1"), "problem", "image empty:1 starts nothing");
    check_found(cli(line, "none:1"), "warning", "docker does not have image none:1");
    check_found(cli(line, "localhost/none:1"), "problem", "docker does not have image ");
}
END_TEST

START_TEST(podman_is_asked_where_docker_fails)
{
    static const char line[] = "doctor --environment_type=DOCKER --sdk_container_image=a:1";

    write_script("docker", "echo 'Cannot connect to the Docker daemon.' >&2; exit 1");
    check_found(cli("%s", line), "problem", "Cannot connect to the Docker daemon.");
    write_script("podman", "echo 'Error: a:1: image not known' >&2; exit 125");
    const cli_run *run = cli("%s", line);
    check_found(run, "warning", "podman does not have image a:1");
    check_found(run, "warning", "Cannot connect to the Docker daemon.); podman stands in for it");
}
END_TEST

START_TEST(files_to_stage_must_be_readable)
{
    cli_serve(JOB_IS_DONE);
    scratch_write_text("a", "12345");
    const cli_run *run = cli("doctor --files_to_stage=a");
    check_status(run, 0);
    check_found(run, "ok", "1 file to stage can be read: 5 B");
    run = cli("doctor --files_to_stage=a,none");
    check_status(run, 1);
    check_found(run, "problem", "none: No such file or directory");
}
END_TEST

/* ---- programs -------------------------------------------------------------------------------- */

/* Writes p.pb where --graph says, if it is asked to build only. */
static void write_program(void)
{
    char script[1024];

    snprintf(script, sizeof(script),
             "dry=no\n"
             "for a; do\n"
             "    case $a in\n"
             "    --dry_run) dry=yes ;;\n"
             "    --graph=*) graph=${a#--graph=} ;;\n"
             "    --own=*) own=${a#--own=} ;;\n"
             "    --help) exit 0 ;;\n"
             "    --onw=*) echo 'prog: unknown option --onw' >&2; exit 2 ;;\n"
             "    esac\n"
             "done\n"
             "[ $dry = yes ] || exit 99\n"
             "[ \"$own\" = 7 ] || { echo 'prog: option --own is needed' >&2; exit 2; }\n"
             "/bin/cp '%s/p.pb' \"$graph\"",
             scratch_path());
    write_script("prog", script);
}

START_TEST(a_programs_pipeline_is_looked_at)
{
    cli_serve(OPTIONS_ARE_FLINKS);
    cli_pipeline_write("p.pb");
    write_program();
    const cli_run *run = cli("doctor prog --runner=flink --own=7");
    check_status(run, 0);
    check_found(run, "ok", "/prog has a pipeline of 2 transforms");
    check_found(run, "ok", "Flink in batch mode can run all 2 transforms");
    check_found(cli("doctor ./prog --own=7 --streaming"), "ok", "Flink in streaming mode can run");
    run = cli("doctor --environment_type=PROCESS prog --own=7 --environment_type=LOOPBACK");
    check_status(run, 0);
    check_found(run, "ok", "workers are started as /");
    check_found(run, "ok", "1 file to stage can be read");
    run = cli("doctor --runner=direct prog --own=7");
    check_status(run, 0);
    check_found(run, "ok", "the direct runner can run all 2 transforms");
    ck_assert_ptr_null(strstr(run->out, "job server"));
}
END_TEST

START_TEST(an_option_must_be_known_to_the_program_or_the_server)
{
    cli_serve(OPTIONS_ARE_FLINKS);
    cli_pipeline_write("p.pb");
    write_program();
    const cli_run *run = cli("doctor prog --own=7 --server_text=x --no_server_truth");
    check_status(run, 0);
    run = cli("doctor prog --own=7 --onw=8");
    check_status(run, 1);
    check_found(run, "problem", "an option is wrong: prog: unknown option --onw");
    check_found(cli("doctor prog --own=7 --job_name=a\tb"), "problem", "printable ASCII");
}
END_TEST

START_TEST(a_program_that_fails_says_why)
{
    write_program();
    const cli_run *run = cli("doctor prog --own=8");
    check_status(run, 1);
    check_found(run, "problem", "the pipeline cannot be built: prog: option --own is needed");
    write_script("idle", "exit 0");
    check_found(cli("doctor ./idle"), "problem", "wrote no pipeline for --graph=FILE.pb");
    write_script("slow", "exec /bin/sleep 60");
    check_found(cli("doctor --job_server_timeout=1 ./slow"), "problem", "has not ended within 1 s");
    check_found(cli("doctor nonesuch"), "problem", "nonesuch is no program in the PATH");
    check_found(cli("doctor ./nonesuch"), "problem", "./nonesuch: No such file or directory");
    scratch_write_text("text", "text");
    check_found(cli("doctor ./text"), "problem", "./text cannot be executed");
}
END_TEST

START_TEST(a_pipeline_in_a_file_is_looked_at)
{
    cli_pipeline_write("p.pb");
    const cli_run *run = cli("doctor --runner=flink p.pb");
    check_found(run, "ok", "p.pb has a pipeline of 2 transforms");
    run = cli("doctor --runner=portable p.pb");
    check_found(run, "warning", "which runner this is for is not known");
    scratch_write_text("bad.pb", "no pipeline");
    check_found(cli("doctor bad.pb"), "problem", "bad.pb: these bytes are no Beam Pipeline");
    check_found(cli("doctor none.pb"), "problem", "none.pb: No such file or directory");
}
END_TEST

START_TEST(what_is_wrong_with_the_command_is_said)
{
    const cli_run *run = cli("doctor --runner=flunk");
    check_status(run, 2);
    ck_assert_str_eq(run->err, "beamc doctor: --runner=flunk: it is direct, prism, flink, spark or "
                               "portable\n");
    run = cli("doctor");
    check_status(run, 2);
    check_has(run->err, "what is to be looked at?");
    check_status(cli("doctor --job=1 prog"), 2);
    check_status(cli("doctor --job_server_timeout=0"), 2);
    check_status(cli("doctor prog --parallelism=many"), 2);
}
END_TEST

/* ---- jobs ------------------------------------------------------------------------------------ */

START_TEST(the_first_cause_of_a_failed_job_is_told)
{
    cli_serve(JOB_FAILS);
    check_status(cli("jobs watch job-1"), 1);
    const cli_run *run = cli("doctor --job=job-1");
    check_status(run, 1);
    ck_assert_str_eq(run->out, "job job-1 failed: transform Square: no root\n");
    ck_assert_str_eq(run->err, "");
}
END_TEST

START_TEST(a_job_that_did_not_fail_is_told)
{
    cli_serve(JOB_IS_DONE);
    const cli_run *run = cli("doctor --job=job-1");
    check_status(run, 0);
    ck_assert_str_eq(run->out, "job job-1 has not ended: it is RUNNING\n");
    run = cli("doctor --job=job-2");
    check_status(run, 0);
    ck_assert_str_eq(run->out, "job job-2 did not fail: it is DONE\n");
    check_status(cli("doctor --job=nonesuch"), 1);
}
END_TEST

Suite *suite_doctor(void)
{
    Suite *suite = suite_create("doctor");
    TCase *tc = tcase_create("doctor");

    tcase_set_timeout(tc, 20);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_job_server_is_recognized);
    tcase_add_test(tc, the_runner_of_a_job_server_is_told);
    tcase_add_test(tc, a_server_that_is_no_job_server_is_told);
    tcase_add_test(tc, a_silent_server_is_given_up);
    tcase_add_test(tc, a_server_that_is_not_there_is_told);
    tcase_add_test(tc, a_server_that_would_be_started_is_found);
    tcase_add_test(tc, a_server_with_tls_is_looked_at);
    tcase_add_test(tc, the_command_of_workers_must_be_a_program);
    tcase_add_test(tc, a_worker_environment_is_read_as_a_run_reads_it);
    tcase_add_test(tc, a_worker_pool_must_be_one);
    tcase_add_test(tc, an_image_must_be_here_and_for_this_machine);
    tcase_add_test(tc, podman_is_asked_where_docker_fails);
    tcase_add_test(tc, files_to_stage_must_be_readable);
    tcase_add_test(tc, a_programs_pipeline_is_looked_at);
    tcase_add_test(tc, an_option_must_be_known_to_the_program_or_the_server);
    tcase_add_test(tc, a_program_that_fails_says_why);
    tcase_add_test(tc, a_pipeline_in_a_file_is_looked_at);
    tcase_add_test(tc, what_is_wrong_with_the_command_is_said);
    tcase_add_test(tc, the_first_cause_of_a_failed_job_is_told);
    tcase_add_test(tc, a_job_that_did_not_fail_is_told);
    suite_add_tcase(suite, tc);
    return suite;
}
