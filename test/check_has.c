/* SPDX-License-Identifier: Apache-2.0 */
#include "check_has.h"

#include <check.h>
#include <string.h>

void check_has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in:\n%.6000s", part, text);
}
