/* SPDX-License-Identifier: Apache-2.0 */
/* Display data: labelled values of a transform, for people who look at graphs and job pages. */
#include "sdk/pipeline/graph.h"

static beamc__display_item *append(beamc_display *display, const char *key, const char *label,
                                   PB(LabelledPayload__ValueCase) kind)
{
    beamc__display_item *item = beamc_arena_calloc(display->arena, 1, sizeof(*item));
    const char *own_key = key == NULL ? "" : beamc__text_copy(display->arena, key, strlen(key));
    const char *own_label =
        label == NULL ? own_key : beamc__text_copy(display->arena, label, strlen(label));

    if (item == NULL || own_key == NULL || own_label == NULL)
        return NULL; /* the arena remembers */
    item->key = own_key;
    item->label = own_label;
    item->kind = kind;
    *display->list->end = item;
    display->list->end = &item->next;
    return item;
}

void beamc_display_string(beamc_display *display, const char *key, const char *label,
                          beamc_string value)
{
    beamc__display_item *item =
        append(display, key, label, PBK(LABELLED_PAYLOAD__VALUE_STRING_VALUE));
    if (item == NULL)
        return;
    item->string_value = beamc__text_copy(display->arena, value.data, value.size);
    if (item->string_value == NULL)
        item->string_value = ""; /* the arena remembers */
}

void beamc_display_int64(beamc_display *display, const char *key, const char *label, int64_t value)
{
    beamc__display_item *item = append(display, key, label, PBK(LABELLED_PAYLOAD__VALUE_INT_VALUE));
    if (item != NULL)
        item->int_value = value;
}

void beamc_display_double(beamc_display *display, const char *key, const char *label, double value)
{
    beamc__display_item *item =
        append(display, key, label, PBK(LABELLED_PAYLOAD__VALUE_DOUBLE_VALUE));
    if (item != NULL)
        item->double_value = value;
}

void beamc_display_bool(beamc_display *display, const char *key, const char *label, bool value)
{
    beamc__display_item *item =
        append(display, key, label, PBK(LABELLED_PAYLOAD__VALUE_BOOL_VALUE));
    if (item != NULL)
        item->bool_value = value;
}

void beamc__display_call(beamc_pipeline *pipeline, beamc__transform *transform, const char *function,
                         void (*show)(const void *config, beamc_display *display),
                         const void *config)
{
    beamc_display display = { pipeline->arena, &transform->display };

    beamc_display_string(&display, "fn", "Transform Function", beamc_string_of(function));
    if (show != NULL)
        show(config, &display);
    if (beamc_arena_failed(pipeline->arena))
        beamc_pipeline_fail(pipeline, transform->at, beamc_error_nomem());
}
