/* Solves one kernel problem and prints what tests/theory/kernel.py compares with NumPy: the result, then the
 * outputs of each test image.
 *
 *   kernel_drive FILE CHANNELS SIDE TRAIN TEST KERNEL WIDTH RIDGE SOLVER THREADS MEMORY FEATURES FILTERS
 *
 * FILE holds the labels (a byte an image, training first), then the pixels. WIDTH nan: searched on all training
 * images first. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "theory/minimum_norm.h"

static int solve(char **a, struct rt_error *err)
{
    struct rt_dataset dataset = {.channels = atoi(a[1]), .height = atoi(a[2]), .width = atoi(a[2])};
    struct rt_points_options options = {.dataset = &dataset, .filters = atol(a[12]), .seed = 42};
    struct rt_kernel_problem problem = {.dataset = &dataset, .memory_bytes = atof(a[10])};
    struct rt_kernel kernel = {.width = atof(a[6])};
    struct rt_kernel_search search;
    struct rt_kernel_result r;
    struct rt_points points;
    size_t count, image;
    FILE *file = fopen(a[0], "rb");

    dataset.side = dataset.height;
    dataset.train_count = (size_t)atol(a[3]);
    dataset.test_count = (size_t)atol(a[4]);
    count = dataset.train_count + dataset.test_count;
    image = (size_t)(dataset.channels * dataset.side * dataset.side);
    RT_TRY(rt_alloc(&dataset.labels, count, 1, "labels", err));
    RT_TRY(rt_alloc(&dataset.pixels, count, image, "pixels", err));
    if (!file || fread(dataset.labels, 1, count, file) != count ||
        fread(dataset.pixels, image, count, file) != count || !rt_kernel_find(&kernel.index, a[5]))
        return rt_fail(err, RT_EUSAGE, "bad arguments");
    fclose(file);
    dataset.labels_true = dataset.labels;
    RT_TRY(rt_team_create(&options.team, atoi(a[9]), err));
    RT_TRY(rt_features_find(a[11])->create(&points, &options, err));
    problem.points = &points;
    problem.team = options.team;
    problem.solver = !strcmp(a[8], "cg") ? RT_KERNEL_CG : RT_KERNEL_CHOLESKY;
    if (problem.solver == RT_KERNEL_CHOLESKY)
        RT_TRY(rt_lapack_open(&problem.lapack, err));
    RT_TRY(rt_alloc(&problem.outputs, dataset.test_count * RT_OUTPUTS, sizeof(double), "outputs", err));
    if (isnan(kernel.width)) {
        RT_TRY(rt_kernel_search(&search, &problem, kernel.index, kernel.width, atof(a[7]), points.train, err));
        kernel.width = search.best.width;
    }
    RT_TRY(rt_kernel_solve(&r, &problem, &kernel, atof(a[7]), err));
    printf("%.17g %.17g %d %ld %ld %d %g\n", r.norm, r.convergence.residual, r.convergence.steps, r.train_wrong,
           r.test_wrong, r.stored, r.shift);
    for (size_t i = 0; i < dataset.test_count; i++) {
        for (int k = 0; k < RT_CLASSES; k++)
            printf("%.17g ", problem.outputs[i * RT_OUTPUTS + (size_t)k]);
        printf("\n");
    }
    rt_free(&problem.outputs);
    rt_points_free(&points);
    rt_team_free(&options.team);
    rt_free(&dataset.labels);
    rt_free(&dataset.pixels);
    return RT_OK;
}

int main(int argc, char **argv)
{
    struct rt_error err = {0};

    if (argc != 14)
        return 2;
    if (!solve(argv + 1, &err))
        return 0;
    fprintf(stderr, "%s\n", err.message);
    return rt_status_exit_code(err.status);
}
