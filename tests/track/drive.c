/* Tells one recorder of an imagined run, so that tests can look at what it made of it:
 *
 *     drive KIND RUN_DIR [key=value]...
 *
 * Point s has train_loss 2 / (1 + s), train_acc s / (s + 4), test_loss and test_acc 1 / (1 + s) and s / (s + 8)
 * at even steps only, train_memorised s / (s + 6) at an epoch's end, learning_rate 0.1 * 0.95^s; four points
 * make an epoch. Keys: start, points (up to this step), resumed, threshold (at this step), checkpoint (a path,
 * after the last point), weights (every so many steps), sleep_ms (after each point), finish (ok, interrupted,
 * diverged; none: as if killed), name, project, key, diverge (the last point's loss is infinite). Prints the
 * seconds from first to last point. With RT_RANDOM=late in the environment, random bytes come only to those who
 * wait, as early after the machine's start; with RT_RANDOM=none never. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "config/experiment.h"
#include "track/recorder.h"

/* Instead of the C library's. */
ssize_t getrandom(void *bytes, size_t size, unsigned flags)
{
    const char *random = getenv("RT_RANDOM");

    if (random && (!strcmp(random, "none") || flags & GRND_NONBLOCK)) {
        errno = strcmp(random, "none") ? EAGAIN : ENOSYS;
        return -1;
    }
    return syscall(SYS_getrandom, bytes, size, flags);
}

static const char *value_of(int argc, char **argv, const char *key, const char *otherwise)
{
    const size_t length = strlen(key);

    for (int i = 3; i < argc; i++)
        if (!strncmp(argv[i], key, length) && argv[i][length] == '=')
            otherwise = argv[i] + length + 1;
    return otherwise;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct rt_log_point point_at(int64_t step)
{
    const double s = (double)step;

    struct rt_scores scores = rt_scores_none();

    scores.train_loss = 2 / (1 + s);
    scores.train_acc = s / (s + 4);
    scores.test_loss = step % 2 ? NAN : 1 / (1 + s);
    scores.test_acc = step % 2 ? NAN : s / (s + 8);
    scores.train_memorised = step % 4 == 3 ? s / (s + 6) : NAN;
    return (struct rt_log_point){
        .step = step,
        .epoch = (int)(step / 4) + 1,
        .batch = (int)(step % 4) * 2 + 1,
        .batches = 8,
        .scores = scores,
        .learning_rate = 0.1 * pow(0.95, s),
        .wall_s = 0.5 * s,
        .cpu_s = s,
    };
}

static struct rt_outcome outcome_at(int64_t step)
{
    const struct rt_log_point point = point_at(step - step % 2);

    return (struct rt_outcome){
        .threshold_reached = true,
        .threshold_epoch = step / 4 + 1,
        .threshold_step = step,
        .threshold_minutes = 1.25,
        .threshold_cpu_s = 150,
        .scores = point.scores,
        .training_flops = 1e12,
        .epochs = step / 4 + 1,
        .wall_s = 75,
        .cpu_s = 150,
        .finished = true,
    };
}

static const struct rt_recorder_kind *find_kind(const char *name)
{
    for (const struct rt_recorder_entry *entry = rt_recorder_entries; entry->kind; entry++)
        if (!strcmp(name, entry->name))
            return entry->kind;
    return NULL;
}

static int fail(const char *what, const struct rt_error *err)
{
    fprintf(stderr, "drive: %s: %s\n", what, err->message);
    return 1;
}

int main(int argc, char **argv)
{
    static float values[] = {-1, -0.5f, 0, 0.5f, 1, 1, 1, 1};
    const struct rt_layer_values layers[] = {{"layer1.weight", values, 8}, {"layer1.bias", values, 4}};
    struct rt_experiment experiment = {
        .model_name = "MLP1",
        .label_corruption_prob = 0.5,
        .data_corruption_type = "none",
        .normalize_noise = true,
        .seed = {true, 42},
        .batch_size = 128,
        .num_epochs = 50,
        .learning_rate = 0.1,
        .lr_decay = 0.95,
        .momentum = 0.9,
        .figure1 = true,
        .winograd = true,
        .log_every = 50,
    };
    static const struct rt_provenance provenance = {
        .data = {.name = "shapes10", .digest = "d1", .corruption_digest = "c1"},
        .engine = "native",
        .target = "avx2",
        .threads = 2,
        .parameters = 1209866,
    };
    struct rt_run_info info = {
        .experiment = &experiment,
        .provenance = &provenance,
        .batches_per_epoch = 8,
    };
    const struct rt_recorder_kind *kind = argc > 2 ? find_kind(argv[1]) : NULL;
    const char *finish = value_of(argc, argv, "finish", "ok");
    const int64_t start = atoi(value_of(argc, argv, "start", "0"));
    const int64_t points = atoi(value_of(argc, argv, "points", "8"));
    const int64_t threshold = atoi(value_of(argc, argv, "threshold", "-1"));
    const int64_t weights = atoi(value_of(argc, argv, "weights", "0"));
    const char *diverge = value_of(argc, argv, "diverge", "0"); /* 1: infinite; nan */
    const long sleep_ms = atol(value_of(argc, argv, "sleep_ms", "0"));
    const char *checkpoint = value_of(argc, argv, "checkpoint", NULL);
    struct rt_recorder *recorder = NULL;
    struct rt_error err = {0};
    struct rt_outcome outcome;
    double began;

    if (!kind)
        return fprintf(stderr, "usage: drive KIND RUN_DIR [key=value]...\n"), 2;
    snprintf(experiment.experiment_name, RT_TEXT_MAX, "%s", value_of(argc, argv, "name", "MLP1_0.5_none"));
    snprintf(experiment.comet_project, RT_TEXT_MAX, "%s", value_of(argc, argv, "project", "rethinking"));
    snprintf(experiment.experiment_key, RT_TEXT_MAX, "%s", value_of(argc, argv, "key", ""));
    info.run_dir = argv[2];
    info.start_step = start;
    info.start_batches = 2 * start;
    info.start_epoch = (int)(start / 4) + 1;
    info.resumed = atoi(value_of(argc, argv, "resumed", start ? "1" : "0"));
    if (kind->start(&recorder, &info, &err))
        return fail("start", &err);
    began = seconds();
    for (int64_t step = start; step < points; step++) {
        struct rt_log_point point = point_at(step);

        if (*diverge != '0' && step == points - 1)
            point.scores.train_loss = *diverge == 'n' ? NAN : INFINITY;
        if (kind->log && kind->log(recorder, &point, &err))
            return fail("log", &err);
        outcome = outcome_at(step);
        if (step == threshold && kind->threshold && kind->threshold(recorder, &outcome, &err))
            return fail("threshold", &err);
        if (weights && step % weights == 0 && kind->weights &&
            kind->weights(recorder, layers, 2, point.epoch, &err))
            return fail("weights", &err);
        usleep((useconds_t)(sleep_ms * 1000));
    }
    printf("%.6f\n", seconds() - began);
    fflush(stdout);
    if (checkpoint && kind->checkpoint && kind->checkpoint(recorder, checkpoint, 2, &err))
        return fail("checkpoint", &err);
    if (!strcmp(finish, "none"))
        _exit(0);
    outcome = outcome_at(points > 0 ? points - 1 : 0);
    if (kind->finish && kind->finish(recorder, &outcome,
                                     !strcmp(finish, "ok")         ? RT_OK
                                     : !strcmp(finish, "diverged") ? RT_EDIVERGED
                                                                   : RT_EINTERRUPTED,
                                     &err))
        return fail("finish", &err);
    kind->free(recorder);
    return 0;
}
