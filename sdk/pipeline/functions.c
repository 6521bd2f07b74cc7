/* SPDX-License-Identifier: Apache-2.0 */
/* The linker gathers what BEAMC_REGISTER writes, one array for each program or shared library.  The
 * library's own is found by hidden symbols: in libbeamc.so these are the library's, in a program
 * linked with libbeamc.a they are the program's array, which then holds both. */
#include "sdk/pipeline/functions.h"
#include "sdk/base/table.h"

typedef const beamc_function *const function_slot;

extern function_slot __start_beamc_functions[] __attribute__((weak, visibility("hidden")));
extern function_slot __stop_beamc_functions[] __attribute__((weak, visibility("hidden")));

typedef struct {
    const beamc_function *const *at;
    size_t count;
} function_list;

static function_list own_functions(void)
{
    function_list own = { __start_beamc_functions,
                          (size_t)(__stop_beamc_functions - __start_beamc_functions) };
    return own;
}

static const beamc_function *find_in(function_list list, beamc_function_kind kind, const char *name)
{
    for (size_t i = 0; i < list.count; i++)
        if (list.at[i]->kind == kind && strcmp(list.at[i]->name, name) == 0)
            return list.at[i];
    return NULL;
}

static bool is_in(function_list list, const beamc_function *function)
{
    for (size_t i = 0; i < list.count; i++)
        if (list.at[i] == function)
            return true;
    return false;
}

const beamc_function *beamc__function_find(const beamc_function *const *functions, size_t count,
                                           beamc_function_kind kind, const char *name)
{
    function_list given = { functions, count };
    const beamc_function *found = find_in(given, kind, name);

    return found != NULL ? found : find_in(own_functions(), kind, name);
}

bool beamc__function_is_known(const beamc_function *const *functions, size_t count,
                              const beamc_function *function)
{
    function_list given = { functions, count };

    return is_in(given, function) || is_in(own_functions(), function);
}

const char *beamc__function_kind_name(beamc_function_kind kind)
{
    return kind == BEAMC_FUNCTION_COMBINE ? "CombineFn" : "DoFn";
}

/* Adds the names of @list to @dofns and @combines; the same table twice is no harm. */
static beamc_error *check_list(function_list list, beamc__table *dofns, beamc__table *combines)
{
    for (size_t i = 0; i < list.count; i++) {
        const beamc_function *function = list.at[i];
        if (function == NULL || function->name == NULL || function->name[0] == '\0')
            return beamc_error_new(BEAMC_EINVAL, "a registered function has no name");
        if (function->kind != BEAMC_FUNCTION_DOFN && function->kind != BEAMC_FUNCTION_COMBINE)
            return beamc_error_new(BEAMC_EINVAL, "registered function %s is of kind %d",
                                   function->name, (int)function->kind);
        beamc__table *seen = function->kind == BEAMC_FUNCTION_DOFN ? dofns : combines;
        const void *before = beamc__table_gets(seen, function->name);
        if (before != NULL && before != function)
            return beamc_error_new(BEAMC_EEXIST, "the program has two %ss named %s",
                                   beamc__function_kind_name(function->kind), function->name);
        if (beamc__table_puts(seen, function->name, (void *)function) < 0)
            return beamc_error_nomem();
    }
    return NULL;
}

beamc_error *beamc__functions_check(const beamc_function *const *functions, size_t count)
{
    function_list given = { functions, count };
    beamc__table *dofns = beamc__table_new();
    beamc__table *combines = beamc__table_new();
    beamc_error *err = NULL;

    if (dofns == NULL || combines == NULL)
        err = beamc_error_nomem();
    else if ((err = check_list(own_functions(), dofns, combines)) == NULL)
        err = check_list(given, dofns, combines);
    beamc__table_free(dofns);
    beamc__table_free(combines);
    return err;
}
