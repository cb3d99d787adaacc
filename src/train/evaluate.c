#include "train/evaluate.h"

#include <math.h>
#include <string.h>

int rt_evaluator_create(struct rt_evaluator *evaluator, const struct rt_store *store, struct rt_plan *trained,
                        struct rt_error *err)
{
    const struct rt_plan_options options = {
        .batch_max = RT_EVALUATION_BATCH,
        .pass_max = store->count,
        .winograd = trained->options.winograd,
        .precision = trained->options.precision,
        .parameters_of = trained,
    };

    *evaluator = (struct rt_evaluator){.store = store};
    return rt_plan_create(&evaluator->plan, trained->device, trained->graph, &options, err);
}

void rt_evaluator_free(struct rt_evaluator *evaluator)
{
    rt_plan_free(&evaluator->plan);
}

/* One pass over the split's images, as the store has them. */
static int evaluate(struct rt_plan *plan, const struct rt_store *store, enum rt_split split,
                    struct rt_step *sum, struct rt_image_outcome *outcomes, struct rt_error *err)
{
    const struct rt_dataset *dataset = store->dataset;
    const struct rt_pass pass = {
        .kind = RT_PASS_EVALUATE,
        .store = store,
        .first_image = split == RT_SPLIT_TEST ? dataset->train_count : 0,
        .count = split == RT_SPLIT_TEST ? dataset->test_count : dataset->train_count,
        .batch_size = RT_EVALUATION_BATCH,
        .outcomes = outcomes != NULL,
    };

    *sum = (struct rt_step){0};
    RT_TRY(rt_plan_begin(plan, &pass, err));
    do {
        rt_plan_advance(plan, rt_plan_stride(plan) - rt_plan_in_flight(plan));
        RT_TRY(rt_plan_collect(plan, sum, outcomes ? outcomes + sum->count : NULL, err));
    } while (rt_plan_in_flight(plan) || rt_plan_left(plan));
    return RT_OK;
}

static double mean_loss(const struct rt_step *sum)
{
    return isnan(sum->loss_sum) ? (double)NAN /* of the sign that is shown as "nan" */
                                : sum->loss_sum / (double)sum->count;
}

/* Whether any image of the split has another label than its true one. */
static bool labels_differ(const struct rt_evaluator *evaluator, enum rt_split split)
{
    const struct rt_dataset *dataset = evaluator->store->dataset;
    const size_t first = split == RT_SPLIT_TEST ? dataset->train_count : 0;
    const size_t count = split == RT_SPLIT_TEST ? dataset->test_count : dataset->train_count;

    return evaluator->store_true &&
           memcmp(dataset->labels + first, evaluator->store_true->dataset->labels + first, count) != 0;
}

int rt_evaluator_run(struct rt_evaluator *evaluator, enum rt_split split, struct rt_evaluation *evaluation,
                     struct rt_image_outcome *outcomes, struct rt_error *err)
{
    struct rt_step given, truth;

    RT_TRY(evaluate(evaluator->plan, evaluator->store, split, &given, outcomes, err));
    truth = given;
    if (labels_differ(evaluator, split))
        RT_TRY(evaluate(evaluator->plan, evaluator->store_true, split, &truth, NULL, err));
    *evaluation = (struct rt_evaluation){
        .loss = mean_loss(&given),
        .accuracy = (double)given.correct / (double)given.count,
        .count = given.count,
        .correct = given.correct,
        .loss_true = mean_loss(&truth),
        .accuracy_true = (double)truth.correct / (double)truth.count,
        .correct_true = truth.correct,
    };
    return RT_OK;
}
