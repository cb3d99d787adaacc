#include "figures/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

static const size_t table_size_max = (size_t)64 << 20;

static int read_bytes(struct rt_table *table, struct rt_error *err)
{
    size_t size;

    RT_TRY(rt_file_read_all(table->path, table_size_max, &table->bytes, &size, err));
    return strlen(table->bytes) == size ? 0 : rt_fail(err, RT_EDATA, "%s: not a text file", table->path);
}

/* Cuts one cell off *at: a quoted or plain field up to a comma or the line's end. */
static const char *cut_cell(char **at)
{
    char *cell = *at, *to = *at, *from = *at;

    if (*from == '"') {
        for (from++; *from && (*from != '"' || from[1] == '"'); from++) {
            from += *from == '"';
            *to++ = *from;
        }
        from += *from == '"';
    }
    while (*from && *from != ',')
        *to++ = *from++;
    const char end = *from;
    *to = 0;
    *at = end ? from + 1 : NULL;
    return cell;
}

/* Cuts a line into cells; returns how many there are, at most `room` of them stored. */
static size_t cut_line(char *line, const char **cells, size_t room)
{
    size_t count = 0;

    for (char *at = line; at; count++) {
        const char *cell = cut_cell(&at);
        if (count < room)
            cells[count] = cell;
    }
    return count;
}

static int parse(struct rt_table *table, struct rt_error *err)
{
    size_t room = 0, number = 0;

    for (char *next = table->bytes; next && *next;) {
        char *line = next;
        const size_t length = strcspn(line, "\n");
        next = line[length] ? line + length + 1 : NULL;
        line[length] = 0;
        if (length && line[length - 1] == '\r')
            line[length - 1] = 0;
        number++;
        if (!*line)
            continue;
        if (table->column_count == 0) {
            table->column_count = cut_line(line, table->names, RT_TABLE_COLUMNS_MAX);
            if (table->column_count > RT_TABLE_COLUMNS_MAX)
                return rt_fail(err, RT_EDATA, "%s:%zu: %zu columns, at most %d are read", table->path, number,
                               table->column_count, RT_TABLE_COLUMNS_MAX);
            continue;
        }
        if (table->row_count == room) {
            room = room ? room * 2 : 256;
            RT_TRY(rt_realloc(&table->cells, room * table->column_count, sizeof *table->cells, "table", err));
        }
        const size_t count =
            cut_line(line, table->cells + table->row_count * table->column_count, table->column_count);
        if (count != table->column_count)
            return rt_fail(err, RT_EDATA, "%s:%zu: %zu fields, expected %zu", table->path, number, count,
                           table->column_count);
        table->row_count++;
    }
    return table->column_count ? 0 : rt_fail(err, RT_EDATA, "%s: empty, expected a header line", table->path);
}

int rt_table_read(struct rt_table *table, const char *path, struct rt_error *err)
{
    *table = (struct rt_table){0};
    snprintf(table->path, sizeof table->path, "%s", path);
    int rc;
    if ((rc = read_bytes(table, err)) || (rc = parse(table, err)))
        rt_table_free(table);
    return rc;
}

void rt_table_free(struct rt_table *table)
{
    rt_free(&table->bytes);
    rt_free(&table->cells);
    *table = (struct rt_table){0};
}

int rt_table_column(const struct rt_table *table, const char *name, size_t *column, struct rt_error *err)
{
    for (*column = 0; *column < table->column_count; ++*column)
        if (!strcmp(table->names[*column], name))
            return RT_OK;
    return rt_fail(err, RT_EDATA, "%s: no column %s", table->path, name);
}

const char *rt_table_text(const struct rt_table *table, size_t row, size_t column)
{
    return table->cells[row * table->column_count + column];
}

int rt_table_number(const struct rt_table *table, size_t row, size_t column, double *value,
                    struct rt_error *err)
{
    const char *text = rt_table_text(table, row, column);
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end || !isfinite(*value))
        return rt_fail(err, RT_EDATA, "%s: row %zu, column %s: \"%s\" is not a number", table->path, row + 1,
                       table->names[column], text);
    return RT_OK;
}
