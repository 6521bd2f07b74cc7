/* SPDX-License-Identifier: Apache-2.0 */
/* Values that lie in the runner's state and are fetched page by page: the rest of a state-backed
 * iterable, side inputs, bags.  Whoever speaks to the runner gives the pages; the iterable over them
 * is here. */
#ifndef BEAMC_CODERS_STATE_FETCH_H
#define BEAMC_CODERS_STATE_FETCH_H

#include <beamc/type.h>

/* Nested encodings one after the other, cut at any byte. */
typedef struct {
    const uint8_t *data; /* borrowed until release */
    size_t size;
    const uint8_t *next; /* continuation token, borrowed likewise */
    size_t next_size;    /* 0: this was the last page */
    void *owner;         /* of the fetcher */
} beamc__state_page;

typedef struct beamc__state_fetch beamc__state_fetch;

struct beamc__state_fetch {
    /** Gets the page of @token at the continuation token @from (no bytes: the first page) and waits
     *  for it.  @page is cleared before.  What is @token is agreed with whoever made the iterable:
     *  of state-backed iterables, the bytes for StateKey.runner. */
    beamc_error *(*get)(const beamc__state_fetch *fetch, beamc_bytes token, beamc_bytes from,
                        beamc__state_page *page);
    /** Ends @page, of a get that succeeded; may be NULL. */
    void (*release)(const beamc__state_fetch *fetch, beamc__state_page *page);
    void *ctx;
};

/* The source of an iterable over pages. */
typedef struct {
    const uint8_t *bytes; /* what was given inline: an iterable's whole encoding, or NULL */
    size_t size;
    bool has_token; /* then pages follow */
    beamc_bytes token;
    const beamc__state_fetch *fetch;
} beamc__paged;

/* An iterable over what @paged (borrowed) names.  Each walk fetches anew. */
beamc_iterable beamc__iterable_of_pages(const beamc_type *element, const beamc__paged *paged);

#endif
