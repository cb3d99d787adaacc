/* Layers' parameters as recorders see them. */
#ifndef RT_TRAIN_WEIGHTS_H
#define RT_TRAIN_WEIGHTS_H

#include "engine/engine.h"
#include "track/recorder.h"

/* Hands a copy of each parameter tensor to the recorders. RT_EMEMORY, RT_EDEVICE, or a recorder's error. */
int rt_weights_show(struct rt_plan *plan, struct rt_recorders *recorders, int epoch, struct rt_error *err);

#endif
