/* One process at a time: a second is refused with the holder's number, a dead holder is no holder. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/path.h"
#include "run/lock.h"
#include "support/scratch.h"

static char path[RT_PATH_MAX];

/* A child that holds the lock until it is killed. */
static pid_t start_holder(void)
{
    int ready[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (!child) {
        struct rt_lock lock;

        if (rt_lock_acquire(&lock, path, NULL))
            _exit(1);
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(2);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void end_holder(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void refuses_a_second(void **state)
{
    const pid_t holder = start_holder();
    struct rt_lock lock;
    struct rt_error err;
    char who[32];

    (void)state;
    snprintf(who, sizeof who, "process %ld;", (long)holder);
    assert_int_equal(rt_lock_acquire(&lock, path, &err), RT_EIO);
    assert_non_null(strstr(err.message, who));
    assert_int_equal(rt_lock_holder(path), holder);
    assert_int_equal(chmod(path, 0444), 0); /* may only be read (root may do all): it can be asked about */
    assert_int_equal(rt_lock_holder(path), holder);
    assert_int_equal(chmod(path, 0644), 0);
    rt_lock_release(&lock); /* of a refused one: nothing */
    assert_int_equal(rt_lock_holder(path), holder);
    end_holder(holder);
}

static void takes_over_from_the_dead(void **state)
{
    struct rt_lock lock;
    char line[32] = "";
    FILE *file;

    (void)state;
    end_holder(start_holder()); /* SIGKILL: it could not clean up */
    assert_int_equal(rt_lock_holder(path), 0);
    assert_int_equal(rt_lock_acquire(&lock, path, NULL), 0);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file); /* gives a POSIX lock of this process back, which is why nobody else here opens the file */
    assert_int_equal(strtol(line, NULL, 10), getpid());
    rt_lock_release(&lock);
}

static void survives_without_a_file(void **state)
{
    struct rt_lock zeroed = {0}, lock;
    struct rt_error err;

    (void)state;
    rt_lock_release(&zeroed);
    assert_int_equal(rt_lock_holder("/nonexistent/lock"), 0);
    assert_int_equal(rt_lock_acquire(&lock, "/nonexistent/lock", &err), RT_EIO);
    assert_non_null(strstr(err.message, "/nonexistent/lock"));
}

static int set_up(void **state)
{
    return scratch_make(state) || rt_path_join(path, *state, "lock", NULL) ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_a_second),
        cmocka_unit_test(takes_over_from_the_dead),
        cmocka_unit_test(survives_without_a_file),
    };

    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
