/* SPDX-License-Identifier: Apache-2.0 */
#include "test/runners/engine/pipeline_kit.h"

#include "proto/urns.h"
#include "sdk/windowing/window_proto.h"
#include <check.h>
#include <stdio.h>

typedef struct {
    beamc_arena *arena;
    PB(Pipeline) *pipeline;
    PB(Components) *components;
} builder;

static void must(bool holds, const char *what)
{
    if (!holds)
        ck_abort_msg("pipeline kit: %s", what);
}

static void *make(beamc_arena *arena, size_t size)
{
    void *made = beamc_arena_calloc(arena, 1, size);
    must(made != NULL, "no memory");
    return made;
}

static void *append(beamc_arena *arena, void *list, size_t count, void *item)
{
    void **more = beamc_arena_calloc(arena, count + 1, sizeof(*more));

    must(more != NULL, "no memory");
    if (count > 0)
        memcpy(more, list, count * sizeof(*more));
    more[count] = item;
    return more;
}

#define ADD(b, Entry, entry, field, id, message)                                                   \
    do {                                                                                           \
        PB(Components__##Entry) *add_entry = make((b)->arena, sizeof(*add_entry));                 \
        pb(components__##entry##__init)(add_entry);                                                \
        add_entry->key = beamc_arena_strdup((b)->arena, id);                                       \
        add_entry->value = (message);                                                              \
        void *add_list = (b)->components->field;                                                   \
        (b)->components->field =                                                                   \
            append((b)->arena, add_list, (b)->components->n_##field, add_entry);                   \
        (b)->components->n_##field++;                                                              \
    } while (0)

PB(PTransform) *pipeline_transform(PB(Pipeline) *pipeline, const char *id)
{
    for (size_t i = 0; i < pipeline->components->n_transforms; i++) {
        if (strcmp(pipeline->components->transforms[i]->key, id) == 0)
            return pipeline->components->transforms[i]->value;
    }
    ck_abort_msg("pipeline kit: no transform %s", id);
}

static PB(PCollection) *find_collection(const PB(Components) *components, const char *id)
{
    for (size_t i = 0; i < components->n_pcollections; i++) {
        if (strcmp(components->pcollections[i]->key, id) == 0)
            return components->pcollections[i]->value;
    }
    return NULL;
}

PB(PCollection) *pipeline_collection(PB(Pipeline) *pipeline, const char *id)
{
    PB(PCollection) *found = find_collection(pipeline->components, id);
    must(found != NULL, id);
    return found;
}

void pipeline_add_coder(PB(Pipeline) *pipeline, beamc_arena *arena, const char *id, const char *urn,
                        const char *first, const char *second)
{
    builder b = { arena, pipeline, pipeline->components };
    const char *const parts[] = { first, second };
    PB(Coder) *coder = make(arena, sizeof(*coder));

    pb(coder__init)(coder);
    coder->spec = make(arena, sizeof(*coder->spec));
    pb(function_spec__init)(coder->spec);
    coder->spec->urn = beamc_arena_strdup(arena, urn);
    for (size_t i = 0; i < 2 && parts[i] != NULL; i++)
        coder->component_coder_ids = append(arena, coder->component_coder_ids,
                                            coder->n_component_coder_ids++,
                                            beamc_arena_strdup(arena, parts[i]));
    ADD(&b, CodersEntry, coders_entry, coders, id, coder);
}

static void need_collection(builder *b, const char *id)
{
    if (find_collection(b->components, id) != NULL)
        return;
    PB(PCollection) *made = make(b->arena, sizeof(*made));
    pb(pcollection__init)(made);
    made->unique_name = beamc_arena_strdup(b->arena, id);
    made->coder_id = "kv";
    made->windowing_strategy_id = "global";
    made->is_bounded = PBK(IS_BOUNDED__ENUM__BOUNDED);
    ADD(b, PcollectionsEntry, pcollections_entry, pcollections, id, made);
}

static void add_input(builder *b, PB(PTransform) *transform, const char *tag, const char *id)
{
    PB(PTransform__InputsEntry) *entry = make(b->arena, sizeof(*entry));

    need_collection(b, id);
    pb(ptransform__inputs_entry__init)(entry);
    entry->key = beamc_arena_strdup(b->arena, tag);
    entry->value = beamc_arena_strdup(b->arena, id);
    transform->inputs = append(b->arena, transform->inputs, transform->n_inputs++, entry);
}

static void add_output(builder *b, PB(PTransform) *transform, const char *id)
{
    PB(PTransform__OutputsEntry) *entry = make(b->arena, sizeof(*entry));

    need_collection(b, id);
    pb(ptransform__outputs_entry__init)(entry);
    entry->key = beamc_arena_strdup(b->arena, id);
    entry->value = beamc_arena_strdup(b->arena, id);
    transform->outputs = append(b->arena, transform->outputs, transform->n_outputs++, entry);
}

static void add_side(builder *b, PB(ParDoPayload) *payload, const char *tag, bool is_multimap)
{
    PB(ParDoPayload__SideInputsEntry) *entry = make(b->arena, sizeof(*entry));

    pb(par_do_payload__side_inputs_entry__init)(entry);
    entry->key = beamc_arena_strdup(b->arena, tag);
    entry->value = make(b->arena, sizeof(*entry->value));
    pb(side_input__init)(entry->value);
    entry->value->access_pattern = make(b->arena, sizeof(PB(FunctionSpec)));
    pb(function_spec__init)(entry->value->access_pattern);
    entry->value->access_pattern->urn =
        is_multimap ? BEAMC_URN_SIDE_INPUT_MULTIMAP : BEAMC_URN_SIDE_INPUT_ITERABLE;
    payload->side_inputs = append(b->arena, payload->side_inputs, payload->n_side_inputs++, entry);
}

static void pack(builder *b, ProtobufCBinaryData *out, const void *message)
{
    out->len = protobuf_c_message_get_packed_size(message);
    out->data = make(b->arena, out->len);
    protobuf_c_message_pack(message, out->data);
}

static const struct {
    const char *word;
    const char *urn;
} words[] = {
    { "impulse", BEAMC_URN_IMPULSE },     { "pardo", BEAMC_URN_PARDO },
    { "gbk", BEAMC_URN_GROUP_BY_KEY },    { "flatten", BEAMC_URN_FLATTEN },
    { "reshuffle", BEAMC_URN_RESHUFFLE }, { "window", BEAMC_URN_WINDOW_INTO },
    { "combine", BEAMC_URN_COMBINE_PER_KEY }, { "composite", "beam:transform:generic_composite:v1" },
    { "unknown", "beam:transform:flight:v1" }, { "bare", "" },
};

static const char *urn_of(const char *word)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strcmp(words[i].word, word) == 0)
            return words[i].urn;
    }
    ck_abort_msg("pipeline kit: no word %s", word);
}

static void set_payload(builder *b, PB(PTransform) *transform, PB(ParDoPayload) *par_do)
{
    PB(CombinePayload) combine = PBK(COMBINE_PAYLOAD__INIT);
    PB(FunctionSpec) function = PBK(FUNCTION_SPEC__INIT);

    combine.accumulator_coder_id = "bytes";
    combine.combine_fn = &function;
    if (strcmp(transform->spec->urn, BEAMC_URN_PARDO) == 0)
        pack(b, &transform->spec->payload, par_do);
    else if (strcmp(transform->spec->urn, BEAMC_URN_COMBINE_PER_KEY) == 0)
        pack(b, &transform->spec->payload, &combine);
}

/* One line, which strtok has begun. */
static void add_transform(builder *b, char *line)
{
    PB(PTransform) *transform = make(b->arena, sizeof(*transform));
    PB(ParDoPayload) par_do = PBK(PAR_DO_PAYLOAD__INIT);
    char *rest = line;
    char *word = strtok_r(line, " ", &rest);
    char *environment = strchr(word, '@');
    bool is_composite = strcmp(word, "composite") == 0;
    bool is_output = false;
    char tag[16];

    pb(ptransform__init)(transform);
    transform->environment_id = environment == NULL ? "env" : environment + 1;
    if (environment != NULL)
        *environment = '\0';
    transform->spec = make(b->arena, sizeof(*transform->spec));
    pb(function_spec__init)(transform->spec);
    transform->spec->urn = (char *)urn_of(word);
    const char *id = strtok_r(NULL, " ", &rest);
    must(id != NULL, "a transform without an id");
    transform->unique_name = beamc_arena_strdup(b->arena, id);
    while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
        snprintf(tag, sizeof(tag), "i%zu", transform->n_inputs);
        if (strcmp(word, "->") == 0) {
            is_output = true;
        } else if (is_composite) {
            transform->subtransforms =
                append(b->arena, transform->subtransforms, transform->n_subtransforms++,
                       beamc_arena_strdup(b->arena, word));
        } else if (is_output) {
            add_output(b, transform, word);
        } else if (strncmp(word, "side=", 5) == 0 || strncmp(word, "map=", 4) == 0) {
            add_side(b, &par_do, tag, *word == 'm');
            add_input(b, transform, tag, strchr(word, '=') + 1);
        } else {
            add_input(b, transform, tag, word);
        }
    }
    set_payload(b, transform, &par_do);
    ADD(b, TransformsEntry, transforms_entry, transforms, id, transform);
}

/* Those that are in no composite, in their order. */
static void find_roots(builder *b)
{
    const PB(Components) *components = b->components;

    for (size_t i = 0; i < components->n_transforms; i++) {
        bool inside = false;
        for (size_t k = 0; k < components->n_transforms; k++) {
            const PB(PTransform) *other = components->transforms[k]->value;
            for (size_t s = 0; s < other->n_subtransforms; s++)
                inside = inside || strcmp(other->subtransforms[s], components->transforms[i]->key) == 0;
        }
        if (!inside)
            b->pipeline->root_transform_ids =
                append(b->arena, b->pipeline->root_transform_ids,
                       b->pipeline->n_root_transform_ids++, components->transforms[i]->key);
    }
}

PB(Pipeline) *pipeline_of(beamc_arena *arena, const char *text)
{
    builder b = { .arena = arena };
    const beamc_windowing global = beamc_global_windows();
    const beamc_windowing fixed = beamc_fixed_windows(1000);

    b.pipeline = make(arena, sizeof(*b.pipeline));
    pb(pipeline__init)(b.pipeline);
    b.components = make(arena, sizeof(*b.components));
    pb(components__init)(b.components);
    b.pipeline->components = b.components;
    pipeline_add_coder(b.pipeline, arena, "bytes", BEAMC_URN_CODER_BYTES, NULL, NULL);
    pipeline_add_coder(b.pipeline, arena, "kv", BEAMC_URN_CODER_KV, "bytes", "bytes");
    pipeline_add_coder(b.pipeline, arena, "kv2", BEAMC_URN_CODER_KV, "bytes", "bytes");
    pipeline_add_coder(b.pipeline, arena, "window", BEAMC_URN_CODER_GLOBAL_WINDOW, NULL, NULL);
    pipeline_add_coder(b.pipeline, arena, "interval", BEAMC_URN_CODER_INTERVAL_WINDOW, NULL, NULL);
    ADD(&b, WindowingStrategiesEntry, windowing_strategies_entry, windowing_strategies, "global",
        beamc__strategy_write(&global, "window", "env", arena));
    ADD(&b, WindowingStrategiesEntry, windowing_strategies_entry, windowing_strategies, "fixed",
        beamc__strategy_write(&fixed, "interval", "env", arena));
    char *copy = beamc_arena_strdup(arena, text);
    char *rest = copy;
    for (char *line; (line = strsep(&rest, ";")) != NULL;) {
        line += strspn(line, " \n");
        if (*line != '\0')
            add_transform(&b, line);
    }
    find_roots(&b);
    return b.pipeline;
}
