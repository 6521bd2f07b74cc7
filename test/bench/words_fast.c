/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the words of a text on one thread, as fast as it can be made by hand.  The benchmark's
 * upper yardstick; see README.md.
 *
 *   words_fast INPUT OUTPUT       writes lines "word: count"
 *
 *   mapped text --classify--> 64-bit mask of letters --edges--> offsets where words start and end
 *               --batch-----> keys and hashes of BATCH words, their slots prefetched
 *               --count-----> one 16-byte compare and one increment per word
 *
 * A slot of the table holds a word of up to 12 letters and its count in 16 bytes, so the frequent
 * words of an ordinary text stay in the second-level cache.  Longer words are rare and go another
 * way.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define BLOCK 64u                   /* bytes classified at a time */
#define WINDOW_BLOCKS 64u           /* blocks whose edges are found before words are counted */
#define EDGES (WINDOW_BLOCKS * BLOCK + 2 * BLOCK)
#define BATCH 64u
#define SHORT 12u                   /* letters in a slot */
#define LOOK_AHEAD 16u              /* bytes read from a word's start, whatever its length */
#define FIRST_BITS 17               /* log2 of the slots to begin with: 2 MB */

/* A free slot has count 0 and no letters.  Letters are never 0, so the padding marks the length. */
typedef struct {
    uint64_t head;                  /* letters 0 to 7 */
    uint32_t tail;                  /* letters 8 to 11 */
    uint32_t count;
} slot;

/* A word of more than SHORT letters. */
typedef struct {
    const char *word;               /* in the text; NULL: free */
    size_t length;
    uint64_t hash;
    uint64_t count;
} long_slot;

/* Occurrences taken out of a slot's count when it was full. */
typedef struct {
    uint64_t head;
    uint32_t tail;
    uint64_t count;
} excess;

typedef struct {
    slot *slots;
    unsigned bits;                  /* log2 of the number of slots */
    size_t used;
    long_slot *longs;
    size_t long_size;               /* a power of two */
    size_t long_used;
    excess *excesses;               /* one entry in 2^31 occurrences of a word */
    size_t excess_count;
} table;

typedef struct {
    uint64_t head;
    uint64_t tail;
} key;

/* What is left of the first 16 bytes when a word has n letters. */
static const key letters_of[SHORT + 1] = {
#define LOW(n) ((UINT64_C(1) << (8 * (n))) - 1)
    { 0, 0 }, { LOW(1), 0 }, { LOW(2), 0 }, { LOW(3), 0 }, { LOW(4), 0 }, { LOW(5), 0 },
    { LOW(6), 0 }, { LOW(7), 0 }, { UINT64_MAX, 0 }, { UINT64_MAX, LOW(1) },
    { UINT64_MAX, LOW(2) }, { UINT64_MAX, LOW(3) }, { UINT64_MAX, LOW(4) },
#undef LOW
};

static bool is_letter(unsigned char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26 || c == '\'' || c >= 0x80;
}

/* Edge finders: write to @edges the offsets from @text at which letters begin and end, by turns,
 * in @blocks blocks, and return how many there are.  *@in_word says, before and after, whether the
 * byte before belongs to a word.  They may write up to BLOCK offsets past the last. */
typedef size_t edge_finder(const char *text, size_t blocks, uint32_t *edges, uint64_t *in_word);

#define DEFINE_EDGE_FINDER(name, attributes, classify, flatten)                                   \
    attributes static size_t name(const char *text, size_t blocks, uint32_t *edges,               \
                                  uint64_t *in_word)                                              \
    {                                                                                             \
        uint32_t *out = edges;                                                                    \
        uint64_t before = *in_word;                                                               \
                                                                                                  \
        for (size_t i = 0; i < blocks; i++) {                                                     \
            uint64_t letters = classify(text + i * BLOCK);                                        \
            uint64_t changes = letters ^ (letters << 1 | before);                                 \
            before = letters >> 63;                                                               \
            out = flatten(out, changes, (uint32_t)(i * BLOCK));                                   \
        }                                                                                         \
        *in_word = before;                                                                        \
        return (size_t)(out - edges);                                                             \
    }

/* Writes in steps of a fixed length, so that few branches depend on the text. */
#define FLATTEN_STEP 8
static inline uint32_t *flatten_bits(uint32_t *out, uint64_t bits, uint32_t base)
{
    uint32_t *end = out + __builtin_popcountll(bits);

    do {
        for (int i = 0; i < FLATTEN_STEP; i++) {
            out[i] = base + (uint32_t)(bits != 0 ? __builtin_ctzll(bits) : 0);
            bits &= bits - 1;
        }
        out += FLATTEN_STEP;
    } while (bits != 0);
    return end;
}

#ifdef __x86_64__

static inline uint64_t classify16(const char *text)
{
    __m128i c = _mm_loadu_si128((const __m128i *)text);
    __m128i lower = _mm_or_si128(c, _mm_set1_epi8(0x20));
    __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
                                   _mm_cmpgt_epi8(_mm_set1_epi8('z' + 1), lower));

    letter = _mm_or_si128(letter, _mm_cmpeq_epi8(c, _mm_set1_epi8('\'')));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(letter, c));
}

static inline uint64_t classify_sse2(const char *text)
{
    return classify16(text) | classify16(text + 16) << 16 | classify16(text + 32) << 32
        | classify16(text + 48) << 48;
}

DEFINE_EDGE_FINDER(edges_sse2, , classify_sse2, flatten_bits)

#define AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))

AVX2 static inline uint64_t classify32(const char *text)
{
    __m256i c = _mm256_loadu_si256((const __m256i *)text);
    __m256i lower = _mm256_or_si256(c, _mm256_set1_epi8(0x20));
    __m256i letter = _mm256_and_si256(_mm256_cmpgt_epi8(lower, _mm256_set1_epi8('a' - 1)),
                                      _mm256_cmpgt_epi8(_mm256_set1_epi8('z' + 1), lower));

    letter = _mm256_or_si256(letter, _mm256_cmpeq_epi8(c, _mm256_set1_epi8('\'')));
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(letter, c));
}

AVX2 static inline uint64_t classify_avx2(const char *text)
{
    return classify32(text) | classify32(text + 32) << 32;
}

AVX2 static inline uint32_t *flatten_avx2(uint32_t *out, uint64_t bits, uint32_t base)
{
    uint32_t *end = out + _mm_popcnt_u64(bits);

    do {
        for (int i = 0; i < FLATTEN_STEP; i++) {
            out[i] = base + (uint32_t)_tzcnt_u64(bits);
            bits = _blsr_u64(bits);
        }
        out += FLATTEN_STEP;
    } while (bits != 0);
    return end;
}

DEFINE_EDGE_FINDER(edges_avx2, AVX2, classify_avx2, flatten_avx2)

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi2,bmi,bmi2,lzcnt,popcnt")))

AVX512 static inline uint64_t classify_avx512(const char *text)
{
    __m512i c = _mm512_loadu_si512(text);
    __m512i lower = _mm512_or_si512(c, _mm512_set1_epi8(0x20));

    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(lower, _mm512_set1_epi8('a')),
                                  _mm512_set1_epi8(26))
        | _mm512_cmpeq_epi8_mask(c, _mm512_set1_epi8('\'')) | _mm512_movepi8_mask(c);
}

/* The numbers 0 to 63 whose bits are set, pushed together, widened and moved to @base. */
AVX512 static inline uint32_t *flatten_avx512(uint32_t *out, uint64_t bits, uint32_t base)
{
    static const uint8_t numbers[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
    };
    unsigned n = (unsigned)_mm_popcnt_u64(bits);
    __m512i at = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(numbers));
    __m512i from = _mm512_set1_epi32((int)base);

#define WIDEN(quarter)                                                                            \
    _mm512_storeu_si512(out + 16 * (quarter), _mm512_add_epi32(from, _mm512_cvtepu8_epi32(        \
                                                  _mm512_extracti32x4_epi32(at, (quarter)))))
    WIDEN(0);
    WIDEN(1);
    if (unlikely(n > 32)) {
        WIDEN(2);
        WIDEN(3);
    }
#undef WIDEN
    return out + n;
}

DEFINE_EDGE_FINDER(edges_avx512, AVX512, classify_avx512, flatten_avx512)

static edge_finder *choose_edge_finder(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2"))
        return edges_avx512;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") ? edges_avx2
                                                                            : edges_sse2;
}

#else

static inline uint64_t classify_bytes(const char *text)
{
    uint64_t letters = 0;

    for (unsigned i = 0; i < BLOCK; i++)
        letters |= (uint64_t)is_letter((unsigned char)text[i]) << i;
    return letters;
}

DEFINE_EDGE_FINDER(edges_portable, , classify_bytes, flatten_bits)

static edge_finder *choose_edge_finder(void)
{
    return edges_portable;
}

#endif

/* --- the table --- */

static inline uint64_t hash_key(uint64_t head, uint64_t tail)
{
    return (head ^ tail * UINT64_C(0x9fb21c651e98df25)) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t hash_bytes(const char *word, size_t length)
{
    uint64_t hash = length;

    for (; length >= 8; word += 8, length -= 8) {
        uint64_t part;
        memcpy(&part, word, 8);
        hash = (hash ^ part) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    for (; length > 0; word++, length--)
        hash = (hash ^ (unsigned char)*word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* Zeroed memory, on huge pages where the system has them. */
static void *map_table(size_t bytes)
{
    void *memory = aligned_alloc(bytes < 1 << 21 ? 4096 : 1 << 21, bytes);

    if (memory == NULL)
        return NULL;
    madvise(memory, bytes, MADV_HUGEPAGE);
    return memset(memory, 0, bytes);
}

static bool table_init(table *words)
{
    *words = (table){ .bits = FIRST_BITS, .long_size = 1024 };
    words->slots = map_table(sizeof(slot) << FIRST_BITS);
    words->longs = calloc(words->long_size, sizeof(*words->longs));
    return words->slots != NULL && words->longs != NULL;
}

static bool grow_shorts(table *words)
{
    size_t mask = ((size_t)2 << words->bits) - 1;
    slot *slots = map_table((mask + 1) * sizeof(slot));

    if (slots == NULL)
        return false;
    words->bits++;
    for (const slot *s = words->slots; s < words->slots + (mask + 1) / 2; s++) {
        if (s->count == 0)
            continue;
        size_t at = hash_key(s->head, s->tail) >> (64 - words->bits);
        while (slots[at].count != 0)
            at = (at + 1) & mask;
        slots[at] = *s;
    }
    free(words->slots);
    words->slots = slots;
    return true;
}

static bool grow_longs(table *words)
{
    size_t mask = 2 * words->long_size - 1;
    long_slot *longs = calloc(mask + 1, sizeof(*longs));

    if (longs == NULL)
        return false;
    for (const long_slot *s = words->longs; s < words->longs + words->long_size; s++) {
        size_t at = s->hash & mask;
        if (s->word == NULL)
            continue;
        while (longs[at].word != NULL)
            at = (at + 1) & mask;
        longs[at] = *s;
    }
    free(words->longs);
    words->longs = longs;
    words->long_size = mask + 1;
    return true;
}

/* Not inlined: its calls are rare and would spoil the loop around them. */
__attribute__((noinline)) static bool count_long(table *words, const char *word, size_t length)
{
    uint64_t hash = hash_bytes(word, length);

    if (words->long_used >= words->long_size / 2 && !grow_longs(words))
        return false;
    for (size_t at = hash & (words->long_size - 1);; at = (at + 1) & (words->long_size - 1)) {
        long_slot *s = &words->longs[at];
        if (s->word == NULL) {
            *s = (long_slot){ word, length, hash, 1 };
            words->long_used++;
            return true;
        }
        if (s->hash == hash && s->length == length && memcmp(s->word, word, length) == 0) {
            s->count++;
            return true;
        }
    }
}

/* Looks past the slot where the word hashes to.  There is a free slot: see reserve. */
__attribute__((noinline)) static slot *find_slot(table *words, size_t at, uint64_t head,
                                                 uint32_t tail)
{
    for (;; at = (at + 1) & (((size_t)1 << words->bits) - 1)) {
        slot *s = &words->slots[at];
        if (s->head == head && s->tail == tail)
            return s;
        if (s->count == 0) {
            s->head = head;
            s->tail = tail;
            words->used++;
            return s;
        }
    }
}

/* Makes room for @n new words, and keeps the table half empty. */
static bool reserve(table *words, size_t n)
{
    while (unlikely(words->used + n > (size_t)1 << words->bits >> 1))
        if (!grow_shorts(words))
            return false;
    return true;
}

/* --- counting --- */

static inline uint64_t load64(const char *p)
{
    uint64_t value;

    memcpy(&value, p, 8);
    return value;
}

static inline uint32_t load32(const char *p)
{
    uint32_t value;

    memcpy(&value, p, 4);
    return value;
}

/* @s has just been counted for the 2^32nd time, which made its count 0. */
__attribute__((noinline)) static bool move_excess(table *words, slot *s)
{
    size_t n = words->excess_count;
    excess *more = realloc(words->excesses, (n + 1) * sizeof(*more));

    if (more == NULL)
        return false;
    more[n] = (excess){ s->head, s->tail, UINT64_C(1) << 31 };
    s->count = UINT32_C(1) << 31;
    words->excesses = more;
    words->excess_count = n + 1;
    return true;
}

static inline bool count_short(table *words, size_t at, uint64_t head, uint32_t tail)
{
    slot *s = &words->slots[at];

    if (unlikely(((s->head ^ head) | (s->tail ^ tail)) != 0))
        s = find_slot(words, at, head, tail);
    return likely(++s->count != 0) || move_excess(words, s);
}

/* Counts @n words, whose edges come in pairs.  LOOK_AHEAD bytes are readable from each start. */
static bool count_edges(table *words, const char *text, const uint32_t *edges, size_t n)
{
    struct {
        uint64_t head;
        uint32_t tail;
        uint32_t at;
    } batch[BATCH];
    const uint32_t *end = edges + 2 * n;

    while (edges < end) {
        const uint32_t *stop = (size_t)(end - edges) > 2 * BATCH ? edges + 2 * BATCH : end;
        size_t shorts = 0;
        bool ok = reserve(words, BATCH);
        slot *slots = words->slots;
        unsigned shift = 64 - words->bits;

        for (; edges < stop; edges += 2) {
            const char *word = text + edges[0];
            uint32_t length = edges[1] - edges[0];

            if (unlikely(length > SHORT)) {
                ok &= count_long(words, word, length);
                continue;
            }
            uint64_t head = load64(word) & letters_of[length].head;
            uint64_t tail = load32(word + 8) & letters_of[length].tail;
            size_t at = hash_key(head, tail) >> shift;
            batch[shorts].head = head;
            batch[shorts].tail = (uint32_t)tail;
            batch[shorts++].at = (uint32_t)at;
            __builtin_prefetch(&slots[at], 1);
        }
        for (size_t i = 0; i < shorts; i++)
            ok &= count_short(words, batch[i].at, batch[i].head, batch[i].tail);
        if (unlikely(!ok))
            return false;
    }
    return true;
}

/* Counts one word that may lie anywhere. */
static bool count_word(table *words, const char *word, size_t length)
{
    char padded[16] = { 0 };

    if (length == 0)
        return true;
    if (length > SHORT)
        return count_long(words, word, length);
    if (!reserve(words, 1))
        return false;
    memcpy(padded, word, length);
    uint64_t head = load64(padded);
    uint32_t tail = load32(padded + 8);
    return count_short(words, hash_key(head, tail) >> (64 - words->bits), head, tail);
}

static bool count_words(table *words, const char *text, size_t size)
{
    edge_finder *find_edges = choose_edge_finder();
    size_t whole = size > LOOK_AHEAD ? (size - LOOK_AHEAD) / BLOCK : 0;     /* blocks */
    uint64_t in_word = 0;
    const char *word = text;        /* where the word that is being read started */
    const char *p = text;

    for (size_t done = 0; done < whole;) {
        uint32_t found[EDGES];
        uint32_t *edges = found;
        size_t blocks = whole - done < WINDOW_BLOCKS ? whole - done : WINDOW_BLOCKS;
        bool open = in_word;
        size_t n = find_edges(p, blocks, edges, &in_word);

        if (open && n > 0) {        /* the first edge ends a word of an earlier window */
            if (!count_word(words, word, (size_t)(p + edges[0] - word)))
                return false;
            edges++;
            n--;
        }
        if (!count_edges(words, p, edges, n / 2))
            return false;
        if (n % 2 != 0)
            word = p + edges[n - 1];
        p += blocks * BLOCK;
        done += blocks;
    }
    for (; p < text + size; p++) {
        bool letter = is_letter((unsigned char)*p);

        if (letter && !in_word)
            word = p;
        else if (!letter && in_word && !count_word(words, word, (size_t)(p - word)))
            return false;
        in_word = letter;
    }
    return !in_word || count_word(words, word, (size_t)(p - word));
}

/* --- output --- */

typedef struct {
    int fd;
    bool ok;
    size_t length;
    char bytes[1 << 16];
} output;

static void flush(output *out)
{
    for (size_t done = 0; out->ok && done < out->length;) {
        ssize_t n = write(out->fd, out->bytes + done, out->length - done);
        if (n < 0 && errno != EINTR)
            out->ok = false;
        done += n > 0 ? (size_t)n : 0;
    }
    out->length = 0;
}

static void put_bytes(output *out, const char *bytes, size_t n)
{
    while (n > 0) {
        size_t room = sizeof(out->bytes) - out->length;
        size_t step = n < room ? n : room;

        memcpy(out->bytes + out->length, bytes, step);
        out->length += step;
        if (out->length == sizeof(out->bytes))
            flush(out);
        bytes += step;
        n -= step;
    }
}

/* The end of a line. */
static void put_count(output *out, uint64_t count)
{
    char text[32];
    char *end = text + sizeof(text);
    char *p = end;

    *--p = '\n';
    do
        *--p = (char)('0' + count % 10);
    while ((count /= 10) != 0);
    *--p = ' ';
    *--p = ':';
    put_bytes(out, p, (size_t)(end - p));
}

static uint64_t count_of(const table *words, const slot *s)
{
    uint64_t count = s->count;

    for (const excess *e = words->excesses; e < words->excesses + words->excess_count; e++)
        if (e->head == s->head && e->tail == s->tail)
            count += e->count;
    return count;
}

static bool write_counts(const table *words, int fd)
{
    static output out;

    out = (output){ .fd = fd, .ok = true };
    for (const slot *s = words->slots; s < words->slots + ((size_t)1 << words->bits); s++) {
        if (s->count == 0)
            continue;
        char word[SHORT + 1];
        memcpy(word, &s->head, 8);
        memcpy(word + 8, &s->tail, 4);
        word[SHORT] = '\0';
        put_bytes(&out, word, strlen(word));
        put_count(&out, count_of(words, s));
    }
    for (const long_slot *s = words->longs; s < words->longs + words->long_size; s++) {
        if (s->word == NULL)
            continue;
        put_bytes(&out, s->word, s->length);
        put_count(&out, s->count);
    }
    flush(&out);
    return out.ok;
}

/* Maps the file at @path for reading.  Answers NULL, with errno set, on failure; an empty file is a
 * text of no bytes. */
static const char *map_file(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY);
    struct stat status;
    const char *text = NULL;

    if (fd >= 0 && fstat(fd, &status) == 0) {
        *size = (size_t)status.st_size;
        text = *size > 0 ? mmap(NULL, *size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0) : "";
        if (text == MAP_FAILED)
            text = NULL;
    }
    if (fd >= 0)
        close(fd);
    return text;
}

static int complain(const char *path)
{
    fprintf(stderr, "words_fast: %s: %s\n", path, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    table words;
    size_t size = 0;

    if (argc != 3) {
        fprintf(stderr, "usage: words_fast INPUT OUTPUT\n");
        return 2;
    }
    const char *text = map_file(argv[1], &size);
    if (text == NULL || !table_init(&words) || !count_words(&words, text, size))
        return complain(argv[1]);

    int fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || !write_counts(&words, fd) || close(fd) != 0)
        return complain(argv[2]);
    return 0;       /* table and text go with the process */
}
