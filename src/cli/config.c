/* rethink config: the resolved config of an experiment, all built-in ones as files, the list of keys. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/experiment_args.h"
#include "cli/output.h"
#include "config/builtin.h"
#include "config/keys.h"

/* DIR/MODEL/NAME.yaml */
static int write_one(const char *folder, const char *name, struct rt_error *err)
{
    struct rt_experiment experiment;
    char path[RT_PATH_MAX], file[RT_TEXT_MAX + 8];
    char *yaml = NULL;
    int rc;

    RT_TRY(rt_experiment_builtin(&experiment, name, err));
    RT_TRY(rt_path_join(path, folder, experiment.model_name, err));
    RT_TRY(rt_folder_make(path, err));
    snprintf(file, sizeof file, "%s.yaml", name);
    RT_TRY(rt_path_join(path, path, file, err));
    RT_TRY(rt_experiment_format(&experiment, &yaml, err));
    rc = rt_file_write_all(path, yaml, strlen(yaml), err);
    rt_free(&yaml);
    return rc;
}

static int write_all(const char *folder, struct rt_error *err)
{
    const int count = rt_experiment_builtin_count();
    struct rt_text text = {0};

    for (int i = 0; i < count; i++)
        RT_TRY(write_one(folder, rt_experiment_builtin_name(i), err));
    rt_text_printf(&text, "wrote %d configs to %s\n", count, folder);
    return rt_output_text(&text, err);
}

static int list_names(struct rt_error *err)
{
    struct rt_text text = {0};

    for (int i = 0; i < rt_experiment_count(); i++) {
        char name[RT_TEXT_MAX];
        rt_experiment_name(i, name);
        rt_text_printf(&text, "%s\n", name);
    }
    return rt_output_text(&text, err);
}

static int list_keys(struct rt_error *err)
{
    struct rt_text text = {0};

    for (const struct rt_key *key = rt_keys; key->name; key++) {
        if (key == rt_keys || key->group != key[-1].group)
            rt_text_printf(&text, "%s# %s\n", key == rt_keys ? "" : "\n", rt_key_group_title(key->group));
        rt_text_printf(&text, "%s: %s\n    ", key->name, key->preset);
        rt_key_expectation(key, &text);
        rt_text_append(&text, "\n");
        rt_text_append_folded(&text, key->help, 4, 100);
    }
    return rt_output_text(&text, err);
}

static int run_config(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_experiment experiment;
    const char *folder = rt_argument(arguments, "all");
    char *yaml = NULL;
    int rc;

    if (folder)
        return write_all(folder, err);
    if (rt_argument_flag(arguments, "list"))
        return list_names(err);
    if (rt_argument_flag(arguments, "keys"))
        return list_keys(err);
    RT_TRY(rt_experiment_from_arguments(&experiment, arguments, err));
    /* a name that follows from the other keys is to follow them in the file, too */
    if (rt_experiment_name_is_derived(&experiment))
        experiment.experiment_name[0] = '\0';
    RT_TRY(rt_experiment_format(&experiment, &yaml, err));
    rc = rt_output(yaml, err);
    rt_free(&yaml);
    return rc;
}

static const struct rt_option options[] = {
    RT_EXPERIMENT_OPTIONS,
    {"all", 0, "DIR", "@dirs", "write all built-in experiments as DIR/MODEL/NAME.yaml"},
    {"list", 0, NULL, NULL, "print the names of the built-in experiments"},
    {"keys", 0, NULL, NULL, "print every key with its default, what it takes and what it means"},
    {0},
};

const struct rt_command rt_command_config = {
    .name = "config",
    .operands = "EXPERIMENT",
    .operands_max = 1,
    .operand_values = RT_EXPERIMENT_VALUES,
    .summary = "Print an experiment's config with every key, or list what there is.",
    .description = "EXPERIMENT is a YAML file or a built-in name: MODEL_PROBABILITY_CORRUPTION "
                   "(MLP1_0.5_none, WRN_0.0_shuff_pix), with any probability and model, or Inception_bnTrue "
                   "and Inception_bnFalse for figure 2. A file names only the keys it changes; an unknown key, "
                   "a wrong type or a value out of range is an error with line and column.",
    .examples = "rethink config MLP1_0.5_none                        # what this experiment is, key by key\n"
                "rethink config MLP1_0.5_none --set seed=1 > my.yaml # the start of your own config\n"
                "rethink config --all experiments                    # all 72 as files\n"
                "rethink config --keys                               # what can be set, and to what",
    .options = options,
    .run = run_config,
};
