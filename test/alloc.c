/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in front of the allocator: `ld --wrap=malloc` turns calls of malloc into __wrap_malloc, and
 * __real_malloc into malloc.  The names are the linker's. */
#include "alloc.h"
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
char *__real_strdup(const char *string);
char *__real_strndup(const char *string, size_t size);
int __real_vasprintf(char **out, const char *format, va_list args);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);
char *__wrap_strdup(const char *string);
char *__wrap_strndup(const char *string, size_t size);
int __wrap_vasprintf(char **out, const char *format, va_list args);

static atomic_long allocations;
static atomic_long fail_at = -1;

void test_alloc_fail_at(long n)
{
    atomic_store(&fail_at, n);
    atomic_store(&allocations, 0);
}

long test_alloc_count(void)
{
    return atomic_load(&allocations);
}

bool test_alloc_failed(void)
{
    long n = atomic_load(&fail_at);
    return n >= 0 && atomic_load(&allocations) > n;
}

static bool refused(void)
{
    bool refuse = atomic_fetch_add(&allocations, 1) == atomic_load(&fail_at);
    if (refuse)
        errno = ENOMEM;
    return refuse;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return refused() ? NULL : __real_realloc(memory, size);
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
    return refused() ? NULL : __real_reallocarray(memory, count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refused() ? NULL : __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
    return refused() ? ENOMEM : __real_posix_memalign(out, alignment, size);
}

char *__wrap_strdup(const char *string)
{
    return refused() ? NULL : __real_strdup(string);
}

char *__wrap_strndup(const char *string, size_t size)
{
    return refused() ? NULL : __real_strndup(string, size);
}

int __wrap_vasprintf(char **out, const char *format, va_list args)
{
    return refused() ? -1 : __real_vasprintf(out, format, args);
}
