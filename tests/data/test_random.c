/* Golden draws of numpy 1.24 and PyTorch 1.13, for machines that have neither (parity.py compares far more). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mt19937.h"
#include "data/label_noise/label_noise.h"

static struct rt_mt seeded(uint32_t seed)
{
    struct rt_mt mt;

    rt_mt_seed(&mt, seed);
    return mt;
}

static void test_rand(void **state)
{
    struct rt_mt mt = seeded(42);

    (void)state;
    assert_true(rt_mt_rand(&mt) == 0.3745401188473625);
}

static void test_choice(void **state)
{
    static const uint32_t want[] = {6, 3, 7, 4, 6};
    struct rt_mt mt = seeded(42), before;

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_int_equal(rt_mt_choice(&mt, 10), want[i]);
    before = mt;
    assert_int_equal(rt_mt_choice(&mt, 1), 0);
    assert_memory_equal(&mt, &before, sizeof mt); /* no choice, no draw */
}

static void test_randperm(void **state)
{
    static const uint32_t want[10] = {2, 6, 1, 8, 4, 5, 0, 9, 3, 7};
    struct rt_mt mt = seeded(42), one = seeded(42);
    uint32_t got[10];

    (void)state;
    rt_mt_randperm(&mt, got, 10);
    assert_memory_equal(got, want, sizeof want);
    rt_mt_randperm(&one, got, 1);
    rt_mt_randperm(&one, got, 10); /* a permutation of one drew nothing */
    assert_memory_equal(got, want, sizeof want);
}

static void test_normals(void **state)
{
    static const double want[] = {0.33669, 0.12881, 0.23446, 0.23033, -1.12286};
    struct rt_mt mt = seeded(42);

    (void)state;
    for (int i = 0; i < 5; i += 2) {
        float pair[2];

        rt_mt_normal_pair(&mt, pair);
        assert_true(fabs(pair[0] - want[i]) <= 5e-6);
        assert_true(i == 4 || fabs(pair[1] - want[i + 1]) <= 5e-6);
    }
}

static void test_uniform(void **state)
{
    static const double weights[] = {0.01576452, 0.01711448, -0.00483062}, biases[] = {-0.00204396, 0.01269376};
    const float bound = (float)(1 / sqrt(2352));
    struct rt_mt mt = seeded(42);

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(fabs(rt_mt_uniform(&mt, bound) - weights[i]) <= 5e-9);
    rt_mt_skip(&mt, 2352 * 512 - 3); /* the rest of MLP1's first weight */
    for (int i = 0; i < 2; i++)
        assert_true(fabs(rt_mt_uniform(&mt, bound) - biases[i]) <= 5e-9);
}

static void test_fill_and_skip(void **state)
{
    static const size_t runs[] = {1, 622, 1, 1, 623, 624, 625, 0, 1249}; /* around the state's 624 words */
    struct rt_mt one = seeded(7), many = seeded(7), skipped = seeded(7);
    uint32_t words[1249];

    (void)state;
    for (size_t r = 0; r < sizeof runs / sizeof *runs; r++) {
        rt_mt_fill(&many, words, runs[r]);
        for (size_t i = 0; i < runs[r]; i++)
            assert_int_equal(words[i], rt_mt_next(&one));
        rt_mt_skip(&skipped, runs[r]);
    }
    assert_int_equal(rt_mt_next(&skipped), rt_mt_next(&one));
}

static void corrupt(uint8_t *labels, double probability)
{
    static uint8_t truth[60000];
    struct rt_experiment experiment;
    struct rt_label_job job = {&experiment, NULL, 50000, 10000, truth, NULL, NULL, NULL};

    job.labels = labels;
    memset(truth, 255, sizeof truth);
    rt_experiment_defaults(&experiment);
    experiment.label_corruption_prob = probability;
    assert_int_equal(rt_label_noise_apply(&job, NULL), RT_OK);
}

/* All 60,000 labels at p = 0.5; 255 stands for the true ones. */
static void test_labels(void **state)
{
    static const int index[] = {0, 4, 5, 6, 10, 13, 14, 15, 16, 18}, label[] = {3, 2, 3, 5, 2, 0, 5, 1, 8, 5};
    static uint8_t labels[60000];
    int masked = 0, at = 0;

    (void)state;
    corrupt(labels, 0.5);
    for (int i = 0; i < 60000; i++) {
        if (labels[i] == 255)
            continue;
        masked++;
        if (at < 10) {
            assert_int_equal(i, index[at]);
            assert_int_equal(labels[i], label[at++]);
        }
    }
    assert_int_equal(masked, 29991);
    corrupt(labels, 0);
    for (int i = 0; i < 60000; i++)
        assert_int_equal(labels[i], 255);
    corrupt(labels, 1);
    for (int i = 0; i < 60000; i++)
        assert_in_range(labels[i], 0, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rand),    cmocka_unit_test(test_choice),  cmocka_unit_test(test_randperm),
        cmocka_unit_test(test_normals), cmocka_unit_test(test_uniform), cmocka_unit_test(test_fill_and_skip),
        cmocka_unit_test(test_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
