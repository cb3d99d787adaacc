/* Runs as a table: a row for each run, or for each group of them. */
#ifndef RT_RUNS_TABLE_H
#define RT_RUNS_TABLE_H

#include "runs/properties.h"

enum { RT_COLUMN_NAME_MAX = RT_PROPERTY_NAME_MAX + 16 };

struct rt_results {
    struct rt_results_column {
        char name[RT_COLUMN_NAME_MAX];
        bool number; /* to be aligned at its right */
    } * columns;
    int column_count;
    struct rt_value *cells; /* [row_count][column_count] */
    size_t row_count;
};
void rt_results_free(struct rt_results *results); /* accepts the zeroed state */

/* A list of columns joined by commas, `all` for all; `option` is for messages. RT_EUSAGE. */
struct rt_columns {
    struct rt_property items[RT_PROPERTIES_MAX];
    int count;
};
int rt_columns_parse(struct rt_columns *columns, const char *option, const char *list, struct rt_error *err);

/* What a reader wants first: run, state, the keys that differ, epochs, threshold, the metrics that any of the
 * runs has measured, test error, minutes. */
int rt_columns_default(struct rt_columns *columns, const struct rt_records *records, struct rt_error *err);

/* Sorts runs by columns joined by commas, the first counting most; -COLUMN: the largest first; what is not
 * there, last. RT_EUSAGE. */
int rt_records_sort(struct rt_records *records, const char *list, struct rt_error *err);

/* A row for each run, in their order. RT_EMEMORY. */
int rt_results_list(struct rt_results *results, const struct rt_records *records,
                    const struct rt_columns *columns, struct rt_error *err);

/* A row for each combination of values of `by`, in ascending order: these, n (the runs), and for each of
 * `measures` that is a number, the seed aside, COLUMN_mean, COLUMN_deviation (of the sample) and COLUMN_ci95
 * (half the width of the mean's 95 % confidence interval, Student's t), and COLUMN_n where not all runs of a
 * group have it. Only finished runs count; the others are put into `left_out`. RT_EMEMORY. */
int rt_results_group(struct rt_results *results, const struct rt_records *records, const struct rt_columns *by,
                     const struct rt_columns *measures, struct rt_left_outs *left_out, struct rt_error *err);

/* The same order as rt_records_sort, by columns of the table. RT_EUSAGE: it has no such column. */
int rt_results_sort(struct rt_results *results, const char *list, struct rt_error *err);

/* Appends "each group has one seed twice..." or which keys differ within a group; nothing when runs of a group
 * differ in nothing but their seed. */
void rt_groups_append_remark(const struct rt_records *records, const struct rt_columns *by,
                             struct rt_text *text);

/* The formats in which a table is written. X(symbol, name, help) */
#define RT_RESULT_FORMATS(X)                                                                                   \
    X(table, "aligned columns, rounded (default)")                                                             \
    X(csv, "with all digits")                                                                                  \
    X(json, "a list of objects, with all digits")                                                              \
    X(markdown, "a table for a README")                                                                        \
    X(latex, "a tabular for a paper")

struct rt_result_format {
    const char *name;
    int (*append)(struct rt_text *text, const struct rt_results *results, struct rt_error *err);
};
extern const struct rt_result_format rt_result_formats[]; /* ended by a null name */

/* Null name: the first. RT_EUSAGE. */
int rt_result_format_find(const struct rt_result_format **format, const char *name, struct rt_error *err);

#endif
