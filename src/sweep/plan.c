/* The plan of a sweep as --dry-run prints it. */
#include <math.h>

#include "base/text.h"
#include "sweep/overview.h"
#include "train/disk.h"

static const double measure_s = 10, start_measure_s = 3; /* in all */

/* A sweep of fewer operations is over before it has been estimated. */
static const double long_flops = 1e13;

void rt_sweep_append_places(struct rt_text *text, const struct rt_sweep *sweep)
{
    if (!sweep->slots)
        rt_text_printf(text, "%d core%s", sweep->options.cores, sweep->options.cores > 1 ? "s" : "");
    for (int i = 0; sweep->slots && i < sweep->device_count; i++)
        rt_text_printf(text, "%s%s", i ? ", " : "", sweep->devices[i]);
    if (sweep->slots)
        rt_text_printf(text, ", %d side by side%s", sweep->slots, sweep->device_count > 1 ? " on each" : "");
}

/* Runs like this one that can be under way at the same time. */
static int count_at_once(const struct rt_sweep *sweep, const struct rt_sweep_run *run)
{
    if (sweep->slots)
        return sweep->slots;
    return run->cores < sweep->options.cores ? sweep->options.cores / run->cores : 1;
}

int rt_sweep_format_plan(struct rt_sweep *sweep, struct rt_text *text, struct rt_error *err)
{
    char duration[24];
    double flops = 0, memory = 0, disk = 0;
    int waiting = 0;

    RT_TRY(rt_sweep_measure(sweep, measure_s, err));
    rt_text_append(
        text, "run                              state     cores  epochs   TFLOPs     MiB     disk     time\n");
    for (int i = 0; i < sweep->count; i++) {
        const struct rt_sweep_run *run = &sweep->runs[i];
        const double left = run->epochs_expected > run->epochs_done && run->state != RT_SWEEP_FINISHED
                                ? run->epochs_expected - run->epochs_done
                                : 0;
        const char *state = run->state == RT_SWEEP_WAITING && run->epochs_done > 0
                                ? "resumes"
                                : rt_sweep_state_name(run->state);
        rt_text_printf(text, "%-32s %-9s %5d %7.0f %8.1f %7.0f %8.0f %8s\n", run->experiment.experiment_name,
                       state, run->cores, left, left * run->flops_per_epoch / 1e12, run->memory_bytes / 1048576,
                       run->disk_bytes / 1048576, rt_duration(rt_sweep_run_seconds(run), duration));
        flops += left * run->flops_per_epoch;
        memory = fmax(memory, run->memory_bytes * count_at_once(sweep, run));
        disk += run->disk_bytes;
        waiting += run->state != RT_SWEEP_FINISHED;
    }
    rt_text_printf(text, "%d of %d runs to do on ", waiting, sweep->count);
    rt_sweep_append_places(text, sweep);
    rt_text_printf(text, ": %.4g TFLOPs, at most about %.0f MiB at once, about %s\n", flops / 1e12,
                   memory / 1048576, rt_duration(rt_sweep_total_seconds(sweep), duration));
    rt_text_printf(text, "At most %.0f MiB of disk for all of them; %.0f MiB are free.\n", disk / 1048576,
                   rt_disk_free(sweep->options.runs) / 1048576);
    rt_text_append(
        text, "Epochs are those of the published runs, or num_epochs where that is less; times come from a "
              "few measured steps.\n");
    return rt_text_check(text, err);
}

static double flops_left(const struct rt_sweep *sweep)
{
    double flops = 0;

    for (int i = 0; i < sweep->count; i++) {
        const struct rt_sweep_run *run = &sweep->runs[i];

        if (run->state != RT_SWEEP_FINISHED && run->epochs_expected > run->epochs_done)
            flops += (run->epochs_expected - run->epochs_done) * run->flops_per_epoch;
    }
    return flops;
}

int rt_sweep_format_start(struct rt_sweep *sweep, struct rt_text *text, struct rt_error *err)
{
    char duration[24];
    double total_s;
    int left = 0;

    for (int i = 0; i < sweep->count; i++)
        left += sweep->runs[i].state != RT_SWEEP_FINISHED;
    if (!left)
        return RT_OK;
    RT_TRY(rt_sweep_estimate_from_disk(sweep, err));
    total_s = rt_sweep_total_seconds(sweep);
    if (isnan(total_s) && flops_left(sweep) > long_flops) {
        RT_TRY(rt_sweep_measure(sweep, start_measure_s, err));
        total_s = rt_sweep_total_seconds(sweep);
    }
    rt_text_printf(text, "%d of %d runs to do on ", left, sweep->count);
    rt_sweep_append_places(text, sweep);
    if (!isnan(total_s))
        rt_text_printf(text, ": about %s", rt_duration(total_s, duration));
    return rt_text_check(text, err);
}
