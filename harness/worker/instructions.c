/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/instructions.h"

#include "sdk/base/clock.h"
#include "sdk/base/hash.h"
#include <stdlib.h>
#include <uv.h>

#define ENDED_MAX 8192 /* ids that are remembered; a power of 2 */

typedef struct known known;
struct known {
    known *next;
    beamc__instruction instruction;
    bool runs; /* false: elements came early */
};

struct beamc__instructions {
    uv_mutex_t lock; /* guards all of it */
    beamc__inbox_load *load;
    known *all;
    bool stopped;
    /* Hashes of ids in the order they ended.  Two ids of one hash are taken for one: with 64 bits
     * that does not happen. */
    uint64_t ended[ENDED_MAX];
    size_t ended_count;
};

beamc__instructions *beamc__instructions_new(beamc__inbox_load *load)
{
    beamc__instructions *instructions = calloc(1, sizeof(*instructions));

    if (instructions == NULL)
        return NULL;
    if (uv_mutex_init(&instructions->lock) < 0) {
        free(instructions);
        return NULL;
    }
    instructions->load = load;
    return instructions;
}

static void known_free(known *one)
{
    beamc__inbox_unref(one->instruction.inbox);
    free(one->instruction.id);
    free(one);
}

void beamc__instructions_free(beamc__instructions *instructions)
{
    if (instructions == NULL)
        return;
    for (known *next, *each = instructions->all; each != NULL; each = next) {
        next = each->next;
        known_free(each);
    }
    uv_mutex_destroy(&instructions->lock);
    free(instructions);
}

static known **find(beamc__instructions *instructions, const char *id, size_t size)
{
    known **at = &instructions->all;

    while (*at != NULL && (strlen((*at)->instruction.id) != size ||
                           memcmp((*at)->instruction.id, id, size) != 0))
        at = &(*at)->next;
    return at;
}

static bool has_ended(const beamc__instructions *instructions, const char *id, size_t size)
{
    uint64_t hash = beamc__hash(id, size);
    size_t count =
        instructions->ended_count < ENDED_MAX ? instructions->ended_count : ENDED_MAX;

    for (size_t i = 0; i < count; i++) {
        if (instructions->ended[i] == hash)
            return true;
    }
    return false;
}

/* Makes the entry of an id that is not known. */
static known *add(beamc__instructions *instructions, const char *id, size_t size)
{
    known *made = calloc(1, sizeof(*made));

    if (made == NULL)
        return NULL;
    made->instruction.id = strndup(id, size);
    made->instruction.inbox = beamc__inbox_new(instructions->load);
    if (made->instruction.id == NULL || made->instruction.inbox == NULL) {
        known_free(made);
        return NULL;
    }
    made->next = instructions->all;
    instructions->all = made;
    return made;
}

beamc__inbox *beamc__instructions_inbox(beamc__instructions *instructions, const char *id,
                                        size_t size)
{
    beamc__inbox *inbox = NULL;

    uv_mutex_lock(&instructions->lock);
    known *one = *find(instructions, id, size);
    if (one == NULL && !has_ended(instructions, id, size))
        one = add(instructions, id, size);
    if (one != NULL)
        inbox = beamc__inbox_ref(one->instruction.inbox);
    uv_mutex_unlock(&instructions->lock);
    return inbox;
}

int beamc__instructions_begin(beamc__instructions *instructions, const char *id, void *bundle,
                              beamc__inbox **inbox)
{
    size_t size = strlen(id);
    int rc = BEAMC_OK;

    *inbox = NULL;
    uv_mutex_lock(&instructions->lock);
    known *one = *find(instructions, id, size);
    if (instructions->stopped)
        rc = BEAMC_ECANCELLED;
    else if ((one != NULL && one->runs) || (one == NULL && has_ended(instructions, id, size)))
        rc = BEAMC_EEXIST;
    else if (one == NULL && (one = add(instructions, id, size)) == NULL)
        rc = BEAMC_ENOMEM;
    if (rc == BEAMC_OK) {
        one->runs = true;
        one->instruction.bundle = bundle;
        one->instruction.started_ms = beamc__now_ms();
        *inbox = beamc__inbox_ref(one->instruction.inbox);
    }
    uv_mutex_unlock(&instructions->lock);
    return rc;
}

void beamc__instructions_end(beamc__instructions *instructions, const char *id)
{
    size_t size = strlen(id);

    uv_mutex_lock(&instructions->lock);
    known **at = find(instructions, id, size);
    known *one = *at;
    if (one != NULL)
        *at = one->next;
    instructions->ended[instructions->ended_count++ & (ENDED_MAX - 1)] = beamc__hash(id, size);
    uv_mutex_unlock(&instructions->lock);
    if (one != NULL) {
        beamc__inbox_close(one->instruction.inbox, NULL);
        known_free(one);
    }
}

bool beamc__instructions_visit(beamc__instructions *instructions, const char *id,
                               void (*visit)(void *ctx, const beamc__instruction *at), void *ctx)
{
    uv_mutex_lock(&instructions->lock);
    const known *one = *find(instructions, id, strlen(id));
    bool runs = one != NULL && one->runs;
    if (runs)
        visit(ctx, &one->instruction);
    uv_mutex_unlock(&instructions->lock);
    return runs;
}

void beamc__instructions_visit_all(beamc__instructions *instructions,
                                   void (*visit)(void *ctx, const beamc__instruction *at),
                                   void *ctx)
{
    uv_mutex_lock(&instructions->lock);
    for (const known *each = instructions->all; each != NULL; each = each->next) {
        if (each->runs)
            visit(ctx, &each->instruction);
    }
    uv_mutex_unlock(&instructions->lock);
}

static void close_all(beamc__instructions *instructions, const char *text, bool stopped)
{
    uv_mutex_lock(&instructions->lock);
    instructions->stopped |= stopped;
    for (known *each = instructions->all; each != NULL; each = each->next)
        beamc__inbox_close(each->instruction.inbox, beamc_error_new(BEAMC_EIO, "%s", text));
    uv_mutex_unlock(&instructions->lock);
}

void beamc__instructions_close(beamc__instructions *instructions, const char *text)
{
    close_all(instructions, text, false);
}

void beamc__instructions_stop(beamc__instructions *instructions, const char *text)
{
    close_all(instructions, text, true);
}
