/* SPDX-License-Identifier: Apache-2.0 */
/* DoFns that put keys on elements and take them off again, for the library's composites.  They work
 * on any type: the layout is read off the types of the use. */
#ifndef BEAMC_PIPELINE_KEY_FNS_H
#define BEAMC_PIPELINE_KEY_FNS_H

#include <beamc/dofn.h>

/* The type below length prefixes that a runner may have put around it: the same layout. */
static inline const beamc_type *beamc__bare(const beamc_type *type)
{
    while (type->kind == BEAMC_KIND_LENGTH_PREFIX)
        type = type->fields[0].type;
    return type;
}

/* What an iterable of any form holds; NULL if @type is none. */
static inline const beamc_type *beamc__element_of(const beamc_type *type)
{
    type = beamc__bare(type);
    return type->kind == BEAMC_KIND_ITERABLE || type->kind == BEAMC_KIND_STATE_BACKED_ITERABLE
               ? type->fields[0].type
               : NULL;
}

/* For infer, since a worker may be sent anything: an error unless @type is KV<K, V>. */
BEAMC_MUST_USE static inline beamc_error *beamc__need_kv(const beamc_type *type)
{
    if (beamc__bare(type)->kind == BEAMC_KIND_KV)
        return NULL;
    return beamc_error_new(BEAMC_ETYPE, "takes KV<K, V>, but gets %s", type->name);
}

/* Answers what infer found, which is NULL without memory. */
BEAMC_MUST_USE static inline beamc_error *beamc__tell(beamc_dofn_types *out, const beamc_type *made)
{
    out->output = made;
    return made == NULL ? beamc_error_nomem() : NULL;
}

/* T -> KV<int64, T>: keys that spread elements evenly. */
extern const beamc_dofn beamc__spread_fn;
/* T -> KV<bytes, T>: the one key of no bytes. */
extern const beamc_dofn beamc__one_key_fn;
/* KV<K, V> -> V. */
extern const beamc_dofn beamc__drop_key_fn;
/* KV<K, V> -> KV<KV<int64, K>, V>: round robin over as many shards as configured (an int64). */
extern const beamc_dofn beamc__shard_key_fn;
/* KV<KV<int64, K>, V> -> KV<K, V>. */
extern const beamc_dofn beamc__unshard_key_fn;

#endif
