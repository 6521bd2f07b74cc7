/* SPDX-License-Identifier: Apache-2.0 */
#include "runner_kind.h"

#include <string.h>

static const struct {
    const char *name;
    const char *option;  /* of --runner */
    const char *other;   /* as other SDKs say it */
    const char *classes; /* where those of its options are; NULL: it describes none */
} kinds[] = {
    [BEAMC__RUNNER_OTHER] = { "the runner", "portable", "PortableRunner", NULL },
    [BEAMC__RUNNER_DIRECT] = { "the direct runner", "direct", "DirectRunner", NULL },
    [BEAMC__RUNNER_PRISM] = { "Prism", "prism", "PrismRunner", NULL },
    [BEAMC__RUNNER_FLINK] = { "Flink", "flink", "FlinkRunner", "org.apache.beam.runners.flink." },
    [BEAMC__RUNNER_SPARK] = { "Spark", "spark", "SparkRunner", "org.apache.beam.runners.spark." },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

const char *beamc__runner_name(beamc__runner_kind kind)
{
    return kinds[kind].name;
}

beamc__runner_kind beamc__runner_of_name(const char *name)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcasecmp(name, kinds[i].option) == 0 || strcasecmp(name, kinds[i].other) == 0)
            return (beamc__runner_kind)i;
    return BEAMC__RUNNER_OTHER;
}

beamc__runner_kind beamc__runner_of_options(const JOB(DescribePipelineOptionsResponse) *described)
{
    for (size_t i = 0; i < described->n_options; i++) {
        const char *group = described->options[i]->group;
        for (size_t k = 0; k < KINDS; k++)
            if (kinds[k].classes != NULL &&
                strncmp(group, kinds[k].classes, strlen(kinds[k].classes)) == 0)
                return (beamc__runner_kind)k;
    }
    return BEAMC__RUNNER_OTHER;
}

beamc__runner_mode beamc__runner_mode_of(beamc__runner_kind kind, bool streams)
{
    switch (kind) {
    case BEAMC__RUNNER_FLINK:
        return streams ? BEAMC__MODE_FLINK_STREAMING : BEAMC__MODE_FLINK_BATCH;
    case BEAMC__RUNNER_SPARK:
        return streams ? BEAMC__MODE_SPARK_STREAMING : BEAMC__MODE_SPARK_BATCH;
    case BEAMC__RUNNER_PRISM:
        return BEAMC__MODE_PRISM;
    default:
        return BEAMC__MODE_DIRECT;
    }
}

const char *beamc__runner_mode_name(beamc__runner_mode mode)
{
    static const char *const names[] = {
        [BEAMC__MODE_DIRECT] = "the direct runner",
        [BEAMC__MODE_PRISM] = "Prism",
        [BEAMC__MODE_FLINK_BATCH] = "Flink in batch mode",
        [BEAMC__MODE_FLINK_STREAMING] = "Flink in streaming mode",
        [BEAMC__MODE_SPARK_BATCH] = "Spark in batch mode",
        [BEAMC__MODE_SPARK_STREAMING] = "Spark in streaming mode",
    };

    return names[mode];
}
