#include "cli/bench_report.h"

#include <math.h>
#include <stdio.h>

#include "base/machine.h"

static const double mebibyte = 1024 * 1024;

static void append_caches(struct rt_text *text)
{
    for (int level = 1; level <= 3; level++) {
        const double kib = (double)rt_machine_cache_bytes(level) / 1024;

        if (kib > 0)
            rt_text_printf(text, ", L%d %g %s", level, kib < 1024 ? kib : kib / 1024,
                           kib < 1024 ? "KiB" : "MiB");
    }
}

void rt_bench_print_machine(const struct rt_bench_report *report, struct rt_text *text)
{
    rt_text_printf(text, "rethink %s on %s, %d core%s", RT_VERSION, report->cpu, report->cores,
                   report->cores == 1 ? "" : "s");
    append_caches(text);
    rt_text_printf(text, "; %s\n", report->os);
}

void rt_bench_print_ops(const struct rt_bench_case *one, struct rt_text *text)
{
    const struct rt_bench_result *steps = one->result[RT_BENCH_steps];

    rt_text_printf(text, "\n%s, time by %s (mean of %.0f steps)\n", one->name,
                   steps->profile.by_kernel ? "kernel" : "op", steps->profiled_steps);
    rt_profile_format(&steps->profile, steps->profiled_steps, text);
}

static void append_counts(struct rt_text *text, const struct rt_bench_times *times)
{
    rt_text_printf(text, "  %6d  %9d%s\n", times->clean, times->disturbed,
                   times->clean ? "" : "  all disturbed: not to be relied on");
}

static void append_steps(struct rt_text *text, const struct rt_bench_report *report)
{
    rt_text_printf(
        text, "\nSteps, batch %d, %d thread%s\n%-16s  %9s  %9s  %8s  %8s  %8s  %9s  %10s  %13s  %6s  %9s\n",
        report->batch_size, report->threads, report->threads == 1 ? "" : "s", "", "median ms", "least ms",
        "GFLOP", "GFLOP/s", "of peak", "plan MiB", "memory MiB", "round trip ns", "clean", "disturbed");
    for (int i = 0; i < report->count; i++) {
        const struct rt_bench_result *r = report->cases[i].result[RT_BENCH_steps];

        rt_text_printf(text, "%-16s  %9.2f  %9.2f  %8.2f  %8.1f", report->cases[i].name, 1e3 * r->times.median,
                       1e3 * r->times.least, r->flops / 1e9, r->flops / r->times.median / 1e9);
        const double peak = r->ceiling_flops > 0 ? r->ceiling_flops : report->peak_flops;

        if (peak > 0)
            rt_text_printf(text, "  %8.2f", r->flops / r->times.median / peak);
        else
            rt_text_printf(text, "  %8s", "-");
        rt_text_printf(text, "  %9.1f  %10.1f  %13.0f", (double)r->plan_bytes / mebibyte,
                       (double)r->peak_bytes / mebibyte, 1e9 * r->round_trip_s);
        append_counts(text, &r->times);
    }
}

/* Of a device that is not the cores: steps against what it reached in small kernels. */
static void append_shares(struct rt_text *text, const struct rt_bench_report *report)
{
    bool any = false;

    for (int i = 0; i < report->count; i++) {
        const struct rt_bench_result *r = report->cases[i].result[RT_BENCH_steps];

        if (!r->work.launches)
            continue;
        if (!any)
            rt_text_printf(text,
                           "\nSteps against the ceilings of %s, batch %d\n%-16s  %9s  %9s  %8s  %11s  %9s  %9s "
                           " %9s  %8s\n",
                           report->target, report->batch_size, "", "precision", "median us", "TFLOP/s",
                           "of products", "moved MiB", "GB/s", "of memory", "launches");
        any = true;
        rt_text_printf(text, "%-16s  %9s  %9.1f  %8.2f", report->cases[i].name, rt_precision_word(r->precision),
                       1e6 * r->times.median, r->flops / r->times.median / 1e12);
        if (r->ceiling_flops > 0)
            rt_text_printf(text, "  %9.1f %%", 100 * rt_bench_share_of_products(r));
        else
            rt_text_printf(text, "  %11s", "-");
        rt_text_printf(text, "  %9.1f  %9.1f  %7.1f %%  %8d\n", r->work.bytes / mebibyte,
                       r->work.bytes / r->times.median / 1e9, 100 * rt_bench_share_of_memory(r),
                       r->work.launches);
    }
}

static void append_epochs(struct rt_text *text, const struct rt_bench_report *report)
{
    rt_text_printf(text, "\nEpochs\n%-16s  %14s  %9s  %10s  %6s  %9s\n", "", "more than steps", "least",
                   "memory MiB", "clean", "disturbed");
    for (int i = 0; i < report->count; i++) {
        const struct rt_bench_result *r = report->cases[i].result[RT_BENCH_epoch];

        rt_text_printf(text, "%-16s  %13.1f %%  %7.1f %%  %10.1f", report->cases[i].name, 100 * r->times.median,
                       100 * r->times.least, (double)r->peak_bytes / mebibyte);
        append_counts(text, &r->times);
    }
}

static void append_compared(struct rt_text *text, const struct rt_bench_report *report,
                            enum rt_bench_measurement what)
{
    const bool threads = what == RT_BENCH_threads;

    rt_text_printf(text, "\n%s\n%-16s  %9s  %9s  %s  %6s  %9s\n", threads ? "Threads" : "Side by side", "",
                   "alone ms", threads ? "team ms" : "beside ms",
                   threads ? "times as fast  round trip ns" : "  slower by", "clean", "disturbed");
    for (int i = 0; i < report->count; i++) {
        const struct rt_bench_result *r = report->cases[i].result[what], *alone = report->cases[i].alone;
        const double ratio = alone->times.median / r->times.median;

        rt_text_printf(text, "%-16s  %9.2f  %9.2f  ", report->cases[i].name, 1e3 * alone->times.median,
                       1e3 * r->times.median);
        if (threads)
            rt_text_printf(text, "%13.2f  %13.0f", ratio, 1e9 * r->round_trip_s);
        else
            rt_text_printf(text, "%9.1f %%", 100 * (1 / ratio - 1));
        append_counts(text, &r->times);
    }
}

static void append_starts(struct rt_text *text, const struct rt_bench_report *report)
{
    rt_text_printf(text, "\nStart\n%-16s  %9s  %9s  %10s  %6s  %9s\n", "", "median s", "least s", "memory MiB",
                   "clean", "disturbed");
    for (int i = 0; i < report->count; i++) {
        const struct rt_bench_result *r = report->cases[i].result[RT_BENCH_start];

        rt_text_printf(text, "%-16s  %9.3f  %9.3f  %10.1f", report->cases[i].name, r->times.median,
                       r->times.least, (double)r->peak_bytes / mebibyte);
        append_counts(text, &r->times);
    }
}

void rt_bench_print_summary(const struct rt_bench_report *report, struct rt_text *text)
{
    const struct rt_bench_case *first = report->cases;

    if (first->result[RT_BENCH_start]) {
        append_starts(text, report);
        return;
    }
    if (first->result[RT_BENCH_steps])
        append_steps(text, report);
    if (first->result[RT_BENCH_steps])
        append_shares(text, report);
    if (first->result[RT_BENCH_epoch])
        append_epochs(text, report);
    if (first->result[RT_BENCH_threads])
        append_compared(text, report, RT_BENCH_threads);
    if (first->result[RT_BENCH_side_by_side])
        append_compared(text, report, RT_BENCH_side_by_side);
    if (report->ceilings.bytes_per_s > 0)
        rt_text_printf(text,
                       "\nCeilings of %s, measured: products %.1f TFLOP/s in float32, %.1f in TF32, %.1f in "
                       "BF16; memory %.0f GB/s read and written; a launch in a graph %.2f us\n",
                       report->target, report->ceilings.fp32_flops / 1e12, report->ceilings.tf32_flops / 1e12,
                       report->ceilings.bf16_flops / 1e12, report->ceilings.bytes_per_s / 1e9,
                       report->ceilings.launch_s * 1e6);
    if (report->peak_flops > 0)
        rt_text_printf(text, "\nMultiply-add peak: %.1f GFLOP/s with %s on %d thread%s (the best probe)\n",
                       report->peak_flops / 1e9, report->target, report->threads,
                       report->threads == 1 ? "" : "s");
}
