/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/report.h"

/* The two answers have entries of the same form, each with a type of its own. */
#define REPORT(name, response_type, entry_type, entry_init)                                        \
    beamc_error *name(response_type *response, const beamc__metrics *metrics, bool in_full,        \
                      beamc__short_ids *ids, beamc_arena *arena)                                   \
    {                                                                                              \
        PB(MonitoringInfo) **infos;                                                                \
        size_t count;                                                                              \
                                                                                                   \
        if (beamc__metrics_to_proto(metrics, arena, &infos, &count) < 0)                           \
            return beamc_error_nomem();                                                            \
        response->monitoring_data = beamc_arena_calloc(arena, count + 1, sizeof(entry_type *));    \
        if (response->monitoring_data == NULL)                                                     \
            return beamc_error_nomem();                                                            \
        for (size_t i = 0; i < count; i++) {                                                       \
            entry_type *entry = beamc_arena_alloc(arena, sizeof(*entry));                          \
            const char *id = beamc__short_ids_of(ids, infos[i]);                                   \
            if (entry == NULL || id == NULL)                                                       \
                return beamc_error_nomem();                                                        \
            entry_init(entry);                                                                     \
            entry->key = (char *)id;                                                               \
            entry->value = infos[i]->payload;                                                      \
            response->monitoring_data[response->n_monitoring_data++] = entry;                      \
        }                                                                                          \
        if (in_full) {                                                                             \
            response->monitoring_infos = infos;                                                    \
            response->n_monitoring_infos = count;                                                  \
        }                                                                                          \
        return NULL;                                                                               \
    }

REPORT(beamc__report_bundle, FN(ProcessBundleResponse),
       FN(ProcessBundleResponse__MonitoringDataEntry),
       fn(process_bundle_response__monitoring_data_entry__init))

REPORT(beamc__report_progress, FN(ProcessBundleProgressResponse),
       FN(ProcessBundleProgressResponse__MonitoringDataEntry),
       fn(process_bundle_progress_response__monitoring_data_entry__init))
