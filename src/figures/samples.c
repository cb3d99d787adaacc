#include "figures/samples.h"

#include <stdio.h>

#include "base/memory.h"
#include "config/corruptions.h"
#include "data/batches.h"
#include "engine/host/host.h"
#include "figures/grid.h"

enum { COLUMNS = 8, ROWS = 16, BATCH = COLUMNS * ROWS, BATCH_SCALE = 2, PAIRS_SCALE = 4, EPOCHS = 3 };
static const float input_limit = 2.5F;

struct sampling {
    const char *data, *folder;
    uint32_t seed;
    void (*wrote)(const char *path);
    struct rt_dataset plain;
    struct rt_batches batches; /* order[0..127] are the images shown */
};

static int load(struct rt_dataset *dataset, const struct sampling *s, const char *corruption,
                struct rt_error *err)
{
    struct rt_experiment experiment;

    rt_experiment_defaults(&experiment);
    snprintf(experiment.data_corruption_type, sizeof experiment.data_corruption_type, "%s", corruption);
    experiment.seed = (struct rt_optional_int){true, s->seed};
    return rt_dataset_load(dataset, s->data, &experiment, 0, err);
}

static int write_grid(const struct sampling *s, const struct rt_grid *grid, const char *name,
                      struct rt_error *err)
{
    char path[RT_PATH_MAX], file[128];

    snprintf(file, sizeof file, "%s.png", name);
    RT_TRY(rt_path_join(path, s->folder, file, err));
    RT_TRY(rt_grid_write(grid, path, err));
    if (s->wrote)
        s->wrote(path);
    return RT_OK;
}

static int write_batch(const struct sampling *s, struct rt_error *err)
{
    struct rt_grid grid;
    int rc;

    RT_TRY(rt_grid_create(&grid, COLUMNS, ROWS, BATCH_SCALE, err));
    for (int i = 0; i < BATCH && (size_t)i < s->plain.train_count; i++)
        rt_grid_draw(&grid, i % COLUMNS, i / COLUMNS, &s->plain, s->batches.order[i]);
    rc = write_grid(s, &grid, s->plain.name, err);
    rt_grid_free(&grid);
    return rc;
}

static int write_pairs(const struct sampling *s, const char *corruption, const char *name, struct rt_error *err)
{
    struct rt_dataset corrupted;
    struct rt_grid grid = {0};
    int rc;

    RT_TRY(load(&corrupted, s, corruption, err));
    if (!(rc = rt_grid_create(&grid, COLUMNS, 2, PAIRS_SCALE, err))) {
        for (int i = 0; i < COLUMNS && (size_t)i < s->plain.train_count; i++) {
            rt_grid_draw(&grid, i, 0, &s->plain, s->batches.order[i]);
            rt_grid_draw(&grid, i, 1, &corrupted, s->batches.order[i]);
        }
        rc = write_grid(s, &grid, name, err);
    }
    rt_grid_free(&grid);
    rt_dataset_free(&corrupted);
    return rc;
}

/* Row `epoch` of the grid: the images' inputs in that epoch. */
static void draw_epoch(struct rt_grid *grid, struct rt_batches *batches, const uint32_t *images, int count,
                       int epoch, float *input)
{
    const struct rt_dataset *dataset = batches->dataset;
    uint8_t label;

    rt_batches_begin_epoch(batches, epoch);
    for (size_t at = 0; at < dataset->train_count; at++)
        for (int i = 0; i < count; i++) {
            const struct rt_crop *crop = batches->crops ? &batches->crops[at] : NULL;

            if (batches->order[at] != images[i])
                continue;
            rt_host_gather(dataset, &images[i], 0, 1, crop, input, &label, NULL);
            rt_grid_draw_input(grid, i, epoch, input, dataset->channels,
                               dataset->normalize || dataset->whiten ? -input_limit : 0,
                               dataset->normalize || dataset->whiten ? input_limit : 1);
        }
}

/* Draws the inputs of the experiment's images below those of `plain`. */
static int draw_inputs(struct rt_grid *grid, const struct rt_dataset *plain, struct rt_batches *batches,
                       struct rt_error *err)
{
    const size_t have = batches->dataset->train_count;
    const int count = have < COLUMNS ? (int)have : COLUMNS;
    uint32_t images[COLUMNS];
    float *input;

    RT_TRY(rt_alloc(&input, RT_CHANNELS * RT_PLANE, sizeof *input, "an input", err));
    rt_batches_begin_epoch(batches, 1);
    for (int i = 0; i < count; i++) {
        images[i] = batches->order[i];
        rt_grid_draw(grid, i, 0, plain, images[i]);
    }
    for (int epoch = 1; epoch <= EPOCHS; epoch++) /* the order drawn anew does not matter: the crops do */
        draw_epoch(grid, batches, images, count, epoch, input);
    rt_free(&input);
    return RT_OK;
}

static int write_inputs(const struct sampling *s, const struct rt_experiment *experiment, struct rt_error *err)
{
    const struct rt_augmentation augmentation = rt_experiment_augmentation(experiment);
    struct rt_dataset dataset = {0};
    struct rt_batches batches = {0};
    struct rt_grid grid = {0};
    int rc;

    RT_TRY(rt_dataset_load(&dataset, s->data, experiment, 0, err));
    if (!(rc = rt_batches_create(&batches, &dataset, BATCH, s->seed, &augmentation, err)) &&
        !(rc = rt_grid_create(&grid, COLUMNS, 1 + EPOCHS, PAIRS_SCALE, err)) &&
        !(rc = draw_inputs(&grid, &s->plain, &batches, err)))
        rc = write_grid(s, &grid, "network_inputs", err);
    rt_grid_free(&grid);
    rt_batches_free(&batches);
    rt_dataset_free(&dataset);
    return rc;
}

int rt_samples_write_inputs(const char *data, const char *folder, const struct rt_experiment *experiment,
                            void (*wrote)(const char *path), struct rt_error *err)
{
    struct sampling s = {
        .data = data, .folder = folder, .seed = (uint32_t)experiment->seed.value, .wrote = wrote};
    int rc;

    RT_TRY(load(&s.plain, &s, "none", err));
    if (!(rc = rt_folder_make(folder, err)))
        rc = write_inputs(&s, experiment, err);
    rt_dataset_free(&s.plain);
    return rc;
}

int rt_samples_write(const char *data, const char *folder, uint32_t seed, void (*wrote)(const char *path),
                     struct rt_error *err)
{
    struct sampling s = {.data = data, .folder = folder, .seed = seed, .wrote = wrote};
    int rc;

    if ((rc = load(&s.plain, &s, "none", err)) || (rc = rt_folder_make(folder, err)) ||
        (rc = rt_batches_create(&s.batches, &s.plain, BATCH, seed, NULL, err)))
        goto done;
    rt_batches_begin_epoch(&s.batches, 1);
    rc = write_batch(&s, err);
#define WRITE_PAIRS(name, title, file, help) rc = rc ? rc : write_pairs(&s, #name, file, err);
    RT_PIXEL_CORRUPTIONS(WRITE_PAIRS)
#undef WRITE_PAIRS
done:
    rt_batches_free(&s.batches);
    rt_dataset_free(&s.plain);
    return rc;
}

int rt_samples_write_grid(const struct rt_dataset *dataset, const char *path, struct rt_error *err)
{
    struct rt_grid grid;
    int rc;

    RT_TRY(rt_grid_create(&grid, ROWS, COLUMNS, 1, err));
    for (int i = 0; i < BATCH && (size_t)i < dataset->train_count; i++)
        rt_grid_draw(&grid, i % ROWS, i / ROWS, dataset, (uint32_t)i);
    rc = rt_grid_write(&grid, path, err);
    rt_grid_free(&grid);
    return rc;
}
