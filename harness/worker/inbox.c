/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/inbox.h"

#include <sched.h>
#include <stdlib.h>
#include <uv.h>

/* How long a thread lets others run before it sleeps, after how many waits it does so at first, and after
 * how many once it was in vain. */
#define LINGER_YIELDS 250
#define SLEEPS_FIRST 4
#define SLEEPS_AFTER 16

struct beamc__block {
    int refs; /* atomic */
    void (*release)(void *ctx);
    void *ctx;
};

beamc__block *beamc__block_new(void (*release)(void *ctx), void *ctx)
{
    beamc__block *block = malloc(sizeof(*block));

    if (block == NULL) {
        release(ctx);
        return NULL;
    }
    *block = (beamc__block){ 1, release, ctx };
    return block;
}

beamc__block *beamc__block_ref(beamc__block *block)
{
    __atomic_fetch_add(&block->refs, 1, __ATOMIC_RELAXED);
    return block;
}

void beamc__block_unref(beamc__block *block)
{
    if (block == NULL || __atomic_sub_fetch(&block->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    block->release(block->ctx);
    free(block);
}

typedef struct entry entry;
struct entry {
    entry *next;
    beamc_bytes elements;
    beamc__block *block;
};

typedef struct source source;
struct source {
    source *next;
    entry *first;
    entry **last;
    bool ended;
    bool exceeded; /* there was more behind the end */
    char transform_id[];
};

struct beamc__inbox {
    int refs; /* atomic */
    beamc__inbox_load *load;
    uv_mutex_t lock; /* guards what follows */
    uv_cond_t changed;
    source *sources;
    const source *starved; /* its elements are waited for */
    int64_t held;          /* bytes in here */
    unsigned sleeps;       /* so many times who waits sleeps at once */
    bool closed;
    bool nudged;
    beamc_error *error;
};

beamc__inbox *beamc__inbox_new(beamc__inbox_load *load)
{
    beamc__inbox *inbox = calloc(1, sizeof(*inbox));

    if (inbox == NULL)
        return NULL;
    if (uv_mutex_init(&inbox->lock) < 0) {
        free(inbox);
        return NULL;
    }
    if (uv_cond_init(&inbox->changed) < 0) {
        uv_mutex_destroy(&inbox->lock);
        free(inbox);
        return NULL;
    }
    inbox->refs = 1;
    inbox->sleeps = SLEEPS_FIRST;
    inbox->load = load;
    return inbox;
}

beamc__inbox *beamc__inbox_ref(beamc__inbox *inbox)
{
    __atomic_fetch_add(&inbox->refs, 1, __ATOMIC_RELAXED);
    return inbox;
}

/* In one order with the flags of those who stop reading because of it, so that none of them misses the
 * last change.  What cannot be taken before something else comes is no reason to stop reading. */
static void count_held(beamc__inbox *inbox, int64_t more)
{
    inbox->held += more;
    if (inbox->starved == NULL)
        __atomic_fetch_add(&inbox->load->held, more, __ATOMIC_SEQ_CST);
}

static void count_starved(const beamc__inbox *inbox, int64_t more)
{
    __atomic_fetch_add(&inbox->load->starved, more, __ATOMIC_SEQ_CST);
}

/* With the lock. */
static void begin_starving(beamc__inbox *inbox, const source *from)
{
    __atomic_fetch_sub(&inbox->load->held, inbox->held, __ATOMIC_SEQ_CST);
    count_starved(inbox, 1);
    __atomic_store_n(&inbox->starved, from, __ATOMIC_RELAXED);
}

/* With the lock.  It is not who waits that says it is over: that thread may have to wait for a
 * processor, and meanwhile would be read for. */
static void end_starving(beamc__inbox *inbox)
{
    if (inbox->starved == NULL)
        return;
    __atomic_store_n(&inbox->starved, NULL, __ATOMIC_RELAXED);
    count_starved(inbox, -1);
    __atomic_fetch_add(&inbox->load->held, inbox->held, __ATOMIC_SEQ_CST);
}

/* With the lock, or the last reference. */
static void drop_entries(beamc__inbox *inbox, source *from)
{
    for (entry *next, *each = from->first; each != NULL; each = next) {
        next = each->next;
        count_held(inbox, -(int64_t)each->elements.size);
        beamc__block_unref(each->block);
        free(each);
    }
    from->first = NULL;
    from->last = &from->first;
}

void beamc__inbox_unref(beamc__inbox *inbox)
{
    if (inbox == NULL || __atomic_sub_fetch(&inbox->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (source *next, *each = inbox->sources; each != NULL; each = next) {
        next = each->next;
        drop_entries(inbox, each);
        free(each);
    }
    beamc_error_free(inbox->error); /* nobody waited for it */
    uv_cond_destroy(&inbox->changed);
    uv_mutex_destroy(&inbox->lock);
    free(inbox);
}

/* With the lock.  NULL: no memory. */
static source *source_of(beamc__inbox *inbox, const char *id, size_t size)
{
    for (source *each = inbox->sources; each != NULL; each = each->next) {
        if (strlen(each->transform_id) == size && memcmp(each->transform_id, id, size) == 0)
            return each;
    }
    source *made = malloc(sizeof(*made) + size + 1);
    if (made == NULL)
        return NULL;
    *made = (source){ .next = inbox->sources };
    made->last = &made->first;
    memcpy(made->transform_id, id, size);
    made->transform_id[size] = '\0';
    inbox->sources = made;
    return made;
}

static int put(beamc__inbox *inbox, const char *id, size_t id_size, beamc_bytes elements,
               beamc__block *block, bool is_last)
{
    source *to = source_of(inbox, id, id_size);

    if (to == NULL)
        return BEAMC_ENOMEM;
    if (to->ended) {
        to->exceeded |= elements.size > 0;
        return BEAMC_OK;
    }
    if (elements.size > 0) {
        entry *made = malloc(sizeof(*made));
        if (made == NULL)
            return BEAMC_ENOMEM;
        *made = (entry){ NULL, elements, beamc__block_ref(block) };
        *to->last = made;
        to->last = &made->next;
        count_held(inbox, (int64_t)elements.size);
    }
    to->ended = is_last;
    if (to == inbox->starved && (to->first != NULL || to->ended))
        end_starving(inbox);
    return BEAMC_OK;
}

int beamc__inbox_put(beamc__inbox *inbox, const char *transform_id, size_t transform_id_size,
                     beamc_bytes elements, beamc__block *block, bool is_last)
{
    uv_mutex_lock(&inbox->lock);
    int rc = inbox->closed
                 ? BEAMC_OK
                 : put(inbox, transform_id, transform_id_size, elements, block, is_last);
    uv_mutex_unlock(&inbox->lock);
    uv_cond_broadcast(&inbox->changed); /* behind the lock, which who wakes up takes at once */
    return rc;
}

static beamc_error *closed_error(beamc__inbox *inbox)
{
    beamc_error *error = inbox->error;

    inbox->error = NULL;
    return error != NULL ? error : beamc_error_new(BEAMC_ECANCELLED, "the bundle was cancelled");
}

static bool must_wait(const beamc__inbox *inbox, const source *from, const bool *nudged)
{
    return !inbox->closed && from->first == NULL && !from->ended &&
           !(nudged != NULL && inbox->nudged);
}

/* Without the lock.  Elements that come one message after the other are there before a thread has slept
 * and woken up again, and a processor that fell asleep meanwhile takes longer still: so there others are
 * let run first.  Where that was in vain, or little came so far, it is not tried.  Answers when to try
 * again. */
static unsigned linger(beamc__inbox *inbox)
{
    for (int i = 0; i < LINGER_YIELDS; i++) {
        if (__atomic_load_n(&inbox->starved, __ATOMIC_RELAXED) == NULL)
            return 0;
        sched_yield();
    }
    return SLEEPS_AFTER;
}

/* With the lock, which it gives back for a moment: sources live as long as the inbox. */
static void await_elements(beamc__inbox *inbox, const source *from, const bool *nudged)
{
    if (!must_wait(inbox, from, nudged))
        return;
    begin_starving(inbox, from);
    uv_mutex_unlock(&inbox->lock);
    if (inbox->load->on_starved != NULL)
        inbox->load->on_starved(inbox->load->ctx);
    inbox->sleeps = inbox->sleeps > 0 ? inbox->sleeps - 1 : linger(inbox);
    uv_mutex_lock(&inbox->lock);
    while (must_wait(inbox, from, nudged))
        uv_cond_wait(&inbox->changed, &inbox->lock);
    end_starving(inbox); /* it may have been closed, or nudged */
}

beamc_error *beamc__inbox_take(beamc__inbox *inbox, const char *transform_id, beamc_bytes *elements,
                               beamc__block **block, bool *nudged)
{
    beamc_error *error = NULL;

    *elements = (beamc_bytes){ NULL, 0 };
    *block = NULL;
    uv_mutex_lock(&inbox->lock);
    source *from = source_of(inbox, transform_id, strlen(transform_id));
    if (from != NULL)
        await_elements(inbox, from, nudged);
    if (from == NULL) {
        error = beamc_error_nomem();
    } else if (inbox->closed) {
        error = closed_error(inbox);
    } else if (from->first != NULL) {
        entry *taken = from->first;
        from->first = taken->next;
        if (from->first == NULL)
            from->last = &from->first;
        *elements = taken->elements;
        *block = taken->block;
        count_held(inbox, -(int64_t)taken->elements.size);
        free(taken);
    } else if (nudged != NULL && !from->ended) {
        *nudged = true;
        inbox->nudged = false;
    }
    uv_mutex_unlock(&inbox->lock);
    return error;
}

void beamc__inbox_nudge(beamc__inbox *inbox)
{
    uv_mutex_lock(&inbox->lock);
    inbox->nudged = true;
    uv_cond_broadcast(&inbox->changed);
    uv_mutex_unlock(&inbox->lock);
}

bool beamc__inbox_has_end(beamc__inbox *inbox, const char *transform_id)
{
    bool has_end = false;

    uv_mutex_lock(&inbox->lock);
    for (const source *each = inbox->sources; each != NULL; each = each->next)
        has_end |= each->ended && strcmp(each->transform_id, transform_id) == 0;
    uv_mutex_unlock(&inbox->lock);
    return has_end;
}

const char *beamc__inbox_stray(beamc__inbox *inbox,
                               bool (*is_source)(const void *ctx, const char *transform_id),
                               const void *ctx)
{
    const char *found = NULL;

    uv_mutex_lock(&inbox->lock);
    for (const source *each = inbox->sources; found == NULL && each != NULL; each = each->next) {
        if (each->exceeded || (each->first != NULL && !is_source(ctx, each->transform_id)))
            found = each->transform_id;
    }
    uv_mutex_unlock(&inbox->lock);
    return found;
}

void beamc__inbox_close(beamc__inbox *inbox, beamc_error *take_error)
{
    uv_mutex_lock(&inbox->lock);
    inbox->closed = true;
    if (inbox->error == NULL)
        inbox->error = take_error;
    else
        beamc_error_free(take_error); /* the first one is told */
    for (source *each = inbox->sources; each != NULL; each = each->next)
        drop_entries(inbox, each);
    uv_cond_broadcast(&inbox->changed);
    uv_mutex_unlock(&inbox->lock);
}
