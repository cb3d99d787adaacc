/* What no run can exceed, by the ranges of its config's keys (config/keys.h): bounds for what is read back from
 * its folder, which may be a stranger's. */
#ifndef RT_CONFIG_LIMITS_H
#define RT_CONFIG_LIMITS_H

enum { RT_CLASSES = 10 }; /* of every data set */

#define RT_EPOCHS_LIMIT 1e6 /* num_epochs */
#define RT_IMAGES_LIMIT 6e4 /* train_size, batch_size; also batches in an epoch */
#define RT_STEPS_LIMIT (RT_EPOCHS_LIMIT * RT_IMAGES_LIMIT) /* batches, and with them log points */
#define RT_SEED_LIMIT 4294967295.0
#define RT_RATE_LIMIT 1000.0  /* learning_rate */
#define RT_LOSS_LOW (-1.0)    /* a mean cross-entropy, less what rounding may take off */
#define RT_LOSS_LIMIT 1e45    /* the sum of an epoch's greatest floats */
#define RT_SECONDS_LIMIT 1e13 /* of processors: 300 years of a thousand */
#define RT_FLOPS_LIMIT 1e30
#define RT_CORES_LIMIT 1e6
#define RT_BYTES_LIMIT 0x1p60

#endif
