/* The launcher for this machine's cores: each run is a process of this program, so that a crash costs one run.
 * */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sweep/places.h"

enum { LINE_MAX_SIZE = 400 };

struct child {
    struct rt_place place;
    pid_t pid;
    int output;
    char line[LINE_MAX_SIZE]; /* the last complete line, and the unfinished one */
    char partial[LINE_MAX_SIZE];
    size_t partial_length;
};

struct masks {
    sigset_t child; /* SIGCHLD, which ends a wait */
    sigset_t before, watching;
};

/* In the child: its own process group (a Ctrl-C reaches only the sweep, which passes it on once), stopped when
 * the sweep is killed, its cores, its output to the pipe. SIGTERM, which is what stops it, is neither ignored
 * nor blocked, whoever started the sweep so. */
static void become(const struct masks *masks, const struct rt_sweep_command *command, const cpu_set_t *cores,
                   int output, pid_t parent)
{
    struct sigaction action;
    sigset_t blocked = masks->before;

    setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
        _exit(1);
    sched_setaffinity(0, sizeof *cores, cores);
    const int null = open("/dev/null", O_RDONLY);
    if (null >= 0 && dup2(null, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2) {
        /* no handler of ours may swallow what comes before the exec */
        for (int number = 1; number < NSIG; number++)
            if (!sigaction(number, NULL, &action) && action.sa_handler != SIG_IGN)
                signal(number, SIG_DFL);
        signal(SIGPIPE, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        sigdelset(&blocked, SIGTERM);
        sigprocmask(SIG_SETMASK, &blocked, NULL);
        execv(command->words[0], (char *const *)(size_t)command->words);
    }
    dprintf(2, "%s: cannot be run: %s\n", command->words[0], strerror(errno));
    _exit(1);
}

static int start(struct rt_place *place, struct rt_error *err)
{
    sigset_t all;
    struct child *child = (struct child *)place;
    const struct masks *masks = place->places->context;
    const struct rt_sweep_run *run = place->run;
    struct rt_sweep_command command;
    int output[2];

    rt_sweep_command(&command, place->places->sweep, run, run->stage);
    if (pipe2(output, O_CLOEXEC))
        return rt_fail_errno(err, RT_EIO, errno, "cannot make a pipe for %s", run->experiment.experiment_name);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    const pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(masks, &command, &place->cores, output[1], parent);
    const int failure = errno;
    sigprocmask(SIG_SETMASK, &masks->watching, NULL);
    close(output[1]);
    if (pid < 0) {
        close(output[0]);
        return rt_fail_errno(err, RT_EIO, failure, "cannot start %s", run->experiment.experiment_name);
    }
    setpgid(pid, pid); /* here too, whichever comes first */
    fcntl(output[0], F_SETFL, O_NONBLOCK);
    *child = (struct child){.place = *place, .pid = pid, .output = output[0]};
    return RT_OK;
}

static void stop(struct rt_place *place)
{
    kill(((const struct child *)place)->pid, SIGTERM);
}

/* Keeps the last line of the run's output: if it fails, that is the reason. */
static void listen_to(struct rt_place *place)
{
    struct child *child = (struct child *)place;
    char bytes[4096];
    ssize_t got;

    while ((got = read(child->output, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            if (bytes[i] != '\n') {
                if (child->partial_length + 1 < sizeof child->partial)
                    child->partial[child->partial_length++] = bytes[i];
                continue;
            }
            child->partial[child->partial_length] = 0;
            if (child->partial_length > 0)
                memcpy(child->line, child->partial, child->partial_length + 1);
            child->partial_length = 0;
        }
    }
}

/* The status of an exit code. */
static enum rt_status status_of(int exit_code)
{
#define RT_STATUS_OF_CODE(symbol, code, meaning)                                                               \
    if (exit_code == (code))                                                                                   \
        return RT_##symbol;
    RT_STATUSES(RT_STATUS_OF_CODE)
#undef RT_STATUS_OF_CODE
    return RT_EMEMORY;
}

static bool has_ended(struct rt_place *place, struct rt_ending *ending)
{
    struct child *child = (struct child *)place;
    int status;

    if (waitpid(child->pid, &status, WNOHANG) != child->pid)
        return false;
    listen_to(place);
    close(child->output);
    const char *said = !strncmp(child->line, "rethink: ", 9) ? child->line + 9 : child->line;
    if (WIFEXITED(status)) {
        ending->status = status_of(WEXITSTATUS(status));
        ending->whole = true;
        snprintf(ending->trouble, sizeof ending->trouble, "exit code %d%s%s", WEXITSTATUS(status),
                 *said ? ": " : "", said);
        return true;
    }
    /* by SIGTERM: before it could catch it, so before it had done anything */
    ending->status = WTERMSIG(status) == SIGTERM ? RT_EINTERRUPTED : RT_EMEMORY;
    snprintf(ending->trouble, sizeof ending->trouble, "killed by signal %d (%s)%s%s", WTERMSIG(status),
             strsignal(WTERMSIG(status)), *said ? ": " : "", said);
    return true;
}

/* A request to stop is a signal, and so is a child's end: both end the wait. */
static void wait_a_while(struct rt_places *places, int ms)
{
    const struct masks *masks = places->context;
    const struct timespec most = {ms / 1000, ms % 1000 * 1000000L};

    sigtimedwait(&masks->child, NULL, &most);
}

static int launch(struct rt_sweep *sweep, struct rt_error *err)
{
    static const struct rt_worker_kind processes = {
        .size = sizeof(struct child),
        .start = start,
        .stop = stop,
        .has_ended = has_ended,
        .wait = wait_a_while,
        .listen = listen_to,
    };
    struct masks masks;
    int rc;

    sigemptyset(&masks.child);
    sigaddset(&masks.child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &masks.child, &masks.before);
    sigprocmask(SIG_BLOCK, NULL, &masks.watching);
    rc = rt_places_carry_out(sweep, &processes, &masks, err);
    sigprocmask(SIG_SETMASK, &masks.before, NULL);
    return rc;
}

const struct rt_launcher rt_launcher_local = {.name = "local", .here = true, .patience = 2, .launch = launch};
