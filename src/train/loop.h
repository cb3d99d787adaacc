/* The training loop: epochs of batches, log points, the interpolation threshold. It passes events to recorders
 * and requests checkpoints; it knows no tracker and no file format. */
#ifndef RT_TRAIN_LOOP_H
#define RT_TRAIN_LOOP_H

#include <stdatomic.h>

#include "data/batches.h"
#include "engine/engine.h"
#include "run/checkpoint.h"
#include "track/recorder.h"
#include "train/evaluate.h"
#include "train/watch.h"

/* Figure 1's interpolation threshold, of an epoch's running means. */
#define RT_THRESHOLD_LOSS 0.01
#define RT_THRESHOLD_ACCURACY 0.997
bool rt_threshold_met(double train_loss, double train_acc);

struct rt_loop {
    const struct rt_experiment *experiment;
    struct rt_plan *plan;
    const struct rt_store *store; /* on the plan's device, of the batches' data set */
    struct rt_batches *batches;
    struct rt_evaluator *evaluator;
    struct rt_watch *watch; /* null: no image is looked at by itself */
    struct rt_recorders *recorders;
    double flops_per_image;
    double
        autosave_s; /* minimum time in seconds between two checkpoints within an epoch; 0: none within epochs */
    const atomic_int *stop; /* not 0: save and stop after the current batch; null: never */

    struct rt_progress progress;
    struct rt_mt epoch_start;         /* the loader's generator at the start of the current epoch */
    double began_wall_s, began_cpu_s; /* the clocks, less what earlier sessions used */
    double saved_s;                   /* the wall clock at the last checkpoint */
    int64_t saved_serial;             /* progress.serial then */

    int (*save)(void *context, struct rt_error *err); /* writes a checkpoint of `progress` and the plan */
    void *context;
};

/* Trains from loop->progress until num_epochs, or the threshold where it stops there. Returns RT_OK,
 * RT_EINTERRUPTED after saving, RT_EDIVERGED (the message says where), RT_EDEVICE, or the error of a recorder
 * or of saving. Steps allocate nothing.
 *
 * As many batches are in flight as the engine's stride, but none past one after which the network's state is
 * needed (the epoch's last, an evaluation); before a checkpoint all are collected. The files of a run do not
 * depend on the stride, times aside. */
int rt_loop_run(struct rt_loop *loop, struct rt_error *err);

/* Nothing is left to train: num_epochs is reached, or the threshold if the run stops there. */
bool rt_progress_complete(const struct rt_progress *progress, const struct rt_experiment *experiment);

/* Wall and processor seconds of all sessions until now, into progress. */
void rt_loop_note_time(struct rt_loop *loop);

/* Measures on the test set now, on given and on true labels: sets those scores, and no others. RT_EDEVICE. */
int rt_loop_measure_test(struct rt_loop *loop, struct rt_scores *scores, struct rt_error *err);

/* Operations of all training until now. */
double rt_loop_flops(const struct rt_loop *loop);

/* The progress in the form that recorders take. */
struct rt_outcome rt_loop_outcome(const struct rt_loop *loop);

#endif
