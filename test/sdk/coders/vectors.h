/* SPDX-License-Identifier: Apache-2.0 */
/* Beam's test vectors of coders, as scripts/standard_coders.py writes them. */
#ifndef BEAMC_TEST_VECTORS_H
#define BEAMC_TEST_VECTORS_H

#include "proto/beam.h"
#include "sdk/coders/fast.h"

/* A value of the file: JSON, so to speak. */
typedef struct vector_node vector_node;
struct vector_node {
    char kind; /* n null, b bool, i integer, s text, l list, m map: keys and values in turn */
    int64_t number;
    beamc_string text;
    vector_node *items;
    size_t count; /* of a map: keys and values */
};

typedef struct {
    beamc_bytes encoded;
    vector_node value;
} vector_example;

enum { VECTOR_CODERS_MAX = 8, VECTOR_EXAMPLES_MAX = 32 };

typedef struct {
    int index; /* of the document in the file */
    bool contexts[2]; /* [nested] */
    bool exact;
    PB(Coder) coders[VECTOR_CODERS_MAX]; /* ids "0", "1", ...; the case's is "0" */
    PB(FunctionSpec) specs[VECTOR_CODERS_MAX];
    size_t coder_count;
    beamc_bytes state[4][2]; /* token, data */
    size_t state_count;
    vector_example examples[VECTOR_EXAMPLES_MAX];
    size_t example_count;
} vector_case;

/* All cases, in memory of @arena.  NULL if the file is not there; a malformed one ends the program. */
vector_case *vectors_load(const char *path, size_t *count, beamc_arena *arena);

/* The type of a case: by its Coder messages, as a runner would send them. */
const beamc_type *vector_type(const vector_case *test, beamc_arena *arena);

/* Fills @value with what the file says, and fails the test if that is none of @type. */
void vector_value(const beamc_type *type, void *value, const vector_node *node,
                  beamc_arena *arena);

/* Serves the state that a case names; its ctx is the case. */
beamc__state_fetch vector_fetch(const vector_case *test);

#endif
