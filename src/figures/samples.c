#include "figures/samples.h"

#include <stdio.h>

#include "config/corruptions.h"
#include "data/batches.h"
#include "figures/grid.h"

enum { COLUMNS = 8, ROWS = 16, BATCH = COLUMNS * ROWS, BATCH_SCALE = 2, PAIRS_SCALE = 4 };

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
    for (int i = 0; i < BATCH; i++)
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
        for (int i = 0; i < COLUMNS; i++) {
            rt_grid_draw(&grid, i, 0, &s->plain, s->batches.order[i]);
            rt_grid_draw(&grid, i, 1, &corrupted, s->batches.order[i]);
        }
        rc = write_grid(s, &grid, name, err);
    }
    rt_grid_free(&grid);
    rt_dataset_free(&corrupted);
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
