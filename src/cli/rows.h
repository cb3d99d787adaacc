/* A table of a command's own numbers, in every format of `rethink results`. */
#ifndef RT_CLI_ROWS_H
#define RT_CLI_ROWS_H

#include <stdbool.h>

#include "cli/command.h"
#include "runs/table.h"

#define RT_ROWS_FORMAT_WORD(name, help) #name " "
#define RT_ROWS_FORMAT_HELP(name, help) "; " #name ": " help
#define RT_OPTION_FORMAT                                                                                       \
    {                                                                                                          \
        "format", 0, "NAME", RT_RESULT_FORMATS(RT_ROWS_FORMAT_WORD),                                           \
            "how the table is written" RT_RESULT_FORMATS(RT_ROWS_FORMAT_HELP)                                  \
    }

/* No rows yet; `names` are the columns', ended by null. Free it with rt_results_free. RT_EMEMORY. */
int rt_rows_begin(struct rt_results *rows, const char *const *names, struct rt_error *err);
/* Adds a row whose cells are empty; RT_EMEMORY. */
int rt_rows_add(struct rt_results *rows, struct rt_error *err);
/* A cell of the last row, by its column's name. NaN: empty. */
void rt_rows_whole(struct rt_results *rows, const char *name, double number);
void rt_rows_real(struct rt_results *rows, const char *name, double number);
void rt_rows_percent(struct rt_results *rows, const char *name, double number); /* two decimals */
void rt_rows_text(struct rt_results *rows, const char *name, const char *text);

/* Writes the rows as FOLDER/FILE, a CSV with all digits, and says so; the folder is made if needed. RT_EIO,
 * RT_EMEMORY. */
int rt_rows_save(const struct rt_results *rows, const char *folder, const char *file, struct rt_error *err);

/* Whether --format asks for the table that people read, with words around it. RT_EUSAGE: no such format. */
int rt_rows_format(const struct rt_result_format **format, bool *people, const struct rt_arguments *arguments,
                   struct rt_error *err);

#endif
