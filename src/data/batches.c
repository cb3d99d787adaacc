#include "data/batches.h"

#include <string.h>

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
        (rc = rt_alloc(&batches.ahead_order, dataset->train_count, sizeof *batches.order, "the batch order",
                       err)) ||
        (augment &&
         (rc = rt_alloc(&batches.crops, dataset->train_count, sizeof *batches.crops, "the crops", err)))) {
        rt_batches_free(&batches);
        return rc;
    }
    *out = batches;
    return RT_OK;
}

void rt_batches_free(struct rt_batches *batches)
{
    rt_free(&batches->order);
    rt_free(&batches->ahead_order);
    rt_free(&batches->crops);
    *batches = (struct rt_batches){0};
}

int rt_batches_per_epoch(const struct rt_batches *batches)
{
    const size_t size = (size_t)batches->batch_size;

    return (int)((batches->dataset->train_count + size - 1) / size);
}

static void draw(struct rt_mt *generator, uint32_t *order, uint32_t count)
{
    rt_mt_next64(generator); /* the base seed of the loader's worker processes */
    rt_mt_randperm(generator, order, count);
    rt_mt_skip(generator, count ? count - 1 : 0);
}

static bool same_state(const struct rt_mt *a, const struct rt_mt *b)
{
    return a->next == b->next && !memcmp(a->state, b->state, sizeof a->state);
}

void rt_batches_begin_epoch(struct rt_batches *batches, int epoch)
{
    const size_t count = batches->dataset->train_count;
    uint32_t *spare = batches->order;

    if (batches->ahead && same_state(&batches->ahead_from, &batches->generator)) {
        batches->order = batches->ahead_order;
        batches->ahead_order = spare;
        batches->generator = batches->ahead_to;
    } else {
        draw(&batches->generator, batches->order, (uint32_t)count);
    }
    batches->ahead = false;
    batches->epoch = epoch;
    for (size_t i = 0; batches->augment && i < count; i++)
        batches->crops[i] = rt_batches_crop(batches->seed, epoch, batches->order[i]);
}

void rt_batches_draw_ahead(struct rt_batches *batches, int evaluations)
{
    struct rt_mt generator = batches->generator;

    for (int i = 0; i < evaluations; i++)
        rt_mt_next64(&generator);
    batches->ahead = true;
    batches->ahead_from = batches->ahead_to = generator;
    draw(&batches->ahead_to, batches->ahead_order, (uint32_t)batches->dataset->train_count);
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
