/* rethink seed-importance: runs resumed twice, with and without their seed. */
#include <stdio.h>

#include "cli/sweep_args.h"
#include "config/models.h"

enum { SESSIONS = 3 };

static int add_model(struct rt_sweep *sweep, const struct rt_arguments *arguments, const char *model,
                     struct rt_error *err)
{
    static const char *const levels[] = {"0.0", "0.1"};
    char base[RT_TEXT_MAX], seeded[RT_TEXT_MAX + 32], unseeded[RT_TEXT_MAX + 32];

    for (int i = 0; i < 2; i++) {
        snprintf(base, sizeof base, "%s_%s_none", model, levels[i]);
        snprintf(seeded, sizeof seeded, "experiment_name=seed%s", base);
        snprintf(unseeded, sizeof unseeded, "experiment_name=nope%s", base);
        const char *const with[] = {seeded, "curve=true", "num_epochs=105", NULL};
        const char *const without[] = {
            unseeded, "curve=true", "num_epochs=105", "seed=null", "reseed_on_resume=true", NULL};
        RT_TRY(rt_sweep_args_add(sweep, arguments, base, with, SESSIONS, err));
        RT_TRY(rt_sweep_args_add(sweep, arguments, base, without, SESSIONS, err));
    }
    return RT_OK;
}

static int fill(struct rt_sweep *sweep, const struct rt_arguments *arguments, struct rt_error *err)
{
    return rt_sweep_args_models(arguments, "AlexNet", add_model, sweep, err);
}

static int run_seed_importance(const struct rt_arguments *arguments, struct rt_error *err)
{
    return rt_sweep_args_run(arguments, fill, err);
}

static const struct rt_option options[] = {
    {"models", 0, "LIST", RT_PUBLISHED_MODEL_WORDS, "these models, separated by commas (default: AlexNet)"},
    RT_SWEEP_OPTIONS,
    {0},
};

const struct rt_command rt_command_seed_importance = {
    .name = "seed-importance",
    .operands = "",
    .summary = "Show what resuming without a seed does to a run.",
    .description =
        "Four runs a model, on true and on 10 % corrupted labels, each trained in three sessions: resumed "
        "twice with its seed (seedNAME), and twice without one (nopeNAME, seed: null and reseed_on_resume: "
        "true), which draws the data's corruption and order anew, so that the loss jumps.",
    .examples = "rethink seed-importance --models MLP1 --epochs 60\n",
    .options = options,
    .run = run_seed_importance,
};
