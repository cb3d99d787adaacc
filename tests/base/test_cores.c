/* How many threads can compute at once: CPU quotas of control groups, in trees made as /proc and /sys/fs/cgroup
 * are. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cores.h"
#include "base/file.h"
#include "support/scratch.h"

enum { FILES_MAX = 6 };

static const char v2_mount[] =
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
static const char v1_mount[] = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs ro,mode=755\n"
                               "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
                               "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

static const struct row {
    const char *what, *cgroup, *mounts;
    struct {
        const char *path, *text;
    } files[FILES_MAX];
    double quota;
} rows[] = {
    {"no control groups", "", "22 1 8:1 / / rw - ext4 /dev/sda rw\n", {{0}}, INFINITY},
    {"version 2 without a quota", "0::/a\n", v2_mount, {{"sys/fs/cgroup/a/cpu.max", "max 100000\n"}}, INFINITY},
    {"version 2 without the cpu controller",
     "0::/a\n",
     v2_mount,
     {{"sys/fs/cgroup/a/pids.max", "7\n"}},
     INFINITY},
    {"version 2", "0::/a\n", v2_mount, {{"sys/fs/cgroup/a/cpu.max", "20000 100000\n"}}, 0.2},
    {"the outer group gives less",
     "0::/a/b/c\n",
     v2_mount,
     {{"sys/fs/cgroup/a/cpu.max", "150000 100000\n"},
      {"sys/fs/cgroup/a/b/cpu.max", "max 100000\n"},
      {"sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n"}},
     1.5},
    {"the inner group gives less",
     "0::/a/b\n",
     v2_mount,
     {{"sys/fs/cgroup/a/cpu.max", "300000 100000\n"}, {"sys/fs/cgroup/a/b/cpu.max", "50000 50000\n"}},
     1},
    {"a neighbour's quota is not ours",
     "0::/a\n",
     v2_mount,
     {{"sys/fs/cgroup/ab/cpu.max", "20000 100000\n"}, {"sys/fs/cgroup/a/cpu.max", "max 100000\n"}},
     INFINITY},
    {"a container: its group is what it sees as the root",
     "0::/\n",
     "30 23 0:26 /../../docker/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
     {{"sys/fs/cgroup/cpu.max", "250000 100000\n"}},
     2.5},
    {"a container without a name space: the mount shows its group",
     "0::/docker/x/in\n",
     "30 23 0:26 /docker/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
     {{"sys/fs/cgroup/cpu.max", "300000 100000\n"}, {"sys/fs/cgroup/in/cpu.max", "200000 100000\n"}},
     2},
    {"a group outside of what is seen",
     "0::/../other\n",
     v2_mount,
     {{"sys/fs/cgroup/cpu.max", "100000 100000\n"}},
     1},
    {"version 1",
     "5:memory:/m\n4:cpuacct,cpu:/a/b\n0::/\n",
     v1_mount,
     {{"sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "30000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"},
      {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"}},
     0.3},
    {"version 1, the outer group's",
     "4:cpu,cpuacct:/a/b\n",
     v1_mount,
     {{"sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n"},
      {"sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "25000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "10000\n"}},
     2.5},
    {"version 1: cpuset and cpuacct are not cpu",
     "4:cpuset:/a\n3:cpuacct:/a\n",
     "32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n",
     {{"sys/fs/cgroup/cpuset/a/cpu.cfs_quota_us", "10000\n"},
      {"sys/fs/cgroup/cpuset/a/cpu.cfs_period_us", "100000\n"}},
     INFINITY},
    {"a mount with a space in its name",
     "0::/a\n",
     "30 23 0:26 / /sys/my\\040groups rw - cgroup2 cgroup2 rw\n",
     {{"sys/my groups/a/cpu.max", "70000 100000\n"}},
     0.7},
    {"nonsense is no quota", "0::/a\n", v2_mount, {{"sys/fs/cgroup/a/cpu.max", "-5 0\n"}}, INFINITY},
};

static void write_file(const char *root, const char *path, const char *text)
{
    char whole[RT_PATH_MAX], folder[RT_PATH_MAX];

    assert_int_equal(rt_path_join(whole, root, path, NULL), 0);
    assert_int_equal(rt_path_folder(folder, whole, NULL), 0);
    assert_int_equal(rt_folder_make(folder, NULL), 0);
    assert_int_equal(rt_file_write_all(whole, text, strlen(text), NULL), 0);
}

static void quotas(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        char name[16];
        double quota;

        snprintf(name, sizeof name, "%zu", i);
        write_file(in_scratch(state, name), "proc/self/cgroup", row->cgroup);
        write_file(in_scratch(state, name), "proc/self/mountinfo", row->mounts);
        for (int k = 0; k < FILES_MAX && row->files[k].path; k++)
            write_file(in_scratch(state, name), row->files[k].path, row->files[k].text);
        quota = rt_core_quota(in_scratch(state, name));
        if (!(fabs(quota - row->quota) <= 1e-12) && !(isinf(quota) && isinf(row->quota)))
            fail_msg("%s: %g, expected %g", row->what, quota, row->quota);
    }
}

static void counts(void **state)
{
    (void)state;
    assert_true(rt_core_count() >= 1 && rt_core_count() <= rt_core_allowed());
    assert_int_equal(rt_core_total(), rt_core_count());
    rt_core_bind(0);
    assert_int_equal(rt_core_allowed(), 1);
    assert_int_equal(rt_core_count(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(quotas, scratch_make, scratch_remove),
        cmocka_unit_test(counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
