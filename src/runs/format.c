/* Tables of runs as text. */
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/memory.h"
#include "runs/table.h"

static const struct rt_value *cell_of(const struct rt_results *results, size_t row, int column)
{
    return &results->cells[row * (size_t)results->column_count + (size_t)column];
}

/* For people: whole numbers and keys as they are, measured numbers rounded, "-" for what is not there. */
static const char *rounded(const struct rt_value *value, char *text, size_t size)
{
    if (value->kind == RT_VALUE_NONE)
        return "-";
    if (value->kind != RT_VALUE_REAL || strlen(value->text) <= 7)
        return value->text;
    snprintf(text, size, "%.5g", value->number);
    return text;
}

static int utf8_columns(const char *text)
{
    int count = 0;

    for (; *text; text++)
        count += (*text & 0xc0) != 0x80;
    return count;
}

static int width_of(const struct rt_results *results, int column)
{
    char text[64];
    int width = utf8_columns(results->columns[column].name);

    for (size_t i = 0; i < results->row_count; i++) {
        const int here = utf8_columns(rounded(cell_of(results, i, column), text, sizeof text));
        width = here > width ? here : width;
    }
    return width;
}

static void append_aligned(struct rt_text *text, const char *word, int width, bool right, bool last)
{
    const int pad = width - utf8_columns(word);

    if (right)
        rt_text_printf(text, "%*s%s", pad, "", word);
    else
        rt_text_printf(text, "%s%*s", word, last ? 0 : pad, "");
    rt_text_append(text, last ? "\n" : "  ");
}

static int append_table(struct rt_text *text, const struct rt_results *results, struct rt_error *err)
{
    int *widths = NULL;
    char number[64];
    const int last = results->column_count - 1;

    RT_TRY(rt_alloc(&widths, (size_t)results->column_count, sizeof *widths, "table", err));
    for (int k = 0; k <= last; k++) {
        widths[k] = width_of(results, k);
        append_aligned(text, results->columns[k].name, widths[k], results->columns[k].number, k == last);
    }
    for (size_t i = 0; i < results->row_count; i++)
        for (int k = 0; k <= last; k++)
            append_aligned(text, rounded(cell_of(results, i, k), number, sizeof number), widths[k],
                           results->columns[k].number, k == last);
    rt_free(&widths);
    return rt_text_check(text, err);
}

static int append_csv(struct rt_text *text, const struct rt_results *results, struct rt_error *err)
{
    for (int k = 0; k < results->column_count; k++)
        rt_text_printf(text, "%s%s", k ? "," : "", results->columns[k].name);
    rt_text_append(text, "\n");
    for (size_t i = 0; i < results->row_count; i++) {
        for (int k = 0; k < results->column_count; k++) {
            const struct rt_value *value = cell_of(results, i, k);
            rt_text_append(text, k ? "," : "");
            if (value->kind == RT_VALUE_TEXT)
                rt_escape_csv(text, value->text);
            else
                rt_text_append(text, value->text);
        }
        rt_text_append(text, "\n");
    }
    return rt_text_check(text, err);
}

static int set_member(struct rt_json *object, const char *name, const struct rt_value *value,
                      struct rt_error *err)
{
    switch (value->kind) {
    case RT_VALUE_WHOLE:
        return rt_json_set_integer(object, name, (int64_t)value->number, err);
    case RT_VALUE_REAL:
        return rt_json_set_number(object, name, value->number, err);
    case RT_VALUE_BOOL:
        return rt_json_set_bool(object, name, !strcmp(value->text, "true"), err);
    case RT_VALUE_TEXT:
        return rt_json_set_text(object, name, value->text, err);
    case RT_VALUE_NONE:
        break;
    }
    return rt_json_set_null(object, name, err);
}

static int append_json(struct rt_text *text, const struct rt_results *results, struct rt_error *err)
{
    struct rt_json *array = NULL, *object = NULL;
    char *written = NULL;
    int rc = rt_json_array(&array, err);

    for (size_t i = 0; i < results->row_count && !rc; i++) {
        rc = rt_json_object(&object, err);
        for (int k = 0; k < results->column_count && !rc; k++)
            rc = set_member(object, results->columns[k].name, cell_of(results, i, k), err);
        if (!rc)
            rc = rt_json_append(array, &object, err);
        rt_json_free(&object);
    }
    if (!rc && !(rc = rt_json_format(array, true, &written, err)))
        rt_text_append(text, written);
    rt_free(&written);
    rt_json_free(&array);
    return rc ? rc : rt_text_check(text, err);
}

/* A row between marks, each cell escaped. */
static void append_row(struct rt_text *text, const struct rt_results *results, size_t row, bool header,
                       const char *between, void (*escape)(struct rt_text *out, const char *text))
{
    char number[64];

    for (int k = 0; k < results->column_count; k++) {
        rt_text_append(text, k ? between : "");
        escape(text,
               header ? results->columns[k].name : rounded(cell_of(results, row, k), number, sizeof number));
    }
}

static int append_markdown(struct rt_text *text, const struct rt_results *results, struct rt_error *err)
{
    rt_text_append(text, "| ");
    append_row(text, results, 0, true, " | ", rt_escape_markdown);
    rt_text_append(text, " |\n|");
    for (int k = 0; k < results->column_count; k++)
        rt_text_append(text, results->columns[k].number ? " ---: |" : " --- |");
    rt_text_append(text, "\n");
    for (size_t i = 0; i < results->row_count; i++) {
        rt_text_append(text, "| ");
        append_row(text, results, i, false, " | ", rt_escape_markdown);
        rt_text_append(text, " |\n");
    }
    return rt_text_check(text, err);
}

static int append_latex(struct rt_text *text, const struct rt_results *results, struct rt_error *err)
{
    rt_text_append(text, "\\begin{tabular}{");
    for (int k = 0; k < results->column_count; k++)
        rt_text_append(text, results->columns[k].number ? "r" : "l");
    rt_text_append(text, "}\n\\hline\n");
    append_row(text, results, 0, true, " & ", rt_escape_latex);
    rt_text_append(text, " \\\\\n\\hline\n");
    for (size_t i = 0; i < results->row_count; i++) {
        append_row(text, results, i, false, " & ", rt_escape_latex);
        rt_text_append(text, " \\\\\n");
    }
    rt_text_append(text, "\\hline\n\\end{tabular}\n");
    return rt_text_check(text, err);
}

const struct rt_result_format rt_result_formats[] = {
#define FORMAT(name, help) {#name, append_##name},
    RT_RESULT_FORMATS(FORMAT)
#undef FORMAT
        {0},
};

int rt_result_format_find(const struct rt_result_format **format, const char *name, struct rt_error *err)
{
#define FORMAT_WORD(name, help) " " #name
    for (*format = rt_result_formats; (*format)->name; ++*format)
        if (!name || !strcmp((*format)->name, name))
            return RT_OK;
    return rt_fail(err, RT_EUSAGE, "--format %.40s: there is only" RT_RESULT_FORMATS(FORMAT_WORD), name);
#undef FORMAT_WORD
}
