#include "data/batches.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

static bool augments(const struct rt_batches *batches)
{
    const struct rt_augmentation *a = &batches->augmentation;

    return a->crop || a->flip || a->rotate != 0;
}

int rt_batches_create(struct rt_batches *out, const struct rt_dataset *dataset, int batch_size, uint32_t seed,
                      const struct rt_augmentation *augmentation, struct rt_error *err)
{
    struct rt_batches batches = {.dataset = dataset, .batch_size = batch_size, .seed = seed};
    int rc;
    bool augment;

    if (augmentation)
        batches.augmentation = *augmentation;
    augment = augments(&batches);

    if (batch_size < 1)
        return rt_fail(err, RT_ECONFIG, "batch_size: %d, expected 1 or more", batch_size);
    if (augment && dataset->side != RT_STORED)
        return rt_fail(err, RT_ECONFIG,
                       "augmentation needs the uncropped images, which corrupted pixels have not");
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

/* A training image in this epoch. What is not asked for is as without augmentation. */
static struct rt_crop augmented(const struct rt_batches *batches, uint32_t image)
{
    const struct rt_augmentation *a = &batches->augmentation;
    struct rt_crop crop = rt_batches_crop(batches->seed, batches->epoch, image);

    if (!a->crop)
        crop.row = crop.column = (RT_STORED - RT_CROP) / 2;
    if (!a->flip)
        crop.flip = 0;
    if (a->rotate != 0)
        rt_crop_turn(&crop, a->rotate * rt_batches_turn(batches->seed, batches->epoch, image));
    return crop;
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
    for (size_t i = 0; augments(batches) && i < count; i++)
        batches->crops[i] = augmented(batches, batches->order[i]);
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

/* 64 random bits of an image in an epoch. */
static uint64_t draw_bits(uint32_t seed, int epoch, uint32_t image)
{
    const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
    const uint64_t key = mixed(((uint64_t)seed << 32 | (uint32_t)epoch) + golden);

    return mixed(key + golden * (image + UINT64_C(1)));
}

struct rt_crop rt_batches_crop(uint32_t seed, int epoch, uint32_t image)
{
    const uint64_t offsets = RT_STORED - RT_CROP + 1, bits = draw_bits(seed, epoch, image);

    return (struct rt_crop){
        .row = (uint8_t)(((bits & 0xffffff) * offsets) >> 24),
        .column = (uint8_t)(((bits >> 24 & 0xffffff) * offsets) >> 24),
        .flip = (uint8_t)(bits >> 63),
    };
}

double rt_batches_turn(uint32_t seed, int epoch, uint32_t image)
{
    const uint64_t bits = mixed(draw_bits(seed, epoch, image) + UINT64_C(0xd1b54a32d192ed03));

    return (double)(bits >> 11) * 0x1p-52 - 1;
}

static int32_t fixed(double x)
{
    return (int32_t)floor(x * 65536 + 0.5);
}

/* Pillow's Image.rotate and its affine transform by nearest pixels, with the same roundings. */
void rt_crop_turn(struct rt_crop *crop, double degrees)
{
    const double pi = 3.14159265358979323846, centre = RT_STORED / 2.0;
    const double radians = fmod(degrees, 360) * (pi / 180);
    const double cosine = rint(cos(radians) * 1e15) / 1e15, sine = -rint(sin(radians) * 1e15) / 1e15;
    const double x = cosine * -centre + sine * -centre + centre,
                 y = -sine * -centre + cosine * -centre + centre;

    crop->turned = 1;
    crop->cosine = fixed(cosine);
    crop->sine = fixed(sine);
    crop->x = fixed(x + cosine * 0.5 + sine * 0.5);
    crop->y = fixed(y - sine * 0.5 + cosine * 0.5);
}
