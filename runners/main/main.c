/* SPDX-License-Identifier: Apache-2.0 */
/* From a command line to an exit status: options, build, draw, run, report. */
#include <beamc/main.h>
#include "console.h"
#include "graph.h"
#include "harness/container/serve.h"
#include "harness/worker/crash.h"
#include "number.h"
#include "runners/portable/log_options.h"
#include "sdk/pipeline/options.h"
#include "signals.h"
#include "summary.h"
#include <beamc/direct.h>
#include <beamc/portable.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_SIGNAL = 128, MESSAGE_SIZE = 4096,
       HEAP_STEP = 1 << 20 };

/* What one run of a program needs from one end to the other. */
typedef struct {
    const beamc_options *options;
    const char *program;
    beamc_pipeline *pipeline;
    beamc__console *console;
} program_run;

/* What a runner was told, by the kind of runner. */
typedef union {
    beamc_direct_options direct;
    beamc_portable_options portable;
} run_options;

static int report(const char *program, beamc_error *take_error, int status)
{
    char message[MESSAGE_SIZE];

    beamc_error_print(take_error, message, sizeof(message));
    fprintf(stderr, "%s: %s\n", program, message);
    beamc_error_free(take_error);
    return status;
}

static int show_help(const beamc_options *options)
{
    beamc_buffer text;

    beamc_buffer_init(&text);
    beamc_options_help(options, &text);
    bool ok = !beamc_buffer_failed(&text) &&
              fwrite(text.data, 1, text.size, stdout) == text.size && fflush(stdout) == 0;
    beamc_buffer_dispose(&text);
    return ok ? EXIT_OK : EXIT_FAILED;
}

/* ---- what the options say about running ------------------------------------------------------ */

static beamc_error *check_graphs(const beamc_options *options)
{
    for (size_t i = 0; i < beamc_option_count(options, "graph"); i++) {
        const char *path = beamc_option_value(options, "graph", i);
        BEAMC_TRY(beamc_error_wrap(beamc__graph_check_path(path), "--graph=%s", path));
    }
    return NULL;
}

static beamc_error *read_direct(run_options *given, const beamc_options *options)
{
    beamc_direct_options *out = &given->direct;
    int64_t workers = beamc_option_int64(options, "direct_num_workers", 0);

    if (workers < 0 || workers > 1024)
        return beamc_error_new(BEAMC_EINVAL, "--direct_num_workers=%lld: 0 to 1024 threads",
                               (long long)workers);
    BEAMC_TRY(beamc__log_options_read(&out->log_level, &out->log_overrides, options));
    out->workers = (int)workers;
    out->memory_budget = beamc_option_size(options, "memory_budget", 0);
    out->temp_location = beamc_option_or(options, "temp_location", NULL);
    return NULL;
}

static beamc_error *read_portable(run_options *given, const beamc_options *options)
{
    return beamc_portable_options_read(&given->portable, options);
}

static void say_without_effect(void *console, const char *name)
{
    beamc__console_say((beamc__console *)console, "--%s has no effect on the direct runner", name);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static beamc_error *draw_graphs(const program_run *run)
{
    size_t count = beamc_option_count(run->options, "graph");
    beamc__graph *graph = NULL;
    beamc_buffer bytes;

    if (count == 0)
        return NULL;
    beamc_buffer_init(&bytes);
    beamc_error *error = beamc_pipeline_serialize(run->pipeline, &bytes);
    if (error == NULL)
        error = beamc__graph_read(&graph, bytes.data, bytes.size,
                                  beamc_option_or(run->options, "job_name", run->program));
    for (size_t i = 0; error == NULL && i < count; i++) {
        const char *path = beamc_option_value(run->options, "graph", i);
        error = beamc__graph_draw(graph, path);
        if (error == NULL)
            beamc__console_say(run->console, "the pipeline is drawn in %s", path);
    }
    beamc__graph_free(graph);
    beamc_buffer_dispose(&bytes);
    return beamc_error_wrap(error, "drawing the pipeline");
}

static void say_metrics(beamc__console *console, const beamc_result *result)
{
    beamc_buffer text;

    beamc_buffer_init(&text);
    beamc__summary_metrics(result, &text);
    if (!beamc_buffer_failed(&text))
        beamc__console_print(console, &text);
    beamc_buffer_dispose(&text);
}

/* What every run ends with; takes all but @run.  @wrong is the status for a wrong argument. */
static int finish_run(const program_run *run, beamc__signals *signals, uint64_t start,
                      beamc_error *error, beamc_result *result, int wrong)
{
    char took[BEAMC__NUMBER_SIZE];
    int number = __atomic_load_n(beamc__signals_came(signals), __ATOMIC_RELAXED);

    beamc__signals_free(signals);
    beamc__console_finish(run->console);
    if (beamc_error_code(error) == BEAMC_EINVAL)
        return report(run->program, error, wrong);
    if (error != NULL)
        /* A signal that came while the run was failing on its own does not hide that. */
        return report(run->program, error,
                      number != 0 && beamc_error_code(error) == BEAMC_ECANCELLED
                          ? EXIT_SIGNAL + number
                          : EXIT_FAILED);
    beamc__number_time(took, (int64_t)((uv_hrtime() - start) / 1000000));
    say_metrics(run->console, result);
    beamc__console_say(run->console, "done in %s", took);
    beamc_result_free(result);
    return EXIT_OK;
}

static int run_direct(const program_run *run, const run_options *given)
{
    const beamc_log_sink log = { beamc__console_log, run->console };
    beamc_direct_options direct = given->direct;
    beamc__signals *signals = NULL;
    beamc_result *result = NULL;
    uint64_t start = uv_hrtime();

    beamc__options_without_effect(run->options, say_without_effect, run->console);
    beamc_error *error = beamc__signals_new(&signals, run->console, BEAMC__SIGNALS_END);
    if (error != NULL)
        return report(run->program, error, EXIT_FAILED);
    direct.log = &log;
    direct.progress = beamc__console_progress;
    direct.progress_ctx = run->console;
    direct.cancel = beamc__signals_came(signals);
    error = beamc_run_direct(&result, run->pipeline, &direct);
    return finish_run(run, signals, start, error, result, EXIT_FAILED);
}

/* Shape of beamc_portable_options.state. */
static void say_state(void *console, const char *job_id, const char *state)
{
    beamc__console_say((beamc__console *)console, "job %s: %s", job_id, state);
}

static int run_portable(const program_run *run, const run_options *given)
{
    const beamc_log_sink log = { beamc__console_log, run->console };
    beamc_portable_options portable = given->portable;
    beamc__signals *signals = NULL;
    beamc_result *result = NULL;
    uint64_t start = uv_hrtime();

    beamc_error *error = beamc__signals_new(&signals, run->console, BEAMC__SIGNALS_CANCEL);
    if (error != NULL)
        return report(run->program, error, EXIT_FAILED);
    portable.log = &log;
    portable.state = say_state;
    portable.state_ctx = run->console;
    portable.cancel = beamc__signals_came(signals);
    portable.leave = beamc__signals_left(signals);
    error = beamc_run_portable(&result, run->pipeline, &portable);
    /* Only on the way to the server are some options found to be wrong. */
    return finish_run(run, signals, start, error, result, EXIT_USAGE);
}

/* ---- runners --------------------------------------------------------------------------------- */

typedef struct {
    bool (*has)(const char *name);
    beamc_error *(*read)(run_options *out, const beamc_options *options);
    int (*run)(const program_run *run, const run_options *given);
} runner;

static const runner runners[] = {
    { beamc__option_is_direct, read_direct, run_direct },
    { beamc_portable_has_runner, read_portable, run_portable },
};

static beamc_error *find_runner(const runner **out, const beamc_options *options)
{
    const char *name = beamc_option(options, "runner");

    for (size_t i = 0; i < sizeof(runners) / sizeof(*runners); i++) {
        if (runners[i].has(name)) {
            *out = &runners[i];
            return NULL;
        }
    }
    return beamc_error_new(BEAMC_EINVAL,
                           "--runner=%s: it is direct (on this machine), prism, flink, spark or "
                           "portable (a job server)",
                           name);
}

static int run_program(program_run *run, beamc_build_fn *build)
{
    run_options given = { 0 };
    const runner *chosen = NULL;
    beamc_error *error = find_runner(&chosen, run->options);

    if (error == NULL)
        error = check_graphs(run->options);
    if (error == NULL)
        error = chosen->read(&given, run->options);
    if (error != NULL)
        return report(run->program, error, EXIT_USAGE);
    build(run->pipeline, run->options);
    /* A missing option is the reason of what else went wrong. */
    const beamc_error *wrong = beamc_options_error(run->options);
    int status = EXIT_USAGE;
    if (wrong == NULL) {
        wrong = beamc_pipeline_error(run->pipeline);
        status = EXIT_FAILED;
    }
    if (wrong != NULL) {
        char message[MESSAGE_SIZE];
        beamc_error_print(wrong, message, sizeof(message));
        fprintf(stderr, "%s: %s\n", run->program, message);
        return status;
    }
    if ((error = draw_graphs(run)) != NULL)
        return report(run->program, error, EXIT_FAILED);
    if (beamc_option_bool(run->options, "dry_run", false))
        return EXIT_OK;
    /* DoFns may run in this process: if one crashes, it is told which. */
    beamc_error *unwatched = beamc__crash_watch(false);
    status = chosen->run(run, &given);
    if (unwatched == NULL)
        beamc__crash_unwatch();
    beamc_error_free(unwatched); /* then a crash is as silent as ever */
    return status;
}

int beamc_main_with(int argc, char **argv, beamc_build_fn *build, const beamc_option_spec *specs,
                    size_t spec_count, const beamc_function *const *functions,
                    size_t function_count)
{
    beamc_options *options;
    const char *program = beamc__option_program(argc, (const char *const *)argv);

    /* Threads' heaps grow by this much at a time: by default it is a few pages, each a system call. */
    (void)mallopt(M_TOP_PAD, HEAP_STEP);
    /* Started by a runner, the program is a worker: its functions are what it is for. */
    if (beamc__serve_is_asked(argc, argv)) {
        beamc_error *ended = beamc__serve(argc, argv, functions, function_count);
        return ended == NULL ? EXIT_OK : report(program, ended, EXIT_FAILED);
    }
    beamc_error *error = beamc_options_parse(&options, argc, (const char *const *)argv, specs,
                                             spec_count);
    if (error != NULL)
        return report(program, error, EXIT_USAGE);
    if (beamc_option_bool(options, "help", false)) {
        int status = show_help(options);
        beamc_options_free(options);
        return status;
    }
    if (beamc_option_bool(options, "version", false)) {
        printf("%s, made with beamc %s\n", program, BEAMC_VERSION);
        beamc_options_free(options);
        return EXIT_OK;
    }
    beamc__console_mode mode =
        beamc__console_mode_of(stderr, beamc_option_bool(options, "quiet", false));
    program_run run = { options, program, beamc_pipeline_new(functions, function_count),
                        beamc__console_new(stderr, mode) };
    int status = run.pipeline != NULL && run.console != NULL
                     ? run_program(&run, build)
                     : report(program, beamc_error_nomem(), EXIT_FAILED);
    beamc__console_free(run.console);
    beamc_pipeline_free(run.pipeline);
    beamc_options_free(options);
    return status;
}
