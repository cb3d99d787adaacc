/* The tables of the paper: their rows, its numbers, and which runs are of them. The one source of these numbers
 * for commands and the report. */
#ifndef RT_RUNS_PAPER_H
#define RT_RUNS_PAPER_H

#include <stdbool.h>

#include "config/experiment.h"
#include "runs/records.h"

struct rt_paper_row {
    const char *name;        /* of its runs, behind the table's: "MLP1_decay" */
    const char *model;       /* one of net/models.h */
    const char *title;       /* as the paper calls the model */
    const char *labels;      /* "true" or "random" */
    const char *regulariser; /* in words */
    const char *settings;    /* KEY=VALUE separated by spaces, besides those of all rows */
    double train, test;      /* the paper's, per cent; NaN: not given, or what note says */
    const char *note;        /* what the paper says where it gives no number; "" */
};

struct rt_paper_table {
    const char *name; /* "table1": of its runs and files */
    const struct rt_paper_row *rows;
    int count;
    bool test; /* it has a column of test accuracies */
};
extern const struct rt_paper_table rt_paper_table1, rt_paper_table4;

/* The settings of a row that the number of parameters depends on, or its weight decay. */
bool rt_paper_row_decays(const struct rt_paper_row *row);
bool rt_paper_row_normalises(const struct rt_paper_row *row); /* with batch norm, where the model has it */

/* The row that has this config's model (or its namesake in the published code: Inception, AlexNet), labels,
 * batch norm and regularisers, whatever its schedule. Null: none. */
const struct rt_paper_row *rt_paper_row_alike(const struct rt_paper_table *table,
                                              const struct rt_experiment *experiment);

/* The row whose own run it is: `rethink table1` or `table4` made it. Null: none. */
const struct rt_paper_row *rt_paper_row_of(const struct rt_paper_table *table, const struct rt_record *run);

/* The table of which the run is a row. Null: none. */
const struct rt_paper_table *rt_paper_table_of(const struct rt_record *run);

#endif
