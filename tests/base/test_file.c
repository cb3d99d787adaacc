/* Files written whole or not at all: each system call refused in turn, short and interrupted calls, what is
 * left behind; folders made, listed and removed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/system.h"
#include "support/scratch.h"

/* The hook refuses call number `refuse_at` (from 1) with this errno, or spoils every read and write. */
static int refuse_at, refuse_with, seen;
static bool shorten, refused;

static int hook(const struct rt_system_event *event)
{
    if (event->after)
        return 0;
    seen++;
    if (shorten && event->count && *event->count > 7)
        *event->count = 7;
    if (shorten && seen % 2 && (event->call == RT_SYSTEM_write || event->call == RT_SYSTEM_read))
        return EINTR;
    if (seen != refuse_at)
        return 0;
    refused = true;
    return refuse_with;
}

static int start_hook(int at, int with, bool shortened)
{
    refuse_at = at;
    refuse_with = with;
    shorten = shortened;
    seen = 0;
    refused = false;
    rt_system_hook = hook;
    return 0;
}

static void assert_holds(const char *path, const char *wanted)
{
    char *bytes = NULL;
    size_t size = 0;

    assert_int_equal(rt_file_read_all(path, 1000, &bytes, &size, NULL), RT_OK);
    assert_int_equal(size, strlen(wanted));
    assert_string_equal(bytes, wanted);
    rt_free(&bytes);
}

static void test_write_and_read(void **state)
{
    const char *const path = in_scratch(state, "f");
    char *bytes = NULL;
    size_t size;
    struct rt_error err = {0};

    assert_int_equal(rt_file_write_all(path, "hello", 5, &err), RT_OK);
    assert_holds(path, "hello");
    assert_int_equal(rt_file_write_all(path, "", 0, &err), RT_OK); /* replaced, by nothing */
    assert_holds(path, "");
    assert_int_equal(scratch_count(state), 1);
    assert_int_equal(rt_file_write_all(path, "12345", 5, &err), RT_OK);
    assert_int_equal(rt_file_read_all(path, 5, &bytes, &size, &err), RT_OK); /* just within the limit */
    rt_free(&bytes);
    assert_int_equal(rt_file_read_all(path, 4, &bytes, &size, &err), RT_EDATA);
    assert_int_equal(rt_file_read_all(in_scratch(state, "none"), 4, &bytes, &size, &err), RT_EIO);
    assert_non_null(strstr(err.message, "none: No such file"));
    assert_int_equal(rt_file_read_all(*state, 4, &bytes, &size, &err), RT_EIO); /* a folder */
}

/* Whichever call fails: an error, the old content or the new, and nothing beside it. */
static void test_every_call_refused(void **state)
{
    const char *const path = in_scratch(state, "f");
    static const int errors[] = {ENOSPC, EIO, EACCES};

    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
        int k, failures = 0;

        refused = true;
        for (k = 1; refused && k < 50; k++) {
            struct rt_error err = {0};
            char *bytes = NULL;
            size_t size;
            int rc;

            assert_int_equal(rt_file_write_all(path, "old", 3, NULL), RT_OK);
            start_hook(k, errors[e], false);
            rc = rt_file_write_all(path, "new", 3, &err);
            rt_system_hook = NULL;
            assert_true(!rc || (rc == RT_EIO && refused));
            failures += rc != 0;
            assert_int_equal(!rc, !err.message[0]);
            assert_int_equal(rt_file_read_all(path, 10, &bytes, &size, NULL), RT_OK);
            assert_true(!strcmp(bytes, "new") || (rc && !strcmp(bytes, "old")));
            rt_free(&bytes);
            assert_int_equal(scratch_count(state), 1);
        }
        assert_int_equal(failures, 7); /* open, write, fsync, close, rename, and the folder's open, fsync; */
        assert_true(k > 9);            /* not the folder's close, after which all is on disk */
    }
}

static void test_short_and_interrupted(void **state)
{
    const char *const path = in_scratch(state, "f");
    static const char text[] = "longer than one short call can take, and not a multiple of it";
    char *bytes = NULL;
    size_t size = 0;
    int rc;

    start_hook(0, 0, true);
    rc = rt_file_write_all(path, text, sizeof text, NULL);
    if (!rc)
        rc = rt_file_read_all(path, 1000, &bytes, &size, NULL);
    rt_system_hook = NULL;
    assert_int_equal(rc, RT_OK);
    assert_int_equal(size, sizeof text);
    assert_memory_equal(bytes, text, sizeof text);
    assert_true(seen > 2 * (int)(sizeof text / 7));
    rt_free(&bytes);
}

static void test_umask(void **state)
{
    const char *const path = in_scratch(state, "f");
    const mode_t before = umask(027);
    struct stat status;

    assert_int_equal(rt_file_write_all(path, "x", 1, NULL), RT_OK);
    umask(before);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
}

static void test_writer_given_up(void **state)
{
    struct rt_writer writer;

    assert_int_equal(rt_writer_open(&writer, in_scratch(state, "f"), NULL), RT_OK);
    assert_int_equal(rt_writer_write(&writer, "abc", 3, NULL), RT_OK);
    assert_int_equal(scratch_count(state), 1);
    rt_writer_free(&writer);
    assert_int_equal(scratch_count(state), 0);
    rt_writer_free(&writer); /* again does nothing */
    writer = (struct rt_writer){0};
    rt_writer_free(&writer);
}

static void test_append_and_truncate(void **state)
{
    const char *const path = in_scratch(state, "f");
    uint64_t size = 0;

    for (int i = 0; i < 2; i++) {
        int fd;

        assert_int_equal(rt_file_open(&fd, path, RT_OPEN_APPEND, NULL), RT_OK);
        assert_int_equal(rt_file_write(fd, path, "abc", 3, NULL), RT_OK);
        assert_int_equal(rt_file_close(&fd, path, NULL), RT_OK);
        assert_int_equal(fd, -1);
    }
    assert_holds(path, "abcabc");
    assert_int_equal(rt_file_truncate(path, 4, NULL), RT_OK);
    assert_holds(path, "abca");
    assert_int_equal(rt_file_size(path, &size, NULL), RT_OK);
    assert_int_equal(size, 4);
    assert_int_equal(rt_file_truncate(in_scratch(state, "none"), 0, NULL), RT_EIO);
}

/* ---- what lasts, and in which order ---- */

/* "mkdir a; fsync .; ...": the calls since start_record, by the last part of their paths, in order. */
static char record[1000];

static int record_hook(const struct rt_system_event *event)
{
    const size_t length = strlen(record);

    if (event->after && event->call != RT_SYSTEM_open && event->call != RT_SYSTEM_close)
        snprintf(record + length, sizeof record - length, "%s %.7s; ", rt_system_call_name(event->call),
                 rt_path_name(event->path));
    return 0;
}

static void start_record(void)
{
    record[0] = '\0';
    rt_system_hook = record_hook;
}

/* A new folder lasts when the one that holds it is synced after it; one that is there needs nothing. */
static void test_make_folders_that_last(void **state)
{
    assert_int_equal(rt_folder_make(in_scratch(state, "top"), NULL), RT_OK);
    start_record();
    assert_int_equal(rt_folder_make(in_scratch(state, "top/a/b//c/"), NULL), RT_OK);
    rt_system_hook = NULL;
    assert_string_equal(record, "mkdir a; fsync top; mkdir b; fsync a; mkdir c; fsync b; ");
    start_record();
    assert_int_equal(rt_folder_make(in_scratch(state, "top/a/b/c"), NULL), RT_OK);
    rt_system_hook = NULL;
    assert_string_equal(record, "");
}

/* What is discarded has lost its name for good before anything in it goes. */
static void test_discard(void **state)
{
    assert_int_equal(rt_folder_make(in_scratch(state, "run/e_001"), NULL), RT_OK);
    assert_int_equal(rt_file_write_all(in_scratch(state, "run/e_001/f"), "x", 1, NULL), RT_OK);
    start_record();
    assert_int_equal(rt_tree_discard(in_scratch(state, "run/e_001"), in_scratch(state, "run"), NULL), RT_OK);
    rt_system_hook = NULL;
    assert_string_equal(record, "rename e_001; fsync run; unlink f; unlink .e_001.; ");
    assert_int_equal(rt_tree_discard(in_scratch(state, "run/e_001"), in_scratch(state, "run"), NULL), RT_OK);
    assert_int_equal(rt_tree_discard(in_scratch(state, "run"), in_scratch(state, "run"), NULL), RT_EIO);
    assert_true(rt_path_exists(in_scratch(state, "run")));
}

/* At every call, the old folder is there or the new one; a refused call leaves one of them and no other. */
static void test_replace(void **state)
{
    char path[RT_PATH_MAX];
    int k;

    assert_int_equal(rt_path_join(path, *state, "home/data", NULL), RT_OK);
    refused = true;
    for (k = 1; refused && k < 50; k++) {
        struct rt_error err;
        char aside[RT_PATH_MAX], file[RT_PATH_MAX];
        int rc;

        assert_int_equal(rt_folder_make(path, NULL), RT_OK);
        assert_int_equal(rt_file_write_all(in_scratch(state, "home/data/f"), "old", 3, NULL), RT_OK);
        assert_int_equal(rt_folder_make_temporary(aside, path, NULL), RT_OK);
        assert_int_equal(rt_path_join(file, aside, "f", NULL), RT_OK);
        assert_int_equal(rt_file_write_all(file, "new", 3, NULL), RT_OK);
        start_hook(k, EIO, false);
        rc = rt_folder_replace(aside, path, &err);
        rt_system_hook = NULL;
        if (refused && rc == RT_EIO && !strstr(err.message, "cannot remove"))
            assert_holds(in_scratch(state, "home/data/f"), "old");
        else
            assert_holds(in_scratch(state, "home/data/f"), "new");
        assert_int_equal(rt_tree_remove(in_scratch(state, "home"), *state, NULL), RT_OK);
    }
    assert_true(k > 6);
}

/* Beside files of another process of the same number: other names, and another one where one is taken. */
static void test_temporary_names(void **state)
{
    char one[RT_PATH_MAX], other[RT_PATH_MAX];
    const char *const path = in_scratch(state, "f");

    assert_int_equal(rt_path_temporary(one, path, NULL), RT_OK);
    assert_int_equal(rt_path_temporary(other, path, NULL), RT_OK);
    assert_string_not_equal(one, other);
    start_hook(1, EEXIST, false);
    assert_int_equal(rt_file_write_all(path, "x", 1, NULL), RT_OK);
    assert_true(refused);
    start_hook(1, EEXIST, false);
    assert_int_equal(rt_folder_make_temporary(one, path, NULL), RT_OK);
    assert_true(refused);
    rt_system_hook = NULL;
}

static void test_paths(void **state)
{
    static const struct {
        const char *path, *folder, *name;
    } rows[] = {
        {"a/b", "a", "b"}, {"b", ".", "b"}, {"/b", "/", "b"}, {"a//b", "a", "b"}, {"a/b/", "a/b", ""},
    };
    char out[RT_PATH_MAX], deep[RT_PATH_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(rt_path_folder(out, rows[i].path, NULL), RT_OK);
        assert_string_equal(out, rows[i].folder);
        assert_string_equal(rt_path_name(rows[i].path), rows[i].name);
    }
    assert_int_equal(rt_path_join(out, "a/", "b", NULL), RT_OK);
    assert_string_equal(out, "a/b");
    assert_int_equal(rt_path_join(out, out, "c", NULL), RT_OK); /* onto itself */
    assert_string_equal(out, "a/b/c");
    assert_int_equal(rt_path_join(out, "", "c", NULL), RT_OK);
    assert_string_equal(out, "c");
    memset(deep, 'x', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(rt_path_join(out, deep, "c", NULL), RT_EIO);
}

static void test_make_folders(void **state)
{
    struct rt_error err = {0};

    assert_int_equal(rt_folder_make(in_scratch(state, "a/b//c/"), NULL), RT_OK);
    assert_true(rt_path_is_folder(in_scratch(state, "a/b/c")));
    assert_int_equal(rt_folder_make(in_scratch(state, "a/b"), NULL), RT_OK); /* there already */
    assert_int_equal(rt_file_write_all(in_scratch(state, "f"), "x", 1, NULL), RT_OK);
    assert_int_equal(rt_folder_make(in_scratch(state, "f"), &err), RT_EIO);
    assert_int_equal(rt_folder_make(in_scratch(state, "f/g"), &err), RT_EIO);
    assert_non_null(strstr(err.message, "in the way"));
}

static void test_folder_commit(void **state)
{
    const char *const path = in_scratch(state, "checkpoint");
    char aside[RT_PATH_MAX], file[RT_PATH_MAX];

    assert_int_equal(rt_folder_make_temporary(aside, path, NULL), RT_OK);
    assert_int_equal(rt_path_join(file, aside, "state", NULL), RT_OK);
    assert_int_equal(rt_file_write_all(file, "x", 1, NULL), RT_OK);
    assert_false(rt_path_exists(path));
    assert_int_equal(rt_folder_commit(aside, path, NULL), RT_OK);
    assert_holds(in_scratch(state, "checkpoint/state"), "x");
    assert_int_equal(rt_folder_make_temporary(aside, path, NULL), RT_OK);
    assert_int_equal(rt_folder_commit(aside, path, NULL), RT_EIO); /* one that is there is not replaced */
    assert_holds(in_scratch(state, "checkpoint/state"), "x");
}

static void test_remove_tree(void **state)
{
    char *const scratch = *state;

    assert_int_equal(rt_folder_make(in_scratch(state, "run/a/b"), NULL), RT_OK);
    assert_int_equal(rt_file_write_all(in_scratch(state, "run/a/f"), "x", 1, NULL), RT_OK);
    assert_int_equal(rt_file_write_all(in_scratch(state, "kept"), "x", 1, NULL), RT_OK);
    assert_int_equal(symlink("../kept", in_scratch(state, "run/link")), 0);
    assert_int_equal(symlink("..", in_scratch(state, "run/up")), 0);
    /* refused: outside, the folder itself, through a link, by dots */
    assert_int_equal(rt_tree_remove(in_scratch(state, "kept"), in_scratch(state, "run"), NULL), RT_EIO);
    assert_int_equal(rt_tree_remove(in_scratch(state, "run"), in_scratch(state, "run"), NULL), RT_EIO);
    assert_int_equal(rt_tree_remove(in_scratch(state, "run/up/kept"), in_scratch(state, "run"), NULL), RT_EIO);
    assert_int_equal(rt_tree_remove(in_scratch(state, "run/a/.."), in_scratch(state, "run"), NULL), RT_EIO);
    assert_true(rt_path_exists(in_scratch(state, "run/a/f")));
    assert_int_equal(rt_tree_remove(in_scratch(state, "run"), scratch, NULL), RT_OK);
    assert_int_equal(scratch_count(state), 1); /* what the links pointed to is still there */
    assert_int_equal(rt_tree_remove(in_scratch(state, "run"), scratch, NULL), RT_OK); /* gone already */
}

static void test_remove_temporaries(void **state)
{
    static const char *const names[] = {
        ".f.12-0.tmp",               /* of earlier versions */
        ".f.g.12-3.tmp",             /* of a name with a dot */
        ".f.0123456789abcdef.tmp",   /* ours */
        ".f.g.0123456789abcdef.tmp", /* ours, of a name with a dot */
        ".f.123456789abcdef.tmp",    /* a digit less */
        ".f.00123456789abcdef.tmp",  /* a digit more */
        "..0123456789abcdef.tmp",    /* no name */
        ".f.tmp",                    /* no number */
        "f.12-0.tmp",                /* not hidden */
        ".f.12-0.tmpx",              /* more behind */
        ".f.-0.tmp",                 /* no process */
        ".12-0.tmp",                 /* no name */
    };
    struct rt_names left = {0};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(rt_file_write_all(in_scratch(state, names[i]), "x", 1, NULL), RT_OK);
    assert_int_equal(rt_folder_make(in_scratch(state, ".e_001.7-1.tmp/in"), NULL), RT_OK);
    assert_int_equal(rt_folder_remove_temporaries(*state, NULL), RT_OK);
    assert_int_equal(rt_folder_list(&left, *state, NULL), RT_OK);
    assert_int_equal(left.count, 8);
    assert_string_equal(left.items[1], ".12-0.tmp"); /* sorted */
    rt_names_free(&left);
}

int main(void)
{
#define WITH_SCRATCH(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(test_write_and_read),
        WITH_SCRATCH(test_every_call_refused),
        WITH_SCRATCH(test_short_and_interrupted),
        WITH_SCRATCH(test_umask),
        WITH_SCRATCH(test_writer_given_up),
        WITH_SCRATCH(test_append_and_truncate),
        WITH_SCRATCH(test_make_folders_that_last),
        WITH_SCRATCH(test_discard),
        WITH_SCRATCH(test_replace),
        WITH_SCRATCH(test_temporary_names),
        WITH_SCRATCH(test_paths),
        WITH_SCRATCH(test_make_folders),
        WITH_SCRATCH(test_folder_commit),
        WITH_SCRATCH(test_remove_tree),
        WITH_SCRATCH(test_remove_temporaries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
