/* JSON: faults named with their place, typed values, what is written reads back the same. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "support/scratch.h"

static struct rt_json *parse(const char *text)
{
    struct rt_json *root = NULL;

    assert_int_equal(rt_json_parse(&root, "test", text, strlen(text), NULL), RT_OK);
    return root;
}

static void test_refused(void **state)
{
    static const struct {
        const char *edge, *text, *message;
    } rows[] = {
        {"a key twice", "{\"a\": 1,\n \"a\": 2}", "t.json:2:4: not valid JSON: duplicate object key"},
        {"cut short", "{\"a\": [1, 2", "t.json:1:11: not valid JSON: ']' expected near end of file"},
        {"nothing", "", "t.json:1:0: not valid JSON"},
        {"more behind", "{} {}", "end of file expected"},
        {"an integer beyond 64 bits", "{\"a\": 99999999999999999999}", "too big integer"},
        {"a real beyond double", "{\"a\": 1e999}", "real number overflow"},
        {"not a number", "{\"a\": NaN}", "invalid token"},
        {"a NUL in a text", "{\"a\": \"x\\u0000y\"}", "\\u0000 is not allowed"},
        {"not UTF-8", "{\"a\": \"\xff\"}", "unable to decode byte 0xff"},
        {"a lone surrogate", "{\"a\": \"\\ud800\"}", "invalid Unicode"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_json *root = NULL;
        struct rt_error err = {0};

        if (rt_json_parse(&root, "t.json", rows[i].text, strlen(rows[i].text), &err) != RT_EDATA || root ||
            !strstr(err.message, rows[i].message))
            fail_msg("%s: %s", rows[i].edge, err.message);
    }
}

static void test_too_deep(void **state)
{
    struct rt_json *root = NULL;
    static char text[100001];

    (void)state;
    memset(text, '[', sizeof text - 1);
    assert_int_equal(rt_json_parse(&root, "deep", text, sizeof text - 1, NULL), RT_EDATA);
    assert_null(root);
}

static char *repeated(const char *begin, const char *item, size_t count)
{
    const size_t length = strlen(item);
    char *text = malloc(strlen(begin) + count * length + 2), *end;

    assert_non_null(text);
    end = stpcpy(text, begin);
    for (size_t i = 0; i < count; i++)
        end = stpcpy(end, item);
    strcpy(end - 1, "]"); /* over the last comma */
    return text;
}

/* Memory goes with the size of the text: small values without end are refused before they have taken it all,
 * and what services and this program write is not. */
static void test_memory_in_proportion(void **state)
{
    static const struct {
        const char *edge, *item;
        size_t count;
        bool taken;
    } rows[] = {
        {"empty objects", "{},", 1000000, false},
        {"empty arrays", "[],", 1000000, false},
        {"objects of one", "{\"\":0},", 400000, false},
        {"a few are fine", "{},", 200, true},
        {"MLflow's parameters", "{\"key\":\"batch_size\",\"value\":\"128\"},", 20000, true},
        {"Comet's metrics", "{\"metricName\":\"loss\",\"metricValue\":\"0.5\",\"step\":1,\"epoch\":1},", 20000,
         true},
        {"a tensor's row", "{\"dtype\":\"F32\",\"shape\":[64,3,5,5],\"data_offsets\":[0,19200]},", 20000, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = repeated("[", rows[i].item, rows[i].count);
        const size_t before = rt_peak_memory_bytes(), size = strlen(text);
        struct rt_json *root = NULL;
        struct rt_error err = {0};
        const int rc = rt_json_parse(&root, "many", text, size, &err);

        if (rc != (rows[i].taken ? RT_OK : RT_EDATA) || (rc && !strstr(err.message, "memory")))
            fail_msg("%s: %d %s", rows[i].edge, rc, err.message);
        if (rt_peak_memory_bytes() - before > 40 * size + ((size_t)8 << 20)) /* allocators round up */
            fail_msg("%s: %zu bytes took %zu", rows[i].edge, size, rt_peak_memory_bytes() - before);
        rt_json_free(&root);
        free(text);
    }
}

static void test_typed(void **state)
{
    struct rt_json *root =
        parse("{\"i\": 7, \"r\": 0.5, \"t\": \"x\", \"b\": true, \"n\": null, \"in\": {\"er\": [1, 2]}, "
              "\"a/b\": 3}");
    struct rt_error err = {0};
    int64_t integer = 0;
    double number = 0;
    bool flag = false;
    const char *text = NULL;

    (void)state;
    assert_int_equal(rt_json_get_integer(root, "f", "i", &integer, &err), RT_OK);
    assert_int_equal(integer, 7);
    assert_int_equal(rt_json_get_number(root, "f", "i", &number, &err), RT_OK); /* a whole number is a number */
    assert_true(number == 7);
    assert_int_equal(rt_json_get_number(root, "f", "n", &number, &err), RT_OK);
    assert_true(isnan(number));
    assert_int_equal(rt_json_get_bool(root, "f", "b", &flag, &err), RT_OK);
    assert_int_equal(rt_json_get_text(root, "f", "t", &text, &err), RT_OK);
    assert_string_equal(text, "x");
    assert_int_equal(rt_json_get_integer(root, "f", "in/er/1", &integer, &err), RT_OK);
    assert_int_equal(integer, 2);
    assert_non_null(rt_json_member(root, "a/b"));
    assert_true(rt_json_has(root, "in/er"));
    assert_false(rt_json_has(root, "n"));
    assert_false(rt_json_has(root, "in/er/2"));
    assert_false(rt_json_has(root, "in/er/x"));
    assert_false(rt_json_has(root, "t/x")); /* into a text */

    assert_int_equal(rt_json_get_integer(root, "f.json", "r", &integer, &err), RT_EDATA);
    assert_string_equal(err.message, "f.json: r is a real number, expected a whole number");
    assert_int_equal(rt_json_get_text(root, "f.json", "in/er", &text, &err), RT_EDATA);
    assert_string_equal(err.message, "f.json: in/er is an array, expected a text");
    assert_int_equal(rt_json_get_number(root, "f.json", "none", &number, &err),
                     RT_EDATA); /* null is not missing */
    assert_string_equal(err.message, "f.json: none is missing, expected a number");
    rt_json_free(&root);
    assert_null(root);
}

static int build(struct rt_json *root, struct rt_error *err)
{
    struct rt_json *list = NULL;
    int rc;

    if ((rc = rt_json_set_integer(root, "z", -3, err)) || (rc = rt_json_set_number(root, "a", 0.1, err)) ||
        (rc = rt_json_set_number(root, "nan", (double)NAN, err)) ||
        (rc = rt_json_set_bool(root, "b", false, err)) ||
        (rc = rt_json_set_text(root, "t", "q\"\n\xc3\xa9", err)) || (rc = rt_json_array(&list, err)) ||
        (rc = rt_json_append_number(list, 2, err)) || (rc = rt_json_append_text(list, "x", err)) ||
        (rc = rt_json_set(root, "list", &list, err)) || (rc = rt_json_object(&list, err)) ||
        (rc = rt_json_set(root, "empty", &list, err)))
        rt_json_free(&list);
    return rc;
}

static void test_written(void **state)
{
    struct rt_json *root = NULL, *again;
    char *line = NULL, *pretty = NULL;

    (void)state;
    assert_int_equal(rt_json_object(&root, NULL), RT_OK);
    assert_int_equal(build(root, NULL), RT_OK);
    assert_int_equal(rt_json_format(root, false, &line, NULL), RT_OK);
    assert_string_equal(line,
                        "{\"z\":-3,\"a\":0.1,\"nan\":null,\"b\":false,\"t\":\"q\\\"\\n\xc3\xa9\",\"list\":[2.0,"
                        "\"x\"],\"empty\":{}}");
    assert_int_equal(rt_json_format(root, true, &pretty, NULL), RT_OK);
    assert_memory_equal(pretty, "{\n  \"z\": -3,\n  \"a\": 0.1,\n", 25);
    assert_int_equal(pretty[strlen(pretty) - 1], '\n');
    again = parse(pretty);
    rt_free(&pretty);
    assert_int_equal(rt_json_format(again, false, &pretty, NULL), RT_OK);
    assert_string_equal(pretty, line); /* the same order and values */
    rt_free(&pretty);
    rt_free(&line);
    rt_json_free(&again);
    rt_json_free(&root);
}

static void test_bad_text(void **state)
{
    struct rt_json *root = NULL;

    (void)state;
    assert_int_equal(rt_json_object(&root, NULL), RT_OK);
    assert_int_equal(rt_json_set_text(root, "t", "\xff", NULL), RT_EDATA);
    assert_int_equal(rt_json_set_integer(root, "\xff", 1, NULL), RT_EDATA);
    assert_int_equal(rt_json_set_text(root, "t", NULL, NULL), RT_OK);
    assert_int_equal(rt_json_count(root), 1);
    rt_json_free(&root);
}

/* Each allocation of parsing, building and formatting fails in turn: an error, and nothing leaks (sanitizers).
 */
static void test_memory_fails(void **state)
{
    static const char text[] = "{\"a\": [1, 2.5, \"x\"], \"b\": {\"c\": null}}";
    int k, rc = RT_EMEMORY;

    (void)state;
    for (k = 1; rc && k < 1000; k++) {
        struct rt_json *root = NULL;
        struct rt_error err = {0};
        char *line = NULL;

        rt_alloc_fail_at((uint64_t)k);
        rc = rt_json_parse(&root, "t", text, sizeof text - 1, &err);
        if (!rc)
            rc = build(root, NULL);
        if (!rc)
            rc = rt_json_format(root, true, &line, NULL);
        rt_alloc_fail_at(0);
        if (rc && rc != RT_EMEMORY)
            fail_msg("allocation %d: %d %s", k, rc, err.message);
        rt_free(&line);
        rt_json_free(&root);
    }
    assert_true(k > 20 && !rc);
}

static void test_files(void **state)
{
    const char *const path = in_scratch(state, "r.json");
    struct rt_json *root = parse("{\"a\": [1, {\"b\": 0.25}]}"), *again = NULL;
    struct rt_error err = {0};

    assert_int_equal(rt_json_write(root, path, NULL), RT_OK);
    assert_int_equal(rt_json_read(&again, path, 1000, NULL), RT_OK);
    assert_int_equal(rt_json_count(again), 1);
    rt_json_free(&again);
    rt_json_free(&root);
    assert_int_equal(rt_file_write_all(path, "{\"a\" 1}", 7, NULL), RT_OK);
    assert_int_equal(rt_json_read(&again, path, 1000, &err), RT_EDATA);
    assert_memory_equal(err.message, path, strlen(path));
    assert_non_null(strstr(err.message, "r.json:1:6: not valid JSON"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_too_deep),
        cmocka_unit_test(test_memory_in_proportion),
        cmocka_unit_test(test_typed),
        cmocka_unit_test(test_written),
        cmocka_unit_test(test_bad_text),
        cmocka_unit_test(test_memory_fails),
        cmocka_unit_test_setup_teardown(test_files, scratch_make, scratch_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
