/* A table of the paper as a sweep: what table1 and table4 share. A row is one line of a list
 * (runs/paper_rows.h). */
#ifndef RT_CLI_PAPER_TABLE_H
#define RT_CLI_PAPER_TABLE_H

#include "base/path.h"
#include "cli/sweep_args.h"
#include "runs/paper.h"
#include "runs/table.h"

enum { RT_PAPER_ROWS_MAX = 24, RT_PAPER_RUNS_MAX = 512 };

/* What a table's command says of it. */
struct rt_paper_words {
    const char *title;   /* of the figure */
    const char *source;  /* where the paper's numbers are from */
    const char *reading; /* what the table says, for people */
};

/* A run of a row: of one seed. */
struct rt_paper_run {
    int row;
    char directory[RT_PATH_MAX];
    struct rt_experiment experiment;
    bool finished;
    double train, test; /* accuracy in 0..1, in evaluation mode, without augmentation */
    double epochs;
};

/* A row's mean over its finished runs. */
struct rt_paper_result {
    int planned, finished;
    double train, test; /* per cent; NaN without runs */
    double parameters, epochs;
};

struct rt_paper_work {
    const struct rt_paper_table *table;
    const struct rt_paper_words *words;
    const struct rt_arguments *arguments;
    struct rt_paper_run *runs;
    int run_count;
    char data[RT_TEXT_MAX]; /* name of the data set of the finished runs; "" without one */
    int channels;           /* of its images; 0 */
    struct rt_paper_result results[RT_PAPER_ROWS_MAX];
};

/* The command: the sweep, then the table of what has finished. */
int rt_paper_table_run(const struct rt_arguments *arguments, const struct rt_paper_table *table,
                       const struct rt_paper_words *words, struct rt_error *err);

/* Evaluates the newest checkpoint of each finished run on its training labels and the test set's true ones, and
 * fills in the results. RT_EDATA: a run was trained on other images than the rest, or than --data has. */
int rt_paper_table_measure(struct rt_paper_work *work, struct rt_error *err);

/* Fills the table; RT_EMEMORY. */
int rt_paper_table_fill(struct rt_results *rows, const struct rt_paper_work *work, struct rt_error *err);

/* NAME_accuracy.csv, .gp, .svg, .png and .pdf in the folder: ours and the paper's for each row. RT_EIO. */
int rt_paper_table_draw(const struct rt_paper_work *work, const char *folder, struct rt_error *err);

#define RT_PAPER_TABLE_OPTIONS                                                                                 \
    {"models", 0, "LIST", "InceptionPaper AlexNetPaper MLP3 MLP1",                                             \
     "only the rows of these models, separated by commas (default: all four)"},                                \
        {"weight-decay", 0, "C", NULL,                                                                         \
         "coefficient of the rows with weight decay, which the paper does not state (default: 0.0005)"},       \
        {"show", 0, NULL, NULL, "run nothing: the table of the runs that have finished"}, RT_OPTION_FORMAT,    \
        RT_SWEEP_RUN_OPTIONS, RT_OPTION_OUTPUT("the table's files and its figure go"), RT_OPTION_QUIET

#endif
