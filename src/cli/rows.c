#include "cli/rows.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

int rt_rows_begin(struct rt_results *rows, const char *const *names, struct rt_error *err)
{
    *rows = (struct rt_results){0};
    while (names[rows->column_count])
        rows->column_count++;
    RT_TRY(rt_alloc(&rows->columns, (size_t)rows->column_count, sizeof *rows->columns, "a table", err));
    for (int i = 0; i < rows->column_count; i++) {
        snprintf(rows->columns[i].name, sizeof rows->columns[i].name, "%s", names[i]);
        rows->columns[i].number = true;
    }
    return RT_OK;
}

int rt_rows_add(struct rt_results *rows, struct rt_error *err)
{
    const size_t columns = (size_t)rows->column_count, at = rows->row_count * columns;

    RT_TRY(rt_realloc(&rows->cells, at + columns, sizeof *rows->cells, "a table", err));
    memset(rows->cells + at, 0, columns * sizeof *rows->cells);
    rows->row_count++;
    return RT_OK;
}

static struct rt_value *cell(struct rt_results *rows, const char *name, int *column)
{
    for (*column = 0; strcmp(rows->columns[*column].name, name) != 0;) {
        ++*column;
        assert(*column < rows->column_count);
    }
    return &rows->cells[(rows->row_count - 1) * (size_t)rows->column_count + (size_t)*column];
}

void rt_rows_whole(struct rt_results *rows, const char *name, double number)
{
    int column;

    rt_value_set_number(cell(rows, name, &column), number, true);
}

void rt_rows_real(struct rt_results *rows, const char *name, double number)
{
    int column;

    rt_value_set_number(cell(rows, name, &column), number, false);
}

void rt_rows_percent(struct rt_results *rows, const char *name, double number)
{
    int column;
    struct rt_value *value = cell(rows, name, &column);

    rt_value_set_number(value, round(100 * number) / 100, false);
    if (value->kind == RT_VALUE_REAL)
        snprintf(value->text, sizeof value->text, "%.2f", number);
}

void rt_rows_text(struct rt_results *rows, const char *name, const char *text)
{
    int column;
    struct rt_value *value = cell(rows, name, &column);

    value->kind = RT_VALUE_TEXT;
    snprintf(value->text, sizeof value->text, "%s", text);
    rows->columns[column].number = false;
}

int rt_rows_save(const struct rt_results *rows, const char *folder, const char *file, struct rt_error *err)
{
    const struct rt_result_format *csv;
    struct rt_text text = {0};
    char path[RT_PATH_MAX];
    int rc;

    RT_TRY(rt_result_format_find(&csv, "csv", err));
    RT_TRY(rt_path_join(path, folder, file, err));
    if (!(rc = csv->append(&text, rows, err)) && !(rc = rt_text_check(&text, err)) &&
        !(rc = rt_folder_make(folder, err)) && !(rc = rt_file_write_all(path, text.bytes, text.length, err)))
        rt_log_info("%s", path);
    rt_text_free(&text);
    return rc;
}

int rt_rows_format(const struct rt_result_format **format, bool *people, const struct rt_arguments *arguments,
                   struct rt_error *err)
{
    RT_TRY(rt_result_format_find(format, rt_argument(arguments, "format"), err));
    *people = *format == rt_result_formats;
    return RT_OK;
}
