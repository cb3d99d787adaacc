#include "cli/usage.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH = 79 };

/* "  NAME     meaning", the meaning folded under itself. */
static void append_row(struct rt_text *text, const char *name, int name_width, const char *meaning)
{
    struct rt_text folded = {0};
    const int column = name_width + 4, length = (int)strlen(name);

    rt_text_append_folded(&folded, meaning, column, WIDTH);
    if (length <= name_width)
        rt_text_printf(text, "  %s%*s%s", name, column - 2 - length, "", rt_text_string(&folded) + column);
    else
        rt_text_printf(text, "  %s\n%s", name, rt_text_string(&folded));
    text->failed = text->failed || folded.failed;
    rt_text_free(&folded);
}

static void append_commands(struct rt_text *text, const struct rt_command *const *commands, const char *prefix)
{
    int width = 8;

    for (int i = 0; commands[i]; i++)
        if (!commands[i]->hidden && (int)strlen(commands[i]->name) > width)
            width = (int)strlen(commands[i]->name);
    rt_text_append(text, "commands:\n");
    for (int i = 0; commands[i]; i++)
        if (!commands[i]->hidden && !strncmp(commands[i]->name, prefix, strlen(prefix)))
            append_row(text, commands[i]->name, width, commands[i]->summary);
}

void rt_usage_program(struct rt_text *text, const struct rt_command *const *commands)
{
    rt_text_append(text, "usage: rethink COMMAND [OPTION...]\n\n");
    rt_text_append_folded(text, RT_ABOUT, 0, WIDTH);
    rt_text_append(text, "\n");
    append_commands(text, commands, "");
    rt_text_append(text, "\n'rethink COMMAND --help' explains a command, with examples; 'rethink --version' "
                         "prints the version.\n\nexit codes:\n");
#define ROW(symbol, code, meaning) rt_text_printf(text, "  %d  %s\n", code, meaning);
    RT_STATUSES(ROW)
#undef ROW
    rt_text_append(text, "\nenvironment:\n");
#define ROW(variable, meaning) append_row(text, variable, 20, meaning);
    RT_ENVIRONMENT(ROW)
#undef ROW
}

/* "-q, --quiet" or "    --epochs N" in label[size]. */
static void option_label(char *label, size_t size, const struct rt_option *option)
{
    char letter[8] = "    ";

    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(label, size, "%s--%s%s%s", letter, option->name, option->argument ? " " : "",
             option->argument ? option->argument : "");
}

static void append_options(struct rt_text *text, const struct rt_command *command)
{
    static const struct rt_option help = {"help", 'h', NULL, NULL, "this text"};

    rt_text_append(text, "\noptions:\n");
    for (const struct rt_option *o = command->options;; o++) {
        const struct rt_option *shown = o && o->name ? o : &help;
        char label[96];

        option_label(label, sizeof label, shown);
        append_row(text, label, 22, shown->help);
        if (shown == &help)
            break;
    }
}

void rt_usage_command(struct rt_text *text, const struct rt_command *command)
{
    rt_text_printf(text, "usage: rethink %s%s%s [OPTION...]\n\n%s\n", command->name,
                   *command->operands ? " " : "", command->operands, command->summary);
    if (command->description && *command->description) {
        rt_text_append(text, "\n");
        rt_text_append_folded(text, command->description, 0, WIDTH);
    }
    append_options(text, command);
    if (command->examples && *command->examples) {
        rt_text_append(text, "\nexamples:\n");
        for (const char *line = command->examples; *line; line += strspn(line, "\n")) {
            const size_t length = strcspn(line, "\n");

            rt_text_printf(text, "  %.*s\n", (int)length, line);
            line += length;
        }
    }
}

bool rt_usage_group(struct rt_text *text, const struct rt_command *const *commands, const char *word)
{
    char prefix[64];
    bool any = false;

    snprintf(prefix, sizeof prefix, "%s ", word);
    for (int i = 0; commands[i]; i++)
        any = any || (!commands[i]->hidden && !strncmp(commands[i]->name, prefix, strlen(prefix)));
    if (!any)
        return false;
    rt_text_printf(text, "usage: rethink %s COMMAND [OPTION...]\n\n", word);
    append_commands(text, commands, prefix);
    rt_text_printf(text, "\n'rethink %s COMMAND --help' explains one, with examples.\n", word);
    return true;
}
