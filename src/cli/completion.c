/* rethink completion bash: the completion script, from the tables of commands and keys. Called by the build. */
#include <string.h>

#include "cli/commands.h"
#include "cli/experiment_args.h"
#include "cli/output.h"
#include "config/experiment.h"
#include "config/keys.h"
#include "runs/properties.h"

/* Several words joined by commas. */
static bool takes_list(const struct rt_option *option)
{
    return !strcmp(option->argument, "LIST") || !strcmp(option->argument, "CONDITIONS") ||
           strstr(option->argument, ",...");
}

/* One line per command: "name) ... ;;" with its options, and what each option and the operands complete to. */
static void append_command(struct rt_text *text, const struct rt_command *command)
{
    rt_text_printf(text, "    '%s')\n        options='", command->name);
    for (const struct rt_option *o = command->options; o && o->name; o++) {
        rt_text_printf(text, "--%s ", o->name);
        if (o->letter)
            rt_text_printf(text, "-%c ", o->letter);
    }
    rt_text_printf(text, "--help'\n        operands='%s'\n        case $option in\n",
                   command->operand_values ? command->operand_values : "");
    for (const struct rt_option *o = command->options; o && o->name; o++) {
        if (!o->argument)
            continue;
        rt_text_printf(text, "        --%s", o->name);
        if (o->letter)
            rt_text_printf(text, " | -%c", o->letter);
        rt_text_printf(text, ") values='%s' takes=1%s ;;\n", o->values ? o->values : "",
                       takes_list(o) ? " list=1" : "");
    }
    rt_text_append(text, "        esac\n        ;;\n");
}

static void append_lists(struct rt_text *text, const struct rt_command *const *commands)
{
    rt_text_append(text, "_rethink_experiments='");
    for (int i = 0; i < rt_experiment_count(); i++) {
        char name[RT_TEXT_MAX];
        rt_experiment_name(i, name);
        rt_text_printf(text, "%s%s", i ? " " : "", name);
    }
    rt_text_append(text, "'\n_rethink_keys='");
    for (const struct rt_key *key = rt_keys; key->name; key++)
        rt_text_printf(text, "%s%s=", key == rt_keys ? "" : " ", key->name);
    rt_text_append(text, "'\n_rethink_columns='");
    struct rt_property columns[RT_PROPERTIES_MAX];
    const int count = rt_properties(columns);
    for (int i = 0; i < count; i++)
        rt_text_printf(text, "%s%s", i ? " " : "", columns[i].name);
    rt_text_append(text, "'\n_rethink_commands='");
    for (int i = 0; commands[i]; i++)
        if (!commands[i]->hidden)
            rt_text_printf(text, "%s\n", commands[i]->name);
    rt_text_append(text, "'\n");
}

static const char script[] =
    "\n"
    "# What a word can become: $1 is a list of words and of @files, @dirs, @experiments, @runs, @keys, "
    "@columns; "
    "$2 its\n# beginning.\n"
    "_rethink_offer() {\n"
    "    local word found\n"
    "    for word in $1; do\n"
    "        case $word in\n"
    "        @files) compopt -o filenames 2>/dev/null; mapfile -t found < <(compgen -f -- \"$2\") ;;\n"
    "        @dirs) compopt -o filenames 2>/dev/null; mapfile -t found < <(compgen -d -- \"$2\") ;;\n"
    "        @experiments) mapfile -t found < <(compgen -W \"$_rethink_experiments\" -- \"$2\") ;;\n"
    "        @runs) mapfile -t found < <(compgen -G \"runs/*/$2*/config.yaml\" | sed 's|/config.yaml$||; "
    "s|.*/||') ;;\n"
    "        @keys) compopt -o nospace 2>/dev/null; mapfile -t found < <(compgen -W \"$_rethink_keys\" -- "
    "\"$2\") ;;\n"
    "        @columns) compopt -o nospace 2>/dev/null; mapfile -t found < <(compgen -W \"$_rethink_columns\" "
    "-- "
    "\"$2\") ;;\n"
    "        *) mapfile -t found < <(compgen -W \"$word\" -- \"$2\") ;;\n"
    "        esac\n"
    "        COMPREPLY+=(\"${found[@]}\")\n"
    "    done\n"
    "}\n"
    "\n"
    "# The same for the last of several words joined by commas.\n"
    "_rethink_offer_last() {\n"
    "    local before=${2%\"${2##*,}\"}\n"
    "    _rethink_offer \"$1\" \"${2##*,}\"\n"
    "    COMPREPLY=(\"${COMPREPLY[@]/#/$before}\")\n"
    "}\n"
    "\n"
    "# The next words of the command names that begin with the words in $1.\n"
    "_rethink_next_words() {\n"
    "    local name\n"
    "    while IFS= read -r name; do\n"
    "        [[ $name == \"$1\"* ]] && name=${name#\"$1\"} && printf '%s\\n' \"${name%% *}\"\n"
    "    done <<<\"${_rethink_commands%$'\\n'}\" | sort -u\n"
    "}\n"
    "\n"
    "_rethink() {\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local one=${COMP_WORDS[1]} command='' options='' operands='' values='' takes='' list=''\n"
    "    COMPREPLY=()\n"
    "    if [[ $current == '=' ]]; then\n"
    "        current=''\n"
    "    elif [[ $option == '=' ]]; then\n"
    "        option=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    if ((COMP_CWORD == 1)); then\n"
    "        _rethink_offer \"$(_rethink_next_words '' | tr '\\n' ' ') --help --version\" \"$current\"\n"
    "        return\n"
    "    fi\n"
    "    if [[ $one == help ]]; then\n"
    "        ((COMP_CWORD > 2)) && command=\"${COMP_WORDS[2]} \"\n"
    "        ((COMP_CWORD > 3)) || _rethink_offer \"$(_rethink_next_words \"$command\" | tr '\\n' ' ')\" "
    "\"$current\"\n"
    "        [[ $current == -* ]] && COMPREPLY=(--help)\n"
    "        return\n"
    "    fi\n"
    "    if [[ -n $(_rethink_next_words \"$one \") ]]; then\n"
    "        if ((COMP_CWORD == 2)); then\n"
    "            _rethink_offer \"$(_rethink_next_words \"$one \" | tr '\\n' ' ') --help\" \"$current\"\n"
    "            return\n"
    "        fi\n"
    "        command=\"$one ${COMP_WORDS[2]}\"\n"
    "    else\n"
    "        command=$one\n"
    "    fi\n"
    "    _rethink_table\n"
    "    if [[ -n $list ]]; then\n"
    "        _rethink_offer_last \"$values\" \"$current\"\n"
    "    elif [[ -n $takes ]]; then\n"
    "        _rethink_offer \"$values\" \"$current\"\n"
    "    elif [[ $current == -* ]]; then\n"
    "        _rethink_offer \"$options\" \"$current\"\n"
    "    else\n"
    "        _rethink_offer \"$operands\" \"$current\"\n"
    "    fi\n"
    "}\n"
    "complete -F _rethink rethink\n";

static int run_completion(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_text text = {0};

    if (strcmp(arguments->operands[0], "bash") != 0)
        return rt_fail(err, RT_EUSAGE, "there is no completion for '%s', only for bash",
                       arguments->operands[0]);
    rt_text_append(&text, "# bash completion for rethink " RT_VERSION ", made by 'rethink completion bash'\n");
    append_lists(&text, arguments->commands);
    rt_text_append(&text, "\n# Sets options, operands, values, takes and list for $command and $option.\n"
                          "_rethink_table() {\n    case $command in\n");
    for (int i = 0; arguments->commands[i]; i++)
        if (!arguments->commands[i]->hidden)
            append_command(&text, arguments->commands[i]);
    rt_text_append(&text, "    esac\n}\n");
    rt_text_append(&text, script);
    return rt_output_text(&text, err);
}

const struct rt_command rt_command_completion = {
    .name = "completion",
    .operands = "bash",
    .operands_min = 1,
    .operands_max = 1,
    .operand_values = "bash",
    .summary = "Print the shell's completion script.",
    .examples = "source <(rethink completion bash)",
    .hidden = true,
    .run = run_completion,
};
