/* Interruption: the first SIGINT, SIGTERM or SIGUSR1 (a batch system's warning) asks to save and stop, a second
 * one ends the process at once, as if nobody had caught it. */
#ifndef RT_TRAIN_SIGNALS_H
#define RT_TRAIN_SIGNALS_H

#include <stdbool.h>

void rt_signals_catch(void);       /* from now on, until */
void rt_signals_release(void);     /* here; what came in between stays noted */
bool rt_signals_interrupted(void); /* has one come? */

#endif
