#include "base/clock.h"

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

double rt_clock_cpu_s(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
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
