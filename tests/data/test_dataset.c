/* Reading the official layout, and refusing what is not it; shapes10; what does not depend on the machine. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/check.h"
#include "data/cifar10.h"
#include "support/scratch.h"

static struct rt_experiment experiment(const char *corruption)
{
    struct rt_experiment e;

    rt_experiment_defaults(&e);
    e.seed = (struct rt_optional_int){true, 42};
    snprintf(e.data_corruption_type, sizeof e.data_corruption_type, "%s", corruption);
    return e;
}

/* The six files, all zero (and sparse), in the scratch folder. */
static const char *make_files(void **state)
{
    for (int i = 0; i < RT_CIFAR10_FILES; i++) {
        const int fd = open(in_scratch(state, rt_cifar10_files[i].name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, RT_CIFAR10_FILE_BYTES), 0);
        close(fd);
    }
    unlink(in_scratch(state, RT_CIFAR10_NAMES));
    return in_scratch(state, "");
}

static void put(void **state, const char *file, off_t at, uint8_t byte)
{
    const int fd = open(in_scratch(state, file), O_WRONLY);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void resize(void **state, const char *file, off_t size)
{
    assert_int_equal(truncate(in_scratch(state, file), size), 0);
}

static void write_names(void **state, const char *text)
{
    assert_int_equal(rt_file_write_all(in_scratch(state, RT_CIFAR10_NAMES), text, strlen(text), NULL), RT_OK);
}

/* ---- what is wrong with the files, and what the message must name */

static void cut_short(void **state)
{
    resize(state, "data_batch_3.bin", RT_CIFAR10_FILE_BYTES - 1);
}

static void emptied(void **state)
{
    resize(state, "test_batch.bin", 0);
}

static void too_long(void **state)
{
    resize(state, "data_batch_5.bin", RT_CIFAR10_FILE_BYTES + 1);
}

static void missing(void **state)
{
    unlink(in_scratch(state, "data_batch_4.bin"));
}

static void all_missing(void **state)
{
    unlink(in_scratch(state, "data_batch_1.bin"));
}

static void folder_in_place(void **state)
{
    missing(state);
    mkdir(in_scratch(state, "data_batch_4.bin"), 0700);
}

static void label_ten(void **state)
{
    put(state, "data_batch_2.bin", 777 * 3073, 10);
}

static void last_label(void **state)
{
    put(state, "test_batch.bin", 9999 * 3073, 255);
}

static void nine_names(void **state)
{
    write_names(state, "a\nb\nc\nd\ne\nf\ng\nh\ni\n");
}

static void long_name(void **state)
{
    write_names(state, "a\nb\n0123456789012345678901234567890_\nd\ne\nf\ng\nh\ni\nj\n");
}

static void control_character(void **state)
{
    write_names(state, "a\nb\nc\nd\ne\nf\n\033[31mg\nh\ni\nj\n");
}

static const struct fault {
    void (*make)(void **state);
    const char *names[3]; /* that the message must hold */
} faults[] = {
    {cut_short, {"data_batch_3.bin", "30729999 bytes", "record 9999"}}, /* by one byte */
    {emptied, {"test_batch.bin", "0 bytes", "record 0"}},
    {too_long, {"data_batch_5.bin", "30730001 bytes", "not a batch"}}, /* by one byte */
    {missing, {"data_batch_4.bin", "No such file", ""}},               /* one of six */
    {all_missing, {"data_batch_1.bin", "rethink data fetch", ""}},     /* another folder altogether */
    {folder_in_place, {"data_batch_4.bin", "not a regular file", ""}},
    {label_ten, {"data_batch_2.bin", "record 777", "label 10"}},          /* the first value out of range */
    {last_label, {"test_batch.bin", "record 9999", "label 255"}},         /* the very last record */
    {nine_names, {"batches.meta.txt:10", "class name", ""}},              /* one too few */
    {long_name, {"batches.meta.txt:3", "32 bytes", ""}},                  /* longer than its place */
    {control_character, {"batches.meta.txt:7", "control character", ""}}, /* would reach the terminal */
};

static void test_faults(void **state)
{
    const struct rt_experiment e = experiment("none");

    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct rt_dataset dataset = {.side = 77};
        struct rt_error err = {0};
        const char *folder;

        rmdir(in_scratch(state, "data_batch_4.bin"));
        make_files(state);
        faults[i].make(state);
        folder = in_scratch(state, "");
        assert_int_equal(rt_dataset_load(&dataset, folder, &e, 2, &err), RT_EDATA);
        assert_int_equal(dataset.side, 77); /* untouched */
        for (int j = 0; j < 3; j++)
            if (!strstr(err.message, faults[i].names[j]))
                fail_msg("row %zu: '%s' does not name %s", i, err.message, faults[i].names[j]);
        assert_null(strchr(err.message, '\n'));
    }
}

static void test_no_such_data(void **state)
{
    const struct rt_experiment e = experiment("none");
    struct rt_dataset dataset;
    struct rt_error err;

    assert_int_equal(rt_dataset_load(&dataset, "shapes11", &e, 2, &err), RT_EDATA);
    assert_non_null(strstr(err.message, "shapes11"));
    assert_int_equal(rt_file_write_all(in_scratch(state, "file"), "x", 1, NULL), RT_OK);
    assert_int_equal(rt_dataset_load(&dataset, in_scratch(state, "file"), &e, 2, &err), RT_EDATA);
    setenv("RETHINK_DATA", in_scratch(state, "nowhere"), 1);
    assert_int_equal(rt_dataset_load(&dataset, NULL, &e, 2, &err), RT_EDATA);
    assert_non_null(strstr(err.message, "nowhere"));
    unsetenv("RETHINK_DATA");
}

static void test_bad_requests(void **state)
{
    struct rt_experiment e = experiment("none");
    struct rt_dataset dataset;

    (void)state;
    e.train_size = (struct rt_optional_int){true, 10001}; /* one more than there are */
    assert_int_equal(rt_dataset_load(&dataset, "shapes10", &e, 1, NULL), RT_ECONFIG);
    e.train_size.value = 0;
    assert_int_equal(rt_dataset_load(&dataset, "shapes10", &e, 1, NULL), RT_ECONFIG);
    e = experiment("shuff_pix");
    e.augment = true; /* has no margin to crop */
    assert_int_equal(rt_dataset_load(&dataset, "shapes10", &e, 1, NULL), RT_ECONFIG);
    e = experiment("shuffpix");
    assert_int_equal(rt_dataset_load(&dataset, "shapes10", &e, 1, NULL), RT_ECONFIG);
}

/* Records land where they belong: one pixel of the window's corner in the second file, one outside of it. */
static void test_layout(void **state)
{
    struct rt_experiment e = experiment("none");
    struct rt_dataset dataset, moved;
    struct rt_data_report report;
    const off_t record = 123 * 3073;
    const size_t image = 3 * 784;

    make_files(state);
    write_names(state, "a\r\nb\nc\nd\ne\nf\ng\nh\ni\nj"); /* foreign line ends, none at the end */
    put(state, "data_batch_2.bin", record, 9);
    put(state, "data_batch_2.bin", record + 1 + 1024 + 2 * 32 + 2, 200);       /* green, the window's first */
    put(state, "data_batch_2.bin", record + 1 + 2 * 1024 + 29 * 32 + 29, 100); /* blue, its last */
    put(state, "test_batch.bin", 0, 7);
    assert_int_equal(rt_dataset_load(&dataset, in_scratch(state, ""), &e, 1, NULL), RT_OK);
    assert_int_equal(dataset.train_count, 50000);
    assert_int_equal(dataset.labels[10123], 9);
    assert_int_equal(dataset.labels[50000], 7);
    assert_int_equal(dataset.pixels[10123 * image + 784], 200);
    assert_int_equal(dataset.pixels[10124 * image - 1], 100);
    assert_string_equal(dataset.classes[0], "a");
    assert_string_equal(dataset.classes[9], "j");
    assert_false(dataset.official);
    write_names(state, "\xef\xbb\xbf"
                       "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n"); /* a byte order mark is no letter */
    assert_int_equal(rt_dataset_load(&moved, in_scratch(state, ""), &e, 1, NULL), RT_OK);
    assert_string_equal(moved.classes[0], "a");
    rt_dataset_free(&moved);

    put(state, "data_batch_2.bin", record + 1 + 5, 1); /* outside of the window */
    assert_int_equal(rt_dataset_load(&moved, in_scratch(state, ""), &e, 1, NULL), RT_OK);
    assert_string_not_equal(moved.digest, dataset.digest);
    assert_string_equal(moved.corruption_digest, dataset.corruption_digest);
    rt_dataset_free(&moved);
    rt_dataset_free(&dataset);

    e.train_size = (struct rt_optional_int){true, 10124};
    e.test_size = (struct rt_optional_int){true, 1};
    assert_int_equal(rt_dataset_load(&dataset, in_scratch(state, ""), &e, 1, NULL), RT_OK);
    assert_int_equal(dataset.labels[10123], 9);
    assert_int_equal(dataset.labels[10124], 7); /* the first test image */
    assert_int_equal(dataset.pixels[10123 * image + 784], 200);
    rt_dataset_free(&dataset);

    assert_int_equal(rt_data_check(&report, in_scratch(state, ""), NULL), RT_OK);
    assert_int_equal(report.counts[0][9], 1);
    assert_int_equal(report.counts[0][0], 49999);
    assert_int_equal(report.counts[1][7], 1);
    assert_false(report.official);
}

/* The official folder below the given one. */
static void test_folder_below(void **state)
{
    const struct rt_experiment e = experiment("none");
    struct rt_dataset dataset;
    char below[RT_PATH_MAX], path[RT_PATH_MAX];

    make_files(state);
    snprintf(below, sizeof below, "%s", in_scratch(state, RT_CIFAR10_FOLDER));
    assert_int_equal(mkdir(below, 0700), 0);
    for (int i = 0; i < RT_CIFAR10_FILES; i++) {
        assert_int_equal(rt_path_join(path, below, rt_cifar10_files[i].name, NULL), RT_OK);
        assert_int_equal(rename(in_scratch(state, rt_cifar10_files[i].name), path), 0);
    }
    setenv("RETHINK_DATA", in_scratch(state, ""), 1);
    assert_int_equal(rt_dataset_load(&dataset, "cifar10", &e, 1, NULL), RT_OK);
    unsetenv("RETHINK_DATA");
    assert_string_equal(dataset.classes[6], "frog"); /* without batches.meta.txt */
    rt_dataset_free(&dataset);
}

/* The bytes of shapes10 are the same on every machine: a change of them is a new data set, and says so here. */
static void test_shapes10(void **state)
{
    const struct rt_experiment e = experiment("none");
    struct rt_dataset dataset;
    double sum = 0;

    (void)state;
    assert_int_equal(rt_dataset_load(&dataset, "shapes10", &e, 1, NULL), RT_OK);
    assert_string_equal(dataset.digest, "5069ec9e7b3a0c455e93e57339f590adc4a8d92c0fe27309633ad656e8b01339");
    assert_int_equal(dataset.train_count, 10000);
    assert_int_equal(dataset.test_count, 2000);
    for (size_t i = 0; i < 12000; i += 10) {
        int seen = 0;

        for (size_t j = 0; j < 10; j++)
            seen |= 1 << dataset.labels[i + j];
        assert_int_equal(seen, 1023); /* each ten has each class */
    }
    for (size_t i = 0; i < 12000; i++)
        for (size_t j = 0; j < 784; j++)
            sum += dataset.pixels[i * 3 * 784 + j];
    assert_true(sum / (12000. * 784 * 255) - dataset.mean[0] <= 1e-6);
    assert_true(dataset.mean[0] - sum / (12000. * 784 * 255) <= 1e-6);
    rt_dataset_free(&dataset);
}

enum { VALUES = 3 * 784 };

/* torch.randperm(784) as PyTorch 1.13 draws it after manual_seed(42), its first and last numbers; row 0 is
 * shuff_pix's for every image, row i that of image i with rand_pix. */
static const struct {
    size_t image;
    int first[6], last[3];
} permutations[] = {
    {0, {470, 186, 370, 171, 190, 57}, {379, 403, 62}},
    {1, {307, 62, 564, 544, 151, 618}, {144, 47, 159}},
    {9999, {392, 527, 73, 676, 665, 107}, {478, 260, 603}},
    {11999, {772, 18, 34, 383, 681, 589}, {4, 733, 258}}, /* the last test image */
};

static void check_permuted(const struct rt_dataset *old, const struct rt_dataset *new, size_t image, int row)
{
    for (int c = 0; c < 3; c++) {
        const uint8_t *from = old->pixels + image * VALUES + c * 784,
                      *to = new->pixels + image *VALUES + c * 784;

        for (int j = 0; j < 6; j++)
            assert_int_equal(to[j], from[permutations[row].first[j]]);
        for (int j = 0; j < 3; j++)
            assert_int_equal(to[781 + j], from[permutations[row].last[j]]);
    }
}

/* What a seed does to pixels is what it does in PyTorch, without PyTorch at hand. */
static void test_published_pixels(void **state)
{
    static const double normals[2][3] = {{0.33669, 0.128809, 0.234462}, {0.230333, -1.122856, -0.186328}};
    struct rt_experiment e = experiment("none");
    struct rt_dataset old, new;

    (void)state;
    assert_int_equal(rt_dataset_load(&old, "shapes10", &e, 1, NULL), RT_OK);
    e = experiment("shuff_pix");
    assert_int_equal(rt_dataset_load(&new, "shapes10", &e, 1, NULL), RT_OK);
    for (size_t i = 0; i < 12000; i += 1333)
        check_permuted(&old, &new, i, 0);
    rt_dataset_free(&new);
    e = experiment("rand_pix");
    assert_int_equal(rt_dataset_load(&new, "shapes10", &e, 1, NULL), RT_OK);
    for (int row = 0; row < 4; row++)
        check_permuted(&old, &new, permutations[row].image, row);
    rt_dataset_free(&new);
    e = experiment("gauss_pix");
    assert_int_equal(rt_dataset_load(&new, "shapes10", &e, 1, NULL), RT_OK);
    for (int j = 0; j < 2; j++)
        for (int c = 0; c < 3; c++) {
            const double want = fmin(fmax(normals[j][c] * new.std[c] + new.mean[c], 0), 1);

            assert_true(fabs(new.noise[c * 784 + j] - want) <= 2e-5);
        }
    rt_dataset_free(&new);
    rt_dataset_free(&old);
}

/* The true labels stay beside the given ones, those of test images after the kept training images. */
static void test_true_labels(void **state)
{
    struct rt_experiment e = experiment("none");
    struct rt_dataset clean, noisy;
    struct rt_label_counts counts;
    int64_t changed = 0, seen = 0;

    (void)state;
    assert_int_equal(rt_dataset_load(&clean, "shapes10", &e, 1, NULL), RT_OK);
    assert_memory_equal(clean.labels_true, clean.labels, 12000);
    rt_dataset_count_labels(&clean, 0, 12000, &counts);
    assert_int_equal(counts.images, 12000);
    assert_int_equal(counts.changed, 0);
    e.label_corruption_prob = 0.5;
    e.train_size = (struct rt_optional_int){true, 5001};
    assert_int_equal(rt_dataset_load(&noisy, "shapes10", &e, 1, NULL), RT_OK);
    assert_memory_equal(noisy.labels_true, clean.labels, 5001);
    assert_memory_equal(noisy.labels_true + 5001, clean.labels + 10000, 2000);
    for (size_t i = 5001; i < 7001; i++)
        changed += noisy.labels[i] != clean.labels[i - 5001 + 10000];
    rt_dataset_count_labels(&noisy, 5001, 2000, &counts);
    assert_int_equal(counts.changed, changed);
    for (int class = 0; class < RT_CLASSES; class ++)
        for (int given = 0; given < RT_CLASSES; given++)
            seen += class == given ? 0 : counts.transitions[class][given];
    assert_int_equal(seen, changed);
    assert_in_range(changed, 820, 980); /* 45 % of 2000, give or take 3.6 deviations */
    rt_dataset_free(&clean);
    rt_dataset_free(&noisy);
}

/* Images that are left out draw all the same: the kept ones do not depend on train_size. */
static void test_kept(void **state)
{
    static const char *const corruptions[] = {"shuff_pix", "rand_pix", "gauss_pix"};
    const size_t image = 3 * 784;

    (void)state;
    for (size_t i = 0; i < sizeof corruptions / sizeof *corruptions; i++) {
        struct rt_experiment e = experiment(corruptions[i]);
        struct rt_dataset all, some;
        const uint8_t *whole, *part;
        size_t bytes;

        e.label_corruption_prob = 1;
        assert_int_equal(rt_dataset_load(&all, "shapes10", &e, 1, NULL), RT_OK);
        e.train_size = (struct rt_optional_int){true, 5001};
        e.test_size = (struct rt_optional_int){true, 3};
        assert_int_equal(rt_dataset_load(&some, "shapes10", &e, 1, NULL), RT_OK);
        bytes = all.noise ? image * sizeof *all.noise : image;
        whole = all.noise ? (const uint8_t *)all.noise : all.pixels;
        part = some.noise ? (const uint8_t *)some.noise : some.pixels;
        assert_memory_equal(part, whole, 5001 * bytes);
        assert_memory_equal(part + 5001 * bytes, whole + 10000 * bytes, 3 * bytes);
        assert_memory_equal(some.labels, all.labels, 5001);
        assert_memory_equal(some.labels + 5001, all.labels + 10000, 3);
        rt_dataset_free(&all);
        rt_dataset_free(&some);
    }
}

/* The same bytes whatever number of threads reads and scrambles them. */
static void test_threads(void **state)
{
    static const char *const corruptions[] = {"none", "shuff_pix", "rand_pix", "gauss_pix"};

    (void)state;
    for (size_t i = 0; i < sizeof corruptions / sizeof *corruptions; i++) {
        struct rt_experiment e = experiment(corruptions[i]);
        struct rt_dataset one, more;

        e.train_size = (struct rt_optional_int){true, 1003}; /* leaves a remainder in each share */
        assert_int_equal(rt_dataset_load(&one, "shapes10", &e, 1, NULL), RT_OK);
        for (int threads = 2; threads <= 3; threads++) {
            assert_int_equal(rt_dataset_load(&more, "shapes10", &e, threads, NULL), RT_OK);
            assert_string_equal(one.digest, more.digest);
            assert_string_equal(one.corruption_digest, more.corruption_digest);
            rt_dataset_free(&more);
        }
        rt_dataset_free(&one);
    }
}

/* Each allocation fails once: an error each time, and nothing lost (the sanitizers watch). */
static void test_out_of_memory(void **state)
{
    struct rt_experiment e = experiment("gauss_pix");
    struct rt_dataset dataset;
    uint64_t k = 0;
    int rc;

    (void)state;
    e.label_corruption_prob = 0.5;
    e.train_size = e.test_size = (struct rt_optional_int){true, 20};
    do {
        struct rt_error err = {0};

        rt_alloc_fail_at(++k);
        rc = rt_dataset_load(&dataset, "shapes10", &e, 2, &err);
        assert_true(rc == RT_OK || (rc == RT_EMEMORY && err.message[0]));
    } while (rc && k < 100);
    rt_alloc_fail_at(0);
    assert_int_equal(rc, RT_OK);
    assert_true(k > 5);
    rt_dataset_free(&dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_faults, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_no_such_data, scratch_make, scratch_remove),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test_setup_teardown(test_layout, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_folder_below, scratch_make, scratch_remove),
        cmocka_unit_test(test_shapes10),
        cmocka_unit_test(test_published_pixels),
        cmocka_unit_test(test_true_labels),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
