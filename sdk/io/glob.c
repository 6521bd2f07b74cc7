/* SPDX-License-Identifier: Apache-2.0 */
/* Matches a path against a pattern by walking all states that the pattern can be in at once, so
 * that no pattern takes long.
 *
 * A pattern is a row of steps; being in state i means that steps 0..i-1 are done:
 *
 *     LITERAL c, ANY, SET     take one byte and go on
 *     STAR, DEEP              stay for each byte they take, or go on without
 *     DIRS, DIRS_IN           of "**" "/": DIRS goes on to DIRS_IN, or past it without a byte;
 *                             DIRS_IN stays for each byte, and can be left after a '/' only */
#include "sdk/io/glob.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef enum { LITERAL, ANY, SET, STAR, DEEP, DIRS, DIRS_IN } step_kind;

typedef struct {
    step_kind kind;
    unsigned char byte;  /* LITERAL */
    bool begins_name;    /* LITERAL: first of the pattern, or after a '/' */
    const char *set;     /* SET: what is between the brackets */
    const char *set_end;
    bool negated;
} step;

/* The end of a set that opens at @at, at its ']'; NULL if it is not one. */
static const char *find_set_end(const char *at, const char *end)
{
    at++;
    if (at < end && (*at == '!' || *at == '^'))
        at++;
    if (at < end && *at == ']')
        at++;
    while (at < end && *at != ']') {
        if (*at == '/')
            return NULL;
        at += *at == '\\' && at + 1 < end ? 2 : 1;
    }
    return at < end ? at : NULL;
}

/* Reads the set that opens at @at; false if it is not one. */
static bool read_set(step *out, const char *at, const char *end, const char **next)
{
    const char *close = find_set_end(at, end);

    if (close == NULL)
        return false;
    *next = close + 1;
    at++;
    *out = (step){ .kind = SET, .set = at, .set_end = close };
    if (*at == '!' || *at == '^') {
        out->negated = true;
        out->set++;
    }
    return true;
}

/* One byte of a set, with its escape. */
static unsigned char set_byte(const char **at, const char *end)
{
    if (**at == '\\' && *at + 1 < end)
        (*at)++;
    return (unsigned char)*(*at)++;
}

static bool set_has(const step *set, unsigned char byte)
{
    const char *at = set->set;

    if (byte == '/')
        return false;
    while (at < set->set_end) {
        unsigned char first = set_byte(&at, set->set_end);
        unsigned char last = first;
        if (at + 1 < set->set_end && *at == '-') {
            at++;
            last = set_byte(&at, set->set_end);
        }
        if (byte >= first && byte <= last)
            return !set->negated;
    }
    return set->negated;
}

/* The steps of a pattern; @steps has room for its size + 1. */
static size_t read_steps(step *steps, const char *pattern, size_t size)
{
    const char *end = pattern + size;
    size_t count = 0;

    for (const char *at = pattern; at < end;) {
        bool begins_name = at == pattern || at[-1] == '/';
        if (*at == '*') {
            const char *after = at;
            while (after < end && *after == '*')
                after++;
            bool deep = after - at > 1;
            if (deep && begins_name && after < end && *after == '/') {
                steps[count++] = (step){ .kind = DIRS };
                steps[count++] = (step){ .kind = DIRS_IN };
                after++;
            } else {
                steps[count++] = (step){ .kind = deep ? DEEP : STAR };
            }
            at = after;
            continue;
        }
        if (*at == '[' && read_set(&steps[count], at, end, &at)) {
            count++;
            continue;
        }
        if (*at == '?') {
            steps[count++] = (step){ .kind = ANY };
            at++;
            continue;
        }
        if (*at == '\\' && at + 1 < end)
            at++;
        steps[count] = (step){ .kind = LITERAL, .byte = (unsigned char)*at++ };
        steps[count++].begins_name = begins_name;
    }
    return count;
}

/* Enters state @at and those that follow from it without a byte. */
static void enter(uint8_t *states, const step *steps, size_t count, size_t at)
{
    while (!states[at]) {
        states[at] = 1;
        if (at == count)
            return;
        if (steps[at].kind == DIRS)
            enter(states, steps, count, at + 2);
        else if (steps[at].kind != STAR && steps[at].kind != DEEP)
            return;
        at++;
    }
}

/* Enters what follows state @at when @byte is next; @hidden: a '.' that begins a name. */
static void advance(uint8_t *states, const step *steps, size_t count, size_t at,
                    unsigned char byte, bool hidden)
{
    const step *now = &steps[at];

    if (hidden && !now->begins_name)
        return;
    switch (now->kind) {
    case LITERAL:
        if (now->byte == byte)
            enter(states, steps, count, at + 1);
        break;
    case ANY:
        if (byte != '/')
            enter(states, steps, count, at + 1);
        break;
    case SET:
        if (set_has(now, byte))
            enter(states, steps, count, at + 1);
        break;
    case STAR:
        if (byte != '/')
            enter(states, steps, count, at);
        break;
    case DEEP:
        enter(states, steps, count, at);
        break;
    case DIRS_IN:
        enter(states, steps, count, at);
        if (byte == '/')
            enter(states, steps, count, at + 1);
        break;
    case DIRS: /* its state is never alone: DIRS_IN takes the byte */
        break;
    }
}

int beamc__glob_match(bool *out, const char *pattern, size_t pattern_size, const char *path,
                      size_t path_size)
{
    /* A pattern of n bytes has at most n steps, and n + 1 states. */
    step *steps = malloc((pattern_size + 1) * sizeof(*steps));
    uint8_t *states = calloc(2, pattern_size + 1);

    if (steps == NULL || states == NULL) {
        free(steps);
        free(states);
        return BEAMC_ENOMEM;
    }
    uint8_t *now = states;
    uint8_t *next = states + pattern_size + 1;
    size_t count = read_steps(steps, pattern, pattern_size);

    enter(now, steps, count, 0);
    for (size_t i = 0; i < path_size; i++) {
        bool hidden = path[i] == '.' && (i == 0 || path[i - 1] == '/');
        memset(next, 0, count + 1);
        for (size_t at = 0; at < count; at++)
            if (now[at])
                advance(next, steps, count, at, (unsigned char)path[i], hidden);
        uint8_t *done = now;
        now = next;
        next = done;
    }
    *out = now[count];
    free(steps);
    free(states);
    return BEAMC_OK;
}

bool beamc__glob_is_wild(const char *pattern, size_t size)
{
    const char *end = pattern + size;

    for (const char *at = pattern; at < end; at++) {
        if (*at == '\\')
            at++;
        else if (*at == '*' || *at == '?' || (*at == '[' && find_set_end(at, end) != NULL))
            return true;
    }
    return false;
}

bool beamc__glob_is_deep(const char *pattern, size_t size)
{
    const char *end = pattern + size;

    for (const char *at = pattern; at < end; at++) {
        const char *close;
        if (*at == '\\')
            at++;
        else if (*at == '[' && (close = find_set_end(at, end)) != NULL)
            at = close;
        else if (*at == '*' && at + 1 < end && at[1] == '*')
            return true;
    }
    return false;
}

size_t beamc__glob_literal(char *out, const char *pattern, size_t size)
{
    size_t written = 0;

    for (size_t i = 0; i < size; i++) {
        if (pattern[i] == '\\' && i + 1 < size)
            i++;
        out[written++] = pattern[i];
    }
    return written;
}
