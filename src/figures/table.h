/* Small CSV tables with a header line: the published numbers, and for tests our own figures' data. */
#ifndef RT_FIGURES_TABLE_H
#define RT_FIGURES_TABLE_H

#include <stddef.h>

#include "base/error.h"

enum { RT_TABLE_COLUMNS_MAX = 24 };

struct rt_table {
    char path[1024];
    char *bytes;                             /* the file, cut into cells */
    const char *names[RT_TABLE_COLUMNS_MAX]; /* the header */
    size_t column_count, row_count;
    const char **cells; /* [row_count][column_count] */
};

/* Cells are separated by commas and may be quoted on one line; empty lines are skipped. Errors: RT_EIO;
 * RT_EDATA "FILE:LINE: 3 fields, expected 4". */
int rt_table_read(struct rt_table *table, const char *path, struct rt_error *err);
void rt_table_free(struct rt_table *table);

/* The index of a column; RT_EDATA names the file and the column. */
int rt_table_column(const struct rt_table *table, const char *name, size_t *column, struct rt_error *err);

const char *rt_table_text(const struct rt_table *table, size_t row, size_t column);

/* A finite number; RT_EDATA names file, row and column otherwise. */
int rt_table_number(const struct rt_table *table, size_t row, size_t column, double *value,
                    struct rt_error *err);

#endif
