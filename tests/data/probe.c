/* What the parity script calls through ctypes: the data floor with plain arguments. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/mt19937.h"
#include "config/keys.h"
#include "data/batches.h"
#include "engine/host/host.h"

struct rt_mt *probe_mt(uint32_t seed);
void probe_rand(struct rt_mt *mt, double *out, size_t count);
void probe_choice(struct rt_mt *mt, uint32_t n, uint32_t *out, size_t count);
void probe_randperm(struct rt_mt *mt, uint32_t *out, uint32_t n);
void probe_normals(struct rt_mt *mt, float *out, size_t pairs);
void probe_uniform(struct rt_mt *mt, float bound, float *out, size_t count);
void probe_words(struct rt_mt *mt, uint32_t *out, size_t count);
void probe_skip(struct rt_mt *mt, uint64_t count);

struct rt_dataset *probe_load(const char *data, const char *corruption, double probability, int64_t seed,
                              int64_t train_size, int64_t test_size);
void probe_unload(struct rt_dataset *dataset);
size_t probe_count(const struct rt_dataset *dataset);
int probe_channels(const struct rt_dataset *dataset);
const uint8_t *probe_labels(const struct rt_dataset *dataset);
const uint8_t *probe_pixels(const struct rt_dataset *dataset);
const float *probe_noise(const struct rt_dataset *dataset);
void probe_statistics(const struct rt_dataset *dataset, float *mean, float *std);
void probe_gather(const struct rt_dataset *dataset, const uint32_t *indices, int count, float *images,
                  uint8_t *labels);
int probe_inputs(const char *settings, int epoch, int count, uint32_t *order, float *images, double *angles,
                 uint8_t *crops, uint8_t *stored);

struct rt_batches *probe_batches(uint32_t train_count, int batch_size, uint32_t seed);
const uint32_t *probe_epoch(struct rt_batches *batches, int epoch);
void probe_evaluation(struct rt_batches *batches);
uint64_t probe_next64(struct rt_batches *batches);

static struct rt_error err;

static void *made(size_t size)
{
    void *block = NULL;

    return rt_alloc(&block, 1, size, "the probe", &err) ? NULL : block;
}

struct rt_mt *probe_mt(uint32_t seed)
{
    struct rt_mt *mt = made(sizeof *mt);

    rt_mt_seed(mt, seed);
    return mt;
}

void probe_rand(struct rt_mt *mt, double *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = rt_mt_rand(mt);
}

void probe_choice(struct rt_mt *mt, uint32_t n, uint32_t *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = rt_mt_choice(mt, n);
}

void probe_randperm(struct rt_mt *mt, uint32_t *out, uint32_t n)
{
    rt_mt_randperm(mt, out, n);
}

void probe_normals(struct rt_mt *mt, float *out, size_t pairs)
{
    for (size_t i = 0; i < pairs; i++)
        rt_mt_normal_pair(mt, out + 2 * i);
}

void probe_uniform(struct rt_mt *mt, float bound, float *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = rt_mt_uniform(mt, bound);
}

void probe_words(struct rt_mt *mt, uint32_t *out, size_t count)
{
    rt_mt_fill(mt, out, count);
}

void probe_skip(struct rt_mt *mt, uint64_t count)
{
    rt_mt_skip(mt, count);
}

struct rt_dataset *probe_load(const char *data, const char *corruption, double probability, int64_t seed,
                              int64_t train_size, int64_t test_size)
{
    struct rt_experiment experiment;
    struct rt_dataset *dataset = made(sizeof *dataset);

    rt_experiment_defaults(&experiment);
    snprintf(experiment.data_corruption_type, sizeof experiment.data_corruption_type, "%s", corruption);
    experiment.label_corruption_prob = probability;
    experiment.seed = (struct rt_optional_int){true, seed};
    experiment.train_size = (struct rt_optional_int){train_size > 0, train_size};
    experiment.test_size = (struct rt_optional_int){test_size > 0, test_size};
    if (rt_dataset_load(dataset, data, &experiment, 2, &err)) {
        fprintf(stderr, "%s\n", err.message);
        rt_free(&dataset);
    }
    return dataset;
}

void probe_unload(struct rt_dataset *dataset)
{
    rt_dataset_free(dataset);
    rt_free(&dataset);
}

size_t probe_count(const struct rt_dataset *dataset)
{
    return dataset->train_count + dataset->test_count;
}

int probe_channels(const struct rt_dataset *dataset)
{
    return dataset->channels;
}

const uint8_t *probe_labels(const struct rt_dataset *dataset)
{
    return dataset->labels;
}

const uint8_t *probe_pixels(const struct rt_dataset *dataset)
{
    return dataset->pixels;
}

const float *probe_noise(const struct rt_dataset *dataset)
{
    return dataset->noise;
}

void probe_statistics(const struct rt_dataset *dataset, float *mean, float *std)
{
    memcpy(mean, dataset->mean, sizeof dataset->mean);
    memcpy(std, dataset->std, sizeof dataset->std);
}

void probe_gather(const struct rt_dataset *dataset, const uint32_t *indices, int count, float *images,
                  uint8_t *labels)
{
    rt_host_gather(dataset, indices, 0, count, NULL, images, labels, NULL);
}

/* The first images that an epoch of training on shapes10 presents under these settings: their order, network
 * inputs, angles, (row, column, flip) and, where they are bytes, stored images of 28 x 28 or 32 x 32. */
int probe_inputs(const char *settings, int epoch, int count, uint32_t *order, float *images, double *angles,
                 uint8_t *crops, uint8_t *stored)
{
    struct rt_experiment experiment;
    struct rt_augmentation augmentation;
    struct rt_dataset dataset = {0};
    struct rt_batches batches = {0};
    uint8_t labels[256];
    int rc;

    rt_experiment_defaults(&experiment);
    if (!(rc = rt_keys_set(&experiment, settings, &err)) && !(rc = rt_experiment_check(&experiment, &err)) &&
        !(rc = rt_dataset_load(&dataset, "shapes10", &experiment, 2, &err))) {
        augmentation = rt_experiment_augmentation(&experiment);
        rc = rt_batches_create(&batches, &dataset, count, (uint32_t)experiment.seed.value, &augmentation, &err);
    }
    if (!rc && count > (int)sizeof labels)
        rc = rt_fail(&err, RT_ECONFIG, "more than %zu images", sizeof labels);
    if (!rc) {
        rt_batches_begin_epoch(&batches, epoch);
        memcpy(order, batches.order, (size_t)count * sizeof *order);
        rt_host_gather(&dataset, order, 0, count, batches.crops, images, labels, NULL);
    }
    for (int i = 0; i < count && !rc; i++) {
        const size_t image = (size_t)(RT_CHANNELS * dataset.side * dataset.side);
        const struct rt_crop crop = batches.crops ? batches.crops[i] : (struct rt_crop){.row = 2, .column = 2};

        angles[i] = experiment.rotate * rt_batches_turn((uint32_t)experiment.seed.value, epoch, order[i]);
        if (dataset.pixels)
            memcpy(stored + (size_t)i * image, dataset.pixels + order[i] * image, image);
        crops[3 * i] = crop.row;
        crops[3 * i + 1] = crop.column;
        crops[3 * i + 2] = crop.flip;
    }
    if (rc)
        fprintf(stderr, "%s\n", err.message);
    rt_batches_free(&batches);
    rt_dataset_free(&dataset);
    return rc;
}

struct rt_batches *probe_batches(uint32_t train_count, int batch_size, uint32_t seed)
{
    static struct rt_dataset counted[64]; /* orders need no images; a few data sets outlive their batches */
    static int used;
    struct rt_dataset *dataset = &counted[used++ % 64];
    struct rt_batches *batches = made(sizeof *batches);

    *dataset = (struct rt_dataset){.train_count = train_count, .side = RT_CROP};
    if (rt_batches_create(batches, dataset, batch_size, seed, NULL, &err))
        rt_free(&batches);
    return batches;
}

const uint32_t *probe_epoch(struct rt_batches *batches, int epoch)
{
    rt_batches_begin_epoch(batches, epoch);
    return batches->order;
}

void probe_evaluation(struct rt_batches *batches)
{
    rt_batches_note_evaluation(batches);
}

uint64_t probe_next64(struct rt_batches *batches)
{
    return rt_mt_next64(&batches->generator);
}
