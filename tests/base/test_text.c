/* Growable text, folding, shortest reals, UTF-8, nearest words. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"

static void test_append(void **state)
{
    struct rt_text text = {0};
    char *string;

    (void)state;
    assert_string_equal(rt_text_string(&text), "");
    for (int i = 0; i < 1000; i++)
        rt_text_printf(&text, "%d,", i);
    assert_int_equal(text.length, 10 * 2 + 90 * 3 + 900 * 4);
    assert_int_equal(strlen(rt_text_string(&text)), text.length);
    assert_int_equal(rt_text_take(&text, &string, NULL), RT_OK);
    assert_memory_equal(string, "0,1,2,", 6);
    assert_null(text.bytes);
    rt_free(&string);
    assert_int_equal(rt_text_take(&text, &string, NULL), RT_OK); /* empty: a string all the same */
    assert_string_equal(string, "");
    rt_free(&string);
}

static void test_failure_sticks(void **state)
{
    struct rt_text text = {0};
    struct rt_error err = {0};
    char *string = NULL;

    (void)state;
    rt_alloc_fail_at(1);
    rt_text_append(&text, "lost");
    rt_alloc_fail_at(0);
    rt_text_append(&text, "also lost");
    assert_int_equal(rt_text_check(&text, &err), RT_EMEMORY);
    assert_int_equal(rt_text_take(&text, &string, &err), RT_EMEMORY);
    assert_null(string);
    rt_text_append(&text, "fresh"); /* taken, so empty and usable again */
    assert_string_equal(rt_text_string(&text), "fresh");
    rt_text_free(&text);
}

static void test_reals(void **state)
{
    static const struct {
        double value;
        const char *written;
    } rows[] = {
        {0.1, "0.1"},
        {0, "0.0"},
        {2, "2.0"},
        {1e-5, "1.0e-05"}, /* YAML 1.1 wants a point */
        {1.25e-7, "1.25e-07"},
        {1e22, "1.0e+22"},
        {-0.95, "-0.95"},
        {0.1 + 0.2, "0.30000000000000004"}, /* 17 digits needed */
        {1.0 / 3, "0.3333333333333333"},    /* 16 are enough */
        {(double)NAN, "nan"},
        {-(double)INFINITY, "-inf"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_text text = {0};

        rt_text_append_real(&text, rows[i].value);
        assert_string_equal(rt_text_string(&text), rows[i].written);
        if (isfinite(rows[i].value))
            assert_true(strtod(rt_text_string(&text), NULL) == rows[i].value);
        rt_text_free(&text);
    }
}

static void test_fold(void **state)
{
    struct rt_text text = {0};

    (void)state;
    rt_text_append_folded(&text, "one two three four\n  kept   as it is, however long\nnext", 2, 11);
    assert_string_equal(rt_text_string(&text),
                        "  one two\n  three\n  four\n    kept   as it is, however long\n  next\n");
    rt_text_free(&text);
}

static void test_utf8(void **state)
{
    static const struct {
        const char *edge, *bytes;
        size_t valid;
    } rows[] = {
        {"ASCII", "abc", 3},
        {"two, three and four bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9},
        {"overlong slash", "\xc0\xaf", 0},
        {"overlong in three bytes", "\xe0\x80\x80", 0},
        {"overlong in four bytes", "\xf0\x80\x80\x80", 0},
        {"surrogate", "a\xed\xa0\x80", 1},
        {"past the last character", "\xf4\x90\x80\x80", 0},
        {"a lone continuation", "ab\x80", 2},
        {"cut short", "ab\xe2\x82", 2},
        {"never a lead", "\xff", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rt_utf8_valid_prefix(rows[i].bytes, strlen(rows[i].bytes)) != rows[i].valid)
            fail_msg("%s", rows[i].edge);
}

/* What a stranger's name may do to a terminal, a line, or what is read beside it. */
static void test_plain(void **state)
{
    static const struct {
        const char *edge, *bytes, *plain;
    } rows[] = {
        {"letters of all lengths", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", NULL},
        {"the first after C1", "\xc2\xa0", NULL},
        {"beside the direction marks", "\xe2\x80\x8d \xe2\x80\xaf \xe2\x81\xa5", NULL},
        {"newline", "a\nb", "a?b"},
        {"tab and DEL", "\t\x7f", "??"},
        {"an escape sequence", "\x1b[31mred\x1b[0m", "?[31mred?[0m"},
        {"the same in C1",
         "\xc2\x9b"
         "31m",
         "??31m"},
        {"no UTF-8", "a\xff\xc3", "a??"},
        {"line separator",
         "a\xe2\x80\xa8"
         "b",
         "a???b"},
        {"right to left",
         "\xe2\x80\xae"
         "cod.exe\xe2\x81\xa9",
         "???cod.exe???"},
        {"overlong newline", "\xc0\x8a", "??"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_text text = {0};

        if (rt_utf8_is_plain(rows[i].bytes) != !rows[i].plain)
            fail_msg("%s: plain or not", rows[i].edge);
        rt_text_append(&text, "\n");
        rt_text_append_plain(&text, rows[i].bytes);
        if (strcmp(rt_text_string(&text) + 1, rows[i].plain ? rows[i].plain : rows[i].bytes))
            fail_msg("%s: '%s'", rows[i].edge, rt_text_string(&text));
        assert_int_equal(*rt_text_string(&text), '\n');
        rt_text_free(&text);
    }
}

static void test_words(void **state)
{
    (void)state;
    assert_true(rt_text_has_word("one two three", "two"));
    assert_true(rt_text_has_word("one two three", "three"));
    assert_false(rt_text_has_word("one two three", "thre"));
    assert_false(rt_text_has_word("one two three", "hree"));
    assert_false(rt_text_has_word("one two three", "one two")); /* not one word */
    assert_false(rt_text_has_word("one", ""));
    assert_true(rt_text_has_word("xtwo two", "two")); /* the first hit is no word */
}

static void test_nearest(void **state)
{
    static const struct {
        const char *word, *found;
    } rows[] = {
        {"batchsize", "batch_size"},
        {"btach_size", "batch_size"}, /* neighbours swapped */
        {"SEED", "seed"},             /* case counts a quarter */
        {"sed", "seed"},
        {"weight", NULL}, /* too far */
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_nearest nearest = {.word = rows[i].word};
        char store[32], hint[64];

        rt_nearest_offer_words(&nearest, "seed momentum batch_size weight_decay", store, sizeof store);
        if (rows[i].found)
            assert_string_equal(rt_nearest_found(&nearest), rows[i].found);
        else
            assert_null(rt_nearest_found(&nearest));
        assert_int_equal(!*rt_nearest_hint(&nearest, hint, sizeof hint), !rows[i].found);
    }
}

static void test_nearest_long_words(void **state)
{
    char word[4096];
    struct rt_nearest nearest = {.word = word};

    (void)state;
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    rt_nearest_offer(&nearest, "x");
    rt_nearest_offer(&nearest, word);
    assert_null(rt_nearest_found(&nearest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_failure_sticks),
        cmocka_unit_test(test_reals),
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_nearest_long_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
