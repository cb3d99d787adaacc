#include "cli/commands.h"

#include <string.h>

#include "base/text.h"
#include "config/builtin.h"
#include "net/models.h"

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

/* The words as they were given, the rest of a long line as "...". */
static void append_words(struct rt_text *text, int count, char **strings)
{
    for (int i = 0; i < count; i++) {
        if (text->length + strlen(strings[i]) > 160) {
            rt_text_append(text, " ...");
            return;
        }
        rt_text_append(text, " ");
        rt_text_append_plain(text, strings[i]);
    }
}

/* An experiment or a model where a command should be: the line that trains it. */
static bool offer_training(struct rt_text *text, int count, char **strings)
{
    const char *word = strings[0];
    const struct rt_model *model = rt_model_find(word);
    struct rt_experiment experiment;

    if (model) {
        rt_text_printf(text, "'%s' is a model: 'rethink train %s_0.0_none", word, model->name);
        append_words(text, count - 1, strings + 1);
        rt_text_printf(text, "' trains it on true labels, %s_0.5_none with half of them random", model->name);
        return true;
    }
    if (rt_experiment_resolve(&experiment, word, NULL) || !rt_model_find(experiment.model_name))
        return false;
    rt_text_append_plain(text, word);
    rt_text_append(text, " is an experiment: 'rethink train");
    append_words(text, count, strings);
    rt_text_append(text, "' trains it");
    return true;
}

/* Nearest to the first word, or to the first two for names of two. */
static int unknown_command(const struct rt_command *const *commands, int count, char **strings,
                           struct rt_error *err)
{
    struct rt_text training = {0};
    char two[128] = "", hint[HINT_MAX], second[HINT_MAX];
    struct rt_nearest one_word = {.word = strings[0]}, two_words = {.word = two};

    if (offer_training(&training, count, strings)) {
        rt_fail(err, RT_EUSAGE, "%s", rt_text_string(&training));
        rt_text_free(&training);
        return RT_EUSAGE;
    }
    if (count > 1 && strlen(strings[0]) + strlen(strings[1]) + 2 <= sizeof two)
        stpcpy(stpcpy(stpcpy(two, strings[0]), " "), strings[1]);
    for (int i = 0; commands[i]; i++) {
        if (commands[i]->hidden)
            continue;
        rt_nearest_offer(&one_word, commands[i]->name);
        if (*two)
            rt_nearest_offer(&two_words, commands[i]->name);
    }
    rt_nearest_hint(&two_words, second, sizeof second);
    return rt_fail(err, RT_EUSAGE, "unknown command '%s'%s ('rethink --help' lists them)",
                   two_words.best ? two : strings[0],
                   two_words.best ? second : rt_nearest_hint(&one_word, hint, sizeof hint));
}

int rt_command_find(const struct rt_command *const *commands, const struct rt_command **command, int *words,
                    int count, char **strings, struct rt_error *err)
{
    *command = NULL;
    *words = 0;
    for (int i = 0; commands[i]; i++) {
        const int matched = words_of_name(commands[i], count, strings);

        if (matched > *words) {
            *command = commands[i];
            *words = matched;
        }
    }
    return *command ? RT_OK : unknown_command(commands, count, strings, err);
}
