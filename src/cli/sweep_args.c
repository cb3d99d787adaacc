#include "cli/sweep_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "figures/report_images.h"
#include "net/models.h"
#include "run/run.h"

/* ---- the runs ---- */

int rt_sweep_args_add(struct rt_sweep *sweep, const struct rt_arguments *arguments, const char *base,
                      const char *const *settings, int stages, struct rt_error *err)
{
    struct rt_assignment assignments[RT_SETTINGS_MAX + 1];
    const char *axes[RT_SETTINGS_MAX + 2] = {0};
    struct rt_grid grid = {.base = base, .settings = settings, .axes = axes, .stages = stages};
    struct rt_error cause = {0};
    int at = 0;

    for (int i = 0; i <= RT_SETTINGS_MAX; i++) {
        RT_TRY(rt_assignment_next(&assignments[i], arguments, &at, err));
        if (!(axes[i] = assignments[i].text))
            break;
        for (int k = i; k > 0 && rt_assignment_is_preset(axes[k]) && !rt_assignment_is_preset(axes[k - 1]);
             k--) {
            const char *before = axes[k - 1]; /* a preset comes first, wherever it was given */

            axes[k - 1] = axes[k];
            axes[k] = before;
        }
    }
    return rt_sweep_add_grid(sweep, &grid, &cause) ? rt_assignment_blame(arguments, &cause, err) : RT_OK;
}

int rt_sweep_args_models(const struct rt_arguments *arguments, const char *fallback,
                         int (*use)(struct rt_sweep *sweep, const struct rt_arguments *arguments,
                                    const char *model, struct rt_error *err),
                         struct rt_sweep *sweep, struct rt_error *err)
{
    const char *models = rt_argument(arguments, "models");

    for (models = models ? models : fallback; *models;) {
        char name[64];
        const size_t length = strcspn(models, ", ");
        snprintf(name, sizeof name, "%.*s", (int)length, models);
        const struct rt_model *model = rt_model_find(name);
        if (!model) {
            struct rt_nearest nearest = {.word = name};
            char hint[96];
            for (int i = 0; rt_models[i]; i++)
                rt_nearest_offer(&nearest, rt_models[i]->name);
            return rt_fail(err, RT_EUSAGE, "--models: there is no model '%s'%s", name,
                           rt_nearest_hint(&nearest, hint, sizeof hint));
        }
        RT_TRY(use(sweep, arguments, model->name, err));
        models += length + strspn(models + length, ", ");
    }
    return RT_OK;
}

/* ---- the options ---- */

static int read_jobs(const struct rt_arguments *arguments, int *jobs, struct rt_error *err)
{
    const char *text = rt_argument(arguments, "jobs");
    long value = 0;

    if (text && strcmp(text, "auto") != 0)
        RT_TRY(rt_argument_integer(arguments, "jobs", 1, 1024, 1, &value, err));
    *jobs = (int)value;
    return RT_OK;
}

static int read_options(struct rt_sweep_options *options, const struct rt_arguments *arguments, char *program,
                        struct rt_error *err)
{
    const char *runs = rt_argument(arguments, "runs"), *name = rt_argument(arguments, "launcher");
    const struct rt_launcher *launcher = name ? rt_launcher_find(NULL, name) : NULL;
    const ssize_t length = readlink("/proc/self/exe", program, RT_PATH_MAX - 1);
    long cores, side_by_side;

    if (length < 0)
        return rt_fail(err, RT_EIO, "/proc/self/exe: cannot tell the path of this program");
    program[length] = 0;
    RT_TRY(rt_argument_integer(arguments, "cores", 1, launcher && !launcher->here ? 1024 : rt_core_allowed(),
                               rt_core_count(), &cores, err));
    RT_TRY(rt_argument_integer(arguments, "side-by-side", 1, 1024, 0, &side_by_side, err));
    *options = (struct rt_sweep_options){
        .program = program,
        .runs = runs ? runs : RT_RUNS_DEFAULT,
        .data = rt_argument(arguments, "data"),
        .engine = rt_argument(arguments, "engine"),
        .device = rt_argument(arguments, "device"),
        .side_by_side = (int)side_by_side,
        .cores = (int)cores,
        .fail_fast = rt_argument_flag(arguments, "fail-fast"),
        .fresh = rt_argument_flag(arguments, "fresh"),
        .quiet = rt_argument_flag(arguments, "quiet"),
        .begin = rt_draw_run_samples,
        .partition = rt_argument(arguments, "partition"),
        .time_limit = rt_argument(arguments, "time"),
        .memory = rt_argument(arguments, "memory"),
    };
    return read_jobs(arguments, &options->jobs, err);
}

/* ---- carrying out ---- */

static void draw_after_run(void *context, const struct rt_sweep_run *run)
{
    struct rt_drawing *drawing = context;
    struct rt_error cause = {0};

    (void)run;
    if (rt_draw_all(drawing, &cause))
        rt_log_warn("figures: %s", cause.message);
}

/* How much there is to do, where and how long; that this cannot be told stops no run. */
static void say_start(struct rt_sweep *sweep)
{
    struct rt_text text = {0};
    struct rt_error cause = {0};

    if (sweep->options.quiet)
        return;
    if (rt_sweep_format_start(sweep, &text, &cause))
        rt_log_warn("how long the sweep takes is not known: %s", cause.message);
    else if (text.length)
        rt_log_info("%s", rt_text_string(&text));
    rt_text_free(&text);
}

/* The sweep's name at trackers, where its runs lie under it: what asked for it, the same when it is resumed. */
static void name_sweep(const struct rt_arguments *arguments)
{
    enum { NAME_MAX_BYTES = 200 };
    struct rt_assignment assignment;
    struct rt_text text = {0};
    int at = 0;

    rt_text_append(&text, arguments->command->name);
    for (int i = 0; i < arguments->operand_count; i++)
        rt_text_printf(&text, " %s", arguments->operands[i]);
    while (!rt_assignment_next(&assignment, arguments, &at, NULL) && assignment.text)
        rt_text_printf(&text, " %s", assignment.text);
    if (text.length > NAME_MAX_BYTES) {
        text.length = NAME_MAX_BYTES;
        text.bytes[NAME_MAX_BYTES] = '\0';
    }
    if (!rt_text_check(&text, NULL)) {
        rt_utf8_make_plain(text.bytes);
        setenv("RETHINK_SWEEP", text.bytes, false); /* a name that was given stays */
    }
    rt_text_free(&text);
}

static int launch_here(struct rt_sweep *sweep, const struct rt_launcher *launcher, struct rt_drawing *drawing,
                       bool draw, struct rt_error *err)
{
    struct rt_lock lock = {0};
    struct rt_error cause = {0};

    RT_TRY(rt_folder_make(sweep->options.runs, err));
    RT_TRY(rt_lock_acquire(&lock, sweep->options.runs, "sweep.lock", err));
    say_start(sweep);
    if (draw) {
        sweep->options.finished = draw_after_run;
        sweep->options.context = drawing;
    }
    const int rc = launcher->launch(sweep, err);
    drawing->under_way = false;
    drawing->quiet = sweep->options.quiet;
    const int drawn = draw ? rt_draw_all(drawing, rc ? &cause : err) : 0;
    if (rc && drawn)
        rt_log_warn("figures: %s", cause.message);
    rt_lock_release(&lock);
    return rc ? rc : drawn;
}

static int print_plan(struct rt_sweep *sweep, struct rt_error *err)
{
    struct rt_text text = {0};
    const int rc = rt_sweep_format_plan(sweep, &text, err);

    if (!rc)
        return rt_output_text(&text, err);
    rt_text_free(&text);
    return rc;
}

static int find_launcher(const struct rt_launcher **launcher, const struct rt_sweep *sweep, const char *name,
                         struct rt_error *err)
{
    if (!(*launcher = rt_launcher_find(sweep, name)))
        return rt_fail(err, RT_EUSAGE, "--launcher: there is no '%s', only " RT_LAUNCHERS(RT_LIST_WORD), name);
    if (sweep->device_count > 1 && *launcher != &rt_launcher_threads)
        return rt_fail(err, RT_EUSAGE, "--device %s: several devices need --launcher threads",
                       sweep->options.device);
    return RT_OK;
}

/* Figures and report, of the commands that have --no-figures. */
static bool is_drawn(const struct rt_arguments *arguments)
{
    for (const struct rt_option *option = arguments->command->options; option->name; option++)
        if (!strcmp(option->name, "no-figures"))
            return !rt_argument_flag(arguments, "no-figures");
    return false;
}

static int carry_out(struct rt_sweep *sweep, const struct rt_arguments *arguments, struct rt_error *err)
{
    const char *name = rt_argument(arguments, "launcher"), *figures = rt_argument(arguments, "output");
    const struct rt_launcher *launcher;

    RT_TRY(rt_sweep_choose_places(sweep, err));
    RT_TRY(find_launcher(&launcher, sweep, name, err));
    if (launcher->patience && !rt_argument_flag(arguments, "dry-run"))
        sweep->options.stop = rt_signals_catch(launcher->patience);
    RT_TRY(rt_sweep_inspect(sweep, err));
    rt_sweep_share_cores(sweep);
    if (rt_argument_flag(arguments, "dry-run"))
        return print_plan(sweep, err);
    name_sweep(arguments);
    if (!launcher->here)
        return launcher->launch(sweep, err);
    struct rt_drawing drawing = {.runs = sweep->options.runs,
                                 .figures = figures ? figures : "figures",
                                 .reference = rt_argument(arguments, "reference"),
                                 .data = rt_argument(arguments, "data"),
                                 .images_runs = RT_REPORT_IMAGES_RUNS,
                                 .draw = true,
                                 .under_way = true,
                                 .quiet = true};
    return launch_here(sweep, launcher, &drawing, is_drawn(arguments), err);
}

int rt_sweep_args_run(const struct rt_arguments *arguments,
                      int (*fill)(struct rt_sweep *sweep, const struct rt_arguments *arguments,
                                  struct rt_error *err),
                      struct rt_error *err)
{
    struct rt_sweep sweep = {0};
    char program[RT_PATH_MAX];
    int rc;

    if (rt_argument_flag(arguments, "quiet"))
        rt_log_set_level(RT_LOG_QUIET);
    if (!(rc = read_options(&sweep.options, arguments, program, err)) && !(rc = fill(&sweep, arguments, err)))
        rc = carry_out(&sweep, arguments, err);
    rt_sweep_free(&sweep);
    return rc;
}
