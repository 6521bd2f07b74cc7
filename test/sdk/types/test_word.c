/* SPDX-License-Identifier: Apache-2.0 */
#include <beamc/type.h>

#include <check.h>
#include <ctype.h>
#include <stdlib.h>

/* What a word is, byte by byte. */
static bool is_word_byte(unsigned char c)
{
    return (c < 0x80 && isalpha(c)) || c == '\'' || c >= 0x80;
}

static bool plain_next(beamc_string text, size_t *at, beamc_string *word)
{
    size_t i = *at;
    while (i < text.size && !is_word_byte((unsigned char)text.data[i]))
        i++;
    size_t start = i;
    while (i < text.size && is_word_byte((unsigned char)text.data[i]))
        i++;
    *at = i;
    *word = (beamc_string){ text.data + start, i - start };
    return i > start;
}

static void expect_same_words(beamc_string text)
{
    size_t at = 0;
    beamc_words words = beamc_words_of(text);
    beamc_string word;
    beamc_string expected;
    bool more;
    do {
        more = plain_next(text, &at, &expected);
        ck_assert(beamc_words_next(&words, &word) == more);
        if (more) {
            ck_assert_ptr_eq(word.data, expected.data);
            ck_assert_uint_eq(word.size, expected.size);
        }
    } while (more);
    ck_assert(!beamc_words_next(&words, &word));
}

START_TEST(word_is_letters_apostrophes_and_bytes_beyond_ascii)
{
    beamc_string text = beamc_string_of("  don't stop\t caf\xc3\xa9: 3x,y_z");
    static const char *const expected[] = { "don't", "stop", "caf\xc3\xa9", "x", "y", "z" };
    beamc_words words = beamc_words_of(text);
    beamc_string word;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        ck_assert(beamc_words_next(&words, &word));
        ck_assert(beamc_string_equal(word, beamc_string_of(expected[i])));
    }
    ck_assert(!beamc_words_next(&words, &word));
}
END_TEST

START_TEST(word_classifies_every_byte)
{
    char text[40];
    for (int byte = 0; byte < 256; byte++) {
        for (size_t place = 0; place < sizeof(text); place++) {
            memset(text, ' ', sizeof(text));
            text[place] = (char)byte;
            expect_same_words((beamc_string){ text, sizeof(text) });
        }
    }
}
END_TEST

/* Texts of every length up to several blocks, in memory of exactly that size, of few or of many word
 * bytes, so that words end at and reach over every place of a block. */
START_TEST(word_ends_where_the_text_does)
{
    unsigned seed = 1;
    for (size_t size = 0; size < 300; size++) {
        for (unsigned density = 0; density < 5; density++) {
            char *text = malloc(size == 0 ? 1 : size);
            for (size_t i = 0; i < size; i++) {
                seed = seed * 1103515245 + 12345;
                text[i] = seed >> 16 & 0xff && (seed >> 24) % 64 >= density * density * 4
                              ? (char)('a' + (seed >> 8) % 26)
                              : ' ';
            }
            expect_same_words((beamc_string){ text, size });
            free(text);
        }
    }
}
END_TEST

START_TEST(word_may_be_all_of_the_text)
{
    char text[200];
    memset(text, 'x', sizeof(text));
    for (size_t size = 0; size <= sizeof(text); size++)
        expect_same_words((beamc_string){ text, size });
    memset(text, '.', sizeof(text));
    for (size_t size = 0; size <= sizeof(text); size++)
        expect_same_words((beamc_string){ text, size });
}
END_TEST

Suite *suite_word(void);

Suite *suite_word(void)
{
    Suite *suite = suite_create("word");
    TCase *tc = tcase_create("word");
    tcase_add_test(tc, word_is_letters_apostrophes_and_bytes_beyond_ascii);
    tcase_add_test(tc, word_classifies_every_byte);
    tcase_add_test(tc, word_ends_where_the_text_does);
    tcase_add_test(tc, word_may_be_all_of_the_text);
    suite_add_tcase(suite, tc);
    return suite;
}
