/* rethink evaluate: a trained network on the test set. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/entry.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/evaluate.h"
#include "cli/experiment_args.h"
#include "cli/output.h"
#include "data/source.h"
#include "run/checkpoint.h"
#include "run/run.h"
#include "train/setup.h"
#include "train/snapshot.h"

enum { CLASS_WIDTH = 10 };

int rt_checkpoint_read_newest(struct rt_checkpoint *checkpoint, const char *run_dir, struct rt_error *err)
{
    struct rt_checkpoint_list list = {0};
    struct rt_experiment experiment;
    struct rt_error newest = {0}, trouble;
    char path[RT_PATH_MAX];
    int rc = RT_EDATA;

    RT_TRY(rt_run_read_config(&experiment, run_dir, err));
    RT_TRY(rt_checkpoint_list(&list, run_dir, experiment.experiment_name, err));
    for (int i = list.count - 1; i >= 0 && rc == RT_EDATA; i--) {
        if (!(rc = rt_path_join(path, run_dir, list.items[i].name, &trouble)))
            rc = rt_checkpoint_read(checkpoint, path, &trouble);
        if (rc && (!newest.status || rc != RT_EDATA))
            newest = trouble;
    }
    if (!list.count)
        rt_fail(err, RT_EDATA, "%s: this run has no checkpoint yet", run_dir);
    else if (rc)
        rt_fail(err, (enum rt_status)rc, "%s", newest.message);
    else if (newest.status)
        rt_log_warn("%s; evaluates %s, the newest checkpoint that is complete", newest.message,
                    rt_path_name(checkpoint->path));
    rt_checkpoint_list_free(&list);
    return rc;
}

/* Of a checkpoint, a run directory, or the name of a run. */
static int read_checkpoint(struct rt_checkpoint *checkpoint, const struct rt_arguments *arguments,
                           struct rt_error *err)
{
    const char *given = arguments->operands[0], *runs = rt_argument(arguments, "runs");
    char path[RT_PATH_MAX];

    if (rt_checkpoint_is(given))
        return rt_checkpoint_read(checkpoint, given, err);
    if (rt_entry_look(given, RT_CONFIG_FILE) != RT_ENTRY_NONE)
        return rt_checkpoint_read_newest(checkpoint, given, err);
    if (strchr(given, '/') || rt_path_exists(given))
        return rt_fail(err, RT_EDATA, "%s: neither a run directory nor a checkpoint", given);
    RT_TRY(rt_run_find(path, runs ? runs : RT_RUNS_DEFAULT, given, err));
    return rt_checkpoint_read_newest(checkpoint, path, err);
}

/* The data of the checkpoint's run, where nothing else was asked for and it can be found. */
static const char *choose_data(const struct rt_checkpoint *checkpoint, const char *given)
{
    if (given)
        return given;
    return rt_checkpoint_data(checkpoint);
}

/* [label][prediction] */
struct confusion {
    long count[RT_CLASSES][RT_CLASSES];
};

static void confuse(struct confusion *confusion, const uint8_t *labels, const struct rt_image_outcome *outcomes,
                    long count)
{
    *confusion = (struct confusion){0};
    for (long i = 0; i < count; i++)
        confusion->count[labels[i]][outcomes[i].predicted]++;
}

static void append_classes(struct rt_text *text, const struct rt_dataset *dataset,
                           const struct confusion *confusion)
{
    for (int label = 0; label < RT_CLASSES; label++) {
        long count = 0;

        for (int i = 0; i < RT_CLASSES; i++)
            count += confusion->count[label][i];
        if (count)
            rt_text_printf(text, "  %-*s %6.2f %%  of %ld\n", CLASS_WIDTH + 2, dataset->classes[label],
                           100 * (double)confusion->count[label][label] / (double)count, count);
        else
            rt_text_printf(text, "  %-*s      -    of 0\n", CLASS_WIDTH + 2, dataset->classes[label]);
    }
}

static void append_confusion(struct rt_text *text, const struct rt_dataset *dataset,
                             const struct confusion *confusion)
{
    rt_text_printf(text, "\nRows: labels. Columns: predictions.\n%*s", CLASS_WIDTH + 2, "");
    for (int i = 0; i < RT_CLASSES; i++)
        rt_text_printf(text, " %*.*s", CLASS_WIDTH - 3, CLASS_WIDTH - 3, dataset->classes[i]);
    rt_text_append(text, "\n");
    for (int label = 0; label < RT_CLASSES; label++) {
        rt_text_printf(text, "  %-*.*s", CLASS_WIDTH, CLASS_WIDTH, dataset->classes[label]);
        for (int i = 0; i < RT_CLASSES; i++)
            rt_text_printf(text, " %*ld", CLASS_WIDTH - 3, confusion->count[label][i]);
        rt_text_append(text, "\n");
    }
}

/* Against one array of labels: loss, accuracy, by class, and the confusion matrix where it is asked for. */
static void append_against(struct rt_text *text, const struct rt_dataset *dataset, double loss, long correct,
                           long count, const struct confusion *confusion, bool matrix)
{
    rt_text_printf(text, "loss      %.6f\naccuracy  %.2f %%  (%ld of %ld)\n", loss,
                   100 * (double)correct / (double)count, correct, count);
    append_classes(text, dataset, confusion);
    if (matrix)
        append_confusion(text, dataset, confusion);
}

static void append_share(struct rt_text *text, const char *what, long part, long whole)
{
    if (whole)
        rt_text_printf(text, "  %-38s %6.2f %%  (%ld of %ld)\n", what, 100 * (double)part / (double)whole, part,
                       whole);
}

/* What training measures of its own images at each epoch's end: train_acc_clean, train_memorised and
 * train_recovered. */
static void append_learnt(struct rt_text *text, const uint8_t *given, const uint8_t *truth,
                          const struct rt_image_outcome *outcomes, long count)
{
    long right = 0, learnt = 0, memorised = 0, recovered = 0;

    for (long i = 0; i < count; i++) {
        const bool clean = given[i] == truth[i];

        right += clean;
        learnt += clean && outcomes[i].right;
        memorised += !clean && outcomes[i].right;
        recovered += !clean && outcomes[i].predicted == truth[i] && !isnan(outcomes[i].loss);
    }
    rt_text_append(text, "\nOf images whose given label is\n");
    append_share(text, "right, predicted so", learnt, right);
    append_share(text, "wrong, predicted as given (memorised)", memorised, count - right);
    append_share(text, "wrong, predicted as true (recovered)", recovered, count - right);
}

static int print_evaluation(const struct rt_checkpoint *checkpoint, const struct rt_dataset *dataset,
                            const struct rt_evaluation *evaluation, const struct rt_image_outcome *outcomes,
                            const struct confusion against[2], const struct rt_arguments *arguments,
                            struct rt_error *err)
{
    const bool train = rt_argument_flag(arguments, "train"), matrix = rt_argument_flag(arguments, "confusion");
    const size_t first = train ? 0 : dataset->train_count;
    struct rt_label_counts labels;
    struct rt_text text = {0};

    rt_dataset_count_labels(dataset, first, (size_t)evaluation->count, &labels);
    rt_text_printf(&text, "%s on %s, %s images\n", rt_path_name(checkpoint->path), dataset->name,
                   train ? "training" : "test");
    append_against(&text, dataset, evaluation->loss, evaluation->correct, evaluation->count, &against[0],
                   matrix);
    if (labels.changed) {
        rt_text_printf(&text, "\nOn true labels (%lld of %lld were given another)\n", (long long)labels.changed,
                       (long long)labels.images);
        append_against(&text, dataset, evaluation->loss_true, evaluation->correct_true, evaluation->count,
                       &against[1], matrix);
        append_learnt(&text, dataset->labels + first, dataset->labels_true + first, outcomes,
                      evaluation->count);
    }
    return rt_output_text(&text, err);
}

/* One prediction a line, in the images' order. */
static int write_predictions(const char *path, const struct rt_image_outcome *outcomes, long count,
                             struct rt_error *err)
{
    struct rt_text text = {0};
    int rc;

    for (long i = 0; i < count; i++)
        rt_text_printf(&text, "%d\n", outcomes[i].predicted);
    if (!(rc = rt_text_check(&text, err)))
        rc = rt_file_write_all(path, text.bytes, text.length, err);
    rt_text_free(&text);
    return rc;
}

/* That the images are of the shape that the network was trained on. */
static int check_shape(const struct rt_dataset *dataset, const struct rt_checkpoint *checkpoint,
                       struct rt_error *err)
{
    const char *name = checkpoint->provenance.data.name;
    const int channels = rt_source_kind_of(name)->channels;

    if (dataset->channels == channels)
        return RT_OK;
    return rt_fail(
        err, RT_EDATA,
        "%s: trained on %s, whose images are of %d x 28 x 28; those of %s are of %d x 28 x 28; --data "
        "names others",
        checkpoint->path, name, channels, dataset->name, dataset->channels);
}

/* The same images, and labels of a file that has been changed since. */
static void check_labels(const struct rt_dataset *dataset, const struct rt_checkpoint *checkpoint)
{
    const struct rt_provenance *seen = &checkpoint->provenance;

    if (*dataset->label_digest && !strcmp(dataset->digest, seen->data.digest) &&
        strcmp(dataset->corruption_digest, seen->data.corruption_digest) != 0)
        rt_log_warn("%s: the labels in %s are not those that it was trained with", checkpoint->path,
                    checkpoint->experiment.label_file);
}

static int evaluate(struct rt_setup *setup, struct rt_checkpoint *checkpoint,
                    const struct rt_arguments *arguments, long threads, struct rt_error *err)
{
    const enum rt_split split = rt_argument_flag(arguments, "train") ? RT_SPLIT_TRAIN : RT_SPLIT_TEST;
    const char *file = rt_argument(arguments, "predictions");
    struct rt_evaluation evaluation;
    struct confusion against[2]; /* the given labels, the true ones */
    struct rt_image_outcome *outcomes = NULL;
    int rc;

    RT_TRY(rt_experiment_set_device(&checkpoint->experiment, arguments, err));
    RT_TRY(rt_dataset_load(&setup->dataset, choose_data(checkpoint, rt_argument(arguments, "data")),
                           &checkpoint->experiment, (int)threads, err));
    RT_TRY(check_shape(&setup->dataset, checkpoint, err));
    check_labels(&setup->dataset, checkpoint);
    RT_TRY(rt_setup_network(setup, &checkpoint->experiment, rt_argument(arguments, "engine"), (int)threads,
                            false, err));
    RT_TRY(rt_snapshot_load_model(setup->plan, &checkpoint->model, checkpoint->path, err));
    RT_TRY(rt_alloc(&outcomes, setup->dataset.train_count + setup->dataset.test_count, sizeof *outcomes,
                    "outcomes", err));
    rc = rt_evaluator_run(&setup->evaluator, split, &evaluation, outcomes, err);
    if (!rc && file)
        rc = write_predictions(file, outcomes, evaluation.count, err);
    if (!rc) {
        const size_t first = split == RT_SPLIT_TEST ? setup->dataset.train_count : 0;

        confuse(&against[0], setup->dataset.labels + first, outcomes, evaluation.count);
        confuse(&against[1], setup->dataset.labels_true + first, outcomes, evaluation.count);
        rc = print_evaluation(checkpoint, &setup->dataset, &evaluation, outcomes, against, arguments, err);
    }
    rt_free(&outcomes);
    return rc;
}

static int run_evaluate(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_checkpoint *checkpoint = NULL;
    struct rt_setup setup = {0};
    long threads;
    int rc;

    RT_TRY(rt_argument_integer(arguments, "threads", 1, 256, 0, &threads, err));
    RT_TRY(rt_alloc(&checkpoint, 1, sizeof *checkpoint, "a checkpoint", err));
    if (!(rc = read_checkpoint(checkpoint, arguments, err)))
        rc = evaluate(&setup, checkpoint, arguments, threads, err);
    rt_setup_free(&setup);
    rt_checkpoint_free(checkpoint);
    rt_free(&checkpoint);
    return rc;
}

static const struct rt_option options_table[] = {
    {"confusion", 0, NULL, NULL, "also print the confusion matrix, against either label"},
    {"train", 0, NULL, NULL, "on the training images instead of the test images"},
    {"predictions", 0, "FILE", "@files", "write the predicted classes, one a line"},
    RT_OPTION_DATA,
    RT_OPTION_RUNS,
    RT_OPTION_THREADS,
    RT_OPTION_ENGINE,
    RT_OPTION_DEVICE,
    {0},
};

const struct rt_command rt_command_evaluate = {
    .name = "evaluate",
    .operands = "RUN-OR-CHECKPOINT",
    .operands_min = 1,
    .operands_max = 1,
    .operand_values = "@runs @dirs",
    .summary = "Evaluate a run's newest checkpoint, or the one given, on the test set.",
    .description =
        "A run is a folder, or a name to find below --runs. Prints mean loss, accuracy, and the accuracy of "
        "each class, on the labels as they were given and, where they differ, on the true ones; then also how "
        "many right labels are predicted, and how many wrong ones as given (memorised) or as true (recovered). "
        "The images are corrupted as in the run's experiment, with its seed.",
    .examples = "rethink evaluate MLP1_0.0_none\n"
                "rethink evaluate runs/MLP1/MLP1_0.0_none/e_050_MLP1_0.0_none --confusion",
    .options = options_table,
    .run = run_evaluate,
};
