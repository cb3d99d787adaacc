/* The thread team: each member works once a round, barriers hold everyone, slices share out all and nothing
 * twice. Runs under ThreadSanitizer too (`make tsan`), so members write plain memory where the team promises
 * order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"

enum { MEMBERS_MAX = 9, ROUNDS = 300 };

struct work {
    struct rt_team *team;
    int calls[MEMBERS_MAX];
    int before[MEMBERS_MAX]; /* written before the barrier, read by everyone after it */
    int sums[MEMBERS_MAX];
};

static void count(void *context, int member)
{
    struct work *const work = context;

    work->calls[member]++;
}

static void exchange(void *context, int member)
{
    struct work *const work = context;
    const int size = rt_team_size(work->team);

    for (int i = 0; i < 3; i++) {
        work->before[member] = member + i;
        rt_team_barrier(work->team);
        work->sums[member] = 0;
        for (int j = 0; j < size; j++)
            work->sums[member] += work->before[j];
        rt_team_barrier(work->team); /* before the next writes */
    }
}

static const int sizes[] = {
    1,    /* the caller alone */
    2, 3, /* more than the cores of a small machine */
    9,    /* crowded */
};

static void every_member_works_once_a_round(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct work work = {0};
        struct rt_error err;

        assert_int_equal(rt_team_create(&work.team, sizes[i], &err), RT_OK);
        assert_int_equal(rt_team_size(work.team), sizes[i]);
        for (int round = 0; round < ROUNDS; round++) {
            rt_team_run(work.team, count, &work);
            if (round == ROUNDS / 2)
                usleep(20000); /* helpers have gone to sleep and must be woken */
            for (int member = 0; member < sizes[i]; member++)
                assert_int_equal(work.calls[member], round + 1);
        }
        rt_team_free(&work.team);
        assert_null(work.team);
    }
}

static void barriers_hold_everyone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int size = sizes[i];
        struct work work = {0};
        struct rt_error err;

        assert_int_equal(rt_team_create(&work.team, size, &err), RT_OK);
        for (int round = 0; round < ROUNDS / 10; round++) {
            rt_team_run(work.team, exchange, &work);
            for (int member = 0; member < size; member++)
                assert_int_equal(work.sums[member], size * (size - 1) / 2 + 2 * size);
        }
        rt_team_free(&work.team);
    }
}

static void sleep_as_member_1(void *context, int member)
{
    (void)context;
    if (member == 1)
        usleep(5000);
}

/* A team that has more members than there are cores waits without using them up: fifty rounds take 0.01 s of
 * processor time, 0.1 to 0.35 s where members spin and yield. */
static void crowded_teams_wait_asleep(void **state)
{
    struct rt_team *team;
    struct rt_error err;
    const char *slower = getenv("RT_SLOWER");
    double began_s;

    (void)state;
    if (rt_core_count() >= MEMBERS_MAX)
        rt_core_bind(0);
    assert_int_equal(rt_team_create(&team, MEMBERS_MAX, &err), RT_OK);
    began_s = rt_clock_cpu_s();
    for (int round = 0; round < 50; round++)
        rt_team_run(team, sleep_as_member_1, NULL);
    assert_true(rt_clock_cpu_s() - began_s < 0.05 * (slower ? atof(slower) : 1));
    rt_team_free(&team);
}

static void slices_share_out_all(void **state)
{
    static const struct {
        long count, unit;
    } rows[] = {
        {0, 1},    /* nothing to do */
        {1, 1},    /* less than the members */
        {100, 16}, /* the last unit is not whole */
        {7, 16},   /* not even one unit */
        {128, 1},  {1000003, 16},
    };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct rt_team *team;
        struct rt_error err;

        assert_int_equal(rt_team_create(&team, sizes[i], &err), RT_OK);
        for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
            long next = 0;

            for (int member = 0; member < sizes[i]; member++) {
                const struct rt_slice slice = rt_team_slice(team, member, rows[row].count, rows[row].unit);

                assert_true(slice.begin == slice.end || slice.begin == next);
                assert_true(slice.begin == slice.end || slice.begin % rows[row].unit == 0);
                assert_true(slice.end >= slice.begin);
                next = slice.begin == slice.end ? next : slice.end;
            }
            assert_int_equal(next, rows[row].count);
        }
        rt_team_free(&team);
    }
}

static void sizes_are_checked(void **state)
{
    struct rt_team *team;
    struct rt_error err;

    (void)state;
    assert_int_equal(rt_team_create(&team, -1, &err), RT_EUSAGE);
    assert_null(team);
    assert_int_equal(rt_team_create(&team, 257, &err), RT_EUSAGE);
    assert_int_equal(rt_team_create(&team, 0, &err), RT_OK);
    assert_int_equal(rt_team_size(team), rt_core_count());
    rt_team_free(&team);
    rt_team_free(&team); /* accepts null */
    rt_alloc_fail_at(1);
    assert_int_equal(rt_team_create(&team, 3, &err), RT_EMEMORY);
    assert_null(team);
    rt_alloc_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_works_once_a_round),
        cmocka_unit_test(barriers_hold_everyone),
        cmocka_unit_test(slices_share_out_all),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(crowded_teams_wait_asleep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
