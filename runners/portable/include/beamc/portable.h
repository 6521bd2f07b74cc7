/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a pipeline on a job server of Beam: Prism, Flink, Spark, or any other. */
#ifndef BEAMC_PORTABLE_H
#define BEAMC_PORTABLE_H

#include <beamc/log.h>
#include <beamc/options.h>
#include <beamc/pipeline.h>
#include <beamc/result.h>

BEAMC_EXTERN_C_BEGIN

/* Which job server is started, if none is given. */
typedef enum {
    BEAMC_SERVER_NONE = 0, /* one must be given */
    BEAMC_SERVER_PRISM,
    BEAMC_SERVER_FLINK,
    BEAMC_SERVER_SPARK
} beamc_server;

/* All borrowed for the call; NULL and 0: not given. */
typedef struct {
    beamc_server server;
    const char *job_endpoint;      /* "host:port" of a job server that runs already; with TLS:
                                    * "https://host:port" */
    const char *artifact_endpoint; /* where files are staged, if not where the job server says */
    const char *tls_roots;         /* what verifies the server, if not the system's roots; as the
                                    * next two, a PEM file */
    const char *tls_certificate;   /* our own, for a server that asks for one */
    const char *tls_private_key;   /* of that */
    const char *job_name;          /* printable ASCII; NULL: of the program's name and the time */
    int64_t timeout_ms;            /* of each answer of the server: 60 s */

    /* How workers start: LOOPBACK (threads of this process), EXTERNAL, PROCESS or DOCKER, and what
     * Beam's options of these names say.  NULL: LOOPBACK if the server is on this machine and there
     * is no container_image, else DOCKER. */
    const char *environment_type;
    const char *environment_config;
    const char *const *environment_options;
    size_t environment_option_count;
    const char *container_image;

    const char *const *files_to_stage; /* files that workers find in their directory */
    size_t file_count;

    const char *location; /* of the server to start: the prism program; a job server's jar, or the
                           * directory of its jars */
    const char *master; /* of Flink, "host:port", or of Spark, "spark://host:port"; NULL: within the
                         * job server */
    const char *java;   /* the program that starts jars; NULL: that of JAVA_HOME or PATH */
    const char *const *jvm_properties; /* further arguments for it, such as -Xmx1g */
    size_t jvm_property_count;

    const beamc_options *options; /* a command line: goes to the server and to all workers */
    const beamc_log_sink *log;    /* gets the job's messages; NULL: standard error */
    beamc_log_level log_level;    /* 0: INFO */
    beamc_log_overrides log_overrides; /* levels of single places, for LOOPBACK; other workers read
                                        * them in @options */
    /** Called when the job has an id, and when its state changes; from the thread that runs the
     *  pipeline.  @job_id is what the server calls it, @state is Beam's name: "RUNNING".  May be
     *  NULL. */
    void (*state)(void *ctx, const char *job_id, const char *state);
    void *state_ctx;
    /** Become non-zero, from a signal handler or any thread; may be NULL. */
    const volatile int *cancel; /* cancels the job, and waits until it has ended */
    const volatile int *leave;  /* returns at once; a job with workers elsewhere goes on */
} beamc_portable_options;

/** Fills @out from a command line: job_endpoint, environment_type and their like, and the rest by
 * the name of the runner: portable, prism, flink or spark.  Texts are borrowed from @options. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_portable_options_read(beamc_portable_options *out,
                                                                  const beamc_options *options);

/** Whether there is a runner of that name for the above. */
BEAMC_API bool beamc_portable_has_runner(const char *name);

/** Runs @pipeline to its end.  On success *@out (may be NULL) is the result, owned by the caller.
 *  The error of a job that failed is what its worker said; cancelled or left gives
 *  BEAMC_ECANCELLED.  Servers and workers that were started for it have ended. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_run_portable(beamc_result **out,
                                                         beamc_pipeline *pipeline,
                                                         const beamc_portable_options *options);

BEAMC_EXTERN_C_END

#endif
