/* SPDX-License-Identifier: Apache-2.0 */
#include "log_options.h"

#include "harness/container/log_overrides.h"
#include "json_value.h"
#include "sdk/pipeline/options.h"

#define LEVELS "TRACE, DEBUG, INFO, NOTICE, WARN, ERROR or CRITICAL"

static beamc_error *read_overrides(beamc_log_overrides *out, const char *text, beamc_arena *arena)
{
    beamc__json_value *value;
    const char *wrong;

    BEAMC_TRY(beamc__json_parse(&value, text, arena));
    if (beamc__json_as_object(value) == NULL)
        return beamc_error_new(BEAMC_EINVAL, "it is an object of names and levels, such as "
                                             "{\"extract_words\": \"DEBUG\"}");
    BEAMC_TRY(beamc__log_overrides_read(out, beamc__json_as_object(value), &wrong, arena));
    return wrong == NULL ? NULL
                         : beamc_error_new(BEAMC_EINVAL, "the level of \"%s\" is " LEVELS, wrong);
}

beamc_error *beamc__log_options_read(beamc_log_level *level, beamc_log_overrides *overrides,
                                     const beamc_options *options)
{
    const char *name = beamc_option(options, "default_sdk_harness_log_level");
    const char *text = beamc_option_or(options, "sdk_harness_log_level_overrides", NULL);

    *overrides = (beamc_log_overrides){ NULL, 0 };
    if (!beamc_log_level_parse(level, name))
        return beamc_error_new(BEAMC_EINVAL, "--default_sdk_harness_log_level=%s: it is " LEVELS,
                               name);
    if (text == NULL)
        return NULL;
    return beamc_error_wrap(read_overrides(overrides, text, options->arena),
                            "--sdk_harness_log_level_overrides");
}
