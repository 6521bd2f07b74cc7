/* SPDX-License-Identifier: Apache-2.0 */
/* Job servers by TLS: whole runs, with files, and what is said when the two sides do not fit. */
#include "runners/portable/job_tls.h"

#include "test/check_has.h"
#include "test/runners/portable/job_server.h"
#include "test/sdk/io/scratch.h"
#include "test/sdk/rpc/certificates.h"
#include <beamc/portable.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

BEAMC_DOFN(over_tls, int64, int64)
{
    return beamc_emit(ctx, element);
}

static void set_up(void)
{
    scratch_setup();
    scratch_write_text("a", "hello");
}

static void tear_down(void)
{
    certificates_remove();
    scratch_teardown();
}

static void write_no_log(void *ctx BEAMC_UNUSED, const beamc_log_entry *entry BEAMC_UNUSED)
{
}

/* Runs a small pipeline with a file on @server, by files of these names; its error as text. */
static const char *run_at(const char *url, const char *roots, const char *own)
{
    static const char *const files[] = { "a" };
    static const beamc_log_sink sink = { write_no_log, NULL };
    const int64_t numbers[] = { 1, 2, 3 };
    beamc_portable_options options = { .job_endpoint = url,
                                       .files_to_stage = files,
                                       .file_count = 1,
                                       .log = &sink };
    beamc_pipeline *pipeline = beamc_pipeline_new(BEAMC_PROGRAM_FUNCTIONS);
    char name[32];

    ck_assert_ptr_nonnull(pipeline);
    beamc_par_do(beamc_create(pipeline, BEAMC_TYPE(int64), numbers, 3), &over_tls);
    options.tls_roots = roots == NULL ? NULL : certificates(roots);
    if (own != NULL) {
        snprintf(name, sizeof(name), "%s.pem", own);
        options.tls_certificate = certificates(name);
        snprintf(name, sizeof(name), "%s.key", own);
        options.tls_private_key = certificates(name);
    }
    beamc_error *error = beamc_run_portable(NULL, pipeline, &options);
    beamc_pipeline_free(pipeline);
    return scratch_text(error);
}

/* ---- what fits, and what does not ------------------------------------------------------------ */

static const struct {
    const char *server;       /* its certificate; NULL: plaintext */
    const char *server_roots; /* whose clients' certificates it wants */
    const char *scheme;       /* of the address for files */
    const char *roots;        /* of the program */
    const char *own;
    const char *error; /* a part of it; NULL: the job is done */
} pairs[] = {
    { "server", NULL, "", "ca.pem", NULL, NULL },
    { "server", NULL, "https://", "ca.pem", NULL, NULL },
    { "server", NULL, "grpcs://", "ca.pem", NULL, NULL },
    { "server", "ca.pem", "", "ca.pem", "client", NULL },
    { "server", "ca.pem", "https://", "ca.pem", "client", NULL },
    { NULL, NULL, "http://", NULL, NULL, NULL },
    /* What a server says in so many words holds, too: this one lies. */
    { "server", NULL, "http://", "ca.pem", NULL, ": the server closes the connection at once" },
    { "server", NULL, "", NULL, NULL, "the server's certificate is not signed by a known root" },
    { "server", NULL, "", "other.pem", NULL, "the server's certificate is not signed by a known" },
    { "wrong", NULL, "", "ca.pem", NULL, "the server's certificate is for another name" },
    { "server", "ca.pem", "", "ca.pem", NULL, "want a certificate of the client" },
    { NULL, NULL, "https://", NULL, NULL, "staging files: endpoint https://127.0.0.1:" },
};

START_TEST(tls_is_spoken_by_both_or_refused)
{
    beamc__rpc_tls tls = { 0 };

    if (pairs[_i].server != NULL)
        tls = certificates_load(pairs[_i].server_roots, pairs[_i].server);
    job_server *server = job_server_new_with_tls(
        JOB_IS_DONE, pairs[_i].server == NULL ? NULL : &tls, pairs[_i].scheme);
    const char *text = run_at(job_server_url(server), pairs[_i].roots, pairs[_i].own);
    if (pairs[_i].error == NULL) {
        ck_assert_str_eq(text, "ok");
        ck_assert_uint_eq(job_server_file_count(server), 1);
    } else {
        check_has(text, pairs[_i].error);
        ck_assert_ptr_null(strchr(text, '\n'));
    }
    ck_assert_int_eq(job_server_runs(server), pairs[_i].error == NULL);
    job_server_free(server);
    beamc__rpc_tls_dispose(&tls);
}
END_TEST

START_TEST(a_server_is_believed_by_the_roots_of_the_system)
{
    beamc__rpc_tls tls = certificates_load(NULL, "server");

    /* Where the library looks first for them. */
    setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", certificates("ca.pem"), 1);
    job_server *server = job_server_new_with_tls(JOB_IS_DONE, &tls, "");
    ck_assert_str_eq(run_at(job_server_url(server), NULL, NULL), "ok");
    job_server_free(server);
    beamc__rpc_tls_dispose(&tls);
}
END_TEST

START_TEST(a_plain_server_is_told_from_one_with_tls)
{
    char url[80];

    job_server *server = job_server_new(JOB_IS_DONE);
    snprintf(url, sizeof(url), "https://%s", job_server_url(server));
    const char *text = run_at(url, "ca.pem", NULL);
    check_has(text, url);
    check_has(text, "TLS handshake failed: ");
    ck_assert_ptr_null(strchr(text, '\n'));
    job_server_free(server);
    beamc__rpc_tls tls = certificates_load(NULL, "server");
    server = job_server_new_with_tls(JOB_IS_DONE, &tls, "");
    check_has(run_at(job_server_url(server) + strlen("https://"), NULL, NULL),
              "it may want TLS (https://)");
    job_server_free(server);
    beamc__rpc_tls_dispose(&tls);
}
END_TEST

/* ---- what is given --------------------------------------------------------------------------- */

START_TEST(files_want_an_endpoint_with_tls)
{
    static const beamc__job_tls roots = { .roots = "r" };
    static const beamc__job_tls keyless = { .certificate = "c" };
    static const beamc__job_tls whole = { "r", "c", "k" };
    static const beamc__job_tls none;

    ck_assert_str_eq(scratch_text(beamc__job_tls_check(&roots, "localhost:8099")),
                     "--tls_roots is for a job server with TLS, and the endpoint localhost:8099 is "
                     "without: write https://HOST:PORT");
    ck_assert_str_eq(scratch_text(beamc__job_tls_check(&keyless, "http://localhost:8099")),
                     "--tls_certificate is for a job server with TLS, and the endpoint "
                     "http://localhost:8099 is without: write https://HOST:PORT");
    ck_assert_str_eq(scratch_text(beamc__job_tls_check(&roots, NULL)),
                     "--tls_roots is for a job server with TLS: give its "
                     "--job_endpoint=https://HOST:PORT");
    ck_assert_str_eq(scratch_text(beamc__job_tls_check(&keyless, "https://localhost:8099")),
                     "--tls_certificate and --tls_private_key belong together; give both");
    ck_assert_str_eq(scratch_text(beamc__job_tls_check(&whole, "grpcs://localhost:8099")), "ok");
    ck_assert_str_eq(scratch_text(beamc__job_tls_check(&none, "localhost:8099")), "ok");
    ck_assert_str_eq(scratch_text(beamc__job_tls_check(&none, NULL)), "ok");
    /* A run looks before it starts anything. */
    ck_assert_str_eq(run_at("localhost:1", "ca.pem", NULL),
                     "--tls_roots is for a job server with TLS, and the endpoint localhost:1 is "
                     "without: write https://HOST:PORT");
}
END_TEST

START_TEST(files_that_are_none_are_refused)
{
    static const beamc__job_tls missing = { .roots = "none.pem" };
    static const beamc__job_tls other = { .roots = "a" };
    beamc__rpc_tls tls;

    ck_assert_str_eq(scratch_text(beamc__job_tls_load(&tls, &missing, "https://localhost:1")),
                     "TLS: none.pem: No such file or directory");
    ck_assert_str_eq(scratch_text(beamc__job_tls_load(&tls, &other, "https://localhost:1")),
                     "TLS: a: no PEM file");
}
END_TEST

START_TEST(files_are_told_as_a_command_line_has_them)
{
    static const beamc__job_tls none;
    static const beamc__job_tls whole = { "r", "c", "k" };
    beamc_arena *arena = beamc_arena_new();

    ck_assert_str_eq(beamc__job_tls_line(&none, arena), "");
    ck_assert_str_eq(beamc__job_tls_line(&whole, arena),
                     " --tls_roots=r --tls_certificate=c --tls_private_key=k");
    beamc_arena_free(arena);
}
END_TEST

Suite *suite_job_tls(void)
{
    Suite *suite = suite_create("job_tls");
    TCase *tc = tcase_create("job_tls");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, tls_is_spoken_by_both_or_refused, 0,
                        (int)(sizeof(pairs) / sizeof(pairs[0])));
    tcase_add_test(tc, a_server_is_believed_by_the_roots_of_the_system);
    tcase_add_test(tc, a_plain_server_is_told_from_one_with_tls);
    tcase_add_test(tc, files_want_an_endpoint_with_tls);
    tcase_add_test(tc, files_that_are_none_are_refused);
    tcase_add_test(tc, files_are_told_as_a_command_line_has_them);
    suite_add_tcase(suite, tc);
    return suite;
}
