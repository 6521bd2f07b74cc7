/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the benchmark's input files.  Only integers are used and the seeds are fixed, so every
 * machine gets the same bytes.
 *
 *   make_data words BYTES FILE    text of Zipf-distributed words, up to the line that reaches BYTES
 *   make_data pairs COUNT FILE    COUNT lines "key value", see pairs.h
 */
#include "pairs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISTINCT 50000u
#define LONGEST 14u
#define WORD_SPACE (LONGEST + 2)
#define SET_SIZE (1u << 17)
#define GUIDE_BITS 16
#define LINE_SPACE 512

enum { SEED_VOCABULARY = 1, SEED_TEXT = 2 };

typedef struct {
    uint64_t position;              /* of the next number; the seed is in the top byte */
} random_stream;

typedef struct {
    char word[DISTINCT][WORD_SPACE];
    uint8_t length[DISTINCT];
    uint64_t upto[DISTINCT];        /* sum of the weights of all ranks up to this one */
    uint32_t guide[(1u << GUIDE_BITS) + 1];
    uint32_t set[SET_SIZE];         /* 1 + rank of the word that hashed here, 0: free */
} vocabulary;

static random_stream stream_of(uint64_t seed)
{
    return (random_stream){ seed << 56 };
}

static uint64_t next(random_stream *random)
{
    return bench_mix(random->position++);
}

static unsigned below(random_stream *random, unsigned limit)
{
    return (unsigned)((next(random) >> 32) * limit >> 32);
}

static unsigned log2_of(unsigned value)
{
    unsigned log = 0;

    while (value >>= 1)
        log++;
    return log;
}

/* Frequent words are short, as in natural text: 2 or 3 letters for the first rank, mostly 5 to 10
 * for the last ones, about 5 on average over a text. */
static unsigned pick_length(random_stream *random, unsigned rank)
{
    unsigned length = 2 + below(random, 2);

    for (unsigned log = log2_of(rank + 1); log > 0; log--)
        length += below(random, 3) == 0;
    return length < LONGEST ? length : LONGEST;
}

static unsigned pick_word(random_stream *random, unsigned rank, char *word)
{
    static const char vowels[] = "eeeeaaaaiiioooouuy";
    static const char consonants[] = "ttttnnnsssrrrhhddlllccmmffppggwbbvkxjqz";
    unsigned length = pick_length(random, rank);
    bool vowel = below(random, 3) == 0;

    for (unsigned i = 0; i < length; i++) {
        word[i] = vowel ? vowels[below(random, sizeof(vowels) - 1)]
                        : consonants[below(random, sizeof(consonants) - 1)];
        vowel = vowel ? below(random, 8) == 0 : below(random, 4) != 0;
    }
    if (length >= 5 && below(random, 50) == 0) {
        word[length - 2] = '\'';
        word[length - 1] = below(random, 2) ? 's' : 't';
    }
    word[length] = '\0';
    return length;
}

/* Answers whether @word was new. */
static bool add_word(vocabulary *words, unsigned rank)
{
    uint64_t hash = 0;

    for (const char *p = words->word[rank]; *p != '\0'; p++)
        hash = bench_mix(hash ^ (unsigned char)*p);
    for (uint32_t at = hash % SET_SIZE;; at = (at + 1) % SET_SIZE) {
        if (words->set[at] == 0) {
            words->set[at] = rank + 1;
            return true;
        }
        if (strcmp(words->word[words->set[at] - 1], words->word[rank]) == 0)
            return false;
    }
}

static vocabulary *vocabulary_new(void)
{
    vocabulary *words = calloc(1, sizeof(*words));
    random_stream random = stream_of(SEED_VOCABULARY);
    uint64_t sum = 0;

    if (words == NULL)
        return NULL;
    for (unsigned rank = 0; rank < DISTINCT; rank++) {
        do
            words->length[rank] = (uint8_t)pick_word(&random, rank, words->word[rank]);
        while (!add_word(words, rank));
        sum += (UINT64_C(1) << 40) / (rank + 1);        /* Zipf's law, exponent 1 */
        words->upto[rank] = sum;
    }
    /* guide[g] is the first rank that a number whose top bits are g can mean. */
    for (unsigned g = 0, rank = 0; g <= 1u << GUIDE_BITS; g++) {
        uint64_t target = (sum >> GUIDE_BITS) * g;

        while (rank < DISTINCT - 1 && words->upto[rank] <= target)
            rank++;
        words->guide[g] = rank;
    }
    return words;
}

static unsigned pick_rank(const vocabulary *words, random_stream *random)
{
    uint64_t number = next(random);
    uint64_t step = words->upto[DISTINCT - 1] >> GUIDE_BITS;
    uint64_t g = number >> (64 - GUIDE_BITS);
    uint64_t target = step * g + (number & 0xffffffff) * step / UINT64_C(0x100000000);
    unsigned rank = words->guide[g];

    while (words->upto[rank] <= target)
        rank++;
    return rank;
}

/* One line of 8 to 12 words into @line.  Returns its length. */
static size_t make_line(const vocabulary *words, random_stream *random, char *line)
{
    unsigned count = 8 + below(random, 5);
    char *p = line;

    for (unsigned i = 0; i < count; i++) {
        unsigned rank = pick_rank(words, random);
        unsigned mark = below(random, 100);

        memcpy(p, words->word[rank], words->length[rank]);
        p += words->length[rank];
        if (mark < 12)
            *p++ = mark < 7 ? ',' : mark < 11 ? '.' : ';';
        *p++ = i + 1 < count ? ' ' : '\n';
    }
    return (size_t)(p - line);
}

static bool write_words(FILE *out, uint64_t bytes)
{
    vocabulary *words = vocabulary_new();
    random_stream random = stream_of(SEED_TEXT);
    bool ok = words != NULL;

    for (uint64_t done = 0; ok && done < bytes;) {
        char line[LINE_SPACE];
        size_t length = make_line(words, &random, line);

        ok = fwrite(line, 1, length, out) == length;
        done += length;
    }
    free(words);
    return ok;
}

static char *put_number(char *p, int64_t value)
{
    char digits[20];
    int n = 0;

    do
        digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

static bool write_pairs(FILE *out, uint64_t count)
{
    bool ok = true;

    for (uint64_t i = 0; ok && i < count; i++) {
        char line[48];
        char *p = put_number(line, bench_pair_key(i));

        *p++ = ' ';
        p = put_number(p, bench_pair_value(i));
        *p++ = '\n';
        ok = fwrite(line, 1, (size_t)(p - line), out) == (size_t)(p - line);
    }
    return ok;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    uint64_t amount = argc == 4 ? strtoull(argv[2], &end, 10) : 0;
    bool words = argc == 4 && strcmp(argv[1], "words") == 0;

    if (amount == 0 || *end != '\0' || (!words && strcmp(argv[1], "pairs") != 0)) {
        fprintf(stderr, "usage: make_data words BYTES FILE\n       make_data pairs COUNT FILE\n");
        return 2;
    }
    FILE *out = fopen(argv[3], "wb");
    if (out != NULL)
        setvbuf(out, NULL, _IOFBF, 1 << 20);
    bool ok = out != NULL && (words ? write_words(out, amount) : write_pairs(out, amount));
    if (out != NULL && fclose(out) != 0)
        ok = false;
    if (!ok)
        fprintf(stderr, "make_data: %s: %s\n", argv[3], strerror(errno));
    return ok ? 0 : 1;
}
