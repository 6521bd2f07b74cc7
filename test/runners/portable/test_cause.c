/* SPDX-License-Identifier: Apache-2.0 */
/* The one line of a runner's report that says what is wrong. */
#include "runners/portable/cause.h"
#include <check.h>
#include <string.h>

static const struct {
    const char *text;
    const char *cause;
} reports[] = {
    { "", "" },
    { "\n  plain words \r\nmore of them", "plain words" },
    { "java.lang.IllegalStateException: no slots\n\tat a.B.c(B.java:1)", "no slots" },
    { "java.lang.NullPointerException\n\tat a.B.c(B.java:1)", "java.lang.NullPointerException" },
    { "no.such.file: left alone", "no.such.file: left alone" },
    { "self.address: localhost:1", "self.address: localhost:1" },
    { "File: left alone", "File: left alone" },
    { "java.lang.RuntimeException: outer\n\tat a.B.c(B.java:1)\nCaused by: a.b.C$D: middle\n"
      "\tat a.B.d(B.java:2)\nCaused by: java.io.IOException: e.F: inner\n\tat a.B.e(B.java:3)\n",
      "inner" },
    { "java.util.concurrent.ExecutionException: java.lang.RuntimeException: Error received from "
      "SDK "
      "harness for instruction 12: transform A: element 3: bad\n\tat a.B.c(B.java:1)\n"
      "Caused by: java.lang.RuntimeException: something else\n",
      "transform A: element 3: bad" },
    { "bundle inst002 stage-002 failed:transform slow: element 3: bad",
      "transform slow: element 3: bad" },
    { "bundle inst002 stage-002 failed:transform A: element 3: segmentation fault (SIGSEGV) at "
      "address 0x0 in f+0x17 (p+0x47)\n  #0 f+0x17 (p+0x47)\n  #1 main+0x1 (p+0x2)\n",
      "transform A: element 3: segmentation fault (SIGSEGV) at address 0x0 in f+0x17 (p+0x47)" },
    { "java.lang.RuntimeException: Error received from SDK harness for instruction 4: transform A: "
      "setup: aborted (SIGABRT) in f+0x17 (p+0x47)\n  #0 f+0x17 (p+0x47)\n\tat a.B.c(B.java:1)",
      "transform A: setup: aborted (SIGABRT) in f+0x17 (p+0x47)" },
    { "Traceback (most recent call last):\n  File \"a.py\", line 1, in b\n    c[d]\n    ~^^^\n"
      "KeyError: 'e'\n\n",
      "KeyError: 'e'" },
    { "bundle of joy", "bundle of joy" },
};

START_TEST(the_cause_is_one_line)
{
    char out[256];

    beamc__cause_of(reports[_i].text, out, sizeof(out));
    ck_assert_str_eq(out, reports[_i].cause);
}
END_TEST

START_TEST(a_long_cause_is_cut)
{
    char out[6];

    beamc__cause_of("java.io.IOException: 123456789", out, sizeof(out));
    ck_assert_str_eq(out, "12345");
}
END_TEST

START_TEST(every_beginning_of_a_report_is_read)
{
    char text[512], out[64];

    for (size_t i = 0; i < sizeof(reports) / sizeof(*reports); i++) {
        for (size_t size = 0; size < strlen(reports[i].text); size++) {
            memcpy(text, reports[i].text, size);
            text[size] = '\0';
            beamc__cause_of(text, out, sizeof(out));
            ck_assert_ptr_null(strchr(out, '\n'));
        }
    }
}
END_TEST

Suite *suite_cause(void)
{
    Suite *suite = suite_create("cause");
    TCase *tc = tcase_create("cause");

    tcase_add_loop_test(tc, the_cause_is_one_line, 0, sizeof(reports) / sizeof(*reports));
    tcase_add_test(tc, a_long_cause_is_cut);
    tcase_add_test(tc, every_beginning_of_a_report_is_read);
    suite_add_tcase(suite, tc);
    return suite;
}
