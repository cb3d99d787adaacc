/* rethink data samples: pictures of the images and of what each corruption makes of them. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/output.h"
#include "config/corruptions.h"
#include "figures/samples.h"

static struct rt_text written;

static void on_written(const char *path)
{
    rt_text_printf(&written, "wrote %s\n", path);
}

static int run_data_samples(const struct rt_arguments *arguments, struct rt_error *err)
{
    const char *folder = rt_argument(arguments, "output");
    long seed;
    int rc;

    RT_TRY(rt_argument_integer(arguments, "seed", 0, 4294967295L, 42, &seed, err));
    rc = rt_samples_write(rt_argument(arguments, "data"), folder ? folder : "figures", (uint32_t)seed,
                          on_written, err);
    if (rc) {
        rt_text_free(&written);
        return rc;
    }
    return rt_output_text(&written, err);
}

#define SAMPLE(name, title, file, help) file ", "

static const struct rt_option options[] = {
    RT_OPTION_DATA,
    RT_OPTION_OUTPUT("they go"),
    {"seed", 0, "N", NULL, "whose first batch to show, and what corrupts it (default: 42)"},
    {0},
};

const struct rt_command rt_command_data_samples = {
    .name = "data samples",
    .operands = "",
    .summary = "Draw sample images, and the same ones corrupted.",
    .description =
        "Writes the first training batch, 8 images by 16, to a file named after the data set, and for each "
        "pixel corruption 8 images above their corrupted versions: " RT_PIXEL_CORRUPTIONS(SAMPLE) "all .png.",
    .examples = "rethink data samples                         # of CIFAR-10, into figures/\n"
                "rethink data samples --data shapes10 -o .    # of the images that the program draws",
    .options = options,
    .run = run_data_samples,
};
