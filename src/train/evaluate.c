#include "train/evaluate.h"

#include <math.h>

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

int rt_evaluator_run(struct rt_evaluator *evaluator, enum rt_split split, struct rt_evaluation *evaluation,
                     struct rt_image_outcome *outcomes, struct rt_error *err)
{
    const struct rt_dataset *dataset = evaluator->store->dataset;
    const struct rt_pass pass = {
        .kind = RT_PASS_EVALUATE,
        .store = evaluator->store,
        .first_image = split == RT_SPLIT_TEST ? dataset->train_count : 0,
        .count = split == RT_SPLIT_TEST ? dataset->test_count : dataset->train_count,
        .batch_size = RT_EVALUATION_BATCH,
        .outcomes = outcomes != NULL,
    };
    struct rt_plan *plan = evaluator->plan;
    struct rt_step sum = {0};

    RT_TRY(rt_plan_begin(plan, &pass, err));
    do {
        rt_plan_advance(plan, rt_plan_stride(plan) - rt_plan_in_flight(plan));
        RT_TRY(rt_plan_collect(plan, &sum, outcomes ? outcomes + sum.count : NULL, err));
    } while (rt_plan_in_flight(plan) || rt_plan_left(plan));
    *evaluation = (struct rt_evaluation){
        .loss = isnan(sum.loss_sum) ? (double)NAN /* of the sign that is shown as "nan" */
                                    : sum.loss_sum / (double)pass.count,
        .accuracy = (double)sum.correct / (double)pass.count,
        .count = sum.count,
        .correct = sum.correct,
    };
    return RT_OK;
}
