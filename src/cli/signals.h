/* Requests to stop (SIGHUP, SIGINT, SIGTERM, and SIGUSR1, a batch system's warning), for the commands that save
 * what they have. They are counted, and whoever works is handed the count; what is ignored (nohup, background
 * jobs) stays ignored. */
#ifndef RT_CLI_SIGNALS_H
#define RT_CLI_SIGNALS_H

#include <stdatomic.h>

/* Counts them from now on until the process ends; those within a second of the last that counted are the same
 * request, since timeout(1), make and batch systems send theirs twice. The first `patience` are requests; the
 * next one ends the process at once, as if nobody had caught it. */
const atomic_int *rt_signals_catch(int patience);

#endif
