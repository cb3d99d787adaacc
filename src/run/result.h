/* result.json: what a run is and its results, for figures, reports, sweeps and `rethink list`. Written when the
 * run starts, at checkpoints, at the threshold and at its end; a killed run still says "running", but nobody
 * holds its lock. */
#ifndef RT_RUN_RESULT_H
#define RT_RUN_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/metrics.h"
#include "config/provenance.h"
#include "run/devices.h"
#include "run/fields.h"

#define RT_RESULT_FILE "result.json"

#define RT_RUN_STATES(X)                                                                                       \
    X(running)                                                                                                 \
    X(finished)                                                                                                \
    X(interrupted)                                                                                             \
    X(diverged)

enum rt_run_state {
#define RT_RUN_STATE_ENUM(name) RT_RUN_##name,
    RT_RUN_STATES(RT_RUN_STATE_ENUM)
#undef RT_RUN_STATE_ENUM
};
const char *rt_run_state_name(enum rt_run_state state);

/* The end of the first epoch with mean loss < 0.01 or accuracy > 0.997. */
struct rt_threshold {
    bool reached;
    int64_t epoch, step;
    double wall_s, cpu_s, training_flops;
    struct rt_scores scores;
};

/* The epoch of the highest accuracy on the test images' true labels, the first of equals, of those at whose end
 * it was measured. */
struct rt_best {
    int64_t epoch; /* 0: it never was */
    struct rt_scores scores;
};

/* Takes the epoch's scores if they are better. */
void rt_best_note(struct rt_best *best, int64_t epoch, const struct rt_scores *scores);

struct rt_result {
    char experiment_name[RT_FIELD_TEXT_MAX], model_name[RT_FIELD_TEXT_MAX];
    char data_corruption_type[RT_FIELD_TEXT_MAX];
    bool bn, curve, figure1;
    double label_corruption_prob, learning_rate;
    int64_t seed, batch_size;
    enum rt_run_state state;
    int64_t epochs; /* completed */
    int64_t step;   /* log points */
    int64_t batches_per_epoch, log_every;
    struct rt_threshold threshold;
    struct rt_best best;
    struct rt_scores final;          /* after the last epoch so far */
    struct rt_provenance provenance; /* of the session that wrote this */
    struct rt_run_devices devices;   /* of all */
    double training_flops;           /* so far */
    double wall_s, cpu_s;
    int64_t metrics_size_bytes; /* of metrics.csv at the last checkpoint, and SHA-256 of that much of it, */
    char metrics_digest[RT_FIELD_TEXT_MAX]; /* or "" before there is one, or from an older program */
    int64_t peak_memory_bytes;              /* of the session that wrote this */
};

/* Where the fields of result.json stand in struct rt_result, for those who show all of them: each is called its
 * prefix and its key. */
struct rt_result_section {
    const char *prefix;                          /* "threshold_" */
    const struct rt_field *fields;               /* ended by a null key; null ends the sections */
    size_t offset;                               /* of their struct in struct rt_result */
    const char *at;                              /* " at the threshold": where it was measured, for a label */
    bool (*has)(const struct rt_result *result); /* null: every result has it */
};
extern const struct rt_result_section rt_result_sections[];

/* The fields of a struct rt_best and a struct rt_label_counts, without the matrix. */
extern const struct rt_field rt_best_fields[], rt_label_count_fields[];

/* Fills in provenance->machine from the system. */
void rt_provenance_describe_machine(struct rt_provenance *provenance);

int rt_result_write(const struct rt_result *result, const char *run_dir, struct rt_error *err); /* RT_EIO */

/* Whether the metrics (a file in the run's folder) are, as far as the last checkpoint saw them, what it saw:
 * RT_EDATA names them if not. */
int rt_result_check_metrics(const struct rt_result *result, const char *run_dir, const char *metrics,
                            struct rt_error *err);

/* RT_EDATA names the file and the key at fault: missing, of another type, or what the program could not have
 * written; RT_EIO. *out is untouched after an error. */
int rt_result_read(struct rt_result *out, const char *run_dir, struct rt_error *err);
/* The same of bytes in memory; `path` is for messages. */
int rt_result_parse(struct rt_result *out, const char *path, const char *bytes, size_t size,
                    struct rt_error *err);

/* For checkpoints, which keep threshold and best too: null or an object, under `key`. RT_EDATA, RT_EMEMORY. */
int rt_threshold_write(const struct rt_threshold *threshold, struct rt_json *object, const char *key,
                       struct rt_error *err);
int rt_threshold_read(struct rt_threshold *threshold, const struct rt_json *object, const char *key,
                      const char *path, struct rt_error *err);
int rt_best_write(const struct rt_best *best, struct rt_json *object, const char *key, struct rt_error *err);
int rt_best_read(struct rt_best *best, const struct rt_json *object, const char *key, const char *path,
                 struct rt_error *err); /* also where the key is missing: an older program's */

/* Of a split's labels, as a member object. RT_EDATA, RT_EMEMORY. */
int rt_label_counts_write(const struct rt_label_counts *counts, struct rt_json *object, const char *key,
                          struct rt_error *err);
int rt_label_counts_read(struct rt_label_counts *counts, const struct rt_json *object, const char *key,
                         const char *path, struct rt_error *err);

#endif
