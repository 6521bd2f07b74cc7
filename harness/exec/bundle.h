/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle as exec sees it: where elements come from, where they go, what answers questions about
 * state.  Whoever runs bundles (the engine in this process, a worker on streams) provides these.
 *
 *     input(s) --elements--> plan --elements--> output(s)
 *                              |
 *                            state
 *
 * Elements travel encoded as Beam's windowed_value, whole, one after the other. */
#ifndef BEAMC_EXEC_BUNDLE_H
#define BEAMC_EXEC_BUNDLE_H

#include "sdk/coders/state_fetch.h"
#include <beamc/element.h>
#include <beamc/log.h>

/* ---- in -------------------------------------------------------------------------------------- */

typedef struct beamc__group beamc__group;

/* The values of a group, as encoded. */
typedef struct {
    /* Sets the cursor before the first value. */
    void (*start)(const beamc__group *group, uintptr_t cursor[4]);
    /* The next value (nested encoding), borrowed until the next call for this cursor; data NULL at
     * the end. */
    beamc_error *(*next)(const beamc__group *group, uintptr_t cursor[4], beamc_bytes *value);
    /* Ends a walk at any point; may be NULL. */
    void (*end)(const beamc__group *group, uintptr_t cursor[4]);
} beamc__group_ops;

/* A key and its values: what a GroupByKey gives, without being written out as one iterable. */
struct beamc__group {
    beamc_element_info info;
    beamc_bytes key; /* nested encoding */
    const beamc__group_ops *ops;
    const void *source; /* of the ops */
    int64_t count;      /* of values; negative: unknown */
};

/* Elements for one beam:runner:source:v1.  One of the two functions is there. */
typedef struct beamc__input beamc__input;
struct beamc__input {
    const char *transform_id;
    /* The next bytes: whole elements in the port's coder, borrowed until the next call; size 0: the
     * end. */
    beamc_error *(*next_chunk)(beamc__input *self, beamc_bytes *out);
    /* The next group, borrowed until the next call; false in *got: the end.  The port's elements are
     * KV<K, Iterable<V>>. */
    beamc_error *(*next_group)(beamc__input *self, beamc__group *out, bool *got);
};

/* ---- out ------------------------------------------------------------------------------------- */

/* Where one beam:runner:sink:v1 writes.  An element is appended to the buffer, then told:
 *
 *     ... | head | key | value |          head: timestamp, windows, pane
 *         ^ start                         key_size 0: the element is no KV, or not only that
 *
 * An output that only gathers need not be told of each: none is as long as the buffer is smaller than
 * @due and @ticks stands at @tick. */
typedef struct beamc__output beamc__output;
struct beamc__output {
    const char *transform_id;
    beamc_buffer buffer; /* the output may empty it in wrote */
    size_t due;          /* 0: told of each element, and the two below are not there */
    const uint32_t *ticks; /* atomic */
    uint32_t tick;
    beamc_error *(*wrote)(beamc__output *self, size_t start, size_t head_size, size_t key_size);
};

/* ---- state ----------------------------------------------------------------------------------- */

/* Beam proto StateKey, with the numbers of its fields. */
typedef enum {
    BEAMC__STATE_RUNNER = 1, /* key: the token; nothing else */
    BEAMC__STATE_MULTIMAP_SIDE_INPUT = 2,
    BEAMC__STATE_BAG = 3,
    BEAMC__STATE_ITERABLE_SIDE_INPUT = 4,
    BEAMC__STATE_MULTIMAP_KEYS_SIDE_INPUT = 5,
    BEAMC__STATE_MULTIMAP_KEYS = 6,
    BEAMC__STATE_MULTIMAP = 7,
    BEAMC__STATE_MULTIMAP_KEYS_VALUES_SIDE_INPUT = 8,
    BEAMC__STATE_ORDERED_LIST = 9,
    BEAMC__STATE_MULTIMAP_ENTRIES = 10
} beamc__state_kind;

typedef struct {
    beamc__state_kind kind;
    const char *transform_id;
    const char *id;      /* of the side input, or of the user's state */
    beamc_bytes window;  /* encoded */
    beamc_bytes key;     /* nested encoding; side inputs as a whole have none */
    beamc_bytes map_key; /* of a multimap */
    int64_t start, end;  /* of an ordered list: the sort keys, from start to before end */
} beamc__state_key;

typedef struct beamc__state beamc__state;
struct beamc__state {
    /* The page of the values at @key from the continuation token @from on (no bytes: the first). */
    beamc_error *(*get)(beamc__state *self, const beamc__state_key *key, beamc_bytes from,
                        beamc__state_page *page);
    void (*release)(beamc__state *self, beamc__state_page *page); /* may be NULL */
    /* Add encoded values to user state, and empty it; later gets see that.  They do not wait, so an
     * error may come with a later call or with the end of the bundle.  NULL: state is for reading. */
    beamc_error *(*append)(beamc__state *self, const beamc__state_key *key, beamc_bytes values);
    beamc_error *(*clear)(beamc__state *self, const beamc__state_key *key);
};

/* ---- who looks on ---------------------------------------------------------------------------- */

/* Told which plan works for a bundle, by the thread that does: before the first of its DoFns is
 * called, setup included, and once none is called any more (NULL).  In between others may look at it
 * (beamc__plan_look). */
typedef struct beamc__plan beamc__plan;
typedef struct beamc__plan_watch beamc__plan_watch;
struct beamc__plan_watch {
    void (*at)(beamc__plan_watch *self, const beamc__plan *plan);
};

/* ---- the bundle ------------------------------------------------------------------------------ */

typedef struct beamc__bundle_view beamc__bundle_view;

typedef struct {
    const char *instruction_id;
    beamc__input *const *inputs; /* one for each source of the descriptor */
    size_t input_count;
    beamc__output *const *outputs; /* one for each sink */
    size_t output_count;
    beamc__state *state; /* NULL: side inputs and tokens are errors */
    const beamc_log_sink *log;
    beamc_log_level log_level;
    const volatile int *cancel; /* non-zero ends the bundle with ECANCELLED; may be NULL */
    int64_t *elements_read;     /* added to, now and then, atomically; may be NULL */
    beamc__bundle_view *view;   /* who looks at it while it runs, and splits it; NULL: nobody */
    beamc__plan_watch *watch;   /* may be NULL */
} beamc__bundle;

#endif
