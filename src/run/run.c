#include "run/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/entry.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "config/yaml.h"
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

/* If a folder of the run were a link, an untrusted run could make us write anywhere. */
static int check_place(const char *runs, const struct rt_experiment *experiment, struct rt_error *err)
{
    char name[2 * RT_TEXT_MAX + 1], path[RT_PATH_MAX];
    const char *const names[] = {experiment->model_name, name};

    snprintf(name, sizeof name, "%s/%s", experiment->model_name, experiment->experiment_name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        RT_TRY(rt_entry_path(path, runs, names[i], err));
        if (rt_entry_look(runs, names[i]) == RT_ENTRY_OTHER) {
            if (access(path, F_OK) && errno == EACCES)
                return rt_fail_errno(err, RT_EIO, errno, "cannot reach %s", path);
            return rt_fail(
                err, RT_EIO,
                "%s is a link or no folder: runs are not reached through links; --runs names another place",
                path);
        }
        if (rt_entry_look(runs, names[i]) == RT_ENTRY_NONE)
            break;
    }
    return RT_OK;
}

int rt_run_open(struct rt_run *run, const char *runs, const struct rt_experiment *experiment,
                struct rt_error *err)
{
    int rc;

    *run = (struct rt_run){0};
    runs = runs ? runs : RT_RUNS_DEFAULT;
    RT_TRY(rt_run_path(run->path, runs, experiment, err));
    RT_TRY(rt_folder_make(runs, err));
    RT_TRY(check_place(runs, experiment, err));
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

    /* The newest first: if we are interrupted, the rest is still a run that can be resumed. */
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

    /* The result first: if we are interrupted, a finished run without a checkpoint would be refused. */
    RT_TRY(rt_path_join(path, run->path, RT_RESULT_FILE, err));
    RT_TRY(rt_file_remove(path, err));
    RT_TRY(remove_checkpoints(run, experiment->experiment_name, err));
    for (int i = 0; i < RT_HISTORY_COUNT; i++) {
        RT_TRY(rt_path_join(path, run->path, rt_history_kinds[i].file, err));
        RT_TRY(rt_file_remove(path, err));
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        RT_TRY(rt_path_join(path, run->path, names[i], err));
        RT_TRY(rt_file_remove(path, err));
    }
    return RT_OK;
}

int rt_run_write_config(const struct rt_run *run, const struct rt_experiment *experiment, struct rt_error *err)
{
    char *yaml = NULL;
    int rc;

    RT_TRY(rt_experiment_format(experiment, &yaml, err));
    rc = rt_entry_write(run->path, RT_CONFIG_FILE, yaml, strlen(yaml), err);
    rt_free(&yaml);
    return rc;
}

int rt_run_read_config(struct rt_experiment *experiment, const char *run_dir, struct rt_error *err)
{
    char path[RT_PATH_MAX], *bytes = NULL;
    size_t size;
    int rc;

    RT_TRY(rt_path_join(path, run_dir, RT_CONFIG_FILE, err));
    RT_TRY(rt_entry_read(run_dir, RT_CONFIG_FILE, RT_YAML_BYTES_MAX, &bytes, &size, err));
    rc = rt_experiment_parse(experiment, path, bytes, size, err);
    rt_free(&bytes);
    return rc;
}

int rt_run_write_result(const struct rt_run *run, const struct rt_result *result, struct rt_error *err)
{
    return rt_result_write(result, run->path, err);
}

/* ---- listing ---- */

static int add_entry(struct rt_run_entry **entry, struct rt_run_list *list, const char *path,
                     struct rt_error *err)
{
    RT_TRY(rt_realloc(&list->items, (size_t)list->count + 1, sizeof *list->items, "a list of runs", err));
    *entry = &list->items[list->count++];
    **entry = (struct rt_run_entry){0};
    return rt_path_join((*entry)->path, "", path, err);
}

/* A run that cannot be read is listed with an error, along with the others. */
static int note_trouble(struct rt_run_entry *entry, int rc, const struct rt_error *trouble,
                        struct rt_error *err)
{
    if (rc == RT_EMEMORY)
        return rt_fail(err, RT_EMEMORY, "%s", trouble->message);
    snprintf(entry->trouble, sizeof entry->trouble, "%.255s", trouble->message);
    rt_utf8_make_plain(entry->trouble); /* a character may have been cut in two */
    return RT_OK;
}

static int add_trouble(struct rt_run_list *list, const char *path, int rc, const struct rt_error *trouble,
                       struct rt_error *err)
{
    struct rt_run_entry *entry;

    RT_TRY(add_entry(&entry, list, path, err));
    return note_trouble(entry, rc, trouble, err);
}

/* Fills in one more entry if `path` is a run. */
static int look_at(struct rt_run_list *list, const char *path, struct rt_error *err)
{
    struct rt_run_entry *entry;
    struct rt_error trouble;
    int fd, rc;

    if (rt_entry_look(path, RT_CONFIG_FILE) == RT_ENTRY_NONE)
        return RT_OK;
    if ((rc = rt_entry_open(&fd, path, RT_CONFIG_FILE, RT_OPEN_READ, &trouble)))
        return add_trouble(list, path, rc, &trouble, err);
    rt_file_close_read(&fd);
    RT_TRY(add_entry(&entry, list, path, err));
    entry->holder = rt_lock_holder(path, RT_LOCK_FILE);
    if (rt_entry_look(path, RT_RESULT_FILE) == RT_ENTRY_NONE)
        return RT_OK;
    rc = rt_result_read(&entry->result, path, &trouble);
    entry->has_result = !rc;
    return rc ? note_trouble(entry, rc, &trouble, err) : RT_OK;
}

static int look_into(struct rt_run_list *list, const char *folder, int depth, struct rt_error *err);

/* One name in a folder of runs, `depth` levels above them. */
static int look_at_name(struct rt_run_list *list, const char *folder, const char *name, int depth,
                        struct rt_error *err)
{
    struct rt_error trouble;
    char path[RT_PATH_MAX];
    int rc;

    RT_TRY(rt_path_join(path, folder, name, err));
    if (rt_entry_look(folder, name) == RT_ENTRY_FOLDER) {
        if (!depth)
            return look_at(list, path, err);
        rc = look_into(list, path, depth - 1, &trouble);
        return rc ? add_trouble(list, path, rc, &trouble, err) : RT_OK;
    }
    if (!rt_path_is_folder(path))
        return RT_OK;
    rc = rt_fail(&trouble, RT_EIO, "%s is a link: runs are not reached through links", path);
    return add_trouble(list, path, rc, &trouble, err);
}

static int look_into(struct rt_run_list *list, const char *folder, int depth, struct rt_error *err)
{
    struct rt_names names = {0};
    int rc = rt_folder_list(&names, folder, err);

    for (int i = 0; i < names.count && !rc; i++)
        if (*names.items[i] != '.')
            rc = look_at_name(list, folder, names.items[i], depth, err);
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

int rt_run_find(char path[RT_PATH_MAX], const char *runs, const char *name, struct rt_error *err)
{
    struct rt_nearest nearest = {.word = name};
    struct rt_run_list list = {0};
    const char *found = NULL;
    char hint[RT_TEXT_MAX];
    int rc = RT_OK;

    if (!rt_path_is_folder(runs))
        return rt_fail(err, RT_EDATA, "%s: no such run: there is no folder %s (--runs names another)", name,
                       runs);
    RT_TRY(rt_run_list(&list, runs, err));
    for (int i = 0; i < list.count && !rc; i++) {
        const char *item = rt_path_name(list.items[i].path);

        rt_nearest_offer(&nearest, item);
        if (strcmp(item, name) != 0)
            continue;
        if (found)
            rc = rt_fail(err, RT_EDATA, "%s: two runs have this name, %s and %s: give the folder", name, found,
                         list.items[i].path);
        found = list.items[i].path;
    }
    if (!rc && found)
        rc = rt_path_join(path, "", found, err);
    else if (!rc)
        rc = rt_fail(err, RT_EDATA, "%s: no such run in %s%s", name, runs,
                     nearest.best ? rt_nearest_hint(&nearest, hint, sizeof hint)
                                  : " ('rethink list' shows what is there)");
    rt_run_list_free(&list);
    return rc;
}

const char *rt_run_entry_state(const struct rt_run_entry *entry)
{
    if (entry->holder)
        return "running";
    if (!entry->has_result)
        return "-";
    return rt_run_state_name(entry->result.state == RT_RUN_running ? RT_RUN_interrupted : entry->result.state);
}
