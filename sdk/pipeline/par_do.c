/* SPDX-License-Identifier: Apache-2.0 */
/* ParDo: a DoFn on every element of a PCollection, with side inputs and tagged outputs. */
#include "sdk/pipeline/graph.h"
#include "sdk/windowing/window_fn.h"

#define MAIN_INPUT "input"
#define MAIN_OUTPUT "output"
#define OUTPUTS_MAX (sizeof(((beamc_dofn_types *)0)->outputs) / sizeof(const beamc_type *))

/* What is known of a ParDo while it is checked. */
typedef struct {
    beamc_pipeline *pipeline;
    beamc_location at;
    const char *name;
    const beamc_dofn *dofn;
    beamc__collection *in;
    beamc_dofn_types types;
    beamc__call call;
    beamc__side *sides;
    beamc__collection **side_collections;
} par_do_draft;

static beamc_error *refuse(const par_do_draft *draft, beamc_code code, const char *what)
{
    return beamc_error_new(code, "transform %s: %s", draft->name, what);
}

/* ---- types ------------------------------------------------------------------------------------ */

static beamc_error *find_types(par_do_draft *draft, const void *config, const beamc_type *told)
{
    const beamc_dofn *dofn = draft->dofn;

    if (dofn->process == NULL)
        return refuse(draft, BEAMC_EINVAL, "its table has no process function");
    if (dofn->output_count > OUTPUTS_MAX)
        return beamc_error_new(BEAMC_ELIMIT, "transform %s has %zu tagged outputs; at most %zu work",
                               draft->name, dofn->output_count, OUTPUTS_MAX);
    if (dofn->input != NULL && !beamc_type_equal(dofn->input, draft->in->type))
        return beamc_error_new(BEAMC_ETYPE, "transform %s takes %s, but %s gives %s", draft->name,
                               dofn->input->name, beamc__producer_name(draft->pipeline, draft->in),
                               draft->in->type->name);
    if (dofn->infer != NULL) {
        beamc_error *err =
            dofn->infer(dofn, draft->in->type, config, draft->pipeline->arena, &draft->types);
        if (err != NULL)
            return beamc_error_wrap(err, "transform %s after %s", draft->name,
                                    beamc__producer_name(draft->pipeline, draft->in));
    }
    if (told != NULL)
        draft->types.output = told;
    else if (dofn->output != NULL)
        draft->types.output = dofn->output;
    else if (draft->types.output == NULL)
        draft->types.output = &beamc_type_nothing;
    for (size_t i = 0; i < dofn->output_count; i++) {
        if (dofn->outputs[i].type != NULL)
            draft->types.outputs[i] = dofn->outputs[i].type;
        if (draft->types.outputs[i] == NULL)
            return beamc_error_new(BEAMC_ETYPE, "transform %s: output %s has no type", draft->name,
                                   dofn->outputs[i].tag == NULL ? "?" : dofn->outputs[i].tag);
    }
    return NULL;
}

static beamc_error *check_tags(const par_do_draft *draft)
{
    const beamc_dofn *dofn = draft->dofn;

    for (size_t i = 0; i < dofn->output_count; i++) {
        const char *tag = dofn->outputs[i].tag;
        bool taken = tag == NULL || tag[0] == '\0' || strcmp(tag, MAIN_OUTPUT) == 0;
        for (size_t j = 0; j < i && !taken; j++)
            taken = strcmp(tag, dofn->outputs[j].tag) == 0;
        if (taken)
            return beamc_error_new(BEAMC_EINVAL, "transform %s: tag \"%s\" of output %zu is taken",
                                   draft->name, tag == NULL ? "" : tag, i + 1);
    }
    for (size_t i = 0; i < dofn->side_count; i++) {
        const char *tag = dofn->sides[i].name;
        bool taken = tag == NULL || tag[0] == '\0' || strcmp(tag, MAIN_INPUT) == 0;
        for (size_t j = 0; j < i && !taken; j++)
            taken = strcmp(tag, dofn->sides[j].name) == 0;
        if (taken)
            return beamc_error_new(BEAMC_EINVAL, "transform %s: name \"%s\" of side input %zu is taken",
                                   draft->name, tag == NULL ? "" : tag, i);
    }
    return NULL;
}

/* ---- side inputs ------------------------------------------------------------------------------ */

/* Each window of the main input has to have one of the side input. */
static beamc_error *check_side_windows(const par_do_draft *draft, const char *side,
                                       const beamc__collection *from)
{
    if (from->windowing.kind == BEAMC_WINDOW_GLOBAL)
        return NULL;
    if (from->windowing.kind == BEAMC_WINDOW_SESSIONS)
        return beamc_error_new(BEAMC_EINVAL,
                               "transform %s: side input %s is in sessions, which no window of the main "
                               "input belongs to",
                               draft->name, side);
    if (draft->in->windowing.kind == BEAMC_WINDOW_GLOBAL)
        return beamc_error_new(BEAMC_EINVAL,
                               "transform %s: side input %s is in windows, but the main input is in the "
                               "global one",
                               draft->name, side);
    return NULL;
}

static beamc_error *check_side(const par_do_draft *draft, const beamc_dofn_side *side,
                               const beamc__collection *from, const beamc_side_input *given)
{
    const char *producer = beamc__producer_name(draft->pipeline, from);

    if (side->type != NULL && !beamc_type_equal(side->type, from->type))
        return beamc_error_new(BEAMC_ETYPE, "transform %s: side input %s is of %s, but %s gives %s",
                               draft->name, side->name, side->type->name, producer,
                               from->type->name);
    if (side->view < BEAMC_VIEW_ITERABLE || side->view > BEAMC_VIEW_MULTIMAP)
        return beamc_error_new(BEAMC_EINVAL, "transform %s: side input %s: there is no view %d",
                               draft->name, side->name, (int)side->view);
    if (side->view == BEAMC_VIEW_MULTIMAP && from->type->kind != BEAMC_KIND_KV)
        return beamc_error_new(BEAMC_ETYPE,
                               "transform %s: side input %s is a multimap of KVs, but %s gives %s",
                               draft->name, side->name, producer, from->type->name);
    if (side->view == BEAMC_VIEW_MULTIMAP &&
        !beamc_type_is_deterministic(from->type->fields[0].type))
        return beamc_error_new(BEAMC_ETYPE,
                               "transform %s: side input %s: %s cannot be a key, because equal values "
                               "may be encoded differently",
                               draft->name, side->name, from->type->fields[0].type->name);
    if (given->default_value != NULL && side->view != BEAMC_VIEW_SINGLETON)
        return beamc_error_new(BEAMC_EINVAL,
                               "transform %s: side input %s has a default, but is no singleton",
                               draft->name, side->name);
    return check_side_windows(draft, side->name, from);
}

static beamc_error *encode_default(const par_do_draft *draft, beamc__side *out, const beamc_type *type,
                                   const void *value)
{
    beamc_buffer bytes;

    beamc_buffer_init(&bytes);
    int rc = beamc_encode(type, value, true, &bytes);
    if (rc == BEAMC_OK && beamc_buffer_failed(&bytes))
        rc = BEAMC_ENOMEM;
    if (rc == BEAMC_OK) {
        out->has_default = true;
        out->default_value.size = bytes.size;
        out->default_value.data =
            beamc_arena_memdup(draft->pipeline->arena, bytes.data, bytes.size);
        if (out->default_value.data == NULL)
            rc = BEAMC_ENOMEM;
    }
    beamc_buffer_dispose(&bytes);
    if (rc == BEAMC_ENOMEM)
        return beamc_error_nomem();
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "transform %s: default of side input %s: %s",
                               draft->name, out->tag, beamc_code_text(rc));
    return NULL;
}

static beamc_error *find_sides(par_do_draft *draft, const beamc_par_do_options *options)
{
    const beamc_dofn *dofn = draft->dofn;
    beamc_arena *arena = draft->pipeline->arena;
    size_t given = options == NULL || options->sides == NULL ? 0 : options->side_count;

    if (given != dofn->side_count)
        return beamc_error_new(BEAMC_EINVAL, "transform %s has %zu side input%s, but is given %zu",
                               draft->name, dofn->side_count, dofn->side_count == 1 ? "" : "s",
                               given);
    draft->sides = beamc_arena_calloc(arena, given, sizeof(*draft->sides));
    draft->side_collections = beamc_arena_calloc(arena, given, sizeof(*draft->side_collections));
    if (draft->sides == NULL || draft->side_collections == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < given; i++) {
        const beamc_dofn_side *side = &dofn->sides[i];
        const beamc_side_input *input = &options->sides[i];
        beamc__collection *from =
            beamc__collection_of(draft->pipeline, draft->at, input->from, draft->name);
        if (from == NULL)
            return NULL; /* the pipeline has the error */
        BEAMC_TRY(check_side(draft, side, from, input));
        draft->sides[i].tag = side->name;
        draft->sides[i].view = side->view;
        draft->side_collections[i] = from;
        if (input->default_value != NULL)
            BEAMC_TRY(encode_default(draft, &draft->sides[i], from->type, input->default_value));
    }
    return NULL;
}

/* ---- the transform ---------------------------------------------------------------------------- */

static beamc_error *check(par_do_draft *draft, const beamc__par_do_spec *spec)
{
    const beamc_dofn *dofn = draft->dofn;
    const void *config = spec->options == NULL ? NULL : spec->options->config;

    BEAMC_TRY(check_tags(draft));
    BEAMC_TRY(beamc__config_freeze(draft->pipeline, &draft->call, draft->name, config, dofn->config,
                                   dofn->freeze));
    BEAMC_TRY(find_types(draft, config, spec->output));
    return find_sides(draft, spec->options);
}

static bool keep_hints(beamc_pipeline *pipeline, beamc__transform *transform,
                       const beamc_par_do_options *options)
{
    if (options == NULL)
        return true;
    transform->hints.min_ram_bytes = options->min_ram_bytes;
    transform->hints.cpu_count = options->cpu_count;
    if (options->accelerator == NULL)
        return true;
    transform->hints.accelerator = beamc_arena_strdup(pipeline->arena, options->accelerator);
    return transform->hints.accelerator != NULL;
}

static beamc_pcollection add(const par_do_draft *draft, const beamc__par_do_spec *spec)
{
    beamc_pipeline *pipeline = draft->pipeline;
    const beamc_dofn *dofn = draft->dofn;
    const beamc_windowing *windowing =
        spec->windowing != NULL ? spec->windowing : &draft->in->windowing;
    beamc__transform *transform =
        beamc__transform_add(pipeline, draft->at, BEAMC__TRANSFORM_PAR_DO, draft->name);

    if (transform == NULL ||
        !beamc__transform_ports(pipeline, transform, 1 + dofn->side_count, 1 + dofn->output_count))
        return beamc__no_collection(pipeline);
    if (!keep_hints(pipeline, transform, spec->options))
        return beamc__fail_with(pipeline, draft->at, beamc_error_nomem());
    transform->call = draft->call;
    transform->sides = draft->sides;
    transform->side_count = dofn->side_count;
    transform->inputs[0].tag = MAIN_INPUT;
    transform->inputs[0].collection = draft->in;
    for (size_t i = 0; i < dofn->side_count; i++) {
        transform->inputs[1 + i].tag = draft->sides[i].tag;
        transform->inputs[1 + i].collection = draft->side_collections[i];
    }
    beamc__display_call(pipeline, transform, dofn->function.name, dofn->display,
                        spec->options == NULL ? NULL : spec->options->config);

    beamc__collection *main_output = beamc__output_add(pipeline, transform, 0, MAIN_OUTPUT,
                                                       draft->types.output, windowing);
    for (size_t i = 0; main_output != NULL && i < dofn->output_count; i++)
        if (beamc__output_add(pipeline, transform, 1 + i, dofn->outputs[i].tag,
                              draft->types.outputs[i], windowing) == NULL)
            return beamc__no_collection(pipeline);
    return beamc__handle(pipeline, main_output);
}

beamc_pcollection beamc__par_do_add(beamc_location at, beamc_pcollection in,
                                    const beamc__par_do_spec *spec)
{
    par_do_draft draft = { .pipeline = in.pipeline, .at = at, .dofn = spec->dofn };

    if (!beamc__pipeline_is_good(in.pipeline))
        return beamc__no_collection(in.pipeline);
    beamc_error *err = beamc__function_require(
        in.pipeline, spec->dofn == NULL ? NULL : &spec->dofn->function, BEAMC_FUNCTION_DOFN);
    if (err != NULL)
        return beamc__fail_with(in.pipeline, at, err);
    draft.call.function = &spec->dofn->function;
    draft.call.kind = CSK(FUNCTION__KIND__DOFN);
    draft.name = beamc__next_name(in.pipeline,
                                  spec->name != NULL ? spec->name : spec->dofn->function.name);
    draft.in = beamc__collection_of(in.pipeline, at, in, draft.name);
    if (draft.in == NULL)
        return beamc__no_collection(in.pipeline);
    err = check(&draft, spec);
    if (err == NULL && beamc_arena_failed(in.pipeline->arena))
        err = beamc_error_nomem();
    if (err != NULL || !beamc__pipeline_is_good(in.pipeline))
        return beamc__fail_with(in.pipeline, at, err);
    return add(&draft, spec);
}

beamc_pcollection beamc_par_do_at(beamc_location at, beamc_pcollection in, const beamc_dofn *dofn,
                                  const beamc_par_do_options *options)
{
    beamc__par_do_spec spec = { .dofn = dofn, .options = options };

    return beamc__par_do_add(at, in, &spec);
}

beamc_pcollection beamc_tagged_at(beamc_location at, beamc_pcollection main_output, const char *tag)
{
    beamc_pipeline *pipeline = main_output.pipeline;

    if (!beamc__pipeline_is_good(pipeline))
        return beamc__no_collection(pipeline);
    if (tag == NULL)
        return beamc__fail(pipeline, at, BEAMC_EINVAL, "beamc_tagged is given no tag");
    const beamc__collection *of = beamc__collection_of(pipeline, at, main_output, tag);
    if (of == NULL)
        return beamc__no_collection(pipeline);
    const beamc__transform *producer = of->producer;
    for (size_t i = 0; i < producer->output_count; i++)
        if (strcmp(producer->outputs[i].tag, tag) == 0)
            return beamc__handle(pipeline, producer->outputs[i].collection);
    return beamc__fail(pipeline, at, BEAMC_ENOENT, "transform %s has no output \"%s\"",
                       producer->name, tag);
}
