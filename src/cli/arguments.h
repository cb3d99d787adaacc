/* Parsing of the command line against a command's table of options. */
#ifndef RT_CLI_ARGUMENTS_H
#define RT_CLI_ARGUMENTS_H

#include "cli/command.h"

/* Parses what follows the command's name: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, flags together (-qv),
 * "--" before operands that look like options. *help tells that --help or -h was among them; then nothing else
 * is checked. RT_EUSAGE. rt_arguments_free also after an error. The strings are borrowed. */
int rt_arguments_parse(struct rt_arguments *arguments, const struct rt_command *command, int count,
                       char **strings, bool *help, struct rt_error *err);
void rt_arguments_free(struct rt_arguments *arguments);

#endif
