/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/pipeline/format.h"

#include <stdint.h>
#include <string.h>

/* Where to write, and up to where. */
typedef struct {
    char *at;
    char *end;
} span;

static bool put(span *to, const char *text, size_t size)
{
    if ((size_t)(to->end - to->at) < size)
        return false;
    if (size > 0)
        memcpy(to->at, text, size);
    to->at += size;
    return true;
}

static bool put_number(span *to, uintmax_t number, bool negative)
{
    char digits[24];
    char *first = digits + sizeof(digits);

    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    if (negative)
        *--first = '-';
    return put(to, first, (size_t)(digits + sizeof(digits) - first));
}

static bool put_signed(span *to, intmax_t number)
{
    return put_number(to, number < 0 ? 0 - (uintmax_t)number : (uintmax_t)number, number < 0);
}

/* How long a number is: by the letters before its own. */
typedef enum { INT, LONG, LONG_LONG, SIZE, MAX } length;

static length read_length(const char **format)
{
    static const struct {
        const char *letters;
        length how;
    } all[] = { { "ll", LONG_LONG }, { "l", LONG }, { "z", SIZE }, { "j", MAX } };

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        size_t size = strlen(all[i].letters);
        if (strncmp(*format, all[i].letters, size) == 0) {
            *format += size;
            return all[i].how;
        }
    }
    return INT;
}

static intmax_t signed_argument(length how, va_list *args)
{
    switch (how) {
    case LONG:
        return va_arg(*args, long);
    case LONG_LONG:
        return va_arg(*args, long long);
    case SIZE:
        return (intmax_t)va_arg(*args, size_t);
    case MAX:
        return va_arg(*args, intmax_t);
    default:
        return va_arg(*args, int);
    }
}

static uintmax_t unsigned_argument(length how, va_list *args)
{
    switch (how) {
    case LONG:
        return va_arg(*args, unsigned long);
    case LONG_LONG:
        return va_arg(*args, unsigned long long);
    case SIZE:
        return va_arg(*args, size_t);
    case MAX:
        return va_arg(*args, uintmax_t);
    default:
        return va_arg(*args, unsigned);
    }
}

static bool put_string(span *to, const char *text, size_t most)
{
    return text != NULL && put(to, text, strnlen(text, most));
}

/* One conversion; *@format is behind its '%', and then behind all of it. */
static bool convert(span *to, const char **format, va_list *args)
{
    if (strncmp(*format, ".*s", 3) == 0) {
        int most = va_arg(*args, int);
        const char *text = va_arg(*args, const char *);
        *format += 3;
        return most == 0 || (most > 0 && put_string(to, text, (size_t)most));
    }
    length how = read_length(format);
    char kind = *(*format)++;
    if (kind == 'd' || kind == 'i')
        return put_signed(to, signed_argument(how, args));
    if (kind == 'u')
        return put_number(to, unsigned_argument(how, args), false);
    if (how != INT)
        return false;
    if (kind == 's')
        return put_string(to, va_arg(*args, const char *), SIZE_MAX);
    char one = kind == 'c' ? (char)va_arg(*args, int) : '%';
    return (kind == 'c' || kind == '%') && put(to, &one, 1);
}

bool beamc__format(char *out, size_t size, size_t *written, const char *format, va_list args)
{
    span to = { out, out + size };
    va_list rest;
    bool ok = true;

    va_copy(rest, args);
    while (ok && *format != '\0') {
        const char *percent = strchrnul(format, '%');
        ok = put(&to, format, (size_t)(percent - format));
        format = percent;
        if (ok && *format == '%') {
            format++;
            ok = convert(&to, &format, &rest);
        }
    }
    va_end(rest);
    *written = (size_t)(to.at - out);
    return ok;
}
