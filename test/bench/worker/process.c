/* SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/worker/process.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

uint64_t process_memory(pid_t pid)
{
    char path[64];
    unsigned long long size, pages;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%llu %llu", &size, &pages) != 2)
        pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int count_entries(pid_t pid, const char *what)
{
    char path[64];
    int count = 0;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
    DIR *directory = opendir(path);
    if (directory == NULL)
        return -1;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

int process_threads(pid_t pid)
{
    return count_entries(pid, "task");
}

int process_files(pid_t pid)
{
    return count_entries(pid, "fd");
}
