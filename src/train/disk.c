#include "train/disk.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/path.h"
#include "base/text.h"
#include "engine/optimizer.h"
#include "run/history.h"

/* Measured on runs of all models, rounded up. */
enum {
    FOLDER_BYTES = 32 << 10,     /* config, result, log, samples' share of a block, folders */
    CHECKPOINT_BYTES = 24 << 10, /* besides the tensors: names, state, the loader's generator */
    ROW_BYTES = 96,              /* of metrics.csv */
    EVENTS_BYTES = 160,          /* of a tracker's file, a log point */
    SAMPLES_BYTES = 640 << 10,   /* the picture, and in events once more */
    HISTOGRAM_BYTES = 2 << 10,   /* of one tensor */
};

static double checkpoint_bytes(const struct rt_experiment *experiment, const struct rt_graph *graph)
{
    const int states = rt_optimizers[experiment->optimizer].state_count;
    double bytes = CHECKPOINT_BYTES;

    for (int i = 0; i < graph->tensor_count; i++) {
        const struct rt_tensor *tensor = &graph->tensors[i];

        if (tensor->role == RT_TENSOR_BATCHES)
            bytes += 8;
        else
            bytes += (double)tensor->count * 4 * (rt_tensor_is_parameter(tensor->role) ? 1 + states : 1);
    }
    return bytes;
}

/* Those that are kept, the threshold's, one within an epoch, and one that is being written. */
static double checkpoints_at_once(const struct rt_experiment *experiment, double epochs)
{
    const struct rt_optional_int *every = &experiment->checkpoint_every, *const keep =
                                                                             &experiment->keep_checkpoints;
    const double regular = every->given ? ceil(epochs / (double)every->value) : 1;
    const double staying = keep->given ? fmin(regular, (double)keep->value) : regular;

    return staying + 1 + 1 + 1;
}

static double records_bytes(const struct rt_experiment *experiment, const struct rt_graph *graph, double epochs,
                            double batches_per_epoch)
{
    const double points = epochs * (floor((batches_per_epoch - 1) / (double)experiment->log_every) + 2);
    const struct rt_optional_int *histograms = &experiment->histograms_every;
    double bytes = FOLDER_BYTES + points * ROW_BYTES;

    if (experiment->record_images)
        bytes += epochs * batches_per_epoch * (double)experiment->batch_size * RT_HISTORY_IMAGE_BYTES;
    if (!*experiment->track)
        return bytes;
    for (const char *at = experiment->track; at; at = strchr(at + 1, ','))
        bytes += points * EVENTS_BYTES;
    if (histograms->given)
        bytes += ceil(epochs / (double)histograms->value) * graph->tensor_count * HISTOGRAM_BYTES;
    return bytes + SAMPLES_BYTES;
}

struct rt_disk_need rt_disk_need(const struct rt_experiment *experiment, const struct rt_graph *graph,
                                 double epochs, double batches_per_epoch)
{
    struct rt_disk_need need = {
        .checkpoint_bytes = checkpoint_bytes(experiment, graph),
        .checkpoints = checkpoints_at_once(experiment, epochs),
        .records_bytes = records_bytes(experiment, graph, epochs, batches_per_epoch),
    };

    need.bytes = need.checkpoints * need.checkpoint_bytes + need.records_bytes;
    return need;
}

double rt_disk_free(const char *path)
{
    char folder[RT_PATH_MAX];
    struct statvfs disk;

    if (!rt_copy_text(folder, sizeof folder, *path ? path : "."))
        return NAN;
    while (statvfs(folder, &disk)) {
        if (errno != ENOENT || !strcmp(folder, ".") || !strcmp(folder, "/") ||
            rt_path_folder(folder, folder, NULL))
            return NAN;
    }
    return (double)disk.f_bavail * (double)disk.f_frsize;
}
