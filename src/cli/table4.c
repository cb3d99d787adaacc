/* rethink table4: the paper's Table 4, regularisers on random labels. */
#include "cli/paper_table.h"
#include "cli/rows.h"

static const struct rt_paper_words words = {
    .title = "Table 4: training accuracy on random labels with regularisers",
    .source = "Zhang et al. 2017, Table 4; [S] from one secondary source, [T] from the paper's text.",
    .reading = "The paper: with explicit regularisers on, Inception and the MLPs still fit random labels; "
               "AlexNet with weight decay does not. So regularisers do not keep a network from memorising.\n",
};

static int run_table4(const struct rt_arguments *arguments, struct rt_error *err)
{
    return rt_paper_table_run(arguments, &rt_paper_table4, &words, err);
}

static const struct rt_option options[] = {RT_PAPER_TABLE_OPTIONS, {0}};

const struct rt_command rt_command_table4 = {
    .name = "table4",
    .operands = "",
    .summary = "Run the paper's Table 4: regularisers on random labels.",
    .description =
        "The rows of Table 4 as table1 runs its own: the training accuracy reached on random labels with "
        "weight decay, and for Inception with random crops and with crops, flips and rotations. See "
        "'rethink table1 --help'.",
    .examples = "rethink table4 --models MLP1,MLP3\n"
                "rethink table4 --device cuda --weight-decay 1e-4\n",
    .options = options,
    .run = run_table4,
};
