/* SPDX-License-Identifier: Apache-2.0 */
/* The test program: runs the suites of suites.def, or those named as arguments.
 *
 *     run_tests                all
 *     run_tests arena table    these
 *     run_tests --list         their names, one per line */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A build of a few rooms has only their suites; else one that is missing fails the link. */
#ifdef SOME_ROOMS
#define SUITE(name) __attribute__((weak)) Suite *suite_##name(void);
#else
#define SUITE(name) Suite *suite_##name(void);
#endif
#include "suites.def"
#undef SUITE

typedef struct {
    const char *name;
    Suite *(*make)(void);
} suite_entry;

static const suite_entry suites[] = {
#define SUITE(name) { #name, suite_##name },
#include "suites.def"
#undef SUITE
    { NULL, NULL },
};

static const suite_entry *find_suite(const char *name)
{
    for (const suite_entry *entry = suites; entry->name != NULL; entry++)
        if (entry->make != NULL && strcmp(entry->name, name) == 0)
            return entry;
    return NULL;
}

static void list_suites(void)
{
    for (const suite_entry *entry = suites; entry->name != NULL; entry++)
        if (entry->make != NULL)
            puts(entry->name);
}

static int add_named(SRunner *runner, int count, char **names)
{
    for (int i = 0; i < count; i++) {
        const suite_entry *entry = find_suite(names[i]);
        if (entry == NULL) {
            fprintf(stderr, "run_tests: no suite is named %s\n", names[i]);
            return -1;
        }
        srunner_add_suite(runner, entry->make());
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        list_suites();
        return EXIT_SUCCESS;
    }

    SRunner *runner = srunner_create(NULL);
    if (add_named(runner, argc - 1, argv + 1) < 0) {
        srunner_free(runner);
        return EXIT_FAILURE;
    }
    if (argc == 1)
        for (const suite_entry *entry = suites; entry->name != NULL; entry++)
            if (entry->make != NULL)
                srunner_add_suite(runner, entry->make());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
