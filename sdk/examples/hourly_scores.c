/* SPDX-License-Identifier: Apache-2.0 */
/* Points per team and hour of a game, from lines of events:
 *
 *     user,team,points,time            user3_amber,amber,7,2026-03-02T08:05:12Z
 *
 *     hourly_scores --input=events.csv --output=scores --start_min=2026-03-02T08:00:00Z
 *
 * Shows rows, a timestamp from a row's field, and composites: steps that belong together are one
 * named box in the graph (--graph=scores.svg --dry_run). */
#include "times.h"
#include <beamc/beamc.h>
#include <errno.h>
#include <stdlib.h>

#define GAME_EVENT(F) F(string, user) F(string, team) F(int64, points) F(timestamp, at)
BEAMC_ROW(game_event, GAME_EVENT)
BEAMC_KV(team_points, string, int64)

BEAMC_COUNTER(malformed_lines, "hourly_scores")
BEAMC_COUNTER(events_out_of_range, "hourly_scores")

/* ---- reading events -------------------------------------------------------------------------- */

/* The next field of a line; false at its end. */
static bool next_field(beamc_string *line, beamc_string *field)
{
    if (line->data == NULL)
        return false;
    const char *comma = line->size > 0 ? (const char *)memchr(line->data, ',', line->size) : NULL;
    *field = *line;
    if (comma == NULL) {
        line->data = NULL;
        return true;
    }
    field->size = (size_t)(comma - line->data);
    line->data = comma + 1;
    line->size -= field->size + 1;
    return true;
}

static bool read_points(int64_t *out, beamc_string text)
{
    char copy[32], *end;

    if (text.size == 0 || text.size >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    errno = 0;
    *out = strtoll(copy, &end, 10);
    return *end == '\0' && errno == 0;
}

BEAMC_DOFN(parse_event, string, game_event)
{
    beamc_string line = *element, points, at;
    game_event event;

    if (!next_field(&line, &event.user) || !next_field(&line, &event.team) ||
        !next_field(&line, &points) || !next_field(&line, &at) || line.data != NULL ||
        !read_points(&event.points, points) || time_read(&event.at, at) == 0) {
        beamc_counter_add(ctx, &malformed_lines, 1);
        beamc_log(ctx, BEAMC_LOG_WARN, "no event: %.*s", BEAMC_STR(*element));
        return NULL;
    }
    return beamc_emit(ctx, &event);
}

#define TIME_RANGE(F) F(timestamp, start) F(timestamp, stop)
BEAMC_ROW(time_range, TIME_RANGE)

static void show_range(const void *config, beamc_display *display)
{
    const time_range *range = (const time_range *)config;
    char text[TIME_SIZE];

    if (range->start != BEAMC_TIMESTAMP_MIN)
        beamc_display_string(display, "start_min", "Events not before",
                             beamc_string_of(time_write(text, range->start)));
    if (range->stop != BEAMC_TIMESTAMP_MAX)
        beamc_display_string(display, "stop_min", "Events before",
                             beamc_string_of(time_write(text, range->stop)));
}

BEAMC_DOFN_WITH(keep_in_range, game_event, game_event, .config = BEAMC_TYPE(time_range),
                .display = show_range)
{
    const time_range *range = (const time_range *)beamc_config(ctx);

    if (element->at >= range->start && element->at < range->stop)
        return beamc_emit(ctx, element);
    beamc_counter_add(ctx, &events_out_of_range, 1);
    return NULL;
}

/* string -> game_event, with the event's time as timestamp. */
static beamc_pcollection read_events(beamc_pcollection lines, const time_range *range)
{
    const beamc_par_do_options in_range = { .config = range };

    beamc_enter(lines.pipeline, "ReadEvents", NULL);
    beamc_pcollection events = beamc_par_do(lines, &parse_event);
    beamc_pcollection kept = beamc_par_do_with(events, &keep_in_range, &in_range);
    beamc_pcollection stamped = beamc_with_timestamps_of(kept, "at", 0);
    beamc_leave(lines.pipeline);
    return stamped;
}

/* ---- adding points --------------------------------------------------------------------------- */

BEAMC_DOFN(points_of_team, game_event, team_points)
{
    const team_points points = { element->team, element->points };
    return beamc_emit(ctx, &points);
}

/* game_event -> KV<team, points>, per window of @size. */
static beamc_pcollection sum_per_team(beamc_pcollection events, int64_t size)
{
    beamc_enter(events.pipeline, "SumPerTeam", NULL);
    beamc_pcollection windowed = beamc_window_into(events, beamc_fixed_windows(size));
    beamc_pcollection sums = beamc_sum_per_key(beamc_par_do(windowed, &points_of_team));
    beamc_leave(events.pipeline);
    return sums;
}

BEAMC_DOFN_WITH(format_points, team_points, string, .observes_window = true)
{
    beamc_interval_window window;
    char start[TIME_SIZE];

    if (!beamc_context_window(ctx, &window))
        return beamc_error_new(BEAMC_EINVAL, "the sums are not windowed");
    return beamc_emitf(ctx, "%s %.*s: %" PRId64, time_write(start, window.start),
                       BEAMC_STR(element->key), element->value);
}

/* ---- the program ----------------------------------------------------------------------------- */

static const beamc_option_spec program_options[] = {
    { .name = "window_duration",
      .help = "how long points are added up",
      .default_value = "1h",
      .kind = BEAMC_OPTION_DURATION },
    { .name = "start_min", .help = "leaves out events before", .placeholder = "TIME" },
    { .name = "stop_min", .help = "leaves out events at and after", .placeholder = "TIME" },
};

static beamc_timestamp time_option(beamc_pipeline *p, const beamc_options *options,
                                   const char *name, beamc_timestamp fallback)
{
    const char *text = beamc_option_or(options, name, NULL);
    beamc_timestamp time = fallback;

    if (text != NULL && time_read(&time, beamc_string_of(text)) != strlen(text))
        beamc_pipeline_fail(p, BEAMC_HERE,
                            beamc_error_new(BEAMC_EINVAL, "--%s=%s: a time is 2026-03-02T08:00:00Z",
                                            name, text));
    return time;
}

static void build(beamc_pipeline *p, const beamc_options *options)
{
    const time_range range = { time_option(p, options, "start_min", BEAMC_TIMESTAMP_MIN),
                               time_option(p, options, "stop_min", BEAMC_TIMESTAMP_MAX) };
    int64_t size = beamc_option_duration(options, "window_duration", 0);

    beamc_pcollection lines = beamc_read_text(p, beamc_option(options, "input"));
    beamc_pcollection sums = sum_per_team(read_events(lines, &range), size);
    beamc_pcollection scores = beamc_par_do(sums, &format_points);
    /* The lines tell their hour, so they need no files for each. */
    beamc_write_text(beamc_window_into(scores, beamc_global_windows()),
                     beamc_option(options, "output"));
}

int main(int argc, char **argv)
{
    return beamc_main_options(argc, argv, build, program_options, 3);
}
