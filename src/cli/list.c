/* rethink list: the runs, their state and their results. */
#include "cli/results.h"

static const struct rt_option options_table[] = {RT_RESULTS_OPTIONS, {0}};

const struct rt_command rt_command_list = {
    .name = "list",
    .operands = "[NAME...]",
    .operands_max = -1,
    .operand_values = RT_RESULTS_OPERANDS,
    .summary = "List the runs, their state and their results.",
    .description =
        "The same table as 'rethink results', whose help explains the columns: by default the keys in which "
        "the runs differ, threshold_epoch (which met the interpolation threshold), the results after the last "
        "epoch, and the best epoch. A killed run is 'interrupted' too: the same 'rethink train' resumes it.",
    .examples = "rethink list\nrethink list MLP1 'WRN_0.?_none'\nrethink list --runs /scratch/runs --where "
                "state=interrupted",
    .options = options_table,
    .run = rt_results_run,
};
