#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "cli/bench_report.h"

enum { HISTORY_BYTES_MAX = 64 << 20 };

/* bench/compare.py writes the same columns for PyTorch. Each part came later than the one before: a history
 * without the last ones goes on without them. */
static const char *const parts[] = {
    ("date,version,label,cpu,cores,isa,threads,batch_size,program,model,median_ms,least_ms,"
     "gflops,peak_gflops,share_of_peak,clean,disturbed,memory_mib,epoch_overhead,round_trip_ns"),
    ",launches,moved_mib,share_of_memory", /* on a GPU */
    ",data",                               /* what --data named, or the default */
};

enum { PARTS = sizeof parts / sizeof *parts };

/* A text without what a CSV field would have to quote. */
static void append_text(struct rt_text *text, const char *field)
{
    for (; *field; field++) {
        const char c = *field == ',' || *field == '"' || (unsigned char)*field < ' ' ? ' ' : *field;

        rt_text_append_bytes(text, &c, 1);
    }
}

static void append_field(struct rt_text *text, const char *field)
{
    append_text(text, field);
    rt_text_append(text, ",");
}

static void append_line(struct rt_text *text, const struct rt_bench_report *report,
                        const struct rt_bench_case *one, const char *date, int part_count)
{
    const struct rt_bench_result *r = one->result[RT_BENCH_steps], *epoch = one->result[RT_BENCH_epoch];
    const double rate = r->flops / r->times.median;
    const double peak = r->ceiling_flops > 0 ? r->ceiling_flops : report->peak_flops;

    append_field(text, date);
    append_field(text, RT_VERSION);
    append_field(text, report->label ? report->label : "");
    append_field(text, report->cpu);
    rt_text_printf(text, "%d,", report->cores);
    append_field(text, r->target);
    rt_text_printf(text, "%d,%d,rethink,", r->threads, report->batch_size);
    append_field(text, one->name);
    rt_text_printf(text, "%.4f,%.4f,%.2f,%.2f,%.4f,%d,%d,%.1f,", 1e3 * r->times.median, 1e3 * r->times.least,
                   rate / 1e9, peak / 1e9, peak > 0 ? rate / peak : 0, r->times.clean, r->times.disturbed,
                   (double)r->peak_bytes / (1024 * 1024));
    if (epoch)
        rt_text_printf(text, "%.4f", epoch->times.median);
    rt_text_printf(text, ",%.1f", 1e9 * r->round_trip_s);
    if (part_count > 1 && r->work.launches)
        rt_text_printf(text, ",%d,%.4f,%.4f", r->work.launches, r->work.bytes / (1024 * 1024),
                       rt_bench_share_of_memory(r));
    else if (part_count > 1)
        rt_text_append(text, ",,,");
    if (part_count > 2) {
        rt_text_append(text, ",");
        append_text(text, report->data);
    }
    rt_text_append(text, "\n");
}

/* Whether the first of `bytes`'s lines has just these parts. */
static bool begins_with(const char *bytes, int part_count)
{
    for (int i = 0; i < part_count; i++) {
        if (strncmp(bytes, parts[i], strlen(parts[i])) != 0)
            return false;
        bytes += strlen(parts[i]);
    }
    return *bytes == '\n';
}

/* begin: whether the file must still be begun; *part_count: how many of the columns' parts it has. */
static int check_history(const char *path, bool *begin, int *part_count, struct rt_error *err)
{
    char *bytes = NULL;
    size_t size, mark;
    int rc = RT_OK;

    *part_count = PARTS;
    *begin = !rt_path_exists(path);
    if (*begin)
        return RT_OK;
    RT_TRY(rt_file_read_all(path, HISTORY_BYTES_MAX, &bytes, &size, err));
    *begin = size == 0;
    mark = rt_utf8_mark(bytes, size);
    while (size && *part_count && !begins_with(bytes + mark, *part_count))
        --*part_count;
    if (!*part_count)
        rc = rt_fail(err, RT_EDATA, "%s:1: not the columns of a history of rethink bench; name another file",
                     path);
    rt_free(&bytes);
    return rc;
}

int rt_bench_append_history(const struct rt_bench_report *report, const char *path, struct rt_error *err)
{
    struct rt_text text = {0};
    char date[RT_ISO_TIME_MAX];
    bool begin;
    int fd = -1, part_count, rc, closed;

    RT_TRY(check_history(path, &begin, &part_count, err));
    for (int i = 0; begin && i < PARTS; i++)
        rt_text_append(&text, parts[i]);
    if (begin)
        rt_text_append(&text, "\n");
    rt_clock_iso(rt_clock_unix_ms(), date);
    for (int i = 0; i < report->count; i++)
        if (report->cases[i].result[RT_BENCH_steps])
            append_line(&text, report, &report->cases[i], date, part_count);
    if (!(rc = rt_text_check(&text, err)) && !(rc = rt_file_open(&fd, path, RT_OPEN_APPEND, err)))
        rc = rt_file_write(fd, path, rt_text_string(&text), text.length, err);
    closed = rt_file_close(&fd, path, rc ? NULL : err);
    rt_text_free(&text);
    return rc ? rc : closed;
}
