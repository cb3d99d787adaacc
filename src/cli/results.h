/* Runs as a table, chosen and printed: what results and list do, and the options that they share with plot and
 * report. */
#ifndef RT_CLI_RESULTS_H
#define RT_CLI_RESULTS_H

#include "cli/command.h"
#include "config/models.h"
#include "runs/table.h"

#define RT_OPTION_WHERE                                                                                        \
    {                                                                                                          \
        "where", 0, "CONDITIONS", "@columns", "only these runs: 'model_name=MLP1,batch_size>=64'"              \
    }
#define RT_RESULTS_OPERANDS "@runs " RT_PUBLISHED_MODEL_WORDS
#define RT_RESULTS_OPTIONS                                                                                     \
    RT_OPTION_RUNS, RT_OPTION_WHERE,                                                                           \
        {"sort", 0, "COLUMN,...", "@columns", "sort by these columns; -COLUMN: the largest first"},            \
        {"columns", 0, "COLUMN,...", "@columns", "show these columns; all: every one there is"},               \
        {"group-by", 0, "COLUMN,...", "@columns", "one row for each value: n, mean, deviation, interval"},     \
    {                                                                                                          \
        "format", 0, "NAME", RT_RESULT_FORMATS(RT_LIST_WORD),                                                  \
            "how it is written" RT_RESULT_FORMATS(RT_LIST_HELP)                                                \
    }

int rt_results_run(const struct rt_arguments *arguments, struct rt_error *err);

/* Applies every --where. RT_EUSAGE; RT_EDATA when no run is left. */
int rt_results_where(struct rt_records *records, const struct rt_arguments *arguments, struct rt_error *err);

/* One warning that counts and names them; nothing for none. */
void rt_results_say_left_out(const struct rt_left_outs *left_out);

#endif
