/* rethink data samples: pictures of the images, of what corruptions make of them, and of what a network gets.
 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/experiment_args.h"
#include "cli/output.h"
#include "config/corruptions.h"
#include "figures/samples.h"

enum { DEFAULT_SEED = 42 };

static struct rt_text written;

static void on_written(const char *path)
{
    rt_text_printf(&written, "wrote %s\n", path);
}

/* The experiment whose inputs are drawn: named, or the keys' defaults, changed as the arguments say. */
static int find_experiment(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                           struct rt_error *err)
{
    if (arguments->operand_count || rt_argument(arguments, "config")) {
        RT_TRY(rt_experiment_from_arguments(experiment, arguments, err));
    } else {
        rt_experiment_defaults(experiment);
        RT_TRY(rt_experiment_apply_arguments(experiment, arguments, "--set", err));
    }
    if (!experiment->seed.given)
        experiment->seed = (struct rt_optional_int){true, DEFAULT_SEED};
    return RT_OK;
}

static int run_data_samples(const struct rt_arguments *arguments, struct rt_error *err)
{
    const char *data = rt_argument(arguments, "data"), *output = rt_argument(arguments, "output");
    const char *folder = output ? output : "figures";
    struct rt_experiment experiment;
    int rc;

    RT_TRY(find_experiment(&experiment, arguments, err));
    if ((rc = rt_samples_write(data, folder, (uint32_t)experiment.seed.value, on_written, err)) ||
        (rc = rt_samples_write_inputs(data, folder, &experiment, on_written, err))) {
        rt_text_free(&written);
        return rc;
    }
    return rt_output_text(&written, err);
}

#define SAMPLE(name, title, file, help) file ", "
#define SAMPLES RT_PIXEL_CORRUPTIONS(SAMPLE)

static const struct rt_option options[] = {
    RT_EXPERIMENT_OPTIONS,
    RT_OPTION_DATA,
    RT_OPTION_OUTPUT("they go"),
    {0},
};

const struct rt_command rt_command_data_samples = {
    .name = "data samples",
    .operands = "[EXPERIMENT]",
    .operands_max = 1,
    .operand_values = RT_EXPERIMENT_VALUES,
    .summary = "Draw sample images, corrupted ones, and the inputs of networks.",
    .description =
        "Writes the first training batch, 8 images by 16, to a file named after the data set, and for each "
        "pixel corruption 8 images above their corrupted versions: " SAMPLES "all .png.\n\n"
        "network_inputs.png has 8 images and, below each, what the network of EXPERIMENT is trained on in "
        "epochs 1, 2 and 3: after corruption, rotate, crop, flip and preprocessing. --set changes these; "
        "without EXPERIMENT the other keys have their defaults. Inputs from -2.5 to 2.5 go from black to "
        "white, with preprocessing: none those from 0 to 1.",
    .examples =
        "rethink data samples                         # of CIFAR-10, into figures/\n"
        "rethink data samples --data shapes10 -o .    # of the images that the program draws\n"
        "rethink data samples --set preprocessing=image --set crop=random --set flip=true --set rotate=25",
    .options = options,
    .run = run_data_samples,
};
