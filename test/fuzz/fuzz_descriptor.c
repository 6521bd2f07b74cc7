/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of mutated descriptors, run on mutated elements:
 *
 *     size of the descriptor, 2 bytes | ProcessBundleDescriptor | what every source and every page of
 *                                                                state has
 *
 * A plan that is made and runs twice gives the same twice, and is not worse for a third bundle. */
#include "harness/exec/plan.h"

#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/base/arena_proto.h"
#include "sdk/base/hash.h"
#include <beamc/combine.h>
#include <beamc/pipeline.h>
#include <stdio.h>
#include <stdlib.h>

BEAMC_KV(fuzz_pair, string, int64)

/* ---- the functions that descriptors of the corpus name ------------------------------------------- */

static const beamc_dofn_output fuzz_outputs[] = { { "long", BEAMC_TYPE(int64) } };

BEAMC_DOFN_WITH(fuzz_pass, string, string, .outputs = fuzz_outputs, .output_count = 1,
                .observes_window = true)
{
    int64_t size = (int64_t)element->size;
    beamc_interval_window window;

    if (beamc_context_window(ctx, &window))
        BEAMC_TRY(beamc_emit_windowed(ctx, 1, &window.start, 0, &window));
    if (size > 3)
        BEAMC_TRY(beamc_emit_to(ctx, 1, &size));
    return beamc_emit(ctx, element);
}

static const beamc_dofn_side fuzz_sides[] = {
    { "all", BEAMC_TYPE(string), BEAMC_VIEW_ITERABLE },
    { "one", BEAMC_TYPE(int64), BEAMC_VIEW_SINGLETON },
    { "map", &beamc_type_fuzz_pair, BEAMC_VIEW_MULTIMAP },
};

BEAMC_DOFN_WITH(fuzz_look, fuzz_pair, fuzz_pair, .sides = fuzz_sides, .side_count = 3)
{
    fuzz_pair out = *element;
    beamc_iterable values;
    int64_t count;
    int64_t one;

    BEAMC_TRY(beamc_side_iterable(ctx, 0, &values));
    BEAMC_TRY(beamc_iterable_count(&count, &values));
    out.value += count;
    BEAMC_TRY(beamc_side_lookup(ctx, 2, &element->key, &values));
    BEAMC_TRY(beamc_iterable_count(&count, &values));
    out.value += count;
    if (element->value % 3 == 0) {
        BEAMC_TRY(beamc_side_singleton(ctx, 1, &one));
        out.value += one;
    }
    return beamc_emit(ctx, &out);
}

BEAMC_DOFN(fuzz_value, fuzz_pair, int64)
{
    return beamc_emit(ctx, &element->value);
}

BEAMC_COMBINE(fuzz_sum, int64, int64, int64)

static beamc_error *fuzz_sum_create(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator)
{
    *accumulator = 0;
    return NULL;
}

static beamc_error *fuzz_sum_add(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                                 const int64_t *input)
{
    *accumulator = (int64_t)((uint64_t)*accumulator + (uint64_t)*input);
    return NULL;
}

static beamc_error *fuzz_sum_merge(beamc_combine_context *ctx, int64_t *accumulator, int64_t *other)
{
    return fuzz_sum_add(ctx, accumulator, other);
}

static beamc_error *fuzz_sum_extract(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                                     int64_t *output)
{
    *output = *accumulator;
    return NULL;
}

/* The greater of two texts. */
BEAMC_COMBINE(fuzz_max, string, string, string)

static beamc_error *fuzz_max_create(beamc_combine_context *ctx BEAMC_UNUSED,
                                    beamc_string *accumulator)
{
    *accumulator = (beamc_string){ "", 0 };
    return NULL;
}

static beamc_error *fuzz_max_add(beamc_combine_context *ctx, beamc_string *accumulator,
                                 const beamc_string *input)
{
    if (beamc_compare(BEAMC_TYPE(string), input, accumulator) <= 0)
        return NULL;
    return beamc_copy(BEAMC_TYPE(string), accumulator, input, ctx->arena) < 0 ? beamc_error_nomem()
                                                                              : NULL;
}

static beamc_error *fuzz_max_merge(beamc_combine_context *ctx, beamc_string *accumulator,
                                   beamc_string *other)
{
    return fuzz_max_add(ctx, accumulator, other);
}

static beamc_error *fuzz_max_extract(beamc_combine_context *ctx BEAMC_UNUSED,
                                     beamc_string *accumulator, beamc_string *output)
{
    *output = *accumulator;
    return NULL;
}

/* ---- a bundle ------------------------------------------------------------------------------------ */

enum { PORTS_MAX = 16 };

typedef struct {
    beamc__input input;
    beamc_bytes bytes;
    bool given;
} fuzz_input;

typedef struct {
    beamc__output output;
    uint64_t digest; /* of the elements, in any order */
} fuzz_output;

typedef struct {
    beamc__state state;
    beamc_bytes bytes;
} fuzz_state;

static beamc_error *next_chunk(beamc__input *self, beamc_bytes *out)
{
    fuzz_input *input = (fuzz_input *)self;

    *out = input->given ? (beamc_bytes){ NULL, 0 } : input->bytes;
    input->given = true;
    return NULL;
}

static beamc_error *wrote(beamc__output *self, size_t start, size_t head_size, size_t key_size)
{
    fuzz_output *output = (fuzz_output *)self;
    size_t size = self->buffer.size - start;

    if (head_size + key_size > size)
        abort();
    output->digest += beamc__hash(self->buffer.data + start, size);
    self->buffer.size = start;
    return NULL;
}

/* All keys have the same, in two pages. */
static beamc_error *state_get(beamc__state *self, const beamc__state_key *key BEAMC_UNUSED,
                              beamc_bytes from, beamc__state_page *page)
{
    const fuzz_state *state = (const fuzz_state *)self;
    size_t half = state->bytes.size / 2;

    page->data = state->bytes.data + (from.size > 0 ? half : 0);
    page->size = from.size > 0 ? state->bytes.size - half : half;
    page->next = (const uint8_t *)"x";
    page->next_size = from.size > 0 ? 0 : 1;
    return NULL;
}

typedef struct {
    fuzz_input inputs[PORTS_MAX];
    fuzz_output outputs[PORTS_MAX];
    beamc__input *input_list[PORTS_MAX];
    beamc__output *output_list[PORTS_MAX];
    fuzz_state state;
    beamc__bundle bundle;
} fuzz_bundle;

static void set_up(fuzz_bundle *b, const FN(ProcessBundleDescriptor) *descriptor, beamc_bytes bytes)
{
    static const beamc_log_sink silent = { beamc_log_write_stderr, NULL };

    memset(b, 0, sizeof(*b));
    b->state = (fuzz_state){ { .get = state_get }, bytes };
    b->bundle = (beamc__bundle){ .instruction_id = "fuzz", .inputs = b->input_list,
                                 .outputs = b->output_list, .state = &b->state.state,
                                 .log = &silent, .log_level = BEAMC_LOG_CRITICAL };
    for (size_t i = 0; i < descriptor->n_transforms; i++) {
        const PB(PTransform) *transform = descriptor->transforms[i]->value;
        const char *id = descriptor->transforms[i]->key;
        if (transform == NULL || transform->spec == NULL)
            continue;
        if (strcmp(transform->spec->urn, BEAMC_URN_DATA_SOURCE) == 0 &&
            b->bundle.input_count < PORTS_MAX) {
            fuzz_input *input = &b->inputs[b->bundle.input_count];
            *input = (fuzz_input){ { id, next_chunk, NULL }, bytes, false };
            b->input_list[b->bundle.input_count++] = &input->input;
        }
        if (strcmp(transform->spec->urn, BEAMC_URN_DATA_SINK) == 0 &&
            b->bundle.output_count < PORTS_MAX) {
            fuzz_output *output = &b->outputs[b->bundle.output_count];
            output->output.transform_id = id;
            output->output.wrote = wrote;
            b->output_list[b->bundle.output_count++] = &output->output;
        }
    }
}

static void tear_down(fuzz_bundle *b)
{
    for (size_t i = 0; i < b->bundle.output_count; i++)
        beamc_buffer_dispose(&b->outputs[i].output.buffer);
}

static uint64_t digest_of(const fuzz_bundle *b)
{
    uint64_t digest = 0;

    for (size_t i = 0; i < b->bundle.output_count; i++)
        digest = digest * 31 + b->outputs[i].digest;
    return digest;
}

static void run(const FN(ProcessBundleDescriptor) *descriptor, beamc_bytes bytes)
{
    const beamc__plan_options options = {
        .functions = __start_beamc_functions,
        .function_count = (size_t)(__stop_beamc_functions - __start_beamc_functions),
    };
    beamc__plan *plan;
    fuzz_bundle bundle;
    uint64_t first = 0;

    beamc_error *error = beamc__plan_new(&plan, descriptor, &options);
    for (int i = 0; i < 2 && error == NULL; i++) {
        beamc__metrics *metrics = beamc__metrics_new();
        set_up(&bundle, descriptor, bytes);
        error = beamc__plan_run(plan, &bundle.bundle);
        if (error == NULL)
            error = beamc__plan_report(plan, metrics);
        if (i > 0 && (error != NULL || digest_of(&bundle) != first))
            abort();
        first = digest_of(&bundle);
        tear_down(&bundle);
        beamc__metrics_free(metrics);
    }
    beamc__plan_free(plan);
    if (error != NULL && beamc_error_message(error)[0] == '\0')
        abort();
    beamc_error_free(error); /* that there is one is all that is asked here */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    beamc_arena *arena = beamc_arena_new();

    if (size < 2 || arena == NULL) {
        beamc_arena_free(arena);
        return 0;
    }
    size_t first = (size_t)data[0] << 8 | data[1];
    if (first > size - 2)
        first = size - 2;
    ProtobufCAllocator allocator = beamc__arena_allocator(arena);
    const FN(ProcessBundleDescriptor) *descriptor =
        BEAMC__UNPACK(FN(ProcessBundleDescriptor), fn(process_bundle_descriptor__descriptor),
                      &allocator, first, data + 2);
    if (descriptor != NULL)
        run(descriptor, (beamc_bytes){ data + 2 + first, size - 2 - first });
    beamc_arena_free(arena);
    return 0;
}
