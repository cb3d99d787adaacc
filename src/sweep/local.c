/* The launcher for this machine: runs side by side, the cores shared out among them. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sweep/overview.h"
#include "sweep/sweep.h"

enum { CORES_MAX = 1024, LINE_MAX_SIZE = 400, TICK_MS = 250 };

struct child {
    pid_t pid; /* 0: the place is free */
    int run;   /* index */
    int output;
    char line[LINE_MAX_SIZE]; /* the last one it said, and the one under way */
    char partial[LINE_MAX_SIZE];
    size_t partial_length;
    cpu_set_t cores;
};

struct local {
    struct rt_sweep *sweep;
    struct rt_overview overview;
    struct child *children;
    int places;
    cpu_set_t free_cores;
    sigset_t watched, before, watching; /* SIGCHLD; the mask before; and with SIGCHLD blocked */
    int stop_requests;                  /* passed on so far */
    bool stopping;                      /* start nothing more */
    struct rt_error failure;            /* the first */
};

/* ---- cores ---- */

static bool take_cores(struct local *local, int count, cpu_set_t *taken)
{
    CPU_ZERO(taken);
    if (CPU_COUNT(&local->free_cores) < count)
        return false;
    for (size_t core = 0; core < CPU_SETSIZE && count > 0; core++) {
        if (!CPU_ISSET(core, &local->free_cores))
            continue;
        CPU_CLR(core, &local->free_cores);
        CPU_SET(core, taken);
        count--;
    }
    return true;
}

static void give_cores_back(struct local *local, const cpu_set_t *taken)
{
    CPU_OR(&local->free_cores, &local->free_cores, taken);
}

/* The cores this process may use, of which options.cores are shared out (more than there are: some twice over,
 * which the scheduler then sorts out). */
static void count_cores(struct local *local)
{
    cpu_set_t allowed;
    CPU_ZERO(&local->free_cores);
    if (sched_getaffinity(0, sizeof allowed, &allowed))
        CPU_ZERO(&allowed);
    int left = local->sweep->options.cores;
    for (size_t core = 0; core < CPU_SETSIZE && left > 0; core++) {
        if (CPU_ISSET(core, &allowed)) {
            CPU_SET(core, &local->free_cores);
            left--;
        }
    }
}

/* ---- processes ---- */

/* In the child: its own process group (a Ctrl-C reaches only the sweep, which passes it on once), stopped when
 * the sweep is killed, its cores, its output to the pipe. */
static void become(const struct local *local, const struct rt_sweep_command *command, const cpu_set_t *cores,
                   int output, pid_t parent)
{
    struct sigaction action;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    sched_setaffinity(0, sizeof *cores, cores);
    const int null = open("/dev/null", O_RDONLY);
    if (null >= 0 && dup2(null, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2) {
        /* no handler of ours may swallow what comes before the exec */
        for (int number = 1; number < NSIG; number++)
            if (!sigaction(number, NULL, &action) && action.sa_handler != SIG_IGN)
                signal(number, SIG_DFL);
        signal(SIGPIPE, SIG_DFL);
        sigprocmask(SIG_SETMASK, &local->before, NULL);
        execv(command->words[0], (char *const *)(size_t)command->words);
    }
    dprintf(2, "%s: cannot be run: %s\n", command->words[0], strerror(errno));
    _exit(1);
}

static int start(struct local *local, struct child *child, int index, struct rt_error *err)
{
    struct rt_sweep_run *run = &local->sweep->runs[index];
    struct rt_sweep_command command;
    int output[2];
    rt_sweep_command(&command, local->sweep, run, run->stage);
    if (pipe2(output, O_CLOEXEC))
        return rt_fail_errno(err, RT_EIO, errno, "cannot make a pipe for %s", run->experiment.experiment_name);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    const pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(local, &command, &child->cores, output[1], parent);
    sigprocmask(SIG_SETMASK, &local->watching, NULL);
    close(output[1]);
    if (pid < 0) {
        close(output[0]);
        return rt_fail_errno(err, RT_EIO, errno, "cannot start %s", run->experiment.experiment_name);
    }
    setpgid(pid, pid); /* here too: whoever is first */
    fcntl(output[0], F_SETFL, O_NONBLOCK);
    const cpu_set_t cores = child->cores;
    *child = (struct child){.pid = pid, .run = index, .output = output[0], .cores = cores};
    run->state = RT_SWEEP_RUNNING;
    run->began_s = rt_clock_wall_s();
    run->epochs_at_start = run->epochs_done;
    rt_overview_note(&local->overview, run);
    return 0;
}

/* Keeps the last line that the run says: if it fails, that is why. */
static void read_output(struct child *child)
{
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

static void describe_failure(struct rt_sweep_run *run, const struct child *child, int status)
{
    const char *said = strncmp(child->line, "rethink: ", 9) == 0 ? child->line + 9 : child->line;
    if (WIFSIGNALED(status))
        snprintf(run->trouble, sizeof run->trouble, "killed by signal %d (%s)%s%s", WTERMSIG(status),
                 strsignal(WTERMSIG(status)), *said ? ": " : "", said);
    else
        snprintf(run->trouble, sizeof run->trouble, "exit code %d%s%s", WEXITSTATUS(status), *said ? ": " : "",
                 said);
}

/* The status that stands for an exit code. */
static enum rt_status status_of(int exit_code)
{
#define RT_STATUS_OF_CODE(symbol, code, meaning)                                                               \
    if (exit_code == (code))                                                                                   \
        return RT_##symbol;
    RT_STATUSES(RT_STATUS_OF_CODE)
#undef RT_STATUS_OF_CODE
    return RT_EMEMORY;
}

static void pass_signal_on(struct local *local)
{
    for (int i = 0; i < local->places; i++)
        if (local->children[i].pid > 0)
            kill(local->children[i].pid, SIGTERM);
}

static void fail(struct local *local, struct rt_sweep_run *run, const struct child *child, int status)
{
    run->state = RT_SWEEP_FAILED;
    describe_failure(run, child, status);
    if (!local->failure.status)
        rt_fail(&local->failure, status_of(WIFEXITED(status) ? WEXITSTATUS(status) : 1), "%s: %s",
                run->experiment.experiment_name, run->trouble);
    if (local->sweep->options.fail_fast && !local->stopping) {
        local->stopping = true;
        pass_signal_on(local);
    }
}

/* A process has ended: what became of its run. */
static void settle(struct local *local, struct child *child, int status)
{
    struct rt_sweep_run *run = &local->sweep->runs[child->run];
    read_output(child);
    close(child->output);
    give_cores_back(local, &child->cores);
    rt_sweep_read_progress(&run->progress, run);
    if (isfinite(run->progress.epochs))
        run->epochs_done = run->progress.epochs;
    /* by SIGTERM: before it could catch it, so before it had done anything */
    const bool stopped = WIFEXITED(status) ? WEXITSTATUS(status) == rt_status_exit_code(RT_EINTERRUPTED)
                                           : WTERMSIG(status) == SIGTERM && local->stop_requests <= 1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        run->state = ++run->stage < run->stage_count ? RT_SWEEP_WAITING : RT_SWEEP_FINISHED;
    else if (stopped && local->stopping)
        run->state = RT_SWEEP_INTERRUPTED;
    else
        fail(local, run, child, status);
    if (run->stage == run->stage_count)
        run->stage--; /* the last: what progress is shown against */
    child->pid = 0;
    rt_overview_note(&local->overview, run);
}

/* ---- the loop ---- */

static void reap(struct local *local, int *finished)
{
    for (int i = 0; i < local->places; i++) {
        struct child *child = &local->children[i];
        int status;
        if (child->pid > 0 && waitpid(child->pid, &status, WNOHANG) == child->pid) {
            settle(local, child, status);
            if (local->sweep->runs[child->run].state == RT_SWEEP_FINISHED)
                *finished = child->run;
        }
    }
}

/* Starts what fits on the free cores, in the plan's order. */
static int start_more(struct local *local, struct rt_error *err)
{
    const struct rt_sweep *sweep = local->sweep;
    int running = 0;
    for (int i = 0; i < local->places; i++)
        running += local->children[i].pid > 0;
    for (int i = 0; i < sweep->count && !local->stopping; i++) {
        if (sweep->runs[i].state != RT_SWEEP_WAITING || (sweep->options.jobs && running >= sweep->options.jobs))
            continue;
        int place = 0;
        while (place < local->places && local->children[place].pid > 0)
            place++;
        if (place == local->places)
            break;
        struct child *child = &local->children[place];
        if (sweep->options.jobs > sweep->options.cores)
            sched_getaffinity(0, sizeof child->cores, &child->cores); /* more jobs than cores share them all */
        else if (!take_cores(local, sweep->runs[i].cores, &child->cores))
            continue;
        RT_TRY(start(local, child, i, err));
        running++;
    }
    return 0;
}

static bool any_running(const struct local *local)
{
    for (int i = 0; i < local->places; i++)
        if (local->children[i].pid > 0)
            return true;
    return false;
}

/* Requests to stop that have come since, each passed on. */
static void look_at_stop(struct local *local)
{
    const atomic_int *stop = local->sweep->options.stop;
    while (stop && local->stop_requests < atomic_load(stop)) {
        local->stop_requests++;
        local->stopping = true;
        if (local->overview.terminal && local->stop_requests == 1)
            fprintf(stderr, "\nstopping: the runs save; again stops at once\n");
        local->overview.lines = 0;
        pass_signal_on(local);
    }
}

/* Waits for a child's end or a request to stop, whose signal ends the wait, a tick at most. */
static void wait_a_tick(struct local *local)
{
    const struct timespec tick = {0, TICK_MS * 1000000L};
    sigtimedwait(&local->watched, NULL, &tick);
    for (int i = 0; i < local->places; i++) {
        struct child *child = &local->children[i];
        if (child->pid == 0)
            continue;
        read_output(child);
        rt_sweep_read_progress(&local->sweep->runs[child->run].progress, &local->sweep->runs[child->run]);
    }
    rt_overview_tick(&local->overview);
}

static int carry_out(struct local *local, struct rt_error *err)
{
    int rc = 0;
    for (;;) {
        int finished = -1;
        look_at_stop(local);
        reap(local, &finished);
        if (!rc && (rc = start_more(local, err))) {
            local->stopping = true;
            pass_signal_on(local);
        }
        if (!any_running(local))
            return rc;
        if (finished >= 0 && local->sweep->options.finished)
            local->sweep->options.finished(local->sweep->options.context, &local->sweep->runs[finished]);
        wait_a_tick(local);
    }
}

static int conclude(const struct local *local, struct rt_error *err)
{
    int failed = 0;
    for (int i = 0; i < local->sweep->count; i++)
        failed += local->sweep->runs[i].state == RT_SWEEP_FAILED;
    if (local->stop_requests)
        return rt_fail(err, RT_EINTERRUPTED, "interrupted; the same command goes on from here");
    if (failed)
        return rt_fail(err, local->failure.status, "%d of %d runs failed, the first: %s", failed,
                       local->sweep->count, local->failure.message);
    return 0;
}

static int launch(struct rt_sweep *sweep, struct rt_error *err)
{
    struct local local = {.sweep = sweep};
    local.places = sweep->options.jobs ? sweep->options.jobs : sweep->options.cores;
    count_cores(&local);
    RT_TRY(rt_alloc(&local.children, (size_t)local.places, sizeof *local.children, "sweep", err));
    sigemptyset(&local.watched);
    sigaddset(&local.watched, SIGCHLD);
    sigprocmask(SIG_BLOCK, &local.watched, &local.before);
    sigprocmask(SIG_BLOCK, NULL, &local.watching);
    rt_overview_begin(&local.overview, sweep);
    int rc = carry_out(&local, err);
    rt_overview_end(&local.overview);
    sigprocmask(SIG_SETMASK, &local.before, NULL);
    rt_free(&local.children);
    return rc ? rc : conclude(&local, err);
}

const struct rt_launcher rt_launcher_local = {
    .name = "local",
    .help = "on this machine, its cores shared out",
    .patience = 2,
    .launch = launch,
};
