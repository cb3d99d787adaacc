/* What sweep, figure1, figure2 and seed-importance share: options, the plan, carrying it out, and what is drawn
 * from it. */
#ifndef RT_CLI_SWEEP_ARGS_H
#define RT_CLI_SWEEP_ARGS_H

#include "cli/command.h"
#include "cli/experiment_args.h"
#include "data/dataset.h"
#include "sweep/sweep.h"

/* Of a command that carries out a sweep without its figures and report. */
#define RT_SWEEP_RUN_OPTIONS                                                                                   \
    RT_OPTION_DATA, RT_OPTION_RUNS,                                                                            \
        {"set", 0, "KEY=VALUE,...", "@keys", "change a config key of all runs; several values make a grid"},   \
        RT_SHORTHAND_OPTIONS RT_OPTION_ENGINE, RT_OPTION_DEVICE,                                               \
        {"jobs", 'j', "N", NULL,                                                                               \
         "runs at once; auto (default): small networks one core each, convolutional ones all cores"},          \
        {"cores", 0, "N", NULL, "cores to share out (default: all), or of each run on a cluster"},             \
        {"fail-fast", 0, NULL, NULL, "stop all runs when one fails"},                                          \
        {"fresh", 0, NULL, NULL, "start over runs that are there already"},                                    \
        {"dry-run", 0, NULL, NULL, "only show the plan, with what it will cost"},                              \
        {"side-by-side", 0, "N", NULL,                                                                         \
         "runs at once on each device (default: as many as its memory has room for and cores can feed)"},      \
        {"launcher", 0, "NAME", RT_LAUNCHERS(RT_LIST_WORD),                                                    \
         "how runs are carried out" RT_LAUNCHERS(RT_LIST_HELP)},                                               \
        {"partition", 0, "NAME", NULL, "of the cluster"},                                                      \
        {"time", 0, "LIMIT", NULL, "of one run on the cluster, as Slurm takes it: 2:00:00"},                   \
    {                                                                                                          \
        "memory", 0, "SIZE", NULL, "of one run on the cluster, as Slurm takes it: 2G"                          \
    }

/* Of one with them. */
#define RT_SWEEP_OPTIONS                                                                                       \
    RT_SWEEP_RUN_OPTIONS, RT_OPTION_OUTPUT("figures and report go"),                                           \
        {"reference", 0, "DIR", "@dirs", "published points to lay behind the figures"},                        \
        {"no-figures", 0, NULL, NULL, "draw nothing"}, RT_OPTION_QUIET

/* Adds an experiment, with --set's and the shorthands' (a grid, where they have several values), and the
 * settings given here (ended by null) before them. `stages`: how many sessions share its epochs. */
int rt_sweep_args_add(struct rt_sweep *sweep, const struct rt_arguments *arguments, const char *base,
                      const char *const *settings, int stages, struct rt_error *err);

/* Carries out the plan that `fill` adds runs to: dry run, or lock, launch, figures and report. */
int rt_sweep_args_run(const struct rt_arguments *arguments,
                      int (*fill)(struct rt_sweep *sweep, const struct rt_arguments *arguments,
                                  struct rt_error *err),
                      struct rt_error *err);

/* Calls use for each of the models in --models (separated by commas or spaces), or in `fallback`. */
int rt_sweep_args_models(const struct rt_arguments *arguments, const char *fallback,
                         int (*use)(struct rt_sweep *sweep, const struct rt_arguments *arguments,
                                    const char *model, struct rt_error *err),
                         struct rt_sweep *sweep, struct rt_error *err);

/* Draws all figures and the report from the runs in `runs`. Without data for a figure, it is left out. */
struct rt_drawing {
    const char *runs, *figures, *reference;
    const char *data;   /* the images of runs with histories; null: where each run read them */
    size_t images_runs; /* of how many of these the report shows images, at most */
    bool draw;          /* false: only the report, with the figures that are there */
    bool under_way;     /* the report reloads itself */
    bool quiet;
};
struct rt_records;
/* The sample images of the runs' data set and its corruptions; says so where the data cannot be found any more.
 */
void rt_draw_samples(const struct rt_records *records, const char *figures, bool quiet);
/* samples.png in the folder of a run that starts, for its trackers; a warning when it cannot be drawn. */
void rt_draw_run_samples(const struct rt_dataset *dataset, const char *run_dir);
int rt_draw_all(const struct rt_drawing *drawing, struct rt_error *err);

#endif
