/* Optimisers: how a parameter follows its gradient. Each is one line in RT_OPTIMIZERS and names the states that
 * it keeps for every parameter (checkpoints have them as tensors STATE.NAME). */
#ifndef RT_ENGINE_OPTIMIZER_H
#define RT_ENGINE_OPTIMIZER_H

enum { RT_OPTIMIZER_STATES_MAX = 2 };

/* What one pass's updates use; each optimiser reads its own fields. */
struct rt_update {
    double learning_rate, momentum, weight_decay;
};

struct rt_optimizer {
    const char *name; /* config key `optimizer` */
    const char *help;
    int state_count;
    const char *states[RT_OPTIMIZER_STATES_MAX];
};

/* X(name, state_count, states, help) */
#define RT_OPTIMIZERS(X)                                                                                       \
    X(sgd, 1, ("momentum"), "v = momentum v + g + weight_decay w; w -= learning_rate v, as PyTorch's SGD")

#define RT_OPTIMIZER_DECLARE(name, count, states, help) extern const struct rt_optimizer rt_optimizer_##name;
RT_OPTIMIZERS(RT_OPTIMIZER_DECLARE)
#undef RT_OPTIMIZER_DECLARE

extern const struct rt_optimizer *const rt_optimizers[];        /* in the list's order, ended by null */
const struct rt_optimizer *rt_optimizer_find(const char *name); /* null if there is none */

#endif
