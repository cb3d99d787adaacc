/* rethink table1: the paper's Table 1, true and random labels with and without regularisers. */
#include "cli/paper_table.h"
#include "cli/rows.h"

static const struct rt_paper_words words = {
    .title = "Table 1: accuracy on true and random labels, ours and the paper's",
    .source = "Zhang et al. 2017, Table 1 (several transcriptions agree).",
    .reading = "The paper: every network fits true and random labels alike, so that its capacity does not "
               "explain why it generalises on the true ones. Weight decay and crops help a little and are not "
               "what does it.\n",
};

static int run_table1(const struct rt_arguments *arguments, struct rt_error *err)
{
    return rt_paper_table_run(arguments, &rt_paper_table1, &words, err);
}

static const struct rt_option options[] = {RT_PAPER_TABLE_OPTIONS, {0}};

const struct rt_command rt_command_table1 = {
    .name = "table1",
    .operands = "",
    .summary = "Run the paper's Table 1: true and random labels, with and without regularisers.",
    .description =
        "A sweep of the table's rows on the paper's own networks with preset: paper, each for 100 epochs "
        "(--epochs), past a perfect fit too; the learning rate is then 0.6 % of the first. The newest "
        "checkpoint of each finished run is evaluated on its training labels, without augmentation, and on "
        "the test images' true labels (the paper does not say which labels it tests networks of random ones "
        "on; both give about 10 %).\n\n"
        "Written to --output: table1.csv, .md, .tex and the figure table1_accuracy. --set seed=1,2,3 gives "
        "each row's mean over seeds. Finished runs are skipped: see 'rethink sweep --help'. --show runs "
        "nothing and prints the table of what has finished.",
    .examples = "rethink table1 --models MLP1,MLP3\n"
                "rethink table1 --device cuda                  # all rows on a GPU\n"
                "rethink table1 --show --format markdown       # of the runs that are there\n",
    .options = options,
    .run = run_table1,
};
