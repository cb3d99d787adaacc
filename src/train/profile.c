#include "train/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/flops.h"

static void name_op(char *name, size_t size, const struct rt_node *node)
{
    const struct rt_attributes *a = &node->attributes;

    if (!a->kernel || !node->op->multiply_adds)
        snprintf(name, size, "%s", node->op->name);
    else if (a->stride > 1)
        snprintf(name, size, "%s %dx%d /%d", node->op->name, a->kernel, a->kernel, a->stride);
    else
        snprintf(name, size, "%s %dx%d", node->op->name, a->kernel, a->kernel);
}

static void name_row(char *name, size_t size, const struct rt_stage_time *time)
{
    const struct rt_shape s = time->node->shape;
    char op[24];

    if (!time->kernel) {
        name_op(name, size, time->node);
        return;
    }
    name_op(op, sizeof op, time->node);
    snprintf(name, size, "%.28s, %s %d@%dx%d", time->kernel, op, s.channels, s.height, s.width);
}

static struct rt_profile_row *row_of(struct rt_profile *profile, const struct rt_stage_time *time)
{
    char name[sizeof profile->rows->name];

    name_row(name, sizeof name, time);
    for (int i = 0; i < profile->count; i++)
        if (!strcmp(profile->rows[i].name, name) || !strcmp(profile->rows[i].name, "others"))
            return &profile->rows[i];
    if (profile->count == RT_PROFILE_ROWS_MAX - 1)
        snprintf(name, sizeof name, "others");
    profile->rows[profile->count] = (struct rt_profile_row){0};
    memcpy(profile->rows[profile->count].name, name, sizeof name);
    return &profile->rows[profile->count++];
}

void rt_profile_add(struct rt_profile *profile, const struct rt_plan *plan, int sign)
{
    struct rt_stage_time time;
    struct rt_profile counted = {0}; /* stages are counted once, however often times are added */

    for (int i = 0; rt_plan_profile(plan, i, &time); i++) {
        const int passes = time.multiply_adds ? rt_flops_passes(plan->graph, time.node) : 0;
        struct rt_profile_row *row;

        if (time.kernel && time.forward_s <= 0 && time.backward_s <= 0)
            continue; /* a kernel of other passes */
        profile->by_kernel = time.kernel != NULL;
        row = row_of(profile, &time);
        row->forward_s += sign * time.forward_s;
        row->backward_s += sign * time.backward_s;
        if (!time.kernel || time.forward_s > 0)
            row->forward_flops += sign * 2 * (double)time.multiply_adds;
        if (!time.kernel || time.backward_s > 0)
            row->backward_flops += sign * 2 * (time.kernel ? 1 : passes - 1) * (double)time.multiply_adds;
        row_of(&counted, &time)->stages++;
    }
    for (int i = 0; i < counted.count; i++)
        profile->rows[i].stages = counted.rows[i].stages;
}

void rt_profile_merge(struct rt_profile *profile, const struct rt_profile *other)
{
    profile->by_kernel |= other->by_kernel;
    for (int i = 0; i < other->count; i++) {
        struct rt_profile_row *row = &profile->rows[i];
        const struct rt_profile_row *more = &other->rows[i];

        if (i == profile->count) {
            *row = *more;
            profile->count++;
            continue;
        }
        row->forward_s += more->forward_s;
        row->backward_s += more->backward_s;
        row->forward_flops += more->forward_flops;
        row->backward_flops += more->backward_flops;
    }
}

double rt_profile_seconds(const struct rt_profile *profile)
{
    double seconds = 0;

    for (int i = 0; i < profile->count; i++)
        seconds += profile->rows[i].forward_s + profile->rows[i].backward_s;
    return seconds;
}

static int longest_first(const void *a, const void *b)
{
    const struct rt_profile_row *x = a, *y = b;
    const double difference = y->forward_s + y->backward_s - x->forward_s - x->backward_s;

    return (difference > 0) - (difference < 0);
}

/* Operations a second, or nothing where there are none. */
static void append_rate(struct rt_text *text, double flops, double seconds)
{
    if (flops > 0 && seconds > 0)
        rt_text_printf(text, "  %8.1f", flops / seconds / 1e9);
    else
        rt_text_printf(text, "  %8s", "");
}

void rt_profile_format(const struct rt_profile *profile, double steps, struct rt_text *text)
{
    const double all = rt_profile_seconds(profile), unit = profile->by_kernel ? 1e6 : 1e3;
    struct rt_profile sorted = *profile;
    int width = 22;

    qsort(sorted.rows, (size_t)sorted.count, sizeof *sorted.rows, longest_first);
    for (int i = 0; i < sorted.count; i++)
        if ((int)strlen(sorted.rows[i].name) > width)
            width = (int)strlen(sorted.rows[i].name);
    rt_text_printf(text, "  %-*s  %6s  %10s  %11s  %7s  %8s  %8s\n", width,
                   profile->by_kernel ? "us a step" : "ms a step", "stages", "forward", "backward", "share",
                   "GFLOP/s", "backward");
    for (int i = 0; i < sorted.count && steps > 0 && all > 0; i++) {
        const struct rt_profile_row *row = &sorted.rows[i];

        rt_text_printf(text, "  %-*s  %6d  %10.3f  %11.3f  %6.1f%%", width, row->name, row->stages,
                       unit * row->forward_s / steps, unit * row->backward_s / steps,
                       100 * (row->forward_s + row->backward_s) / all);
        append_rate(text, row->forward_flops, row->forward_s);
        append_rate(text, row->backward_flops, row->backward_s);
        rt_text_append(text, "\n");
    }
}
