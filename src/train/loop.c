#include "train/loop.h"

#include <math.h>

#include "base/clock.h"
#include "train/schedule.h"
#include "train/weights.h"

bool rt_progress_complete(const struct rt_progress *progress, const struct rt_experiment *experiment)
{
    if (progress->batches)
        return false;
    return progress->epochs >= experiment->num_epochs ||
           (progress->threshold.reached && experiment->figure1 && !experiment->curve);
}

void rt_loop_note_time(struct rt_loop *loop)
{
    loop->progress.wall_s = rt_clock_wall_s() - loop->began_wall_s;
    loop->progress.cpu_s = rt_clock_cpu_s() - loop->began_cpu_s;
}

double rt_loop_flops(const struct rt_loop *loop)
{
    const double whole = (double)loop->progress.epochs * (double)loop->batches->dataset->train_count;

    return loop->flops_per_image * (whole + (double)loop->progress.images);
}

int rt_loop_measure_test(struct rt_loop *loop, struct rt_scores *scores, struct rt_error *err)
{
    struct rt_evaluation evaluation;

    RT_TRY(rt_evaluator_run(loop->evaluator, RT_SPLIT_TEST, &evaluation, NULL, err));
    scores->test_loss = evaluation.loss;
    scores->test_acc = evaluation.accuracy;
    scores->test_loss_true = evaluation.loss_true;
    scores->test_acc_true = evaluation.accuracy_true;
    return RT_OK;
}

struct rt_outcome rt_loop_outcome(const struct rt_loop *loop)
{
    const struct rt_progress *progress = &loop->progress;
    const struct rt_threshold *threshold = &progress->threshold;

    return (struct rt_outcome){
        .threshold_reached = threshold->reached,
        .threshold_epoch = threshold->epoch,
        .threshold_step = threshold->step,
        .threshold_minutes = threshold->wall_s / 60,
        .threshold_cpu_s = threshold->cpu_s,
        .scores = progress->scores,
        .training_flops = rt_loop_flops(loop),
        .epochs = progress->epochs,
        .wall_s = progress->wall_s,
        .cpu_s = progress->cpu_s,
        .finished = rt_progress_complete(progress, loop->experiment),
    };
}

/* ---- one batch ---- */

/* Waits for the oldest batch in flight and adds it to the epoch's sums; *finite: whether its loss is. */
static int collect_batch(struct rt_loop *loop, bool *finite, struct rt_error *err)
{
    struct rt_image_outcome *outcomes = loop->watch ? loop->watch->outcomes : NULL;
    struct rt_progress *progress = &loop->progress;
    struct rt_step step = {0};

    RT_TRY(rt_plan_collect(loop->plan, &step, outcomes, err));
    if (outcomes)
        rt_watch_note(loop->watch, loop->batches->order + progress->images, step.count, &progress->learnt);
    progress->batches++;
    progress->serial++;
    progress->loss_sum += step.loss_sum;
    progress->correct += step.correct;
    progress->images += step.count;
    *finite = isfinite(step.loss_sum);
    return RT_OK;
}

/* The running means of the current epoch; at its end, what was learnt of right and wrong labels. */
static struct rt_log_point point_now(const struct rt_loop *loop, bool last, double learning_rate)
{
    const struct rt_progress *progress = &loop->progress;
    struct rt_scores scores = rt_scores_none();

    rt_metric_set(&rt_metrics[RT_METRIC_train_loss], &scores, progress->loss_sum / (double)progress->images);
    scores.train_acc = (double)progress->correct / (double)progress->images;
    if (last)
        rt_learnt_score(&progress->learnt, progress->images, &scores);
    return (struct rt_log_point){
        .step = progress->step,
        .epoch = (int)progress->epochs + 1,
        .batch = (int)progress->batches - 1,
        .batches = rt_batches_per_epoch(loop->batches),
        .scores = scores,
        .learning_rate = learning_rate,
        .wall_s = progress->wall_s,
        .cpu_s = progress->cpu_s,
    };
}

bool rt_threshold_met(double train_loss, double train_acc)
{
    return train_loss < RT_THRESHOLD_LOSS || train_acc > RT_THRESHOLD_ACCURACY;
}

/* Measures on the test set for `point`, drawing from the loader's generator as the published code does. */
static int measure_test(struct rt_loop *loop, struct rt_log_point *point, struct rt_error *err)
{
    RT_TRY(rt_loop_measure_test(loop, &point->scores, err));
    rt_batches_note_evaluation(loop->batches);
    return RT_OK;
}

/* Of the epoch that ends here: whether evaluate_every asks for a test. */
static bool test_is_due(const struct rt_loop *loop)
{
    const struct rt_optional_int *every = &loop->experiment->evaluate_every;

    return every->given && (loop->progress.epochs + 1) % every->value == 0;
}

/* A log point. `reached`: the epoch that ends here is the first to meet the threshold. What evaluate_every asks
 * for beyond the published tests draws nothing, so that training is the same with it and without. */
static int log_batch(struct rt_loop *loop, struct rt_log_point *point, bool last, bool reached,
                     struct rt_error *err)
{
    if (reached || !loop->experiment->figure1)
        RT_TRY(measure_test(loop, point, err));
    else if (last && test_is_due(loop))
        RT_TRY(rt_loop_measure_test(loop, &point->scores, err));
    RT_TRY(rt_recorders_log(loop->recorders, point, err));
    loop->progress.step++;
    return RT_OK;
}

/* ---- one epoch ---- */

static int note_threshold(struct rt_loop *loop, const struct rt_log_point *point, struct rt_error *err)
{
    struct rt_progress *progress = &loop->progress;
    struct rt_outcome outcome;

    progress->threshold = (struct rt_threshold){
        .reached = true,
        .epoch = progress->epochs,
        .step = point->step,
        .wall_s = point->wall_s,
        .cpu_s = point->cpu_s,
        .training_flops = rt_loop_flops(loop),
        .scores = progress->scores,
    };
    outcome = rt_loop_outcome(loop);
    return rt_recorders_threshold(loop->recorders, &outcome, err);
}

/* A checkpoint of the current state, unless the last one is. */
static int save(struct rt_loop *loop, struct rt_error *err)
{
    if (loop->saved_serial == loop->progress.serial)
        return RT_OK;
    rt_loop_note_time(loop);
    RT_TRY(loop->save(loop->context, err));
    loop->saved_s = rt_clock_wall_s();
    loop->saved_serial = loop->progress.serial;
    return RT_OK;
}

/* Ends the epoch's sums; saves a checkpoint if one is due. */
static int end_epoch(struct rt_loop *loop, const struct rt_log_point *point, bool reached, struct rt_error *err)
{
    const struct rt_optional_int *every = &loop->experiment->checkpoint_every;
    const struct rt_optional_int *histograms = &loop->experiment->histograms_every;
    struct rt_progress *progress = &loop->progress;

    progress->epochs++;
    progress->batches = progress->images = progress->correct = 0;
    progress->loss_sum = 0;
    progress->learnt = (struct rt_learnt){0};
    progress->scores = point->scores;
    rt_best_note(&progress->best, progress->epochs, &progress->scores);
    if (loop->watch)
        RT_TRY(rt_watch_end_epoch(loop->watch, err));
    if (reached)
        RT_TRY(note_threshold(loop, point, err));
    if (histograms->given && progress->epochs % histograms->value == 0)
        RT_TRY(rt_weights_show(loop->plan, loop->recorders, (int)progress->epochs, err));
    if (reached || (every->given && progress->epochs % every->value == 0) ||
        rt_progress_complete(progress, loop->experiment))
        return save(loop, err);
    return RT_OK;
}

/* The batches in flight after it are discarded; as the network has gone on through them, it is not tested. */
static int diverge(struct rt_loop *loop, struct rt_log_point *point, struct rt_error *err)
{
    RT_TRY(rt_recorders_log(loop->recorders, point, err));
    loop->progress.step++;
    return rt_fail(err, RT_EDIVERGED,
                   "%s: the training loss became %s at epoch %d, batch %d, learning rate %g; try a lower "
                   "learning_rate",
                   loop->experiment->experiment_name, isnan(point->scores.train_loss) ? "NaN" : "infinite",
                   point->epoch, point->batch, point->learning_rate);
}

/* Collects one batch and does everything that is due after it. */
static int step(struct rt_loop *loop, struct rt_error *err)
{
    struct rt_log_point point;
    bool finite, last, reached;

    RT_TRY(collect_batch(loop, &finite, err));
    last = loop->progress.batches == rt_batches_per_epoch(loop->batches);
    rt_loop_note_time(loop);
    point = point_now(loop, last, loop->plan->pass.update.learning_rate);
    if (!finite)
        return diverge(loop, &point, err);
    reached = last && !loop->progress.threshold.reached &&
              rt_threshold_met(point.scores.train_loss, point.scores.train_acc);
    if (last || point.batch % loop->experiment->log_every == 0)
        RT_TRY(log_batch(loop, &point, last, reached, err));
    RT_TRY(rt_recorders_progress(loop->recorders, &point, err));
    return last ? end_epoch(loop, &point, reached, err) : RT_OK;
}

/* The order of the current epoch, drawn now, or again for an epoch that a checkpoint has split. */
static void draw_epoch(struct rt_loop *loop)
{
    const struct rt_mt now = loop->batches->generator;
    const bool cut = loop->progress.batches > 0;

    if (cut)
        loop->batches->generator = loop->epoch_start;
    else
        loop->epoch_start = now;
    rt_batches_begin_epoch(loop->batches, (int)loop->progress.epochs + 1);
    if (cut)
        loop->batches->generator = now;
}

static int begin_epoch(struct rt_loop *loop, struct rt_error *err)
{
    const struct rt_experiment *experiment = loop->experiment;
    struct rt_pass pass = {
        .kind = RT_PASS_TRAIN,
        .store = loop->store,
        .count = loop->batches->dataset->train_count,
        .batch_size = loop->batches->batch_size,
        .first = (int)loop->progress.batches,
        .serial = (uint64_t)loop->progress.serial,
        .outcomes = loop->watch && loop->watch->outcomes,
        .update = {.learning_rate = rt_schedule_rate(experiment, loop->progress.epochs + 1),
                   .momentum = experiment->momentum,
                   .weight_decay = experiment->weight_decay},
    };

    draw_epoch(loop);
    pass.order = loop->batches->order;
    pass.crops = loop->batches->crops;
    return rt_plan_begin(loop->plan, &pass, err);
}

/* How many batches may still be enqueued: none past one after which the state is needed. */
static int batches_allowed(const struct rt_loop *loop)
{
    const int last = rt_batches_per_epoch(loop->batches) - 1, collected = loop->plan->collected;
    const int every = (int)loop->experiment->log_every;
    int needed = last;

    if (!loop->experiment->figure1 && (collected + every - 1) / every * every < last)
        needed = (collected + every - 1) / every * every;
    return needed + 1 - loop->plan->advanced;
}

/* Keeps as many batches in flight as the engine asks for; once they are, there is time to draw the next order.
 * */
static void refill(struct rt_loop *loop)
{
    const int stride = rt_plan_stride(loop->plan), in_flight = rt_plan_in_flight(loop->plan);
    const int room = stride - in_flight, allowed = batches_allowed(loop);

    if (in_flight > stride / 2)
        return;
    rt_plan_advance(loop->plan, room < allowed ? room : allowed);
    if (stride > 1 && !rt_plan_left(loop->plan) && !loop->batches->ahead &&
        loop->progress.epochs + 1 < loop->experiment->num_epochs)
        rt_batches_draw_ahead(loop->batches, loop->experiment->figure1 ? 0 : 1);
}

static bool autosave_is_due(const struct rt_loop *loop)
{
    return loop->autosave_s > 0 && rt_clock_wall_s() - loop->saved_s >= loop->autosave_s;
}

static bool asked_to_stop(const struct rt_loop *loop)
{
    return loop->stop && atomic_load(loop->stop);
}

static int train_epoch(struct rt_loop *loop, struct rt_error *err)
{
    const int64_t epoch = loop->progress.epochs;
    bool stopping = false; /* to save: nothing more is advanced */

    RT_TRY(begin_epoch(loop, err));
    while (loop->progress.epochs == epoch) {
        if (!stopping)
            refill(loop);
        RT_TRY(step(loop, err));
        if (rt_progress_complete(&loop->progress, loop->experiment))
            return RT_OK;
        stopping = stopping || asked_to_stop(loop) || autosave_is_due(loop);
        if (!stopping || rt_plan_in_flight(loop->plan))
            continue;
        RT_TRY(save(loop, err));
        if (asked_to_stop(loop))
            return rt_fail(err, RT_EINTERRUPTED, "interrupted; the same command resumes it");
        stopping = false;
    }
    return RT_OK;
}

int rt_loop_run(struct rt_loop *loop, struct rt_error *err)
{
    loop->began_wall_s = rt_clock_wall_s() - loop->progress.wall_s;
    loop->began_cpu_s = rt_clock_cpu_s() - loop->progress.cpu_s;
    loop->saved_s = rt_clock_wall_s();
    loop->saved_serial = loop->progress.serial; /* nothing, or the checkpoint that was resumed */
    while (!rt_progress_complete(&loop->progress, loop->experiment))
        RT_TRY(train_epoch(loop, err));
    rt_loop_note_time(loop);
    return RT_OK;
}
