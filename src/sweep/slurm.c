/* The launchers for a cluster: the plan as one Slurm job array, submitted or only shown.
 *
 * Each member runs one run's command line. Pre-emption (SIGTERM) and the warning before the time limit
 * (SIGUSR1) are passed on to it; it saves, and the member is requeued. Runs that are finished are not in the
 * array. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"
#include "base/utf8.h"
#include "sweep/sweep.h"

enum { WARNING_S = 90 }; /* before the time limit: room to save */

/* One word, as both the shell and sbatch (in its #SBATCH lines, where a backslash counts between single quotes
 * too) read it back. Control characters are refused before: check_words. */
static void append_word(struct rt_text *script, const char *word)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";

    if (*word && strspn(word, safe) == strlen(word)) {
        rt_text_append(script, word);
        return;
    }
    rt_text_append(script, "'");
    for (; *word; word++) {
        if (*word == '\'' || *word == '\\')
            rt_text_printf(script, "'\\%c'", *word);
        else
            rt_text_append_bytes(script, word, 1);
    }
    rt_text_append(script, "'");
}

static int check_word(const char *what, const char *word, struct rt_error *err)
{
    char shown[128];

    for (const char *c = word ? word : ""; *c; c++) {
        if ((unsigned char)*c >= ' ' && *c != 0x7f)
            continue;
        snprintf(shown, sizeof shown, "%.127s", word);
        rt_utf8_make_plain(shown);
        return rt_fail(err, RT_EUSAGE,
                       "%s '%s' has a control character (byte 0x%02x), which a job's script must not have",
                       what, shown, (unsigned)*c);
    }
    return RT_OK;
}

/* All external text in the script. */
static int check_words(const struct rt_sweep *sweep, const char *here, struct rt_error *err)
{
    const struct rt_sweep_options *options = &sweep->options;

    RT_TRY(check_word("the current directory", here, err));
    RT_TRY(check_word("--runs", options->runs, err));
    if (strchr(options->runs, '\\'))
        return rt_fail(err, RT_EUSAGE,
                       "--runs '%s' has a backslash, which Slurm would take out of the names of its logs",
                       options->runs);
    RT_TRY(check_word("--partition", options->partition, err));
    RT_TRY(check_word("--time", options->time_limit, err));
    RT_TRY(check_word("--memory", options->memory, err));
    for (int i = 0; i < sweep->count; i++) {
        struct rt_sweep_command command;
        rt_sweep_command(&command, sweep, &sweep->runs[i], 0);
        for (int k = 0; command.words[k]; k++)
            RT_TRY(check_word(command.words[k - (k > 0)], command.words[k], err));
    }
    return RT_OK;
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

static void append_option(struct rt_text *script, const char *name, const char *value)
{
    if (!value)
        return;
    rt_text_printf(script, "#SBATCH --%s=", name);
    append_word(script, value);
    rt_text_append(script, "\n");
}

/* RUNS/slurm-JOB_MEMBER.log: in a file's pattern, a percent sign of its own is doubled. */
static void append_output(struct rt_text *script, const char *runs)
{
    struct rt_text pattern = {0};

    for (; *runs; runs++) {
        if (*runs == '%')
            rt_text_append(&pattern, "%");
        rt_text_append_bytes(&pattern, runs, 1);
    }
    rt_text_append(&pattern, "/slurm-%A_%a.log");
    append_option(script, "output", rt_text_string(&pattern));
    script->failed |= pattern.failed;
    rt_text_free(&pattern);
}

static void append_options(struct rt_text *script, const struct rt_sweep_options *options, int members,
                           int cores)
{
    rt_text_printf(script, "#SBATCH --job-name=rethink\n#SBATCH --array=0-%d", members - 1);
    if (options->jobs > 0)
        rt_text_printf(script, "%%%d", options->jobs);
    rt_text_printf(script, "\n#SBATCH --ntasks=1\n#SBATCH --cpus-per-task=%d\n", cores);
    append_option(script, "partition", options->partition);
    append_option(script, "time", options->time_limit);
    append_option(script, "mem", options->memory);
    rt_text_printf(script, "#SBATCH --requeue\n#SBATCH --signal=USR1@%d\n#SBATCH --open-mode=append\n",
                   WARNING_S);
    append_output(script, options->runs);
}

/* Each command is a job step: Slurm signals those, not the script, at pre-emption and before the time limit. */
static const char functions[] = "\nstart() {\n"
                                "    srun --quiet --ntasks=1 --cpus-per-task=\"$SLURM_CPUS_PER_TASK\" \"$@\"\n"
                                "}\n\n";

/* A member that is being cancelled is COMPLETING by now. */
static const char requeue[] =
    "code=$?\n"
    "member=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\n"
    "# Interrupted and saved, and not by scancel: queued again, to resume from there.\n"
    "if [ \"$code\" -eq 6 ]; then\n"
    "    if ! command -v scontrol >/dev/null; then\n"
    "        echo \"rethink: job $member saved, but cannot be queued again: scontrol is not on PATH here; the "
    "command that submitted it submits what is unfinished\" >&2\n"
    "    elif scontrol show job \"$member\" | grep -q 'JobState=RUNNING'; then\n"
    "        scontrol requeue \"$member\"\n"
    "    fi\n"
    "fi\n"
    "exit \"$code\"\n";

static int make_script(struct rt_text *script, const struct rt_sweep *sweep, int *members, struct rt_error *err)
{
    char here[RT_PATH_MAX];
    int cores = 1;
    *members = 0;
    if (!getcwd(here, sizeof here))
        return rt_fail(err, RT_EIO, "cannot tell the current directory");
    RT_TRY(check_words(sweep, here, err));
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
    return RT_OK;
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

const struct rt_launcher rt_launcher_slurm = {.name = "slurm", .launch = submit};
const struct rt_launcher rt_launcher_print = {.name = "print", .launch = print_script};
