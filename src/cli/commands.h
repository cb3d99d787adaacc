/* The list of commands. --help, the man page and the shell completion are made from it and from the tables of
 * options. */
#ifndef RT_CLI_COMMANDS_H
#define RT_CLI_COMMANDS_H

#include "cli/command.h"

/* The commands that exist, in the order of --help; each command's file defines rt_command_NAME. */
/* clang-format off */
#define RT_COMMANDS(X) \
    X(train) \
    X(evaluate) \
    X(images) \
    X(bench) \
    X(list) \
    X(results) \
    X(sync) \
    X(config) \
    X(view) \
    X(devices) \
    X(sweep) \
    X(figure1) \
    X(figure2) \
    X(seed_importance) \
    X(table1) \
    X(table4) \
    X(theorem1) \
    X(rademacher) \
    X(kernel) \
    X(plot) \
    X(report) \
    X(data_fetch) \
    X(data_check) \
    X(data_labels) \
    X(data_samples) \
    X(help) \
    X(man) \
    X(completion) \
    X(config_table)
/* clang-format on */

#define RT_COMMAND_DECLARE(name) extern const struct rt_command rt_command_##name;
RT_COMMANDS(RT_COMMAND_DECLARE)
#undef RT_COMMAND_DECLARE

/* Finds, in a list ended by null, the command that the words begin with ("data fetch" before "data") and how
 * many words its name takes. RT_EUSAGE suggests the nearest name. */
int rt_command_find(const struct rt_command *const *commands, const struct rt_command **command, int *words,
                    int count, char **strings, struct rt_error *err);

#endif
