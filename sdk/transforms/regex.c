/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions, by PCRE2.  A pattern is compiled when the pipeline is built, to check it,
 * and once per copy of the DoFn.  What is emitted lies in the element, except after replacing. */
#include <beamc/regex.h>

#include "sdk/transforms/shape.h"
#include <inttypes.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define REGEX(F)                                                                                   \
    F(string, pattern)                                                                             \
    F(boolean, whole)        /* the string must match, not a part of it */                         \
    F(boolean, all)          /* every match; of split: empty pieces too */                         \
    F(string, group)         /* empty: the whole match */                                          \
    F(string, value_group)                                                                         \
    F(string, replacement)
BEAMC_ROW(regex_config, REGEX)

BEAMC_KV(regex_kv, string, string)
BEAMC_ITERABLE(regex_groups, string)

typedef struct {
    pcre2_code *code;
    pcre2_match_data *match;
    uint32_t group_count; /* the whole match is one */
    uint32_t group;
    uint32_t value_group;
    const regex_config *config;
    beamc_buffer text; /* a replaced element */
} regex;

/* ---- compiling ------------------------------------------------------------------------------- */

static void close_regex(regex *self)
{
    pcre2_match_data_free(self->match);
    pcre2_code_free(self->code);
    beamc_buffer_dispose(&self->text);
    self->match = NULL;
    self->code = NULL;
}

static beamc_error *regex_error(const regex_config *config, int rc)
{
    char text[128];

    if (rc == PCRE2_ERROR_NOMEMORY)
        return beamc_error_nomem();
    pcre2_get_error_message(rc, (PCRE2_UCHAR *)text, sizeof(text));
    return beamc_error_new(BEAMC_EINVAL, "pattern \"%.*s\": %s", BEAMC_STR(config->pattern), text);
}

static bool is_number(beamc_string text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return text.size > 0 && text.size <= 9;
}

/* The number of a group that is told by number or name. */
static beamc_error *find_group(uint32_t *out, const regex *self, beamc_string group)
{
    char name[64];

    *out = 0;
    if (group.size == 0)
        return NULL;
    if (is_number(group)) {
        for (size_t i = 0; i < group.size; i++)
            *out = *out * 10 + (uint32_t)(group.data[i] - '0');
        if (*out < self->group_count)
            return NULL;
    } else if (group.size < sizeof(name)) {
        memcpy(name, group.data, group.size);
        name[group.size] = '\0';
        int number = pcre2_substring_number_from_name(self->code, (PCRE2_SPTR)name);
        if (number > 0) {
            *out = (uint32_t)number;
            return NULL;
        }
    }
    return beamc_error_new(BEAMC_ENOENT, "pattern \"%.*s\" has no group \"%.*s\"",
                           BEAMC_STR(self->config->pattern), BEAMC_STR(group));
}

static bool is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t name_end(beamc_string text, size_t at)
{
    while (at < text.size && is_word(text.data[at]))
        at++;
    return at;
}

/* Checks what PCRE2 checks only when there is something to replace. */
static beamc_error *check_replacement(const regex *self, beamc_string text)
{
    for (size_t at = 0; at < text.size; at++) {
        if (text.data[at] != '$')
            continue;
        at++;
        if (at < text.size && text.data[at] == '$')
            continue;
        bool braces = at < text.size && text.data[at] == '{';
        size_t begin = at + braces;
        size_t end = name_end(text, begin);
        if (begin == end || (braces && (end == text.size || text.data[end] != '}')))
            return beamc_error_new(BEAMC_EINVAL,
                                   "replacement \"%.*s\" at offset %zu: no group after $",
                                   BEAMC_STR(text), begin);
        beamc_string group = { text.data + begin, end - begin };
        uint32_t number;
        BEAMC_TRY(find_group(&number, self, group));
        at = braces ? end : end - 1;
    }
    return NULL;
}

static beamc_error *compile(regex *self, const regex_config *config)
{
    uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
    size_t offset;
    char text[256];
    int rc;

    if (config->whole)
        options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    self->code = pcre2_compile((PCRE2_SPTR)config->pattern.data, config->pattern.size, options, &rc,
                               &offset, NULL);
    if (self->code == NULL) {
        if (rc == PCRE2_ERROR_HEAP_FAILED)
            return beamc_error_nomem();
        pcre2_get_error_message(rc, (PCRE2_UCHAR *)text, sizeof(text));
        return beamc_error_new(BEAMC_EINVAL, "pattern \"%.*s\" at offset %zu: %s",
                               BEAMC_STR(config->pattern), offset, text);
    }
    self->match = pcre2_match_data_create_from_pattern(self->code, NULL);
    if (self->match == NULL)
        return beamc_error_nomem();
    /* Where there is no JIT, or no memory for it, matching is only slower. */
    (void)pcre2_jit_compile(self->code, PCRE2_JIT_COMPLETE);
    return NULL;
}

static beamc_error *open_regex(regex *self, const regex_config *config)
{
    uint32_t captures = 0;

    memset(self, 0, sizeof(*self));
    self->config = config;
    BEAMC_TRY(compile(self, config));
    pcre2_pattern_info(self->code, PCRE2_INFO_CAPTURECOUNT, &captures);
    self->group_count = captures + 1;
    BEAMC_TRY(find_group(&self->group, self, config->group));
    BEAMC_TRY(find_group(&self->value_group, self, config->value_group));
    return check_replacement(self, config->replacement);
}

static beamc_error *check_regex(const beamc_dofn *dofn, const beamc_type *input BEAMC_UNUSED,
                                const void *config, beamc_arena *arena BEAMC_UNUSED,
                                beamc_dofn_types *out)
{
    regex trial;

    out->output = dofn->output;
    beamc_error *err = open_regex(&trial, config);
    close_regex(&trial);
    return err;
}

static beamc_error *setup_regex(beamc_context *ctx)
{
    return open_regex(beamc_instance(ctx), beamc_config(ctx));
}

static void teardown_regex(beamc_context *ctx)
{
    close_regex(beamc_instance(ctx));
}

/* ---- matching -------------------------------------------------------------------------------- */

static beamc_string not_null(beamc_string text)
{
    if (text.data == NULL)
        text.data = "";
    return text;
}

static beamc_error *match_at(bool *found, regex *self, beamc_string text, size_t at,
                             uint32_t options)
{
    int rc = pcre2_match(self->code, (PCRE2_SPTR)text.data, text.size, at, options, self->match,
                         NULL);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) /* the interpreter has the heap */
        rc = pcre2_match(self->code, (PCRE2_SPTR)text.data, text.size, at, options | PCRE2_NO_JIT,
                         self->match, NULL);
    *found = rc >= 0;
    return rc >= 0 || rc == PCRE2_ERROR_NOMATCH ? NULL : regex_error(self->config, rc);
}

static beamc_string group_of(const regex *self, beamc_string text, uint32_t group)
{
    const size_t *ends = pcre2_get_ovector_pointer(self->match);
    size_t begin = ends[2 * group];
    size_t end = ends[2 * group + 1];
    beamc_string part = { text.data, 0 };

    if (begin == PCRE2_UNSET || begin > end)
        return part;
    part.data += begin;
    part.size = end - begin;
    return part;
}

/* Walks over the matches of a string. */
typedef struct {
    size_t at;
    uint32_t options;
} walk;

/* The next match.  After an empty one, there must be one that is not empty at the same place, or
 * the walk goes on behind the next character. */
static beamc_error *next_match(bool *found, regex *self, beamc_string text, walk *matches)
{
    *found = false;
    while (matches->at <= text.size) {
        BEAMC_TRY(match_at(found, self, text, matches->at, matches->options));
        if (*found) {
            const size_t *ends = pcre2_get_ovector_pointer(self->match);
            matches->at = ends[1];
            matches->options = ends[0] == ends[1] ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0;
            return NULL;
        }
        if (matches->options == 0)
            return NULL;
        matches->options = 0;
        do
            matches->at++;
        while (matches->at < text.size && ((uint8_t)text.data[matches->at] & 0xc0) == 0x80);
    }
    return NULL;
}

/* ---- the DoFns ------------------------------------------------------------------------------- */

static void show_regex(const void *config, beamc_display *display)
{
    const regex_config *shown = config;

    beamc_display_string(display, "pattern", "Pattern", shown->pattern);
    if (shown->replacement.size > 0)
        beamc_display_string(display, "replacement", "Replacement", shown->replacement);
}

#define REGEX_DOFN(name, out)                                                                      \
    BEAMC_DOFN_WITH(name, string, out, .setup = setup_regex, .teardown = teardown_regex,           \
                    .config = BEAMC_TYPE(regex_config), .instance_size = sizeof(regex),            \
                    .infer = check_regex, .display = show_regex)

REGEX_DOFN(beamc_regex_group_fn, string)
{
    regex *self = beamc_instance(ctx);
    beamc_string text = not_null(*element);
    bool found;

    BEAMC_TRY(match_at(&found, self, text, 0, 0));
    if (!found)
        return NULL;
    beamc_string group = group_of(self, text, self->group);
    return beamc_emit(ctx, &group);
}

REGEX_DOFN(beamc_regex_each_fn, string)
{
    regex *self = beamc_instance(ctx);
    beamc_string text = not_null(*element);
    walk matches = { 0, 0 };
    bool found;

    BEAMC_TRY(next_match(&found, self, text, &matches));
    while (found) {
        beamc_string group = group_of(self, text, self->group);
        BEAMC_TRY(beamc_emit(ctx, &group));
        BEAMC_TRY(next_match(&found, self, text, &matches));
    }
    return NULL;
}

REGEX_DOFN(beamc_regex_groups_fn, regex_groups)
{
    regex *self = beamc_instance(ctx);
    beamc_string text = not_null(*element);
    bool found;

    BEAMC_TRY(match_at(&found, self, text, 0, 0));
    if (!found)
        return NULL;
    beamc_string *groups = beamc_alloc(ctx, self->group_count * sizeof(*groups));
    if (groups == NULL)
        return beamc_error_nomem();
    for (uint32_t i = 0; i < self->group_count; i++)
        groups[i] = group_of(self, text, i);
    beamc_iterable all = beamc_iterable_of_array(BEAMC_TYPE(string), groups, self->group_count);
    return beamc_emit(ctx, &all);
}

REGEX_DOFN(beamc_regex_kv_fn, regex_kv)
{
    regex *self = beamc_instance(ctx);
    beamc_string text = not_null(*element);
    bool found;

    BEAMC_TRY(match_at(&found, self, text, 0, 0));
    if (!found)
        return NULL;
    regex_kv pair = { group_of(self, text, self->group), group_of(self, text, self->value_group) };
    return beamc_emit(ctx, &pair);
}

/* As pcre2_substitute; @size is the room in self->text, then what is used or needed of it. */
static int substitute(regex *self, beamc_string text, uint32_t options, size_t *size)
{
    const regex_config *config = self->config;
    beamc_string with = not_null(config->replacement);

    return pcre2_substitute(self->code, (PCRE2_SPTR)text.data, text.size, 0,
                            options | PCRE2_SUBSTITUTE_OVERFLOW_LENGTH |
                                PCRE2_SUBSTITUTE_UNSET_EMPTY |
                                (config->all ? PCRE2_SUBSTITUTE_GLOBAL : 0),
                            self->match, NULL, (PCRE2_SPTR)with.data, with.size, self->text.data,
                            size);
}

REGEX_DOFN(beamc_regex_replace_fn, string)
{
    regex *self = beamc_instance(ctx);
    beamc_string text = not_null(*element);
    uint32_t options = 0;
    size_t size = text.size + 64;

    for (;;) {
        beamc_buffer_clear(&self->text);
        if (beamc_buffer_reserve(&self->text, size) == NULL)
            return beamc_error_nomem();
        size = self->text.capacity;
        int rc = substitute(self, text, options, &size);
        if (rc == 0)
            return beamc_emit(ctx, element);
        if (rc > 0)
            break;
        if (rc == PCRE2_ERROR_JIT_STACKLIMIT && options == 0) {
            options = PCRE2_NO_JIT;
            size = self->text.capacity;
        } else if (rc != PCRE2_ERROR_NOMEMORY || size <= self->text.capacity) {
            return regex_error(self->config, rc);
        }
    }
    beamc_string replaced = { (const char *)self->text.data, size };
    return beamc_emit(ctx, &replaced);
}

static beamc_error *emit_piece(beamc_context *ctx, const regex *self, beamc_string text,
                               size_t begin, size_t end)
{
    beamc_string piece = { text.data + begin, end - begin };

    return piece.size > 0 || self->config->all ? beamc_emit(ctx, &piece) : NULL;
}

REGEX_DOFN(beamc_regex_split_fn, string)
{
    regex *self = beamc_instance(ctx);
    beamc_string text = not_null(*element);
    walk matches = { 0, 0 };
    size_t begin = 0;
    bool found;

    BEAMC_TRY(next_match(&found, self, text, &matches));
    while (found) {
        beamc_string between = group_of(self, text, 0);
        size_t at = (size_t)(between.data - text.data);
        BEAMC_TRY(emit_piece(ctx, self, text, begin, at));
        begin = at + between.size;
        BEAMC_TRY(next_match(&found, self, text, &matches));
    }
    return emit_piece(ctx, self, text, begin, text.size);
}

/* ---- the transforms -------------------------------------------------------------------------- */

static beamc_string text_of(const char *text)
{
    return beamc_string_of(text == NULL ? "" : text);
}

static regex_config config_of(const char *pattern, const char *group)
{
    regex_config config = { .pattern = text_of(pattern),
                            .group = text_of(group),
                            .value_group = text_of(NULL),
                            .replacement = text_of(NULL) };

    return config;
}

beamc_pcollection beamc_regex_matches_at(beamc_location at, beamc_pcollection in,
                                         const char *pattern, const char *group)
{
    regex_config config = config_of(pattern, group);

    config.whole = true;
    return beamc__apply(at, in, "RegexMatches", &beamc_regex_group_fn, &config);
}

beamc_pcollection beamc_regex_find_at(beamc_location at, beamc_pcollection in, const char *pattern,
                                      const char *group)
{
    const regex_config config = config_of(pattern, group);

    return beamc__apply(at, in, "RegexFind", &beamc_regex_group_fn, &config);
}

beamc_pcollection beamc_regex_find_all_at(beamc_location at, beamc_pcollection in,
                                          const char *pattern, const char *group)
{
    const regex_config config = config_of(pattern, group);

    return beamc__apply(at, in, "RegexFindAll", &beamc_regex_each_fn, &config);
}

beamc_pcollection beamc_regex_matches_groups_at(beamc_location at, beamc_pcollection in,
                                                const char *pattern)
{
    regex_config config = config_of(pattern, NULL);

    config.whole = true;
    return beamc__apply(at, in, "RegexMatchesGroups", &beamc_regex_groups_fn, &config);
}

beamc_pcollection beamc_regex_find_groups_at(beamc_location at, beamc_pcollection in,
                                             const char *pattern)
{
    const regex_config config = config_of(pattern, NULL);

    return beamc__apply(at, in, "RegexFindGroups", &beamc_regex_groups_fn, &config);
}

beamc_pcollection beamc_regex_matches_kv_at(beamc_location at, beamc_pcollection in,
                                            const char *pattern, const char *key_group,
                                            const char *value_group)
{
    regex_config config = config_of(pattern, key_group);

    config.whole = true;
    config.value_group = text_of(value_group);
    return beamc__apply(at, in, "RegexMatchesKv", &beamc_regex_kv_fn, &config);
}

beamc_pcollection beamc_regex_find_kv_at(beamc_location at, beamc_pcollection in,
                                         const char *pattern, const char *key_group,
                                         const char *value_group)
{
    regex_config config = config_of(pattern, key_group);

    config.value_group = text_of(value_group);
    return beamc__apply(at, in, "RegexFindKv", &beamc_regex_kv_fn, &config);
}

beamc_pcollection beamc_regex_replace_all_at(beamc_location at, beamc_pcollection in,
                                             const char *pattern, const char *replacement)
{
    regex_config config = config_of(pattern, NULL);

    config.all = true;
    config.replacement = text_of(replacement);
    return beamc__apply(at, in, "RegexReplaceAll", &beamc_regex_replace_fn, &config);
}

beamc_pcollection beamc_regex_replace_first_at(beamc_location at, beamc_pcollection in,
                                               const char *pattern, const char *replacement)
{
    regex_config config = config_of(pattern, NULL);

    config.replacement = text_of(replacement);
    return beamc__apply(at, in, "RegexReplaceFirst", &beamc_regex_replace_fn, &config);
}

beamc_pcollection beamc_regex_split_at(beamc_location at, beamc_pcollection in,
                                       const char *pattern, bool keep_empty)
{
    regex_config config = config_of(pattern, NULL);

    config.all = keep_empty;
    return beamc__apply(at, in, "RegexSplit", &beamc_regex_split_fn, &config);
}
