#include "train/signals.h"

#include <signal.h>
#include <stddef.h>

static const int caught[] = {SIGINT, SIGTERM, SIGUSR1};

enum { CAUGHT_COUNT = sizeof caught / sizeof *caught };

static volatile sig_atomic_t interrupted;
static struct sigaction before[CAUGHT_COUNT];

static void note_signal(int number)
{
    (void)number;
    interrupted = 1;
    for (int i = 0; i < CAUGHT_COUNT; i++)
        signal(caught[i], SIG_DFL);
}

void rt_signals_catch(void)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};

    interrupted = 0;
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < CAUGHT_COUNT; i++) {
        sigaction(caught[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) /* nohup and background jobs ignore on purpose */
            sigaction(caught[i], &action, NULL);
    }
}

void rt_signals_release(void)
{
    for (int i = 0; i < CAUGHT_COUNT; i++)
        sigaction(caught[i], &before[i], NULL);
}

bool rt_signals_interrupted(void)
{
    return interrupted;
}
