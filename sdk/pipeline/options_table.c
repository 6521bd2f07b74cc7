/* SPDX-License-Identifier: Apache-2.0 */
/* The options that Beam and beamc know, in the order of --help. */
#include "options.h"

#define TEXT BEAMC_OPTION_STRING
#define BOOL BEAMC_OPTION_BOOL
#define INT BEAMC_OPTION_INT64
#define SIZE BEAMC_OPTION_SIZE
#define LIST BEAMC_OPTION_LIST

#define OPTION(group, kind, name, placeholder, default_value, help)                                \
    { BEAMC__OPTIONS_##group, { name, help, default_value, false, kind, placeholder } },

const beamc__option_known beamc__options_known[] = {
    OPTION(DATA, TEXT, "input", "PATTERN", NULL, "files to read, e.g. 'logs/*.txt'")
    OPTION(DATA, TEXT, "output", "PREFIX", NULL,
           "where to write: files are named PREFIX-00000-of-00003")

    OPTION(RUN, TEXT, "runner", "NAME", "direct",
           "direct (on this machine), prism, flink, spark or portable (a job server)")
    OPTION(RUN, TEXT, "job_name", "NAME", NULL, "what graphs and job pages call this run")
    OPTION(RUN, LIST, "graph", "FILE", NULL,
           "draws the pipeline into FILE.dot, .svg (by graphviz), .json, .txt; .pb is Beam's message")
    OPTION(RUN, BOOL, "dry_run", NULL, "false", "builds, checks and draws the pipeline, no more")
    OPTION(RUN, BOOL, "quiet", NULL, "false", "shows no progress and no summary")
    OPTION(RUN, BOOL, "help", NULL, "false", "shows this")
    OPTION(RUN, BOOL, "version", NULL, "false", "shows the version of beamc")

    OPTION(DIRECT, INT, "direct_num_workers", NULL, "0", "threads; 0: one for each core")
    OPTION(DIRECT, SIZE, "memory_budget", NULL, NULL,
           "memory for grouping before it spills to disk; if not given, a quarter of the RAM")
    OPTION(DIRECT, TEXT, "temp_location", "DIR", NULL,
           "where spills go; if not given, TMPDIR or /tmp")
    OPTION(DIRECT, TEXT, "default_sdk_harness_log_level", "LEVEL", "INFO",
           "TRACE, DEBUG, INFO, NOTICE, WARN, ERROR or CRITICAL: log this and above")
    OPTION(DIRECT, TEXT, "sdk_harness_log_level_overrides", "JSON", NULL,
           "the same for single transforms, DoFns and files, e.g. '{\"extract_words\":\"DEBUG\"}'")

    OPTION(GENERAL, BOOL, "streaming", NULL, "false", "the input has no end")
    OPTION(GENERAL, LIST, "experiments", NULL, NULL, "features to try, as name or name=value")
    OPTION(GENERAL, BOOL, "save_main_session", NULL, "false", "for Python; C has no need of it")
    OPTION(GENERAL, TEXT, "resource_hints", "HINT", NULL,
           "for other SDKs: such as min_ram=4GB; in C transforms have hints")
    OPTION(GENERAL, TEXT, "output_executable_path", "FILE", NULL,
           "for other SDKs: a jar in place of a run; beamc writes none")
    OPTION(GENERAL, TEXT, "update_compatibility_version", "VERSION", NULL,
           "stay compatible with the jobs of this Beam version")

    OPTION(PORTABLE, TEXT, "job_endpoint", "HOST:PORT", NULL,
           "the job server; https://HOST:PORT if it speaks TLS")
    OPTION(PORTABLE, TEXT, "artifact_endpoint", "HOST:PORT", NULL,
           "where files are staged, if not where the job server says")
    OPTION(PORTABLE, TEXT, "tls_roots", "FILE", NULL,
           "what verifies a job server with TLS; if not given, the system's roots")
    OPTION(PORTABLE, TEXT, "tls_certificate", "FILE", NULL,
           "our certificate, for a job server that asks for one")
    OPTION(PORTABLE, TEXT, "tls_private_key", "FILE", NULL, "its key; all three are PEM files")
    OPTION(PORTABLE, INT, "job_server_timeout", NULL, "60",
           "seconds that the job server may take to answer")
    OPTION(PORTABLE, TEXT, "environment_type", "TYPE", NULL,
           "LOOPBACK, PROCESS, DOCKER or EXTERNAL: how workers start")
    OPTION(PORTABLE, TEXT, "environment_config", "TEXT", NULL,
           "image, {\"command\": ...} or host:port, as the type wants")
    OPTION(PORTABLE, LIST, "environment_options", "K=V,...", NULL,
           "the same as single options: process_command=..., docker_container_image=...")
    OPTION(PORTABLE, LIST, "files_to_stage", "FILE", NULL,
           "files that workers find in their directory")
    OPTION(PORTABLE, TEXT, "prism_location", "FILE", NULL,
           "the prism program; if not given, BEAM_PRISM or prism in the PATH")
    OPTION(PORTABLE, TEXT, "job_server_java_launcher", "FILE", NULL,
           "what starts the jars of job servers; if not given, java of JAVA_HOME or the PATH")
    OPTION(PORTABLE, LIST, "job_server_jvm_properties", "ARG", NULL,
           "further arguments for it, such as -Xmx1g")
    OPTION(PORTABLE, INT, "sdk_worker_parallelism", NULL, "1", "worker processes per machine")
    OPTION(PORTABLE, INT, "environment_cache_millis", NULL, "0",
           "how long an idle worker is kept, in ms")
    OPTION(PORTABLE, TEXT, "sdk_container_image", "IMAGE", NULL, "the image of the workers")
    OPTION(PORTABLE, LIST, "sdk_harness_container_image_overrides", "PATTERN,IMAGE", NULL,
           "images of other SDKs' workers")

    OPTION(WORKER, INT, "number_of_worker_harness_threads", NULL, NULL,
           "for other SDKs: bundles at a time")
    OPTION(WORKER, INT, "max_cache_memory_usage_mb", NULL, "100", "cache for state, in MB")
    OPTION(WORKER, INT, "max_cache_memory_usage_percent", NULL, NULL,
           "for other SDKs: the same, of all memory")
    OPTION(WORKER, INT, "grouping_table_max_size_mb", NULL, "100",
           "for other SDKs: memory for combining before the shuffle, in MB")
    OPTION(WORKER, INT, "bundle_processor_cache_timeout", NULL, NULL,
           "for other SDKs: how long an idle plan is kept, in s")
    OPTION(WORKER, INT, "element_processing_timeout_minutes", NULL, NULL,
           "ends a worker that is stuck in one element for so long")

    OPTION(FLINK, TEXT, "flink_master", "HOST:PORT", "[auto]", "the cluster")
    OPTION(FLINK, TEXT, "flink_version", "VERSION", NULL, "of the cluster")
    OPTION(FLINK, TEXT, "flink_job_server_jar", "FILE", NULL, "the job server to start")
    OPTION(FLINK, TEXT, "flink_conf_dir", "DIR", NULL, "the cluster's configuration")
    OPTION(FLINK, BOOL, "flink_submit_uber_jar", NULL, "false",
           "for other SDKs: submits without job server; beamc needs one")
    OPTION(FLINK, INT, "parallelism", NULL, "-1", "workers of each stage; -1: the cluster's")
    OPTION(FLINK, INT, "max_parallelism", NULL, "-1", "upper bound when scaling")
    OPTION(FLINK, INT, "max_bundle_size", NULL, NULL, "elements in a bundle")
    OPTION(FLINK, INT, "max_bundle_time_mills", NULL, NULL, "length of a bundle in ms")
    OPTION(FLINK, INT, "checkpointing_interval", NULL, "-1", "ms between checkpoints; -1: none")
    OPTION(FLINK, TEXT, "checkpointing_mode", "MODE", "EXACTLY_ONCE", "or AT_LEAST_ONCE")
    OPTION(FLINK, INT, "checkpoint_timeout_millis", NULL, "-1", "when a checkpoint has failed")
    OPTION(FLINK, BOOL, "finish_bundle_before_checkpointing", NULL, "false",
           "ends bundles first")
    OPTION(FLINK, TEXT, "state_backend", "NAME", NULL, "rocksdb, filesystem or hashmap")
    OPTION(FLINK, TEXT, "state_backend_storage_path", "DIR", NULL, "where state is kept")
    OPTION(FLINK, TEXT, "savepoint_path", "DIR", NULL, "where to continue from")
    OPTION(FLINK, BOOL, "allow_non_restored_state", NULL, "false", "drop unknown state")
    OPTION(FLINK, BOOL, "object_reuse", NULL, "false", "no copies between operators")
    OPTION(FLINK, BOOL, "operator_chaining", NULL, "true", "operators in one thread")
    OPTION(FLINK, BOOL, "re_iterable_group_by_key_result", NULL, "false",
           "grouped values may be read twice")
    OPTION(FLINK, INT, "shutdown_sources_after_idle_ms", NULL, "-1", "ends idle sources")
    OPTION(FLINK, BOOL, "attached_mode", NULL, "true", "waits for the job")

    OPTION(SPARK, TEXT, "spark_master_url", "URL", "local[4]", "the cluster")
    OPTION(SPARK, TEXT, "spark_rest_url", "URL", NULL, "submits by REST")
    OPTION(SPARK, TEXT, "spark_job_server_jar", "FILE", NULL, "the job server to start")
    OPTION(SPARK, BOOL, "spark_submit_uber_jar", NULL, "false",
           "for other SDKs: submits without job server; beamc needs one")
    OPTION(SPARK, TEXT, "spark_version", "VERSION", "3", "of the cluster")
    OPTION(SPARK, TEXT, "checkpoint_dir", "DIR", NULL, "where checkpoints are kept")
    OPTION(SPARK, TEXT, "storage_level", "LEVEL", "MEMORY_ONLY", "of cached collections")

    OPTION(DATAFLOW, TEXT, "project", "ID", NULL, "the Google Cloud project")
    OPTION(DATAFLOW, TEXT, "region", "NAME", NULL, "the region of the job")
    OPTION(DATAFLOW, TEXT, "staging_location", "URL", NULL, "where files are staged")
    OPTION(DATAFLOW, TEXT, "service_account_email", "EMAIL", NULL, "whom workers act as")
    OPTION(DATAFLOW, TEXT, "dataflow_endpoint", "URL", NULL, "of the service")
    OPTION(DATAFLOW, LIST, "dataflow_service_options", NULL, NULL, "features of the service")
    OPTION(DATAFLOW, LIST, "labels", "K=V", NULL, "of the job")
    OPTION(DATAFLOW, BOOL, "update", NULL, "false", "replaces the running job of that name")
    OPTION(DATAFLOW, TEXT, "transform_name_mapping", "JSON", NULL, "old names to new, for update")
    OPTION(DATAFLOW, INT, "num_workers", NULL, NULL, "machines to begin with")
    OPTION(DATAFLOW, INT, "max_num_workers", NULL, NULL, "machines at most")
    OPTION(DATAFLOW, TEXT, "autoscaling_algorithm", "NAME", NULL, "NONE or THROUGHPUT_BASED")
    OPTION(DATAFLOW, TEXT, "worker_machine_type", "TYPE", NULL, "of the machines")
    OPTION(DATAFLOW, INT, "disk_size_gb", NULL, NULL, "of each machine")
    OPTION(DATAFLOW, TEXT, "worker_zone", "NAME", NULL, "the zone of the machines")
    OPTION(DATAFLOW, TEXT, "network", "NAME", NULL, "the network of the machines")
    OPTION(DATAFLOW, TEXT, "subnetwork", "NAME", NULL, "the subnetwork of the machines")
    OPTION(DATAFLOW, BOOL, "use_public_ips", NULL, NULL, "whether machines have public addresses")
    OPTION(DATAFLOW, TEXT, "dataflow_kms_key", "NAME", NULL, "the key that encrypts data")
    OPTION(DATAFLOW, TEXT, "flexrs_goal", "GOAL", NULL, "COST_OPTIMIZED or SPEED_OPTIMIZED")
};

const size_t beamc__options_known_count =
    sizeof(beamc__options_known) / sizeof(beamc__options_known[0]);

const char *const beamc__option_group_titles[BEAMC__OPTIONS_GROUPS] = {
    [BEAMC__OPTIONS_DATA] = "Data, by custom",
    [BEAMC__OPTIONS_RUN] = "Running",
    [BEAMC__OPTIONS_DIRECT] = "On this machine (--runner=direct)",
    [BEAMC__OPTIONS_GENERAL] = "Of runners that are job servers; without effect on this machine",
    [BEAMC__OPTIONS_PORTABLE] = "  Job servers",
    [BEAMC__OPTIONS_WORKER] = "  Workers",
    [BEAMC__OPTIONS_FLINK] = "  Flink",
    [BEAMC__OPTIONS_SPARK] = "  Spark",
    [BEAMC__OPTIONS_DATAFLOW] = "  Dataflow",
};
