/* The settings of a pass's updates, from the config. Plain C: the CUDA engine's kernels read it too. */
#ifndef RT_ENGINE_OPTIMIZERS_UPDATE_H
#define RT_ENGINE_OPTIMIZERS_UPDATE_H

struct rt_update {
    double learning_rate, momentum, weight_decay;
};

enum { RT_OPTIMIZER_STATES_MAX = 2, RT_OPTIMIZER_TERMS_MAX = 8 };

#endif
