#include "config/experiment.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/keys.h"
#include "config/model_defaults.h"
#include "config/presets.h"

/* MODEL_0.5_CORRUPTION for figure 1, MODEL_bnTrue for figure 2, there with the same behind it where anything is
 * corrupted; then what is not the published noise: _symmetric, _train where test images are spared. */
static void derive_name(const struct rt_experiment *experiment, char out[RT_TEXT_MAX])
{
    const bool published = !strcmp(experiment->label_noise, "published");
    const bool clean = experiment->label_corruption_prob == 0 &&
                       !strcmp(experiment->data_corruption_type, "none") && published;
    const char *norm = experiment->figure1 ? "" : experiment->bn ? "_bnTrue" : "_bnFalse";
    char probability[64];

    memset(out, 0, RT_TEXT_MAX);
    rt_experiment_value(experiment, "label_corruption_prob", probability, sizeof probability);
    if (!experiment->figure1 && clean)
        snprintf(out, RT_TEXT_MAX, "%.100s%s", experiment->model_name, norm);
    else
        snprintf(out, RT_TEXT_MAX, "%.100s%s_%s_%.32s%s%.32s%s", experiment->model_name, norm, probability,
                 experiment->data_corruption_type, published ? "" : "_",
                 published ? "" : experiment->label_noise,
                 strcmp(experiment->label_noise_split, "train") ? "" : "_train");
}

bool rt_experiment_name_is_derived(const struct rt_experiment *experiment)
{
    char derived[RT_TEXT_MAX];

    derive_name(experiment, derived);
    return !strcmp(derived, experiment->experiment_name);
}

void rt_experiment_derive_name(struct rt_experiment *experiment)
{
    derive_name(experiment, experiment->experiment_name);
}

void rt_experiment_defaults(struct rt_experiment *experiment)
{
    memset(experiment, 0, sizeof *experiment);
    for (const struct rt_key *key = rt_keys; key->name; key++) {
        char text[RT_TEXT_MAX];
        struct rt_yaml_scalar value = {.text = text, .plain = true};

        snprintf(text, sizeof text, "%s", strcmp(key->preset, "[]") != 0 ? key->preset : "");
        rt_key_set(key, experiment, "default", &(struct rt_yaml_entry){.values = &value, .value_count = 1},
                   NULL);
    }
    rt_experiment_derive_name(experiment);
}

static int apply(struct rt_experiment *experiment, const char *file, const struct rt_yaml_entry *entry,
                 struct rt_error *err)
{
    const struct rt_key *key = rt_key_find(entry->key.text);
    struct rt_text where = {0};
    int rc;

    if (key)
        return rt_key_set(key, experiment, file, entry, err);
    rt_text_printf(&where, "%s:%d:%d", file, entry->key.line, entry->key.column);
    rc = rt_key_unknown(rt_text_string(&where), entry->key.text, err);
    rt_text_free(&where);
    return rc;
}

static const struct preset {
    const char *name, *settings, *inception, *others, *remark;
} presets[] = {
#define PRESET(name, settings, inception, others, remark, help) {#name, settings, inception, others, remark},
    RT_PRESETS(PRESET)
#undef PRESET
};

/* The first where there is none of that name, which validation of the key refuses. */
static const struct preset *preset_of(const struct rt_experiment *experiment)
{
    for (size_t i = 1; i < sizeof presets / sizeof *presets; i++)
        if (!strcmp(presets[i].name, experiment->preset))
            return &presets[i];
    return presets;
}

/* What the preset says, over what is there. */
static int apply_preset(struct rt_experiment *experiment, struct rt_error *err)
{
    const struct preset *preset = preset_of(experiment);

    RT_TRY(rt_keys_set(experiment, preset->settings, err));
    return rt_keys_set(experiment,
                       strstr(experiment->model_name, "Inception") ? preset->inception : preset->others, err);
}

static int apply_all(struct rt_experiment *experiment, const char *file, const struct rt_yaml *yaml,
                     struct rt_error *err)
{
    const struct rt_yaml_entry *model = rt_yaml_find(yaml, "model_name"),
                               *preset = rt_yaml_find(yaml, "preset");

    rt_experiment_defaults(experiment);
    if (!yaml->count)
        return rt_fail(err, RT_ECONFIG, "%s holds no keys", file);
    if (model)
        RT_TRY(apply(experiment, file, model, err));
    RT_TRY(rt_published_model_defaults(experiment, experiment->model_name, err));
    if (preset)
        RT_TRY(apply(experiment, file, preset, err));
    RT_TRY(apply_preset(experiment, err));
    experiment->experiment_name[0] = '\0';
    for (int i = 0; i < yaml->count; i++)
        RT_TRY(apply(experiment, file, &yaml->entries[i], err));
    rt_published_model_canonical(experiment->model_name);
    if (!experiment->experiment_name[0])
        rt_experiment_derive_name(experiment);
    return RT_OK;
}

int rt_experiment_parse(struct rt_experiment *experiment, const char *name, const char *bytes, size_t size,
                        struct rt_error *err)
{
    struct rt_experiment read;
    struct rt_yaml yaml = {0};
    int rc;

    if (!(rc = rt_yaml_parse(&yaml, name, bytes, size, err)) && !(rc = apply_all(&read, name, &yaml, err)))
        *experiment = read;
    rt_yaml_free(&yaml);
    return rc;
}

int rt_experiment_read(struct rt_experiment *experiment, const char *path, struct rt_error *err)
{
    char *bytes;
    size_t size;
    int rc;

    rc = rt_file_read_all(path, RT_YAML_BYTES_MAX, &bytes, &size, err);
    if (rc == RT_EDATA)
        return rt_fail(err, RT_ECONFIG, "%s is larger than %d bytes: not a config", path, RT_YAML_BYTES_MAX);
    RT_TRY(rc);
    rc = rt_experiment_parse(experiment, path, bytes, size, err);
    rt_free(&bytes);
    return rc;
}

/* "key: value" of an assignment whose name is `length` long. */
static int parse_assignment(struct rt_yaml *yaml, const char *assignment, size_t length, struct rt_error *err)
{
    const char *value = assignment + length + 1;
    struct rt_text line = {0}, where = {0};
    int rc;

    rt_text_printf(&where, "--set %.80s", assignment);
    rt_text_printf(&line, "%.*s: %s\n", (int)length, assignment, value);
    if (strpbrk(assignment, "\n\r"))
        rc = rt_fail(err, RT_ECONFIG, "%s: expected one line", rt_text_string(&where));
    else if (!(rc = rt_text_check(&line, err)))
        rc = rt_yaml_parse(yaml, rt_text_string(&where), rt_text_string(&line), line.length, err);
    if (!rc && (yaml->count != 1 || strlen(yaml->entries[0].key.text) != length))
        rc = rt_fail(err, RT_ECONFIG, "%s: expected KEY=VALUE", rt_text_string(&where));
    rt_text_free(&where);
    rt_text_free(&line);
    return rc;
}

/* One key as --set sets it. Allocates only for the message of an error. */
static int set_entry(struct rt_experiment *experiment, const struct rt_yaml_entry *entry, struct rt_error *err)
{
    const struct rt_key *key = rt_key_find(entry->key.text);
    struct rt_experiment changed = *experiment;
    char before[RT_TEXT_MAX];

    if (!key)
        return rt_key_unknown("--set", entry->key.text, err);
    derive_name(&changed, before);
    RT_TRY(rt_key_set(key, &changed, NULL, entry, err));
    if (!strcmp(key->name, "preset"))
        RT_TRY(apply_preset(&changed, err));
    rt_published_model_canonical(changed.model_name);
    if (!changed.experiment_name[0] || (key->type != RT_KEY_NAME && !strcmp(changed.experiment_name, before)))
        rt_experiment_derive_name(&changed);
    *experiment = changed;
    return RT_OK;
}

int rt_experiment_set(struct rt_experiment *experiment, const char *assignment, struct rt_error *err)
{
    const size_t length = strcspn(assignment, "=");
    struct rt_yaml yaml = {0};
    int rc;

    if (!length || !assignment[length])
        return rt_fail(err, RT_EUSAGE, "--set '%.80s': expected KEY=VALUE", assignment);
    if (!(rc = parse_assignment(&yaml, assignment, length, err)))
        rc = set_entry(experiment, &yaml.entries[0], err);
    rt_yaml_free(&yaml);
    return rc;
}

/* The matrix is there where it is used, and nowhere else; its rows add up to 1. */
static int check_matrix(const struct rt_experiment *e, struct rt_error *err)
{
    const bool used = !strcmp(e->label_noise, "class_dependent");
    const int count = e->label_noise_matrix_count;

    if (!used && count)
        return rt_fail(err, RT_ECONFIG, "label_noise_matrix is of label_noise: class_dependent, not of %s",
                       e->label_noise);
    if (used && count != RT_MATRIX_MAX)
        return rt_fail(
            err, RT_ECONFIG,
            "label_noise_matrix has %d numbers; label_noise: class_dependent needs %d, a row of %d for "
            "each true label",
            count, RT_MATRIX_MAX, RT_CLASSES);
    for (int row = 0; used && row < RT_CLASSES; row++) {
        double sum = 0;

        for (int i = 0; i < RT_CLASSES; i++)
            sum += e->label_noise_matrix[row * RT_CLASSES + i];
        if (!(fabs(sum - 1) <= 1e-6))
            return rt_fail(err, RT_ECONFIG,
                           "label_noise_matrix: the row of label %d adds up to %.9g, expected 1", row, sum);
    }
    return RT_OK;
}

/* A file of labels is there where it is used, and nowhere else; it has no probability. */
static int check_label_file(const struct rt_experiment *e, struct rt_error *err)
{
    const bool used = !strcmp(e->label_noise, "file");

    if (!used && *e->label_file)
        return rt_fail(err, RT_ECONFIG, "label_file is of label_noise: file, not of %s", e->label_noise);
    if (used && !*e->label_file)
        return rt_fail(err, RT_ECONFIG, "label_noise: file needs label_file");
    if (used && e->label_corruption_prob != 0)
        return rt_fail(err, RT_ECONFIG,
                       "label_corruption_prob: %g has no effect where labels come from a file; set it to 0",
                       e->label_corruption_prob);
    return RT_OK;
}

struct rt_augmentation rt_experiment_augmentation(const struct rt_experiment *e)
{
    return (struct rt_augmentation){
        .crop = e->augment || e->crop == RT_CROPPING_RANDOM,
        .flip = e->augment || e->flip == RT_FLIPPING_TRUE,
        .rotate = e->rotate,
    };
}

const char *rt_experiment_augmented_by(const struct rt_experiment *e)
{
    return e->augment                      ? "augment: true"
           : e->crop == RT_CROPPING_RANDOM ? "crop: random"
           : e->flip == RT_FLIPPING_TRUE   ? "flip: true"
           : e->rotate != 0                ? "rotate above 0"
                                           : NULL;
}

bool rt_experiment_augments(const struct rt_experiment *e)
{
    return rt_experiment_augmented_by(e) != NULL;
}

int rt_experiment_check(const struct rt_experiment *e, struct rt_error *err)
{
    if (e->scheduler == RT_SCHEDULER_multi_step && !e->milestone_count)
        return rt_fail(err, RT_ECONFIG,
                       "scheduler: multi-step needs milestones, for example milestones: [100, 200]");
    if (e->augment && (e->crop == RT_CROPPING_CENTER || e->flip == RT_FLIPPING_FALSE))
        return rt_fail(err, RT_ECONFIG,
                       "augment: true is crop: random with flip: true, not %s; set augment: false",
                       e->crop == RT_CROPPING_CENTER ? "crop: center" : "flip: false");
    if (rt_experiment_augments(e) && strcmp(e->data_corruption_type, "none") != 0)
        return rt_fail(err, RT_ECONFIG,
                       "%s cannot be combined with data_corruption_type: %s, which scrambles the cropped image",
                       rt_experiment_augmented_by(e), e->data_corruption_type);
    if (!e->bn && rt_published_model_known(e->model_name) && strcmp(e->model_name, "Inception") != 0)
        return rt_fail(err, RT_ECONFIG, "bn: false is for model_name: Inception; %s has no such variant",
                       e->model_name);
    RT_TRY(check_matrix(e, err));
    return check_label_file(e, err);
}

void rt_experiment_remarks(const struct rt_experiment *e)
{
    static atomic_flag workers = ATOMIC_FLAG_INIT, folder = ATOMIC_FLAG_INIT, noise = ATOMIC_FLAG_INIT,
                       said = ATOMIC_FLAG_INIT;
    const struct preset *preset = preset_of(e);

    if (*preset->remark && !atomic_flag_test_and_set(&said))
        rt_log_info("preset: %s: %s", preset->name, preset->remark);
    if (e->num_workers != 2 && !atomic_flag_test_and_set(&workers))
        rt_log_warn("num_workers: %lld cannot take effect: batches are prepared without loader processes",
                    (long long)e->num_workers);
    if (!rt_text_has_word("published file", e->label_noise) && e->label_corruption_prob == 0 &&
        !atomic_flag_test_and_set(&noise))
        rt_log_warn("label_noise: %s changes nothing where label_corruption_prob is 0", e->label_noise);
    if (e->checkpoint_dir[0] && !atomic_flag_test_and_set(&folder))
        rt_log_warn("checkpoint_dir: %s cannot take effect: checkpoints are stored in the run's folder",
                    e->checkpoint_dir);
}

bool rt_experiment_where(const char *path, const char *key, int *line, int *column)
{
    struct rt_yaml yaml = {0};
    const struct rt_yaml_entry *entry = NULL;
    char *bytes = NULL;
    size_t size;

    if (!rt_file_read_all(path, RT_YAML_BYTES_MAX, &bytes, &size, NULL) &&
        !rt_yaml_parse(&yaml, path, bytes, size, NULL) && (entry = rt_yaml_find(&yaml, key))) {
        *line = entry->line;
        *column = entry->column;
    }
    rt_free(&bytes);
    rt_yaml_free(&yaml);
    return entry != NULL;
}
