#include "data/dataset.h"

#include "base/memory.h"
#include "base/mt19937.h"
#include "base/thread.h"
#include "data/corruption/corruption.h"
#include "data/images.h"

enum { IMAGE = RT_CHANNELS * RT_PLANE };

int rt_dataset_check(const struct rt_experiment *experiment, struct rt_error *err)
{
    const struct rt_corruption *corruption = rt_corruption_find(experiment->data_corruption_type);

    if (!corruption)
        return rt_fail(err, RT_ECONFIG, "data_corruption_type: no corruption is called '%s'",
                       experiment->data_corruption_type);
    if (rt_experiment_augments(experiment) && corruption->apply)
        return rt_fail(err, RT_ECONFIG,
                       "%s cannot go with data_corruption_type: %s, whose images have no margin to crop",
                       rt_experiment_augmented_by(experiment), corruption->name);
    return RT_OK;
}

int rt_dataset_load(struct rt_dataset *out, const char *data, const struct rt_experiment *experiment,
                    int threads, struct rt_error *err)
{
    struct rt_error ignored;
    struct rt_source source;
    struct rt_images images = {0};
    struct rt_team *team = NULL;
    int rc;

    err = err ? err : &ignored;
    RT_TRY(rt_dataset_check(experiment, err));
    RT_TRY(rt_source_open(&source, data, err));
    if (!(rc = rt_team_create(&team, threads, err)) &&
        !(rc = rt_images_load(&images, &source, experiment, team, err)) &&
        !(rc = rt_images_label(out, &images, experiment, team, err)))
        images.dataset = (struct rt_dataset){0}; /* the pixels are *out's now */
    rt_team_free(&team);
    rt_images_free(&images);
    rt_source_close(&source);
    return rc;
}

int rt_dataset_random(struct rt_dataset *out, size_t count, int channels, uint32_t seed, struct rt_error *err)
{
    const float bound = 1.7320508f; /* of a uniform number whose deviation is 1 */
    struct rt_dataset dataset = {.train_count = count, .channels = channels, .side = RT_CROP};
    const size_t image = (size_t)(channels * RT_CROP * RT_CROP);
    struct rt_mt mt;
    int rc;

    dataset.height = dataset.width = RT_CROP;
    if ((rc = rt_alloc_aligned(&dataset.noise, count, image * sizeof *dataset.noise, "random images", err)) ||
        (rc = rt_alloc(&dataset.labels, count, 1, "random labels", err)) ||
        (rc = rt_alloc(&dataset.labels_true, count, 1, "random labels", err))) {
        rt_dataset_free(&dataset);
        return rc;
    }
    rt_mt_seed(&mt, seed);
    for (size_t i = 0; i < count * image; i++)
        dataset.noise[i] = rt_mt_uniform(&mt, bound);
    for (size_t i = 0; i < count; i++)
        dataset.labels[i] = dataset.labels_true[i] = (uint8_t)rt_mt_choice(&mt, RT_CLASSES);
    *out = dataset;
    return RT_OK;
}

void rt_dataset_count_labels(const struct rt_dataset *dataset, size_t first, size_t count,
                             struct rt_label_counts *counts)
{
    *counts = (struct rt_label_counts){.images = (int64_t)count};
    for (size_t i = first; i < first + count; i++) {
        counts->transitions[dataset->labels_true[i]][dataset->labels[i]]++;
        counts->changed += dataset->labels_true[i] != dataset->labels[i];
    }
}

void rt_dataset_free(struct rt_dataset *dataset)
{
    rt_free(&dataset->labels);
    rt_free(&dataset->labels_true);
    if (dataset->release) {
        dataset->release(dataset->owner);
    } else {
        rt_free(&dataset->pixels);
        rt_free(&dataset->noise);
    }
    *dataset = (struct rt_dataset){0};
}
