/* The optimisers that `optimizer` may name. Each is one line here and its formula in engine/optimizers/NAME.h;
 * the enum, validation, --help, the man page and docs/config.md expand from this list, and each engine's code
 * from the formula. */
#ifndef RT_CONFIG_OPTIMIZERS_H
#define RT_CONFIG_OPTIMIZERS_H

/* X(name, first state, second state, how weights follow gradients). A state is kept for every parameter, begins
 * at 0, and is saved as the tensors STATE.NAME; "": there is none. */
#define RT_OPTIMIZERS(X)                                                                                       \
    X(sgd, "momentum", "", "gradient descent with momentum")                                                   \
    X(nesterov, "momentum", "", "the same with Nesterov's momentum")                                           \
    X(adam, "exp_avg", "exp_avg_sq", "Adam, where momentum is beta1, beta2 is 0.999 and epsilon 1e-8")

enum rt_optimizer_index {
#define RT_OPTIMIZER_ENUM(name, state0, state1, help) RT_OPTIMIZER_##name,
    RT_OPTIMIZERS(RT_OPTIMIZER_ENUM)
#undef RT_OPTIMIZER_ENUM
};

/* "sgd nesterov ... ", and "; sgd: gradient ...; nesterov: the ..." */
#define RT_OPTIMIZER_WORD(name, state0, state1, help) #name " "
#define RT_OPTIMIZER_CLAUSE(name, state0, state1, help) "; " #name ": " help
#define RT_OPTIMIZER_WORDS RT_OPTIMIZERS(RT_OPTIMIZER_WORD)
#define RT_OPTIMIZER_CLAUSES RT_OPTIMIZERS(RT_OPTIMIZER_CLAUSE)

#endif
