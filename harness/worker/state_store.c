/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/state_store.h"

#include "sdk/base/hash.h"
#include <stdlib.h>
#include <uv.h>

#define BUCKETS_MIN ((size_t)64)
#define OVERHEAD ((size_t)180) /* of a page, beside its bytes */
#define CHAIN_MAX ((size_t)4)  /* pages of an entry in a bucket, on average */

/* ---- blocks ---------------------------------------------------------------------------------- */

struct beamc__state_block {
    int refs; /* atomic */
    FN(StateResponse) *response;
};

beamc__state_block *beamc__state_block_new(FN(StateResponse) *take_response)
{
    beamc__state_block *block = malloc(sizeof(*block));

    if (block == NULL) {
        fn(state_response__free_unpacked)(take_response, NULL);
        return NULL;
    }
    *block = (beamc__state_block){ 1, take_response };
    return block;
}

beamc__state_block *beamc__state_block_ref(beamc__state_block *block)
{
    __atomic_fetch_add(&block->refs, 1, __ATOMIC_RELAXED);
    return block;
}

void beamc__state_block_unref(beamc__state_block *block)
{
    if (block == NULL || __atomic_sub_fetch(&block->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    fn(state_response__free_unpacked)(block->response, NULL);
    free(block);
}

const FN(StateResponse) *beamc__state_block_response(const beamc__state_block *block)
{
    return block->response;
}

/* ---- entries --------------------------------------------------------------------------------- */

typedef struct page page;
struct page {
    page *next;  /* of its entry */
    page *chain; /* in its bucket */
    beamc__state_block *block;
    size_t bytes; /* that it counts for */
    bool is_first;
    uint64_t hash;
    size_t size;
    uint8_t part[];
};

typedef struct entry entry;
struct entry {
    entry *next;           /* in its bucket */
    entry *older, *newer;  /* by last use */
    page *pages;
    size_t page_count;
    page **buckets; /* of pages by hash; one_bucket as long as there are few */
    page *one_bucket;
    size_t bucket_count; /* a power of 2 */
    bool closed;
    uint64_t hash;
    size_t size;
    uint8_t name[];
};

struct beamc__state_store {
    size_t limit;
    uv_mutex_t lock; /* guards what follows */
    entry **buckets;
    size_t bucket_count; /* a power of 2 */
    size_t count;
    entry *oldest, *newest;
    size_t bytes;
    uint64_t hits, misses;
};

beamc__state_store *beamc__state_store_new(size_t limit)
{
    beamc__state_store *store = calloc(1, sizeof(*store));

    if (store == NULL)
        return NULL;
    store->limit = limit;
    store->bucket_count = BUCKETS_MIN;
    store->buckets = calloc(BUCKETS_MIN, sizeof(entry *));
    if (store->buckets == NULL || uv_mutex_init(&store->lock) < 0) {
        free(store->buckets);
        free(store);
        return NULL;
    }
    return store;
}

/* All that follow down to the calls are made with the lock. */

static void drop_pages(beamc__state_store *store, entry *of)
{
    for (page *next, *each = of->pages; each != NULL; each = next) {
        next = each->next;
        store->bytes -= each->bytes;
        beamc__state_block_unref(each->block);
        free(each);
    }
    of->pages = NULL;
    of->page_count = 0;
    if (of->buckets != &of->one_bucket)
        free(of->buckets);
    of->buckets = &of->one_bucket;
    of->one_bucket = NULL;
    of->bucket_count = 1;
}

static void unlink_use(beamc__state_store *store, entry *one)
{
    *(one->older != NULL ? &one->older->newer : &store->oldest) = one->newer;
    *(one->newer != NULL ? &one->newer->older : &store->newest) = one->older;
}

static void link_newest(beamc__state_store *store, entry *one)
{
    one->older = store->newest;
    one->newer = NULL;
    *(store->newest != NULL ? &store->newest->newer : &store->oldest) = one;
    store->newest = one;
}

static entry **find(const beamc__state_store *store, beamc_bytes name, uint64_t hash)
{
    entry **at = &store->buckets[hash & (store->bucket_count - 1)];

    while (*at != NULL && ((*at)->hash != hash || (*at)->size != name.size ||
                           memcmp((*at)->name, name.data, name.size) != 0))
        at = &(*at)->next;
    return at;
}

static void drop_entry(beamc__state_store *store, entry *one)
{
    entry **at = &store->buckets[one->hash & (store->bucket_count - 1)];

    while (*at != one)
        at = &(*at)->next;
    *at = one->next;
    drop_pages(store, one);
    unlink_use(store, one);
    store->count--;
    free(one);
}

/* Without memory the chains only get longer. */
static void grow(beamc__state_store *store)
{
    size_t count = 2 * store->bucket_count;
    entry **buckets = calloc(count, sizeof(*buckets));

    if (buckets == NULL)
        return;
    for (entry *each = store->oldest; each != NULL; each = each->newer) {
        entry **at = &buckets[each->hash & (count - 1)];
        each->next = *at;
        *at = each;
    }
    free(store->buckets);
    store->buckets = buckets;
    store->bucket_count = count;
}

/* The entry of that name, made if there is none; NULL: no memory. */
static entry *provide(beamc__state_store *store, beamc_bytes name)
{
    uint64_t hash = beamc__hash(name.data, name.size);
    entry *one = *find(store, name, hash);

    if (one != NULL)
        return one;
    one = calloc(1, sizeof(*one) + name.size);
    if (one == NULL)
        return NULL;
    one->buckets = &one->one_bucket;
    one->bucket_count = 1;
    one->hash = hash;
    one->size = name.size;
    memcpy(one->name, name.data, name.size);
    if (store->count >= store->bucket_count)
        grow(store);
    entry **at = &store->buckets[hash & (store->bucket_count - 1)];
    one->next = *at;
    *at = one;
    link_newest(store, one);
    store->count++;
    return one;
}

static page *find_page(const entry *of, beamc_bytes part, uint64_t hash)
{
    page *each = of->buckets[hash & (of->bucket_count - 1)];

    while (each != NULL && (each->hash != hash || each->size != part.size ||
                            memcmp(each->part, part.data, part.size) != 0))
        each = each->chain;
    return each;
}

static void chain_page(page **buckets, size_t bucket_count, page *one)
{
    page **at = &buckets[one->hash & (bucket_count - 1)];

    one->chain = *at;
    *at = one;
}

/* As with entries. */
static void grow_pages(entry *of)
{
    size_t count = 2 * of->bucket_count;
    page **buckets = calloc(count, sizeof(*buckets));

    if (buckets == NULL)
        return;
    for (page *each = of->pages; each != NULL; each = each->next)
        chain_page(buckets, count, each);
    if (of->buckets != &of->one_bucket)
        free(of->buckets);
    of->buckets = buckets;
    of->bucket_count = count;
}

/* Closed entries have no pages and are remembered. */
static void make_room(beamc__state_store *store)
{
    entry *next;

    for (entry *each = store->oldest; each != NULL && store->bytes > store->limit; each = next) {
        next = each->newer;
        if (!each->closed)
            drop_entry(store, each);
    }
}

static int put(beamc__state_store *store, beamc_bytes name, beamc_bytes part,
               beamc__state_block *block, bool is_first)
{
    const FN(StateResponse) *response = block->response;
    size_t bytes = OVERHEAD + name.size + part.size +
                   (response->response_case == FNK(STATE_RESPONSE__RESPONSE_GET)
                        ? response->get->data.len
                        : 0);

    if (bytes > store->limit)
        return BEAMC_OK;
    entry *to = provide(store, name);
    if (to == NULL)
        return BEAMC_ENOMEM;
    uint64_t hash = beamc__hash(part.data, part.size);
    if (to->closed || find_page(to, part, hash) != NULL)
        return BEAMC_OK;
    page *made = malloc(sizeof(*made) + part.size);
    if (made == NULL)
        return BEAMC_ENOMEM;
    *made = (page){ .next = to->pages, .block = beamc__state_block_ref(block), .bytes = bytes,
                    .is_first = is_first, .hash = hash, .size = part.size };
    memcpy(made->part, part.data, part.size);
    to->pages = made;
    chain_page(to->buckets, to->bucket_count, made);
    if (++to->page_count > CHAIN_MAX * to->bucket_count)
        grow_pages(to);
    store->bytes += bytes;
    make_room(store);
    return BEAMC_OK;
}

/* ---- calls ----------------------------------------------------------------------------------- */

void beamc__state_store_free(beamc__state_store *store)
{
    if (store == NULL)
        return;
    while (store->oldest != NULL)
        drop_entry(store, store->oldest);
    uv_mutex_destroy(&store->lock);
    free(store->buckets);
    free(store);
}

beamc__state_block *beamc__state_store_get(beamc__state_store *store, beamc_bytes name,
                                           beamc_bytes part)
{
    beamc__state_block *block = NULL;

    uv_mutex_lock(&store->lock);
    entry *one = *find(store, name, beamc__hash(name.data, name.size));
    const page *found = one == NULL ? NULL : find_page(one, part, beamc__hash(part.data, part.size));
    if (found != NULL) {
        block = beamc__state_block_ref(found->block);
        unlink_use(store, one);
        link_newest(store, one);
        store->hits++;
    } else {
        store->misses++;
    }
    uv_mutex_unlock(&store->lock);
    return block;
}

int beamc__state_store_put(beamc__state_store *store, beamc_bytes name, beamc_bytes part,
                           beamc__state_block *block, bool is_first)
{
    uv_mutex_lock(&store->lock);
    int rc = put(store, name, part, block, is_first);
    uv_mutex_unlock(&store->lock);
    return rc;
}

void beamc__state_store_drop(beamc__state_store *store, beamc_bytes name)
{
    uv_mutex_lock(&store->lock);
    entry *one = *find(store, name, beamc__hash(name.data, name.size));
    if (one != NULL)
        drop_entry(store, one);
    uv_mutex_unlock(&store->lock);
}

int beamc__state_store_close(beamc__state_store *store, beamc_bytes name)
{
    uv_mutex_lock(&store->lock);
    entry *one = provide(store, name);
    if (one != NULL) {
        drop_pages(store, one);
        one->closed = true;
    }
    uv_mutex_unlock(&store->lock);
    return one == NULL ? BEAMC_ENOMEM : BEAMC_OK;
}

/* As many pages continue others as say that they are continued; and all of it fits. */
static bool is_whole(const entry *one, size_t limit)
{
    size_t bytes = 0;
    long missing = 0;

    for (const page *each = one->pages; each != NULL; each = each->next) {
        const FN(StateResponse) *response = each->block->response;
        bool goes_on = response->response_case == FNK(STATE_RESPONSE__RESPONSE_GET) &&
                       response->get->continuation_token.len > 0;
        missing += goes_on - !each->is_first;
        bytes += each->bytes;
    }
    return one->pages != NULL && missing == 0 && bytes <= limit;
}

int beamc__state_store_copy(beamc__state_store *from, beamc__state_store *to,
                            bool (*wanted)(void *ctx, beamc_bytes name), void *ctx)
{
    int rc = BEAMC_OK;

    uv_mutex_lock(&from->lock);
    for (const entry *each = from->oldest; each != NULL; each = each->newer) {
        beamc_bytes name = { each->name, each->size };
        if (!is_whole(each, to->limit) || !wanted(ctx, name))
            continue;
        for (const page *one = each->pages; rc == BEAMC_OK && one != NULL; one = one->next)
            rc = beamc__state_store_put(to, name, (beamc_bytes){ one->part, one->size },
                                        one->block, one->is_first);
    }
    uv_mutex_unlock(&from->lock);
    return rc;
}

beamc__state_store_stats beamc__state_store_tell(beamc__state_store *store)
{
    uv_mutex_lock(&store->lock);
    beamc__state_store_stats stats = { store->bytes, store->limit, store->count, store->hits,
                                       store->misses };
    uv_mutex_unlock(&store->lock);
    return stats;
}
