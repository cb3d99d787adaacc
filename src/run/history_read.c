/* Histories as they are read back, perhaps while a run still writes them. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/entry.h"
#include "base/half.h"
#include "base/memory.h"
#include "base/npy.h"
#include "config/limits.h"
#include "run/history.h"

struct opened {
    char path[RT_PATH_MAX];
    int fd;
    struct rt_npy npy;
};

static int open_array(struct opened *array, const char *run_dir, int i, struct rt_error *err)
{
    const struct rt_history_kind *kind = &rt_history_kinds[i];
    uint8_t header[RT_NPY_HEADER_MAX];
    uint64_t size;
    size_t got;

    array->fd = -1;
    RT_TRY(rt_path_join(array->path, run_dir, kind->file, err));
    if (rt_entry_look(run_dir, kind->file) == RT_ENTRY_NONE)
        return rt_fail(err, RT_EDATA,
                       "%s: not there: the run kept no history of its images (--set record_images=true "
                       "keeps one)",
                       array->path);
    RT_TRY(rt_entry_size(run_dir, kind->file, &size, err));
    RT_TRY(rt_entry_open(&array->fd, run_dir, kind->file, RT_OPEN_READ, err));
    RT_TRY(rt_file_read(array->fd, array->path, header, sizeof header, &got, err));
    RT_TRY(rt_npy_parse(&array->npy, array->path, header, got, err));
    if (strcmp(array->npy.type, kind->type) != 0 || array->npy.rank != 2 || !array->npy.shape[1] ||
        (double)array->npy.shape[0] > RT_EPOCHS_LIMIT || (double)array->npy.shape[1] > RT_IMAGES_LIMIT)
        return rt_fail(err, RT_EDATA, "%s: no history of images: expected %s [epochs, images]", array->path,
                       kind->type);
    if (size - array->npy.header_bytes < array->npy.shape[0] * array->npy.shape[1] * kind->size_bytes)
        return rt_fail(err, RT_EDATA,
                       "%s: shorter than its %ju epochs; the run's command, given again, mends it", array->path,
                       (uintmax_t)array->npy.shape[0]);
    return RT_OK;
}

static int read_array(struct rt_history_log *log, const struct opened *array, int i, struct rt_error *err)
{
    const size_t size = log->epochs * log->images * rt_history_kinds[i].size_bytes;
    size_t got;

    RT_TRY(rt_alloc(&log->bytes[i], size ? size : 1, 1, "a history", err));
    if (lseek(array->fd, (off_t)array->npy.header_bytes, SEEK_SET) < 0)
        return rt_fail(err, RT_EIO, "cannot read %s", array->path);
    RT_TRY(rt_file_read(array->fd, array->path, log->bytes[i], size, &got, err));
    return got == size ? RT_OK : rt_fail(err, RT_EDATA, "%s: became shorter while it was read", array->path);
}

int rt_history_read(struct rt_history_log *out, const char *run_dir, struct rt_error *err)
{
    struct opened arrays[RT_HISTORY_COUNT];
    struct rt_history_log log = {.epochs = SIZE_MAX};
    int rc = RT_OK, opened = 0;

    for (; opened < RT_HISTORY_COUNT && !rc; opened++) {
        rc = open_array(&arrays[opened], run_dir, opened, err);
        if (!rc && opened && arrays[opened].npy.shape[1] != arrays[0].npy.shape[1])
            rc = rt_fail(err, RT_EDATA, "%s: of %ju images, %s is of %ju", arrays[opened].path,
                         (uintmax_t)arrays[opened].npy.shape[1], rt_history_kinds[0].file,
                         (uintmax_t)arrays[0].npy.shape[1]);
        if (!rc && arrays[opened].npy.shape[0] < log.epochs) /* the others may have one more already */
            log.epochs = (size_t)arrays[opened].npy.shape[0];
    }
    log.images = rc ? 0 : (size_t)arrays[0].npy.shape[1];
    for (int i = 0; i < RT_HISTORY_COUNT && !rc; i++)
        rc = read_array(&log, &arrays[i], i, err);
    for (int i = 0; i < opened; i++)
        rt_file_close_read(&arrays[i].fd);
    if (rc)
        rt_history_log_free(&log);
    else
        *out = log;
    return rc;
}

void rt_history_log_free(struct rt_history_log *log)
{
    for (int i = 0; i < RT_HISTORY_COUNT; i++)
        rt_free(&log->bytes[i]);
}

bool rt_history_is_presented(const struct rt_history_log *log, size_t e, size_t image)
{
    uint16_t half;

    memcpy(&half, log->bytes[RT_HISTORY_loss] + (e * log->images + image) * sizeof half, sizeof half);
    return half != RT_HISTORY_ABSENT;
}

double rt_history_mean(const struct rt_history_log *log, enum rt_history_array array, size_t epochs,
                       size_t image)
{
    double sum = 0;
    size_t count = 0;

    for (size_t e = 0; e < epochs; e++)
        if (rt_history_is_presented(log, e, image)) {
            sum += (double)rt_history_value(log, array, e, image);
            count++;
        }
    return count ? sum / (double)count : (double)NAN;
}

float rt_history_value(const struct rt_history_log *log, enum rt_history_array array, size_t e, size_t image)
{
    uint16_t half;

    memcpy(&half, log->bytes[array] + (e * log->images + image) * sizeof half, sizeof half);
    return rt_half_to_float(half);
}

bool rt_history_is_right(const struct rt_history_log *log, size_t e, size_t image)
{
    return log->bytes[RT_HISTORY_right][e * log->images + image];
}
