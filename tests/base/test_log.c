/* What stderr shows at each level, what the file gets, and that a file that cannot be written is reported. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/system.h"
#include "support/scratch.h"

static void say_all(void)
{
    rt_log_info("info %d", 1);
    rt_log_detail("detail");
    rt_log_warn("warn");
    rt_log_note("note");
}

/* What say_all sends to stderr at this level. */
static void assert_shown(void **state, enum rt_log_level level, const char *wanted)
{
    const char *const path = in_scratch(state, "stderr");
    const int saved = dup(STDERR_FILENO);
    char *bytes;
    size_t size;

    rt_log_set_level(level);
    fflush(stderr);
    assert_non_null(freopen(path, "w", stderr));
    say_all();
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_int_equal(rt_file_read_all(path, 10000, &bytes, &size, NULL), RT_OK);
    assert_string_equal(bytes, wanted);
    rt_free(&bytes);
}

static void test_levels(void **state)
{
    assert_shown(state, RT_LOG_QUIET, "warning: warn\n");
    assert_shown(state, RT_LOG_NORMAL, "info 1\nwarning: warn\n");
    assert_shown(state, RT_LOG_VERBOSE, "info 1\ndetail\nwarning: warn\n");
}

static void test_file_gets_all(void **state)
{
    const char *const path = in_scratch(state, "log.txt");
    char *bytes, *at;
    size_t size;
    static const char *const lines[] = {" info 1\n", " detail\n", " warning: warn\n", " note\n"};

    assert_int_equal(rt_log_open(*state, rt_path_name(path), NULL), RT_OK);
    assert_shown(state, RT_LOG_QUIET, "warning: warn\n");
    assert_int_equal(rt_log_close(NULL), RT_OK);
    say_all(); /* no longer to the file */
    assert_int_equal(rt_file_read_all(path, 10000, &bytes, &size, NULL), RT_OK);
    at = bytes;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(at[10], 'T'); /* 2017-04-24T10:15:30Z */
        assert_int_equal(at[19], 'Z');
        assert_memory_equal(at + 20, lines[i], strlen(lines[i]));
        at += 20 + strlen(lines[i]);
    }
    assert_int_equal(*at, '\0');
    rt_free(&bytes);
}

/* What a session says before it knows that it will change its folder. */
static void test_early_lines(void **state)
{
    struct rt_log *log = NULL;
    char *bytes;
    size_t size;

    assert_int_equal(rt_log_create(&log, RT_LOG_SILENT, NULL), RT_OK);
    rt_log_use(log);
    rt_log_warn("early");
    for (int i = 0; i < 1000; i++)
        rt_log_note("%050d", i); /* more than are kept */
    assert_int_equal(rt_log_open(*state, "log.txt", NULL), RT_OK);
    rt_log_note("late");
    assert_int_equal(rt_log_close(NULL), RT_OK);
    rt_log_note("too late");
    rt_log_use(NULL);
    rt_log_free(&log);
    assert_int_equal(rt_file_read_all(in_scratch(state, "log.txt"), 20000, &bytes, &size, NULL), RT_OK);
    assert_memory_equal(bytes + 20, " warning: early\n", 16);
    assert_string_equal(bytes + size - 7, "Z late\n");
    assert_null(strstr(bytes, "too late"));
    rt_free(&bytes);
}

static int refuse_writes(const struct rt_system_event *event)
{
    return event->call == RT_SYSTEM_write ? ENOSPC : 0;
}

static void test_full_disk(void **state)
{
    struct rt_error err = {0};

    assert_int_equal(rt_log_open(*state, "log.txt", NULL), RT_OK);
    rt_log_set_level(RT_LOG_QUIET);
    rt_system_hook = refuse_writes;
    rt_log_note("lost");
    rt_system_hook = NULL;
    rt_log_note("after the first failure nothing more is written");
    assert_int_equal(rt_log_close(&err), RT_EIO);
    assert_non_null(strstr(err.message, "No space left"));
    assert_int_equal(rt_log_close(NULL), RT_OK); /* closed already */
    assert_int_equal(rt_log_open(in_scratch(state, "no/such"), "log.txt", NULL), RT_EIO);
}

int main(void)
{
#define WITH_SCRATCH(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(test_levels),
        WITH_SCRATCH(test_file_gets_all),
        WITH_SCRATCH(test_early_lines),
        WITH_SCRATCH(test_full_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
