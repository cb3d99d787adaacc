/* run: a run's folder made of the input (result.json, metrics.csv and config.yaml, separated by lines of
 * "==="), read as list, plot and report read it, down to the scripts, tables and page that they write: no text
 * of the run may leave its place there. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "figures/figures.h"
#include "figures/gnuplot.h"
#include "figures/report.h"
#include "fuzz.h"
#include "run/run.h"
#include "track/metrics.h"

static const char separator[] = "\n===\n";
static const char *const names[] = {RT_RESULT_FILE, RT_METRICS_FILE, RT_CONFIG_FILE};

static void put_files(const char *folder, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const uint8_t *end = size ? memmem(bytes, size, separator, sizeof separator - 1) : NULL;
        const size_t length = end && i + 1 < sizeof names / sizeof *names ? (size_t)(end - bytes) : size;
        const size_t skipped = length < size ? length + sizeof separator - 1 : size;
        char path[RT_PATH_MAX];

        RT_FUZZ_CHECK(!rt_path_join(path, folder, names[i], NULL));
        RT_FUZZ_CHECK(!rt_file_write_all(path, bytes ? (const void *)bytes : "", length, NULL));
        bytes += skipped;
        size -= skipped;
    }
}

/* Every line plain, and in a script every string ended on its line. */
static void check_lines(const struct rt_text *text, bool script)
{
    for (const char *line = rt_text_string(text); *line;) {
        const size_t length = strcspn(line, "\n");
        size_t quotes = 0;

        RT_FUZZ_CHECK(rt_utf8_plain_prefix(line, length) == length);
        for (size_t i = 0; i < length && *line != '#'; i++)
            quotes += line[i] == '\'';
        RT_FUZZ_CHECK(!script || strstr(line, "# ") < line + length || quotes % 2 == 0);
        line += length + (line[length] ? 1 : 0);
    }
}

static void draw_all(const struct rt_records *records)
{
    static struct rt_figure_kind kinds[RT_FIGURE_KINDS_MAX];
    const struct rt_figure_options options = {.window = 21};
    const int count = rt_figure_kinds(kinds, records);
    struct rt_error err;

    for (int i = 0; i < count; i++) {
        struct rt_figure figure;
        struct rt_text script = {0}, csv = {0};

        RT_FUZZ_CHECK(!rt_figure_build(&figure, &kinds[i], records, &options, &err));
        rt_figure_append_script(&figure, &script);
        rt_figure_append_csv(&figure, &csv);
        check_lines(&script, true);
        check_lines(&csv, false);
        RT_FUZZ_CHECK(!strstr(rt_text_string(&csv), ",nan") && !strstr(rt_text_string(&csv), ",inf") &&
                      !strstr(rt_text_string(&csv), ",-")); /* texts are quoted */
        rt_text_free(&script);
        rt_text_free(&csv);
        rt_figure_free(&figure);
    }
}

static void report(const struct rt_records *records, const char *runs)
{
    char path[RT_PATH_MAX], *page;
    const struct rt_report_options options = {
        .runs = runs, .figures = runs, .path = path, .drawing = {.window = 21}};
    struct rt_error err;
    size_t size;

    RT_FUZZ_CHECK(!rt_path_join(path, runs, "report.html", NULL));
    RT_FUZZ_CHECK(!rt_report_write(records, &options, &err));
    RT_FUZZ_CHECK(!rt_file_read_all(path, (size_t)64 << 20, &page, &size, &err));
    RT_FUZZ_CHECK(rt_utf8_valid_prefix(page, size) == size);
    rt_free(&page);
}

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    const char *runs = rt_fuzz_folder();
    struct rt_run_list list = {0};
    struct rt_records records = {0};
    struct rt_error err;
    char folder[RT_PATH_MAX];

    RT_FUZZ_CHECK(!rt_path_join(folder, runs, "MLP1/MLP1_1.0_none", NULL) && !rt_folder_make(folder, NULL));
    put_files(folder, bytes, size);
    RT_FUZZ_CHECK(!rt_run_list(&list, runs, &err));
    for (int i = 0; i < list.count; i++)
        RT_FUZZ_CHECK(rt_utf8_is_plain(list.items[i].trouble));
    rt_run_list_free(&list);
    RT_FUZZ_CHECK(!rt_records_read(&records, runs, &err));
    draw_all(&records);
    if (records.count)
        report(&records, runs);
    rt_records_free(&records);
}
