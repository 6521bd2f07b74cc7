/* SPDX-License-Identifier: Apache-2.0 */
/* The budget is a counter that may be passed (what must be held is held); whoever could spill asks
 * first.  Temporary files are made by O_TMPFILE; where the file system has no such thing, in a
 * directory of their own that is gone again before anything is written. */
#include "runners/engine/store.h"
#include <uv.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHARE_LEAST = 4 << 20 };

struct beamc__store {
    char *temp_location; /* owned */
    uint64_t budget;
    uint64_t limit; /* of what is held before data is spilled */
    uint64_t workers;
    atomic_uint_fast64_t memory;
    atomic_uint_fast64_t spilled;
};

struct beamc__spill {
    beamc__store *store;
    uv_mutex_t lock; /* of opening */
    atomic_int fd;   /* -1: not opened yet */
    atomic_uint_fast64_t end;
};

/* ---- budget ---------------------------------------------------------------------------------- */

beamc_error *beamc__store_new(beamc__store **out, const beamc__store_options *options)
{
    const char *where = options->temp_location;
    beamc__store *store = calloc(1, sizeof(*store));

    *out = NULL;
    if (store == NULL)
        return beamc_error_nomem();
    if (where == NULL || *where == '\0')
        where = getenv("TMPDIR");
    if (where == NULL || *where == '\0')
        where = "/tmp";
    store->temp_location = strdup(where);
    if (store->temp_location == NULL) {
        beamc__store_free(store);
        return beamc_error_nomem();
    }
    store->budget = options->budget;
    store->limit = options->budget / 2;
    store->workers = options->workers < 1 ? 1 : (uint64_t)options->workers;
    *out = store;
    return NULL;
}

void beamc__store_free(beamc__store *store)
{
    if (store == NULL)
        return;
    free(store->temp_location);
    free(store);
}

uint64_t beamc__store_memory(const beamc__store *store)
{
    return atomic_load_explicit(&((beamc__store *)store)->memory, memory_order_relaxed);
}

uint64_t beamc__store_spilled(const beamc__store *store)
{
    return atomic_load_explicit(&((beamc__store *)store)->spilled, memory_order_relaxed);
}

bool beamc__store_take(beamc__store *store, size_t bytes)
{
    uint64_t before = atomic_fetch_add_explicit(&store->memory, bytes, memory_order_relaxed);

    if (before + bytes <= store->limit)
        return true;
    atomic_fetch_sub_explicit(&store->memory, bytes, memory_order_relaxed);
    return false;
}

void beamc__store_force(beamc__store *store, size_t bytes)
{
    atomic_fetch_add_explicit(&store->memory, bytes, memory_order_relaxed);
}

void beamc__store_give(beamc__store *store, size_t bytes)
{
    atomic_fetch_sub_explicit(&store->memory, bytes, memory_order_relaxed);
}

size_t beamc__store_share(const beamc__store *store)
{
    uint64_t share = store->budget / 2 / store->workers;

    return share < SHARE_LEAST ? SHARE_LEAST : share > SIZE_MAX ? SIZE_MAX : (size_t)share;
}

size_t beamc__store_buffer_size(const beamc__store *store, size_t count, size_t least, size_t most)
{
    /* All writers' buffers together at most half of what may be held. */
    uint64_t size = store->limit / 2 / store->workers / count;

    return size < least ? least : size > most ? most : (size_t)size;
}

/* ---- temporary files ------------------------------------------------------------------------- */

/* A file in a directory of its own, both without a name afterwards; -1 with errno set. */
static int open_unlinked(const char *where)
{
    size_t room = strlen(where) + 64;
    char *path = malloc(room);

    if (path == NULL) {
        errno = ENOMEM;
        return -1;
    }
    int fd = -1;
    int errnum = 0;
    size_t length = (size_t)snprintf(path, room, "%s/beamc-%ld-XXXXXX", where, (long)getpid());
    if (mkdtemp(path) == NULL) { /* mode 0700 */
        errnum = errno;
    } else {
        memcpy(path + length, "/spill", sizeof("/spill"));
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
            errnum = errno;
        else
            unlink(path);
        path[length] = '\0';
        rmdir(path);
    }
    free(path);
    errno = errnum;
    return fd;
}

static int open_temporary(const char *where)
{
    int fd = -1;

#ifdef O_TMPFILE
    fd = open(where, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
#endif
    return fd >= 0 ? fd : open_unlinked(where);
}

beamc__spill *beamc__spill_new(beamc__store *store)
{
    beamc__spill *spill = calloc(1, sizeof(*spill));

    if (spill == NULL)
        return NULL;
    spill->store = store;
    atomic_init(&spill->fd, -1);
    if (uv_mutex_init(&spill->lock) < 0) {
        free(spill);
        return NULL;
    }
    return spill;
}

void beamc__spill_free(beamc__spill *spill)
{
    if (spill == NULL)
        return;
    int fd = atomic_load(&spill->fd);
    if (fd >= 0)
        close(fd);
    uv_mutex_destroy(&spill->lock);
    free(spill);
}

static beamc_error *spill_open(beamc__spill *spill, int *out)
{
    beamc_error *err = NULL;
    int fd = atomic_load_explicit(&spill->fd, memory_order_acquire);

    if (BEAMC_UNLIKELY(fd < 0)) {
        uv_mutex_lock(&spill->lock);
        fd = atomic_load(&spill->fd);
        if (fd < 0) {
            fd = open_temporary(spill->store->temp_location);
            if (fd < 0)
                err = beamc_error_system(errno, "a temporary file in %s",
                                         spill->store->temp_location);
            else
                atomic_store_explicit(&spill->fd, fd, memory_order_release);
        }
        uv_mutex_unlock(&spill->lock);
    }
    *out = fd;
    return err;
}

beamc_error *beamc__spill_write(beamc__spill *spill, const void *bytes, size_t size,
                                uint64_t *offset)
{
    const char *from = bytes;
    int fd;

    BEAMC_TRY(spill_open(spill, &fd));
    uint64_t at = atomic_fetch_add_explicit(&spill->end, size, memory_order_relaxed);
    *offset = at;
    for (size_t left = size; left > 0;) {
        ssize_t n = pwrite(fd, from, left, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return beamc_error_system(n < 0 ? errno : ENOSPC,
                                      "writing %zu bytes to a temporary file in %s", size,
                                      spill->store->temp_location);
        from += n;
        at += (uint64_t)n;
        left -= (size_t)n;
    }
    atomic_fetch_add_explicit(&spill->store->spilled, size, memory_order_relaxed);
    return NULL;
}

beamc_error *beamc__spill_read(const beamc__spill *spill, uint64_t offset, void *bytes, size_t size)
{
    int fd = atomic_load_explicit(&((beamc__spill *)spill)->fd, memory_order_acquire);
    char *to = bytes;

    for (size_t left = size; left > 0;) {
        ssize_t n = pread(fd, to, left, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return beamc_error_system(errno, "reading a temporary file in %s",
                                      spill->store->temp_location);
        if (n == 0)
            return beamc_error_new(BEAMC_EIO, "a temporary file in %s ends at byte %llu",
                                   spill->store->temp_location, (unsigned long long)offset);
        to += n;
        offset += (uint64_t)n;
        left -= (size_t)n;
    }
    return NULL;
}

void beamc__spill_drop(beamc__spill *spill, uint64_t offset, uint64_t size)
{
#ifdef FALLOC_FL_PUNCH_HOLE
    int fd = atomic_load(&spill->fd);

    /* Space only: that the file system cannot do it changes nothing. */
    if (fd >= 0 && size > 0)
        (void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size);
#else
    (void)spill;
    (void)offset;
    (void)size;
#endif
}
