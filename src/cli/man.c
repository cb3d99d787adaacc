/* rethink man: the manual page, in the language of man(7), from the tables of commands, keys and exit codes.
 * Called by the build. */
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/usage.h"
#include "config/keys.h"

/* Text as roff: backslashes and hyphens escaped, no line begins as a request. */
static void append_roff(struct rt_text *text, const char *string)
{
    bool line_start = !text->length || text->bytes[text->length - 1] == '\n';

    for (; *string; string++) {
        if (line_start && strchr(".'", *string))
            rt_text_append(text, "\\&");
        line_start = *string == '\n';
        if (*string == '\\')
            rt_text_append(text, "\\e");
        else if (*string == '-')
            rt_text_append(text, "\\-");
        else
            rt_text_append_bytes(text, string, 1);
    }
}

static void append_item(struct rt_text *text, const char *macro, const char *name, const char *argument,
                        const char *meaning)
{
    rt_text_append(text, ".TP\n");
    rt_text_append(text, macro);
    append_roff(text, name);
    rt_text_append(text, "\\fR");
    if (argument) {
        rt_text_append(text, " \\fI");
        append_roff(text, argument);
        rt_text_append(text, "\\fR");
    }
    rt_text_append(text, "\n");
    append_roff(text, meaning);
    rt_text_append(text, "\n");
}

static void append_option(struct rt_text *text, const struct rt_option *option)
{
    struct rt_text name = {0};

    if (option->letter)
        rt_text_printf(&name, "-%c, ", option->letter);
    rt_text_printf(&name, "--%s", option->name);
    append_item(text, "\\fB", rt_text_string(&name), option->argument, option->help);
    rt_text_free(&name);
}

static void append_command(struct rt_text *text, const struct rt_command *command)
{
    rt_text_append(text, ".SS rethink ");
    append_roff(text, command->name);
    if (*command->operands) {
        rt_text_append(text, " ");
        append_roff(text, command->operands);
    }
    rt_text_append(text, "\n");
    append_roff(text, command->summary);
    rt_text_append(text, "\n");
    if (command->description && *command->description) {
        rt_text_append(text, ".PP\n");
        append_roff(text, command->description);
        rt_text_append(text, "\n");
    }
    for (const struct rt_option *o = command->options; o && o->name; o++)
        append_option(text, o);
    if (command->examples && *command->examples) {
        rt_text_append(text, ".PP\nExamples:\n.PP\n.nf\n.RS\n");
        append_roff(text, command->examples);
        rt_text_append(text, "\n.RE\n.fi\n");
    }
}

static void append_keys(struct rt_text *text)
{
    rt_text_append(text, ".SH CONFIGURATION\n");
    append_roff(text,
                "A config is a YAML file of lines 'key: value'; it names only what it changes. The keys, their "
                "defaults and what they take:\n");
    for (const struct rt_key *key = rt_keys; key->name; key++) {
        struct rt_text meaning = {0};

        if (key == rt_keys || key->group != key[-1].group)
            rt_text_printf(text, ".SS \"%s\"\n", rt_key_group_title(key->group));
        rt_key_expectation(key, &meaning);
        rt_text_printf(&meaning, ". %s", key->help);
        append_item(text, "\\fB", key->name, key->preset, rt_text_string(&meaning));
        rt_text_free(&meaning);
    }
}

static void append_page(struct rt_text *text, const struct rt_command *const *commands)
{
    rt_text_append(text,
                   ".TH RETHINK 1 \"\" \"rethink " RT_VERSION "\" \"User Commands\"\n.SH NAME\nrethink \\- "
                   "train and plot CIFAR\\-10 randomization experiments\n.SH SYNOPSIS\n.B rethink\n.I COMMAND\n"
                   "[\\fIOPTION\\fR...]\n.SH DESCRIPTION\n");
    append_roff(text, RT_ABOUT "\n");
    rt_text_append(text, ".SH COMMANDS\n");
    for (int i = 0; commands[i]; i++)
        if (!commands[i]->hidden)
            append_command(text, commands[i]);
    append_keys(text);
    rt_text_append(text, ".SH EXIT STATUS\n");
#define EXIT_ROW(symbol, code, meaning) append_item(text, "\\fB", #code, NULL, meaning);
    RT_STATUSES(EXIT_ROW)
#undef EXIT_ROW
    rt_text_append(text, ".SH ENVIRONMENT\n");
#define ENVIRONMENT_ROW(variable, meaning) append_item(text, "\\fB", variable, NULL, meaning);
    RT_ENVIRONMENT(ENVIRONMENT_ROW)
#undef ENVIRONMENT_ROW
}

static int run_man(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_text text = {0};

    append_page(&text, arguments->commands);
    return rt_output_text(&text, err);
}

const struct rt_command rt_command_man = {
    .name = "man",
    .operands = "",
    .summary = "Print the manual page's source.",
    .examples = "rethink man | man -l -",
    .hidden = true,
    .run = run_man,
};
