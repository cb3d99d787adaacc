/* One process at a time: a second is refused with the holder's number, a dead holder is no holder; also when
 * the lock's file is removed, and on file systems without locks. */
#include <errno.h>
#include <pthread.h>
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

#include "base/file.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/system.h"
#include "base/task.h"
#include "support/scratch.h"

static char folder[RT_PATH_MAX], path[RT_PATH_MAX];

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

        if (rt_lock_acquire(&lock, folder, "lock", NULL))
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

static int lock_error;

static int refuse_locks(const struct rt_system_event *event)
{
    return !event->after && event->call == RT_SYSTEM_lock ? lock_error : 0;
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
    assert_int_equal(rt_lock_acquire(&lock, folder, "lock", &err), RT_EIO);
    assert_non_null(strstr(err.message, who));
    assert_int_equal(rt_lock_holder(folder, "lock"), holder);
    assert_int_equal(chmod(path, 0444), 0); /* may only be read (root may do all): it can be asked about */
    assert_int_equal(rt_lock_holder(folder, "lock"), holder);
    assert_int_equal(chmod(path, 0644), 0);
    rt_lock_release(&lock); /* of a refused one: nothing */
    assert_int_equal(rt_lock_holder(folder, "lock"), holder);
    end_holder(holder);
}

static void takes_over_from_the_dead(void **state)
{
    struct rt_lock lock;
    char line[32] = "";
    FILE *file;

    (void)state;
    end_holder(start_holder()); /* SIGKILL: it could not clean up */
    assert_int_equal(rt_lock_holder(folder, "lock"), 0);
    assert_int_equal(rt_lock_acquire(&lock, folder, "lock", NULL), 0);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    assert_int_equal(strtol(line, NULL, 10), getpid());
    assert_int_equal(rt_lock_holder(folder, "lock"), getpid());
    rt_lock_release(&lock);
    assert_int_equal(rt_lock_holder(folder, "lock"), 0);
}

/* Nobody has waited for it: so it stays where the first process of a container does not. */
static void takes_over_from_a_zombie(void **state)
{
    const bool by_name[] = {false, true};

    (void)state;
    for (size_t i = 0; i < sizeof by_name / sizeof *by_name; i++) {
        struct rt_lock lock;
        siginfo_t info;
        pid_t holder;

        lock_error = ENOLCK;
        rt_system_hook = by_name[i] ? refuse_locks : NULL;
        holder = start_holder();
        kill(holder, SIGKILL);
        assert_int_equal(waitid(P_PID, (id_t)holder, &info, WEXITED | WNOWAIT), 0);
        assert_int_equal(kill(holder, 0), 0); /* it is still in /proc */
        assert_int_equal(rt_lock_holder(folder, "lock"), 0);
        assert_int_equal(rt_lock_acquire(&lock, folder, "lock", NULL), 0);
        rt_lock_release(&lock);
        rt_system_hook = NULL;
        waitpid(holder, NULL, 0);
    }
}

static void *end_later(void *milliseconds)
{
    usleep((useconds_t) * (int *)milliseconds * 1000);
    _exit(0);
}

/* A killed process's locks are free when its last thread has gone: its first one is a zombie before. */
static void waits_for_one_that_is_ending(void **state)
{
    static int milliseconds = 300;
    struct rt_lock lock;
    siginfo_t info;
    int ready[2];
    char byte;
    pid_t holder;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    if (!(holder = fork())) {
        pthread_t thread;

        if (rt_lock_acquire(&lock, folder, "lock", NULL) ||
            pthread_create(&thread, NULL, end_later, &milliseconds) || write(ready[1], "x", 1) != 1)
            _exit(1);
        pthread_exit(NULL);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    usleep(100000); /* its first thread ends */
    assert_int_equal(waitid(P_PID, (id_t)holder, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    assert_int_equal(info.si_pid, 0); /* but not the process */
    assert_int_equal(rt_lock_holder(folder, "lock"), holder);
    assert_int_equal(rt_lock_acquire(&lock, folder, "lock", NULL), 0);
    rt_lock_release(&lock);
    waitpid(holder, NULL, 0);
}

/* Two sessions of one process are two holders. */
static void refuses_a_second_of_its_own(void **state)
{
    struct rt_lock lock, second;

    (void)state;
    assert_int_equal(rt_lock_acquire(&lock, folder, "lock", NULL), 0);
    assert_int_equal(rt_lock_acquire(&second, folder, "lock", NULL), RT_EIO);
    assert_int_equal(rt_lock_check(&lock, NULL), 0);
    rt_lock_release(&lock);
    assert_int_equal(rt_lock_acquire(&second, folder, "lock", NULL), 0);
    rt_lock_release(&second);
}

/* ---- the file is removed ---- */

static void is_not_opened_by_removing_the_file(void **state)
{
    const pid_t holder = start_holder();
    struct rt_lock lock;
    struct rt_error err;

    (void)state;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rt_lock_acquire(&lock, folder, "lock", &err), RT_EIO);
    assert_non_null(strstr(err.message, "removed"));
    end_holder(holder);
    assert_int_equal(rt_lock_acquire(&lock, folder, "lock", NULL), 0);
    rt_lock_release(&lock);
}

static void makes_a_removed_file_again(void **state)
{
    struct rt_lock lock;

    (void)state;
    assert_int_equal(rt_lock_acquire(&lock, folder, "lock", NULL), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rt_lock_holder(folder, "lock"), 0);
    assert_int_equal(rt_lock_check(&lock, NULL), 0);
    assert_int_equal(rt_lock_holder(folder, "lock"), getpid());
    assert_int_equal(rt_lock_check(&lock, NULL), 0);
    rt_lock_release(&lock);
}

static void stops_in_a_folder_that_was_replaced(void **state)
{
    char inner[RT_PATH_MAX];
    struct rt_lock lock;

    assert_int_equal(rt_path_join(inner, *state, "run", NULL), 0);
    assert_int_equal(rt_folder_make(inner, NULL), 0);
    assert_int_equal(rt_lock_acquire(&lock, inner, "lock", NULL), 0);
    assert_int_equal(rt_tree_remove(inner, *state, NULL), 0);
    assert_int_equal(rt_lock_check(&lock, NULL), RT_EIO);
    assert_int_equal(rt_folder_make(inner, NULL), 0);
    assert_int_equal(rt_lock_check(&lock, NULL), RT_EIO);
    rt_lock_release(&lock);
}

/* Between our opening of the file and our lock on it another process, at its end, removes it. */
static bool removed_in_between;

static int remove_before_lock(const struct rt_system_event *event)
{
    if (!event->after && event->call == RT_SYSTEM_lock && !removed_in_between) {
        removed_in_between = true;
        assert_int_equal(unlink(path), 0);
    }
    return 0;
}

static void holds_the_file_that_is_there(void **state)
{
    struct rt_lock lock;

    (void)state;
    rt_system_hook = remove_before_lock;
    assert_int_equal(rt_lock_acquire(&lock, folder, "lock", NULL), 0);
    rt_system_hook = NULL;
    assert_true(removed_in_between);
    assert_int_equal(rt_lock_holder(folder, "lock"), getpid());
    rt_lock_remove(&lock);
    assert_false(rt_path_exists(path));
}

/* ---- file systems without locks ---- */

static void write_line(const char *format, long pid, const char *host)
{
    char line[200];

    snprintf(line, sizeof line, format, pid, host);
    assert_int_equal(rt_file_write_all(path, line, strlen(line), NULL), 0);
}

static void goes_by_the_name_without_locks(void **state)
{
    static const int errors[] = {ENOSYS, ENOLCK, EOPNOTSUPP};
    char host[100] = "";

    (void)state;
    gethostname(host, sizeof host - 1);
    rt_system_hook = refuse_locks;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct rt_lock lock, second;
        struct rt_error err;
        char *bytes = NULL, wanted[200];
        size_t size;
        pid_t holder;

        lock_error = errors[i];
        holder = start_holder();
        assert_int_equal(rt_lock_acquire(&lock, folder, "lock", &err), RT_EIO);
        snprintf(wanted, sizeof wanted, "process %ld;", (long)holder);
        assert_non_null(strstr(err.message, wanted));
        assert_int_equal(rt_lock_holder(folder, "lock"), holder);
        end_holder(holder); /* its file stays, and is taken over */
        assert_int_equal(rt_lock_holder(folder, "lock"), 0);
        assert_int_equal(rt_lock_acquire(&lock, folder, "lock", &err), 0);
        assert_int_equal(rt_file_read_all(path, 200, &bytes, &size, NULL), 0);
        snprintf(wanted, sizeof wanted, "%ld %s ", (long)getpid(), host);
        assert_int_equal(strncmp(bytes, wanted, strlen(wanted)), 0);
        rt_free(&bytes);
        assert_int_equal(rt_lock_acquire(&second, folder, "lock", &err), RT_EIO);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rt_lock_check(&lock, NULL), 0); /* made again */
        assert_true(rt_path_exists(path));
        write_line("%ld %s 7\n", 1, "elsewhere");
        assert_int_equal(rt_lock_check(&lock, NULL), RT_EIO); /* another host got in */
        rt_lock_release(&lock);
        assert_true(rt_path_exists(path)); /* not ours to remove */

        assert_int_equal(rt_lock_acquire(&lock, folder, "lock", &err), RT_EIO);
        assert_non_null(strstr(err.message, "process 1 of host elsewhere"));
        assert_int_equal(rt_lock_holder(folder, "lock"), -1);
        write_line("%ld %s 7\n", (long)getppid(), host); /* that number is another process now */
        assert_int_equal(rt_lock_acquire(&lock, folder, "lock", &err), 0);
        rt_lock_release(&lock);
        assert_false(rt_path_exists(path));
        write_line("%ld\n", (long)getppid(), ""); /* of an earlier version */
        assert_int_equal(rt_lock_acquire(&lock, folder, "lock", &err), 0);
        rt_lock_release(&lock);
    }
    rt_system_hook = NULL;
}

/* How often the log says that there are no locks after two are taken, in a task of its own. */
static int count_warnings(void)
{
    char logged[RT_PATH_MAX], *bytes = NULL;
    struct rt_task *task, *before;
    size_t size;
    int count = 0;

    assert_int_equal(rt_task_create(&task, RT_LOG_SILENT, NULL), 0);
    before = rt_task_enter(task);
    assert_int_equal(rt_log_open(folder, "log.txt", NULL), 0);
    for (int i = 0; i < 2; i++) {
        struct rt_lock lock;

        assert_int_equal(rt_lock_acquire(&lock, folder, "lock", NULL), 0);
        rt_lock_release(&lock);
    }
    assert_int_equal(rt_log_close(NULL), 0);
    rt_task_enter(before);
    rt_task_free(&task);
    assert_int_equal(rt_path_join(logged, folder, "log.txt", NULL), 0);
    assert_int_equal(rt_file_read_all(logged, 10000, &bytes, &size, NULL), 0);
    for (const char *at = bytes; (at = strstr(at, "cannot lock")); at++)
        count++;
    rt_free(&bytes);
    assert_int_equal(unlink(logged), 0);
    return count;
}

/* Of two sessions in one process, each says it to its own log. */
static void says_once_in_each_task(void **state)
{
    (void)state;
    unlink(path);
    lock_error = ENOLCK;
    rt_system_hook = refuse_locks;
    assert_int_equal(count_warnings(), 1);
    assert_int_equal(count_warnings(), 1);
    rt_system_hook = NULL;
}

/* A process that could not lock is seen by one that can. */
static void sees_a_holder_by_name(void **state)
{
    struct rt_lock lock;
    pid_t holder;

    (void)state;
    lock_error = ENOLCK;
    rt_system_hook = refuse_locks;
    holder = start_holder();
    rt_system_hook = NULL;
    assert_int_equal(rt_lock_acquire(&lock, folder, "lock", NULL), RT_EIO);
    assert_int_equal(rt_lock_holder(folder, "lock"), holder);
    end_holder(holder);
    assert_int_equal(rt_lock_acquire(&lock, folder, "lock", NULL), 0);
    rt_lock_release(&lock);
}

static void never_opens_a_fifo(void **state)
{
    struct rt_lock lock;

    (void)state;
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(rt_lock_holder(folder, "lock"), 0);
    assert_int_equal(rt_lock_acquire(&lock, folder, "lock", NULL), RT_EIO);
    assert_int_equal(unlink(path), 0);
}

static void survives_without_a_file(void **state)
{
    struct rt_lock zeroed = {0}, lock;
    struct rt_error err;

    (void)state;
    rt_lock_release(&zeroed);
    assert_int_equal(rt_lock_holder("/nonexistent", "lock"), 0);
    assert_int_equal(rt_lock_acquire(&lock, "/nonexistent", "lock", &err), RT_EIO);
    assert_non_null(strstr(err.message, "/nonexistent/lock"));
}

static int set_up(void **state)
{
    return scratch_make(state) || rt_path_join(folder, "", *state, NULL) ||
                   rt_path_join(path, folder, "lock", NULL)
               ? -1
               : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_a_second),
        cmocka_unit_test(takes_over_from_the_dead),
        cmocka_unit_test(takes_over_from_a_zombie),
        cmocka_unit_test(waits_for_one_that_is_ending),
        cmocka_unit_test(refuses_a_second_of_its_own),
        cmocka_unit_test(is_not_opened_by_removing_the_file),
        cmocka_unit_test(makes_a_removed_file_again),
        cmocka_unit_test(stops_in_a_folder_that_was_replaced),
        cmocka_unit_test(holds_the_file_that_is_there),
        cmocka_unit_test(says_once_in_each_task),
        cmocka_unit_test(goes_by_the_name_without_locks),
        cmocka_unit_test(sees_a_holder_by_name),
        cmocka_unit_test(never_opens_a_fifo),
        cmocka_unit_test(survives_without_a_file),
    };

    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
