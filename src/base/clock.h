/* Time: durations never go back when someone sets the clock; dates are UTC. */
#ifndef RT_BASE_CLOCK_H
#define RT_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

enum { RT_ISO_TIME_MAX = 32 };

double rt_clock_wall_s(void); /* seconds since some fixed moment: differences are durations */

/* Seconds of processor time used by the threads of the caller's task (base/task.h), or, outside of any, of the
 * process. */
double rt_clock_cpu_s(void);

/* Total time, in seconds, that the threads of this process have been runnable while others had the cores; 0
 * where the system does not report it. Takes a few microseconds per thread. */
double rt_clock_waited_s(void);

int64_t rt_clock_unix_ms(void); /* milliseconds since 1970-01-01 UTC, as the system's clock has it */

/* "2017-04-24T10:15:30Z" of a time in milliseconds since 1970, in out[RT_ISO_TIME_MAX]; returns out. */
const char *rt_clock_iso(int64_t unix_ms, char *out);

/* Sleeps; a signal may end it early. */
void rt_clock_sleep_s(double seconds);

#endif
