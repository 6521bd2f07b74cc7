/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/log_levels.h"

#include <string.h>

/* Whether @name is all of @transform, or a composite around it. */
static bool is_around(const char *name, const char *transform)
{
    size_t size = strlen(name);

    return size > 0 && strncmp(transform, name, size) == 0 &&
           (transform[size] == '\0' || transform[size] == '/');
}

/* Whether @name is all of @path, or its last parts. */
static bool is_end_of(const char *name, const char *path)
{
    size_t size = strlen(name);
    size_t all = strlen(path);

    return size > 0 && size <= all && strcmp(path + all - size, name) == 0 &&
           (size == all || path[all - size - 1] == '/');
}

static bool is_same(const char *name, const char *function)
{
    return strcmp(name, function) == 0;
}

/* Of those that name @what the one with the longest name; the last of equal ones.  NULL: none. */
static const beamc_log_override *find(const beamc_log_overrides *overrides, const char *what,
                                      bool (*names)(const char *name, const char *what))
{
    const beamc_log_override *found = NULL;

    for (size_t i = 0; what != NULL && i < overrides->count; i++) {
        const beamc_log_override *each = &overrides->list[i];
        if (names(each->name, what) &&
            (found == NULL || strlen(each->name) >= strlen(found->name)))
            found = each;
    }
    return found;
}

/* Files have a suffix; what has none need not be looked for where they log. */
static bool may_be_file(const char *name)
{
    const char *last = strrchr(name, '/');

    return strchr(last == NULL ? name : last, '.') != NULL;
}

void beamc__log_levels_set(beamc_log_target *target, beamc_log_files *files,
                           const beamc_log_overrides *overrides, beamc_log_level general,
                           const char *transform, const char *function)
{
    const beamc_log_override *found = NULL;

    target->level = general;
    target->files = NULL;
    if (overrides == NULL)
        return;
    found = find(overrides, transform, is_around);
    if (found == NULL)
        found = find(overrides, function, is_same);
    if (found != NULL) {
        target->level = found->level;
        return;
    }
    for (size_t i = 0; i < overrides->count; i++) {
        if (!may_be_file(overrides->list[i].name))
            continue;
        if (overrides->list[i].level < target->level)
            target->level = overrides->list[i].level;
        *files = (beamc_log_files){ overrides, general };
        target->files = files;
    }
}

beamc_log_level beamc__log_level_of_file(const beamc_log_files *files, const char *file)
{
    const beamc_log_override *found = find(files->overrides, file, is_end_of);

    return found == NULL ? files->others : found->level;
}
