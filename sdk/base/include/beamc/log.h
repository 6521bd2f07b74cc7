/* SPDX-License-Identifier: Apache-2.0 */
/* Logging: entries with a level, a transform and an instruction, given to a sink.
 *
 * A log value names its sink; whoever logs holds one.  The level is tested before anything is
 * formatted, and the sink must not block.  Levels are Beam's LogEntry.Severity.Enum. */
#ifndef BEAMC_LOG_H
#define BEAMC_LOG_H

#include <beamc/error.h>
#include <stdint.h>

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

typedef struct {
    beamc_log_level level;
    int64_t time_ms;         /* since the epoch */
    const char *message;     /* all of this is borrowed for the call */
    const char *instruction; /* id of the bundle, or NULL */
    const char *transform;   /* unique name, or NULL */
    const char *file;        /* where it was logged, or NULL */
    int line;
    const char *trace; /* a stack of calls, a line for each, or NULL */
} beamc_log_entry;

/* Takes entries; called from any thread, several at once. */
typedef struct {
    void (*write)(void *ctx, const beamc_log_entry *entry);
    void *ctx;
} beamc_log_sink;

typedef struct {
    const beamc_log_sink *sink; /* borrowed; NULL drops everything */
    beamc_log_level level;      /* entries below this are dropped */
    const char *instruction;
    const char *transform;
} beamc_log_target;

BEAMC_API void beamc_log_write(const beamc_log_target *target, beamc_log_level level,
                               const char *file, int line, const char *format, ...)
    BEAMC_PRINTF(5, 6);

/** Logs to a `const beamc_log_target *` when its level lets it. */
#define beamc_log_to(target, level_, ...)                                                          \
    do {                                                                                           \
        const beamc_log_target *beamc_log_target_ = (target);                                      \
        if (beamc_log_target_->sink != NULL && (level_) >= beamc_log_target_->level)               \
            beamc_log_write(beamc_log_target_, (level_), __FILE__, __LINE__, __VA_ARGS__);         \
    } while (0)

/** Writes entries as lines "LEVEL [transform] message" to standard error, and their traces below;
 *  ctx is not used. */
BEAMC_API void beamc_log_write_stderr(void *ctx, const beamc_log_entry *entry);

/** "INFO"; and back: false if the name is none of Beam's. */
BEAMC_API const char *beamc_log_level_name(beamc_log_level level);
BEAMC_API bool beamc_log_level_parse(beamc_log_level *out, const char *name);

BEAMC_EXTERN_C_END

#endif
