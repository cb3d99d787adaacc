#include "run/result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/digest.h"
#include "base/entry.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "config/limits.h"

enum { RESULT_FORMAT = 1, RESULT_MAX = 1 << 20 };

static const char *const state_names[] = {
#define STATE_NAME(name) #name,
    RT_RUN_STATES(STATE_NAME)
#undef STATE_NAME
};

const char *rt_run_state_name(enum rt_run_state state)
{
    return state_names[state];
}

#define FIELD(kind, key, structure, member, low, high)                                                         \
    {                                                                                                          \
        key, RT_FIELD_##kind, offsetof(struct structure, member), low, high                                    \
    }
#define TEXT(kind, key, member) FIELD(kind, key, rt_result, member, 0, 0)
#define BOOL(member) FIELD(BOOL, #member, rt_result, member, 0, 1)
#define RESULT(kind, key, member, low, high) FIELD(kind, key, rt_result, member, low, high)
#define THRESHOLD(kind, member, low, high) FIELD(kind, #member, rt_threshold, member, low, high)
#define SCORE(name, measured, low, high, ...) FIELD(MEASURE, #name, rt_scores, name, low, high),

static const struct rt_field what_fields[] = {
    TEXT(TEXT, "version", provenance.version),
    TEXT(NAME, "experiment_name", experiment_name),
    TEXT(NAME, "model_name", model_name),
    BOOL(bn),
    RESULT(NUMBER, "label_corruption_prob", label_corruption_prob, 0, 1),
    TEXT(NAME, "data_corruption_type", data_corruption_type),
    RESULT(INTEGER, "seed", seed, 0, RT_SEED_LIMIT),
    RESULT(NUMBER, "learning_rate", learning_rate, 0, RT_RATE_LIMIT),
    RESULT(INTEGER, "batch_size", batch_size, 1, RT_IMAGES_LIMIT),
    BOOL(curve),
    BOOL(figure1),
    RESULT(INTEGER, "epochs", epochs, 0, RT_EPOCHS_LIMIT),
    RESULT(INTEGER, "step", step, 0, RT_STEPS_LIMIT),
    RESULT(INTEGER, "batches_per_epoch", batches_per_epoch, 1, RT_IMAGES_LIMIT),
    RESULT(INTEGER, "log_every", log_every, 1, RT_EPOCHS_LIMIT),
    {0},
};
static const struct rt_field how_fields[] = {
    TEXT(TEXT, "engine", provenance.engine),
    TEXT(TEXT, "isa", provenance.target),
    RESULT(INTEGER, "threads", provenance.threads, 1, RT_CORES_LIMIT),
    RESULT(INTEGER, "parameters", provenance.parameters, 0, RT_BYTES_LIMIT),
    RESULT(NUMBER, "training_flops", training_flops, 0, RT_FLOPS_LIMIT),
    RESULT(NUMBER, "wall_s", wall_s, 0, RT_SECONDS_LIMIT),
    RESULT(NUMBER, "cpu_s", cpu_s, 0, RT_SECONDS_LIMIT),
    RESULT(INTEGER, "peak_memory_bytes", peak_memory_bytes, 0, RT_BYTES_LIMIT),
    {0},
};
static const struct rt_field data_fields[] = {
    TEXT(NAME, "name", provenance.data.name),
    TEXT(TEXT, "source", provenance.data.source),
    {"official", RT_FIELD_BOOL, offsetof(struct rt_result, provenance.data.official), 0, 1},
    TEXT(DIGEST, "digest", provenance.data.digest),
    TEXT(DIGEST, "corruption_digest", provenance.data.corruption_digest),
    RESULT(INTEGER, "train_size", provenance.data.train_size, 1, RT_IMAGES_LIMIT),
    RESULT(INTEGER, "test_size", provenance.data.test_size, 1, RT_IMAGES_LIMIT),
    {0},
};
static const struct rt_field label_file_fields[] = {
    TEXT(TEXT, "file", provenance.data.label_file),
    TEXT(DIGEST, "digest", provenance.data.label_digest),
    {0},
};
static const struct rt_field machine_fields[] = {
    TEXT(TEXT, "cpu", provenance.machine.cpu),
    RESULT(INTEGER, "cores", provenance.machine.cores, 1, RT_CORES_LIMIT),
    TEXT(TEXT, "os", provenance.machine.os),
    {0},
};
static const struct rt_field metrics_fields[] = {
    RESULT(INTEGER, "metrics_size_bytes", metrics_size_bytes, 0, RT_BYTES_LIMIT),
    TEXT(DIGEST, "metrics_digest", metrics_digest),
    {0},
};
static const struct rt_field threshold_fields[] = {
    THRESHOLD(INTEGER, epoch, 1, RT_EPOCHS_LIMIT),        THRESHOLD(INTEGER, step, 0, RT_STEPS_LIMIT),
    THRESHOLD(NUMBER, wall_s, 0, RT_SECONDS_LIMIT),       THRESHOLD(NUMBER, cpu_s, 0, RT_SECONDS_LIMIT),
    THRESHOLD(NUMBER, training_flops, 0, RT_FLOPS_LIMIT), {0},
};
static const struct rt_field score_fields[] = {RT_METRICS(SCORE){0}};

static bool has_threshold(const struct rt_result *result)
{
    return result->threshold.reached;
}

static bool has_best(const struct rt_result *result)
{
    return result->best.epoch > 0;
}

static bool has_labels(const struct rt_result *result) /* an older program counted none */
{
    return result->provenance.data.train_labels.images > 0;
}

const struct rt_result_section rt_result_sections[] = {
    {"", what_fields, 0, "", NULL},
    {"", score_fields, offsetof(struct rt_result, final), "", NULL},
    {"threshold_", threshold_fields, offsetof(struct rt_result, threshold), "", has_threshold},
    {"threshold_", score_fields, offsetof(struct rt_result, threshold.scores), " at the threshold",
     has_threshold},
    {"best_", rt_best_fields, offsetof(struct rt_result, best), " at the best epoch", has_best},
    {"train_labels_", rt_label_count_fields, offsetof(struct rt_result, provenance.data.train_labels), "",
     has_labels},
    {"test_labels_", rt_label_count_fields, offsetof(struct rt_result, provenance.data.test_labels), "",
     has_labels},
    {"", how_fields, 0, "", NULL},
    {"data_", data_fields, 0, "", NULL},
    {"machine_", machine_fields, 0, "", NULL},
    {0},
};

/* The scores, and the error for those who would subtract. */
static int write_scores(struct rt_json *object, const struct rt_scores *scores, struct rt_error *err)
{
    RT_TRY(rt_fields_write(object, score_fields, scores, err));
    return rt_json_set_number(object, "test_error", 1 - scores->test_acc, err);
}

static int write_threshold_fields(struct rt_json *object, const struct rt_threshold *threshold,
                                  struct rt_error *err)
{
    RT_TRY(rt_fields_write(object, threshold_fields, threshold, err));
    RT_TRY(rt_json_set_number(object, "minutes", threshold->wall_s / 60, err));
    return write_scores(object, &threshold->scores, err);
}

int rt_threshold_write(const struct rt_threshold *threshold, struct rt_json *object, const char *key,
                       struct rt_error *err)
{
    struct rt_json *child = NULL;
    int rc;

    if (!threshold->reached)
        return rt_json_set_null(object, key, err);
    if (!(rc = rt_json_object(&child, err)) && !(rc = write_threshold_fields(child, threshold, err)))
        rc = rt_json_set(object, key, &child, err);
    rt_json_free(&child);
    return rc;
}

int rt_threshold_read(struct rt_threshold *threshold, const struct rt_json *object, const char *key,
                      const char *path, struct rt_error *err)
{
    const struct rt_json *child = rt_json_member(object, key);

    *threshold = (struct rt_threshold){0};
    if (child && rt_json_kind(child) == RT_JSON_NULL)
        return RT_OK;
    if (!child || rt_json_kind(child) != RT_JSON_OBJECT)
        return rt_fail(err, RT_EDATA, "%s: %s is neither null nor an object", path, key);
    threshold->reached = true;
    RT_TRY(rt_fields_read(child, path, threshold_fields, threshold, err));
    return rt_fields_read(child, path, score_fields, &threshold->scores, err);
}

static int write_final(struct rt_json *object, const struct rt_scores *scores, struct rt_error *err)
{
    struct rt_json *child = NULL;
    int rc;

    if (!(rc = rt_json_object(&child, err)) && !(rc = write_scores(child, scores, err)))
        rc = rt_json_set(object, "final", &child, err);
    rt_json_free(&child);
    return rc;
}

static int write_labels(struct rt_json *object, const struct rt_result *result, struct rt_error *err)
{
    struct rt_json *child = NULL;
    int rc;

    if (!(rc = rt_json_object(&child, err)) && !(rc = rt_fields_write(child, label_file_fields, result, err)) &&
        !(rc = rt_label_counts_write(&result->provenance.data.train_labels, child, "train", err)) &&
        !(rc = rt_label_counts_write(&result->provenance.data.test_labels, child, "test", err)))
        rc = rt_json_set(object, "labels", &child, err);
    rt_json_free(&child);
    return rc;
}

static int write_all(struct rt_json *object, const struct rt_result *result, struct rt_error *err)
{
    RT_TRY(rt_json_set_integer(object, "format", RESULT_FORMAT, err));
    RT_TRY(rt_fields_write(object, what_fields, result, err));
    RT_TRY(rt_json_set_text(object, "state", state_names[result->state], err));
    RT_TRY(rt_threshold_write(&result->threshold, object, "threshold", err));
    RT_TRY(rt_best_write(&result->best, object, "best", err));
    RT_TRY(write_final(object, &result->final, err));
    RT_TRY(rt_fields_set(object, "data", data_fields, result, err));
    RT_TRY(write_labels(object, result, err));
    RT_TRY(rt_fields_write(object, how_fields, result, err));
    RT_TRY(rt_run_devices_write(&result->devices, object, "devices", err));
    RT_TRY(rt_fields_write(object, metrics_fields, result, err));
    return rt_fields_set(object, "machine", machine_fields, result, err);
}

int rt_result_write(const struct rt_result *result, const char *run_dir, struct rt_error *err)
{
    struct rt_json *object = NULL;
    char path[RT_PATH_MAX];
    int rc;

    RT_TRY(rt_entry_path(path, run_dir, RT_RESULT_FILE, err));
    if (!(rc = rt_json_object(&object, err)) && !(rc = write_all(object, result, err)))
        rc = rt_json_write(object, path, err);
    rt_json_free(&object);
    return rc;
}

static int read_state(const struct rt_json *object, const char *path, enum rt_run_state *state,
                      struct rt_error *err)
{
    const char *name;

    RT_TRY(rt_json_get_text(object, path, "state", &name, err));
    for (size_t i = 0; i < sizeof state_names / sizeof *state_names; i++)
        if (!strcmp(name, state_names[i])) {
            *state = (enum rt_run_state)i;
            return RT_OK;
        }
    return rt_fail(err, RT_EDATA, "%s: state is '%s', which is none", path, name);
}

/* An older program wrote none. */
static int read_labels(const struct rt_json *object, const char *path, struct rt_result *result,
                       struct rt_error *err)
{
    const struct rt_json *child = rt_json_member(object, "labels");

    if (!child)
        return RT_OK;
    if (rt_json_kind(child) != RT_JSON_OBJECT)
        return rt_fail(err, RT_EDATA, "%s: labels is not an object", path);
    if (rt_json_member(child, label_file_fields[0].key)) /* an older program knew no label files */
        RT_TRY(rt_fields_read(child, path, label_file_fields, result, err));
    RT_TRY(rt_label_counts_read(&result->provenance.data.train_labels, child, "train", path, err));
    return rt_label_counts_read(&result->provenance.data.test_labels, child, "test", path, err);
}

static int read_all(const struct rt_json *object, const char *path, struct rt_result *result,
                    struct rt_error *err)
{
    int64_t format;

    RT_TRY(rt_json_get_integer(object, path, "format", &format, err));
    if (format != RESULT_FORMAT)
        return rt_fail(err, RT_EDATA, "%s: format %lld, this program reads %d", path, (long long)format,
                       RESULT_FORMAT);
    RT_TRY(rt_fields_read(object, path, what_fields, result, err));
    RT_TRY(read_state(object, path, &result->state, err));
    RT_TRY(rt_threshold_read(&result->threshold, object, "threshold", path, err));
    RT_TRY(rt_best_read(&result->best, object, "best", path, err));
    RT_TRY(rt_fields_get(object, path, "final", score_fields, &result->final, false, err));
    RT_TRY(rt_fields_get(object, path, "data", data_fields, result, false, err));
    RT_TRY(read_labels(object, path, result, err));
    RT_TRY(rt_fields_read(object, path, how_fields, result, err));
    RT_TRY(rt_run_devices_read(&result->devices, object, "devices", path, &result->provenance, err));
    if (rt_json_member(object, metrics_fields[0].key)) /* an older program wrote none */
        RT_TRY(rt_fields_read(object, path, metrics_fields, result, err));
    RT_TRY(rt_fields_get(object, path, "machine", machine_fields, result, false, err));
    if (result->threshold.reached &&
        (result->threshold.epoch > result->epochs || result->threshold.step >= result->step))
        return rt_fail(err, RT_EDATA, "%s: the threshold at epoch %lld, step %lld lies behind the run's end",
                       path, (long long)result->threshold.epoch, (long long)result->threshold.step);
    return RT_OK;
}

int rt_result_parse(struct rt_result *out, const char *path, const char *bytes, size_t size,
                    struct rt_error *err)
{
    struct rt_result result = {0};
    struct rt_json *root = NULL;
    int rc;

    if (!(rc = rt_json_parse(&root, path, bytes, size, err)) && !(rc = read_all(root, path, &result, err)))
        *out = result;
    rt_json_free(&root);
    return rc;
}

int rt_result_read(struct rt_result *out, const char *run_dir, struct rt_error *err)
{
    char path[RT_PATH_MAX], *bytes = NULL;
    size_t size;
    int rc;

    RT_TRY(rt_path_join(path, run_dir, RT_RESULT_FILE, err));
    RT_TRY(rt_entry_read(run_dir, RT_RESULT_FILE, RESULT_MAX, &bytes, &size, err));
    rc = rt_result_parse(out, path, bytes, size, err);
    rt_free(&bytes);
    return rc;
}

/* The processor's name as Linux reports it, or the architecture's. */
static void describe_cpu(char cpu[RT_FIELD_TEXT_MAX], const char *architecture)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[512];

    rt_copy_text(cpu, RT_FIELD_TEXT_MAX, architecture);
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');

        if (colon && !strncmp(line, "model name", 10)) {
            line[strcspn(line, "\n")] = '\0';
            rt_copy_text(cpu, RT_FIELD_TEXT_MAX, colon + 1 + strspn(colon + 1, " "));
            rt_utf8_make_plain(cpu);
            break;
        }
    }
    if (file)
        fclose(file);
}

void rt_provenance_describe_machine(struct rt_provenance *provenance)
{
    struct utsname system = {.sysname = "unknown"};

    uname(&system);
    describe_cpu(provenance->machine.cpu, system.machine);
    provenance->machine.cores = rt_core_count();
    snprintf(provenance->machine.os, sizeof provenance->machine.os, "%.100s %.100s", system.sysname,
             system.release);
}

int rt_result_check_metrics(const struct rt_result *result, const char *run_dir, const char *metrics,
                            struct rt_error *err)
{
    const uint64_t wanted = (uint64_t)result->metrics_size_bytes;
    char path[RT_PATH_MAX], hex[RT_DIGEST_HEX];
    uint64_t found;
    int fd, rc;

    if (!*result->metrics_digest)
        return RT_OK;
    RT_TRY(rt_path_join(path, run_dir, metrics, err));
    RT_TRY(rt_entry_open(&fd, run_dir, metrics, RT_OPEN_READ, err));
    rc = rt_digest_open_file(fd, path, wanted, hex, &found, err);
    rt_file_close_read(&fd);
    RT_TRY(rc);
    if (found < wanted)
        return rt_fail(err, RT_EDATA, "%s: %llu bytes, there were %llu when the run saved its last checkpoint",
                       path, (unsigned long long)found, (unsigned long long)wanted);
    if (strcmp(hex, result->metrics_digest) != 0)
        return rt_fail(err, RT_EDATA, "%s: changed since the run saved its last checkpoint", path);
    return RT_OK;
}
