/* SPDX-License-Identifier: Apache-2.0 */
/* URNs and other names that cross the wire as text.  Private: public headers never include it.
 *
 * Those of the model block are options of enum values in the .proto files; what each means is told
 * there.  `make check-proto` compares the block with the published descriptors, both ways, so what
 * Beam does not publish has to stay below it. */
#ifndef BEAMC_PROTO_URNS_H
#define BEAMC_PROTO_URNS_H

/* model */

/* Transforms. */
#define BEAMC_URN_PARDO "beam:transform:pardo:v1"
#define BEAMC_URN_FLATTEN "beam:transform:flatten:v1"
#define BEAMC_URN_GROUP_BY_KEY "beam:transform:group_by_key:v1"
#define BEAMC_URN_IMPULSE "beam:transform:impulse:v1"
#define BEAMC_URN_WINDOW_INTO "beam:transform:window_into:v1"
#define BEAMC_URN_TEST_STREAM "beam:transform:teststream:v1"
#define BEAMC_URN_MAP_WINDOWS "beam:transform:map_windows:v1"
#define BEAMC_URN_MERGE_WINDOWS "beam:transform:merge_windows:v1"
#define BEAMC_URN_TO_STRING "beam:transform:to_string:v1"

/* Met in older Java graphs. */
#define BEAMC_URN_READ "beam:transform:read:v1"
#define BEAMC_URN_CREATE_VIEW "beam:transform:create_view:v1"

/* Composites that a runner may replace. */
#define BEAMC_URN_COMBINE_PER_KEY "beam:transform:combine_per_key:v1"
#define BEAMC_URN_COMBINE_GLOBALLY "beam:transform:combine_globally:v1"
#define BEAMC_URN_RESHUFFLE "beam:transform:reshuffle:v1"
#define BEAMC_URN_WRITE_FILES "beam:transform:write_files:v1"
#define BEAMC_URN_PUBSUB_READ "beam:transform:pubsub_read:v1"
#define BEAMC_URN_PUBSUB_WRITE "beam:transform:pubsub_write:v1"
#define BEAMC_URN_PUBSUB_WRITE_V2 "beam:transform:pubsub_write:v2"
#define BEAMC_URN_GROUP_INTO_BATCHES_WITH_SHARDED_KEY \
    "beam:transform:group_into_batches_with_sharded_key:v1"
#define BEAMC_URN_REDISTRIBUTE_BY_KEY "beam:transform:redistribute_by_key:v1"
#define BEAMC_URN_REDISTRIBUTE_ARBITRARILY "beam:transform:redistribute_arbitrarily:v1"
#define BEAMC_URN_GROUP_INTO_BATCHES "beam:transform:group_into_batches:v1"

/* Parts of a lifted combine. */
#define BEAMC_URN_COMBINE_PER_KEY_PRECOMBINE "beam:transform:combine_per_key_precombine:v1"
#define BEAMC_URN_COMBINE_PER_KEY_MERGE_ACCUMULATORS \
    "beam:transform:combine_per_key_merge_accumulators:v1"
#define BEAMC_URN_COMBINE_PER_KEY_EXTRACT_OUTPUTS \
    "beam:transform:combine_per_key_extract_outputs:v1"
#define BEAMC_URN_COMBINE_GROUPED_VALUES "beam:transform:combine_grouped_values:v1"
#define BEAMC_URN_COMBINE_PER_KEY_CONVERT_TO_ACCUMULATORS \
    "beam:transform:combine_per_key_convert_to_accumulators:v1"

/* Parts of a splittable DoFn. */
#define BEAMC_URN_SDF_PAIR_WITH_RESTRICTION "beam:transform:sdf_pair_with_restriction:v1"
#define BEAMC_URN_SDF_SPLIT_AND_SIZE_RESTRICTIONS \
    "beam:transform:sdf_split_and_size_restrictions:v1"
#define BEAMC_URN_SDF_PROCESS_SIZED_ELEMENT_AND_RESTRICTIONS \
    "beam:transform:sdf_process_sized_element_and_restrictions:v1"
#define BEAMC_URN_SDF_TRUNCATE_SIZED_RESTRICTIONS \
    "beam:transform:sdf_truncate_sized_restrictions:v1"

/* Ends of a stage. */
#define BEAMC_URN_DATA_SOURCE "beam:runner:source:v1"
#define BEAMC_URN_DATA_SINK "beam:runner:sink:v1"

/* Coders. */
#define BEAMC_URN_CODER_BYTES "beam:coder:bytes:v1"
#define BEAMC_URN_CODER_STRING_UTF8 "beam:coder:string_utf8:v1"
#define BEAMC_URN_CODER_KV "beam:coder:kv:v1"
#define BEAMC_URN_CODER_BOOL "beam:coder:bool:v1"
#define BEAMC_URN_CODER_VARINT "beam:coder:varint:v1"
#define BEAMC_URN_CODER_DOUBLE "beam:coder:double:v1"
#define BEAMC_URN_CODER_ITERABLE "beam:coder:iterable:v1"
#define BEAMC_URN_CODER_TIMER "beam:coder:timer:v1"
#define BEAMC_URN_CODER_INTERVAL_WINDOW "beam:coder:interval_window:v1"
#define BEAMC_URN_CODER_LENGTH_PREFIX "beam:coder:length_prefix:v1"
#define BEAMC_URN_CODER_GLOBAL_WINDOW "beam:coder:global_window:v1"
#define BEAMC_URN_CODER_WINDOWED_VALUE "beam:coder:windowed_value:v1"
#define BEAMC_URN_CODER_PARAM_WINDOWED_VALUE "beam:coder:param_windowed_value:v1"
#define BEAMC_URN_CODER_STATE_BACKED_ITERABLE "beam:coder:state_backed_iterable:v1"
#define BEAMC_URN_CODER_CUSTOM_WINDOW "beam:coder:custom_window:v1"
#define BEAMC_URN_CODER_ROW "beam:coder:row:v1"
#define BEAMC_URN_CODER_SCHEMA "beam:coder:schema:v1"
#define BEAMC_URN_CODER_SHARDED_KEY "beam:coder:sharded_key:v1"
#define BEAMC_URN_CODER_NULLABLE "beam:coder:nullable:v1"

/* Window functions. */
#define BEAMC_URN_WINDOW_FN_GLOBAL_WINDOWS "beam:window_fn:global_windows:v1"
#define BEAMC_URN_WINDOW_FN_FIXED_WINDOWS "beam:window_fn:fixed_windows:v1"
#define BEAMC_URN_WINDOW_FN_SLIDING_WINDOWS "beam:window_fn:sliding_windows:v1"
#define BEAMC_URN_WINDOW_FN_SESSION_WINDOWS "beam:window_fn:session_windows:v1"

/* Side inputs and user state. */
#define BEAMC_URN_SIDE_INPUT_ITERABLE "beam:side_input:iterable:v1"
#define BEAMC_URN_SIDE_INPUT_MULTIMAP "beam:side_input:multimap:v1"
#define BEAMC_URN_USER_STATE_BAG "beam:user_state:bag:v1"
#define BEAMC_URN_USER_STATE_MULTIMAP "beam:user_state:multimap:v1"
#define BEAMC_URN_USER_STATE_ORDERED_LIST "beam:user_state:ordered_list:v1"

/* Environments. */
#define BEAMC_URN_ENV_DOCKER "beam:env:docker:v1"
#define BEAMC_URN_ENV_PROCESS "beam:env:process:v1"
#define BEAMC_URN_ENV_EXTERNAL "beam:env:external:v1"
#define BEAMC_URN_ENV_DEFAULT "beam:env:default:v1"
#define BEAMC_URN_ENV_ANYOF "beam:env:anyof:v1"

/* Artifacts. */
#define BEAMC_URN_ARTIFACT_TYPE_FILE "beam:artifact:type:file:v1"
#define BEAMC_URN_ARTIFACT_TYPE_URL "beam:artifact:type:url:v1"
#define BEAMC_URN_ARTIFACT_TYPE_EMBEDDED "beam:artifact:type:embedded:v1"
#define BEAMC_URN_ARTIFACT_TYPE_PYPI "beam:artifact:type:pypi:v1"
#define BEAMC_URN_ARTIFACT_TYPE_MAVEN "beam:artifact:type:maven:v1"
#define BEAMC_URN_ARTIFACT_TYPE_DEFERRED "beam:artifact:type:deferred:v1"
#define BEAMC_URN_ARTIFACT_ROLE_STAGING_TO "beam:artifact:role:staging_to:v1"
#define BEAMC_URN_ARTIFACT_ROLE_PIP_REQUIREMENTS_FILE "beam:artifact:role:pip_requirements_file:v1"
#define BEAMC_URN_ARTIFACT_ROLE_GO_WORKER_BINARY "beam:artifact:role:go_worker_binary:v1"

/* What an SDK can do: Environment.capabilities. */
#define BEAMC_URN_PROTOCOL_LEGACY_PROGRESS_REPORTING "beam:protocol:progress_reporting:v0"
#define BEAMC_URN_PROTOCOL_PROGRESS_REPORTING "beam:protocol:progress_reporting:v1"
#define BEAMC_URN_PROTOCOL_WORKER_STATUS "beam:protocol:worker_status:v1"
#define BEAMC_URN_PROTOCOL_MULTI_CORE_BUNDLE_PROCESSING \
    "beam:protocol:multi_core_bundle_processing:v1"
#define BEAMC_URN_PROTOCOL_SIBLING_WORKERS "beam:protocol:sibling_workers:v1"
#define BEAMC_URN_PROTOCOL_HARNESS_MONITORING_INFOS "beam:protocol:harness_monitoring_infos:v1"
#define BEAMC_URN_PROTOCOL_CONTROL_REQUEST_ELEMENTS_EMBEDDING \
    "beam:protocol:control_request_elements_embedding:v1"
#define BEAMC_URN_PROTOCOL_STATE_CACHING "beam:protocol:state_caching:v1"
#define BEAMC_URN_PROTOCOL_DATA_SAMPLING "beam:protocol:data_sampling:v1"
#define BEAMC_URN_PROTOCOL_SDK_CONSUMING_RECEIVED_DATA \
    "beam:protocol:sdk_consuming_received_data:v1"
#define BEAMC_URN_PROTOCOL_ORDERED_LIST_STATE "beam:protocol:ordered_list_state:v1"
#define BEAMC_URN_PROTOCOL_ELEMENT_METADATA "beam:protocol:element_metadata:v1"
#define BEAMC_URN_PROTOCOL_MULTIMAP_STATE "beam:protocol:multimap_state:v1"
#define BEAMC_URN_PROTOCOL_NAMED_DATA_STREAMS "beam:protocol:named_data_streams:v1"

/* What a runner can do: ProvisionInfo.runner_capabilities. */
#define BEAMC_URN_PROTOCOL_MONITORING_INFO_SHORT_IDS "beam:protocol:monitoring_info_short_ids:v1"
#define BEAMC_URN_PROTOCOL_CONTROL_RESPONSE_ELEMENTS_EMBEDDING \
    "beam:protocol:control_response_elements_embedding:v1"
#define BEAMC_URN_PROTOCOL_MULTIMAP_KEYS_VALUES_SIDE_INPUT \
    "beam:protocol:multimap_keys_values_side_input:v1"

/* What a pipeline requires: Pipeline.requirements. */
#define BEAMC_URN_REQUIREMENT_STATEFUL "beam:requirement:pardo:stateful:v1"
#define BEAMC_URN_REQUIREMENT_FINALIZATION "beam:requirement:pardo:finalization:v1"
#define BEAMC_URN_REQUIREMENT_STABLE_INPUT "beam:requirement:pardo:stable_input:v1"
#define BEAMC_URN_REQUIREMENT_TIME_SORTED_INPUT "beam:requirement:pardo:time_sorted_input:v1"
#define BEAMC_URN_REQUIREMENT_SPLITTABLE_DOFN "beam:requirement:pardo:splittable_dofn:v1"
#define BEAMC_URN_REQUIREMENT_ON_WINDOW_EXPIRATION "beam:requirement:pardo:on_window_expiration:v1"

/* Resource hints, display data. */
#define BEAMC_URN_RESOURCE_ACCELERATOR "beam:resources:accelerator:v1"
#define BEAMC_URN_RESOURCE_MIN_RAM_BYTES "beam:resources:min_ram_bytes:v1"
#define BEAMC_URN_RESOURCE_CPU_COUNT "beam:resources:cpu_count:v1"
#define BEAMC_URN_RESOURCE_MAX_ACTIVE_BUNDLES_PER_WORKER \
    "beam:resources:max_active_bundles_per_worker:v1"
#define BEAMC_URN_DISPLAY_DATA_LABELLED "beam:display_data:labelled:v1"

/* Logical types of schemas. */
#define BEAMC_URN_LOGICAL_TYPE_PYTHON_CALLABLE "beam:logical_type:python_callable:v1"
#define BEAMC_URN_LOGICAL_TYPE_MICROS_INSTANT "beam:logical_type:micros_instant:v1"
#define BEAMC_URN_LOGICAL_TYPE_MILLIS_INSTANT "beam:logical_type:millis_instant:v1"
#define BEAMC_URN_LOGICAL_TYPE_DECIMAL "beam:logical_type:decimal:v1"
#define BEAMC_URN_LOGICAL_TYPE_FIXED_BYTES "beam:logical_type:fixed_bytes:v1"
#define BEAMC_URN_LOGICAL_TYPE_VAR_BYTES "beam:logical_type:var_bytes:v1"
#define BEAMC_URN_LOGICAL_TYPE_FIXED_CHAR "beam:logical_type:fixed_char:v1"
#define BEAMC_URN_LOGICAL_TYPE_VAR_CHAR "beam:logical_type:var_char:v1"
#define BEAMC_URN_LOGICAL_TYPE_DATE "beam:logical_type:date:v1"
#define BEAMC_URN_LOGICAL_TYPE_TIMESTAMP "beam:logical_type:timestamp:v1"

/* Metrics. */
#define BEAMC_URN_METRIC_USER_SUM_INT64 "beam:metric:user:sum_int64:v1"
#define BEAMC_URN_METRIC_USER_SUM_DOUBLE "beam:metric:user:sum_double:v1"
#define BEAMC_URN_METRIC_USER_DISTRIBUTION_INT64 "beam:metric:user:distribution_int64:v1"
#define BEAMC_URN_METRIC_USER_DISTRIBUTION_DOUBLE "beam:metric:user:distribution_double:v1"
#define BEAMC_URN_METRIC_USER_LATEST_INT64 "beam:metric:user:latest_int64:v1"
#define BEAMC_URN_METRIC_USER_LATEST_DOUBLE "beam:metric:user:latest_double:v1"
#define BEAMC_URN_METRIC_USER_TOP_N_INT64 "beam:metric:user:top_n_int64:v1"
#define BEAMC_URN_METRIC_USER_TOP_N_DOUBLE "beam:metric:user:top_n_double:v1"
#define BEAMC_URN_METRIC_USER_BOTTOM_N_INT64 "beam:metric:user:bottom_n_int64:v1"
#define BEAMC_URN_METRIC_USER_BOTTOM_N_DOUBLE "beam:metric:user:bottom_n_double:v1"
#define BEAMC_URN_METRIC_USER_SET_STRING "beam:metric:user:set_string:v1"
#define BEAMC_URN_METRIC_USER_BOUNDED_TRIE "beam:metric:user:bounded_trie:v1"
#define BEAMC_URN_METRIC_ELEMENT_COUNT "beam:metric:element_count:v1"
#define BEAMC_URN_METRIC_SAMPLED_BYTE_SIZE "beam:metric:sampled_byte_size:v1"
#define BEAMC_URN_METRIC_START_BUNDLE_MSECS "beam:metric:pardo_execution_time:start_bundle_msecs:v1"
#define BEAMC_URN_METRIC_PROCESS_BUNDLE_MSECS \
    "beam:metric:pardo_execution_time:process_bundle_msecs:v1"
#define BEAMC_URN_METRIC_FINISH_BUNDLE_MSECS \
    "beam:metric:pardo_execution_time:finish_bundle_msecs:v1"
#define BEAMC_URN_METRIC_TOTAL_MSECS "beam:metric:ptransform_execution_time:total_msecs:v1"
#define BEAMC_URN_METRIC_WORK_REMAINING "beam:metric:ptransform_progress:remaining:v1"
#define BEAMC_URN_METRIC_WORK_COMPLETED "beam:metric:ptransform_progress:completed:v1"
#define BEAMC_URN_METRIC_DATA_CHANNEL_READ_INDEX "beam:metric:data_channel:read_index:v1"
#define BEAMC_URN_METRIC_API_REQUEST_COUNT "beam:metric:io:api_request_count:v1"
#define BEAMC_URN_METRIC_API_REQUEST_LATENCIES "beam:metric:io:api_request_latencies:v1"
#define BEAMC_URN_METRIC_USER_HISTOGRAM_INT64 "beam:metric:user:histogram_int64:v1"

/* Types of metrics. */
#define BEAMC_URN_METRIC_TYPE_SUM_INT64 "beam:metrics:sum_int64:v1"
#define BEAMC_URN_METRIC_TYPE_SUM_DOUBLE "beam:metrics:sum_double:v1"
#define BEAMC_URN_METRIC_TYPE_DISTRIBUTION_INT64 "beam:metrics:distribution_int64:v1"
#define BEAMC_URN_METRIC_TYPE_DISTRIBUTION_DOUBLE "beam:metrics:distribution_double:v1"
#define BEAMC_URN_METRIC_TYPE_LATEST_INT64 "beam:metrics:latest_int64:v1"
#define BEAMC_URN_METRIC_TYPE_LATEST_DOUBLE "beam:metrics:latest_double:v1"
#define BEAMC_URN_METRIC_TYPE_TOP_N_INT64 "beam:metrics:top_n_int64:v1"
#define BEAMC_URN_METRIC_TYPE_TOP_N_DOUBLE "beam:metrics:top_n_double:v1"
#define BEAMC_URN_METRIC_TYPE_BOTTOM_N_INT64 "beam:metrics:bottom_n_int64:v1"
#define BEAMC_URN_METRIC_TYPE_BOTTOM_N_DOUBLE "beam:metrics:bottom_n_double:v1"
#define BEAMC_URN_METRIC_TYPE_PROGRESS "beam:metrics:progress:v1"
#define BEAMC_URN_METRIC_TYPE_SET_STRING "beam:metrics:set_string:v1"
#define BEAMC_URN_METRIC_TYPE_BOUNDED_TRIE "beam:metrics:bounded_trie:v1"
#define BEAMC_URN_METRIC_TYPE_HISTOGRAM_INT64 "beam:metrics:histogram_int64:v1"

/* Labels of metrics. */
#define BEAMC_LABEL_PTRANSFORM "PTRANSFORM"
#define BEAMC_LABEL_PCOLLECTION "PCOLLECTION"
#define BEAMC_LABEL_WINDOWING_STRATEGY "WINDOWING_STRATEGY"
#define BEAMC_LABEL_CODER "CODER"
#define BEAMC_LABEL_ENVIRONMENT "ENVIRONMENT"
#define BEAMC_LABEL_NAMESPACE "NAMESPACE"
#define BEAMC_LABEL_NAME "NAME"
#define BEAMC_LABEL_SERVICE "SERVICE"
#define BEAMC_LABEL_METHOD "METHOD"
#define BEAMC_LABEL_RESOURCE "RESOURCE"
#define BEAMC_LABEL_STATUS "STATUS"
#define BEAMC_LABEL_BIGQUERY_PROJECT_ID "BIGQUERY_PROJECT_ID"
#define BEAMC_LABEL_BIGQUERY_DATASET "BIGQUERY_DATASET"
#define BEAMC_LABEL_BIGQUERY_TABLE "BIGQUERY_TABLE"
#define BEAMC_LABEL_BIGQUERY_VIEW "BIGQUERY_VIEW"
#define BEAMC_LABEL_BIGQUERY_QUERY_NAME "BIGQUERY_QUERY_NAME"
#define BEAMC_LABEL_GCS_BUCKET "GCS_BUCKET"
#define BEAMC_LABEL_GCS_PROJECT_ID "GCS_PROJECT_ID"
#define BEAMC_LABEL_DATASTORE_PROJECT "DATASTORE_PROJECT"
#define BEAMC_LABEL_DATASTORE_NAMESPACE "DATASTORE_NAMESPACE"
#define BEAMC_LABEL_BIGTABLE_PROJECT_ID "BIGTABLE_PROJECT_ID"
#define BEAMC_LABEL_INSTANCE_ID "INSTANCE_ID"
#define BEAMC_LABEL_TABLE_ID "TABLE_ID"
#define BEAMC_LABEL_SPANNER_PROJECT_ID "SPANNER_PROJECT_ID"
#define BEAMC_LABEL_SPANNER_DATABASE_ID "SPANNER_DATABASE_ID"
#define BEAMC_LABEL_SPANNER_TABLE_ID "SPANNER_TABLE_ID"
#define BEAMC_LABEL_SPANNER_INSTANCE_ID "SPANNER_INSTANCE_ID"
#define BEAMC_LABEL_SPANNER_QUERY_NAME "SPANNER_QUERY_NAME"
#define BEAMC_LABEL_PER_WORKER_METRIC "PER_WORKER_METRIC"

/* Kinds of expansion, and schema transforms that a runner may upgrade. */
#define BEAMC_URN_EXPANSION_JAVA_CLASS_LOOKUP "beam:expansion:payload:java_class_lookup:v1"
#define BEAMC_URN_EXPANSION_SCHEMA_TRANSFORM "beam:expansion:payload:schematransform:v1"
#define BEAMC_URN_MANAGED_ICEBERG_READ "beam:schematransform:org.apache.beam:iceberg_read:v1"
#define BEAMC_URN_MANAGED_ICEBERG_WRITE "beam:schematransform:org.apache.beam:iceberg_write:v1"
#define BEAMC_URN_MANAGED_KAFKA_READ "beam:schematransform:org.apache.beam:kafka_read:v1"
#define BEAMC_URN_MANAGED_KAFKA_WRITE "beam:schematransform:org.apache.beam:kafka_write:v1"
#define BEAMC_URN_MANAGED_BIGQUERY_READ \
    "beam:schematransform:org.apache.beam:bigquery_storage_read:v1"
#define BEAMC_URN_MANAGED_BIGQUERY_WRITE "beam:schematransform:org.apache.beam:bigquery_write:v1"
#define BEAMC_URN_MANAGED_ICEBERG_CDC_READ \
    "beam:schematransform:org.apache.beam:iceberg_cdc_read:v1"
#define BEAMC_URN_MANAGED_POSTGRES_READ "beam:schematransform:org.apache.beam:postgres_read:v1"
#define BEAMC_URN_MANAGED_POSTGRES_WRITE "beam:schematransform:org.apache.beam:postgres_write:v1"
#define BEAMC_URN_MANAGED_MYSQL_READ "beam:schematransform:org.apache.beam:mysql_read:v1"
#define BEAMC_URN_MANAGED_MYSQL_WRITE "beam:schematransform:org.apache.beam:mysql_write:v1"
#define BEAMC_URN_MANAGED_SQL_SERVER_READ "beam:schematransform:org.apache.beam:sql_server_read:v1"
#define BEAMC_URN_MANAGED_SQL_SERVER_WRITE \
    "beam:schematransform:org.apache.beam:sql_server_write:v1"
#define BEAMC_URN_MANAGED_DELTA_LAKE_READ "beam:schematransform:org.apache.beam:delta_lake_read:v1"
#define BEAMC_URN_MANAGED_DELTA_LAKE_CDC_READ \
    "beam:schematransform:org.apache.beam:delta_lake_cdc_read:v1"

/* Keys of PTransform.annotations. */
#define BEAMC_ANNOTATION_CONFIG_ROW "config_row"
#define BEAMC_ANNOTATION_CONFIG_ROW_SCHEMA "config_row_schema"
#define BEAMC_ANNOTATION_SCHEMATRANSFORM_URN "schematransform_urn"
#define BEAMC_ANNOTATION_MANAGED_UNDERLYING_TRANSFORM_URN "managed_underlying_transform_urn"

/* Bounds of event time in milliseconds, as text; numbers are in <beamc/type.h>. */
#define BEAMC_TEXT_MIN_TIMESTAMP_MILLIS "-9223372036854775"
#define BEAMC_TEXT_MAX_TIMESTAMP_MILLIS "9223372036854775"
#define BEAMC_TEXT_GLOBAL_WINDOW_MAX_TIMESTAMP_MILLIS "9223371950454775"

/* The retrieval token when nothing was staged. */
#define BEAMC_TEXT_NO_ARTIFACTS_STAGED_TOKEN "__no_artifacts_staged__"

/* end of model */

/* Met in the graphs of several SDKs, but published nowhere. */
#define BEAMC_URN_CREATE "beam:transform:create:v1"
#define BEAMC_URN_GENERIC_COMPOSITE "beam:transform:generic_composite:v1"
#define BEAMC_URN_EXTERNAL "beam:transform:external:v1"
#define BEAMC_URN_MANAGED "beam:transform:managed:v1"
#define BEAMC_URN_EXECUTABLE_STAGE "beam:runner:executable_stage:v1"

/* The name under which a program stages itself for its workers, as Beam's Go SDK does. */
#define BEAMC_TEXT_STAGED_PROGRAM "worker"

/* The container image of workers, where no other is given. */
#define BEAMC_TEXT_WORKER_IMAGE "apache/beam_c_sdk:latest"

/* The option that tells workers of which build of the program their job is. */
#define BEAMC_TEXT_BUILD_ID_OPTION "beamc_build_id"

/* From a window of the main input to one of a side input.  A runner may act as if the mapping were
 * the usual one of the side input's window function. */
#define BEAMC_URN_WINDOW_MAPPING_FN_GLOBAL "beam:window_mapping_fn:global:v1"
#define BEAMC_URN_WINDOW_MAPPING_FN_IDENTITY "beam:window_mapping_fn:identity:v1"
#define BEAMC_URN_WINDOW_MAPPING_FN_ASSIGN_MAX_TIMESTAMP \
    "beam:window_mapping_fn:assign_max_timestamp:v1"

/* Logical types that Java and Python use besides the published ones. */
#define BEAMC_URN_LOGICAL_TYPE_FIXED_DECIMAL "beam:logical_type:fixed_decimal:v1"
#define BEAMC_URN_LOGICAL_TYPE_NANOS_INSTANT "beam:logical_type:nanos_instant:v1"
#define BEAMC_URN_LOGICAL_TYPE_NANOS_DURATION "beam:logical_type:nanos_duration:v1"
#define BEAMC_URN_LOGICAL_TYPE_DATETIME "beam:logical_type:datetime:v1"
#define BEAMC_URN_LOGICAL_TYPE_TIME "beam:logical_type:time:v1"
#define BEAMC_URN_LOGICAL_TYPE_UUID "beam:logical_type:uuid:v1"
#define BEAMC_URN_LOGICAL_TYPE_ANY "beam:logical:pythonsdk_any:v1"

/* What is put before a name to make a capability or an option of it, and after an option. */
#define BEAMC_URN_VERSION_SDK_BASE_PREFIX "beam:version:sdk_base:"
#define BEAMC_URN_OPTION_PREFIX "beam:option:"
#define BEAMC_URN_OPTION_SUFFIX ":v1"

/* Ours: the payloads are read by nobody but a worker of the same program. */
#define BEAMC_URN_OWN_DOFN "beam:dofn:csdk:v1"
#define BEAMC_URN_OWN_COMBINE_FN "beam:combinefn:csdk:v1"
#define BEAMC_URN_OWN_WINDOW_FN "beam:window_fn:csdk:v1"
#define BEAMC_URN_OWN_VIEW_FN "beam:view_fn:csdk:v1"
#define BEAMC_URN_OWN_CODER "beam:coder:csdk:v1"

#endif
