/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values: making them, taking them apart, turning them into text.
 *
 *     BEAMC_KEY_FN(by_shop, sale, string) { return element->shop; }
 *     beamc_pcollection keyed = beamc_with_keys(sales, &by_shop);      // KV<string, sale>
 */
#ifndef BEAMC_KV_H
#define BEAMC_KV_H

#include <beamc/pipeline.h>

BEAMC_EXTERN_C_BEGIN

/** KV<K, V> -> K */
BEAMC_API beamc_pcollection beamc_keys_at(beamc_location at, beamc_pcollection in);
#define beamc_keys(in) beamc_keys_at(BEAMC_HERE, in)

/** KV<K, V> -> V */
BEAMC_API beamc_pcollection beamc_values_at(beamc_location at, beamc_pcollection in);
#define beamc_values(in) beamc_values_at(BEAMC_HERE, in)

/** KV<K, V> -> KV<V, K> */
BEAMC_API beamc_pcollection beamc_kv_swap_at(beamc_location at, beamc_pcollection in);
#define beamc_kv_swap(in) beamc_kv_swap_at(BEAMC_HERE, in)

/** BEAMC_KEY_FN(name, word, key word) { return the element's key; }: a DoFn that gives each element
 *  with its key.  Makes the word name_kv too, of its output KV<key word, word>. */
#define BEAMC_KEY_FN(name, word, key_word)                                                         \
    BEAMC_KV(name##_kv, key_word, word)                                                            \
    static beamc_t_##key_word name##_key(beamc_context *ctx, const beamc_t_##word *element);       \
    static beamc_error *name##_call(beamc_context *ctx, const void *element)                       \
    {                                                                                              \
        name##_kv name##_pair;                                                                     \
        name##_pair.key = name##_key(ctx, (const beamc_t_##word *)element);                        \
        name##_pair.value = *(const beamc_t_##word *)element;                                      \
        return beamc_emit_value(ctx, 0, &name##_pair);                                             \
    }                                                                                              \
    BEAMC_PLAIN_DOFN(name, &beamc_type_##word, &beamc_type_##name##_kv, name##_call, NULL, 0)      \
    static beamc_t_##key_word name##_key(beamc_context *ctx BEAMC_UNUSED,                          \
                                         const beamc_t_##word *element BEAMC_UNUSED)

/** T -> KV<K, T> by @fn, a BEAMC_KEY_FN. */
#define beamc_with_keys(in, fn) beamc_par_do_at(BEAMC_HERE, in, fn, NULL)

/** T -> KV<K, T>: all with the key @key, a value of type @key_type (copied). */
BEAMC_API beamc_pcollection beamc_with_constant_key_at(beamc_location at, beamc_pcollection in,
                                                       const beamc_type *key_type,
                                                       const void *key);
#define beamc_with_constant_key(in, key_type, key)                                                 \
    beamc_with_constant_key_at(BEAMC_HERE, in, key_type, key)

/** T -> string, as beamc_print shows an element. */
BEAMC_API beamc_pcollection beamc_to_string_at(beamc_location at, beamc_pcollection in);
#define beamc_to_string(in) beamc_to_string_at(BEAMC_HERE, in)

/** KV<K, V> -> string: the key, @delimiter (NULL: ","), the value. */
BEAMC_API beamc_pcollection beamc_to_string_kvs_at(beamc_location at, beamc_pcollection in,
                                                   const char *delimiter);
#define beamc_to_string_kvs(in, delimiter) beamc_to_string_kvs_at(BEAMC_HERE, in, delimiter)

/** Iterable<T> -> string: the values with @delimiter (NULL: ",") between them. */
BEAMC_API beamc_pcollection beamc_to_string_iterables_at(beamc_location at, beamc_pcollection in,
                                                         const char *delimiter);
#define beamc_to_string_iterables(in, delimiter)                                                   \
    beamc_to_string_iterables_at(BEAMC_HERE, in, delimiter)

BEAMC_EXTERN_C_END

#endif
