/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: values that say what went wrong, where, and because of what.
 *
 * Two tiers.  Leaf code (coders, parsers, tables) answers an int: BEAMC_OK or a negative beamc_code.
 * Everything else answers a `beamc_error *`, NULL for success, which carries a message and the error
 * that caused it.  Printed from the outside in:
 *
 *     transform Count: element 41: varint at byte 3: input ends too early
 *
 * An error belongs to whoever holds it; free it or pass it on.  Any thread. */
#ifndef BEAMC_ERROR_H
#define BEAMC_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
#define BEAMC_EXTERN_C_BEGIN extern "C" {
#define BEAMC_EXTERN_C_END }
#else
#define BEAMC_EXTERN_C_BEGIN
#define BEAMC_EXTERN_C_END
#endif

#define BEAMC_API __attribute__((visibility("default")))
#define BEAMC_MUST_USE __attribute__((warn_unused_result))
#define BEAMC_PRINTF(string, first) __attribute__((__format__(__printf__, string, first)))
#define BEAMC_UNUSED __attribute__((unused))
#define BEAMC_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define BEAMC_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

BEAMC_EXTERN_C_BEGIN

/* name, value, text */
#define BEAMC_CODE_MAP(X)                                                                          \
    X(ENOMEM, -1, "out of memory")                                                                 \
    X(ESHORT, -2, "input ends too early")                                                          \
    X(ECORRUPT, -3, "malformed encoding")                                                          \
    X(EINVAL, -4, "invalid argument")                                                              \
    X(ETYPE, -5, "type mismatch")                                                                  \
    X(ENOENT, -6, "not found")                                                                     \
    X(EIO, -7, "input/output error")                                                               \
    X(ELIMIT, -8, "over a limit")                                                                  \
    X(EUNSUPPORTED, -9, "not supported here")                                                      \
    X(ECANCELLED, -10, "cancelled")                                                                \
    X(EUSER, -11, "error in user code")                                                            \
    X(EEXIST, -12, "exists already")                                                               \
    X(ETIMEOUT, -13, "took too long")

typedef enum {
    BEAMC_OK = 0,
#define X(name, value, text) BEAMC_##name = value,
    BEAMC_CODE_MAP(X)
#undef X
} beamc_code;

typedef struct beamc_error beamc_error;

/** A new error: one line, lower case, with the value that was wrong.  Never NULL: with no memory
 *  left it is the shared out-of-memory error. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_error_new(beamc_code code, const char *format, ...)
    BEAMC_PRINTF(2, 3);
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_error_vnew(beamc_code code, const char *format,
                                                       va_list args);

/** Puts context in front of @take_cause and keeps its code; NULL stays NULL. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_error_wrap(beamc_error *take_cause, const char *format,
                                                       ...) BEAMC_PRINTF(2, 3);

/** The shared out-of-memory error. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_error_nomem(void);

/** An error for a failed system call: the formatted text and what @errnum (as errno) means, such as
 *  "a.txt: No such file or directory". */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_error_system(int errnum, const char *format, ...)
    BEAMC_PRINTF(2, 3);

/** Accepts NULL. */
BEAMC_API void beamc_error_free(beamc_error *error);

/** BEAMC_OK for NULL. */
BEAMC_API beamc_code beamc_error_code(const beamc_error *error);

/** This level's own message, without its cause; borrowed from @error.  "ok" for NULL. */
BEAMC_API const char *beamc_error_message(const beamc_error *error);

/** The error that caused this one, borrowed; NULL if none. */
BEAMC_API const beamc_error *beamc_error_cause(const beamc_error *error);

/** The whole chain, "outer: inner: innermost", as snprintf writes it: cut at @size, always ended
 *  by NUL when @size > 0; answers the length of the whole. */
BEAMC_API size_t beamc_error_print(const beamc_error *error, char *out, size_t size);

/** The fixed text of a code, e.g. "input ends too early"; "unknown code" for other numbers. */
BEAMC_API const char *beamc_code_text(int code);

/** The name of a code, e.g. "ESHORT"; "UNKNOWN" for other numbers. */
BEAMC_API const char *beamc_code_name(int code);

/** Returns from the calling function with the error of @expression, if it has one. */
#define BEAMC_TRY(expression)                                                                      \
    do {                                                                                           \
        beamc_error *beamc_try_error = (expression);                                               \
        if (BEAMC_UNLIKELY(beamc_try_error != NULL))                                               \
            return beamc_try_error;                                                                \
    } while (0)

BEAMC_EXTERN_C_END

#endif
