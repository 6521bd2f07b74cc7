/* SPDX-License-Identifier: Apache-2.0 */
/* Types of elements: how a value lies in memory and which Beam coder carries it.
 *
 * An element is a plain C value.  Its type is a const table: kind, size, alignment, parts.  All
 * algorithms (encode, decode, copy, compare, print, hash) read that table; nothing is generated and
 * nothing is tagged.  The memory layout follows from the structure alone, by the rules of C:
 *
 *     Beam            a word for it   C                             coder
 *     bytes           bytes           beamc_bytes {data, size}      beam:coder:bytes:v1
 *     string          string          beamc_string {data, size}     beam:coder:string_utf8:v1
 *     long            int64           int64_t                       beam:coder:varint:v1
 *     double, bool    float64, boolean  double, bool                beam:coder:double:v1, bool:v1
 *     KV              BEAMC_KV        struct { K key; V value; }    beam:coder:kv:v1
 *     iterable        BEAMC_ITERABLE  beamc_iterable (a handle)     beam:coder:iterable:v1
 *     nullable        BEAMC_NULLABLE  struct { bool present; T value; }  beam:coder:nullable:v1
 *     row             BEAMC_ROW       struct of its fields          beam:coder:row:v1
 *     in rows only    int8 int16 int32 float32 timestamp decimal date, BEAMC_ARRAY, BEAMC_MAP, ...
 *
 * A word W of the table stands for the C type beamc_t_W and the description beamc_type_W, so that
 * the macros below take words: BEAMC_KV(word_count, string, int64) makes `word_count` a word too.
 *
 * Pointers inside a value are borrowed: from the input buffer, the bundle's arena, or whoever made
 * the value.  They last until the call that received the value returns.  Any thread may read a
 * type. */
#ifndef BEAMC_TYPE_H
#define BEAMC_TYPE_H

#include <beamc/arena.h>
#include <beamc/buffer.h>
#include <beamc/error.h>
#include <stddef.h>
#include <stdint.h>

BEAMC_EXTERN_C_BEGIN

/* Milliseconds since the epoch, Beam's unit of event time on the wire. */
typedef int64_t beamc_timestamp;

#define BEAMC_TIMESTAMP_MIN INT64_C(-9223372036854775)
#define BEAMC_TIMESTAMP_MAX INT64_C(9223372036854775)
/* The last timestamp of the global window: a day before the end of time. */
#define BEAMC_TIMESTAMP_MAX_GLOBAL INT64_C(9223371950454775)

/* UTF-8 text, not ended by NUL. */
typedef struct {
    const char *data;
    size_t size;
} beamc_string;

/* Any bytes. */
typedef struct {
    const uint8_t *data;
    size_t size;
} beamc_bytes;

/* For printf's "%.*s". */
#define BEAMC_STR(string) (int)(string).size, (string).data

/** The string of a C string, borrowed. */
static inline beamc_string beamc_string_of(const char *text)
{
    beamc_string string = { text, strlen(text) };
    return string;
}

/** The same bytes. */
static inline bool beamc_string_equal(beamc_string a, beamc_string b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* A walk over the words of a text: letters, apostrophes and bytes of UTF-8 beyond ASCII.
 *
 *     beamc_words words = beamc_words_of(line);
 *     while (beamc_words_next(&words, &word)) ...
 *
 * 64 bytes are told apart at once; then each word is a run of ones in a mask.  The fields are its
 * own. */
typedef struct {
    const char *block; /* what the mask is about: bit i says that block[i] is of a word */
    const char *next;  /* where the next block begins */
    const char *end;
    uint64_t mask; /* of words not given yet */
} beamc_words;

static inline beamc_words beamc_words_of(beamc_string text)
{
    beamc_words words = { text.data, text.data, text.data + text.size, 0 };
    return words;
}

/* What beamc_words_next leaves to the library: the next block with a word, and a word that reaches
 * the end of its block. */
BEAMC_API bool beamc_words_fill(beamc_words *words);
BEAMC_API void beamc_words_join(beamc_words *words, beamc_string *word);

/** The next word; false at the end. */
static inline bool beamc_words_next(beamc_words *words, beamc_string *word)
{
    if (words->mask == 0 && (words->next == words->end || !beamc_words_fill(words)))
        return false;
    uint64_t mask = words->mask;
    uint64_t rest = mask + (mask & (0 - mask)); /* carries to the first bit behind the first run */
    unsigned start = (unsigned)__builtin_ctzll(mask);
    if (BEAMC_UNLIKELY(rest == 0)) {
        beamc_words_join(words, word);
        return true;
    }
    word->data = words->block + start;
    word->size = (unsigned)__builtin_ctzll(rest) - start;
    words->mask = mask & rest;
    return true;
}

/* An unscaled integer of big-endian two's complement and its scale: 3.14 is {2, 0x013a}. */
typedef struct {
    int64_t scale;
    beamc_bytes unscaled;
} beamc_decimal;

typedef enum {
    BEAMC_KIND_VOID,      /* C: nothing, size 0; coder: bytes, of none */
    BEAMC_KIND_BYTES,     /* beamc_bytes */
    BEAMC_KIND_STRING,    /* beamc_string */
    BEAMC_KIND_BOOL,      /* bool */
    BEAMC_KIND_INT64,     /* int64_t; varint */
    BEAMC_KIND_DOUBLE,    /* double */
    BEAMC_KIND_KV,        /* fields: key, value */
    BEAMC_KIND_ITERABLE,  /* beamc_iterable; fields: element */
    BEAMC_KIND_STATE_BACKED_ITERABLE, /* as iterable */
    BEAMC_KIND_NULLABLE,  /* struct { bool present; T value; }; fields: value */
    BEAMC_KIND_ROW,       /* fields */
    BEAMC_KIND_LENGTH_PREFIX, /* the layout of what it holds; fields: inner at offset 0 */
    /* of rows (Schema.AtomicType and portable logical types) */
    BEAMC_KIND_INT8,      /* int8_t: BYTE */
    BEAMC_KIND_INT16,     /* int16_t, 2 bytes big-endian */
    BEAMC_KIND_INT32,     /* int32_t, varint of its 32 bits */
    BEAMC_KIND_FLOAT,     /* float, 4 bytes big-endian */
    BEAMC_KIND_ARRAY,     /* beamc_array; fields: element */
    BEAMC_KIND_MAP,       /* beamc_array of struct { K key; V value; }; fields: key, value within it */
    BEAMC_KIND_TIMESTAMP, /* beamc_timestamp: millis_instant, 8 bytes, top bit flipped */
    BEAMC_KIND_DECIMAL,   /* beamc_decimal */
    /* of the model's own data */
    BEAMC_KIND_GLOBAL_WINDOW,   /* no bytes; size 0 */
    BEAMC_KIND_INTERVAL_WINDOW, /* beamc_interval_window */
    BEAMC_KIND_CUSTOM_WINDOW,   /* beamc_custom_window head, then the window; fields: window */
    BEAMC_KIND_WINDOWED_VALUE,  /* beamc_windowed_value; fields: value, window */
    BEAMC_KIND_PARAM_WINDOWED_VALUE, /* same, its head from the coder's payload */
    BEAMC_KIND_TIMER,           /* beamc_timer; fields: key, window */
    BEAMC_KIND_SHARDED_KEY,     /* beamc_sharded_key; fields: key */
    BEAMC_KIND_CUSTOM           /* by its beamc_coder_ops */
} beamc_kind;

typedef struct beamc_type beamc_type;

/* A part of a type: a row's field, a KV's key or value, what a container holds. */
typedef struct {
    const char *name;
    const beamc_type *type;
} beamc_field;

/** Where a part lies in its struct, given where the one before it ended (0 for the first). */
#define BEAMC_ALIGN_UP(at, align) (((at) + (align)-1) & ~((size_t)(align)-1))

/* A portable logical type over the type's representation (Beam proto LogicalType); the C value is
 * the representation's.  `argument` and `argument_type` may be NULL. */
typedef struct {
    const char *urn;
    const beamc_type *argument_type;
    const void *argument;    /* a value of argument_type */
    const uint8_t *payload;  /* LogicalType.payload, kept for other SDKs' types; may be NULL */
    size_t payload_size;
} beamc_logical_type;

/* A coder of one's own, for BEAMC_KIND_CUSTOM.  Leaf code: BEAMC_OK or a negative beamc_code.  Only
 * compare and print may be NULL.  Any thread, several at once. */
typedef struct {
    const char *urn; /* its coder's URN: private to the program, e.g. "beam:coder:myformat:v1" */
    /** Appends @value; when @nested it must be self-delimiting. */
    int (*encode)(const beamc_type *type, const void *value, bool nested, beamc_buffer *out);
    /** Reads one value into @value; memory for it comes from @arena or is the input itself.
     *  Not @nested: takes all that is left. */
    int (*decode)(const beamc_type *type, void *value, bool nested, beamc_reader *in,
                  beamc_arena *arena);
    /** A deep copy into @arena. */
    int (*copy)(const beamc_type *type, void *to, const void *from, beamc_arena *arena);
    /** Order as memcmp; NULL compares encodings. */
    int (*compare)(const beamc_type *type, const void *a, const void *b);
    /** Appends text for people; NULL prints the encoding in hexadecimal. */
    void (*print)(const beamc_type *type, const void *value, beamc_buffer *out);
    bool deterministic; /* equal values have equal encodings: it may be a key */
} beamc_coder_ops;

struct beamc_type {
    const char *name; /* as messages and displays show it: "KV<string, int64>" */
    beamc_kind kind;
    size_t size;
    size_t align;
    const beamc_field *fields; /* laid out in this order by the rules of C */
    size_t field_count;
    const beamc_logical_type *logical; /* NULL if none */
    const beamc_coder_ops *coder;      /* BEAMC_KIND_CUSTOM only */
    const void *extra;                 /* of the kind, private; see sdk/coders */
};

/** Where the value of a KV (or of a map's entry, or a nullable's value after its flag) begins. */
static inline size_t beamc_kv_value_offset(const beamc_type *kv)
{
    return BEAMC_ALIGN_UP(kv->fields[0].type->size, kv->fields[1].type->align);
}

/** The type without length prefixes around it: a runner may put some between two transforms, around
 *  what it cannot read.  The layout is the same. */
static inline const beamc_type *beamc_type_bare(const beamc_type *type)
{
    while (type->kind == BEAMC_KIND_LENGTH_PREFIX)
        type = type->fields[0].type;
    return type;
}

/** The same structure, so the same layout and coder: names, nested length prefixes and the two
 *  forms of iterables make no difference. */
BEAMC_API bool beamc_type_equal(const beamc_type *a, const beamc_type *b);

/** Encodes and decodes a value (leaf: BEAMC_OK or a negative beamc_code).  @nested makes it
 *  self-delimiting; a decode that is not nested takes all that is left.  A decoded value borrows
 *  from the input and from @arena. */
BEAMC_API BEAMC_MUST_USE int beamc_encode(const beamc_type *type, const void *value, bool nested,
                                          beamc_buffer *out);
BEAMC_API BEAMC_MUST_USE int beamc_decode(const beamc_type *type, void *value, bool nested,
                                          beamc_reader *in, beamc_arena *arena);

/** A deep copy of @from into @to (type->size bytes), its memory from @arena. */
BEAMC_API BEAMC_MUST_USE int beamc_copy(const beamc_type *type, void *to, const void *from,
                                        beamc_arena *arena);

/** Orders two values: numbers by value (NaN last), text and bytes as memcmp, structs by their
 *  parts, false before true, null before any value. */
BEAMC_API int beamc_compare(const beamc_type *type, const void *a, const void *b);

/** Appends a value as text for people: text as it is, rows as {name: value, ...}. */
BEAMC_API void beamc_print(const beamc_type *type, const void *value, beamc_buffer *out);

/** Equal values always have equal encodings, so it may be a key (doubles, maps and iterables
 *  may not). */
BEAMC_API bool beamc_type_is_deterministic(const beamc_type *type);

/* ---- iterables ------------------------------------------------------------------------------ */

/* Values that are pulled one by one: grouped values, side inputs, decoded iterables.  It can be
 * walked any number of times while the call that received it lasts, and copied as a handle. */
typedef struct beamc_iterable beamc_iterable;
typedef struct beamc_iterator beamc_iterator;

typedef struct {
    /** Sets up @iterator at the first value. */
    void (*start)(const beamc_iterable *iterable, beamc_iterator *iterator);
    /** Fills @value (of the element's type) and answers true, or false at the end or on an error,
     *  which it puts into iterator->error. */
    bool (*next)(beamc_iterator *iterator, void *value);
    /** How many values, without walking them; negative: unknown.  May be NULL. */
    int64_t (*count)(const beamc_iterable *iterable);
    /** Ends @iterator early or late; may be NULL. */
    void (*end)(beamc_iterator *iterator);
} beamc_iterable_ops;

struct beamc_iterable {
    const beamc_iterable_ops *ops; /* NULL: empty */
    const beamc_type *element;
    const void *source; /* of the ops */
    size_t size;        /* of the ops: bytes, values, ... */
};

struct beamc_iterator {
    const beamc_iterable *iterable;
    beamc_error *error; /* after false from next: what went wrong, owned by the iterator's user */
    uintptr_t state[6]; /* of the ops */
};

/** Starts a walk.  Values stay valid until the next call for the same iterator. */
static inline void beamc_iterate(beamc_iterator *iterator, const beamc_iterable *iterable)
{
    memset(iterator, 0, sizeof(*iterator));
    iterator->iterable = iterable;
    if (iterable->ops != NULL)
        iterable->ops->start(iterable, iterator);
}

/** The next value into @value; false at the end and on an error: ask beamc_iterator_finish. */
static inline bool beamc_next(beamc_iterator *iterator, void *value)
{
    const beamc_iterable_ops *ops = iterator->iterable->ops;
    return ops != NULL && ops->next(iterator, value);
}

/** Ends a walk, at its end or before; answers its error, NULL if there was none. */
static inline BEAMC_MUST_USE beamc_error *beamc_iterator_finish(beamc_iterator *iterator)
{
    const beamc_iterable_ops *ops = iterator->iterable->ops;
    beamc_error *error = iterator->error;
    if (ops != NULL && ops->end != NULL)
        ops->end(iterator);
    iterator->error = NULL;
    return error;
}

/** The number of values, walking them if need be. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_iterable_count(int64_t *out,
                                                           const beamc_iterable *iterable);

/** An iterable over @count values of @element lying in memory one after the other (borrowed). */
BEAMC_API beamc_iterable beamc_iterable_of_array(const beamc_type *element, const void *values,
                                                 size_t count);

/* ---- containers ----------------------------------------------------------------------------- */

/* Values one after the other in memory, borrowed.  BEAMC_ARRAY gives it typed items. */
typedef struct {
    const void *items;
    size_t count;
} beamc_array;

/* ---- the model's own data ------------------------------------------------------------------- */

/* [start, end) in milliseconds. */
typedef struct {
    beamc_timestamp start;
    beamc_timestamp end;
} beamc_interval_window;

typedef enum {
    BEAMC_PANE_EARLY = 0,
    BEAMC_PANE_ON_TIME = 1,
    BEAMC_PANE_LATE = 2,
    BEAMC_PANE_UNKNOWN = 3
} beamc_pane_timing;

typedef struct {
    bool is_first;
    bool is_last;
    beamc_pane_timing timing;
    int64_t index;
    int64_t non_speculative_index;
} beamc_pane;

/* A window of someone's own making: its last timestamp, then its encoding by the inner coder. */
typedef struct {
    beamc_timestamp max_timestamp;
    const void *window; /* a value of the inner type */
} beamc_custom_window;

typedef struct {
    beamc_timestamp timestamp;
    beamc_iterable windows; /* values of the window type */
    beamc_pane pane;
    const void *value; /* a value of the value type */
} beamc_windowed_value;

typedef struct {
    const void *key; /* a value of the key type */
    beamc_string tag;
    beamc_iterable windows;
    bool clear; /* no fields after this one */
    beamc_timestamp fire;
    beamc_timestamp hold;
    beamc_pane pane;
} beamc_timer;

typedef struct {
    beamc_bytes shard;
    const void *key; /* a value of the key type */
} beamc_sharded_key;

/* ---- the built-in words --------------------------------------------------------------------- */

typedef struct beamc_void_struct beamc_t_nothing; /* never defined: it has no values */
typedef beamc_bytes beamc_t_bytes;
typedef beamc_string beamc_t_string;
typedef bool beamc_t_boolean;
typedef int64_t beamc_t_int64;
typedef double beamc_t_float64;
typedef int8_t beamc_t_int8;
typedef int16_t beamc_t_int16;
typedef int32_t beamc_t_int32;
typedef float beamc_t_float32;
typedef beamc_timestamp beamc_t_timestamp;
typedef beamc_decimal beamc_t_decimal;
typedef int64_t beamc_t_date; /* days since the epoch: beam:logical_type:date:v1 */
typedef beamc_interval_window beamc_t_interval_window;

/* beam:logical_type:micros_instant:v1; micros in [0, 1000000). */
typedef struct {
    int64_t seconds;
    int64_t micros;
} beamc_micros_instant;
typedef beamc_micros_instant beamc_t_micros_instant;

BEAMC_API extern const beamc_type beamc_type_nothing;
BEAMC_API extern const beamc_type beamc_type_bytes;
BEAMC_API extern const beamc_type beamc_type_string;
BEAMC_API extern const beamc_type beamc_type_boolean;
BEAMC_API extern const beamc_type beamc_type_int64;
BEAMC_API extern const beamc_type beamc_type_float64;
BEAMC_API extern const beamc_type beamc_type_int8;
BEAMC_API extern const beamc_type beamc_type_int16;
BEAMC_API extern const beamc_type beamc_type_int32;
BEAMC_API extern const beamc_type beamc_type_float32;
BEAMC_API extern const beamc_type beamc_type_timestamp;
BEAMC_API extern const beamc_type beamc_type_decimal;
BEAMC_API extern const beamc_type beamc_type_date;
BEAMC_API extern const beamc_type beamc_type_micros_instant;
BEAMC_API extern const beamc_type beamc_type_global_window;
BEAMC_API extern const beamc_type beamc_type_interval_window;

/** The description of a word: BEAMC_TYPE(int64), BEAMC_TYPE(word_count). */
#define BEAMC_TYPE(word) (&beamc_type_##word)

#ifdef __cplusplus
#define BEAMC_ALIGN_OF(ctype) alignof(ctype)
#else
#define BEAMC_ALIGN_OF(ctype) _Alignof(ctype)
#endif

/** BEAMC_KV(word_count, string, int64): struct word_count { beamc_string key; int64_t value; }
 *  and its type. */
#define BEAMC_KV(name, key_word, value_word)                                                       \
    typedef struct name {                                                                          \
        beamc_t_##key_word key;                                                                    \
        beamc_t_##value_word value;                                                                \
    } name;                                                                                        \
    typedef name beamc_t_##name;                                                                   \
    static const beamc_field beamc_fields_##name[2] = {                                            \
        { "key", &beamc_type_##key_word },                                    \
        { "value", &beamc_type_##value_word }                               \
    };                                                                                             \
    static const beamc_type beamc_type_##name BEAMC_UNUSED = {                                     \
        "KV<" #key_word ", " #value_word ">", BEAMC_KIND_KV, sizeof(name),                         \
        BEAMC_ALIGN_OF(name), beamc_fields_##name, 2, NULL, NULL, NULL                             \
    };

/** BEAMC_ITERABLE(counts, int64): the word `counts`, a beamc_iterable of int64_t. */
#define BEAMC_ITERABLE(name, element_word)                                                         \
    typedef beamc_iterable beamc_t_##name;                                                         \
    static const beamc_field beamc_fields_##name[1] = { { "element", &beamc_type_##element_word }  \
    };                                                                                             \
    static const beamc_type beamc_type_##name BEAMC_UNUSED = {                                     \
        "Iterable<" #element_word ">", BEAMC_KIND_ITERABLE, sizeof(beamc_iterable),                \
        BEAMC_ALIGN_OF(beamc_iterable), beamc_fields_##name, 1, NULL, NULL, NULL                   \
    };

/** BEAMC_NULLABLE(maybe_int64, int64): struct { bool present; int64_t value; }. */
#define BEAMC_NULLABLE(name, value_word)                                                           \
    typedef struct name {                                                                          \
        bool present;                                                                              \
        beamc_t_##value_word value;                                                                \
    } name;                                                                                        \
    typedef name beamc_t_##name;                                                                   \
    static const beamc_field beamc_fields_##name[1] = { { "value", &beamc_type_##value_word } };   \
    static const beamc_type beamc_type_##name BEAMC_UNUSED = {                                     \
        "Nullable<" #value_word ">", BEAMC_KIND_NULLABLE, sizeof(name), BEAMC_ALIGN_OF(name),      \
        beamc_fields_##name, 1, NULL, NULL, NULL                                                   \
    };

/** BEAMC_ARRAY(tags, string): struct { const beamc_string *items; size_t count; }.  In rows. */
#define BEAMC_ARRAY(name, element_word)                                                            \
    typedef struct name {                                                                          \
        const beamc_t_##element_word *items;                                                       \
        size_t count;                                                                              \
    } name;                                                                                        \
    typedef name beamc_t_##name;                                                                   \
    static const beamc_field beamc_fields_##name[1] = { { "element", &beamc_type_##element_word }  \
    };                                                                                             \
    static const beamc_type beamc_type_##name BEAMC_UNUSED = {                                     \
        "Array<" #element_word ">", BEAMC_KIND_ARRAY, sizeof(name), BEAMC_ALIGN_OF(name),          \
        beamc_fields_##name, 1, NULL, NULL, NULL                                                   \
    };

/** BEAMC_MAP(prices, string, int64): struct { const prices_entry *items; size_t count; } of
 *  struct prices_entry { beamc_string key; int64_t value; }.  In rows; order has no meaning. */
#define BEAMC_MAP(name, key_word, value_word)                                                      \
    typedef struct name##_entry {                                                                  \
        beamc_t_##key_word key;                                                                    \
        beamc_t_##value_word value;                                                                \
    } name##_entry;                                                                                \
    typedef struct name {                                                                          \
        const name##_entry *items;                                                                 \
        size_t count;                                                                              \
    } name;                                                                                        \
    typedef name beamc_t_##name;                                                                   \
    static const beamc_field beamc_fields_##name[2] = {                                            \
        { "key", &beamc_type_##key_word },                            \
        { "value", &beamc_type_##value_word }                       \
    };                                                                                             \
    static const beamc_type beamc_type_##name BEAMC_UNUSED = {                                     \
        "Map<" #key_word ", " #value_word ">", BEAMC_KIND_MAP, sizeof(name),                       \
        BEAMC_ALIGN_OF(name), beamc_fields_##name, 2, NULL, NULL, NULL                             \
    };

#define BEAMC_ROW_MEMBER(word, field) beamc_t_##word field;
#define BEAMC_ROW_FIELD(word, field) { #field, &beamc_type_##word },

/** One description of a struct gives its type, its schema, its row coder, its order, copy and print:
 *
 *      #define SALE(F) F(string, shop) F(int64, cents) F(timestamp, at)
 *      BEAMC_ROW(sale, SALE)
 *
 *  makes struct sale { beamc_string shop; int64_t cents; beamc_timestamp at; } and the word sale.
 *  A field of a BEAMC_NULLABLE word is a nullable field of the schema. */
#define BEAMC_ROW(name, DESCRIPTION)                                                               \
    typedef struct name {                                                                          \
        DESCRIPTION(BEAMC_ROW_MEMBER)                                                              \
    } name;                                                                                        \
    typedef name beamc_t_##name;                                                                   \
    static const beamc_field beamc_fields_##name[] = { DESCRIPTION(BEAMC_ROW_FIELD) };             \
    static const beamc_type beamc_type_##name BEAMC_UNUSED = {                                     \
        #name, BEAMC_KIND_ROW, sizeof(name), BEAMC_ALIGN_OF(name), beamc_fields_##name,            \
        sizeof(beamc_fields_##name) / sizeof(beamc_field), NULL, NULL, NULL                        \
    };

BEAMC_EXTERN_C_END

#endif
