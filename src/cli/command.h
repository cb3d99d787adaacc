/* A command: its options, its help, and what it is given. Each is one file in cli/ and one line in RT_COMMANDS
 * (cli/commands.h). */
#ifndef RT_CLI_COMMAND_H
#define RT_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "data/sources.h"
#include "engine/engine.h"

struct rt_option {
    const char *name;     /* "epochs" for --epochs; null ends a table */
    char letter;          /* 'q' for -q, or 0 */
    const char *argument; /* "N", "DIR", "KEY=VALUE"; null: a flag */
    const char *values;   /* what completion offers: words separated by spaces, "@files", "@dirs",
                             "@experiments", "@runs", "@keys", "@columns" or null */
    const char *help;     /* one sentence, lower case, no full stop */
};

/* What the user gave to one command. Options may come before or after operands; "--" ends options. */
struct rt_arguments {
    const struct rt_command *command;
    const struct rt_command *const *commands; /* all that there are, ended by null */
    int operand_count;
    const char **operands;
    int given_count; /* options in the order given; `value` is null for flags */
    struct {
        const struct rt_option *option;
        const char *value;
    } * given;
};

/* The last value given for --name, or null; for a flag "" when given. */
const char *rt_argument(const struct rt_arguments *arguments, const char *name);
bool rt_argument_flag(const struct rt_arguments *arguments, const char *name);
/* The i-th value of a repeatable option, or null when there are fewer. */
const char *rt_argument_at(const struct rt_arguments *arguments, const char *name, int i);
/* The option's value as a whole number in [low, high], or `fallback` when not given. RT_EUSAGE names the
 * option. */
int rt_argument_integer(const struct rt_arguments *arguments, const char *name, long low, long high,
                        long fallback, long *value, struct rt_error *err);

struct rt_command {
    const char *name;                /* "train", "data fetch" */
    const char *operands;            /* "EXPERIMENT", "[NAME...]"; "" for none */
    int operands_min, operands_max;  /* operands_max < 0: any number */
    const char *operand_values;      /* completion, as rt_option.values */
    const char *summary;             /* one line */
    const char *description;         /* paragraphs for --help and the man page */
    const char *examples;            /* lines "command  # what it does" */
    const struct rt_option *options; /* null: none */
    bool hidden;                     /* not in --help, the man page and the completion */
    int (*run)(const struct rt_arguments *arguments, struct rt_error *err);
};

/* Options shared by several commands, so that they read the same everywhere. */
#define RT_OPTION_DATA                                                                                         \
    {                                                                                                          \
        "data", 0, "NAME", RT_SOURCE_WORDS "@dirs",                                                            \
            "images: " RT_SOURCE_CLAUSES "or a directory with the files of one of them"                        \
    }
#define RT_OPTION_RUNS                                                                                         \
    {                                                                                                          \
        "runs", 0, "DIR", "@dirs", "where runs are kept (default: runs)"                                       \
    }
#define RT_OPTION_OUTPUT(what)                                                                                 \
    {                                                                                                          \
        "output", 'o', "DIR", "@dirs", "where " what " (default: figures)"                                     \
    }
#define RT_OPTION_THREADS                                                                                      \
    {                                                                                                          \
        "threads", 0, "N", NULL,                                                                               \
            "threads to compute with (default: one per core, or what a CPU quota has room for)"                \
    }
/* "native reference " and "; native: for this ...; reference: each ...", from the lists. */
#define RT_LIST_WORD(name, help) #name " "
#define RT_LIST_HELP(name, help) "; " #name ": " help
#define RT_OPTION_ENGINE                                                                                       \
    {                                                                                                          \
        "engine", 0, "NAME", RT_ENGINES(RT_LIST_WORD), "the engine that computes" RT_ENGINES(RT_LIST_HELP)     \
    }
#define RT_OPTION_DEVICE                                                                                       \
    {                                                                                                          \
        "device", 0, "NAME", RT_DEVICE_WORDS, "what it computes on" RT_DEVICE_CLAUSES                          \
    }
#define RT_OPTION_QUIET                                                                                        \
    {                                                                                                          \
        "quiet", 'q', NULL, NULL, "only warnings and errors"                                                   \
    }
#define RT_OPTION_VERBOSE                                                                                      \
    {                                                                                                          \
        "verbose", 'v', NULL, NULL, "more detail"                                                              \
    }

#endif
