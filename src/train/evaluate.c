#include "train/evaluate.h"

#include <string.h>

#include "base/memory.h"

int rt_evaluator_create(struct rt_evaluator *evaluator, const struct rt_dataset *dataset,
                        struct rt_plan *trained, struct rt_error *err)
{
    const struct rt_plan_options options = {
        .batch_max = RT_EVALUATION_BATCH,
        .winograd = trained->options.winograd,
        .team = trained->options.team,
        .parameters_of = trained,
    };
    const size_t image = (size_t)RT_CHANNELS * RT_PLANE;
    int rc;

    *evaluator = (struct rt_evaluator){.dataset = dataset};
    if ((rc = rt_plan_create(&evaluator->plan, trained->engine, trained->graph, &options, err)) ||
        (rc = rt_alloc_aligned(&evaluator->images, RT_EVALUATION_BATCH, image * sizeof(float),
                               "evaluation images", err)) ||
        (rc = rt_alloc(&evaluator->labels, RT_EVALUATION_BATCH, 1, "evaluation labels", err)) ||
        (rc = rt_alloc(&evaluator->predictions, RT_EVALUATION_BATCH, 1, "predictions", err)) ||
        (rc = rt_alloc(&evaluator->indices, RT_EVALUATION_BATCH, sizeof(uint32_t), "image indices", err)))
        rt_evaluator_free(evaluator);
    return rc;
}

void rt_evaluator_free(struct rt_evaluator *evaluator)
{
    rt_plan_free(&evaluator->plan);
    rt_free(&evaluator->images);
    rt_free(&evaluator->labels);
    rt_free(&evaluator->predictions);
    rt_free(&evaluator->indices);
}

/* The `count` images from index `first` of the data set on. */
static void evaluate_batch(struct rt_evaluator *evaluator, size_t first, int count, struct rt_metrics *metrics,
                           struct rt_evaluation *evaluation)
{
    const struct rt_batch batch = {.images = evaluator->images, .labels = evaluator->labels, .count = count};

    for (int i = 0; i < count; i++)
        evaluator->indices[i] = (uint32_t)(first + (size_t)i);
    rt_dataset_gather(evaluator->dataset, evaluator->indices, count, NULL, evaluator->images, evaluator->labels,
                      evaluator->plan->options.team);
    rt_plan_evaluate(evaluator->plan, &batch, metrics, evaluator->predictions);
    for (int i = 0; i < count; i++)
        evaluation->confusion[evaluator->labels[i]][evaluator->predictions[i]]++;
}

void rt_evaluator_run(struct rt_evaluator *evaluator, enum rt_split split, struct rt_evaluation *evaluation,
                      uint8_t *predictions)
{
    const struct rt_dataset *dataset = evaluator->dataset;
    const size_t count = split == RT_SPLIT_TEST ? dataset->test_count : dataset->train_count;
    const size_t begin = split == RT_SPLIT_TEST ? dataset->train_count : 0;
    struct rt_metrics metrics = {0};

    *evaluation = (struct rt_evaluation){.count = (long)count};
    for (size_t done = 0; done < count;) {
        const size_t left = count - done;
        const int batch = left < RT_EVALUATION_BATCH ? (int)left : RT_EVALUATION_BATCH;

        evaluate_batch(evaluator, begin + done, batch, &metrics, evaluation);
        if (predictions)
            memcpy(predictions + done, evaluator->predictions, (size_t)batch);
        done += (size_t)batch;
    }
    evaluation->correct = metrics.correct;
    evaluation->loss = metrics.loss_sum / (double)count;
    evaluation->accuracy = (double)metrics.correct / (double)count;
}
