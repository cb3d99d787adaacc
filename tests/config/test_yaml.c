/* YAML: places of keys and values, what scalars mean, and hostile files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "config/yaml.h"

static void test_places(void **state)
{
    static const char text[] =
        "# first line\nseed: 42\n\"quoted key\":   'x y'\nlist:\n  - 1\n  - two\nflow: [a, 'b']\nnone:\n";
    struct rt_yaml yaml;
    const struct rt_yaml_entry *entry;

    (void)state;
    assert_int_equal(rt_yaml_parse(&yaml, "f", text, sizeof text - 1, NULL), RT_OK);
    assert_int_equal(yaml.count, 5);
    entry = rt_yaml_find(&yaml, "seed");
    assert_int_equal(entry->key.line, 2);
    assert_int_equal(entry->column, 7);
    assert_true(entry->values[0].plain);
    entry = rt_yaml_find(&yaml, "quoted key");
    assert_string_equal(entry->values[0].text, "x y");
    assert_false(entry->values[0].plain);
    assert_int_equal(entry->values[0].column, 17);
    entry = rt_yaml_find(&yaml, "list");
    assert_true(entry->list && entry->value_count == 2);
    assert_int_equal(entry->values[1].line, 6);
    assert_int_equal(entry->values[1].column, 5);
    entry = rt_yaml_find(&yaml, "flow");
    assert_false(entry->values[1].plain);
    assert_int_equal(rt_yaml_kind(&rt_yaml_find(&yaml, "none")->values[0]), RT_YAML_NULL);
    assert_null(rt_yaml_find(&yaml, "see"));
    rt_yaml_free(&yaml);
}

/* A byte order mark, as editors of other systems write it, is no part of the first key. */
static void test_mark(void **state)
{
    static const char text[] = "\xef\xbb\xbf"
                               "seed: 42\nbatch_size: 7\n";
    struct rt_yaml yaml;

    (void)state;
    assert_int_equal(rt_yaml_parse(&yaml, "f", text, sizeof text - 1, NULL), RT_OK);
    assert_int_equal(yaml.count, 2);
    assert_string_equal(yaml.entries[0].key.text, "seed");
    assert_int_equal(yaml.entries[0].key.column, 1);
    assert_int_equal(yaml.entries[1].key.line, 2);
    rt_yaml_free(&yaml);
    assert_int_equal(rt_yaml_parse(&yaml, "f", text, 3, NULL), RT_OK);
    assert_int_equal(yaml.count, 0);
    rt_yaml_free(&yaml);
}

static void test_kinds(void **state)
{
    static const struct {
        const char *text;
        enum rt_yaml_kind kind;
    } rows[] = {
        {"", RT_YAML_NULL},
        {"~", RT_YAML_NULL},
        {"null", RT_YAML_NULL},
        {"nULL", RT_YAML_TEXT},
        {"true", RT_YAML_BOOL},
        {"False", RT_YAML_BOOL},
        {"yes", RT_YAML_TEXT},
        {"true True", RT_YAML_TEXT},
        {"0", RT_YAML_INTEGER},
        {"-12", RT_YAML_INTEGER},
        {"+3", RT_YAML_INTEGER},
        {"-", RT_YAML_TEXT},
        {"010", RT_YAML_TEXT}, /* octal to some */
        {"0x10", RT_YAML_TEXT},
        {"1_000", RT_YAML_TEXT},
        {"1:30", RT_YAML_TEXT}, /* sixty-based to some */
        {"99999999999999999999", RT_YAML_INTEGER},
        {"0.5", RT_YAML_REAL},
        {".5", RT_YAML_REAL},
        {"5.", RT_YAML_REAL},
        {".", RT_YAML_TEXT},
        {"1e-3", RT_YAML_REAL}, /* text to YAML 1.1 (PyYAML), but no other number to anybody */
        {"1e-2", RT_YAML_REAL},
        {"1e3", RT_YAML_REAL},
        {"1.5E+3", RT_YAML_REAL},
        {"1e", RT_YAML_TEXT},
        {"e5", RT_YAML_TEXT},
        {"1.5.2", RT_YAML_TEXT},
        {".inf", RT_YAML_REAL},
        {"-.INF", RT_YAML_REAL},
        {".nan", RT_YAML_REAL},
        {"inf", RT_YAML_TEXT},
        {"nan", RT_YAML_TEXT},
        {"1.inf", RT_YAML_TEXT},
        {".iNf", RT_YAML_TEXT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[32];
        struct rt_yaml_scalar scalar = {.text = text, .plain = true};

        snprintf(text, sizeof text, "%s", rows[i].text);
        if (rt_yaml_kind(&scalar) != rows[i].kind)
            fail_msg("'%s' is %d, expected %d", text, rt_yaml_kind(&scalar), rows[i].kind);
        scalar.plain = false;
        assert_int_equal(rt_yaml_kind(&scalar), RT_YAML_TEXT);
    }
}

struct hostile_row {
    const char *edge, *text, *message;
    size_t size; /* 0: strlen */
};

static const struct hostile_row hostile[] = {
    {"an anchor on a value", "seed: &a 42\n", "f:1:7: anchors are not used", 0},
    {"an alias", "a: 1\nb: *a\n", "f:2:4: aliases are not used", 0},
    {"a bomb of anchors", "a: &a [x, x]\nb: &b [*a, *a]\n", "f:1:4: anchors and tags are not used", 0},
    {"an anchor on the whole", "&a\nseed: 1\n", "f:1:1: anchors and tags are not used", 0},
    {"a tag", "seed: !!int 42\n", "f:1:7: tags are not used", 0},
    {"a tag that builds objects in other readers", "seed: !!python/object/apply:os.system [ls]\n",
     "f:1:7: anchors and tags are not used", 0},
    {"keys in a value", "seed:\n  low: 1\n", "f:2:3: a value cannot have keys", 0},
    {"keys in a list", "list: [{a: 1}]\n", "f:1:8: a value cannot have keys", 0},
    {"a list in a list", "list: [[1]]\n", "f:1:8: a list is not expected here", 0},
    {"a list as a key", "? [a]\n: 1\n", "f:1:3: a list is not expected here", 0},
    {"a mapping as a key", "? {a: 1}\n: 1\n", "f:1:3: a key must be a word", 0},
    {"a list as the whole", "- seed\n", "f:1:1: expected lines 'key: value', found a list", 0},
    {"a word as the whole", "seed\n", "f:1:1: expected lines 'key: value'", 0},
    {"a merge key", "<<: {a: 1}\n", "f:1:5: a value cannot have keys", 0},
    {"a key twice", "seed: 1\nlr: 2\nseed: 3\n", "f:3:1: 'seed' is given twice (first in line 1)", 0},
    {"a second document", "seed: 1\n---\nseed: 2\n", "f:2:1: a second document begins", 0},
    {"tabs as indentation", "a:\n\t- 1\n", "f:2:1: not valid YAML", 0},
    {"a quote left open", "a: \"xyz\n", "not valid YAML", 0},
    {"a bracket left open", "a: [1, 2\n", "f:2:1: not valid YAML", 0},
    {"no colon", "seed: 1\nlr\n", "f:3:1: not valid YAML: could not find expected ':'", 0},
    {"a raw NUL", "a: x\0y\n", "f:1:5: not valid YAML: control characters are not allowed", 7},
    {"an escaped NUL", "a: \"x\\0y\"\n", "f:1:4: the text contains a NUL character", 0},
    {"a control character", "seed: 1\na: \x1b[31m\n", "f:2:4: not valid YAML: control characters", 0},
    {"not UTF-8", "seed: 1\nlr: \xff\n", "f:2:5: not valid YAML: invalid leading UTF-8 octet", 0},
    {"UTF-16",
     "\xff\xfe"
     "a\0:\0 \0"
     "1\0",
     "f:1:1: not valid YAML", 10},
    {"an overlong form", "a: \xc0\xaf\n", "f:1:4: not valid YAML", 0},
    {"a directive for another YAML", "%YAML 3.0\n---\na: 1\n",
     "not valid YAML: found incompatible YAML document", 0},
};

static void test_hostile(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        const struct hostile_row *const row = &hostile[i];
        struct rt_yaml yaml;
        struct rt_error err = {0};
        const int rc = rt_yaml_parse(&yaml, "f", row->text, row->size ? row->size : strlen(row->text), &err);

        rt_yaml_free(&yaml);
        if (rc != RT_ECONFIG || !strstr(err.message, row->message))
            fail_msg("%s: %d '%s'", row->edge, rc, err.message);
    }
}

/* `count` times the text, behind `start`. */
static int parse_repeated(const char *start, const char *repeated, int count, struct rt_error *err)
{
    struct rt_text text = {0};
    struct rt_yaml yaml;
    int rc;

    rt_text_append(&text, start);
    for (int i = 0; i < count; i++)
        rt_text_printf(&text, repeated, i);
    assert_int_equal(rt_text_check(&text, NULL), RT_OK);
    rc = rt_yaml_parse(&yaml, "f", rt_text_string(&text), text.length, err);
    rt_yaml_free(&yaml);
    rt_text_free(&text);
    return rc;
}

static void test_sizes(void **state)
{
    struct rt_error err = {0};

    (void)state;
    assert_int_equal(parse_repeated("a: ", "[", 500000, &err), RT_ECONFIG); /* deep, at once */
    assert_int_equal(parse_repeated("", "{a: ", 200000, &err), RT_ECONFIG);
    assert_int_equal(parse_repeated("", "k%d: 1\n", RT_YAML_KEYS_MAX, &err), RT_OK);
    assert_int_equal(parse_repeated("", "k%d: 1\n", RT_YAML_KEYS_MAX + 1, &err), RT_ECONFIG);
    assert_string_equal(err.message, "f:257:1: too many keys");
    assert_int_equal(parse_repeated("a:\n", "- %d\n", RT_YAML_ITEMS_MAX, &err), RT_OK);
    assert_int_equal(parse_repeated("a:\n", "- %d\n", RT_YAML_ITEMS_MAX + 1, &err), RT_ECONFIG);
    assert_int_equal(parse_repeated("a: 1\n", "# long comment %d\n", 60000, &err), RT_ECONFIG); /* over 1 MiB */
    assert_non_null(strstr(err.message, "not a config"));
}

static void test_memory_fails(void **state)
{
    static const char text[] = "seed: 1\nlist: [a, b, c]\nlr: 0.5\n";
    int k, rc = RT_EMEMORY;

    (void)state;
    for (k = 1; rc && k < 100; k++) {
        struct rt_yaml yaml;

        rt_alloc_fail_at((uint64_t)k);
        rc = rt_yaml_parse(&yaml, "f", text, sizeof text - 1, NULL);
        rt_alloc_fail_at(0);
        rt_yaml_free(&yaml);
        assert_true(!rc || rc == RT_EMEMORY);
    }
    assert_true(k > 8 && !rc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),  cmocka_unit_test(test_mark),  cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_sizes), cmocka_unit_test(test_memory_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
