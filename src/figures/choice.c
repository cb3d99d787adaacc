#include "figures/choice.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "config/builtin.h"
#include "config/models.h"
#include "runs/paper.h"

bool rt_fits_figure1(const struct rt_record *run, const void *context)
{
    return run->experiment.figure1 && !run->experiment.reseed_on_resume &&
           strcmp(run->experiment.label_noise, "two_classes") != 0 && /* random signs: another task */
           !rt_paper_table_of(run) &&                                 /* another schedule, past the threshold */
           !strcmp(run->experiment.model_name, context);
}

int rt_models_of(const struct rt_records *records, const char *models[RT_MODELS_MAX])
{
    static const char *const published[] = {
#define MODEL_NAME(model, aliases, settings) #model,
        RT_PUBLISHED_MODELS(MODEL_NAME)
#undef MODEL_NAME
    };
    int count = 0, k;

    for (size_t i = 0; i < sizeof published / sizeof *published; i++)
        models[count++] = published[i];
    for (size_t i = 0; i < records->count; i++) {
        const char *name = records->runs[i].experiment.model_name;
        for (k = 0; k < count && strcmp(models[k], name) != 0; k++)
            ;
        if (k == count && count < RT_MODELS_MAX)
            models[count++] = name;
    }
    return count;
}

/* ---- variants ---- */

static bool is_alike(const struct rt_choice *choice, const struct rt_record *a, const struct rt_record *b)
{
    struct rt_value left, right;

    for (int i = 0; i < choice->key_count; i++) {
        const struct rt_property key = {.key = choice->keys[i]};
        rt_property_value(&key, a, &left);
        rt_property_value(&key, b, &right);
        if (!rt_value_equals(&left, &right))
            return false;
    }
    return true;
}

/* In how many keys that say what is computed, other than the figure's axes, the run differs from the published
 * experiments of its model. Winograd's algorithms compute the same. */
static int distance(const struct rt_record *run, const char *axes)
{
    struct rt_record published = {.has_config = true};
    struct rt_value here, there;
    char name[RT_TEXT_MAX];
    int count = 0;

    snprintf(name, sizeof name, "%.200s_0.0_none", run->experiment.model_name);
    if (rt_experiment_builtin(&published.experiment, name, NULL))
        return 1;
    for (const struct rt_key *key = rt_keys; key->name; key++) {
        if (!rt_key_computes(key) || rt_text_has_word(axes, key->name) ||
            rt_text_has_word("winograd figure1", key->name))
            continue;
        rt_property_value(&(struct rt_property){.key = key}, run, &here);
        rt_property_value(&(struct rt_property){.key = key}, &published, &there);
        count += !rt_value_equals(&here, &there);
    }
    return count;
}

static void describe(const struct rt_choice *choice, struct rt_variant *variant)
{
    struct rt_text text = rt_text_in(variant->label, sizeof variant->label);

    for (int i = 0; i < choice->key_count; i++) {
        rt_text_append(&text, i ? ", " : "");
        rt_key_append_setting(choice->keys[i], variant->like, &text);
    }
}

/* The runs' variants, nearest to the published config first. */
static int find_variants(struct rt_choice *choice, const char *axes, struct rt_error *err)
{
    const struct rt_record **firsts = NULL;
    size_t count = 0, k;
    int rc;

    RT_TRY(rt_alloc(&firsts, choice->count, sizeof *firsts, "runs", err));
    for (size_t i = 0; i < choice->count; i++) {
        for (k = 0; k < count && !is_alike(choice, firsts[k], choice->runs[i]); k++)
            ;
        if (k == count) { /* insert behind those that are as near */
            for (; k > 0 && distance(firsts[k - 1], axes) > distance(choice->runs[i], axes); k--)
                firsts[k] = firsts[k - 1];
            firsts[k] = choice->runs[i];
            count++;
        }
    }
    choice->variant_count = count < RT_VARIANTS_MAX ? (int)count : RT_VARIANTS_MAX;
    for (int i = 0; i < choice->variant_count; i++) {
        struct rt_variant *variant = &choice->variants[i];
        variant->like = firsts[i];
        variant->published =
            !distance(firsts[i], axes) && !strcmp(firsts[i]->result.provenance.data.name, "cifar10");
        describe(choice, variant);
    }
    rc = RT_OK;
    for (size_t i = 0; i < choice->count && !rc; i++) {
        for (k = 0; k < (size_t)choice->variant_count && !is_alike(choice, firsts[k], choice->runs[i]); k++)
            ;
        if (k == RT_VARIANTS_MAX)
            rc = rt_leave_out(&choice->figure->left_out, choice->runs[i]->name,
                              "more than four variants: --where chooses", err);
    }
    rt_free(&firsts);
    return rc;
}

int rt_choose(struct rt_choice *choice, struct rt_figure *figure, const struct rt_records *records,
              bool (*fits)(const struct rt_record *run, const void *context), const void *context,
              const char *axes, struct rt_error *err)
{
    const struct rt_key *differ[RT_PROPERTIES_MAX];

    *choice = (struct rt_choice){.figure = figure};
    RT_TRY(rt_alloc(&choice->runs, records->count, sizeof *choice->runs, "runs", err));
    for (size_t i = 0; i < records->count; i++)
        if (records->runs[i].has_config && fits(&records->runs[i], context))
            choice->runs[choice->count++] = &records->runs[i];
    const int count = rt_keys_that_differ(choice->runs, choice->count, rt_key_computes, differ);
    for (int i = 0; i < count; i++)
        if (!rt_text_has_word(axes, differ[i]->name))
            choice->keys[choice->key_count++] = differ[i];
    return find_variants(choice, axes, err);
}

void rt_choice_free(struct rt_choice *choice)
{
    rt_free(&choice->runs);
    choice->count = 0;
}

/* ---- groups ---- */

static bool is_finished(const struct rt_record *run)
{
    return !strcmp(run->state, "finished");
}

/* Of two runs that compute the same, the one that says more: finished, stopped where published runs stop, and
 * with more epochs. */
static bool is_better(const struct rt_record *run, const struct rt_record *other)
{
    if (is_finished(run) != is_finished(other))
        return is_finished(run);
    if (run->experiment.curve != other->experiment.curve && run->result.threshold.reached)
        return !run->experiment.curve;
    return run->result.epochs > other->result.epochs;
}

int rt_group_take(struct rt_figure *figure, struct rt_group *group, const struct rt_record *run,
                  struct rt_error *err)
{
    char reason[256];
    int k = 0;

    while (k < group->count && (group->runs[k]->experiment.seed.value != run->experiment.seed.value ||
                                group->runs[k]->experiment.seed.given != run->experiment.seed.given))
        k++;
    if (k == RT_GROUP_MAX)
        return rt_leave_out(&figure->left_out, run->name, "more than 64 seeds", err);
    if (k < group->count) {
        const bool better = is_better(run, group->runs[k]);
        const struct rt_record *kept = better ? run : group->runs[k], *other = better ? group->runs[k] : run;
        snprintf(reason, sizeof reason, "the same config and seed as %.100s", kept->name);
        group->runs[k] = kept;
        return rt_leave_out(&figure->left_out, other->name, reason, err);
    }
    group->runs[group->count++] = run;
    return RT_OK;
}

/* Beside finished runs, those that are not would cut a mean short. */
static int drop_unfinished(struct rt_figure *figure, struct rt_group *group, struct rt_error *err)
{
    int finished = 0, kept = 0;
    char reason[256];

    for (int k = 0; k < group->count; k++)
        finished += is_finished(group->runs[k]);
    group->unfinished = group->count > 0 && !finished;
    for (int k = 0; k < group->count; k++) {
        const struct rt_record *run = group->runs[k];
        if (!finished || is_finished(run)) {
            group->runs[kept++] = run;
            continue;
        }
        snprintf(reason, sizeof reason, "%s at epoch %lld, beside finished runs", run->state,
                 (long long)run->result.epochs);
        RT_TRY(rt_leave_out(&figure->left_out, run->name, reason, err));
    }
    group->count = kept;
    return RT_OK;
}

int rt_group_end(struct rt_figure *figure, struct rt_group *group, struct rt_error *err)
{
    RT_TRY(drop_unfinished(figure, group, err));
    rt_figure_count_seeds(figure, group->count);
    for (int k = 0; k < group->count; k++)
        rt_figure_show(figure, group->runs[k]);
    return RT_OK;
}

int rt_choice_group(const struct rt_choice *choice, int variant,
                    bool (*is_here)(const struct rt_record *run, const void *place), const void *place,
                    struct rt_group *group, struct rt_error *err)
{
    *group = (struct rt_group){0};
    for (size_t i = 0; i < choice->count; i++)
        if (is_alike(choice, choice->runs[i], choice->variants[variant].like) &&
            (!is_here || is_here(choice->runs[i], place)))
            RT_TRY(rt_group_take(choice->figure, group, choice->runs[i], err));
    return rt_group_end(choice->figure, group, err);
}

int rt_choice_levels(const struct rt_choice *choice, const char *name, double *out, int room)
{
    const struct rt_property key = {.key = rt_key_find(name)};
    struct rt_value value;
    int count = 0, k;

    for (size_t i = 0; i < choice->count; i++) {
        rt_property_value(&key, choice->runs[i], &value);
        for (k = 0; k < count && out[k] != value.number; k++)
            ;
        if (k < count || count == room)
            continue;
        for (; k > 0 && out[k - 1] > value.number; k--)
            out[k] = out[k - 1];
        out[k] = value.number;
        count++;
    }
    return count;
}

void rt_choice_label(const struct rt_choice *choice, int variant, const struct rt_group *group,
                     const char *name, char label[RT_FIGURE_TEXT_MAX])
{
    const char *setting = choice->variants[variant].label;

    snprintf(label, RT_FIGURE_TEXT_MAX, "%.40s%s%s%s", name, *setting ? ", " : "", setting,
             group && group->unfinished ? " (so far)" : "");
}
