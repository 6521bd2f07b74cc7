/* SPDX-License-Identifier: Apache-2.0 */
/* Logging: entries with a level, a transform and an instruction, given to a sink.
 *
 * A log value names its sink; whoever logs holds one.  The level is tested before anything is
 * formatted, and the sink must not block.  Levels are Beam's LogEntry.Severity.Enum.
 *
 * An entry is a formatted message, or a plain one with fields that programs can search for. */
#ifndef BEAMC_LOG_H
#define BEAMC_LOG_H

#include <beamc/error.h>
#include <stdint.h>
#include <string.h>

BEAMC_EXTERN_C_BEGIN

typedef enum {
    BEAMC_LOG_TRACE = 1,
    BEAMC_LOG_DEBUG = 2,
    BEAMC_LOG_INFO = 3,
    BEAMC_LOG_NOTICE = 4,
    BEAMC_LOG_WARN = 5,
    BEAMC_LOG_ERROR = 6,
    BEAMC_LOG_CRITICAL = 7
} beamc_log_level;

/* ---- fields ---------------------------------------------------------------------------------- */

typedef enum {
    BEAMC_LOG_FIELD_STRING,
    BEAMC_LOG_FIELD_INT64,
    BEAMC_LOG_FIELD_FLOAT64,
    BEAMC_LOG_FIELD_BOOLEAN
} beamc_log_field_kind;

/* A value with a name, beside an entry's message.  Made by the functions below. */
typedef struct {
    const char *name; /* borrowed, as is a string */
    beamc_log_field_kind kind;
    union {
        struct {
            const char *data;
            size_t size;
        } string;
        int64_t int64;
        double float64;
        bool boolean;
    } value;
} beamc_log_field;

/** The first @size bytes of @text. */
static inline beamc_log_field beamc_log_text_of(const char *name, const char *text, size_t size)
{
    beamc_log_field field = { name, BEAMC_LOG_FIELD_STRING, { { text, size } } };
    return field;
}

/** A C string. */
static inline beamc_log_field beamc_log_text(const char *name, const char *text)
{
    return beamc_log_text_of(name, text, strlen(text));
}

/** Numbers and truths. */
static inline beamc_log_field beamc_log_int64(const char *name, int64_t value)
{
    beamc_log_field field = beamc_log_text_of(name, NULL, 0);
    field.kind = BEAMC_LOG_FIELD_INT64;
    field.value.int64 = value;
    return field;
}

static inline beamc_log_field beamc_log_float64(const char *name, double value)
{
    beamc_log_field field = beamc_log_text_of(name, NULL, 0);
    field.kind = BEAMC_LOG_FIELD_FLOAT64;
    field.value.float64 = value;
    return field;
}

static inline beamc_log_field beamc_log_boolean(const char *name, bool value)
{
    beamc_log_field field = beamc_log_text_of(name, NULL, 0);
    field.kind = BEAMC_LOG_FIELD_BOOLEAN;
    field.value.boolean = value;
    return field;
}

/* ---- entries --------------------------------------------------------------------------------- */

/* What a sink is given. */
typedef struct {
    beamc_log_level level;
    int64_t time_ms;         /* since the epoch */
    const char *message;     /* all of this is borrowed for the call */
    const char *instruction; /* id of the bundle, or NULL */
    const char *transform;   /* unique name, or NULL */
    const char *file;        /* where it was logged, or NULL */
    int line;
    const char *trace; /* a stack of calls, a line for each, or NULL */
    const beamc_log_field *fields;
    size_t field_count;
} beamc_log_entry;

/* Takes entries; called from any thread, several at once. */
typedef struct {
    void (*write)(void *ctx, const beamc_log_entry *entry);
    void *ctx;
} beamc_log_sink;

/* ---- levels of single places ----------------------------------------------------------------- */

/* A level in place of the general one, for what has this name:
 *
 *     "Count/extract", "Count"   a transform, by its unique name, or a composite around it;
 *     "extract_words"            else a DoFn, by the name of its table, wherever it is used;
 *     "words.c", "shop/words.c"  else a source file that logs, by the end of its path.
 *
 * Of several that name a transform, or a file, the longest counts. */
typedef struct {
    const char *name;
    beamc_log_level level;
} beamc_log_override;

/* All of it borrowed. */
typedef struct {
    const beamc_log_override *list;
    size_t count;
} beamc_log_overrides;

/* Levels by source files; of the harness. */
typedef struct beamc_log_files beamc_log_files;

/* ---- logging --------------------------------------------------------------------------------- */

/* Where entries go, and what all of them say; borrowed. */
typedef struct {
    const beamc_log_sink *sink; /* NULL drops everything */
    beamc_log_level level;      /* entries below this are dropped */
    const char *instruction;    /* of the entries; NULL: none */
    const char *transform;      /* likewise */
    const beamc_log_files *files; /* a second look at what passed the level; NULL: none */
} beamc_log_target;

/** What the macros below call once @target's level lets them: writes an entry with the time of day.  A
 *  message that there is no memory for is cut.  Any thread. */
BEAMC_API void beamc_log_write(const beamc_log_target *target, beamc_log_level level,
                               const char *file, int line, const char *format, ...)
    BEAMC_PRINTF(5, 6);
BEAMC_API void beamc_log_write_fields(const beamc_log_target *target, beamc_log_level level,
                                      const char *file, int line, const char *message,
                                      const beamc_log_field *fields, size_t field_count);

/** Logs to a `const beamc_log_target *` when its level lets it. */
#define beamc_log_to(target, level_, ...)                                                          \
    do {                                                                                           \
        const beamc_log_target *beamc_log_target_ = (target);                                      \
        if (beamc_log_target_->sink != NULL && (level_) >= beamc_log_target_->level)               \
            beamc_log_write(beamc_log_target_, (level_), __FILE__, __LINE__, __VA_ARGS__);         \
    } while (0)

/** The same with a plain message and at least one field:
 *
 *      beamc_log_fields_to(target, BEAMC_LOG_WARN, "strange sale", beamc_log_text("shop", shop),
 *                          beamc_log_int64("cents", cents));
 *
 *  Nothing of it is evaluated where the level does not let it. */
#define beamc_log_fields_to(target, level_, message, ...)                                          \
    do {                                                                                           \
        const beamc_log_target *beamc_log_target_ = (target);                                      \
        if (beamc_log_target_->sink != NULL && (level_) >= beamc_log_target_->level) {             \
            const beamc_log_field beamc_log_fields_[] = { __VA_ARGS__ };                           \
            beamc_log_write_fields(beamc_log_target_, (level_), __FILE__, __LINE__, (message),     \
                                   beamc_log_fields_,                                              \
                                   sizeof(beamc_log_fields_) / sizeof(*beamc_log_fields_));        \
        }                                                                                          \
    } while (0)

/** Writes entries as lines "LEVEL [transform] message name=value" to standard error, and their traces
 *  below; ctx is not used. */
BEAMC_API void beamc_log_write_stderr(void *ctx, const beamc_log_entry *entry);

/** "INFO"; and back: false if the name is none of Beam's.  WARNING is read as Python has it, and OFF,
 *  which Java has, as CRITICAL. */
BEAMC_API const char *beamc_log_level_name(beamc_log_level level);
BEAMC_API bool beamc_log_level_parse(beamc_log_level *out, const char *name);

BEAMC_EXTERN_C_END

#endif
