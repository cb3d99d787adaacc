/* Which checkpoint a run resumes from, and whether it may. */
#ifndef RT_TRAIN_RESUME_H
#define RT_TRAIN_RESUME_H

#include "run/checkpoint.h"
#include "train/session.h"

/* Looks in the run directory for the checkpoint to resume: the one asked for, or the newest that is complete
 * and matches the metrics on disk (saying so when that is not the newest). *found says whether there is one
 * (read into *checkpoint, free it then); without, the run starts over. `experiment` takes over what the earlier
 * session decided: the seed it drew, its num_epochs where none was asked for, its experiment_key. RT_EDATA when
 * none is complete and matches; RT_ECONFIG names a key that differs and matters. */
int rt_resume_find(struct rt_checkpoint *checkpoint, bool *found, struct rt_experiment *experiment,
                   const char *run_dir, const struct rt_train_options *options, struct rt_error *err);

/* The loaded data must be those that the checkpoint was trained on (after a new seed was drawn: before
 * corruption). */
int rt_resume_check_data(const struct rt_checkpoint *checkpoint, const struct rt_experiment *experiment,
                         const struct rt_dataset *dataset, struct rt_error *err);

/* Restores the run directory to its state at the checkpoint: removes later checkpoints, then truncates the
 * metrics. */
int rt_resume_rewind(const struct rt_checkpoint *checkpoint, const char *run_dir, struct rt_error *err);

#endif
