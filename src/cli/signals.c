#include "cli/signals.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static const int caught[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1};

enum { CAUGHT_COUNT = sizeof caught / sizeof *caught };

static atomic_int requests;
static bool ours[CAUGHT_COUNT]; /* not ignored */
static int most;

static void note_signal(int number)
{
    (void)number;
    if (atomic_fetch_add(&requests, 1) + 1 < most)
        return;
    for (int i = 0; i < CAUGHT_COUNT; i++)
        if (ours[i])
            signal(caught[i], SIG_DFL);
}

const atomic_int *rt_signals_catch(int patience)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART}, before;

    most = patience;
    sigfillset(&action.sa_mask);
    for (int i = 0; i < CAUGHT_COUNT; i++) {
        ours[i] = !sigaction(caught[i], NULL, &before) && before.sa_handler != SIG_IGN;
        if (ours[i])
            sigaction(caught[i], &action, NULL);
    }
    return &requests;
}
