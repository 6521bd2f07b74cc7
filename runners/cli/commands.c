/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, and finding one by what was typed. */
#include "commands.h"

#include "sdk/base/nearest.h"
#include <string.h>

const beamc__command *const beamc__commands[] = {
    &beamc__command_jobs_list,  &beamc__command_jobs_show,    &beamc__command_jobs_watch,
    &beamc__command_jobs_logs,  &beamc__command_jobs_metrics, &beamc__command_jobs_cancel,
    &beamc__command_jobs_drain, &beamc__command_graph,        &beamc__command_doctor,
    &beamc__command_image,      &beamc__command_worker_pool,
};

const size_t beamc__command_count = sizeof(beamc__commands) / sizeof(beamc__commands[0]);

enum { NAME_SIZE = BEAMC__NEAREST_SIZE };

/* Whether @name is what the first words say; *@used: how many. */
static bool is_named(const char *name, int count, const char *const *words, int *used)
{
    for (int i = 0; i < count; i++) {
        size_t size = strcspn(name, " ");
        if (strlen(words[i]) != size || strncmp(words[i], name, size) != 0)
            return false;
        *used = i + 1;
        if (name[size] == '\0')
            return true;
        name += size + 1;
    }
    return false;
}

const beamc__command *beamc__command_find(int count, const char *const *words, int *used)
{
    for (size_t i = 0; i < beamc__command_count; i++)
        if (is_named(beamc__commands[i]->name, count, words, used))
            return beamc__commands[i];
    return NULL;
}

bool beamc__command_is_group(const char *word)
{
    size_t size = strlen(word);

    for (size_t i = 0; i < beamc__command_count; i++) {
        const char *name = beamc__commands[i]->name;
        if (strncmp(name, word, size) == 0 && name[size] == ' ')
            return true;
    }
    return false;
}

/* How near commands are to some of what was typed. */
typedef struct {
    beamc__nearest nearest;
    const char *name; /* of the nearest; NULL: none is near */
} candidate;

static void try_name(candidate *best, const char *part, const char *name)
{
    const char *before = best->nearest.found;

    beamc__nearest_try(&best->nearest, part);
    if (best->nearest.found != before)
        best->name = name;
}

const char *beamc__command_nearest(int count, const char *const *words)
{
    char both[NAME_SIZE] = "";
    candidate one = { .name = NULL }, two = { .name = NULL };

    if (count == 0)
        return NULL;
    if (count > 1 && words[1][0] != '-')
        snprintf(both, sizeof(both), "%s %s", words[0], words[1]);
    beamc__nearest_init(&one.nearest, words[0]);
    beamc__nearest_init(&two.nearest, both);
    for (size_t i = 0; i < beamc__command_count; i++) {
        const char *name = beamc__commands[i]->name;
        const char *blank = strchr(name, ' ');
        if (blank != NULL)
            try_name(&two, name, name);
        /* "list" is "jobs list" to who forgets the first word. */
        try_name(&one, blank == NULL ? name : blank + 1, name);
    }
    if (two.name != NULL && (one.name == NULL || two.nearest.distance <= one.nearest.distance))
        return two.name;
    return one.name;
}
