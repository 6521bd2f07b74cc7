/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the text of an option as a number, a truth, a size or a time.  Units of sizes are those of
 * the GNU tools: K, M, G, T and KiB, MiB, ... are powers of 1024, KB, MB, ... of 1000. */
#include "options.h"
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name;
    double factor;
} unit;

static const unit size_units[] = {
    { "", 1 },     { "B", 1 },      { "K", 0x1p10 },   { "KB", 1e3 },  { "KiB", 0x1p10 },
    { "M", 0x1p20 }, { "MB", 1e6 }, { "MiB", 0x1p20 }, { "G", 0x1p30 }, { "GB", 1e9 },
    { "GiB", 0x1p30 }, { "T", 0x1p40 }, { "TB", 1e12 }, { "TiB", 0x1p40 },
};

static const unit time_units[] = {
    { "ms", 1 }, { "s", 1e3 }, { "m", 60e3 }, { "h", 3600e3 }, { "d", 86400e3 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const unit *find_unit(const unit *units, size_t count, const char *name, size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(units[i].name) == size && strncasecmp(units[i].name, name, size) == 0)
            return &units[i];
    return NULL;
}

int beamc__option_read_bool(bool *out, const char *text)
{
    static const char *const yes[] = { "true", "yes", "on", "1" };
    static const char *const no[] = { "false", "no", "off", "0" };

    for (size_t i = 0; i < COUNT(yes); i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *out = strcasecmp(text, yes[i]) == 0;
            return BEAMC_OK;
        }
    }
    return BEAMC_EINVAL;
}

int beamc__option_read_int64(int64_t *out, const char *text)
{
    char *end;

    if (text[0] == '\0' || isspace((unsigned char)text[0]))
        return BEAMC_EINVAL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0')
        return BEAMC_EINVAL;
    if (errno == ERANGE)
        return BEAMC_ELIMIT;
    *out = value;
    return BEAMC_OK;
}

/* A decimal number at the start of @text, independent of locale beyond what main sets; *@end is
 * what follows. */
static int read_decimal(double *out, const char *text, const char **end)
{
    char *stop;

    if (!isdigit((unsigned char)text[0]) && text[0] != '.')
        return BEAMC_EINVAL;
    double value = strtod(text, &stop);
    if (stop == text)
        return BEAMC_EINVAL;
    *out = value;
    *end = stop;
    return BEAMC_OK;
}

int beamc__option_read_double(double *out, const char *text)
{
    char *end;

    if (text[0] == '\0' || isspace((unsigned char)text[0]))
        return BEAMC_EINVAL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0')
        return BEAMC_EINVAL;
    if (isinf(value) && strchr("iI+-", text[0]) == NULL)
        return BEAMC_ELIMIT; /* 1e999, not "inf" */
    *out = value;
    return BEAMC_OK;
}

int beamc__option_read_size(uint64_t *out, const char *text)
{
    const char *end;
    double value;
    int64_t whole;

    /* A plain number of bytes keeps all its digits. */
    if (beamc__option_read_int64(&whole, text) == BEAMC_OK) {
        if (whole < 0)
            return BEAMC_EINVAL;
        *out = (uint64_t)whole;
        return BEAMC_OK;
    }
    int code = read_decimal(&value, text, &end);
    if (code < 0)
        return code;
    const unit *found = find_unit(size_units, COUNT(size_units), end, strlen(end));
    if (found == NULL)
        return BEAMC_EINVAL;
    value *= found->factor;
    if (value >= 0x1p63)
        return BEAMC_ELIMIT;
    *out = (uint64_t)value;
    return BEAMC_OK;
}

int beamc__option_read_duration(int64_t *out_ms, const char *text)
{
    double total = 0;

    if (strcmp(text, "0") == 0) {
        *out_ms = 0;
        return BEAMC_OK;
    }
    if (text[0] == '\0')
        return BEAMC_EINVAL;
    while (text[0] != '\0') {
        double value;
        const char *end;
        size_t size = 0;

        int code = read_decimal(&value, text, &end);
        if (code < 0)
            return code;
        while (isalpha((unsigned char)end[size]))
            size++;
        const unit *found = find_unit(time_units, COUNT(time_units), end, size);
        if (found == NULL)
            return BEAMC_EINVAL;
        total += value * found->factor;
        if (total >= 0x1p62)
            return BEAMC_ELIMIT;
        text = end + size;
    }
    *out_ms = (int64_t)(total + 0.5);
    return BEAMC_OK;
}

int beamc__option_check(beamc_option_kind kind, const char *text)
{
    union {
        bool truth;
        int64_t whole;
        double number;
        uint64_t size;
    } value;

    switch (kind) {
    case BEAMC_OPTION_BOOL: return beamc__option_read_bool(&value.truth, text);
    case BEAMC_OPTION_INT64: return beamc__option_read_int64(&value.whole, text);
    case BEAMC_OPTION_DOUBLE: return beamc__option_read_double(&value.number, text);
    case BEAMC_OPTION_SIZE: return beamc__option_read_size(&value.size, text);
    case BEAMC_OPTION_DURATION: return beamc__option_read_duration(&value.whole, text);
    case BEAMC_OPTION_STRING:
    case BEAMC_OPTION_LIST: return BEAMC_OK;
    }
    return BEAMC_EINVAL;
}

const char *beamc__option_kind_text(beamc_option_kind kind)
{
    switch (kind) {
    case BEAMC_OPTION_BOOL: return "true or false";
    case BEAMC_OPTION_INT64: return "a whole number, such as 42";
    case BEAMC_OPTION_DOUBLE: return "a number, such as 0.5";
    case BEAMC_OPTION_SIZE: return "a size, such as 256MB";
    case BEAMC_OPTION_DURATION: return "a time, such as 10s or 1h30m";
    case BEAMC_OPTION_STRING: return "text";
    case BEAMC_OPTION_LIST: return "a list, such as a,b,c";
    }
    return "text";
}

const char *beamc__option_kind_placeholder(beamc_option_kind kind)
{
    switch (kind) {
    case BEAMC_OPTION_BOOL: return NULL;
    case BEAMC_OPTION_INT64:
    case BEAMC_OPTION_DOUBLE: return "NUMBER";
    case BEAMC_OPTION_SIZE: return "SIZE";
    case BEAMC_OPTION_DURATION: return "TIME";
    case BEAMC_OPTION_STRING: return "TEXT";
    case BEAMC_OPTION_LIST: return "LIST";
    }
    return "TEXT";
}
