#include "data/batches.h"

#include "base/memory.h"

int rt_batches_create(struct rt_batches *out, const struct rt_dataset *dataset, int batch_size, uint32_t seed,
                      bool augment, struct rt_error *err)
{
    struct rt_batches batches = {
        .dataset = dataset, .batch_size = batch_size, .seed = seed, .augment = augment};
    int rc;

    if (batch_size < 1)
        return rt_fail(err, RT_ECONFIG, "batch_size: %d, expected 1 or more", batch_size);
    if (augment && dataset->side != RT_STORED)
        return rt_fail(err, RT_ECONFIG,
                       "augment: true needs the uncropped images, which corrupted pixels have not");
    rt_mt_seed(&batches.generator, seed);
    if ((rc = rt_alloc(&batches.order, dataset->train_count, sizeof *batches.order, "the batch order", err)) ||
        (augment &&
         (rc = rt_alloc(&batches.crops, (size_t)batch_size, sizeof *batches.crops, "the crops", err)))) {
        rt_batches_free(&batches);
        return rc;
    }
    *out = batches;
    return RT_OK;
}

void rt_batches_free(struct rt_batches *batches)
{
    rt_free(&batches->order);
    rt_free(&batches->crops);
    *batches = (struct rt_batches){0};
}

int rt_batches_per_epoch(const struct rt_batches *batches)
{
    const size_t size = (size_t)batches->batch_size;

    return (int)((batches->dataset->train_count + size - 1) / size);
}

void rt_batches_begin_epoch(struct rt_batches *batches, int epoch)
{
    const uint32_t count = (uint32_t)batches->dataset->train_count;

    rt_mt_next64(&batches->generator); /* the base seed of the loader's worker processes */
    rt_mt_randperm(&batches->generator, batches->order, count);
    rt_mt_skip(&batches->generator, count ? count - 1 : 0);
    batches->epoch = epoch;
}

void rt_batches_note_evaluation(struct rt_batches *batches)
{
    rt_mt_next64(&batches->generator); /* the base seed of the test loader's workers */
}

/* The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of x changes half of the result's. */
static uint64_t mixed(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

struct rt_crop rt_batches_crop(uint32_t seed, int epoch, uint32_t image)
{
    const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15), offsets = RT_STORED - RT_CROP + 1;
    const uint64_t key = mixed(((uint64_t)seed << 32 | (uint32_t)epoch) + golden);
    const uint64_t bits = mixed(key + golden * (image + UINT64_C(1)));

    return (struct rt_crop){
        .row = (uint8_t)(((bits & 0xffffff) * offsets) >> 24),
        .column = (uint8_t)(((bits >> 24 & 0xffffff) * offsets) >> 24),
        .flip = (uint8_t)(bits >> 63),
    };
}

int rt_batches_get(struct rt_batches *batches, int index, float *images, uint8_t *labels)
{
    const size_t first = (size_t)index * (size_t)batches->batch_size;
    const size_t left = batches->dataset->train_count - first;
    const int count = left < (size_t)batches->batch_size ? (int)left : batches->batch_size;
    const uint32_t *indices = batches->order + first;

    if (batches->augment)
        for (int i = 0; i < count; i++)
            batches->crops[i] = rt_batches_crop(batches->seed, batches->epoch, indices[i]);
    rt_dataset_gather(batches->dataset, indices, count, batches->augment ? batches->crops : NULL, images,
                      labels, batches->team);
    return count;
}
