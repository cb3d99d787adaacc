/* The launchers for a cluster: the plan as one Slurm job array, submitted or only shown.
 *
 * Each member runs one run's command line. Pre-emption (SIGTERM) and the warning before the time limit
 * (SIGUSR1) are passed on to it; it saves, and the member is queued again. Runs that are finished are not in
 * the array. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"
#include "sweep/sweep.h"

enum { WARNING_S = 90 }; /* before the time limit: room to save */

static void append_word(struct rt_text *script, const char *word)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
    if (*word && strspn(word, safe) == strlen(word)) {
        rt_text_append(script, word);
        return;
    }
    rt_text_append(script, "'");
    for (; *word; word++) {
        if (*word == '\'')
            rt_text_append(script, "'\\''");
        else
            rt_text_append_bytes(script, word, 1);
    }
    rt_text_append(script, "'");
}

static void append_member(struct rt_text *script, const struct rt_sweep *sweep, const struct rt_sweep_run *run,
                          int index)
{
    rt_text_printf(script, "%d)\n", index);
    for (int stage = run->stage; stage < run->stage_count; stage++) {
        struct rt_sweep_command command;
        rt_sweep_command(&command, sweep, run, stage);
        rt_text_append(script, "    start");
        for (int i = 0; command.words[i]; i++) {
            rt_text_append(script, " ");
            append_word(script, command.words[i]);
        }
        rt_text_append(script, stage + 1 < run->stage_count ? " &&\n" : "\n");
    }
    rt_text_append(script, "    ;;\n");
}

static void append_options(struct rt_text *script, const struct rt_sweep_options *options, int members,
                           int cores)
{
    rt_text_printf(script, "#SBATCH --job-name=rethink\n#SBATCH --array=0-%d", members - 1);
    if (options->jobs > 0)
        rt_text_printf(script, "%%%d", options->jobs);
    rt_text_printf(script, "\n#SBATCH --ntasks=1\n#SBATCH --cpus-per-task=%d\n", cores);
    if (options->partition)
        rt_text_printf(script, "#SBATCH --partition=%s\n", options->partition);
    if (options->time_limit)
        rt_text_printf(script, "#SBATCH --time=%s\n", options->time_limit);
    if (options->memory)
        rt_text_printf(script, "#SBATCH --mem=%s\n", options->memory);
    rt_text_printf(script, "#SBATCH --requeue\n#SBATCH --signal=USR1@%d\n#SBATCH --open-mode=append\n",
                   WARNING_S);
    rt_text_printf(script, "#SBATCH --output=\"%s/slurm-%%A_%%a.log\"\n", options->runs);
}

/* Each command is a job step: Slurm signals those, not the script, at pre-emption and before the time limit. */
static const char functions[] = "\nstart() {\n"
                                "    srun --quiet --ntasks=1 --cpus-per-task=\"$SLURM_CPUS_PER_TASK\" \"$@\"\n"
                                "}\n\n";

/* A member that is being cancelled is COMPLETING by now. */
static const char requeue[] =
    "code=$?\n"
    "member=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\n"
    "# Interrupted and saved, and not by scancel: queued again, to go on from there.\n"
    "if [ \"$code\" -eq 6 ] && scontrol show job \"$member\" | grep -q 'JobState=RUNNING'; then\n"
    "    scontrol requeue \"$member\"\n"
    "fi\n"
    "exit \"$code\"\n";

static int make_script(struct rt_text *script, const struct rt_sweep *sweep, int *members, struct rt_error *err)
{
    char here[RT_PATH_MAX];
    int cores = 1;
    *members = 0;
    if (!getcwd(here, sizeof here))
        return rt_fail(err, RT_EIO, "cannot tell the current directory");
    for (int i = 0; i < sweep->count; i++) {
        if (sweep->runs[i].state == RT_SWEEP_FINISHED)
            continue;
        ++*members;
        cores = sweep->runs[i].cores > cores ? sweep->runs[i].cores : cores;
    }
    rt_text_append(script, "#!/bin/bash\n");
    append_options(script, &sweep->options, *members, cores);
    rt_text_append(script, functions);
    rt_text_append(script, "cd ");
    append_word(script, here);
    rt_text_append(script, " || exit\ncase $SLURM_ARRAY_TASK_ID in\n");
    int index = 0;
    for (int i = 0; i < sweep->count; i++)
        if (sweep->runs[i].state != RT_SWEEP_FINISHED)
            append_member(script, sweep, &sweep->runs[i], index++);
    rt_text_append(script, "esac\n");
    rt_text_append(script, requeue);
    return rt_text_check(script, err);
}

static int print_script(struct rt_sweep *sweep, struct rt_error *err)
{
    struct rt_text script = {0};
    int members;
    int rc = make_script(&script, sweep, &members, err);
    if (!rc && members == 0)
        rt_log_info("nothing to submit: all %d runs are finished", sweep->count);
    else if (!rc && (fputs(rt_text_string(&script), stdout) < 0 || fflush(stdout)))
        rc = rt_fail(err, RT_EIO, "cannot write to standard output");
    rt_text_free(&script);
    return rc;
}

static int run_sbatch(const char *path, int members, struct rt_error *err)
{
    const char *const argv[] = {"sbatch", "--parsable", path, NULL};
    char said[512];
    int exit_code = 0;
    struct rt_error cause = {0};
    if (rt_process_run(argv, NULL, said, sizeof said, &exit_code, &cause))
        return rt_fail(err, RT_EIO,
                       "%s; --launcher slurm needs Slurm's sbatch, --launcher print shows the script",
                       cause.message);
    said[strcspn(said, "\n")] = 0;
    if (exit_code != 0)
        return rt_fail(err, RT_EIO, "sbatch %s: exit code %d: %s", path, exit_code, said);
    rt_log_info(
        "submitted job array %s: %d run%s (%s); squeue --job %s shows it, the same command submits what is "
        "unfinished",
        said, members, members > 1 ? "s" : "", path, said);
    return 0;
}

static int submit(struct rt_sweep *sweep, struct rt_error *err)
{
    struct rt_text script = {0};
    char path[RT_PATH_MAX];
    int members;
    int rc = make_script(&script, sweep, &members, err);
    if (!rc && members == 0)
        rt_log_info("nothing to submit: all %d runs are finished", sweep->count);
    else if (!rc && !(rc = rt_folder_make(sweep->options.runs, err)) &&
             !(rc = rt_path_join(path, sweep->options.runs, "sweep-slurm.sh", err)) &&
             !(rc = rt_file_write_all(path, rt_text_string(&script), script.length, err)))
        rc = run_sbatch(path, members, err);
    rt_text_free(&script);
    return rc;
}

const struct rt_launcher rt_launcher_slurm = {
    .name = "slurm",
    .help = "submitted to Slurm as one job array",
    .launch = submit,
};

const struct rt_launcher rt_launcher_print = {
    .name = "print",
    .help = "only shown, as the script of that job array",
    .launch = print_script,
};
