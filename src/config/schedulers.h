/* The learning-rate schedulers that `scheduler` may name. Each is one line here and one function in
 * train/schedule.c; the enum, validation, --help, the man page and docs/config.md expand from this list. */
#ifndef RT_CONFIG_SCHEDULERS_H
#define RT_CONFIG_SCHEDULERS_H

/* X(symbol, name, what it does to the learning rate) */
#define RT_SCHEDULERS(X)                                                                                       \
    X(exponential, "exponential", "times lr_decay after each epoch")                                           \
    X(multi_step, "multi-step", "times 0.1 after each of the milestones")                                      \
    X(constant, "constant", "unchanged")

enum rt_scheduler {
#define RT_SCHEDULER_ENUM(symbol, name, help) RT_SCHEDULER_##symbol,
    RT_SCHEDULERS(RT_SCHEDULER_ENUM)
#undef RT_SCHEDULER_ENUM
};

/* "exponential multi-step ... ", and "; exponential: times ...; multi-step: ..." */
#define RT_SCHEDULER_WORD(symbol, name, help) name " "
#define RT_SCHEDULER_CLAUSE(symbol, name, help) "; " name ": " help
#define RT_SCHEDULER_WORDS RT_SCHEDULERS(RT_SCHEDULER_WORD)
#define RT_SCHEDULER_CLAUSES RT_SCHEDULERS(RT_SCHEDULER_CLAUSE)

#endif
