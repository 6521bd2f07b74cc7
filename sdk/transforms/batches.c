/* SPDX-License-Identifier: Apache-2.0 */
/* GroupIntoBatches: a GroupByKey whose iterables are cut into pieces.  The composite does not carry
 * Beam's URN group_into_batches:v1, which promises what the stateful transform of other SDKs
 * does. */
#include <beamc/batches.h>

#include "sdk/transforms/shape.h"
#include "sdk/types/layout.h"
#include <inttypes.h>
#include <stdlib.h>

#define BATCHES(F) F(int64, max_values) F(int64, max_bytes)
BEAMC_ROW(batches_config, BATCHES)

typedef struct {
    beamc__pair pair; /* the output has room for the batch */
    const beamc_type *value;
    void *room;         /* for one value */
    beamc_arena *arena; /* of the values of the current batch */
    char *values;       /* of the current batch; owned, grows */
    size_t count;
    size_t capacity;
    int64_t bytes;
    beamc_buffer encoded; /* for measuring */
} batch;

static beamc_error *setup_batch(beamc_context *ctx)
{
    batch *self = beamc_instance(ctx);

    BEAMC_TRY(beamc__pair_setup(ctx));
    const beamc_type *iterable = beamc__shape_bare(beamc__shape_bare(ctx->input)->fields[1].type);
    beamc_buffer_init(&self->encoded);
    self->value = iterable->fields[0].type;
    self->room = malloc(self->value->size + 1);
    self->arena = beamc_arena_new();
    return self->room == NULL || self->arena == NULL ? beamc_error_nomem() : NULL;
}

static void teardown_batch(beamc_context *ctx)
{
    batch *self = beamc_instance(ctx);

    beamc__pair_teardown(ctx);
    beamc_buffer_dispose(&self->encoded);
    beamc_arena_free(self->arena);
    free(self->room);
    free(self->values);
    memset(self, 0, sizeof(*self));
}

static void clear(batch *self)
{
    beamc_arena_reset(self->arena);
    self->count = 0;
    self->bytes = 0;
}

static beamc_error *flush(beamc_context *ctx, batch *self)
{
    beamc_iterable values = beamc_iterable_of_array(self->value, self->values, self->count);

    if (self->count == 0)
        return NULL;
    memcpy(self->pair.out + self->pair.out_value, &values, sizeof(values));
    beamc_error *err = beamc_emit_value(ctx, 0, self->pair.out);
    clear(self);
    return err;
}

static beamc_error *keep(batch *self, const void *value)
{
    if (self->count == self->capacity) {
        size_t capacity = self->capacity == 0 ? 16 : 2 * self->capacity;
        char *values = reallocarray(self->values, capacity, self->value->size + 1);
        if (values == NULL)
            return beamc_error_nomem();
        self->values = values;
        self->capacity = capacity;
    }
    int rc = beamc_copy(self->value, self->values + self->count * self->value->size, value,
                        self->arena);
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "keeping a value of %s", self->value->name);
    self->count++;
    return NULL;
}

static beamc_error *measure(int64_t *out, batch *self, const void *value)
{
    beamc_buffer_clear(&self->encoded);
    int rc = beamc_encode(self->value, value, true, &self->encoded);
    if (rc == BEAMC_OK && beamc_buffer_failed(&self->encoded))
        rc = BEAMC_ENOMEM;
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "encoding %s", self->value->name);
    *out = (int64_t)self->encoded.size;
    return NULL;
}

static beamc_error *add(beamc_context *ctx, batch *self, const void *value)
{
    const batches_config *config = beamc_config(ctx);
    int64_t bytes = 0;

    if (config->max_bytes > 0) {
        BEAMC_TRY(measure(&bytes, self, value));
        if (self->bytes + bytes > config->max_bytes)
            BEAMC_TRY(flush(ctx, self));
    }
    BEAMC_TRY(keep(self, value));
    self->bytes += bytes;
    if (config->max_values > 0 && self->count >= (size_t)config->max_values)
        return flush(ctx, self);
    return NULL;
}

static beamc_error *cut(beamc_context *ctx, const void *element)
{
    batch *self = beamc_instance(ctx);
    beamc_iterator iterator;
    beamc_error *err = NULL;

    clear(self);
    beamc__shape_move(self->pair.out, element, self->pair.key_size);
    beamc_iterate(&iterator, beamc__at(element, self->pair.in_value));
    while (err == NULL && beamc_next(&iterator, self->room))
        err = add(ctx, self, self->room);
    beamc_error *walk = beamc_iterator_finish(&iterator);
    if (err == NULL)
        return walk != NULL ? walk : flush(ctx, self);
    beamc_error_free(walk); /* the first error is the one to tell */
    return err;
}

static beamc_error *same_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                              const void *config BEAMC_UNUSED, beamc_arena *arena BEAMC_UNUSED,
                              beamc_dofn_types *out)
{
    out->output = input;
    BEAMC_TRY(beamc__shape_need_kv(input));
    return beamc__shape_need_iterable(input->fields[1].type);
}

static void show_batches(const void *config, beamc_display *display)
{
    const batches_config *shown = config;

    if (shown->max_values > 0)
        beamc_display_int64(display, "max_values", "Values in a batch", shown->max_values);
    if (shown->max_bytes > 0)
        beamc_display_int64(display, "max_bytes", "Bytes in a batch", shown->max_bytes);
}

static const beamc_dofn beamc_batches_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_batches_fn" },
    .process = cut,
    .setup = setup_batch,
    .teardown = teardown_batch,
    .config = BEAMC_TYPE(batches_config),
    .instance_size = sizeof(batch),
    .infer = same_type,
    .display = show_batches,
};
BEAMC_REGISTER(beamc_batches_fn)

beamc_pcollection beamc_group_into_batches_at(beamc_location at, beamc_pcollection in,
                                              beamc_batch_options options)
{
    const batches_config config = { options.max_values, options.max_bytes };

    if (options.max_values < 0 || options.max_bytes < 0 ||
        (options.max_values == 0 && options.max_bytes == 0))
        return beamc__refuse(at, in, "GroupIntoBatches",
                             beamc_error_new(BEAMC_EINVAL,
                                             "limits of %" PRId64 " values and %" PRId64 " bytes",
                                             options.max_values, options.max_bytes));
    beamc_enter_at(at, in.pipeline, "GroupIntoBatches", NULL);
    beamc_pcollection grouped = beamc_group_by_key_at(at, beamc_named(in, "GroupByKey"));
    return beamc__leave(at, beamc__step(at, grouped, "Cut", &beamc_batches_fn, &config));
}
