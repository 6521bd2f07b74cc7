/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the words of a text, written as most people would: byte by byte, into a chained
 * hash table of allocated words.  The benchmark's lower yardstick; see README.md.
 *
 *   words_plain INPUT OUTPUT      writes lines "word: count"
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

typedef struct entry {
    struct entry *next;
    uint64_t hash;
    uint64_t count;
    size_t length;
    char word[];
} entry;

typedef struct {
    entry **buckets;
    size_t size;                    /* a power of two */
    size_t used;
} table;

#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static bool grow(table *words)
{
    size_t size = words->size ? 2 * words->size : 1024;
    entry **buckets = calloc(size, sizeof(*buckets));

    if (buckets == NULL)
        return false;
    for (size_t i = 0; i < words->size; i++) {
        for (entry *e = words->buckets[i], *next; e != NULL; e = next) {
            next = e->next;
            e->next = buckets[e->hash & (size - 1)];
            buckets[e->hash & (size - 1)] = e;
        }
    }
    free(words->buckets);
    words->buckets = buckets;
    words->size = size;
    return true;
}

static bool count(table *words, const char *word, size_t length, uint64_t hash)
{
    if (words->used >= words->size / 2 && !grow(words))
        return false;

    entry **bucket = &words->buckets[hash & (words->size - 1)];
    for (entry *e = *bucket; e != NULL; e = e->next) {
        if (e->hash == hash && e->length == length && memcmp(e->word, word, length) == 0) {
            e->count++;
            return true;
        }
    }
    entry *e = malloc(sizeof(*e) + length);
    if (e == NULL)
        return false;
    e->next = *bucket;
    e->hash = hash;
    e->count = 1;
    e->length = length;
    memcpy(e->word, word, length);
    *bucket = e;
    words->used++;
    return true;
}

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '\'' || c >= 0x80;
}

static bool count_words(table *words, const char *text, const char *end)
{
    for (const char *p = text; p < end; p++) {
        const char *word = p;
        uint64_t hash = FNV_BASIS;

        for (; p < end && is_letter((unsigned char)*p); p++)
            hash = (hash ^ (unsigned char)*p) * FNV_PRIME;
        if (p > word && !count(words, word, (size_t)(p - word), hash))
            return false;
    }
    return true;
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
        text = *size > 0 ? mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0) : "";
        if (text == MAP_FAILED)
            text = NULL;
    }
    if (fd >= 0)
        close(fd);
    return text;
}

static void write_counts(const table *words, FILE *out)
{
    for (size_t i = 0; i < words->size; i++)
        for (const entry *e = words->buckets[i]; e != NULL; e = e->next)
            fprintf(out, "%.*s: %" PRIu64 "\n", (int)e->length, e->word, e->count);
}

static int complain(const char *path)
{
    fprintf(stderr, "words_plain: %s: %s\n", path, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    table words = { 0 };

    if (argc != 3) {
        fprintf(stderr, "usage: words_plain INPUT OUTPUT\n");
        return 2;
    }
    size_t size = 0;
    const char *text = map_file(argv[1], &size);
    if (text == NULL || !count_words(&words, text, text + size))
        return complain(argv[1]);

    FILE *out = fopen(argv[2], "wb");
    if (out == NULL)
        return complain(argv[2]);
    write_counts(&words, out);
    bool written = !ferror(out);
    if (fclose(out) != 0 || !written)
        return complain(argv[2]);
    return 0;       /* table and text go with the process */
}
