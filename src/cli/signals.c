#include "cli/signals.h"

#include <signal.h>
#include <stddef.h>

#include "base/clock.h"

/* Seconds within which signals are one request: timeout, make and a batch system send theirs to a process and
 * again to its group. */
#define ONE_REQUEST_S 1.0

static const int caught[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1};

enum { CAUGHT_COUNT = sizeof caught / sizeof *caught };

static atomic_int requests;
static _Atomic double counted_s = -ONE_REQUEST_S; /* when the last request was counted */
static int most;

static void note_signal(int number)
{
    double last = atomic_load(&counted_s);
    const double now = rt_clock_wall_s(); /* safe in a handler: only clock_gettime */

    if (now - last < ONE_REQUEST_S)
        return;
    if (!atomic_compare_exchange_strong(&counted_s, &last, now))
        return; /* another thread has counted one at this moment */
    if (atomic_fetch_add(&requests, 1) < most)
        return;
    signal(number, SIG_DFL);
    raise(number); /* comes when the handler returns, which blocks it */
}

const atomic_int *rt_signals_catch(int patience)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART}, before;

    most = patience;
    sigfillset(&action.sa_mask);
    for (int i = 0; i < CAUGHT_COUNT; i++)
        if (!sigaction(caught[i], NULL, &before) && before.sa_handler != SIG_IGN)
            sigaction(caught[i], &action, NULL);
    return &requests;
}
