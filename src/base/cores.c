#include "base/cores.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"

enum { LINE_MAX_SIZE = 2 * RT_PATH_MAX + 1024, FIELDS_MAX = 64 };

static int count_allowed(pid_t thread)
{
    cpu_set_t cores;

    if (sched_getaffinity(thread, sizeof cores, &cores))
        return 1;
    return CPU_COUNT(&cores) > 0 ? CPU_COUNT(&cores) : 1;
}

static int within_quota(int cores)
{
    const double quota = rt_core_quota("");

    return quota < cores ? (int)ceil(quota) : cores;
}

int rt_core_allowed(void)
{
    return count_allowed(0);
}

int rt_core_count(void)
{
    return within_quota(count_allowed(0));
}

int rt_core_total(void)
{
    return within_quota(count_allowed(getpid()));
}

void rt_core_bind(int index)
{
    cpu_set_t allowed, one;

    if (index < 0 || sched_getaffinity(0, sizeof allowed, &allowed))
        return;
    for (size_t core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, &allowed) || index--)
            continue;
        CPU_ZERO(&one);
        CPU_SET(core, &one);
        pthread_setaffinity_np(pthread_self(), sizeof one, &one);
        return;
    }
}

/* ---- quotas ---- */

/* The first line of FOLDER/NAME; false: there is none. */
static bool read_line(const char *folder, const char *name, char line[64])
{
    char path[RT_PATH_MAX];
    FILE *file;
    bool found;

    if (rt_path_join(path, folder, name, NULL) || !(file = fopen(path, "re")))
        return false;
    found = fgets(line, 64, file) != NULL;
    fclose(file);
    return found;
}

/* The quota set by a control group itself. "max 100000" or "20000 100000" in cpu.max (microseconds in each
 * period); in version 1 two files, with -1 for none. */
static double quota_of(const char *folder, bool unified)
{
    char line[64];
    double quota = -1, period = 0;

    if (unified) {
        if (!read_line(folder, "cpu.max", line) || sscanf(line, "%lf %lf", &quota, &period) != 2)
            return (double)INFINITY;
    } else if (!read_line(folder, "cpu.cfs_quota_us", line) || sscanf(line, "%lf", &quota) != 1 ||
               !read_line(folder, "cpu.cfs_period_us", line) || sscanf(line, "%lf", &period) != 1) {
        return (double)INFINITY;
    }
    return quota > 0 && period > 0 ? quota / period : (double)INFINITY;
}

/* The process's group in that hierarchy: /proc/self/cgroup has lines "NUMBER:CONTROLLERS:PATH", in version 2
 * "0::PATH". */
static bool find_group(const char *root, bool unified, char group[RT_PATH_MAX])
{
    char path[RT_PATH_MAX], line[LINE_MAX_SIZE];
    bool found = false;
    FILE *file;

    if (rt_path_join(path, root, "/proc/self/cgroup", NULL) || !(file = fopen(path, "re")))
        return false;
    while (!found && fgets(line, sizeof line, file)) {
        char *controllers = strchr(line, ':'), *at = controllers ? strchr(controllers + 1, ':') : NULL;

        if (!at)
            continue;
        *at++ = '\0';
        at[strcspn(at, "\n")] = '\0';
        for (char *c = controllers; *c; c++)
            *c = *c == ',' || *c == ':' ? ' ' : *c;
        found = unified ? !strcmp(line, "0 ") : rt_text_has_word(controllers + 1, "cpu");
        found = found && rt_copy_text(group, RT_PATH_MAX, at);
    }
    fclose(file);
    return found;
}

/* "\040" is a space, in place. */
static void unescape(char *text)
{
    char *to = text;

    while (*text) {
        unsigned code;

        if (*text == '\\' && sscanf(text + 1, "%3o", &code) == 1) {
            *to++ = (char)code;
            text += 4;
        } else {
            *to++ = *text++;
        }
    }
    *to = '\0';
}

/* The least quota from the group up to where its hierarchy is mounted: `point`, which shows the group `top` and
 * what lies in it (in a container, `top` need not be the hierarchy's own). */
static double least_quota(const char *root, const char *top, const char *point, bool unified)
{
    char group[RT_PATH_MAX], folder[RT_PATH_MAX], mounted[RT_PATH_MAX];
    const size_t above = strcmp(top, "/") ? strlen(top) : 0;
    double least = (double)INFINITY;
    const char *inside = "";

    if (!find_group(root, unified, group) || rt_path_join(mounted, root, point, NULL))
        return least;
    if (!strncmp(group, top, above) && (group[above] == '/' || !group[above]) && !strstr(group, "/.."))
        inside = group + above;
    if (rt_path_join(folder, mounted, inside, NULL))
        return least;
    for (;;) {
        least = fmin(least, quota_of(folder, unified));
        char *slash = strrchr(folder, '/');
        if (!slash || strlen(folder) <= strlen(mounted))
            return least;
        *slash = '\0';
    }
}

/* A line of mountinfo: "ID PARENT DEVICE ROOT POINT OPTIONS [TAGS...] - TYPE SOURCE OPTIONS". */
static double quota_of_mount(const char *root, char *line)
{
    char *fields[FIELDS_MAX], *rest = NULL;
    int count = 0, dash = 6;

    for (char *word = strtok_r(line, " \n", &rest); word && count < FIELDS_MAX;
         word = strtok_r(NULL, " \n", &rest))
        fields[count++] = word;
    while (dash < count && strcmp(fields[dash], "-") != 0)
        dash++;
    if (dash + 3 >= count)
        return (double)INFINITY;
    for (char *c = fields[dash + 3]; *c; c++)
        *c = *c == ',' ? ' ' : *c;
    const bool unified = !strcmp(fields[dash + 1], "cgroup2");
    if (!unified && (strcmp(fields[dash + 1], "cgroup") != 0 || !rt_text_has_word(fields[dash + 3], "cpu")))
        return (double)INFINITY;
    unescape(fields[3]);
    unescape(fields[4]);
    return least_quota(root, fields[3], fields[4], unified);
}

double rt_core_quota(const char *root)
{
    char path[RT_PATH_MAX], line[LINE_MAX_SIZE];
    double least = (double)INFINITY;
    FILE *file;

    if (rt_path_join(path, root, "/proc/self/mountinfo", NULL) || !(file = fopen(path, "re")))
        return least;
    while (fgets(line, sizeof line, file))
        least = fmin(least, quota_of_mount(root, line));
    fclose(file);
    return least;
}
