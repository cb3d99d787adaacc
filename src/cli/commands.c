#include "cli/commands.h"

#include <string.h>

#include "base/text.h"

#define RT_COMMAND_ADDRESS(name) &rt_command_##name,
const struct rt_command *const rt_commands[] = {RT_COMMANDS(RT_COMMAND_ADDRESS) NULL};
#undef RT_COMMAND_ADDRESS

enum { HINT_MAX = 128 };

/* How many of the words form the command's whole name; 0: it is another command. */
static int words_of_name(const struct rt_command *command, int count, char **strings)
{
    const char *at = command->name;
    int words = 0;

    while (*at) {
        const size_t length = strcspn(at, " ");

        if (words == count || strlen(strings[words]) != length || strncmp(strings[words], at, length) != 0)
            return 0;
        words++;
        at += length + (at[length] ? 1 : 0);
    }
    return words;
}

/* Nearest to the first word, or to the first two for names of two. */
static int unknown_command(int count, char **strings, struct rt_error *err)
{
    char two[128] = "", hint[HINT_MAX], second[HINT_MAX];
    struct rt_nearest one_word = {.word = strings[0]}, two_words = {.word = two};

    if (count > 1 && strlen(strings[0]) + strlen(strings[1]) + 2 <= sizeof two)
        stpcpy(stpcpy(stpcpy(two, strings[0]), " "), strings[1]);
    for (int i = 0; rt_commands[i]; i++) {
        if (rt_commands[i]->hidden)
            continue;
        rt_nearest_offer(&one_word, rt_commands[i]->name);
        if (*two)
            rt_nearest_offer(&two_words, rt_commands[i]->name);
    }
    rt_nearest_hint(&two_words, second, sizeof second);
    return rt_fail(err, RT_EUSAGE, "unknown command '%s'%s ('rethink --help' lists them)",
                   two_words.best ? two : strings[0],
                   two_words.best ? second : rt_nearest_hint(&one_word, hint, sizeof hint));
}

int rt_command_find(const struct rt_command **command, int *words, int count, char **strings,
                    struct rt_error *err)
{
    *command = NULL;
    *words = 0;
    for (int i = 0; rt_commands[i]; i++) {
        const int matched = words_of_name(rt_commands[i], count, strings);

        if (matched > *words) {
            *command = rt_commands[i];
            *words = matched;
        }
    }
    return *command ? RT_OK : unknown_command(count, strings, err);
}
