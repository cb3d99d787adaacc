/* How long runs take, from what has been seen: of this sweep's runs, and of finished runs of the kind that are
 * there already. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "data/source.h"
#include "run/run.h"
#include "runs/records.h"
#include "sweep/sweep.h"

/* Less than that of an epoch is no pace. */
static const double least_epochs = 0.02;

/* Whether runs of the two train equally many epochs, as far as can be known: they differ in seed and name only.
 */
static bool ends_alike(const struct rt_experiment *a, const struct rt_experiment *b)
{
    return a->curve == b->curve && a->label_corruption_prob == b->label_corruption_prob &&
           a->learning_rate == b->learning_rate && !strcmp(a->model_name, b->model_name) &&
           !rt_experiment_difference(a, b, RT_RUN_MAY_CHANGE " seed experiment_name");
}

void rt_sweep_note_pace(struct rt_sweep_run *run, int side_by_side)
{
    const double epochs = run->progress.epochs - run->epochs_at_start;

    if (epochs > least_epochs)
        run->pace_s =
            (rt_clock_wall_s() - run->began_s) / epochs / run->steps_per_epoch / fmax(1, side_by_side);
}

/* The mean over the runs of the kind that have ended. */
static void note_end(struct rt_sweep_run *run, const struct rt_experiment *ended, double epochs)
{
    if (!ends_alike(&run->experiment, ended))
        return;
    if (!run->ended_alike++)
        run->epochs_expected = 0;
    run->epochs_expected += (epochs - run->epochs_expected) / run->ended_alike;
    run->epochs_expected = fmin(run->epochs_expected, (double)run->experiment.num_epochs);
}

void rt_sweep_note_end(const struct rt_sweep *sweep, const struct rt_sweep_run *ended)
{
    for (int i = 0; i < sweep->count; i++)
        note_end(&sweep->runs[i], &ended->experiment, ended->epochs_done);
}

void rt_sweep_update_estimates(const struct rt_sweep *sweep)
{
    for (int i = 0; i < sweep->count; i++) {
        struct rt_sweep_run *run = &sweep->runs[i];
        double pace_s = 0;
        int paced = 0;

        if (run->state == RT_SWEEP_RUNNING && run->epochs_done >= run->epochs_expected)
            run->epochs_expected = (double)run->experiment.num_epochs; /* later than expected: up to the last */
        for (int k = 0; k < sweep->count; k++) {
            const struct rt_sweep_run *other = &sweep->runs[k];

            if (isnan(other->pace_s) || !rt_sweep_costs_alike(run, other))
                continue;
            pace_s += other->pace_s;
            paced++;
        }
        if (paced)
            run->seconds_per_step = isnan(run->pace_s) ? pace_s / paced : run->pace_s;
    }
}

static bool is_on_data(const struct rt_record *record, const char *data)
{
    return !strcmp(record->result.provenance.data.name, rt_source_kind_of(data)->name);
}

/* What a run on disk says of one that is planned. */
static void estimate_from(struct rt_sweep_run *run, const struct rt_record *record)
{
    const struct rt_result *result = &record->result;
    struct rt_sweep_run done = {.experiment = record->experiment, .cores = (int)result->provenance.threads};

    if (result->state == RT_RUN_finished)
        note_end(run, &record->experiment, (double)result->epochs);
    if (result->epochs > 0 && rt_sweep_costs_alike(run, &done))
        run->seconds_per_step = result->wall_s / (double)(result->epochs * result->batches_per_epoch);
}

int rt_sweep_estimate_from_disk(struct rt_sweep *sweep, struct rt_error *err)
{
    struct rt_records records = {0};

    if (!rt_path_is_folder(sweep->options.runs))
        return RT_OK;
    RT_TRY(rt_records_list(&records, sweep->options.runs, err));
    for (size_t k = 0; k < records.count; k++) {
        const struct rt_record *record = &records.runs[k];

        if (!record->has_config || !record->has_result || !is_on_data(record, sweep->options.data))
            continue;
        for (int i = 0; i < sweep->count; i++)
            estimate_from(&sweep->runs[i], record);
    }
    rt_records_free(&records);
    return RT_OK;
}
