/* rethink help [COMMAND]: what --help prints. */
#include <stdio.h>

#include "base/memory.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/usage.h"

static int run_help(const struct rt_arguments *arguments, struct rt_error *err)
{
    const struct rt_command *command;
    struct rt_text text = {0};
    int words, rc = RT_OK;

    if (!arguments->operand_count)
        rt_usage_program(&text, arguments->commands);
    else if (!(rc = rt_command_find(arguments->commands, &command, &words, arguments->operand_count,
                                    (char **)arguments->operands, err)))
        rt_usage_command(&text, command);
    else if (rt_usage_group(&text, arguments->commands, arguments->operands[0]))
        rc = RT_OK;
    return rc ? rc : rt_output_text(&text, err);
}

const struct rt_command rt_command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .operands_max = 2,
    .summary = "Explain a command, or list them all.",
    .examples = "rethink help train  # the same as: rethink train --help",
    .run = run_help,
};
