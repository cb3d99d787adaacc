#include "base/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>

static double seconds_of(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now))
        return 0;
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double rt_clock_wall_s(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

/* The second number of /proc/self/task/ID/schedstat: nanoseconds of waiting on a run queue. */
static double thread_waited_s(const char *id)
{
    char path[64];
    unsigned long long ran, waited;
    double seconds = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%.20s/schedstat", id);
    if (!(file = fopen(path, "re")))
        return 0;
    if (fscanf(file, "%llu %llu", &ran, &waited) == 2)
        seconds = 1e-9 * (double)waited;
    fclose(file);
    return seconds;
}

double rt_clock_waited_s(void)
{
    DIR *threads = opendir("/proc/self/task");
    const struct dirent *thread;
    double seconds = 0;

    while (threads && (thread = readdir(threads)))
        if (*thread->d_name != '.')
            seconds += thread_waited_s(thread->d_name);
    if (threads)
        closedir(threads);
    return seconds;
}

int64_t rt_clock_unix_ms(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now))
        return 0;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *rt_clock_iso(int64_t unix_ms, char *out)
{
    const time_t seconds = (time_t)(unix_ms / 1000);
    struct tm date;

    if (!gmtime_r(&seconds, &date) || !strftime(out, RT_ISO_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &date))
        snprintf(out, RT_ISO_TIME_MAX, "unknown time");
    return out;
}

void rt_clock_sleep_s(double seconds)
{
    struct timespec left;

    if (!(seconds > 0))
        return;
    left.tv_sec = (time_t)seconds;
    left.tv_nsec = (long)(1e9 * (seconds - (double)left.tv_sec));
    nanosleep(&left, NULL);
}
