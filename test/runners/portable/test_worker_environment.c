/* SPDX-License-Identifier: Apache-2.0 */
/* How workers start, as options say it and as Beam's Environment has it. */
#include "runners/portable/worker_environment.h"
#include "runners/portable/worker_hint.h"

#include "proto/urns.h"
#include "sdk/pipeline/graph.h"
#include "test/alloc.h"
#include "test/check_has.h"
#include "test/sdk/io/scratch.h"
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static beamc_pipeline *pipeline;
static beamc_arena *arena;

static void set_up(void)
{
    int64_t one = 1;

    pipeline = beamc_pipeline_new(BEAMC_PROGRAM_FUNCTIONS);
    arena = beamc_arena_new();
    ck_assert_ptr_nonnull(pipeline);
    ck_assert_ptr_nonnull(arena);
    beamc_create(pipeline, BEAMC_TYPE(int64), &one, 1);
}

static void tear_down(void)
{
    test_alloc_fail_at(-1);
    beamc_pipeline_free(pipeline);
    beamc_arena_free(arena);
}

/* ---- which ----------------------------------------------------------------------------------- */

START_TEST(the_type_is_chosen_by_where_the_server_is)
{
    static const struct {
        const char *type;
        const char *image;
        bool is_local;
        beamc__workers workers;
    } choices[] = {
        { NULL, NULL, true, BEAMC__WORKERS_LOOPBACK },
        { NULL, NULL, false, BEAMC__WORKERS_DOCKER },
        { NULL, "words:1", true, BEAMC__WORKERS_DOCKER }, /* or it would do nothing */
        { "EXTERNAL", NULL, true, BEAMC__WORKERS_EXTERNAL },
        { "process", NULL, false, BEAMC__WORKERS_PROCESS },
        { "Docker", NULL, true, BEAMC__WORKERS_DOCKER },
        { "LOOPBACK", "words:1", false, BEAMC__WORKERS_LOOPBACK },
    };

    for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++) {
        const beamc__worker_options_given given = { .type = choices[i].type,
                                                    .image = choices[i].image };
        beamc__workers workers;
        ck_assert_str_eq(scratch_text(beamc__workers_choose(&workers, &given, choices[i].is_local)),
                         "ok");
        ck_assert_int_eq(workers, choices[i].workers);
    }
}
END_TEST

START_TEST(endpoints_of_this_machine_are_known)
{
    static const char *const here[] = { "localhost:1",        "127.0.0.1:1",
                                        "127.1.2.3:4",        "[::1]:5",
                                        "unix:/tmp/x",        "unix:///tmp/x",
                                        "http://localhost:80" };
    static const char *const there[] = { "example.org:1", "10.0.0.1:1", "[::2]:1",
                                         "http://localhost.example:80" };

    for (size_t i = 0; i < sizeof(here) / sizeof(*here); i++)
        ck_assert_msg(beamc__endpoint_is_local(here[i]), "%s", here[i]);
    for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++)
        ck_assert_msg(!beamc__endpoint_is_local(there[i]), "%s", there[i]);
}
END_TEST

START_TEST(words_of_runners_about_missing_workers_are_explained)
{
    static const struct {
        beamc__workers workers;
        const char *given, *expected;
    } cases[] = {
        { BEAMC__WORKERS_DOCKER, "job 1 failed: No container running for id cf40",
          "job 1 failed: No container running for id cf40 (the worker's container ended as soon as "
          "it was started; is the image for this kind of machine?)" },
        { BEAMC__WORKERS_EXTERNAL, "prism worker didn't get control connection to x after 1m0s",
          "prism worker didn't get control connection to x after 1m0s (no worker came from the "
          "worker pool; what it logs says why)" },
        { BEAMC__WORKERS_PROCESS, "job 1 failed: error=2, No such file or directory",
          "job 1 failed: error=2, No such file or directory (the worker's command is not where the "
          "runner starts it)" },
        { BEAMC__WORKERS_DOCKER, "err: failed to connect to the docker API at unix:///x: dial",
          "err: failed to connect to the docker API at unix:///x: dial (the runner finds no Docker "
          "engine; DOCKER_HOST says where one is)" },
        { BEAMC__WORKERS_LOOPBACK, "No container running for id cf40",
          "No container running for id cf40" },
        { BEAMC__WORKERS_DOCKER, "a division by zero", "a division by zero" },
    };

    ck_assert_ptr_null(beamc__worker_hint(NULL, BEAMC__WORKERS_DOCKER));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        beamc_error *error = beamc_error_new(BEAMC_EUSER, "%s", cases[i].given);
        ck_assert_str_eq(scratch_text(beamc__worker_hint(error, cases[i].workers)),
                         cases[i].expected);
    }
}
END_TEST

/* ---- payloads -------------------------------------------------------------------------------- */

/* The environment as text: what differs between the types. */
static const char *environment_text(void)
{
    static char text[1024];
    char own[512] = "";
    PB(Pipeline) *proto;

    ck_assert_str_eq(scratch_text(beamc__pipeline_to_proto(&proto, pipeline, arena)), "ok");
    const PB(Environment) *environment = proto->components->environments[0]->value;
    const ProtobufCBinaryData *payload = &environment->payload;
    size_t size = 0;
    if (strcmp(environment->urn, BEAMC_URN_ENV_DOCKER) == 0) {
        PB(DockerPayload) *docker = pb(docker_payload__unpack)(NULL, payload->len, payload->data);
        snprintf(text, sizeof(text), "docker %s", docker->container_image);
        pb(docker_payload__free_unpacked)(docker, NULL);
    } else if (strcmp(environment->urn, BEAMC_URN_ENV_PROCESS) == 0) {
        PB(ProcessPayload) *process =
            pb(process_payload__unpack)(NULL, payload->len, payload->data);
        ck_assert_int_gt(readlink("/proc/self/exe", own, sizeof(own) - 1), 0);
        size = (size_t)snprintf(text, sizeof(text), "process %s os=%s arch=%s",
                                strcmp(process->command, own) == 0 ? "SELF" : process->command,
                                process->os, process->arch);
        for (size_t i = 0; i < process->n_env; i++)
            size += (size_t)snprintf(text + size, sizeof(text) - size, " %s=%s",
                                     process->env[i]->key, process->env[i]->value);
        pb(process_payload__free_unpacked)(process, NULL);
    } else {
        PB(ExternalPayload) *external =
            pb(external_payload__unpack)(NULL, payload->len, payload->data);
        ck_assert_str_eq(environment->urn, BEAMC_URN_ENV_EXTERNAL);
        size = (size_t)snprintf(text, sizeof(text), "external %s", external->endpoint->url);
        for (size_t i = 0; i < external->n_params; i++)
            size += (size_t)snprintf(text + size, sizeof(text) - size, " %s=%s",
                                     external->params[i]->key, external->params[i]->value);
        pb(external_payload__free_unpacked)(external, NULL);
    }
    return text;
}

enum { PARTS = 4 };

static const struct {
    beamc__workers workers;
    const char *config;
    const char *parts[PARTS];
    const char *image;
    const char *expected; /* of the environment, or of the error */
} cases[] = {
    { BEAMC__WORKERS_LOOPBACK, NULL, { 0 }, NULL, "external 127.0.0.1:1" },
    { BEAMC__WORKERS_EXTERNAL, "host:5", { 0 }, NULL, "external host:5" },
    { BEAMC__WORKERS_EXTERNAL,
      NULL,
      { "external_service_address=host:6" },
      NULL,
      "external host:6" },
    { BEAMC__WORKERS_EXTERNAL,
      "{\"url\":\"host:7\",\"params\":{\"a\":\"1\",\"b\":\"2\"}}",
      { 0 },
      NULL,
      "external host:7 a=1 b=2" },
    { BEAMC__WORKERS_EXTERNAL,
      NULL,
      { 0 },
      NULL,
      "--environment_type=EXTERNAL needs the worker pool: --environment_config=HOST:PORT" },
    { BEAMC__WORKERS_EXTERNAL,
      "{\"params\":{}}",
      { 0 },
      NULL,
      "--environment_config: \"url\" is missing" },
    { BEAMC__WORKERS_EXTERNAL,
      "{\"url\":\"h:1\",\"port\":1}",
      { 0 },
      NULL,
      "--environment_config: unknown member \"port\"" },
    { BEAMC__WORKERS_EXTERNAL,
      "{\"url\":\"h:1\",\"params\":1}",
      { 0 },
      NULL,
      "--environment_config: \"params\" must be an object" },
    { BEAMC__WORKERS_EXTERNAL,
      "{\"url\":\"h:1\",\"params\":{\"a\":1}}",
      { 0 },
      NULL,
      "--environment_config: params \"a\" must be a text" },
    { BEAMC__WORKERS_PROCESS, NULL, { 0 }, NULL, "process SELF os= arch=" },
    { BEAMC__WORKERS_PROCESS,
      "{\"command\":\"/bin/boot\",\"os\":\"linux\",\"arch\":\"amd64\",\"env\":{\"A\":\"1\","
      "\"B\":\"\"}}",
      { 0 },
      NULL,
      "process /bin/boot os=linux arch=amd64 A=1 B=" },
    { BEAMC__WORKERS_PROCESS,
      NULL,
      { "process_command=/bin/boot", "process_variables=A=1", "B=x=y" },
      NULL,
      "process /bin/boot os= arch= A=1 B=x=y" },
    { BEAMC__WORKERS_PROCESS,
      NULL,
      { "process_variables=A=1" },
      NULL,
      "--environment_options: process_command is missing" },
    { BEAMC__WORKERS_PROCESS,
      NULL,
      { "process_command=c", "B=1" },
      NULL,
      "--environment_options: B=1: a process has process_command=... and "
      "process_variables=NAME=VALUE,..." },
    { BEAMC__WORKERS_PROCESS,
      "boot",
      { 0 },
      NULL,
      "--environment_config: character 1: a value is missing" },
    { BEAMC__WORKERS_PROCESS, "[]", { 0 }, NULL, "--environment_config: this is no JSON object" },
    { BEAMC__WORKERS_PROCESS,
      "{\"env\":{}}",
      { 0 },
      NULL,
      "--environment_config: \"command\" is missing" },
    { BEAMC__WORKERS_PROCESS,
      "{\"command\":1}",
      { 0 },
      NULL,
      "--environment_config: \"command\" must be a text" },
    { BEAMC__WORKERS_DOCKER, "my/image:1", { 0 }, "other", "docker my/image:1" },
    { BEAMC__WORKERS_DOCKER,
      NULL,
      { "docker_container_image=my/image:2" },
      "other",
      "docker my/image:2" },
    { BEAMC__WORKERS_DOCKER,
      NULL,
      { "docker_image=my/image:2" },
      NULL,
      "--environment_options: docker_image=my/image:2: workers of this type have "
      "docker_container_image=..." },
    { BEAMC__WORKERS_DOCKER, NULL, { 0 }, "other", "docker other" },
    { BEAMC__WORKERS_DOCKER, NULL, { 0 }, NULL, "docker apache/beam_c_sdk:latest" },
    { BEAMC__WORKERS_EXTERNAL,
      "host",
      { 0 },
      NULL,
      "the worker pool (--environment_type=EXTERNAL): endpoint host: the port is missing" },
    { BEAMC__WORKERS_EXTERNAL,
      "{\"url\":\"host:x\"}",
      { 0 },
      NULL,
      "the worker pool (--environment_type=EXTERNAL): endpoint host:x: \"x\" is no port" },
    { BEAMC__WORKERS_EXTERNAL,
      NULL,
      { "external_service_address=https://host:6" },
      NULL,
      "the worker pool (--environment_type=EXTERNAL): https://host:6: runners want HOST:PORT, and "
      "go there without TLS" },
    { BEAMC__WORKERS_EXTERNAL,
      NULL,
      { "external_address=host:6" },
      NULL,
      "--environment_options: external_address=host:6: workers of this type have "
      "external_service_address=..." },
};

enum { CASES = sizeof(cases) / sizeof(*cases) };

static beamc_error *set_case(size_t i)
{
    static const beamc__artifacts none;
    beamc__worker_options_given given = { .config = cases[i].config,
                                          .options = cases[i].parts,
                                          .image = cases[i].image };

    while (given.option_count < PARTS && cases[i].parts[given.option_count] != NULL)
        given.option_count++;
    return beamc__workers_set(pipeline, cases[i].workers, &given,
                              cases[i].workers == BEAMC__WORKERS_LOOPBACK ? "127.0.0.1:1" : NULL,
                              &none);
}

START_TEST(environments_are_as_other_sdks_write_them)
{
    beamc_error *error = set_case((size_t)_i);

    ck_assert_str_eq(error != NULL ? scratch_text(error) : environment_text(), cases[_i].expected);
}
END_TEST

START_TEST(config_and_options_exclude_each_other)
{
    const char *const parts[] = { "docker_container_image=a" };
    const beamc__worker_options_given given = { "DOCKER", "b", parts, 1, NULL };
    beamc__workers workers;

    ck_assert_str_eq(scratch_text(beamc__workers_choose(&workers, &given, true)),
                     "--environment_config and --environment_options say the same; give one of "
                     "them");
}
END_TEST

START_TEST(loopback_takes_no_configuration)
{
    const char *const parts[] = { "docker_container_image=a" };
    const beamc__worker_options_given given[] = {
        { .type = "LOOPBACK", .config = "b" },
        { .options = parts, .option_count = 1 },
    };
    static const char *const expected[] = { "--environment_config says nothing of LOOPBACK",
                                            "--environment_options says nothing of LOOPBACK" };
    beamc__workers workers;

    for (size_t i = 0; i < 2; i++)
        check_has(scratch_text(beamc__workers_choose(&workers, &given[i], true)), expected[i]);
    /* Elsewhere it is DOCKER that it is about. */
    ck_assert_str_eq(scratch_text(beamc__workers_choose(&workers, &given[1], false)), "ok");
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        beamc_error *error = set_case(10);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        ck_assert_int_eq(beamc_error_code(error), failed ? BEAMC_ENOMEM : BEAMC_OK);
        beamc_error_free(error);
        if (!failed)
            break;
        tear_down();
        set_up();
    }
}
END_TEST

Suite *suite_worker_environment(void)
{
    Suite *suite = suite_create("worker_environment");
    TCase *tc = tcase_create("worker_environment");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, the_type_is_chosen_by_where_the_server_is);
    tcase_add_test(tc, endpoints_of_this_machine_are_known);
    tcase_add_test(tc, words_of_runners_about_missing_workers_are_explained);
    tcase_add_loop_test(tc, environments_are_as_other_sdks_write_them, 0, CASES);
    tcase_add_test(tc, config_and_options_exclude_each_other);
    tcase_add_test(tc, loopback_takes_no_configuration);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(suite, tc);
    return suite;
}
