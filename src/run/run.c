#include "run/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/checkpoint.h"

int rt_run_path(char path[RT_PATH_MAX], const char *runs, const struct rt_experiment *experiment,
                struct rt_error *err)
{
    RT_TRY(rt_path_join(path, runs ? runs : RT_RUNS_DEFAULT, experiment->model_name, err));
    return rt_path_join(path, path, experiment->experiment_name, err);
}

/* An earlier process may have been killed after it made the folders and before they were on disk. */
static int sync_parents(const char *path, struct rt_error *err)
{
    char folder[RT_PATH_MAX];

    RT_TRY(rt_path_folder(folder, path, err));
    RT_TRY(rt_folder_sync(folder, err)); /* RUNS/MODEL */
    RT_TRY(rt_path_folder(folder, folder, err));
    return rt_folder_sync(folder, err); /* RUNS */
}

int rt_run_open(struct rt_run *run, const char *runs, const struct rt_experiment *experiment,
                struct rt_error *err)
{
    int rc;

    *run = (struct rt_run){0};
    RT_TRY(rt_run_path(run->path, runs, experiment, err));
    RT_TRY(rt_folder_make(run->path, err));
    RT_TRY(rt_lock_acquire(&run->lock, run->path, RT_LOCK_FILE, err));
    if (!(rc = rt_folder_remove_temporaries(run->path, err)))
        rc = sync_parents(run->path, err);
    if (rc)
        rt_run_close(run);
    return rc;
}

void rt_run_close(struct rt_run *run)
{
    rt_lock_release(&run->lock);
}

void rt_run_abandon(struct rt_run *run)
{
    char folder[RT_PATH_MAX];
    struct rt_names names = {0};

    if (run->lock.held && !rt_folder_list(&names, run->path, NULL) && names.count == 1 &&
        !strcmp(names.items[0], RT_LOCK_FILE)) {
        rt_lock_remove(&run->lock);
        rt_path_folder(folder, run->path, NULL);
        rmdir(run->path);
        rmdir(folder); /* stays where other runs are */
    }
    rt_names_free(&names);
    rt_run_close(run);
}

static int remove_checkpoints(const struct rt_run *run, const char *experiment_name, struct rt_error *err)
{
    struct rt_checkpoint_list list = {0};
    char path[RT_PATH_MAX];
    int rc = rt_checkpoint_list(&list, run->path, experiment_name, err);

    /* The newest first: were we stopped half-way, the rest would still be a run that one can go on with. */
    for (int i = list.count - 1; i >= 0 && !rc; i--)
        if (!(rc = rt_path_join(path, run->path, list.items[i].name, err)))
            rc = rt_tree_discard(path, run->path, err);
    rt_checkpoint_list_free(&list);
    return rc;
}

int rt_run_clear(const struct rt_run *run, const struct rt_experiment *experiment, const char *metrics,
                 struct rt_error *err)
{
    const char *const names[] = {metrics, RT_LOG_FILE, RT_CONFIG_FILE};
    char path[RT_PATH_MAX];

    /* The result first: a finished run without a checkpoint would be refused, were we stopped half-way. */
    RT_TRY(rt_path_join(path, run->path, RT_RESULT_FILE, err));
    RT_TRY(rt_file_remove(path, err));
    RT_TRY(remove_checkpoints(run, experiment->experiment_name, err));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        RT_TRY(rt_path_join(path, run->path, names[i], err));
        RT_TRY(rt_file_remove(path, err));
    }
    return RT_OK;
}

int rt_run_write_config(const struct rt_run *run, const struct rt_experiment *experiment, struct rt_error *err)
{
    char path[RT_PATH_MAX], *yaml = NULL;
    int rc;

    RT_TRY(rt_path_join(path, run->path, RT_CONFIG_FILE, err));
    RT_TRY(rt_experiment_format(experiment, &yaml, err));
    rc = rt_file_write_all(path, yaml, strlen(yaml), err);
    rt_free(&yaml);
    return rc;
}

int rt_run_write_result(const struct rt_run *run, const struct rt_result *result, struct rt_error *err)
{
    char path[RT_PATH_MAX];

    RT_TRY(rt_path_join(path, run->path, RT_RESULT_FILE, err));
    return rt_result_write(result, path, err);
}

/* ---- listing ---- */

/* Fills in one more entry if `path` is a run. */
static int look_at(struct rt_run_list *list, const char *path, struct rt_error *err)
{
    char config[RT_PATH_MAX], file[RT_PATH_MAX];
    struct rt_run_entry *entry;
    struct rt_error trouble;
    int rc;

    RT_TRY(rt_path_join(config, path, RT_CONFIG_FILE, err));
    if (!rt_path_is_file(config)) {
        if (access(path, X_OK))
            rt_log_warn("cannot open the folder %s: %s: left out", path, strerror(errno));
        return RT_OK;
    }
    RT_TRY(rt_realloc(&list->items, (size_t)list->count + 1, sizeof *list->items, "a list of runs", err));
    entry = &list->items[list->count++];
    *entry = (struct rt_run_entry){0};
    RT_TRY(rt_path_join(entry->path, "", path, err));
    entry->holder = rt_lock_holder(path, RT_LOCK_FILE);
    RT_TRY(rt_path_join(file, path, RT_RESULT_FILE, err));
    if (!rt_path_exists(file))
        return RT_OK;
    rc = rt_result_read(&entry->result, file, &trouble);
    entry->has_result = !rc;
    if (rc == RT_EMEMORY)
        return rt_fail(err, RT_EMEMORY, "%s", trouble.message);
    if (rc)
        snprintf(entry->trouble, sizeof entry->trouble, "%.255s", trouble.message);
    return RT_OK;
}

static int look_into(struct rt_run_list *list, const char *folder, int depth, struct rt_error *err)
{
    struct rt_names names = {0};
    char path[RT_PATH_MAX];
    struct rt_error trouble;
    int rc = rt_folder_list(&names, folder, &trouble);

    if (rc == RT_EIO && depth == 0) { /* of many, one that is not for us to read */
        rt_log_warn("%s: left out", trouble.message);
        rt_names_free(&names);
        return RT_OK;
    }
    if (rc)
        rt_fail(err, trouble.status, "%s", trouble.message);
    for (int i = 0; i < names.count && !rc; i++) {
        if (*names.items[i] == '.' || (rc = rt_path_join(path, folder, names.items[i], err)) ||
            !rt_path_is_folder(path))
            continue;
        rc = depth ? look_into(list, path, depth - 1, err) : look_at(list, path, err);
    }
    rt_names_free(&names);
    return rc;
}

int rt_run_list(struct rt_run_list *list, const char *runs, struct rt_error *err)
{
    struct rt_run_list found = {0};
    int rc = look_into(&found, runs ? runs : RT_RUNS_DEFAULT, 1, err);

    if (rc)
        rt_run_list_free(&found);
    else
        *list = found;
    return rc;
}

void rt_run_list_free(struct rt_run_list *list)
{
    rt_free(&list->items);
    list->count = 0;
}

const char *rt_run_entry_state(const struct rt_run_entry *entry)
{
    if (entry->holder)
        return "running";
    if (!entry->has_result)
        return "-";
    return rt_run_state_name(entry->result.state == RT_RUN_running ? RT_RUN_interrupted : entry->result.state);
}
