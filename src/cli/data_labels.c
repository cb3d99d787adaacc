/* rethink data labels: what an experiment trains on and is tested on, for other programs. */
#include "base/file.h"
#include "cli/command.h"
#include "cli/experiment_args.h"
#include "cli/output.h"
#include "data/label_file.h"

#define FORMAT_CLAUSE(suffix, help) " ." #suffix ": " help ";"

static int write_labels(const struct rt_dataset *dataset, const struct rt_arguments *arguments,
                        enum rt_label_format format, struct rt_error *err)
{
    const char *path = rt_argument(arguments, "output");
    struct rt_text text = {0};
    int rc;

    rt_label_file_append(&text, dataset, format, rt_argument_flag(arguments, "true"));
    if (!path)
        return rt_output_text(&text, err);
    if (!(rc = rt_text_check(&text, err)))
        rc = rt_file_write_all(path, text.bytes, text.length, err);
    rt_text_free(&text);
    return rc;
}

static int run_data_labels(const struct rt_arguments *arguments, struct rt_error *err)
{
    const char *path = rt_argument(arguments, "output");
    enum rt_label_format format = RT_LABEL_FORMAT_csv;
    struct rt_experiment experiment;
    struct rt_dataset dataset = {0};
    int rc;

    if (path)
        RT_TRY(rt_label_format_find(&format, path, err));
    if (format == RT_LABEL_FORMAT_csv && rt_argument_flag(arguments, "true"))
        return rt_fail(err, RT_EUSAGE, "--true: a CSV file has both labels of each image");
    RT_TRY(rt_experiment_from_arguments(&experiment, arguments, err));
    if (!experiment.seed.given)
        return rt_fail(err, RT_ECONFIG, "seed: null draws another one each time; give the run's with --seed N");
    RT_TRY(rt_dataset_load(&dataset, rt_argument(arguments, "data"), &experiment, 0, err));
    rc = write_labels(&dataset, arguments, format, err);
    rt_dataset_free(&dataset);
    return rc;
}

static const struct rt_option options_table[] = {
    RT_EXPERIMENT_OPTIONS,
    RT_OPTION_DATA,
    {"output", 'o', "FILE", "@files",
     "the file they go to, in the format that its name ends in (default: CSV, shown)"},
    {"true", 0, NULL, NULL, "the true labels instead of the given ones (JSON and .npy)"},
    {0},
};

const struct rt_command rt_command_data_labels = {
    .name = "data labels",
    .operands = "EXPERIMENT",
    .operands_max = 1,
    .operand_values = RT_EXPERIMENT_VALUES,
    .summary = "Write the labels of an experiment, given and true, for other programs.",
    .description = "In the images' order, training images first. Formats:" RT_LABEL_FORMATS(
        FORMAT_CLAUSE) " index "
                       "is the image's place in the whole data set, also where train_size leaves some out.",
    .examples = "rethink data labels MLP1_0.4_none > labels.csv\n"
                "rethink data labels MLP1_0.4_none --set label_noise=symmetric -o given.npy",
    .options = options_table,
    .run = run_data_labels,
};
