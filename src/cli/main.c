/* The program: finds the command, runs it, prints its error and returns its exit code. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/usage.h"

#define RT_COMMAND_ADDRESS(name) &rt_command_##name,
static const struct rt_command *const commands[] = {RT_COMMANDS(RT_COMMAND_ADDRESS) NULL};
#undef RT_COMMAND_ADDRESS

static int run_command(int count, char **strings, struct rt_error *err)
{
    const struct rt_command *command;
    struct rt_arguments arguments = {0};
    struct rt_text text = {0};
    bool help = false;
    int words, rc;

    if ((rc = rt_command_find(commands, &command, &words, count, strings, err))) {
        const bool bare = count == 1 || !strcmp(strings[1], "--help") || !strcmp(strings[1], "-h");

        if (!bare || !rt_usage_group(&text, commands, strings[0]))
            return rc;
        if (count > 1)
            return rt_output_text(&text, err);
        rt_text_free(&text);
        return rt_fail(err, RT_EUSAGE, "'%s' needs one more word ('rethink %s --help' lists them)", strings[0],
                       strings[0]);
    }
    if (!(rc = rt_arguments_parse(&arguments, command, count - words, strings + words, &help, err))) {
        arguments.commands = commands;
        if (help) {
            rt_usage_command(&text, command);
            rc = rt_output_text(&text, err);
        } else {
            rc = command->run(&arguments, err);
        }
    }
    rt_arguments_free(&arguments);
    return rc;
}

static int run_program(int count, char **strings, struct rt_error *err)
{
    struct rt_text text = {0};

    if (count && (!strcmp(strings[0], "--version") || !strcmp(strings[0], "-V")))
        return rt_output("rethink " RT_VERSION "\n", err);
    if (count && (!strcmp(strings[0], "--help") || !strcmp(strings[0], "-h"))) {
        rt_usage_program(&text, commands);
        return rt_output_text(&text, err);
    }
    if (!count)
        return rt_fail(err, RT_EUSAGE, "a command is missing ('rethink --help' lists them)");
    if (strings[0][0] == '-')
        return rt_fail(err, RT_EUSAGE, "'%s' before a command: try 'rethink train %s ...' or 'rethink --help'",
                       strings[0], strings[0]);
    return run_command(count, strings, err);
}

int main(int argc, char **argv)
{
    struct rt_error err = {0};
    int rc;

    signal(SIGPIPE, SIG_IGN); /* writing to a closed pipe is an error, reported like others */
    if (!(rc = rt_process_occupy_standard_descriptors(&err)))
        rc = run_program(argc > 0 ? argc - 1 : 0, argv + 1, &err);
    if (rc && err.message[0])
        fprintf(stderr, "rethink: %s\n", err.message);
    exit(rt_status_exit_code((enum rt_status)rc));
}
