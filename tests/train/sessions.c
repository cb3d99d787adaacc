/* usage: sessions RUNS THREADS NAME[+EPOCHS][!]...
 *
 * Trains all of these experiments at the same time, each in a thread of this process; with "!" it is asked to
 * stop as soon as its metrics.csv has 20 rows, while the others go on. One line each: NAME, status, message. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "config/builtin.h"
#include "train/session.h"

enum { SESSIONS_MAX = 8 };

static const char *const settings[] = {"train_size=300",     "test_size=100",       "log_every=2",
                                       "checkpoint_every=2", "track=[tensorboard]", "curve=true"};

static const char *runs;

struct session {
    char name[64];
    pthread_t thread;
    struct rt_experiment experiment;
    struct rt_train_options options;
    atomic_int stop;
    bool asked; /* to stop within */
    int status;
    struct rt_error err;
};

static void *train(void *context)
{
    struct session *session = context;

    session->status = rt_train(&session->experiment, &session->options, &session->err);
    return NULL;
}

static void prepare(struct session *session, char *argument, int threads)
{
    char epochs[64];
    char *mark;

    if ((mark = strchr(argument, '!'))) {
        *mark = '\0';
        session->asked = true;
    }
    if ((mark = strchr(argument, '+')))
        *mark++ = '\0';
    snprintf(session->name, sizeof session->name, "%s", argument);
    snprintf(epochs, sizeof epochs, "num_epochs=%s", mark ? mark : "5");
    if (rt_experiment_builtin(&session->experiment, argument, &session->err) ||
        rt_experiment_set(&session->experiment, epochs, &session->err))
        exit(2);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (rt_experiment_set(&session->experiment, settings[i], &session->err))
            exit(2);
    session->options = (struct rt_train_options){.data = "shapes10",
                                                 .runs = runs,
                                                 .threads = threads,
                                                 .epochs_given = true,
                                                 .verbosity = RT_LOG_SILENT,
                                                 .stop = &session->stop};
}

static void stop_when_under_way(struct session *session)
{
    char path[RT_PATH_MAX];
    struct stat status;

    snprintf(path, sizeof path, "%s/MLP1/%s/metrics.csv", runs, session->name);
    while (stat(path, &status) || status.st_size < 20 * 60)
        usleep(10000);
    atomic_store(&session->stop, 1);
}

int main(int argc, char **argv)
{
    static struct session sessions[SESSIONS_MAX];
    const int count = argc - 3;
    int failed = 0;

    if (count < 1 || count > SESSIONS_MAX)
        return 2;
    runs = argv[1];
    for (int i = 0; i < count; i++)
        prepare(&sessions[i], argv[3 + i], atoi(argv[2]));
    for (int i = 0; i < count; i++)
        if (pthread_create(&sessions[i].thread, NULL, train, &sessions[i]))
            return 2;
    for (int i = 0; i < count; i++)
        if (sessions[i].asked)
            stop_when_under_way(&sessions[i]);
    for (int i = 0; i < count; i++) {
        pthread_join(sessions[i].thread, NULL);
        printf("%s %d %s\n", sessions[i].name, sessions[i].status, sessions[i].err.message);
        failed |= sessions[i].status && !sessions[i].asked;
    }
    return failed;
}
