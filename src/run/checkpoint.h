/* Checkpoints: folders in the run directory, written under a temporary name and renamed, so that each is
 * complete or absent.
 *
 *     e_050_MLP1_0.5_none/            after 50 epochs (e_050_b0120_MLP1_0.5_none: and 120 batches of the next)
 *         model.safetensors           every tensor of the network, as PyTorch names them
 *         optimizer.safetensors       momentum.NAME of every parameter, the loader's random state, and within
 * an epoch what is known of its images (record_images) config.yaml                 the experiment state.json
 * where the run stood SHA256SUMS                  of the four, as sha256sum writes and checks them
 *
 * A checkpoint holds all that a run needs to go on as if it had never stopped, and all that evaluating it
 * needs; it may be moved to another folder or machine. */
#ifndef RT_RUN_CHECKPOINT_H
#define RT_RUN_CHECKPOINT_H

#include "base/path.h"
#include "config/experiment.h"
#include "run/devices.h"
#include "run/history.h"
#include "run/learnt.h"
#include "run/result.h"
#include "run/safetensors.h"

/* Where a run stands: everything about it that is neither a tensor nor the experiment. */
struct rt_progress {
    int64_t epochs;  /* completed */
    int64_t batches; /* trained of the epoch after them; 0 between epochs */
    int64_t step;    /* log points so far */
    int64_t serial;  /* training steps so far */
    /* of the epoch under way */
    double loss_sum;         /* of its images so far */
    int64_t correct, images; /* trained so far */
    struct rt_learnt learnt; /* of these, where labels differ from the true ones */
    struct rt_scores scores; /* of the last completed epoch (test: last measured); NaN: none */
    double wall_s, cpu_s;    /* of all sessions */
    struct rt_threshold threshold;
    struct rt_best best;
    struct rt_run_devices devices; /* trained on so far */
};

struct rt_checkpoint {
    char path[RT_PATH_MAX]; /* set by writing and reading */
    struct rt_progress progress;
    struct rt_experiment experiment;
    struct rt_provenance
        provenance; /* what it saw and what trained it: version, data (no sizes), engine and target */
    /* the run's metrics.csv as it was: its size, and the digest of that much */
    int64_t metrics_size_bytes;
    char metrics_digest[RT_FIELD_TEXT_MAX];
    struct rt_history_mark history; /* of the images, before the epoch under way */
    struct rt_safetensors model, optimizer;
};

/* Publishes the checkpoint in `run_dir` under its name and fills in its path and the metrics' size and digest
 * (`metrics` is that file's name there). An older checkpoint of the same name is replaced. RT_EIO. */
int rt_checkpoint_write(struct rt_checkpoint *checkpoint, const char *run_dir, const char *metrics,
                        struct rt_error *err);

/* RT_EDATA, naming the file, when the run's metrics do not begin with what they were at the checkpoint. */
int rt_checkpoint_check_metrics(const struct rt_checkpoint *checkpoint, const char *run_dir,
                                const char *metrics, struct rt_error *err);

/* Cuts them back to what they were, after the same check. RT_EDATA, RT_EIO. */
int rt_checkpoint_cut_metrics(const struct rt_checkpoint *checkpoint, const char *run_dir, const char *metrics,
                              struct rt_error *err);

/* Reads and verifies all of it. RT_EDATA names the file that is missing, damaged, or foreign. */
int rt_checkpoint_read(struct rt_checkpoint *out, const char *path, struct rt_error *err);

void rt_checkpoint_free(struct rt_checkpoint *checkpoint); /* accepts the zeroed state */

/* The data set to load for it, as --data names it: files from where they were, if that is still there. */
const char *rt_checkpoint_data(const struct rt_checkpoint *checkpoint);

bool rt_checkpoint_is(const char *path); /* a folder with a state.json */

/* The checkpoints of the experiment in the run directory, oldest first. RT_EIO, RT_EMEMORY. */
struct rt_checkpoint_list {
    struct rt_checkpoint_entry {
        char name[RT_TEXT_MAX + 32];
        int64_t epochs, batches;
    } * items;
    int count;
};
int rt_checkpoint_list(struct rt_checkpoint_list *list, const char *run_dir, const char *experiment_name,
                       struct rt_error *err);
void rt_checkpoint_list_free(struct rt_checkpoint_list *list);

#endif
