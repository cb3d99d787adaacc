#include "run/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/entry.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/limits.h"
#include "run/checkpoint_files.h"

enum { STATE_FORMAT = 1 };

#define FIELD(kind, key, member, low, high)                                                                    \
    {                                                                                                          \
        key, RT_FIELD_##kind, offsetof(struct rt_checkpoint, member), low, high                                \
    }
#define TEXT(kind, key, member) FIELD(kind, key, member, 0, 0)
#define PROGRESS(kind, member, low, high) FIELD(kind, #member, progress.member, low, high)
#define SCORE(name, measured, low, high, ...) FIELD(MEASURE, #name, progress.scores.name, low, high),

static const struct rt_field state_fields[] = {
    TEXT(TEXT, "version", provenance.version),
    TEXT(NAME, "model_name", experiment.model_name),
    PROGRESS(INTEGER, epochs, 0, RT_EPOCHS_LIMIT),
    PROGRESS(INTEGER, batches, 0, RT_IMAGES_LIMIT),
    PROGRESS(INTEGER, step, 0, RT_STEPS_LIMIT),
    PROGRESS(INTEGER, serial, 0, RT_STEPS_LIMIT),
    PROGRESS(NUMBER, loss_sum, RT_LOSS_LOW *RT_IMAGES_LIMIT, RT_LOSS_LIMIT),
    PROGRESS(INTEGER, correct, 0, RT_IMAGES_LIMIT),
    PROGRESS(INTEGER, images, 0, RT_IMAGES_LIMIT),
    RT_METRICS(SCORE) PROGRESS(NUMBER, wall_s, 0, RT_SECONDS_LIMIT),
    PROGRESS(NUMBER, cpu_s, 0, RT_SECONDS_LIMIT),
    TEXT(NAME, "data_name", provenance.data.name),
    TEXT(TEXT, "data_source", provenance.data.source),
    TEXT(DIGEST, "data_digest", provenance.data.digest),
    TEXT(DIGEST, "corruption_digest", provenance.data.corruption_digest),
    TEXT(TEXT, "engine", provenance.engine),
    TEXT(TEXT, "isa", provenance.target),
    FIELD(INTEGER, "metrics_size_bytes", metrics_size_bytes, 0, RT_BYTES_LIMIT),
    TEXT(DIGEST, "metrics_digest", metrics_digest),
    {0},
};

const char *rt_checkpoint_data(const struct rt_checkpoint *checkpoint)
{
    const struct rt_provenance *provenance = &checkpoint->provenance;

    if (rt_path_is_folder(provenance->data.source))
        return provenance->data.source;
    return provenance->data.name;
}

void rt_checkpoint_free(struct rt_checkpoint *checkpoint)
{
    rt_safetensors_free(&checkpoint->model);
    rt_safetensors_free(&checkpoint->optimizer);
}

/* ---- writing ---- */

static int format_state(const struct rt_checkpoint *checkpoint, char **text, struct rt_error *err)
{
    struct rt_json *state = NULL;
    int rc;

    if (!(rc = rt_json_object(&state, err)) &&
        !(rc = rt_json_set_integer(state, "format", STATE_FORMAT, err)) &&
        !(rc = rt_fields_write(state, state_fields, checkpoint, err)) &&
        !(rc = rt_threshold_write(&checkpoint->progress.threshold, state, "threshold", err)) &&
        !(rc = rt_learnt_write(&checkpoint->progress.learnt, state, "learnt", err)) &&
        !(rc = rt_best_write(&checkpoint->progress.best, state, "best", err)) &&
        !(rc = rt_run_devices_write(&checkpoint->progress.devices, state, "devices", err)) &&
        !(rc = rt_history_mark_write(&checkpoint->history, state, "history", err)))
        rc = rt_json_format(state, true, text, err);
    rt_json_free(&state);
    return rc;
}

static int format_files(const struct rt_checkpoint *checkpoint, struct rt_checkpoint_files *files,
                        struct rt_error *err)
{
    uint8_t *bytes = NULL;

    RT_TRY(rt_safetensors_format(&checkpoint->model, &bytes, &files->items[RT_CHECKPOINT_MODEL].size, err));
    files->items[RT_CHECKPOINT_MODEL].bytes = (char *)bytes;
    RT_TRY(rt_safetensors_format(&checkpoint->optimizer, &bytes, &files->items[RT_CHECKPOINT_OPTIMIZER].size,
                                 err));
    files->items[RT_CHECKPOINT_OPTIMIZER].bytes = (char *)bytes;
    RT_TRY(rt_experiment_format(&checkpoint->experiment, &files->items[RT_CHECKPOINT_CONFIG].bytes, err));
    files->items[RT_CHECKPOINT_CONFIG].size = strlen(files->items[RT_CHECKPOINT_CONFIG].bytes);
    RT_TRY(format_state(checkpoint, &files->items[RT_CHECKPOINT_STATE].bytes, err));
    files->items[RT_CHECKPOINT_STATE].size = strlen(files->items[RT_CHECKPOINT_STATE].bytes);
    return RT_OK;
}

/* Size and digest of the run's metrics as they are now. */
static int note_metrics(struct rt_checkpoint *checkpoint, const char *run_dir, const char *metrics,
                        struct rt_error *err)
{
    char path[RT_PATH_MAX];
    uint64_t size;
    int fd, rc;

    RT_TRY(rt_path_join(path, run_dir, metrics, err));
    RT_TRY(rt_entry_open(&fd, run_dir, metrics, RT_OPEN_READ, err));
    rc = rt_digest_open_file(fd, path, UINT64_MAX, checkpoint->metrics_digest, &size, err);
    rt_file_close_read(&fd);
    checkpoint->metrics_size_bytes = (int64_t)size;
    return rc;
}

static int name_checkpoint(struct rt_checkpoint *checkpoint, const char *run_dir, struct rt_error *err)
{
    char name[RT_TEXT_MAX + 64];
    const struct rt_progress *progress = &checkpoint->progress;

    if (progress->batches)
        snprintf(name, sizeof name, "e_%03lld_b%04lld_%s", (long long)progress->epochs,
                 (long long)progress->batches, checkpoint->experiment.experiment_name);
    else
        snprintf(name, sizeof name, "e_%03lld_%s", (long long)progress->epochs,
                 checkpoint->experiment.experiment_name);
    return rt_path_join(checkpoint->path, run_dir, name, err);
}

int rt_checkpoint_write(struct rt_checkpoint *checkpoint, const char *run_dir, const char *metrics,
                        struct rt_error *err)
{
    struct rt_checkpoint_files files = {0};
    char temporary[RT_PATH_MAX] = "";
    int rc;

    if ((rc = name_checkpoint(checkpoint, run_dir, err)) ||
        (rc = note_metrics(checkpoint, run_dir, metrics, err)) ||
        (rc = format_files(checkpoint, &files, err)) ||
        (rc = rt_folder_make_temporary(temporary, checkpoint->path, err)))
        goto done;
    if (!(rc = rt_checkpoint_files_write(&files, temporary, err)))
        rc = rt_folder_replace(temporary, checkpoint->path, err);
done:
    if (rc && *temporary)
        rt_tree_remove(temporary, run_dir, NULL);
    rt_checkpoint_files_free(&files);
    return rc;
}

/* ---- reading ---- */

static int read_state(struct rt_checkpoint *checkpoint, const struct rt_checkpoint_files *files,
                      struct rt_error *err)
{
    char path[RT_PATH_MAX];
    struct rt_json *state = NULL;
    int64_t format;
    int rc;

    RT_TRY(rt_path_join(path, checkpoint->path, rt_checkpoint_file_name(RT_CHECKPOINT_STATE), err));
    if ((rc = rt_json_parse(&state, path, files->items[RT_CHECKPOINT_STATE].bytes,
                            files->items[RT_CHECKPOINT_STATE].size, err)) ||
        (rc = rt_json_get_integer(state, path, "format", &format, err)))
        goto done;
    if (format != STATE_FORMAT)
        rc = rt_fail(err, RT_EDATA, "%s: format %lld, this program reads %d", path, (long long)format,
                     STATE_FORMAT);
    else if (!(rc = rt_fields_read(state, path, state_fields, checkpoint, err)) &&
             !(rc = rt_threshold_read(&checkpoint->progress.threshold, state, "threshold", path, err)) &&
             !(rc = rt_learnt_read(&checkpoint->progress.learnt, state, "learnt", path, err)) &&
             !(rc = rt_best_read(&checkpoint->progress.best, state, "best", path, err)) &&
             !(rc = rt_run_devices_read(&checkpoint->progress.devices, state, "devices", path,
                                        &checkpoint->provenance, err)))
        rc = rt_history_mark_read(&checkpoint->history, state, "history", path, err);
done:
    rt_json_free(&state);
    return rc;
}

/* Hands the bytes over to a safetensors file. */
static int parse_tensors(struct rt_safetensors *out, const struct rt_checkpoint *checkpoint,
                         struct rt_checkpoint_files *files, enum rt_checkpoint_file file, struct rt_error *err)
{
    char path[RT_PATH_MAX];

    RT_TRY(rt_path_join(path, checkpoint->path, rt_checkpoint_file_name(file), err));
    RT_TRY(rt_safetensors_parse(out, (uint8_t *)files->items[file].bytes, files->items[file].size, path, err));
    files->items[file].bytes = NULL;
    return RT_OK;
}

static int read_config(struct rt_checkpoint *checkpoint, const struct rt_checkpoint_files *files,
                       struct rt_error *err)
{
    char path[RT_PATH_MAX];

    RT_TRY(rt_path_join(path, checkpoint->path, rt_checkpoint_file_name(RT_CHECKPOINT_CONFIG), err));
    RT_TRY(rt_experiment_parse(&checkpoint->experiment, path, files->items[RT_CHECKPOINT_CONFIG].bytes,
                               files->items[RT_CHECKPOINT_CONFIG].size, err));
    if (!strstr(files->items[RT_CHECKPOINT_CONFIG].bytes,
                "\nkeep_checkpoints:")) /* versions without it kept all */
        checkpoint->experiment.keep_checkpoints = (struct rt_optional_int){0};
    return RT_OK;
}

/* "e_050_NAME" or "e_050_b0120_NAME". */
static bool parse_name(const char *name, const char *experiment_name, struct rt_checkpoint_entry *entry)
{
    long long epochs, batches = 0;
    int used = 0;

    if (sscanf(name, "e_%lld_%n", &epochs, &used) != 1 || !used)
        return false;
    name += used;
    used = 0;
    if (strcmp(name, experiment_name) != 0) {
        if (sscanf(name, "b%lld_%n", &batches, &used) != 1 || !used ||
            strcmp(name + used, experiment_name) != 0)
            return false;
    }
    entry->epochs = epochs;
    entry->batches = batches;
    return epochs >= 0 && batches >= 0;
}

/* The numbers of a state must be such as one run can have together. */
static int check_progress(const struct rt_checkpoint *checkpoint, struct rt_error *err)
{
    const struct rt_progress *at = &checkpoint->progress;
    const int64_t batch = checkpoint->experiment.batch_size;
    struct rt_checkpoint_entry named;
    const char *wrong = NULL;

    if (checkpoint->history.images && (at->epochs > 0) != (*checkpoint->history.digest != '\0'))
        wrong = "history does not fit epochs";
    else if (at->images != at->batches * batch || at->correct > at->images ||
             (!at->batches && at->loss_sum != 0))
        wrong = "images, correct and loss_sum do not fit batches and batch_size";
    else if (!rt_learnt_fits(&at->learnt, at->images, at->correct))
        wrong = "learnt does not fit images and correct";
    else if (at->serial < at->epochs + at->batches || at->step > at->serial)
        wrong = "serial and step do not fit epochs and batches";
    else if (at->threshold.reached && (at->threshold.epoch > at->epochs || at->threshold.step >= at->step))
        wrong = "the threshold lies behind it";
    else if (parse_name(rt_path_name(checkpoint->path), checkpoint->experiment.experiment_name, &named) &&
             (named.epochs != at->epochs || named.batches != at->batches))
        wrong = "epochs and batches are not those of the folder's name";
    return wrong ? rt_fail(err, RT_EDATA, "%s/%s: %s", checkpoint->path,
                           rt_checkpoint_file_name(RT_CHECKPOINT_STATE), wrong)
                 : RT_OK;
}

int rt_checkpoint_read(struct rt_checkpoint *out, const char *path, struct rt_error *err)
{
    struct rt_checkpoint *checkpoint = NULL;
    struct rt_checkpoint_files files = {0};
    int rc;

    RT_TRY(rt_alloc(&checkpoint, 1, sizeof *checkpoint, "a checkpoint", err));
    if ((rc = rt_path_join(checkpoint->path, "", path, err)) ||
        (rc = rt_checkpoint_files_read(&files, path, err)) || (rc = read_state(checkpoint, &files, err)) ||
        (rc = read_config(checkpoint, &files, err)) || (rc = check_progress(checkpoint, err)) ||
        (rc = parse_tensors(&checkpoint->model, checkpoint, &files, RT_CHECKPOINT_MODEL, err)) ||
        (rc = parse_tensors(&checkpoint->optimizer, checkpoint, &files, RT_CHECKPOINT_OPTIMIZER, err)))
        goto done;
    *out = *checkpoint;
    checkpoint->model = checkpoint->optimizer = (struct rt_safetensors){0};
done:
    rt_checkpoint_free(checkpoint);
    rt_free(&checkpoint);
    rt_checkpoint_files_free(&files);
    return rc;
}

int rt_checkpoint_check_metrics(const struct rt_checkpoint *checkpoint, const char *run_dir,
                                const char *metrics, struct rt_error *err)
{
    const uint64_t size = (uint64_t)checkpoint->metrics_size_bytes;
    const char *name = rt_path_name(checkpoint->path);
    char path[RT_PATH_MAX], hex[RT_DIGEST_HEX];
    uint64_t found;
    int fd, rc;

    RT_TRY(rt_path_join(path, run_dir, metrics, err));
    RT_TRY(rt_entry_open(&fd, run_dir, metrics, RT_OPEN_READ, err));
    rc = rt_digest_open_file(fd, path, size, hex, &found, err);
    rt_file_close_read(&fd);
    if (!rc && found < size)
        rc = rt_fail(err, RT_EDATA, "%s: %ju bytes, there were %ju at %s", path, (uintmax_t)found,
                     (uintmax_t)size, name);
    else if (!rc && strcmp(hex, checkpoint->metrics_digest) != 0)
        rc = rt_fail(err, RT_EDATA, "%s: changed since %s was written", path, name);
    return rc;
}

int rt_checkpoint_cut_metrics(const struct rt_checkpoint *checkpoint, const char *run_dir, const char *metrics,
                              struct rt_error *err)
{
    const uint64_t size = (uint64_t)checkpoint->metrics_size_bytes;
    uint64_t found;

    RT_TRY(rt_checkpoint_check_metrics(checkpoint, run_dir, metrics, err));
    RT_TRY(rt_entry_size(run_dir, metrics, &found, err));
    return found > size ? rt_entry_truncate(run_dir, metrics, size, err) : RT_OK;
}

/* ---- finding ---- */

bool rt_checkpoint_is(const char *path)
{
    return rt_entry_look(path, rt_checkpoint_file_name(RT_CHECKPOINT_STATE)) == RT_ENTRY_FILE;
}

static int compare_entries(const void *a, const void *b)
{
    const struct rt_checkpoint_entry *left = a, *right = b;

    if (left->epochs != right->epochs)
        return left->epochs < right->epochs ? -1 : 1;
    return (left->batches > right->batches) - (left->batches < right->batches);
}

int rt_checkpoint_list(struct rt_checkpoint_list *list, const char *run_dir, const char *experiment_name,
                       struct rt_error *err)
{
    struct rt_checkpoint_list found = {0};
    struct rt_names names = {0};
    int rc;

    if ((rc = rt_folder_list(&names, run_dir, err)) ||
        (rc = rt_alloc(&found.items, (size_t)names.count, sizeof *found.items, "a list of checkpoints", err)))
        goto done;
    for (int i = 0; i < names.count; i++) {
        struct rt_checkpoint_entry *entry = &found.items[found.count];

        if (parse_name(names.items[i], experiment_name, entry) &&
            rt_entry_look(run_dir, names.items[i]) == RT_ENTRY_FOLDER &&
            rt_copy_text(entry->name, sizeof entry->name, names.items[i]))
            found.count++;
    }
    if (found.count)
        qsort(found.items, (size_t)found.count, sizeof *found.items, compare_entries);
    *list = found;
    found = (struct rt_checkpoint_list){0};
done:
    rt_checkpoint_list_free(&found);
    rt_names_free(&names);
    return rc;
}

void rt_checkpoint_list_free(struct rt_checkpoint_list *list)
{
    rt_free(&list->items);
    list->count = 0;
}
