/* Files inside a stranger's folder: no link is followed, nothing but regular files is opened or written. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/entry.h"
#include "base/memory.h"
#include "support/scratch.h"

/* run/: file, empty folder inner/ with its file, and one thing of each kind that must not be opened. */
static int make(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (scratch_make(state) || rt_folder_make(in_scratch(state, "run/inner"), NULL) ||
        rt_file_write_all(in_scratch(state, "outside"), "secret", 6, NULL) ||
        rt_file_write_all(in_scratch(state, "run/file"), "hello", 5, NULL) ||
        rt_file_write_all(in_scratch(state, "run/inner/file"), "inner", 5, NULL) ||
        symlink("../outside", in_scratch(state, "run/link")) ||
        symlink("nowhere", in_scratch(state, "run/dangling")) ||
        symlink("/dev/null", in_scratch(state, "run/null")) || symlink("..", in_scratch(state, "run/up")) ||
        symlink("inner", in_scratch(state, "run/inner-link")) || mkfifo(in_scratch(state, "run/fifo"), 0666) ||
        link(in_scratch(state, "outside"), in_scratch(state, "run/hard")))
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", in_scratch(state, "run/socket"));
    return fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || close(fd);
}

/* Names, what is seen there, and what the refusal says. */
static const struct {
    const char *name;
    enum rt_entry entry;
    const char *says;
} hostile[] = {
    {"link", RT_ENTRY_OTHER, "run/link is a symbolic link"},
    {"dangling", RT_ENTRY_OTHER, "run/dangling is a symbolic link"}, /* would be made */
    {"null", RT_ENTRY_OTHER, "run/null is a symbolic link"},
    {"up/outside", RT_ENTRY_OTHER, "run/up/outside: up is a symbolic link"},
    {"up", RT_ENTRY_OTHER, "run/up is a symbolic link"},
    {"inner-link/file", RT_ENTRY_OTHER, "inner-link is a symbolic link"}, /* though it stays inside */
    {"file/below", RT_ENTRY_OTHER, "file is a file: a folder is wanted"},
    {"fifo", RT_ENTRY_OTHER, "run/fifo is a FIFO"}, /* would wait for ever */
    {"fifo/below", RT_ENTRY_OTHER, "fifo is a FIFO"},
    {"socket", RT_ENTRY_OTHER, "run/socket is a socket"},
    {"inner", RT_ENTRY_FOLDER, "run/inner is a folder"},
    {"../outside", RT_ENTRY_NONE, "no plain name"},
    {"inner/../../outside", RT_ENTRY_NONE, "no plain name"},
    {"./file", RT_ENTRY_NONE, "no plain name"},
    {"/etc/passwd", RT_ENTRY_NONE, "no plain name"},
    {"inner//file", RT_ENTRY_NONE, "no plain name"},
    {"inner/", RT_ENTRY_NONE, "no plain name"},
    {"..", RT_ENTRY_NONE, "no plain name"},
    {"", RT_ENTRY_NONE, "no plain name"},
};

static void assert_refused(int rc, const struct rt_error *err, size_t i)
{
    assert_int_equal(rc, RT_EIO);
    if (!strstr(err->message, hostile[i].says))
        fail_msg("%s: '%s' does not say '%s'", hostile[i].name, err->message, hostile[i].says);
}

static void assert_outside_whole(void **state)
{
    char *bytes;
    size_t size;

    assert_int_equal(rt_file_read_all(in_scratch(state, "outside"), 100, &bytes, &size, NULL), RT_OK);
    assert_string_equal(bytes, "secret");
    rt_free(&bytes);
    assert_false(rt_path_exists(in_scratch(state, "run/nowhere")));
}

static void test_hostile_names(void **state)
{
    const char *const run = in_scratch(state, "run");

    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        static const enum rt_open ways[] = {RT_OPEN_READ, RT_OPEN_NEW, RT_OPEN_APPEND, RT_OPEN_UPDATE};
        const char *const name = hostile[i].name;
        struct rt_error err = {0};
        char *bytes = NULL;
        size_t size;
        uint64_t length;
        int fd;

        assert_int_equal(rt_entry_look(run, name), hostile[i].entry);
        for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
            assert_refused(rt_entry_open(&fd, run, name, ways[k], &err), &err, i);
            assert_int_equal(fd, -1);
        }
        assert_refused(rt_entry_read(run, name, 100, &bytes, &size, &err), &err, i);
        assert_refused(rt_entry_truncate(run, name, 0, &err), &err, i);
        assert_refused(rt_entry_size(run, name, &length, &err), &err, i);
    }
    assert_outside_whole(state);
}

/* A hard link may be read, but what is written in place would change the other name's file. */
static void test_hard_links(void **state)
{
    const char *const run = in_scratch(state, "run");
    struct rt_error err = {0};
    char *bytes;
    size_t size;
    int fd;

    assert_int_equal(rt_entry_read(run, "hard", 100, &bytes, &size, &err), RT_OK);
    rt_free(&bytes);
    assert_int_equal(rt_entry_open(&fd, run, "hard", RT_OPEN_APPEND, &err), RT_EIO);
    assert_non_null(strstr(err.message, "2 names"));
    assert_int_equal(rt_entry_truncate(run, "hard", 0, &err), RT_EIO);
    assert_int_equal(rt_entry_write(run, "hard", "new", 3, &err), RT_OK); /* a new file takes the name */
    assert_outside_whole(state);
}

/* Written aside and renamed: a link itself is replaced, not its target; what is no file is not. */
static void test_whole_writes(void **state)
{
    const char *const run = in_scratch(state, "run");
    struct rt_error err = {0};

    assert_int_equal(rt_entry_write(run, "link", "new", 3, &err), RT_OK);
    assert_int_equal(rt_entry_look(run, "link"), RT_ENTRY_FILE);
    assert_int_equal(rt_entry_write(run, "up/outside", "new", 3, &err), RT_EIO);
    assert_int_equal(rt_entry_write(run, "../outside", "new", 3, &err), RT_EIO);
    assert_int_equal(rt_entry_write(run, "null", "new", 3, &err), RT_EIO);
    assert_int_equal(rt_entry_write(run, "fifo", "new", 3, &err), RT_EIO);
    assert_non_null(strstr(err.message, "no regular file"));
    assert_int_equal(rt_file_write_all(in_scratch(state, "run/fifo"), "new", 3, &err), RT_EIO);
    assert_int_equal(rt_file_write_all("/dev/null", "new", 3, &err), RT_EIO);
    assert_int_equal(rt_file_write_all(in_scratch(state, "run/null"), "new", 3, &err), RT_EIO);
    assert_outside_whole(state);
}

static void test_folders(void **state)
{
    const char *const run = in_scratch(state, "run");
    struct rt_error err = {0};
    struct rt_names names;

    assert_int_equal(rt_entry_make_folder(run, "made", &err), RT_OK);
    assert_int_equal(rt_entry_make_folder(run, "made", &err), RT_OK); /* there already */
    assert_int_equal(rt_entry_look(run, "made"), RT_ENTRY_FOLDER);
    assert_int_equal(rt_entry_make_folder(run, "up", &err), RT_EIO);
    assert_int_equal(rt_entry_make_folder(run, "inner-link", &err), RT_EIO);
    assert_int_equal(rt_entry_make_folder(run, "file", &err), RT_EIO);
    assert_int_equal(rt_entry_make_folder(run, "up/made", &err), RT_EIO);
    assert_int_equal(rt_entry_list(&names, run, "inner", &err), RT_OK);
    assert_int_equal(names.count, 1);
    rt_names_free(&names);
    assert_int_equal(rt_entry_list(&names, run, "up", &err), RT_EIO);
    assert_int_equal(rt_entry_list(&names, run, "inner-link", &err), RT_EIO);
    rt_names_free(&names);
}

static void test_plain_files(void **state)
{
    const char *const run = in_scratch(state, "run");
    struct rt_error err = {0};
    char *bytes;
    size_t size;
    uint64_t length;
    int fd;

    assert_int_equal(rt_entry_look(run, "file"), RT_ENTRY_FILE);
    assert_int_equal(rt_entry_look(run, "none"), RT_ENTRY_NONE);
    assert_int_equal(rt_entry_look(run, "none/file"), RT_ENTRY_NONE);
    assert_int_equal(rt_entry_open(&fd, run, "new", RT_OPEN_APPEND, &err), RT_OK);
    assert_int_equal(rt_file_write(fd, "new", "12345", 5, &err), RT_OK);
    assert_int_equal(rt_file_close(&fd, "new", &err), RT_OK);
    assert_int_equal(rt_entry_truncate(run, "new", 3, &err), RT_OK);
    assert_int_equal(rt_entry_size(run, "new", &length, &err), RT_OK);
    assert_int_equal(length, 3);
    assert_int_equal(rt_entry_read(run, "inner/file", 5, &bytes, &size, &err), RT_OK);
    assert_string_equal(bytes, "inner");
    rt_free(&bytes);
    assert_int_equal(rt_entry_read(run, "inner/file", 4, &bytes, &size, &err), RT_EDATA);
    assert_int_equal(rt_entry_read(run, "none", 4, &bytes, &size, &err), RT_EIO);
    assert_non_null(strstr(err.message, "run/none: No such file"));
    assert_int_equal(chdir(run), 0);
    assert_int_equal(rt_entry_look("", "file"), RT_ENTRY_FILE);
    assert_int_equal(chdir("/"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hostile_names, make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_hard_links, make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_whole_writes, make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_folders, make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_plain_files, make, scratch_remove),
    };

    return cmocka_run_group_tests_name("base/entry", tests, NULL, NULL);
}
