/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <check.h>
#include <dirent.h>
#include <uv.h>

enum { PATIENCE_MS = 300000 };

int count_entries(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

int count_threads(void)
{
    return count_entries("/proc/self/task");
}

int count_descriptors(void)
{
    return count_entries("/proc/self/fd");
}

void wait_for_few(int threads, int descriptors)
{
    for (int ms = 0; count_threads() > threads || count_descriptors() > descriptors; ms++) {
        if (ms == PATIENCE_MS)
            ck_abort_msg("%d threads, not %d; %d descriptors, not %d", count_threads(), threads,
                         count_descriptors(), descriptors);
        uv_sleep(1);
    }
}
