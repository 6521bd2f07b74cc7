/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a text.  Many bytes are told apart at once: bit i of a mask says that byte i belongs to a
 * word, so that a word is a run of ones. */
#include <beamc/type.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

#define L 1, 1, 1, 1, 1, 1, 1, 1

/* 1: of a word. */
static const uint8_t is_word_byte[256] = {
    ['\''] = 1,
    ['A'] = L, L, L, 1, 1,
    ['a'] = L, L, L, 1, 1,
    [0x80] = L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
};

#define WIDE 64 /* bytes of a block of beamc_words */

static uint64_t slow_mask(const char *p, size_t size)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < size; i++)
        mask |= (uint64_t)is_word_byte[(uint8_t)p[i]] << i;
    return mask;
}

#if defined(__x86_64__) && defined(__GNUC__)

#define BLOCK 16

static inline uint32_t word_mask(const char *p)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    /* 'a'..'z' become -128..-103, so that one signed comparison will do. */
    __m128i shifted = _mm_sub_epi8(lower, _mm_set1_epi8((char)('a' + 128)));
    __m128i letters = _mm_cmplt_epi8(shifted, _mm_set1_epi8(-128 + 26));
    __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\''));
    /* Bytes beyond ASCII have the top bit set, which is what movemask takes. */
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(letters, quotes), bytes));
}

/* The mask of @size bytes, 64 at most.  Always four loads, so that nothing depends on the length of a
 * line; those that would read behind the block are moved to end with it and read bytes twice. */
static uint64_t narrow_mask(const char *p, size_t size)
{
    if (size < BLOCK)
        return slow_mask(p, size);
    size_t last = size - BLOCK;
    size_t second = last < BLOCK ? last : BLOCK;
    size_t third = last < 2 * BLOCK ? last : 2 * BLOCK;
    return (uint64_t)word_mask(p) | (uint64_t)word_mask(p + second) << second |
           (uint64_t)word_mask(p + third) << third | (uint64_t)word_mask(p + last) << last;
}

/* The same by one load, which reads just these bytes; the others are 0, which belongs to no word. */
__attribute__((target("avx512f,avx512bw"))) static uint64_t wide_mask(const char *p, size_t size)
{
    __m512i bytes = _mm512_maskz_loadu_epi8(~UINT64_C(0) >> (WIDE - size), p);
    __m512i lower = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
    __m512i from_a = _mm512_sub_epi8(lower, _mm512_set1_epi8('a'));

    return _mm512_cmplt_epu8_mask(from_a, _mm512_set1_epi8(26)) |
           _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\'')) | _mm512_movepi8_mask(bytes);
}

/* @size: 1 to 64. */
static inline uint64_t block_mask(const char *p, size_t size)
{
    return __builtin_cpu_supports("avx512bw") ? wide_mask(p, size) : narrow_mask(p, size);
}

#else

static inline uint64_t block_mask(const char *p, size_t size)
{
    return slow_mask(p, size);
}

#endif

/* Loads the next block; false at the end of the text. */
static bool next_block(beamc_words *words)
{
    size_t left = (size_t)(words->end - words->next);
    if (left == 0)
        return false;
    size_t size = left < WIDE ? left : WIDE;
    words->block = words->next;
    words->next += size;
    words->mask = block_mask(words->block, size);
    return true;
}

bool beamc_words_fill(beamc_words *words)
{
    while (words->mask == 0)
        if (!next_block(words))
            return false;
    return true;
}

void beamc_words_join(beamc_words *words, beamc_string *word)
{
    word->data = words->block + __builtin_ctzll(words->mask);
    words->mask = 0;
    const char *end = words->next;
    while (next_block(words)) {
        if (~words->mask != 0) {
            unsigned more = (unsigned)__builtin_ctzll(~words->mask);
            words->mask = words->mask >> more << more;
            end += more;
            break;
        }
        words->mask = 0;
        end = words->next;
    }
    word->size = (size_t)(end - word->data);
}
