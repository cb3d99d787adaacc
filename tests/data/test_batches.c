/* The order of batches, their sizes, going on from a saved generator, and augmentation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "data/batches.h"
#include "engine/host/host.h"

/* Orders need no images. */
static void make(struct rt_batches *batches, struct rt_dataset *dataset, size_t count, int size)
{
    *dataset = (struct rt_dataset){.train_count = count, .side = RT_CROP};
    assert_int_equal(rt_batches_create(batches, dataset, size, 42, NULL, NULL), RT_OK);
}

static void test_first_epoch(void **state)
{
    static const uint32_t begins[] = {36876, 12172, 15788, 48272, 24336}; /* PyTorch's DataLoader, seed 42 */
    static const uint32_t second[] = {34533, 26496, 2009, 24262, 5484};
    static uint8_t seen[50000];
    struct rt_dataset dataset;
    struct rt_batches batches;

    (void)state;
    make(&batches, &dataset, 50000, 128);
    rt_batches_begin_epoch(&batches, 1);
    assert_memory_equal(batches.order, begins, sizeof begins);
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < 50000; i++)
        assert_int_equal(seen[batches.order[i]]++, 0); /* each image once */
    rt_batches_begin_epoch(&batches, 2);
    assert_memory_equal(batches.order, second, sizeof second);
    rt_batches_free(&batches);
    rt_batches_free(&batches); /* the zeroed state, too */
}

static void test_sizes(void **state)
{
    static const struct {
        size_t images;
        int size, batches;
    } rows[] = {
        {50000, 128, 391}, /* the last one smaller */
        {256, 128, 2},     /* no remainder */
        {257, 128, 3},     /* the last one of one image */
        {5, 128, 1},       /* fewer images than a batch */
        {3, 1, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_dataset dataset;
        struct rt_batches batches;

        make(&batches, &dataset, rows[i].images, rows[i].size);
        assert_int_equal(rt_batches_per_epoch(&batches), rows[i].batches);
        rt_batches_free(&batches);
    }
    assert_int_equal(
        rt_batches_create(&(struct rt_batches){0}, &(struct rt_dataset){.train_count = 1}, 0, 42, NULL, NULL),
        RT_ECONFIG);
}

static void test_going_on(void **state)
{
    struct rt_dataset dataset;
    struct rt_batches whole, resumed;

    (void)state;
    make(&whole, &dataset, 1000, 128);
    make(&resumed, &dataset, 1000, 128);
    rt_batches_begin_epoch(&whole, 1);
    rt_batches_note_evaluation(&whole);
    resumed.generator = whole.generator; /* as a checkpoint after epoch 1 holds it */
    rt_batches_begin_epoch(&whole, 2);
    rt_batches_begin_epoch(&resumed, 2);
    assert_memory_equal(whole.order, resumed.order, 1000 * sizeof *whole.order);
    rt_batches_note_evaluation(&whole);
    rt_batches_begin_epoch(&whole, 3);
    rt_batches_begin_epoch(&resumed, 3); /* without the evaluation the order is another */
    assert_memory_not_equal(whole.order, resumed.order, 1000 * sizeof *whole.order);
    rt_batches_free(&whole);
    rt_batches_free(&resumed);
}

/* An epoch drawn ahead is the one that would have been drawn, whether or not the evaluations were foreseen. */
static void test_drawing_ahead(void **state)
{
    struct rt_dataset dataset;
    struct rt_batches plain, early;

    (void)state;
    make(&plain, &dataset, 1000, 128);
    make(&early, &dataset, 1000, 128);
    for (int epoch = 1; epoch <= 8; epoch++) {
        const struct rt_mt before = early.generator;

        if (epoch > 1) {
            rt_batches_draw_ahead(&early, epoch % 2);
            assert_memory_equal(&before, &early.generator, sizeof before);
        }
        if (epoch % 4 < 2) {
            rt_batches_note_evaluation(&plain);
            rt_batches_note_evaluation(&early);
        }
        rt_batches_begin_epoch(&plain, epoch);
        rt_batches_begin_epoch(&early, epoch);
        assert_memory_equal(plain.order, early.order, 1000 * sizeof *plain.order);
        assert_memory_equal(&plain.generator, &early.generator, sizeof plain.generator);
    }
    rt_batches_free(&plain);
    rt_batches_free(&early);
}

/* shapes10 with augmentation: each batch holds windows of the stored images; nothing is allocated in an epoch.
 */
static void test_augmented(void **state)
{
    static float images[128 * RT_CHANNELS * RT_PLANE];
    const struct rt_augmentation both = {.crop = true, .flip = true};
    uint8_t labels[128];
    struct rt_experiment experiment;
    struct rt_dataset dataset;
    struct rt_batches batches;
    uint64_t allocations;

    (void)state;
    rt_experiment_defaults(&experiment);
    experiment.augment = true;
    experiment.seed = (struct rt_optional_int){true, 42};
    experiment.train_size = (struct rt_optional_int){true, 200};
    assert_int_equal(rt_dataset_load(&dataset, "shapes10", &experiment, 1, NULL), RT_OK);
    assert_int_equal(rt_batches_create(&batches, &dataset, 128, 42, &both, NULL), RT_OK);
    allocations = rt_alloc_count();
    rt_batches_begin_epoch(&batches, 1);
    rt_host_gather(&dataset, batches.order + 128, 0, 72, batches.crops + 128, images, labels, NULL);
    assert_int_equal(rt_alloc_count(), allocations);
    for (int i = 0; i < 72; i++) {
        const uint32_t index = batches.order[128 + i];
        const struct rt_crop crop = rt_batches_crop(42, 1, index);
        const size_t at = index * (size_t)(RT_CHANNELS * 32 * 32) + 2 * 32 * 32; /* blue */

        assert_int_equal(labels[i], dataset.labels[index]);
        for (int row = 0; row < RT_CROP; row += 9) {
            for (int column = 0; column < RT_CROP; column++) {
                const int from = crop.column + (crop.flip ? RT_CROP - 1 - column : column);
                const uint8_t pixel = dataset.pixels[at + (size_t)((row + crop.row) * 32 + from)];
                const float want = ((float)pixel / 255 - dataset.mean[2]) / dataset.std[2];
                const float got = images[(i * RT_CHANNELS + 2) * RT_PLANE + row * RT_CROP + column];

                assert_true(got - want <= 1e-5f && want - got <= 1e-5f);
            }
        }
    }
    rt_batches_free(&batches);
    rt_dataset_free(&dataset);
}

/* Offsets and mirrors come about equally often, do not depend on each other, and change with each argument. */
static void test_crops(void **state)
{
    int counts[50] = {0}, same_epoch = 0, same_seed = 0, same_image = 0;

    (void)state;
    for (uint32_t i = 0; i < 50000; i++) {
        const struct rt_crop a = rt_batches_crop(42, 3, i), b = rt_batches_crop(42, 4, i);
        const struct rt_crop c = rt_batches_crop(43, 3, i), d = rt_batches_crop(42, 3, i + 1);

        assert_true(a.row <= 4 && a.column <= 4 && a.flip <= 1);
        counts[(a.row * 5 + a.column) * 2 + a.flip]++;
        same_epoch += !memcmp(&a, &b, sizeof a);
        same_seed += !memcmp(&a, &c, sizeof a);
        same_image += !memcmp(&a, &d, sizeof a);
    }
    for (int i = 0; i < 50; i++)
        assert_in_range(counts[i], 1000 - 160, 1000 + 160); /* five standard deviations */
    assert_in_range(same_epoch, 840, 1160);
    assert_in_range(same_seed, 840, 1160);
    assert_in_range(same_image, 840, 1160);
}

/* Whitening divides by 1 / sqrt(N) at least: an image of one colour is 0, one pixel that is off by 1 / 255
 * stays small. */
static void test_flat_image(void **state)
{
    enum { VALUES = RT_CHANNELS * RT_PLANE };
    static uint8_t pixels[VALUES];
    static float images[VALUES];
    uint8_t label = 0;
    const struct rt_dataset dataset = {.train_count = 1,
                                       .channels = RT_CHANNELS,
                                       .height = RT_CROP,
                                       .width = RT_CROP,
                                       .side = RT_CROP,
                                       .whiten = true,
                                       .labels = &label,
                                       .pixels = pixels};

    (void)state;
    memset(pixels, 77, sizeof pixels);
    rt_host_gather(&dataset, NULL, 0, 1, NULL, images, &label, NULL);
    for (int i = 0; i < VALUES; i++)
        assert_true(images[i] == 0);
    pixels[5] = 78; /* a deviation of 1 / 255 / sqrt(N): below the least */
    rt_host_gather(&dataset, NULL, 0, 1, NULL, images, &label, NULL);
    assert_true(images[5] > 0.18f && images[5] < 0.20f); /* sqrt(2352) / 255 = 0.1902 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_epoch),   cmocka_unit_test(test_sizes),     cmocka_unit_test(test_going_on),
        cmocka_unit_test(test_drawing_ahead), cmocka_unit_test(test_augmented), cmocka_unit_test(test_crops),
        cmocka_unit_test(test_flat_image),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
