#include "data/images.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"
#include "data/corruption/corruption.h"
#include "data/label_noise/label_noise.h"

enum { DIGEST_IMAGES = 1000 };

/* What the threads that read, crop and hash share. Each block is one thread's. */
struct loading {
    const struct rt_source *source;
    struct rt_dataset dataset;
    struct rt_team *team;
    uint8_t *labels; /* [total]: of the whole set */
    long blocks;
    struct loading_block {
        char digest[RT_DIGEST_HEX];
        int status;
        struct rt_error err;
    } * block;
};

/* Where record `index` of the whole set goes among the kept ones, or -1. */
static long kept_index(const struct loading *loading, size_t index)
{
    const struct rt_dataset *dataset = &loading->dataset;
    const size_t train_total = loading->source->train_count;

    if (index < train_total)
        return index < dataset->train_count ? (long)index : -1;
    index -= train_total;
    return index < dataset->test_count ? (long)(dataset->train_count + index) : -1;
}

static void store_record(struct loading *loading, size_t index, const uint8_t *record)
{
    const long kept = kept_index(loading, index);
    const int side = loading->dataset.side, stored = loading->source->kind->side, margin = (stored - side) / 2;
    const int channels = loading->dataset.channels;
    const int inner = margin < 0 ? stored : side, border = margin < 0 ? -margin : 0; /* a border stays black */

    loading->labels[index] = record[0];
    if (kept < 0 || !loading->dataset.pixels)
        return;
    for (int c = 0; c < channels; c++) {
        const uint8_t *from = record + 1 + c * stored * stored + (border ? 0 : margin * stored + margin);
        uint8_t *to =
            loading->dataset.pixels + ((size_t)kept * (size_t)channels + (size_t)c) * (size_t)(side * side);

        for (int row = 0; row < inner; row++)
            memcpy(to + (row + border) * side + border, from + row * stored, (size_t)inner);
    }
}

static int load_block(struct loading *loading, long number, uint8_t *records)
{
    const struct rt_source_kind *kind = loading->source->kind;
    struct loading_block *block = &loading->block[number];
    const size_t total = loading->source->train_count + loading->source->test_count;
    const size_t begin = (size_t)number * kind->block_records;
    const size_t end = total - begin < kind->block_records ? total : begin + kind->block_records;
    const size_t record = rt_source_record_bytes(kind);
    struct rt_digest digest;
    int rc = rt_digest_start(&digest, &block->err);

    for (size_t first = begin, count; first < end && !rc; first += count) {
        count = end - first < RT_READ_RECORDS ? end - first : RT_READ_RECORDS;
        if ((rc = kind->read(loading->source, first, count, records, &block->err)))
            break;
        rt_digest_update(&digest, records, count * record);
        for (size_t i = 0; i < count; i++)
            store_record(loading, first + i, records + i * record);
    }
    if (!rc)
        rc = rt_digest_finish(&digest, block->digest, &block->err);
    rt_digest_free(&digest);
    return rc;
}

static void load_share(void *context, int member)
{
    struct loading *loading = context;
    const struct rt_slice share = rt_team_slice(loading->team, member, loading->blocks, 1);
    uint8_t *records = NULL;
    struct rt_error err = {0};
    const int rc = rt_alloc(&records, RT_READ_RECORDS, RT_RECORD_BYTES, "the records being read", &err);

    for (long i = share.begin; i < share.end; i++) {
        loading->block[i].err = err;
        loading->block[i].status = rc ? rc : load_block(loading, i, records);
    }
    rt_free(&records);
}

/* The digest of the blocks' digests, or the first error met in them. */
static int sum_up(const struct loading *loading, char hex[RT_DIGEST_HEX], struct rt_error *err)
{
    struct rt_digest digest;

    for (long i = 0; i < loading->blocks; i++) {
        if (loading->block[i].status) {
            *err = loading->block[i].err;
            return loading->block[i].status;
        }
    }
    RT_TRY(rt_digest_start(&digest, err));
    for (long i = 0; i < loading->blocks; i++)
        rt_digest_update(&digest, loading->block[i].digest, RT_DIGEST_HEX - 1);
    return rt_digest_finish(&digest, hex, err);
}

static bool is_official(const struct loading *loading)
{
    const struct rt_source *source = loading->source;
    const struct rt_source_kind *kind = source->kind;

    for (int i = 0; i < source->file_count; i++)
        if (!source->files[i].official)
            return false;
    if (source->file_count)
        return true;
    for (long i = 0; i < loading->blocks; i++)
        if (!kind->official || strcmp(loading->block[i].digest, kind->official((size_t)i)))
            return false;
    return true;
}

static int read_all(struct loading *loading, struct rt_error *err)
{
    const struct rt_source_kind *kind = loading->source->kind;
    const size_t total = loading->source->train_count + loading->source->test_count;
    int rc;

    loading->blocks = (long)((total + kind->block_records - 1) / kind->block_records);
    if ((rc = rt_alloc(&loading->block, (size_t)loading->blocks, sizeof *loading->block, "the blocks", err)) ||
        (rc = rt_alloc(&loading->labels, total, 1, "the labels", err)))
        return rc;
    rt_team_run(loading->team, load_share, loading);
    RT_TRY(sum_up(loading, loading->dataset.digest, err));
    loading->dataset.official = is_official(loading);
    return RT_OK;
}

/* The first `limit` of `total`. */
static int keep(size_t *kept, size_t total, struct rt_optional_int limit, const char *key,
                const struct rt_source *source, struct rt_error *err)
{
    *kept = total;
    if (!limit.given)
        return RT_OK;
    if (limit.value < 1 || (uint64_t)limit.value > total)
        return rt_fail(err, RT_ECONFIG, "%s: %lld, but %s has 1 to %zu to give", key, (long long)limit.value,
                       source->kind->name, total);
    *kept = (size_t)limit.value;
    return RT_OK;
}

/* Sets up the empty data set: what is kept of it, and room for its pixels unless noise replaces them. */
static int prepare(struct loading *loading, const struct rt_experiment *experiment,
                   const struct rt_corruption *corruption, struct rt_error *err)
{
    const struct rt_source *source = loading->source;
    const struct rt_source_kind *kind = source->kind;
    struct rt_dataset *dataset = &loading->dataset;
    size_t count, image;

    RT_TRY(keep(&dataset->train_count, source->train_count, experiment->train_size, "train_size", source, err));
    RT_TRY(keep(&dataset->test_count, source->test_count, experiment->test_size, "test_size", source, err));
    dataset->train_total = source->train_count;
    dataset->test_total = source->test_count;
    snprintf(dataset->name, sizeof dataset->name, "%s", kind->name);
    snprintf(dataset->source, sizeof dataset->source, "%s", source->where);
    memcpy(dataset->classes, source->classes, sizeof dataset->classes);
    memcpy(dataset->mean, kind->mean, sizeof dataset->mean);
    memcpy(dataset->std, kind->std, sizeof dataset->std);
    dataset->channels = kind->channels;
    dataset->height = dataset->width = RT_CROP;
    dataset->side = rt_experiment_augments(experiment) ? RT_STORED : RT_CROP;
    count = dataset->train_count + dataset->test_count;
    image = (size_t)(dataset->channels * dataset->side * dataset->side);
    if (corruption->makes_noise)
        return RT_OK;
    return rt_alloc_aligned(&dataset->pixels, count, image, "the images", err);
}

static int corrupt_pixels(struct loading *loading, const struct rt_experiment *experiment,
                          const struct rt_corruption *corruption, struct rt_error *err)
{
    const struct rt_source *source = loading->source;
    struct rt_dataset *dataset = &loading->dataset;
    const uint32_t seed = (uint32_t)experiment->seed.value;
    const struct rt_corruption_job job = {dataset, source->train_count, source->test_count, seed,
                                          loading->team};
    const size_t image = (size_t)(dataset->channels * RT_PLANE);

    if (corruption->makes_noise)
        RT_TRY(rt_alloc_aligned(&dataset->noise, dataset->train_count + dataset->test_count,
                                image * sizeof *dataset->noise, "the Gaussian pixels", err));
    return corruption->apply ? corruption->apply(&job, err) : RT_OK;
}

int rt_images_load(struct rt_images *images, const struct rt_source *source,
                   const struct rt_experiment *experiment, struct rt_team *team, struct rt_error *err)
{
    const struct rt_corruption *corruption = rt_corruption_find(experiment->data_corruption_type);
    struct loading loading = {.source = source, .team = team};
    int rc;

    if (!(rc = prepare(&loading, experiment, corruption, err)) && !(rc = read_all(&loading, err)) &&
        !(rc = corrupt_pixels(&loading, experiment, corruption, err))) {
        *images = (struct rt_images){loading.dataset, loading.labels, source->train_count, source->test_count};
        loading.dataset = (struct rt_dataset){0};
        loading.labels = NULL;
    }
    rt_free(&loading.block);
    rt_free(&loading.labels);
    rt_free(&loading.dataset.pixels);
    rt_free(&loading.dataset.noise);
    return rc;
}

void rt_images_free(struct rt_images *images)
{
    rt_free(&images->dataset.pixels);
    rt_free(&images->dataset.noise);
    rt_free(&images->labels);
    *images = (struct rt_images){0};
}

/* ---- labels ---- */

/* Of images [first, first + n) as they are kept: labels, then pixels. */
static int digest_images(const struct rt_dataset *dataset, size_t first, size_t n, char hex[RT_DIGEST_HEX],
                         struct rt_error *err)
{
    const size_t pixels = (size_t)(dataset->channels * dataset->side * dataset->side);
    struct rt_digest digest;

    RT_TRY(rt_digest_start(&digest, err));
    rt_digest_update(&digest, dataset->labels + first, n);
    if (dataset->noise)
        rt_digest_update(&digest, dataset->noise + first * pixels, n * pixels * sizeof *dataset->noise);
    else
        rt_digest_update(&digest, dataset->pixels + first * pixels, n * pixels);
    return rt_digest_finish(&digest, hex, err);
}

static void digest_share(void *context, int member)
{
    struct loading *loading = context;
    const struct rt_dataset *dataset = &loading->dataset;
    const struct rt_slice share = rt_team_slice(loading->team, member, loading->blocks, 1);
    const size_t count = dataset->train_count + dataset->test_count;

    for (long i = share.begin; i < share.end; i++) {
        struct loading_block *block = &loading->block[i];
        const size_t first = (size_t)i * DIGEST_IMAGES;
        const size_t n = count - first < DIGEST_IMAGES ? count - first : DIGEST_IMAGES;

        block->status = digest_images(dataset, first, n, block->digest, &block->err);
    }
}

static int digest_kept(struct loading *loading, struct rt_error *err)
{
    const size_t count = loading->dataset.train_count + loading->dataset.test_count;

    rt_free(&loading->block);
    loading->blocks = (long)((count + DIGEST_IMAGES - 1) / DIGEST_IMAGES);
    RT_TRY(rt_alloc(&loading->block, (size_t)loading->blocks, sizeof *loading->block, "the blocks", err));
    rt_team_run(loading->team, digest_share, loading);
    return sum_up(loading, loading->dataset.corruption_digest, err);
}

/* The kept ones of the whole set's labels. */
static void keep_labels(const struct rt_dataset *dataset, const struct rt_images *images, const uint8_t *labels,
                        uint8_t *kept)
{
    memcpy(kept, labels, dataset->train_count);
    memcpy(kept + dataset->train_count, labels + images->train_total, dataset->test_count);
}

/* The kept labels, corrupted as a part of the whole set, for whose every label there is a draw. */
static int corrupt_labels(struct rt_dataset *dataset, const struct rt_images *images,
                          const struct rt_experiment *experiment, struct rt_team *team, struct rt_error *err)
{
    const size_t kept = dataset->train_count + dataset->test_count;
    struct rt_label_job job = {.experiment = experiment,
                               .dataset = dataset,
                               .train_total = images->train_total,
                               .test_total = images->test_total,
                               .truth = images->labels,
                               .digest = dataset->label_digest,
                               .team = team};
    int rc;

    RT_TRY(rt_alloc(&dataset->labels, kept, 1, "the labels", err));
    RT_TRY(rt_alloc(&dataset->labels_true, kept, 1, "the labels", err));
    keep_labels(dataset, images, images->labels, dataset->labels_true);
    RT_TRY(rt_alloc(&job.labels, images->train_total + images->test_total, 1, "the labels", err));
    if (!(rc = rt_label_noise_apply(&job, err)))
        keep_labels(dataset, images, job.labels, dataset->labels);
    rt_free(&job.labels);
    return rc;
}

int rt_images_label(struct rt_dataset *out, const struct rt_images *images,
                    const struct rt_experiment *experiment, struct rt_team *team, struct rt_error *err)
{
    const struct rt_corruption *corruption = rt_corruption_find(experiment->data_corruption_type);
    struct loading loading = {.dataset = images->dataset, .team = team};
    int rc;

    const bool raw = corruption->makes_noise && !experiment->normalize_noise;

    loading.dataset.normalize = !raw && experiment->preprocessing == RT_PREPROCESSING_CHANNEL;
    loading.dataset.whiten = !raw && experiment->preprocessing == RT_PREPROCESSING_IMAGE;
    if (!(rc = corrupt_labels(&loading.dataset, images, experiment, team, err)) &&
        !(rc = digest_kept(&loading, err))) {
        *out = loading.dataset;
    } else {
        rt_free(&loading.dataset.labels);
        rt_free(&loading.dataset.labels_true);
    }
    rt_free(&loading.block);
    return rc;
}
