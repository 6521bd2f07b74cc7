/* SPDX-License-Identifier: Apache-2.0 */
#include "console.h"
#include "number.h"
#include "sdk/base/log_fields.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

enum {
    LINE_MAX_SIZE = 1024,
    ROWS_IF_UNKNOWN = 24,
    COLUMNS_IF_UNKNOWN = 80,
    /* of a line of the block, all but the name: see block_line */
    OTHER_COLUMNS = 55,
    NAME_COLUMNS_MIN = 12,
    NAME_COLUMNS_MAX = 80
};

/* A stage as the last call of progress told it: what is needed to draw it again. */
typedef struct {
    char name[256];
    beamc_stage_state state;
    bool said; /* its end was printed */
    int64_t elements, bytes, bundles_done, bundles;
    int64_t started_ms, ended_ms;
} seen_stage;

struct beamc__console {
    uv_mutex_t lock; /* guards all below */
    FILE *file;      /* borrowed */
    beamc__console_mode mode;
    int rows, columns; /* of a test; 0: ask */
    int drawn;         /* lines of the block on the screen, above the cursor */
    seen_stage *stages;
    size_t stage_count;
    int64_t spilled_bytes;
    beamc_buffer text; /* what is written in one go, so that nothing flickers */
};

beamc__console_mode beamc__console_mode_of(FILE *file, bool quiet)
{
    const char *term = getenv("TERM");

    if (quiet)
        return BEAMC__CONSOLE_QUIET;
    if (!isatty(fileno(file)) || term == NULL || strcmp(term, "dumb") == 0)
        return BEAMC__CONSOLE_PLAIN;
    return BEAMC__CONSOLE_TERMINAL;
}

beamc__console *beamc__console_new(FILE *file, beamc__console_mode mode)
{
    beamc__console *console = (beamc__console *)calloc(1, sizeof(*console));

    if (console == NULL)
        return NULL;
    if (uv_mutex_init(&console->lock) < 0) {
        free(console);
        return NULL;
    }
    console->file = file;
    console->mode = mode;
    beamc_buffer_init(&console->text);
    return console;
}

void beamc__console_free(beamc__console *console)
{
    if (console == NULL)
        return;
    uv_mutex_destroy(&console->lock);
    beamc_buffer_dispose(&console->text);
    free(console->stages);
    free(console);
}

void beamc__console_set_size(beamc__console *console, int rows, int columns)
{
    console->rows = rows;
    console->columns = columns;
}

static void ask_size(const beamc__console *console, int *rows, int *columns)
{
    struct winsize size = { 0 };

    *rows = console->rows;
    *columns = console->columns;
    if (*rows > 0)
        return;
    if (ioctl(fileno(console->file), TIOCGWINSZ, &size) < 0)
        size.ws_row = size.ws_col = 0;
    *rows = size.ws_row > 0 ? size.ws_row : ROWS_IF_UNKNOWN;
    *columns = size.ws_col > 0 ? size.ws_col : COLUMNS_IF_UNKNOWN;
}

static int64_t now_ms(void)
{
    return (int64_t)(uv_hrtime() / 1000000);
}

static int64_t duration_of(const seen_stage *stage)
{
    if (stage->started_ms == 0)
        return 0;
    return (stage->ended_ms != 0 ? stage->ended_ms : now_ms()) - stage->started_ms;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* The name in @columns, its middle left out if it is longer: ends of names tell most. */
static void fit_name(char *out, size_t size, const char *name, size_t columns)
{
    size_t length = strlen(name);

    if (length <= columns || columns < 8) {
        snprintf(out, size, "%.*s", (int)columns, name);
        return;
    }
    size_t head = (columns - 3) / 2, tail = columns - 3 - head;
    snprintf(out, size, "%.*s...%s", (int)head, name, name + length - tail);
}

/* For a line of its own. */
static void format_counts(char *out, size_t size, const seen_stage *stage)
{
    char elements[BEAMC__NUMBER_SIZE], rate[BEAMC__NUMBER_SIZE], bytes[BEAMC__NUMBER_SIZE];
    char took[BEAMC__NUMBER_SIZE];
    int64_t ms = duration_of(stage);

    beamc__number_rate(rate, stage->elements, ms);
    snprintf(out, size, "%s element%s%s%s, %s written, %lld of %lld bundles, %s",
             beamc__number_count(elements, stage->elements), stage->elements == 1 ? "" : "s",
             rate[0] != '\0' ? ", " : "", rate, beamc__number_bytes(bytes, stage->bytes),
             (long long)stage->bundles_done, (long long)stage->bundles,
             beamc__number_time(took, ms));
}

static size_t name_columns(int columns)
{
    int left = columns - 1 - OTHER_COLUMNS;

    return left < NAME_COLUMNS_MIN   ? NAME_COLUMNS_MIN
           : left > NAME_COLUMNS_MAX ? NAME_COLUMNS_MAX
                                     : (size_t)left;
}

/* A line of the block, cut to the terminal's width: one that wraps could not be erased. */
static void put_line(beamc__console *console, int columns, const char *line)
{
    size_t size = strlen(line);

    if (size > (size_t)columns - 1)
        size = (size_t)columns - 1;
    while (size > 0 && line[size - 1] == ' ')
        size--;
    beamc_buffer_append(&console->text, line, size);
    beamc_buffer_append_string(&console->text, "\033[K\n");
    console->drawn++;
}

static void head_line(beamc__console *console, int columns)
{
    char line[LINE_MAX_SIZE];

    snprintf(line, sizeof(line), "      %-*s %11s %9s %8s %7s %9s", (int)name_columns(columns),
             "stage", "elements", "rate", "written", "bundles", "time");
    put_line(console, columns, line);
}

static void block_line(beamc__console *console, int columns, const seen_stage *stage)
{
    static const char *const words[] = { "wait", "run", "done" };
    char line[LINE_MAX_SIZE], name[NAME_COLUMNS_MAX + 1], bundles[BEAMC__NUMBER_SIZE];
    char elements[BEAMC__NUMBER_SIZE], rate[BEAMC__NUMBER_SIZE], bytes[BEAMC__NUMBER_SIZE];
    char took[BEAMC__NUMBER_SIZE];
    int width = (int)name_columns(columns);
    int64_t ms = duration_of(stage);

    fit_name(name, sizeof(name), stage->name, (size_t)width);
    if (stage->state == BEAMC_STAGE_WAITING) {
        snprintf(line, sizeof(line), "%-4s  %s", words[stage->state], name);
    } else {
        snprintf(bundles, sizeof(bundles), "%lld/%lld", (long long)stage->bundles_done,
                 (long long)stage->bundles);
        snprintf(line, sizeof(line), "%-4s  %-*s %11s %9s %8s %7s %9s", words[stage->state], width,
                 name, beamc__number_count(elements, stage->elements),
                 beamc__number_rate(rate, stage->elements, ms),
                 beamc__number_bytes(bytes, stage->bytes), bundles, beamc__number_time(took, ms));
    }
    put_line(console, columns, line);
}

static void erase_block(beamc__console *console)
{
    if (console->drawn > 0)
        beamc_buffer_printf(&console->text, "\033[%dA\r\033[J", console->drawn);
    console->drawn = 0;
}

/* All stages if they fit; else those that run, as many as fit, and how many there are besides. */
static void draw_block(beamc__console *console)
{
    int rows, columns;
    size_t by_state[3] = { 0, 0, 0 };
    size_t shown = 0;

    if (console->mode != BEAMC__CONSOLE_TERMINAL || console->stage_count == 0)
        return;
    ask_size(console, &rows, &columns);
    size_t room = rows > 5 ? (size_t)rows - 4 : 1;
    bool all = console->stage_count <= room;
    head_line(console, columns);
    for (size_t i = 0; i < console->stage_count; i++) {
        const seen_stage *stage = &console->stages[i];
        if (all || (stage->state == BEAMC_STAGE_RUNNING && shown < room)) {
            block_line(console, columns, stage);
            shown++;
        } else {
            by_state[stage->state]++;
        }
    }
    char line[LINE_MAX_SIZE];
    if (shown < console->stage_count) {
        snprintf(line, sizeof(line), "      besides: %zu done, %zu running, %zu waiting",
                 by_state[BEAMC_STAGE_DONE], by_state[BEAMC_STAGE_RUNNING],
                 by_state[BEAMC_STAGE_WAITING]);
        put_line(console, columns, line);
    }
    if (console->spilled_bytes > 0) {
        char bytes[BEAMC__NUMBER_SIZE];
        snprintf(line, sizeof(line), "      %s spilled to disk",
                 beamc__number_bytes(bytes, console->spilled_bytes));
        put_line(console, columns, line);
    }
}

static void flush(beamc__console *console)
{
    if (!beamc_buffer_failed(&console->text) && console->text.size > 0)
        fwrite(console->text.data, 1, console->text.size, console->file);
    fflush(console->file);
    beamc_buffer_clear(&console->text);
}

/* ---- what comes in --------------------------------------------------------------------------- */

/* Without memory the display stays as it was; the run goes on. */
static bool remember(beamc__console *console, const beamc_progress *progress)
{
    if (progress->stage_count > console->stage_count) {
        seen_stage *stages = (seen_stage *)realloc(console->stages,
                                                   progress->stage_count * sizeof(*stages));
        if (stages == NULL)
            return false;
        memset(stages + console->stage_count, 0,
               (progress->stage_count - console->stage_count) * sizeof(*stages));
        console->stages = stages;
    }
    console->stage_count = progress->stage_count;
    console->spilled_bytes = progress->spilled_bytes;
    for (size_t i = 0; i < progress->stage_count; i++) {
        const beamc_stage_progress *from = &progress->stages[i];
        seen_stage *to = &console->stages[i];
        snprintf(to->name, sizeof(to->name), "%s", from->name);
        to->state = from->state;
        to->elements = from->elements;
        to->bytes = from->bytes;
        to->bundles_done = from->bundles_done;
        to->bundles = from->bundles;
        to->started_ms = from->started_ms;
        to->ended_ms = from->ended_ms;
    }
    return true;
}

static void say_ended(beamc__console *console)
{
    char counts[256];

    for (size_t i = 0; i < console->stage_count; i++) {
        seen_stage *stage = &console->stages[i];
        if (stage->state != BEAMC_STAGE_DONE || stage->said)
            continue;
        stage->said = true;
        format_counts(counts, sizeof(counts), stage);
        beamc_buffer_printf(&console->text, "stage %zu of %zu done: %s: %s\n", i + 1,
                            console->stage_count, stage->name, counts);
    }
}

void beamc__console_progress(void *ctx, const beamc_progress *progress)
{
    beamc__console *console = (beamc__console *)ctx;

    if (console->mode == BEAMC__CONSOLE_QUIET)
        return;
    uv_mutex_lock(&console->lock);
    if (remember(console, progress)) {
        if (console->mode == BEAMC__CONSOLE_PLAIN)
            say_ended(console);
        erase_block(console);
        draw_block(console);
        flush(console);
    }
    uv_mutex_unlock(&console->lock);
}

void beamc__console_log(void *ctx, const beamc_log_entry *entry)
{
    beamc__console *console = (beamc__console *)ctx;

    uv_mutex_lock(&console->lock);
    erase_block(console);
    beamc_buffer_append_string(&console->text, beamc_log_level_name(entry->level));
    if (entry->transform != NULL)
        beamc_buffer_printf(&console->text, " [%s]", entry->transform);
    beamc_buffer_printf(&console->text, " %s", entry->message);
    beamc__log_fields_print(entry, &console->text);
    beamc_buffer_printf(&console->text, "\n%s", entry->trace == NULL ? "" : entry->trace);
    draw_block(console);
    flush(console);
    uv_mutex_unlock(&console->lock);
}

void beamc__console_finish(beamc__console *console)
{
    uv_mutex_lock(&console->lock);
    console->drawn = 0;
    console->stage_count = 0;
    uv_mutex_unlock(&console->lock);
}

void beamc__console_print(beamc__console *console, const beamc_buffer *lines)
{
    if (console->mode == BEAMC__CONSOLE_QUIET)
        return;
    uv_mutex_lock(&console->lock);
    erase_block(console);
    beamc_buffer_append(&console->text, lines->data, lines->size);
    draw_block(console);
    flush(console);
    uv_mutex_unlock(&console->lock);
}

void beamc__console_say(beamc__console *console, const char *format, ...)
{
    char text[LINE_MAX_SIZE];
    va_list args;

    va_start(args, format);
    int size = vsnprintf(text, sizeof(text) - 1, format, args);
    va_end(args);
    if (size < 0)
        return;
    strcat(text, "\n");
    const beamc_buffer line = { (uint8_t *)text, strlen(text), sizeof(text), false };
    beamc__console_print(console, &line);
}
