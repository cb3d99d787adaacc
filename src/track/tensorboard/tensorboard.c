/* The TensorBoard recorder: event files in the run directory, so that `tensorboard --logdir runs` shows each
 * run under its path. It writes straight to the file: a record costs less than the line in metrics.csv. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/entry.h"
#include "base/log.h"
#include "base/memory.h"
#include "track/recorder.h"
#include "track/tensorboard/histogram.h"
#include "track/tensorboard/hparams.h"
#include "track/tensorboard/tfevents.h"

struct rt_recorder {
    struct rt_tfevents events;
    int64_t step; /* batches trained at the last log point */
    int epoch;    /* of that */
    int64_t weights_step;
};

enum { IMAGE_HEIGHT = 1, IMAGE_WIDTH = 2, IMAGE_COLORSPACE = 3, IMAGE_PNG = 4 };
enum { PNG_HEAD = 26, PNG_MAX = 4 << 20 };

static double now_s(void)
{
    return 1e-3 * (double)rt_clock_unix_ms();
}

/* metrics.csv has the same numbers, so that losing an event file is worth a warning but never a run. */
static int give_up(struct rt_recorder *recorder, const struct rt_error *failure)
{
    rt_log_warn("TensorBoard: %s; training continues without it", failure->message);
    rt_tfevents_close(&recorder->events);
    return RT_OK;
}

static bool writing(const struct rt_recorder *recorder)
{
    return recorder->events.fd >= 0;
}

static int write_event(struct rt_recorder *recorder)
{
    struct rt_error failure;

    return rt_tfevents_write(&recorder->events, &failure) ? give_up(recorder, &failure) : RT_OK;
}

static int64_t big_endian(const unsigned char *bytes)
{
    return (int64_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

static void add_image(struct rt_tfevents *events, const char *tag, const unsigned char *png, size_t size)
{
    static const int channels[] = {[0] = 1, [2] = 3, [4] = 2, [6] = 4}; /* by PNG colour type */
    const unsigned char color_type = png[25];
    struct rt_pb *pb = &events->event;
    const size_t value = rt_pb_begin(pb, RT_SUMMARY_VALUE);
    size_t image;

    rt_pb_text(pb, RT_VALUE_TAG, tag);
    image = rt_pb_begin(pb, RT_VALUE_IMAGE);
    rt_pb_integer(pb, IMAGE_HEIGHT, big_endian(png + 20));
    rt_pb_integer(pb, IMAGE_WIDTH, big_endian(png + 16));
    rt_pb_integer(pb, IMAGE_COLORSPACE, color_type <= 6 && channels[color_type] ? channels[color_type] : 3);
    rt_pb_bytes(pb, IMAGE_PNG, png, size);
    rt_pb_end(pb, image);
    rt_pb_end(pb, value);
}

/* The grid of samples, samples.png, if the run directory has one. */
static int write_samples(struct rt_tfevents *events, const char *run_dir, struct rt_error *err)
{
    char *png = NULL;
    size_t size = 0;
    int rc;

    if (rt_entry_look(run_dir, "samples.png") == RT_ENTRY_NONE)
        return RT_OK;
    RT_TRY(rt_entry_read(run_dir, "samples.png", PNG_MAX, &png, &size, err));
    if (size > PNG_HEAD && !memcmp(png, "\x89PNG\r\n\x1a\n", 8)) {
        rt_tfevents_begin(events, now_s(), 0);
        add_image(events, "samples", (const unsigned char *)png, size);
        rc = rt_tfevents_write(events, err);
    } else {
        rc = rt_fail(err, RT_EDATA, "%s/samples.png: not a PNG image", run_dir);
    }
    rt_free(&png);
    return rc;
}

/* A run that is started over deletes its old files. A resumed one adds a file and voids lost points; its values
 * and its picture are in the first file. The first file has a start record too: TensorBoard's slower reader
 * (load_fast=false) takes the first such record for the beginning, whatever precedes it, and only later ones
 * for a restart. */
static int open_session(struct rt_recorder *recorder, const struct rt_run_info *info, struct rt_error *err)
{
    struct rt_tfevents *events = &recorder->events;
    bool exist;

    if (!info->resumed)
        RT_TRY(rt_tfevents_remove(info->run_dir, err));
    RT_TRY(rt_tfevents_exist(&exist, info->run_dir, err));
    RT_TRY(rt_tfevents_open(events, info->run_dir, now_s(), err));
    RT_TRY(rt_tfevents_write_restart(events, now_s(), info->start_batches + 1, err));
    if (exist)
        return RT_OK;
    RT_TRY(rt_hparams_write_start(events, info, now_s(), err));
    return write_samples(events, info->run_dir, err);
}

static int tensorboard_start(struct rt_recorder **out, const struct rt_run_info *info, struct rt_error *err)
{
    struct rt_recorder *recorder;
    struct rt_error failure;

    RT_TRY(rt_alloc(&recorder, 1, sizeof *recorder, "the TensorBoard recorder", err));
    *recorder = (struct rt_recorder){
        .events.fd = -1, .step = info->start_batches, .epoch = info->start_epoch, .weights_step = -1};
    *out = recorder;
    return open_session(recorder, info, &failure) ? give_up(recorder, &failure) : RT_OK;
}

static int tensorboard_log(struct rt_recorder *recorder, const struct rt_log_point *point, struct rt_error *err)
{
    struct rt_tfevents *events = &recorder->events;

    (void)err;
    if (!writing(recorder))
        return RT_OK;
    recorder->step = rt_log_point_batches(point);
    recorder->epoch = point->epoch;
    rt_tfevents_begin(events, now_s(), recorder->step);
    for (int i = 0; i < RT_METRIC_COUNT; i++)
        rt_tfevents_add_scalar(events, rt_metrics[i].tag, rt_metric_value(&rt_metrics[i], &point->scores));
    rt_tfevents_add_scalar(events, "train/learning_rate", point->learning_rate);
    rt_tfevents_add_scalar(events, "train/epoch", rt_log_point_epochs(point));
    return write_event(recorder);
}

static int tensorboard_threshold(struct rt_recorder *recorder, const struct rt_outcome *outcome,
                                 struct rt_error *err)
{
    struct rt_tfevents *events = &recorder->events;

    (void)err;
    if (!writing(recorder))
        return RT_OK;
    rt_tfevents_begin(events, now_s(), recorder->step);
    rt_tfevents_add_scalar(events, "threshold/epoch", (double)outcome->threshold_epoch);
    rt_tfevents_add_scalar(events, "threshold/minutes", outcome->threshold_minutes);
    rt_tfevents_add_scalar(events, "threshold/test_accuracy", outcome->scores.test_acc);
    rt_tfevents_add_scalar(events, "threshold/test_error", 1 - outcome->scores.test_acc);
    return write_event(recorder);
}

static int tensorboard_weights(struct rt_recorder *recorder, const struct rt_layer_values *layers, int count,
                               int epoch, struct rt_error *err)
{
    (void)epoch, (void)err;
    if (!writing(recorder) || recorder->step == recorder->weights_step)
        return RT_OK;
    recorder->weights_step = recorder->step;
    rt_tfevents_begin(&recorder->events, now_s(), recorder->weights_step);
    for (int i = 0; i < count; i++)
        rt_tfevents_add_histogram(&recorder->events, &layers[i]);
    return write_event(recorder);
}

static int tensorboard_sync(struct rt_recorder *recorder, struct rt_error *err)
{
    struct rt_error failure;

    (void)err;
    if (!writing(recorder))
        return RT_OK;
    return rt_file_sync(recorder->events.fd, recorder->events.path, &failure) ? give_up(recorder, &failure)
                                                                              : RT_OK;
}

/* Why there is no value at the last step: its loss is NaN or infinite. */
static int write_ending(struct rt_recorder *recorder, struct rt_error *err)
{
    char text[64];

    snprintf(text, sizeof text, "diverged at step %lld, in epoch %d", (long long)recorder->step,
             recorder->epoch);
    rt_tfevents_begin(&recorder->events, now_s(), recorder->step);
    rt_tfevents_add_text(&recorder->events, "ended", text);
    return rt_tfevents_write(&recorder->events, err);
}

static int tensorboard_finish(struct rt_recorder *recorder, const struct rt_outcome *outcome,
                              enum rt_status status, struct rt_error *err)
{
    struct rt_tfevents *events = &recorder->events;
    struct rt_error failure;

    (void)err;
    if (!writing(recorder) || status == RT_EINTERRUPTED)
        return RT_OK;
    if (status == RT_EDIVERGED && write_ending(recorder, &failure))
        return give_up(recorder, &failure);
    if (status == RT_OK) {
        rt_tfevents_begin(events, now_s(), recorder->step);
        for (int i = 0; i < RT_METRIC_COUNT; i++)
            rt_tfevents_add_scalar(events, rt_metrics[i].whole_tag,
                                   rt_metric_value(&rt_metrics[i], &outcome->scores));
        if (rt_tfevents_write(events, &failure))
            return give_up(recorder, &failure);
    }
    return rt_hparams_write_end(events, status, now_s(), &failure) ? give_up(recorder, &failure) : RT_OK;
}

static void tensorboard_free(struct rt_recorder *recorder)
{
    rt_tfevents_close(&recorder->events);
    rt_free(&recorder);
}

const struct rt_recorder_kind rt_recorder_tensorboard = {
    .start = tensorboard_start,
    .log = tensorboard_log,
    .threshold = tensorboard_threshold,
    .weights = tensorboard_weights,
    .sync = tensorboard_sync,
    .finish = tensorboard_finish,
    .free = tensorboard_free,
};
