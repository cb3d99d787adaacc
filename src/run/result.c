#include "run/result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/thread.h"

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

#define FIELD(kind, key, structure, member)                                                                    \
    {                                                                                                          \
        key, RT_FIELD_##kind, offsetof(struct structure, member)                                               \
    }
#define RESULT(kind, key, member) FIELD(kind, key, rt_result, member)
#define THRESHOLD(kind, member) FIELD(kind, #member, rt_threshold, member)
#define SCORE(member) FIELD(NUMBER, #member, rt_scores, member)

static const struct rt_field what_fields[] = {
    RESULT(TEXT, "version", version),
    RESULT(TEXT, "experiment_name", experiment_name),
    RESULT(TEXT, "model_name", model_name),
    RESULT(BOOL, "bn", bn),
    RESULT(NUMBER, "label_corruption_prob", label_corruption_prob),
    RESULT(TEXT, "data_corruption_type", data_corruption_type),
    RESULT(INTEGER, "seed", seed),
    RESULT(NUMBER, "learning_rate", learning_rate),
    RESULT(INTEGER, "batch_size", batch_size),
    RESULT(BOOL, "curve", curve),
    RESULT(BOOL, "figure1", figure1),
    RESULT(INTEGER, "epochs", epochs),
    RESULT(INTEGER, "step", step),
    RESULT(INTEGER, "batches_per_epoch", batches_per_epoch),
    RESULT(INTEGER, "log_every", log_every),
    {0},
};
static const struct rt_field how_fields[] = {
    RESULT(TEXT, "engine", engine),
    RESULT(TEXT, "isa", isa),
    RESULT(INTEGER, "threads", threads),
    RESULT(INTEGER, "parameters", parameters),
    RESULT(NUMBER, "training_flops", training_flops),
    RESULT(NUMBER, "wall_s", wall_s),
    RESULT(NUMBER, "cpu_s", cpu_s),
    RESULT(INTEGER, "peak_memory_bytes", peak_memory_bytes),
    {0},
};
static const struct rt_field data_fields[] = {
    RESULT(TEXT, "name", data.name),
    RESULT(TEXT, "source", data.source),
    RESULT(BOOL, "official", data.official),
    RESULT(TEXT, "digest", data.digest),
    RESULT(TEXT, "corruption_digest", data.corruption_digest),
    RESULT(INTEGER, "train_size", data.train_size),
    RESULT(INTEGER, "test_size", data.test_size),
    {0},
};
static const struct rt_field machine_fields[] = {
    RESULT(TEXT, "cpu", machine.cpu),
    RESULT(INTEGER, "cores", machine.cores),
    RESULT(TEXT, "os", machine.os),
    {0},
};
static const struct rt_field metrics_fields[] = {
    RESULT(INTEGER, "metrics_size_bytes", metrics_size_bytes),
    RESULT(TEXT, "metrics_digest", metrics_digest),
    {0},
};
static const struct rt_field threshold_fields[] = {
    THRESHOLD(INTEGER, epoch), THRESHOLD(INTEGER, step),          THRESHOLD(NUMBER, wall_s),
    THRESHOLD(NUMBER, cpu_s),  THRESHOLD(NUMBER, training_flops), {0},
};
static const struct rt_field score_fields[] = {
    SCORE(train_loss), SCORE(train_acc), SCORE(test_loss), SCORE(test_acc), {0},
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

/* A member object made of one table's fields. */
static int write_section(struct rt_json *object, const char *key, const struct rt_field *fields,
                         const struct rt_result *result, struct rt_error *err)
{
    struct rt_json *child = NULL;
    int rc;

    if (!(rc = rt_json_object(&child, err)) && !(rc = rt_fields_write(child, fields, result, err)))
        rc = rt_json_set(object, key, &child, err);
    rt_json_free(&child);
    return rc;
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

static int write_all(struct rt_json *object, const struct rt_result *result, struct rt_error *err)
{
    RT_TRY(rt_json_set_integer(object, "format", RESULT_FORMAT, err));
    RT_TRY(rt_fields_write(object, what_fields, result, err));
    RT_TRY(rt_json_set_text(object, "state", state_names[result->state], err));
    RT_TRY(rt_threshold_write(&result->threshold, object, "threshold", err));
    RT_TRY(write_final(object, &result->final, err));
    RT_TRY(write_section(object, "data", data_fields, result, err));
    RT_TRY(rt_fields_write(object, how_fields, result, err));
    RT_TRY(rt_fields_write(object, metrics_fields, result, err));
    return write_section(object, "machine", machine_fields, result, err);
}

int rt_result_write(const struct rt_result *result, const char *path, struct rt_error *err)
{
    struct rt_json *object = NULL;
    int rc;

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

static int read_section(const struct rt_json *object, const char *path, const char *key,
                        const struct rt_field *fields, void *structure, struct rt_error *err)
{
    const struct rt_json *child = rt_json_member(object, key);

    if (!child || rt_json_kind(child) != RT_JSON_OBJECT)
        return rt_fail(err, RT_EDATA, "%s: %s is not an object", path, key);
    return rt_fields_read(child, path, fields, structure, err);
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
    if (result->batches_per_epoch < 1)
        return rt_fail(err, RT_EDATA, "%s: batches_per_epoch is %lld: no run has so few", path,
                       (long long)result->batches_per_epoch);
    RT_TRY(read_state(object, path, &result->state, err));
    RT_TRY(rt_threshold_read(&result->threshold, object, "threshold", path, err));
    RT_TRY(read_section(object, path, "final", score_fields, &result->final, err));
    RT_TRY(read_section(object, path, "data", data_fields, result, err));
    RT_TRY(rt_fields_read(object, path, how_fields, result, err));
    if (rt_json_member(object, metrics_fields[0].key)) /* an older program wrote none */
        RT_TRY(rt_fields_read(object, path, metrics_fields, result, err));
    return read_section(object, path, "machine", machine_fields, result, err);
}

int rt_result_read(struct rt_result *out, const char *path, struct rt_error *err)
{
    struct rt_result result = {0};
    struct rt_json *root = NULL;
    int rc;

    if (!(rc = rt_json_read(&root, path, RESULT_MAX, err)) && !(rc = read_all(root, path, &result, err)))
        *out = result;
    rt_json_free(&root);
    return rc;
}

/* The processor's name as Linux tells it, or the architecture's. */
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
            break;
        }
    }
    if (file)
        fclose(file);
}

void rt_result_describe_machine(struct rt_result *result)
{
    struct utsname system = {.sysname = "unknown"};

    uname(&system);
    describe_cpu(result->machine.cpu, system.machine);
    result->machine.cores = rt_core_count();
    snprintf(result->machine.os, sizeof result->machine.os, "%.100s %.100s", system.sysname, system.release);
}

int rt_result_check_metrics(const struct rt_result *result, const char *path, struct rt_error *err)
{
    const uint64_t wanted = result->metrics_size_bytes > 0 ? (uint64_t)result->metrics_size_bytes : 0;
    char hex[RT_DIGEST_HEX];
    uint64_t size;
    int fd, rc;

    if (!*result->metrics_digest)
        return RT_OK;
    RT_TRY(rt_file_open(&fd, path, RT_OPEN_READ, err));
    rc = rt_digest_open_file(fd, path, wanted, hex, &size, err);
    rt_file_close_read(&fd);
    if (!rc && (result->metrics_size_bytes < 0 || size < wanted))
        rc = rt_fail(err, RT_EDATA, "%s: %ju bytes, there were %lld when the run saved its last checkpoint",
                     path, (uintmax_t)size, (long long)result->metrics_size_bytes);
    else if (!rc && strcmp(hex, result->metrics_digest) != 0)
        rc = rt_fail(err, RT_EDATA, "%s: changed since the run saved its last checkpoint", path);
    return rc;
}
