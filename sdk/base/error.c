/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: one allocation each, and a shared one for when there is no memory for that. */
#include <beamc/error.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct beamc_error {
    beamc_code code;
    beamc_error *cause;  /* owned, or NULL */
    const char *message; /* stored right after the struct */
};

/* Shared by all threads and never written to, although it is handed out as any other. */
static const beamc_error out_of_memory = { BEAMC_ENOMEM, NULL, "out of memory" };

static bool is_shared(const beamc_error *error)
{
    return error == &out_of_memory;
}

beamc_error *beamc_error_nomem(void)
{
    return (beamc_error *)&out_of_memory;
}

/* The message is the formatted text, then @suffix. */
static beamc_error *error_vnew(beamc_code code, const char *suffix, const char *format,
                               va_list args)
{
    va_list again;

    va_copy(again, args);
    int formatted = vsnprintf(NULL, 0, format, again);
    va_end(again);
    /* Text that cannot be formatted (a broken wide string, say) is better told raw than lost. */
    size_t size = formatted < 0 ? strlen(format) : (size_t)formatted;
    size_t suffix_size = strlen(suffix);
    beamc_error *error = malloc(sizeof(*error) + size + suffix_size + 1);
    if (error == NULL)
        return beamc_error_nomem();

    char *message = (char *)(error + 1);
    if (formatted < 0)
        memcpy(message, format, size);
    else
        vsnprintf(message, size + 1, format, args);
    memcpy(message + size, suffix, suffix_size + 1);
    *error = (beamc_error){ .code = code, .cause = NULL, .message = message };
    return error;
}

beamc_error *beamc_error_vnew(beamc_code code, const char *format, va_list args)
{
    return error_vnew(code, "", format, args);
}

beamc_error *beamc_error_new(beamc_code code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    beamc_error *error = error_vnew(code, "", format, args);
    va_end(args);
    return error;
}

beamc_error *beamc_error_wrap(beamc_error *take_cause, const char *format, ...)
{
    va_list args;

    if (take_cause == NULL)
        return NULL;
    va_start(args, format);
    beamc_error *error = error_vnew(take_cause->code, "", format, args);
    va_end(args);
    if (is_shared(error))
        return take_cause; /* lose the context, keep the cause */
    error->cause = take_cause;
    return error;
}

static beamc_code code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOMEM:
        return BEAMC_ENOMEM;
    case ENOENT:
        return BEAMC_ENOENT;
    case EEXIST:
        return BEAMC_EEXIST;
    case ECANCELED:
        return BEAMC_ECANCELLED;
    case ETIMEDOUT:
        return BEAMC_ETIMEOUT;
    default:
        return BEAMC_EIO;
    }
}

beamc_error *beamc_error_system(int errnum, const char *format, ...)
{
    char text[256];
    char suffix[sizeof(text) + 2];
    va_list args;

    snprintf(suffix, sizeof(suffix), ": %s", strerror_r(errnum, text, sizeof(text)));
    va_start(args, format);
    beamc_error *error = error_vnew(code_of_errno(errnum), suffix, format, args);
    va_end(args);
    return error;
}

void beamc_error_free(beamc_error *error)
{
    while (error != NULL && !is_shared(error)) {
        beamc_error *cause = error->cause;
        free(error);
        error = cause;
    }
}

beamc_code beamc_error_code(const beamc_error *error)
{
    return error == NULL ? BEAMC_OK : error->code;
}

const char *beamc_error_message(const beamc_error *error)
{
    return error == NULL ? beamc_code_text(BEAMC_OK) : error->message;
}

const beamc_error *beamc_error_cause(const beamc_error *error)
{
    return error == NULL ? NULL : error->cause;
}

/* Copies what fits of @text to @at in @out of @size; answers the place after all of it. */
static size_t print_at(char *out, size_t size, size_t at, const char *text)
{
    size_t length = strlen(text);

    if (at < size) {
        size_t room = size - at;
        memcpy(out + at, text, length < room ? length : room);
    }
    return at + length;
}

size_t beamc_error_print(const beamc_error *error, char *out, size_t size)
{
    size_t at = print_at(out, size, 0, beamc_error_message(error));

    for (error = beamc_error_cause(error); error != NULL; error = error->cause) {
        at = print_at(out, size, at, ": ");
        at = print_at(out, size, at, error->message);
    }
    if (size > 0)
        out[at < size ? at : size - 1] = '\0';
    return at;
}

const char *beamc_code_text(int code)
{
    switch (code) {
    case BEAMC_OK:
        return "ok";
#define X(name, value, text)                                                                       \
    case value:                                                                                    \
        return text;
        BEAMC_CODE_MAP(X)
#undef X
    default:
        return "unknown code";
    }
}

const char *beamc_code_name(int code)
{
    switch (code) {
    case BEAMC_OK:
        return "OK";
#define X(name, value, text)                                                                       \
    case value:                                                                                    \
        return #name;
        BEAMC_CODE_MAP(X)
#undef X
    default:
        return "UNKNOWN";
    }
}
