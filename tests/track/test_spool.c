/* The spool on disk: what is written is read back, whatever happened to the process or the file in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "support/scratch.h"
#include "track/remote/settings.h"
#include "track/remote/spool.h"

static const char *directory;
static char path[RT_PATH_MAX];

static int forget(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static void write_file(const char *text)
{
    struct rt_error err;

    assert_int_equal(rt_file_write_all(path, text, strlen(text), &err), RT_OK);
}

static void append(const char *to, enum rt_spool_type type, const char *fields)
{
    struct rt_spool spool;
    struct rt_error err;

    assert_int_equal(rt_spool_open(&spool, directory, to, &err), RT_OK);
    assert_int_equal(rt_spool_append(&spool, type, fields, &err), RT_OK);
    rt_spool_close(&spool);
}

/* The numbers of the records of `to` after `after`, as text: "1 2 4". Damaged lines are marks: "!". */
static const char *numbers(const char *to, int64_t after)
{
    static char text[512];
    struct rt_spool_reader reader;
    struct rt_spool_record record = {0};
    struct rt_error err;
    bool got = true;

    *text = '\0';
    assert_int_equal(rt_spool_reader_open(&reader, directory, to, &err), RT_OK);
    while (got) {
        const size_t used = strlen(text);
        const int rc = rt_spool_read(&reader, after, &record, &got, &err);

        if (rc)
            assert_int_equal(rc, RT_EDATA);
        if (rc || got)
            snprintf(text + used, sizeof text - used, rc ? "%s!" : "%s%d", used ? " " : "", (int)record.seq);
        got = got || rc;
    }
    rt_spool_record_free(&record);
    rt_spool_reader_close(&reader);
    return text;
}

#define POINT(step) "{\"step\":" #step "}"

static void test_services_apart(void **state)
{
    (void)state;
    append("a", RT_SPOOL_start, "{}"); /* no fields: no stray comma */
    append("b", RT_SPOOL_start, "{\"resumed\":false}");
    append("a", RT_SPOOL_point, POINT(0));
    append("a", RT_SPOOL_point, POINT(1));
    append("b", RT_SPOOL_point, POINT(0));
    assert_string_equal(numbers("a", 0), "1 2 3");
    assert_string_equal(numbers("b", 0), "1 2"); /* each counts its own */
    assert_string_equal(numbers("a", 2), "3");
    assert_string_equal(numbers("none", 0), "");
}

static void test_resumed(void **state)
{
    (void)state;
    append("a", RT_SPOOL_start, "{\"resumed\":false,\"start_step\":0}");
    append("a", RT_SPOOL_point, POINT(0));
    append("a", RT_SPOOL_point, POINT(1));
    append("a", RT_SPOOL_point, POINT(2));
    append("a", RT_SPOOL_finish, "{}"); /* has no step: never void */
    append("a", RT_SPOOL_start, "{\"resumed\":true,\"start_step\":1}");
    append("a", RT_SPOOL_point, POINT(1));
    append("a", RT_SPOOL_start, "{\"resumed\":true,\"start_step\":2}"); /* voids nothing more */
    append("a", RT_SPOOL_point, POINT(2));
    assert_string_equal(numbers("a", 0), "1 2 5 6 7 8 9");
    append("a", RT_SPOOL_start, "{\"resumed\":false}"); /* anew: nothing before counts */
    append("a", RT_SPOOL_point, POINT(0));
    assert_string_equal(numbers("a", 0), "10 11");
}

static void test_count(void **state)
{
    int64_t points, others;
    struct rt_error err;

    (void)state;
    append("a", RT_SPOOL_start, "{}");
    append("a", RT_SPOOL_point, POINT(0));
    append("a", RT_SPOOL_point, POINT(1));
    append("a", RT_SPOOL_finish, "{}");
    assert_int_equal(rt_spool_count(directory, "a", 2, &points, &others, &err), RT_OK);
    assert_int_equal(points, 1);
    assert_int_equal(others, 1);
    assert_int_equal(rt_spool_count("/nonexistent", "a", 0, &points, &others, &err), RT_EIO);
}

#define LINE(seq) "{\"to\":\"a\",\"seq\":" #seq ",\"at\":1,\"type\":\"point\",\"step\":" #seq "}\n"

static void test_damage(void **state)
{
    static const struct {
        const char *content, *want;
    } rows[] = {
        {"", ""},                                          /* empty */
        {LINE(1) "{\"to\":\"a\",\"se", "1"},               /* the last line was torn */
        {LINE(1) "{\"to\":\"a\",\"se\n" LINE(2), "1 ! 2"}, /* a torn line in the middle */
        {LINE(1) "\n" LINE(2), "1 ! 2"},                   /* an empty one */
        {LINE(1) "[]\n42\nnull\n" LINE(2), "1 ! ! ! 2"},   /* JSON, but no objects */
        {"{\"to\":7}\n" LINE(2), "! 2"},                   /* addressed to a number */
        {"{\"to\":\"a\"}\n" LINE(2), "! 2"},               /* without a number */
        {"{\"to\":\"a\",\"seq\":1,\"at\":1,\"type\":\"party\"}\n" LINE(2), "! 2"}, /* an unknown type */
        {"{\"to\":\"b\",\"type\":\"party\"}\n" LINE(2), "2"}, /* another's damage is not ours */
        {"{\"to\":\"a\",\"seq\":1,\"at\":1,\"type\":\"start\",\"resumed\":\"x\"}\n" LINE(2), "1 2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_file(rows[i].content);
        assert_string_equal(numbers("a", 0), rows[i].want);
    }
}

static void test_torn_end_is_cut(void **state)
{
    (void)state;
    write_file(LINE(1) "{\"to\":\"a\",\"se");
    append("a", RT_SPOOL_point, POINT(5));
    assert_string_equal(numbers("a", 0), "1 2");
}

/* Longer than what is read at once, and than what a line may have. */
static void test_long_lines(void **state)
{
    struct rt_spool_reader reader;
    struct rt_error err;
    char *text;
    struct rt_text fields = {0};

    (void)state;
    rt_text_append(&fields, "{\"name\":\"");
    for (int i = 0; i < 200000; i++)
        rt_text_append(&fields, "x");
    rt_text_append(&fields, "\"}");
    append("a", RT_SPOOL_start, rt_text_string(&fields));
    append("a", RT_SPOOL_point, POINT(0));
    assert_string_equal(numbers("a", 0), "1 2");
    rt_text_free(&fields);
    text = malloc(3000001);
    memset(text, 'x', 3000000);
    text[3000000] = '\0';
    write_file(text);
    free(text);
    assert_int_equal(rt_spool_reader_open(&reader, directory, "a", &err), RT_EIO);
    rt_spool_reader_close(&reader);
}

/* A full disk: the record is there whole or not at all, and its number is not used up. */
static void test_full_disk(void **state)
{
    struct rt_spool spool;
    struct rlimit limit, old;
    struct stat before, after;
    struct rt_error err;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(rt_spool_open(&spool, directory, "a", &err), RT_OK);
    assert_int_equal(rt_spool_append(&spool, RT_SPOOL_point, POINT(0), &err), RT_OK);
    stat(path, &before);
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = (rlim_t)before.st_size + 10;
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(rt_spool_append(&spool, RT_SPOOL_point, POINT(1), &err), RT_EIO);
    setrlimit(RLIMIT_FSIZE, &old);
    stat(path, &after);
    assert_int_equal(after.st_size, before.st_size);
    assert_int_equal(rt_spool_append(&spool, RT_SPOOL_point, POINT(2), &err), RT_OK);
    rt_spool_close(&spool);
    assert_string_equal(numbers("a", 0), "1 2");
}

/* A log point must not cost training an allocation. */
static void test_no_allocation(void **state)
{
    struct rt_spool spool;
    struct rt_error err;
    uint64_t before;

    (void)state;
    assert_int_equal(rt_spool_open(&spool, directory, "a", &err), RT_OK);
    assert_int_equal(rt_spool_append(&spool, RT_SPOOL_point, POINT(10), &err), RT_OK);
    before = rt_alloc_count();
    for (int i = 0; i < 100; i++)
        assert_int_equal(rt_spool_append(&spool, RT_SPOOL_point, POINT(11), &err), RT_OK);
    assert_int_equal(rt_alloc_count(), before);
    rt_spool_close(&spool);
}

/* ---- settings */

static void test_ini(void **state)
{
    static const char content[] =
        "api_key = outside\n[COMET]\n ; remark\napi_key=a = b \nempty =\nworkspace: w\n"
        "[other]\nproject_name = theirs\n[comet\nlast = z";
    static const struct {
        const char *key, *want;
    } rows[] = {
        {"api_key", "a = b"},   /* inside the section, up to the line's end, trimmed */
        {"API_KEY", "a = b"},   /* case does not matter */
        {"workspace", "w"},     /* colon */
        {"empty", NULL},        /* no value: not set */
        {"project_name", NULL}, /* another section's */
        {"last", "z"},          /* a section without its bracket; no newline at the end */
    };
    char value[32];

    (void)state;
    write_file(content);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const bool found = rt_setting_ini(path, "comet", rows[i].key, false, value, sizeof value);

        assert_int_equal(found, rows[i].want != NULL);
        if (found)
            assert_string_equal(value, rows[i].want);
    }
    assert_false(rt_setting_ini(path, "comet", "api_key", false, value, 4)); /* does not fit */
    assert_false(rt_setting_ini("/nonexistent", "comet", "api_key", false, value, sizeof value));
}

static void test_url(void **state)
{
    static const struct {
        const char *url, *rest, *user, *password;
    } rows[] = {
        {"https://host", "https://host", "", ""},
        {"https://host/a//", "https://host/a", "", ""}, /* slashes at the end */
        {"https://me:pw@host:5/a", "https://host:5/a", "me", "pw"},
        {"https://me@host", "https://host", "me", ""},              /* no password */
        {"https://a%40b:c%3Ad@host", "https://host", "a@b", "c:d"}, /* encoded @ and : */
        {"https://a:b@c@host", "https://host", "a", "b@c"},         /* the last @ ends it */
        {"https://host/path@x", "https://host/path@x", "", ""},     /* an @ in the path */
        {"nonsense", "nonsense", "", ""},
    };
    char url[64], user[16], password[16];
    struct rt_error err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(url, sizeof url, "%s", rows[i].url);
        assert_int_equal(rt_setting_split_url("X", url, user, password, sizeof user, &err), RT_OK);
        assert_string_equal(url, rows[i].rest);
        assert_string_equal(user, rows[i].user);
        assert_string_equal(password, rows[i].password);
    }
    snprintf(url, sizeof url, "https://a:%%zz@host");
    assert_int_equal(rt_setting_split_url("X", url, user, password, sizeof user, &err), RT_ECONFIG);
    snprintf(url, sizeof url, "https://a:secret%%0d@host"); /* would break a header */
    assert_int_equal(rt_setting_split_url("X", url, user, password, sizeof user, &err), RT_ECONFIG);
    assert_null(strstr(err.message, "secret"));
    snprintf(url, sizeof url, "https://a:secret-that-does-not-fit@host");
    assert_int_equal(rt_setting_split_url("X", url, user, password, sizeof user, &err), RT_ECONFIG);
    assert_null(strstr(err.message, "secret"));
}

static int set_up(void **state)
{
    if (scratch_make(state))
        return -1;
    directory = *state;
    snprintf(path, sizeof path, "%s/" RT_SPOOL_NAME, directory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_services_apart, forget),
        cmocka_unit_test_teardown(test_resumed, forget),
        cmocka_unit_test_teardown(test_count, forget),
        cmocka_unit_test_teardown(test_damage, forget),
        cmocka_unit_test_teardown(test_torn_end_is_cut, forget),
        cmocka_unit_test_teardown(test_long_lines, forget),
        cmocka_unit_test_teardown(test_full_disk, forget),
        cmocka_unit_test_teardown(test_no_allocation, forget),
        cmocka_unit_test_teardown(test_ini, forget),
        cmocka_unit_test_teardown(test_url, forget),
    };

    return cmocka_run_group_tests_name("track/spool", tests, set_up, scratch_remove);
}
