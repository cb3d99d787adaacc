#include "cli/arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "config/keys.h"

enum { HINT_MAX = 128 };

static const struct rt_option *find_option(const struct rt_command *command, const char *name, size_t length)
{
    for (const struct rt_option *o = command->options; o && o->name; o++)
        if (strlen(o->name) == length && !strncmp(o->name, name, length))
            return o;
    return NULL;
}

static const struct rt_option *find_letter(const struct rt_command *command, char letter)
{
    for (const struct rt_option *o = command->options; o && o->name; o++)
        if (o->letter == letter)
            return o;
    return NULL;
}

/* The config key that an unknown option means, where the command has --set: --momentum 0.5. */
static const struct rt_key *key_of_option(const struct rt_command *command, const char *name)
{
    char key[64];
    size_t i = 0;

    if (!find_option(command, "set", strlen("set")))
        return NULL;
    for (; name[i] && i + 1 < sizeof key; i++)
        key[i] = name[i] == '-' ? '_' : name[i];
    key[i] = '\0';
    return rt_key_find_short(key);
}

static int unknown_option(const struct rt_command *command, const char *string, size_t length, const char *next,
                          struct rt_error *err)
{
    char name[64], hint[HINT_MAX];
    struct rt_nearest nearest = {.word = name};

    if (length < sizeof name) {
        memcpy(name, string, length);
        name[length] = '\0';
        for (const struct rt_option *o = command->options; o && o->name; o++)
            rt_nearest_offer(&nearest, o->name);
        rt_nearest_offer(&nearest, "help");
        if (key_of_option(command, name))
            return rt_fail(err, RT_EUSAGE, "unknown option '--%s'; '--set %s=%.80s' sets this config key", name,
                           key_of_option(command, name)->name,
                           string[length]         ? string + length + 1
                           : next && *next != '-' ? next
                                                  : "VALUE");
    }
    if (nearest.best)
        return rt_fail(err, RT_EUSAGE,
                       "unknown option '--%s'; did you mean '--%s'? ('rethink %s --help' lists them)", name,
                       rt_nearest_found(&nearest), command->name);
    rt_nearest_hint(&nearest, hint, sizeof hint);
    return rt_fail(err, RT_EUSAGE, "unknown option '--%.*s' ('rethink %s --help' lists them)", (int)length,
                   string, command->name);
}

static void give(struct rt_arguments *arguments, const struct rt_option *option, const char *value)
{
    arguments->given[arguments->given_count].option = option;
    arguments->given[arguments->given_count].value = value;
    arguments->given_count++;
}

static int missing_value(const struct rt_option *option, struct rt_error *err)
{
    return rt_fail(err, RT_EUSAGE, "--%s needs a value: --%s %s", option->name, option->name, option->argument);
}

/* --name, --name=value, or --name and the next string; *at moves past what was used. */
static int parse_long(struct rt_arguments *arguments, int *at, int count, char **strings, struct rt_error *err)
{
    const char *name = strings[*at] + 2;
    const size_t length = strcspn(name, "=");
    const struct rt_option *option = find_option(arguments->command, name, length);

    if (!option)
        return unknown_option(arguments->command, name, length, *at + 1 < count ? strings[*at + 1] : NULL, err);
    ++*at;
    if (!option->argument) {
        if (name[length])
            return rt_fail(err, RT_EUSAGE, "--%s takes no value, got '%s'", option->name, name + length + 1);
        give(arguments, option, NULL);
    } else if (name[length]) {
        give(arguments, option, name + length + 1);
    } else {
        if (*at == count)
            return missing_value(option, err);
        give(arguments, option, strings[(*at)++]);
    }
    return RT_OK;
}

/* -q, -qv, -n VALUE, -nVALUE */
static int parse_letters(struct rt_arguments *arguments, bool *help, int *at, int count, char **strings,
                         struct rt_error *err)
{
    const char *letters = strings[(*at)++] + 1;

    for (; *letters; letters++) {
        const struct rt_option *option = find_letter(arguments->command, *letters);

        if (!option && *letters == 'h') {
            *help = true;
            return RT_OK;
        }
        if (!option)
            return rt_fail(err, RT_EUSAGE, "unknown option '-%c' ('rethink %s --help' lists them)", *letters,
                           arguments->command->name);
        if (!option->argument) {
            give(arguments, option, NULL);
            continue;
        }
        if (!letters[1] && *at == count)
            return missing_value(option, err);
        give(arguments, option, letters[1] ? letters + 1 : strings[(*at)++]);
        return RT_OK;
    }
    return RT_OK;
}

static int check_operands(const struct rt_arguments *arguments, struct rt_error *err)
{
    const struct rt_command *command = arguments->command;

    if (arguments->operand_count < command->operands_min)
        return rt_fail(err, RT_EUSAGE, "'rethink %s' needs %s ('rethink %s --help' shows how)", command->name,
                       command->operands, command->name);
    if (command->operands_max >= 0 && arguments->operand_count > command->operands_max)
        return rt_fail(err, RT_EUSAGE, "'rethink %s' takes %s%s, and '%s' is one too many", command->name,
                       command->operands_max ? "only " : "no operands",
                       command->operands_max ? command->operands : "",
                       arguments->operands[command->operands_max]);
    return RT_OK;
}

int rt_arguments_parse(struct rt_arguments *arguments, const struct rt_command *command, int count,
                       char **strings, bool *help, struct rt_error *err)
{
    size_t most = 1; /* a string gives at most one value, or as many flags as it has letters */
    bool options_over = false;

    *arguments = (struct rt_arguments){.command = command};
    *help = false;
    for (int i = 0; i < count; i++)
        most += strlen(strings[i]) + 1;
    RT_TRY(rt_alloc(&arguments->operands, (size_t)count + 1, sizeof *arguments->operands, "operands", err));
    RT_TRY(rt_alloc(&arguments->given, most, sizeof *arguments->given, "options", err));
    for (int at = 0; at < count && !*help;) {
        if (options_over || strings[at][0] != '-' || !strings[at][1]) {
            arguments->operands[arguments->operand_count++] = strings[at++];
        } else if (!strcmp(strings[at], "--")) {
            options_over = true;
            at++;
        } else if (!strcmp(strings[at], "--help")) {
            *help = true;
        } else if (strings[at][1] == '-') {
            RT_TRY(parse_long(arguments, &at, count, strings, err));
        } else {
            RT_TRY(parse_letters(arguments, help, &at, count, strings, err));
        }
    }
    return *help ? RT_OK : check_operands(arguments, err);
}

void rt_arguments_free(struct rt_arguments *arguments)
{
    rt_free(&arguments->operands);
    rt_free(&arguments->given);
    *arguments = (struct rt_arguments){0};
}

const char *rt_argument(const struct rt_arguments *arguments, const char *name)
{
    for (int i = arguments->given_count - 1; i >= 0; i--)
        if (!strcmp(arguments->given[i].option->name, name))
            return arguments->given[i].value ? arguments->given[i].value : "";
    return NULL;
}

bool rt_argument_flag(const struct rt_arguments *arguments, const char *name)
{
    return rt_argument(arguments, name) != NULL;
}

const char *rt_argument_at(const struct rt_arguments *arguments, const char *name, int i)
{
    for (int at = 0; at < arguments->given_count; at++)
        if (!strcmp(arguments->given[at].option->name, name) && !i--)
            return arguments->given[at].value;
    return NULL;
}

int rt_argument_integer(const struct rt_arguments *arguments, const char *name, long low, long high,
                        long fallback, long *value, struct rt_error *err)
{
    const char *text = rt_argument(arguments, name);
    char *end;
    long number;

    if (!text) {
        *value = fallback;
        return RT_OK;
    }
    errno = 0;
    number = strtol(text, &end, 10);
    if (!*text || *end || strspn(text, " \t\n\v\f\r"))
        return rt_fail(err, RT_EUSAGE, "--%s '%s' is not a whole number", name, text);
    if (errno || number < low || number > high)
        return rt_fail(err, RT_EUSAGE, "--%s %s is out of range: %ld to %ld", name, text, low, high);
    *value = number;
    return RT_OK;
}
