/* rethink train: the main job. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/experiment_args.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "cli/sweep_args.h"
#include "cli/view.h"
#include "train/session.h"

static int read_options(struct rt_train_options *options, const struct rt_arguments *arguments,
                        struct rt_error *err)
{
    long threads, autosave_s;

    RT_TRY(rt_argument_integer(arguments, "threads", 1, 256, 0, &threads, err));
    RT_TRY(rt_argument_integer(arguments, "autosave", 0, 1000000, RT_AUTOSAVE_S, &autosave_s, err));
    *options = (struct rt_train_options){
        .data = rt_argument(arguments, "data"),
        .runs = rt_argument(arguments, "runs"),
        .engine = rt_argument(arguments, "engine"),
        .init = rt_argument(arguments, "init"),
        .threads = (int)threads,
        .fresh = rt_argument_flag(arguments, "fresh"),
        .profile = rt_argument_flag(arguments, "profile"),
        .epochs_given = rt_assignment_sets(arguments, "num_epochs"),
        .keep_given = rt_assignment_sets(arguments, "keep_checkpoints"),
        .resume_given = rt_assignment_sets(arguments, "resume_checkpoint"),
        .autosave_s = (double)autosave_s,
    };
    options->begin = rt_draw_run_samples;
    if (rt_argument_flag(arguments, "quiet"))
        options->verbosity = -1;
    else if (rt_argument_flag(arguments, "verbose"))
        options->verbosity = 1;
    rt_log_set_level((enum rt_log_level)options->verbosity);
    return RT_OK;
}

static void append_plan(struct rt_text *text, const struct rt_train_forecast *forecast)
{
    const struct rt_experiment *experiment = &forecast->experiment;
    const int64_t epochs = experiment->num_epochs - forecast->from_epoch + 1;
    const double mebibyte = 1024 * 1024;

    rt_text_printf(text, "# data        %s, %" PRId64 " + %" PRId64 " images, digest %.12s (%s%s)\n",
                   forecast->data.name, forecast->data.train_count, forecast->data.test_count,
                   forecast->data.digest, forecast->data.source,
                   forecast->data.official ? ", the official bytes" : "");
    rt_text_printf(text, "# network     %s, %" PRId64 " parameters, engine %s, %d thread%s\n",
                   experiment->model_name, forecast->parameters, forecast->engine, forecast->threads,
                   forecast->threads == 1 ? "" : "s");
    rt_text_printf(text, "# training    epochs %" PRId64 " to %" PRId64 " of %" PRId64 " batches",
                   forecast->from_epoch, experiment->num_epochs, forecast->batches_per_epoch);
    if (experiment->figure1 && !experiment->curve)
        rt_text_append(text, ", or until the interpolation threshold");
    rt_text_printf(text, "\n# work        %.4g GFLOP an epoch, %.4g GFLOP in all\n",
                   forecast->flops_per_epoch / 1e9, forecast->flops_per_epoch / 1e9 * (double)epochs);
    rt_text_printf(text, "# memory      %.1f MiB network, %.1f MiB data\n",
                   (double)forecast->plan_bytes / mebibyte, (double)forecast->data_bytes / mebibyte);
    rt_text_printf(text,
                   "# disk        at most %.1f MiB: %.0f checkpoints of %.1f MiB at once, %.1f MiB of records",
                   forecast->disk.bytes / mebibyte, forecast->disk.checkpoints,
                   forecast->disk.checkpoint_bytes / mebibyte, forecast->disk.records_bytes / mebibyte);
    rt_text_printf(text, "; %.0f MiB are free\n", rt_disk_free(forecast->run_dir) / mebibyte);
}

/* The resolved config, and around it, as comments, what would be done with it. */
static int print_forecast(const struct rt_experiment *experiment, const struct rt_train_options *options,
                          struct rt_error *err)
{
    struct rt_train_forecast *forecast = NULL;
    struct rt_text text = {0};
    char *yaml = NULL;
    int rc;

    RT_TRY(rt_alloc(&forecast, 1, sizeof *forecast, "a forecast", err));
    if ((rc = rt_train_forecast(forecast, experiment, options, err)) ||
        (rc = rt_experiment_format(&forecast->experiment, &yaml, err)))
        goto done;
    rt_text_append(&text, yaml);
    rt_text_printf(&text, "\n# run         %s, %s%s\n", forecast->run_dir,
                   forecast->complete  ? "nothing is left to train"
                   : forecast->resumed ? "resumes from "
                                       : "starts at the first epoch",
                   forecast->resumed && !forecast->complete ? rt_path_name(forecast->checkpoint) : "");
    if (!forecast->complete)
        append_plan(&text, forecast);
    rc = rt_output_text(&text, err);
done:
    rt_text_free(&text);
    rt_free(&yaml);
    rt_free(&forecast);
    return rc;
}

/* --track LIST, for --set track=[LIST]; "none" for an empty one. */
static int read_trackers(struct rt_experiment *experiment, const struct rt_arguments *arguments,
                         struct rt_error *err)
{
    const char *list = rt_argument(arguments, "track");
    char assignment[RT_TEXT_MAX];

    if (!list)
        return RT_OK;
    snprintf(assignment, sizeof assignment, "track=[%s]", strcmp(list, "none") ? list : "");
    return rt_experiment_set(experiment, assignment, err);
}

static int run_train(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_train_options options;
    struct rt_experiment experiment;

    RT_TRY(read_options(&options, arguments, err));
    if (!rt_argument_flag(arguments, "view") && !rt_argument_flag(arguments, "dry-run"))
        options.stop = rt_signals_catch(1);
    RT_TRY(rt_experiment_from_arguments(&experiment, arguments, err));
    RT_TRY(read_trackers(&experiment, arguments, err));
    if (rt_argument_flag(arguments, "view"))
        return rt_view_print(&experiment, options.data, err);
    if (rt_argument_flag(arguments, "dry-run"))
        return print_forecast(&experiment, &options, err);
    return rt_train(&experiment, &options, err);
}

static const struct rt_option options_table[] = {
    RT_EXPERIMENT_OPTIONS,
    RT_OPTION_DATA,
    RT_OPTION_RUNS,
    RT_OPTION_THREADS,
    RT_OPTION_ENGINE,
    RT_OPTION_DEVICE,
    {"init", 0, "FILE", "@files", "begin with the weights in this safetensors file"},
    {"fresh", 0, NULL, NULL, "start over: what an earlier run left is removed"},
    {"autosave", 0, "SECONDS", NULL,
     "save a checkpoint when the last one is this old, also within an epoch (default: 300; 0: never)"},
    {"track", 0, "LIST", RT_TRACKER_WORDS "none",
     "trackers that follow the run, joined by commas, or none (default: tensorboard)"},
    {"profile", 0, NULL, NULL, "at the end, show where the time of the training steps went, by op"},
    {"view", 0, NULL, NULL, "only show the network"},
    {"dry-run", 0, NULL, NULL, "only print what would be done: config, data, work, memory, disk"},
    RT_OPTION_QUIET,
    RT_OPTION_VERBOSE,
    {0},
};

const struct rt_command rt_command_train = {
    .name = "train",
    .operands = "EXPERIMENT",
    .operands_max = 1,
    .operand_values = RT_EXPERIMENT_VALUES,
    .summary = "Train a network as in the published experiments, or resume an earlier run.",
    .description =
        "Everything is written to RUNS/MODEL/NAME: config.yaml, metrics.csv, log.txt, result.json and "
        "checkpoints, each of which is written atomically. An epoch whose mean training loss falls below 0.01, "
        "or whose accuracy exceeds 0.997, meets the interpolation threshold: the test set is evaluated, a "
        "checkpoint is written, and training stops, unless curve: true or figure1: false.\n"
        "\n"
        "Repeating the command resumes from the newest checkpoint, for example up to a later --epochs. A run "
        "that was interrupted or killed and then resumed ends with the same bytes as an uninterrupted one, "
        "times aside. Ctrl-C, SIGTERM, SIGUSR1 and a closed terminal (SIGHUP, unless under nohup) save and "
        "stop; another, more than a second later, stops at once. If keys that matter, or the data, have "
        "changed, it refuses and says which; --fresh starts over.\n"
        "\n"
        "Trackers:\n" RT_TRACKER_LINES,
    .examples = "rethink train MLP1_1.0_none                         # random labels, on CIFAR-10\n"
                "rethink train MLP1_1.0_none --data shapes10         # on images made by the program\n"
                "rethink train MLP1_0.0_none --epochs 90             # resumes where it was\n"
                "rethink train my.yaml --set learning_rate=0.02 --fresh\n"
                "rethink train WRN_0.0_none --dry-run                # what it would cost",
    .options = options_table,
    .run = run_train,
};
