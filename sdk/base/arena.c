/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: a list of blocks filled one after the other.
 *
 *     first -> [used up] -> [top: used|at..end] -> [kept by a rewind] -> NULL
 *
 * Blocks after top are empty and wait to be used again.  One too small for what is asked is freed
 * when it is met, so that elements of growing size do not leave all their blocks behind.
 *
 * Under AddressSanitizer there is one block per allocation, the newest first, and a rewind frees. */
#include <beamc/arena.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define BLOCK_EACH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLOCK_EACH 1
#endif
#endif
#ifndef BLOCK_EACH
#define BLOCK_EACH 0
#endif

enum {
    BLOCK_MIN = 8 << 10, /* of the first block, with its head */
    BLOCK_MAX = 1 << 20  /* until which blocks double; what is larger gets a block of its own */
};

typedef struct block block;
struct block {
    block *next;
    size_t capacity;
    size_t used_before; /* bytes handed out when the arena came to this block */
    alignas(max_align_t) char data[];
};

struct beamc_arena {
    block *top; /* NULL: nothing handed out yet; the first member, see arena_used.h */
    block *first;
    char *at;   /* free memory of top: [at, end) */
    char *end;
    size_t next_capacity;
    bool failed;
};

beamc_arena *beamc_arena_new(void)
{
    beamc_arena *arena = calloc(1, sizeof(*arena));

    if (arena != NULL)
        arena->next_capacity = BLOCK_MIN - sizeof(block);
    return arena;
}

static void free_blocks(block *first)
{
    for (block *next; first != NULL; first = next) {
        next = first->next;
        free(first);
    }
}

void beamc_arena_free(beamc_arena *arena)
{
    if (arena == NULL)
        return;
    free_blocks(arena->first);
    free(arena);
}

static block *block_new(size_t capacity)
{
    if (capacity > PTRDIFF_MAX - sizeof(block))
        return NULL;
    block *made = malloc(sizeof(block) + capacity);
    if (made != NULL)
        made->capacity = capacity;
    return made;
}

static void *fail(beamc_arena *arena)
{
    arena->failed = true;
    return NULL;
}

size_t beamc_arena_used(const beamc_arena *arena)
{
    if (arena->top == NULL)
        return 0;
    return arena->top->used_before + (size_t)(arena->at - arena->top->data);
}

bool beamc_arena_failed(const beamc_arena *arena)
{
    return arena->failed;
}

static void enter(beamc_arena *arena, block *top, size_t used)
{
    arena->top = top;
    arena->at = top == NULL ? NULL : top->data + used;
    arena->end = top == NULL ? NULL : top->data + top->capacity;
}

beamc_arena_mark beamc_arena_save(const beamc_arena *arena)
{
    beamc_arena_mark mark = { arena->top, 0 };

    if (arena->top != NULL)
        mark.used = (size_t)(arena->at - arena->top->data);
    return mark;
}

#if BLOCK_EACH

static void *alloc_aligned(beamc_arena *arena, size_t size, BEAMC_UNUSED size_t alignment)
{
    if (arena->failed)
        return NULL;
    block *made = block_new(size);
    if (made == NULL)
        return fail(arena);
    made->next = arena->first;
    made->used_before = beamc_arena_used(arena);
    arena->first = made;
    enter(arena, made, size);
    return made->data;
}

void beamc_arena_rewind(beamc_arena *arena, beamc_arena_mark mark)
{
    while (arena->first != mark.block) {
        block *newest = arena->first;
        arena->first = newest->next;
        free(newest);
    }
    enter(arena, mark.block, mark.used);
}

void beamc_arena_reset(beamc_arena *arena)
{
    beamc_arena_rewind(arena, (beamc_arena_mark){ NULL, 0 });
    arena->failed = false;
}

#else

/* Makes a block of at least @size free bytes the top one; false: no memory. */
static bool advance(beamc_arena *arena, size_t size)
{
    block **link = arena->top == NULL ? &arena->first : &arena->top->next;
    size_t used = beamc_arena_used(arena);

    while (*link != NULL && (*link)->capacity < size) {
        block *small = *link;
        *link = small->next;
        free(small);
    }
    if (*link == NULL) {
        block *made = block_new(size > arena->next_capacity ? size : arena->next_capacity);
        if (made == NULL)
            return false;
        made->next = NULL;
        *link = made;
        if (arena->next_capacity < BLOCK_MAX / 2)
            arena->next_capacity = 2 * (arena->next_capacity + sizeof(block)) - sizeof(block);
    }
    (*link)->used_before = used;
    enter(arena, *link, 0);
    return true;
}

static void *alloc_aligned(beamc_arena *arena, size_t size, size_t alignment)
{
    if (BEAMC_UNLIKELY(arena->failed))
        return NULL;
    size_t padding = (size_t)-(uintptr_t)arena->at & (alignment - 1);
    size_t left = (size_t)(arena->end - arena->at);
    if (BEAMC_UNLIKELY(arena->top == NULL || left < padding || left - padding < size)) {
        if (!advance(arena, size))
            return fail(arena);
        padding = 0; /* a block's data is aligned for any type */
    }
    char *memory = arena->at + padding;
    arena->at = memory + size;
    return memory;
}

void beamc_arena_rewind(beamc_arena *arena, beamc_arena_mark mark)
{
    enter(arena, mark.block, mark.used);
}

/* Keeps the largest block that is not of an oversized allocation. */
void beamc_arena_reset(beamc_arena *arena)
{
    block *keep = NULL;

    for (block *next, *each = arena->first; each != NULL; each = next) {
        next = each->next;
        if (each->capacity <= BLOCK_MAX && (keep == NULL || keep->capacity < each->capacity)) {
            free(keep);
            keep = each;
        } else {
            free(each);
        }
    }
    if (keep != NULL)
        keep->next = NULL;
    arena->first = keep;
    enter(arena, NULL, 0);
    arena->failed = false;
}

#endif

void *beamc_arena_alloc(beamc_arena *arena, size_t size)
{
    return alloc_aligned(arena, size, alignof(max_align_t));
}

void *beamc_arena_calloc(beamc_arena *arena, size_t count, size_t size)
{
    size_t product;

    if (__builtin_mul_overflow(count, size, &product))
        return fail(arena);
    void *memory = beamc_arena_alloc(arena, product);
    return memory == NULL ? NULL : memset(memory, 0, product);
}

void *beamc_arena_memdup(beamc_arena *arena, const void *bytes, size_t size)
{
    void *copy = beamc_arena_alloc(arena, size);

    if (copy != NULL && size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

char *beamc_arena_strdup(beamc_arena *arena, const char *string)
{
    return beamc_arena_strndup(arena, string, strlen(string));
}

char *beamc_arena_strndup(beamc_arena *arena, const char *bytes, size_t size)
{
    if (size >= PTRDIFF_MAX)
        return fail(arena);
    char *copy = alloc_aligned(arena, size + 1, 1);
    if (copy == NULL)
        return NULL;
    if (size > 0)
        memcpy(copy, bytes, size);
    copy[size] = '\0';
    return copy;
}

char *beamc_arena_printf(beamc_arena *arena, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        return fail(arena);
    char *text = alloc_aligned(arena, (size_t)length + 1, 1);
    if (text == NULL)
        return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}
