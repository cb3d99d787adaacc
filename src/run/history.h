/* The history of every training image: for each epoch what it came to as it was presented, in four arrays of
 * [epochs][train_size] in the run's folder, which NumPy maps without a copy:
 *
 *     history_loss.npy           float16  cross-entropy of the given label
 *     history_probability.npy    float16  of the given label
 *     history_margin.npy         float16  its logit minus the largest other
 *     history_right.npy          bool     predicted as given
 *
 * Whole epochs are appended; headers have a fixed size and are written anew after them. float16 has 11 bits:
 * losses keep their order of magnitude down to 6e-8, and what is averaged over epochs loses less than the last
 * epoch's rounding; whether the image was right is kept by itself, as a margin of 0 does not say it.
 *
 * Where a run is resumed within an epoch with a new seed (reseed_on_resume), the order of its images changes:
 * those that come twice keep what the second time gave; those that never come are NaN and not right, and NaN of
 * other bits than a network that diverged gives (rt_history_is_presented). */
#ifndef RT_RUN_HISTORY_H
#define RT_RUN_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/path.h"

/* X(name, type as .npy has it, bytes of an element, its enum rt_dtype in checkpoints) */
#define RT_HISTORY_ARRAYS(X)                                                                                   \
    X(loss, "<f2", 2, F16)                                                                                     \
    X(probability, "<f2", 2, F16)                                                                              \
    X(margin, "<f2", 2, F16)                                                                                   \
    X(right, "|b1", 1, BOOL)

enum rt_history_array {
#define RT_HISTORY_ENUM(name, type, size, dtype) RT_HISTORY_##name,
    RT_HISTORY_ARRAYS(RT_HISTORY_ENUM)
#undef RT_HISTORY_ENUM
        RT_HISTORY_COUNT
};

enum { RT_HISTORY_IMAGE_BYTES = 2 + 2 + 2 + 1 }; /* of an epoch */
enum { RT_HISTORY_ABSENT = 0x7fff }; /* the float16 of an image that an epoch has not presented: NaN */

struct rt_history_kind {
    const char *name, *file, *type;
    size_t size_bytes; /* of an element */
};
extern const struct rt_history_kind rt_history_kinds[RT_HISTORY_COUNT];

/* What a checkpoint knows of the history before it. */
struct rt_history_mark {
    int64_t images;             /* 0: none is kept */
    char digest[RT_DIGEST_HEX]; /* of all epochs so far: SHA-256 of the digest before and an epoch's four rows;
                                   "": no epoch yet */
};

/* One that is being written. */
struct rt_history {
    struct rt_history_mark mark;
    int64_t epochs; /* on disk */
    char paths[RT_HISTORY_COUNT][RT_PATH_MAX];
    int fds[RT_HISTORY_COUNT]; /* 1 + the descriptor; 0: closed */
    uint8_t *rows; /* the epoch under way: the arrays' rows, one after the other; absent where not yet seen */
    uint8_t *row[RT_HISTORY_COUNT];
};

/* Memory for an epoch of so many images; nothing on disk yet. RT_EMEMORY. */
int rt_history_create(struct rt_history *history, size_t images, struct rt_error *err);
void rt_history_free(struct rt_history *history); /* accepts the zeroed state */

/* Opens the files in the run's folder: new ones, empty; or those of a run that is resumed after `epochs`
 * epochs, as rt_history_check has found them, cut back to these. RT_EIO. */
int rt_history_open(struct rt_history *history, const char *run_dir, int64_t epochs,
                    const struct rt_history_mark *mark, struct rt_error *err);

/* RT_EDATA, naming the file, when the files in the folder do not begin with the epochs that the mark has seen.
 */
int rt_history_check(const struct rt_history_mark *mark, const char *run_dir, int64_t epochs,
                     struct rt_error *err);

void rt_history_note(struct rt_history *history, uint32_t image, float loss, float probability, float margin,
                     bool right);
int rt_history_end_epoch(struct rt_history *history,
                         struct rt_error *err); /* appends it, and begins the next; RT_EIO */
int rt_history_sync(const struct rt_history *history, struct rt_error *err); /* RT_EIO */

/* For checkpoints: null or an object under `key`; an older program's file has none. RT_EDATA, RT_EMEMORY. */
int rt_history_mark_write(const struct rt_history_mark *mark, struct rt_json *object, const char *key,
                          struct rt_error *err);
int rt_history_mark_read(struct rt_history_mark *mark, const struct rt_json *object, const char *key,
                         const char *path, struct rt_error *err);

/* One as it is read: the epochs that all four arrays have. */
struct rt_history_log {
    size_t epochs, images;
    uint8_t *bytes[RT_HISTORY_COUNT]; /* [epochs][images] elements */
};

/* RT_EDATA when the run kept none, or a file is damaged, foreign, or shorter than its header says. */
int rt_history_read(struct rt_history_log *log, const char *run_dir, struct rt_error *err);
void rt_history_log_free(struct rt_history_log *log); /* accepts the zeroed state */

/* Whether the image was trained on in epoch e (from 0); else its values are NaN, and it is not right. */
bool rt_history_is_presented(const struct rt_history_log *log, size_t e, size_t image);

/* The mean of `array` (not `right`) over those of the first `epochs` epochs in which it was; NaN: in none. */
double rt_history_mean(const struct rt_history_log *log, enum rt_history_array array, size_t epochs,
                       size_t image);

/* The value of `array` (not `right`) in epoch e (from 0) for an image. */
float rt_history_value(const struct rt_history_log *log, enum rt_history_array array, size_t e, size_t image);
bool rt_history_is_right(const struct rt_history_log *log, size_t e, size_t image);

#endif
