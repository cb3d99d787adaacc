/* rethink sync: sends MLflow and Comet whatever they have not yet received. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/entry.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/output.h"
#include "run/run.h"
#include "track/recorder.h"
#include "track/remote/sync.h"

struct outcome {
    struct rt_text text;
    unsigned down;         /* bit i: the service of recorder i could not be reached for the run before */
    struct rt_error first; /* of the runs' failures */
};

/* The first one becomes the command's own, the others are warnings. */
static void note_failure(struct outcome *outcome, const char *where, const struct rt_error *failure)
{
    if (!outcome->first.status)
        rt_fail(&outcome->first, failure->status, "%s%s", where, failure->message);
    else
        rt_log_warn("%s%s", where, failure->message);
}

/* The run's name at a service that is keyed by it belongs in the run's config. */
static int keep_key(struct rt_run *run, struct rt_experiment *experiment, const struct rt_service *service,
                    const struct rt_sync_report *report, struct rt_error *err)
{
    if (!service->keyed || !*report->run || !strcmp(report->run, experiment->experiment_key))
        return RT_OK;
    rt_copy_text(experiment->experiment_key, sizeof experiment->experiment_key, report->run);
    return rt_run_write_config(run, experiment, err);
}

static void sync_service(struct rt_run *run, struct rt_experiment *experiment, int recorder, int *followed,
                         struct outcome *outcome)
{
    const struct rt_service *service = rt_recorder_entries[recorder].kind->service;
    const unsigned bit = 1u << recorder;
    struct rt_sync_report report;
    struct rt_error failure, kept;
    char where[RT_PATH_MAX + 64];
    int rc = rt_sync_run(service, run->path, experiment->comet_project, outcome->down & bit, &report, &failure);

    if (keep_key(run, experiment, service, &report, &kept))
        rt_log_warn("%s", kept.message);
    *followed += report.followed;
    if (report.followed)
        outcome->down = report.unreached ? outcome->down | bit : outcome->down & ~bit;
    if (rc) {
        snprintf(where, sizeof where, "%s: %s: %" PRId64 " points sent, %" PRId64 " left: ", run->path,
                 service->title, report.sent_points, report.left_points);
        note_failure(outcome, where, &failure);
    } else if (report.followed) {
        rt_text_printf(&outcome->text, "%s: %s: %" PRId64 " points sent, all is there\n", run->path,
                       service->title, report.sent_points);
    }
}

static int open_run(struct rt_run *run, const char *path, struct rt_experiment *experiment,
                    struct rt_error *err)
{
    if (rt_entry_look(path, RT_CONFIG_FILE) == RT_ENTRY_NONE)
        return rt_fail(err, RT_EDATA, "%s: not a run: it has no %s", path, RT_CONFIG_FILE);
    rt_copy_text(run->path, sizeof run->path, path);
    for (size_t n = strlen(run->path); n > 1 && run->path[n - 1] == '/'; n--)
        run->path[n - 1] = '\0';
    RT_TRY(rt_lock_acquire(&run->lock, run->path, RT_LOCK_FILE, err));
    return rt_run_read_config(experiment, path, err);
}

static void sync_one(const char *path, struct outcome *outcome)
{
    struct rt_run run = {0};
    struct rt_experiment experiment;
    struct rt_error failure;
    int followed = 0;

    rt_experiment_defaults(&experiment);
    if (open_run(&run, path, &experiment, &failure)) {
        note_failure(outcome, "", &failure);
    } else {
        for (int i = 0; rt_recorder_entries[i].kind; i++)
            if (rt_recorder_entries[i].kind->service)
                sync_service(&run, &experiment, i, &followed, outcome);
        if (!followed)
            rt_text_printf(&outcome->text, "%s: was not recorded for any service that it could be sent to\n",
                           path);
    }
    rt_run_close(&run);
}

static int run_sync(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct outcome outcome = {0};
    int rc;

    if (rt_argument_flag(arguments, "verbose"))
        rt_log_set_level(RT_LOG_VERBOSE);
    for (int i = 0; i < arguments->operand_count; i++)
        sync_one(arguments->operands[i], &outcome);
    rc = rt_output_text(&outcome.text, err);
    if (!rc && outcome.first.status)
        rc = rt_fail(err, outcome.first.status, "%s", outcome.first.message);
    return rc;
}

static const struct rt_option options[] = {
    RT_OPTION_VERBOSE,
    {0},
};

const struct rt_command rt_command_sync = {
    .name = "sync",
    .operands = "RUN...",
    .operands_min = 1,
    .operands_max = -1,
    .operand_values = "@dirs",
    .summary = "Send MLflow and Comet whatever they have not yet received of these runs.",
    .description =
        "A run tracked by mlflow or comet (config key track) keeps all of its records in spool.jsonl. Whatever "
        "could not be sent during training, because the service was unreachable, refused it or was not set up, "
        "is sent now, in order, each point once. Services are set up as for training: MLFLOW_TRACKING_URI, "
        "COMET_API_KEY and their like; docs/tracking.md lists them. A service that cannot be reached is tried "
        "for three seconds, and once for each run after that; one that answers badly, for half a minute a "
        "run.\n\n"
        "A run that another process is working on is refused; that process sends its records itself.",
    .examples = "rethink sync runs/MLP1/MLP1_0.5_none  # one run\n"
                "rethink sync runs/*/*                 # all of them",
    .options = options,
    .run = run_sync,
};
