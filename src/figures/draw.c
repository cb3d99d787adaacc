/* A figure's files: written and drawn in a folder aside, then renamed into place. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "base/process.h"
#include "figures/gnuplot.h"

static const char *const kinds[] = {"csv", "gp", "svg", "png", "pdf"};

enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

/* path = folder/NAME.KIND */
static int file_path(char path[RT_PATH_MAX], const char *folder, const char *name, const char *kind,
                     struct rt_error *err)
{
    char file[256];

    snprintf(file, sizeof file, "%s.%s", name, kind);
    return rt_path_join(path, folder, file, err);
}

static int write_text(const char *name, const char *folder, const char *kind, const struct rt_text *text,
                      struct rt_error *err)
{
    char path[RT_PATH_MAX];

    RT_TRY(rt_text_check(text, err));
    RT_TRY(file_path(path, folder, name, kind, err));
    return rt_file_write_all(path, text->bytes, text->length, err);
}

static int run_gnuplot(const char *folder, const char *name, struct rt_error *err)
{
    char script[256], said[4096];

    snprintf(script, sizeof script, "%s.gp", name);
    const char *const argv[] = {"gnuplot", script, NULL};
    int exit_code = 0;
    struct rt_error cause = {0};
    if (rt_process_run(argv, folder, said, sizeof said, &exit_code, &cause))
        return rt_fail(err, RT_EIO, "%s; gnuplot 5.4 or newer draws the figures: install Debian's gnuplot-nox",
                       cause.message);
    if (exit_code == 0)
        return RT_OK;
    size_t length = strlen(said);
    while (length && strchr("\n ", said[length - 1]))
        length--;
    said[length] = '\0';
    const char *newline = strrchr(said, '\n'); /* warnings may stand before it */
    return rt_fail(err, RT_EIO, "gnuplot %s: exit code %d: %s", script, exit_code,
                   newline ? newline + 1 : said);
}

/* What gnuplot wrote is not on the disk yet: after a loss of power a renamed file could be empty. */
static int sync_files(const char *folder, const char *name, struct rt_error *err)
{
    for (int i = 0; i < KIND_COUNT; i++) {
        char path[RT_PATH_MAX];
        int fd, rc;

        RT_TRY(file_path(path, folder, name, kinds[i], err));
        RT_TRY(rt_file_open(&fd, path, RT_OPEN_READ, err));
        rc = rt_file_sync(fd, path, err);
        rt_file_close_read(&fd);
        RT_TRY(rc);
    }
    return RT_OK;
}

static int publish(const char *aside, const char *folder, const char *name, struct rt_error *err)
{
    RT_TRY(sync_files(aside, name, err));
    for (int i = 0; i < KIND_COUNT; i++) {
        char from[RT_PATH_MAX], to[RT_PATH_MAX];
        RT_TRY(file_path(from, aside, name, kinds[i], err));
        RT_TRY(file_path(to, folder, name, kinds[i], err));
        RT_TRY(rt_file_check_replaceable(to, err));
        RT_TRY(rt_path_rename(from, to, err));
    }
    return rt_folder_sync(folder, err);
}

int rt_gnuplot_draw(const char *name, const struct rt_text *csv, const struct rt_text *script,
                    const char *directory, struct rt_error *err)
{
    char path[RT_PATH_MAX], aside[RT_PATH_MAX];

    RT_TRY(rt_folder_make(directory, err));
    RT_TRY(rt_path_join(path, directory, name, err));
    RT_TRY(rt_folder_make_temporary(aside, path, err));
    int rc;
    if (!(rc = write_text(name, aside, "csv", csv, err)) &&
        !(rc = write_text(name, aside, "gp", script, err)) && !(rc = run_gnuplot(aside, name, err)))
        rc = publish(aside, directory, name, err);
    const int removed = rt_tree_remove(aside, directory, rc ? NULL : err);
    return rc ? rc : removed;
}

int rt_figure_draw(const struct rt_figure *figure, const char *directory, struct rt_error *err)
{
    struct rt_text csv = {0}, script = {0};
    int rc;

    rt_figure_append_csv(figure, &csv);
    rt_figure_append_script(figure, &script);
    rc = rt_gnuplot_draw(figure->name, &csv, &script, directory, err);
    rt_text_free(&csv);
    rt_text_free(&script);
    return rc;
}
