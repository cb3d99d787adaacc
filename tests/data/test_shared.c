/* Data sets that several users share: the same bytes as alone, the same pixels at the same address whatever is
 * done to the labels, loaded once however many ask at the same time. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "data/shared.h"

enum { USERS = 6 };

static struct rt_experiment experiment(const char *corruption, double label_corruption, int64_t seed)
{
    struct rt_experiment e;

    rt_experiment_defaults(&e);
    e.seed = (struct rt_optional_int){true, seed};
    e.train_size = (struct rt_optional_int){true, 1500};
    e.test_size = (struct rt_optional_int){true, 300};
    e.label_corruption_prob = label_corruption;
    snprintf(e.data_corruption_type, sizeof e.data_corruption_type, "%s", corruption);
    return e;
}

static void assert_same(const struct rt_dataset *a, const struct rt_dataset *b)
{
    const size_t count = a->train_count + a->test_count;
    const size_t pixels = count * RT_CHANNELS * (size_t)(a->side * a->side);

    assert_int_equal(a->train_count, b->train_count);
    assert_int_equal(a->test_count, b->test_count);
    assert_string_equal(a->digest, b->digest);
    assert_string_equal(a->corruption_digest, b->corruption_digest);
    assert_int_equal(a->normalize, b->normalize);
    assert_memory_equal(a->labels, b->labels, count);
    if (a->noise)
        assert_memory_equal(a->noise, b->noise, pixels * sizeof *a->noise);
    else
        assert_memory_equal(a->pixels, b->pixels, pixels);
}

static void test_same_as_alone(void **state)
{
    static const struct row {
        const char *corruption;
        double labels;
        int64_t seed;
        bool raw; /* normalize_noise: false */
    } rows[] = {
        {"none", 0, 1, false},        {"none", 0.5, 1, false},
        {"none", 1, 2, false},        {"shuff_pix", 0, 1, false},
        {"shuff_pix", 0.5, 1, false}, {"shuff_pix", 0, 2, false}, /* another permutation */
        {"gauss_pix", 0, 1, false},   {"gauss_pix", 0, 1, true},  /* the same noise, seen otherwise */
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    struct rt_dataset shared[ROWS], alone;
    struct rt_datasets *datasets;

    (void)state;
    assert_int_equal(rt_datasets_create(&datasets, NULL), 0);
    for (int i = 0; i < ROWS; i++) {
        struct rt_experiment e = experiment(rows[i].corruption, rows[i].labels, rows[i].seed);

        e.normalize_noise = !rows[i].raw;
        assert_int_equal(rt_datasets_load(datasets, &shared[i], "shapes10", &e, 2, NULL), 0);
        assert_int_equal(rt_dataset_load(&alone, "shapes10", &e, 1, NULL), 0);
        assert_same(&alone, &shared[i]);
        rt_dataset_free(&alone);
    }
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < ROWS; k++) {
            const bool same = !strcmp(rows[i].corruption, rows[k].corruption) &&
                              (rows[i].seed == rows[k].seed || !strcmp(rows[i].corruption, "none"));

            assert_int_equal(shared[i].pixels == shared[k].pixels && shared[i].noise == shared[k].noise, same);
        }
    for (int i = 0; i < ROWS; i++)
        rt_dataset_free(&shared[i]);
    rt_datasets_free(&datasets);
    assert_null(datasets);
}

struct user {
    struct rt_datasets *datasets;
    struct rt_dataset dataset;
    struct rt_experiment experiment;
    int rc;
};

static void *load(void *context)
{
    struct user *user = context;

    user->rc = rt_datasets_load(user->datasets, &user->dataset, "shapes10", &user->experiment, 1, NULL);
    return NULL;
}

static void load_at_once(struct user users[USERS], struct rt_datasets *datasets, const char *corruption)
{
    pthread_t threads[USERS];

    for (int i = 0; i < USERS; i++) {
        users[i] = (struct user){.datasets = datasets, .experiment = experiment(corruption, i / 10.0, 1)};
        assert_int_equal(pthread_create(&threads[i], NULL, load, &users[i]), 0);
    }
    for (int i = 0; i < USERS; i++)
        pthread_join(threads[i], NULL);
}

static void test_loaded_once(void **state)
{
    struct rt_datasets *datasets;
    struct user users[USERS];

    (void)state;
    assert_int_equal(rt_datasets_create(&datasets, NULL), 0);
    load_at_once(users, datasets, "none");
    for (int i = 0; i < USERS; i++) {
        assert_int_equal(users[i].rc, 0);
        assert_ptr_equal(users[i].dataset.pixels, users[0].dataset.pixels);
        assert_true(users[i].dataset.labels != users[0].dataset.labels || i == 0);
    }
    for (int i = 0; i < USERS; i++)
        rt_dataset_free(&users[i].dataset);
    rt_datasets_free(&datasets);
}

/* Whoever fails leaves nothing that others would wait for. */
static void test_failures(void **state)
{
    struct rt_datasets *datasets;
    struct rt_dataset dataset;
    struct rt_experiment e = experiment("none", 0, 1);
    struct rt_error err;
    uint64_t before, needed;

    (void)state;
    assert_int_equal(rt_datasets_create(&datasets, NULL), 0);
    e.train_size.value = 1000000;
    assert_int_equal(rt_datasets_load(datasets, &dataset, "shapes10", &e, 1, &err), RT_ECONFIG);
    assert_int_equal(rt_datasets_load(datasets, &dataset, "/nonexistent", &e, 1, &err), RT_EDATA);
    e = experiment("nosuch", 0, 1);
    assert_int_equal(rt_datasets_load(datasets, &dataset, "shapes10", &e, 1, &err), RT_ECONFIG);
    e = experiment("none", 0.5, 1);
    before = rt_alloc_count();
    assert_int_equal(rt_datasets_load(datasets, &dataset, "shapes10", &e, 1, &err), 0);
    needed = rt_alloc_count() - before;
    rt_dataset_free(&dataset);
    rt_datasets_free(&datasets);
    for (uint64_t i = 1; i <= needed; i += i < 12 || i + 6 > needed ? 1 : 8) {
        assert_int_equal(rt_datasets_create(&datasets, NULL), 0);
        rt_alloc_fail_at(i);
        assert_int_equal(rt_datasets_load(datasets, &dataset, "shapes10", &e, 1, &err), RT_EMEMORY);
        rt_alloc_fail_at(0);
        rt_datasets_free(&datasets);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_alone),
        cmocka_unit_test(test_loaded_once),
        cmocka_unit_test(test_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
