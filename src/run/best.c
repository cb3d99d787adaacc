/* The best epoch, and what became of the labels, as JSON: two parts of result.h. */
#include <math.h>

#include "config/limits.h"
#include "run/result.h"

#define SCORE(name, measured, low, high, ...)                                                                  \
    {#name, RT_FIELD_MEASURE, offsetof(struct rt_best, scores.name), low, high},
const struct rt_field rt_best_fields[] = {
    {"epoch", RT_FIELD_INTEGER, offsetof(struct rt_best, epoch), 1, RT_EPOCHS_LIMIT},
    RT_METRICS(SCORE){0},
};
const struct rt_field rt_label_count_fields[] = {
    {"images", RT_FIELD_INTEGER, offsetof(struct rt_label_counts, images), 0, RT_IMAGES_LIMIT},
    {"changed", RT_FIELD_INTEGER, offsetof(struct rt_label_counts, changed), 0, RT_IMAGES_LIMIT},
    {0},
};

void rt_best_note(struct rt_best *best, int64_t epoch, const struct rt_scores *scores)
{
    if (scores->test_acc_true >= 0 && (!best->epoch || scores->test_acc_true > best->scores.test_acc_true))
        *best = (struct rt_best){epoch, *scores};
}

int rt_best_write(const struct rt_best *best, struct rt_json *object, const char *key, struct rt_error *err)
{
    return rt_fields_set(object, key, rt_best_fields, best->epoch ? best : NULL, err);
}

int rt_best_read(struct rt_best *best, const struct rt_json *object, const char *key, const char *path,
                 struct rt_error *err)
{
    *best = (struct rt_best){0};
    return rt_fields_get(object, path, key, rt_best_fields, best, true, err);
}

static int append_row(struct rt_json *matrix, const int64_t *counts, struct rt_error *err)
{
    struct rt_json *row = NULL;
    int rc = rt_json_array(&row, err);

    for (int i = 0; i < RT_CLASSES && !rc; i++)
        rc = rt_json_append_integer(row, counts[i], err);
    if (!rc)
        rc = rt_json_append(matrix, &row, err);
    rt_json_free(&row);
    return rc;
}

static int write_matrix(struct rt_json *object, const struct rt_label_counts *counts, struct rt_error *err)
{
    struct rt_json *matrix = NULL;
    int rc = rt_json_array(&matrix, err);

    for (int i = 0; i < RT_CLASSES && !rc; i++)
        rc = append_row(matrix, counts->transitions[i], err);
    if (!rc)
        rc = rt_json_set(object, "transitions", &matrix, err);
    rt_json_free(&matrix);
    return rc;
}

int rt_label_counts_write(const struct rt_label_counts *counts, struct rt_json *object, const char *key,
                          struct rt_error *err)
{
    struct rt_json *child = NULL;
    int rc;

    if (!(rc = rt_json_object(&child, err)) &&
        !(rc = rt_fields_write(child, rt_label_count_fields, counts, err)) &&
        !(rc = write_matrix(child, counts, err)))
        rc = rt_json_set(object, key, &child, err);
    rt_json_free(&child);
    return rc;
}

static int read_matrix(struct rt_label_counts *counts, const struct rt_json *object, const char *path,
                       struct rt_error *err)
{
    const struct rt_json *matrix = rt_json_member(object, "transitions");
    int64_t images = 0, kept = 0;

    for (size_t i = 0; i < RT_CLASSES; i++)
        for (size_t j = 0; j < RT_CLASSES; j++) {
            const struct rt_json *row = rt_json_item(matrix, i), *value = rt_json_item(row, j);
            int64_t *count = &counts->transitions[i][j];

            if (!value || rt_json_get_integer(value, path, "", count, NULL) || *count < 0 ||
                (double)*count > RT_IMAGES_LIMIT)
                return rt_fail(err, RT_EDATA, "%s: transitions is no table of %d x %d numbers of images", path,
                               RT_CLASSES, RT_CLASSES);
            images += *count;
            kept += i == j ? *count : 0;
        }
    if (images != counts->images || images - kept != counts->changed)
        return rt_fail(err, RT_EDATA, "%s: transitions do not add up to the images, or to those changed", path);
    return RT_OK;
}

int rt_label_counts_read(struct rt_label_counts *counts, const struct rt_json *object, const char *key,
                         const char *path, struct rt_error *err)
{
    const struct rt_json *child = rt_json_member(object, key);

    if (!child || rt_json_kind(child) != RT_JSON_OBJECT)
        return rt_fail(err, RT_EDATA, "%s: labels/%s is not an object", path, key);
    RT_TRY(rt_fields_read(child, path, rt_label_count_fields, counts, err));
    return read_matrix(counts, child, path, err);
}
