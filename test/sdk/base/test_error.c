/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: chains, printing, codes, and no memory for an error. */
#include "test/alloc.h"
#include <beamc/error.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int code;
    const char *name;
    const char *text;
} codes[] = {
#define X(name, value, text) { value, #name, text },
    BEAMC_CODE_MAP(X)
#undef X
};

enum { CODE_COUNT = sizeof(codes) / sizeof(codes[0]) };

START_TEST(codes_have_names_and_texts)
{
    ck_assert_int_lt(codes[_i].code, 0);
    ck_assert_str_eq(beamc_code_name(codes[_i].code), codes[_i].name);
    ck_assert_str_eq(beamc_code_text(codes[_i].code), codes[_i].text);
    for (int other = 0; other < _i; other++)
        ck_assert_int_ne(codes[other].code, codes[_i].code);
}
END_TEST

START_TEST(other_codes_are_told_apart)
{
    ck_assert_str_eq(beamc_code_name(BEAMC_OK), "OK");
    ck_assert_str_eq(beamc_code_text(BEAMC_OK), "ok");
    ck_assert_str_eq(beamc_code_name(1), "UNKNOWN");
    ck_assert_str_eq(beamc_code_text(-1000), "unknown code");
}
END_TEST

START_TEST(no_error_is_ok)
{
    char out[8];

    ck_assert_int_eq(beamc_error_code(NULL), BEAMC_OK);
    ck_assert_str_eq(beamc_error_message(NULL), "ok");
    ck_assert_ptr_null(beamc_error_cause(NULL));
    ck_assert_ptr_null(beamc_error_wrap(NULL, "transform %s", "Count"));
    ck_assert_uint_eq(beamc_error_print(NULL, out, sizeof(out)), 2);
    ck_assert_str_eq(out, "ok");
    beamc_error_free(NULL);
}
END_TEST

static beamc_error *make_chain(void)
{
    beamc_error *error = beamc_error_new(BEAMC_ESHORT, "varint at byte %d: %s", 3,
                                         beamc_code_text(BEAMC_ESHORT));
    error = beamc_error_wrap(error, "element %d", 41);
    return beamc_error_wrap(error, "transform %s", "Count");
}

static const char chain_text[] = "transform Count: element 41: varint at byte 3: input ends too early";

START_TEST(chains_print_from_the_outside_in)
{
    char out[128];
    beamc_error *error = make_chain();

    ck_assert_int_eq(beamc_error_code(error), BEAMC_ESHORT);
    ck_assert_str_eq(beamc_error_message(error), "transform Count");
    const beamc_error *cause = beamc_error_cause(error);
    ck_assert_str_eq(beamc_error_message(cause), "element 41");
    ck_assert_str_eq(beamc_error_message(beamc_error_cause(cause)),
                     "varint at byte 3: input ends too early");
    ck_assert_ptr_null(beamc_error_cause(beamc_error_cause(cause)));
    ck_assert_uint_eq(beamc_error_print(error, out, sizeof(out)), strlen(chain_text));
    ck_assert_str_eq(out, chain_text);
    beamc_error_free(error);
}
END_TEST

START_TEST(printing_is_cut_at_every_size)
{
    beamc_error *error = make_chain();
    size_t size = (size_t)_i;
    char *out = malloc(size + 1);

    ck_assert_ptr_nonnull(out);
    memset(out, '#', size + 1);
    ck_assert_uint_eq(beamc_error_print(error, out, size), strlen(chain_text));
    ck_assert_int_eq(out[size], '#');
    if (size > 0) {
        size_t length = size - 1 < strlen(chain_text) ? size - 1 : strlen(chain_text);
        ck_assert_uint_eq(strlen(out), length);
        ck_assert_mem_eq(out, chain_text, length);
    }
    free(out);
    beamc_error_free(error);
}
END_TEST

static beamc_error *vnew(beamc_code code, const char *format, ...) BEAMC_PRINTF(2, 3);
static beamc_error *vnew(beamc_code code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    beamc_error *error = beamc_error_vnew(code, format, args);
    va_end(args);
    return error;
}

START_TEST(long_messages_are_kept_whole)
{
    char text[5000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    beamc_error *error = vnew(BEAMC_EINVAL, "%s%d", text, 7);
    ck_assert_uint_eq(strlen(beamc_error_message(error)), sizeof(text));
    ck_assert_int_eq(beamc_error_message(error)[sizeof(text) - 1], '7');
    beamc_error_free(error);
}
END_TEST

static const struct {
    int errnum;
    beamc_code code;
    const char *text;
} system_errors[] = {
    { ENOENT, BEAMC_ENOENT, "opening in.txt: No such file or directory" },
    { EEXIST, BEAMC_EEXIST, "opening in.txt: File exists" },
    { ENOMEM, BEAMC_ENOMEM, "opening in.txt: Cannot allocate memory" },
    { ECANCELED, BEAMC_ECANCELLED, "opening in.txt: Operation canceled" },
    { ENOSPC, BEAMC_EIO, "opening in.txt: No space left on device" },
};

START_TEST(system_errors_name_the_reason)
{
    beamc_error *error = beamc_error_system(system_errors[_i].errnum, "opening %s", "in.txt");

    ck_assert_int_eq(beamc_error_code(error), system_errors[_i].code);
    ck_assert_str_eq(beamc_error_message(error), system_errors[_i].text);
    beamc_error_free(error);
}
END_TEST

START_TEST(no_memory_gives_the_shared_error)
{
    test_alloc_fail_at(0);
    beamc_error *error = beamc_error_new(BEAMC_EINVAL, "some %s", "text");
    test_alloc_fail_at(-1);
    ck_assert_ptr_eq(error, beamc_error_nomem());
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ENOMEM);
    ck_assert_str_eq(beamc_error_message(error), "out of memory");
    beamc_error_free(error);

    /* It can be wrapped, and is still there afterwards. */
    error = beamc_error_wrap(beamc_error_nomem(), "element 3");
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ENOMEM);
    ck_assert_ptr_eq(beamc_error_cause(error), beamc_error_nomem());
    beamc_error_free(error);
    ck_assert_ptr_null(beamc_error_cause(beamc_error_nomem()));
}
END_TEST

START_TEST(no_memory_for_context_keeps_the_cause)
{
    beamc_error *cause = beamc_error_new(BEAMC_ECORRUPT, "bad byte 255");

    test_alloc_fail_at(0);
    beamc_error *error = beamc_error_wrap(cause, "element 3");
    test_alloc_fail_at(-1);
    ck_assert_ptr_eq(error, cause);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ECORRUPT);
    beamc_error_free(error);
}
END_TEST

START_TEST(deep_chains_are_freed_without_recursion)
{
    beamc_error *error = beamc_error_new(BEAMC_EUSER, "innermost");

    for (int i = 0; i < 200000; i++)
        error = beamc_error_wrap(error, "level %d", i);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_EUSER);
    beamc_error_free(error);
}
END_TEST

static int tries;

static beamc_error *count_and_pass(beamc_error *error)
{
    tries++;
    return error;
}

static beamc_error *try_both(beamc_error *first, beamc_error *second)
{
    BEAMC_TRY(count_and_pass(first));
    BEAMC_TRY(count_and_pass(second));
    return NULL;
}

START_TEST(try_returns_the_first_error)
{
    ck_assert_ptr_null(try_both(NULL, NULL));
    ck_assert_int_eq(tries, 2);
    ck_assert_ptr_eq(try_both(beamc_error_nomem(), NULL), beamc_error_nomem());
    ck_assert_int_eq(tries, 3);
}
END_TEST

Suite *suite_error(void)
{
    Suite *suite = suite_create("error");
    TCase *tc = tcase_create("error");

    tcase_add_loop_test(tc, codes_have_names_and_texts, 0, CODE_COUNT);
    tcase_add_test(tc, other_codes_are_told_apart);
    tcase_add_test(tc, no_error_is_ok);
    tcase_add_test(tc, chains_print_from_the_outside_in);
    tcase_add_loop_test(tc, printing_is_cut_at_every_size, 0, sizeof(chain_text) + 2);
    tcase_add_test(tc, long_messages_are_kept_whole);
    tcase_add_loop_test(tc, system_errors_name_the_reason, 0,
                        sizeof(system_errors) / sizeof(system_errors[0]));
    tcase_add_test(tc, no_memory_gives_the_shared_error);
    tcase_add_test(tc, no_memory_for_context_keeps_the_cause);
    tcase_add_test(tc, deep_chains_are_freed_without_recursion);
    tcase_add_test(tc, try_returns_the_first_error);
    suite_add_tcase(suite, tc);
    return suite;
}
