/* Groups of stages that run together. A stage on its own runs over the whole batch before the next one starts,
 * and its output has left the caches by then. Readers of one value, and the batch norms behind them that are
 * only views, run over a few images together instead, so that these are read from memory once:
 *
 *   forward    the readers, in order; then the batch norms, which need all images
 *   backward   the batch norms and the readers, last to first
 *
 * Which stages that are depends on the network alone, and what is done to an image does not depend on what it
 * is done with: the results are those of stages that run one by one. */
#include "engine/native/groups.h"
#include "base/clock.h"
#include "base/memory.h"
#include "engine/native/run.h"

/* Floats of a group's values, gradients included, that a thread works on at a time: sized for the third-level
 * cache. A quarter of that is as fast, eight times as much 1 % slower. */
enum { IMAGES_FLOATS = 1000000 };

/* ---- forming ---- */

static bool produces(const struct rt_native *plan, struct rt_slice group, int value)
{
    for (long s = group.begin; s < group.end; s++)
        if (plan->stages[s].out == value)
            return true;
    return false;
}

/* Whether stage number group.end joins the group. */
static bool joins(const struct rt_native *plan, struct rt_slice group)
{
    const struct rt_stage *first = &plan->stages[group.begin], *stage = &plan->stages[group.end];

    if (first->sharing != RT_READS)
        return false;
    if (stage->sharing == RT_FOLLOWS)
        return produces(plan, group, stage->in[0]);
    return stage->sharing == RT_READS && stage->in[0] == first->in[0];
}

static long image_floats(const struct rt_native *plan, int value)
{
    const struct rt_value *v = &plan->values[value];

    return v->shape.height * v->shape.width * v->channels;
}

/* Whether a stage is one of those after the group's readers. */
static bool follows(const struct rt_native *plan, struct rt_slice group, long s)
{
    return s > group.begin && plan->stages[s].sharing == RT_FOLLOWS;
}

/* Images at a time: the first multiple of the stages' minimum that exceeds IMAGES_FLOATS. */
static long images_of(const struct rt_native *plan, struct rt_slice group)
{
    long floats = image_floats(plan, plan->stages[group.begin].in[0]), least = 1;

    for (long s = group.begin; s < group.end; s++) {
        if (plan->stages[s].sharing == RT_READS)
            floats += image_floats(plan, plan->stages[s].out);
        if (plan->stages[s].images_least > least)
            least = plan->stages[s].images_least;
    }
    if (plan->base.options.training)
        floats *= 2;
    return (IMAGES_FLOATS / floats / least + 1) * least;
}

/* Each stage of a group has its own part of the shared scratch, which the next group uses again. */
static void place_shared(struct rt_native *plan, struct rt_slice group)
{
    long size = 0;

    for (long s = group.begin; s < group.end; s++) {
        plan->stages[s].shared = size;
        size += plan->stages[s].shared_floats;
    }
    if ((size_t)size > plan->shared_floats)
        plan->shared_floats = (size_t)size;
}

/* Whatever is live during one stage of a group is live during all of them. */
static void extend_lives(struct rt_native *plan, struct rt_slice group)
{
    const int times[2][2] = {{(int)group.begin, (int)group.end - 1},
                             {plan->end - (int)group.end + 1, plan->end - (int)group.begin}};

    for (int i = 0; i < plan->buffer_count; i++)
        for (int pass = 0; pass < 2; pass++) {
            struct rt_buffer *buffer = &plan->buffers[i];
            const int first = times[pass][0], last = times[pass][1];

            if (buffer->first >= first && buffer->first <= last)
                buffer->first = first;
            if (buffer->last >= first && buffer->last <= last)
                buffer->last = last;
        }
}

/* The lists of groups while they grow. */
struct lists {
    struct rt_stage **order;
    struct rt_native_group *groups;
    int stage_count, group_count;
};

static struct rt_native_group *append_group(struct lists *lists, long images)
{
    struct rt_native_group *group = &lists->groups[lists->group_count++];

    *group = (struct rt_native_group){.stages = lists->order + lists->stage_count, .images = images};
    return group;
}

static void append_stage(struct lists *lists, struct rt_native_group *group, struct rt_stage *stage)
{
    lists->order[lists->stage_count++] = stage;
    group->count++;
}

static void append_forward(struct rt_native *plan, struct lists *lists, struct rt_slice stages)
{
    struct rt_native_group *readers = append_group(lists, images_of(plan, stages)), *followers = NULL;

    for (long s = stages.begin; s < stages.end; s++)
        if (!follows(plan, stages, s))
            append_stage(lists, readers, &plan->stages[s]);
    for (long s = stages.begin; s < stages.end; s++)
        if (follows(plan, stages, s)) {
            if (!followers)
                followers = append_group(lists, plan->base.options.batch_max);
            append_stage(lists, followers, &plan->stages[s]);
        }
}

static void append_backward(struct rt_native *plan, struct lists *lists, struct rt_slice stages)
{
    struct rt_native_group *all = append_group(lists, images_of(plan, stages));

    for (long s = stages.end - 1; s >= stages.begin; s--)
        append_stage(lists, all, &plan->stages[s]);
}

int rt_native_form_groups(struct rt_native *plan, struct rt_error *err)
{
    const size_t stages = (size_t)plan->stage_count;
    struct lists lists = {0};
    struct rt_slice group = {0, 0};

    RT_TRY(rt_alloc(&plan->order, 2 * stages, sizeof *plan->order, "the plan", err));
    RT_TRY(rt_alloc(&plan->groups, 2 * stages, sizeof *plan->groups, "the plan", err));
    lists.order = plan->order;
    lists.groups = plan->groups;
    for (; group.begin < plan->stage_count; group.begin = group.end) {
        do
            plan->stages[group.end++].group_first = (int)group.begin;
        while (group.end < plan->stage_count && joins(plan, group));
        place_shared(plan, group);
        extend_lives(plan, group);
        append_forward(plan, &lists, group);
    }
    plan->forward_groups = lists.group_count;
    for (group.end = plan->stage_count; group.end > 0; group.end = group.begin) {
        group.begin = plan->stages[group.end - 1].group_first;
        append_backward(plan, &lists, group);
    }
    plan->group_count = lists.group_count;
    return RT_OK;
}

/* ---- running ---- */

/* One group's passes, by all members of the team. */
struct group_call {
    struct rt_native *plan;
    const struct rt_native_group *group;
    bool backward;
    bool begins, works, ends; /* some stage has this step */
    double
        counted; /* the time up to which time has been attributed to stages, by the caller, who is member 0 */
};

static const struct rt_native_pass *pass_of(const struct group_call *call, int i)
{
    const struct rt_native_kernel *kernel = call->group->stages[i]->kernel;

    return call->backward ? &kernel->backward : &kernel->forward;
}

/* Attributes the time since the last call to a stage, if the plan measures times. */
static void count_time(struct group_call *call, int i, int member)
{
    struct rt_stage *stage = call->group->stages[i];
    double now;

    if (!call->plan->base.options.profile || member != 0)
        return;
    now = rt_clock_wall_s();
    *(call->backward ? &stage->backward_s : &stage->forward_s) += now - call->counted;
    call->counted = now;
}

static void run_images(struct group_call *call, int member)
{
    const struct rt_slice part = rt_native_images(call->plan, member);

    for (long begin = part.begin; begin < part.end; begin += call->group->images) {
        const long end = part.end - begin < call->group->images ? part.end : begin + call->group->images;

        for (int i = 0; i < call->group->count; i++) {
            if (pass_of(call, i)->images)
                pass_of(call, i)->images(call->plan, call->group->stages[i], member, begin, end);
            count_time(call, i, member);
        }
    }
}

/* The last stage's time: in a backward pass, where it differs, a convolution. */
static void wait_for_all(struct group_call *call, int member)
{
    rt_team_barrier(call->plan->host.team);
    count_time(call, call->group->count - 1, member);
}

static void run_part(void *context, int member)
{
    struct group_call *call = context;

    for (int i = 0; call->begins && i < call->group->count; i++) {
        if (pass_of(call, i)->begin)
            pass_of(call, i)->begin(call->plan, call->group->stages[i], member);
        count_time(call, i, member);
    }
    if (call->begins && (call->works || call->ends))
        wait_for_all(call, member);
    if (call->works)
        run_images(call, member);
    if (call->works && call->ends)
        wait_for_all(call, member);
    for (int i = 0; call->ends && i < call->group->count; i++) {
        if (pass_of(call, i)->end)
            pass_of(call, i)->end(call->plan, call->group->stages[i], member);
        count_time(call, i, member);
    }
}

static void run_group(struct rt_native *plan, const struct rt_native_group *group, bool backward)
{
    struct group_call call = {.plan = plan, .group = group, .backward = backward};

    for (int i = 0; i < group->count; i++) {
        call.begins = call.begins || pass_of(&call, i)->begin;
        call.works = call.works || pass_of(&call, i)->images;
        call.ends = call.ends || pass_of(&call, i)->end;
    }
    if (!call.begins && !call.works && !call.ends)
        return;
    if (plan->base.options.profile)
        call.counted = rt_clock_wall_s();
    rt_team_run(plan->host.team, run_part, &call);
    count_time(&call, group->count - 1, 0); /* waiting for the others */
}

void rt_native_run_forward(struct rt_native *plan)
{
    for (int g = 0; g < plan->forward_groups; g++)
        run_group(plan, &plan->groups[g], false);
    for (int s = 0; s < plan->stage_count; s++)
        plan->stages[s].images += (uint64_t)plan->count;
}

void rt_native_run_backward(struct rt_native *plan)
{
    for (int g = plan->forward_groups; g < plan->group_count; g++)
        run_group(plan, &plan->groups[g], true);
}
