/* Linked into `rethink-faulty`: with RT_CLOCK_JUMPS in the environment, each look at the date is some years
 * before or behind the six before it, as if someone kept setting the clock. Clocks that nobody can set are left
 * alone. */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { YEAR_S = 365 * 24 * 3600 };

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static atomic_uint looks;
    const int rc = (int)syscall(SYS_clock_gettime, clock, now);

    if (!rc && clock == CLOCK_REALTIME && getenv("RT_CLOCK_JUMPS"))
        now->tv_sec += ((int)(5 * atomic_fetch_add(&looks, 1) % 7) - 3) * YEAR_S;
    return rc;
}
