/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

void test_program(char *out, size_t size, const char *name)
{
    const char *directory = getenv("BIN");
    char *path = directory == NULL ? NULL : realpath(directory, NULL);

    ck_assert_msg(path != NULL, "BIN names the directory of the programs");
    snprintf(out, size, "%s/%s", path, name);
    free(path);
}
