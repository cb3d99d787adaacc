#include <string.h>

#include "base/entry.h"
#include "base/log.h"
#include "track/remote/mlflow.h"

static const char proxied[] = RT_MLFLOW_PROXIED;

/* Appends the path below the server's artifacts; false when it is not one: an empty part, "." or "..", which
 * would lead elsewhere on the server, also percent-encoded. */
static bool append_root(struct rt_text *url, const char *path)
{
    while (*path == '/')
        path++;
    if (!*path || strpbrk(path, "%?#\\"))
        return false;
    while (*path) {
        const size_t length = strcspn(path, "/");
        char part[RT_URL_MAX];

        if (!length || length >= sizeof part || !strncmp(path, "..", length)) /* "." too */
            return false;
        memcpy(part, path, length);
        part[length] = '\0';
        rt_http_escape(url, part);
        rt_text_append(url, "/");
        path += length + (path[length] == '/');
    }
    return true;
}

static int put(struct rt_link *link, const char *folder_url, const struct rt_http_file *file, const char *name,
               struct rt_error *err)
{
    struct rt_http_request request = {.method = "PUT", .file = file};
    struct rt_text url = {0};
    int rc;

    rt_text_printf(&url, "%s%s", folder_url, name);
    rt_mlflow_fill_request(link, &request);
    request.url = rt_text_string(&url);
    rc = rt_text_check(&url, err);
    rc = rc ? rc : rt_link_call(link, &request, NULL, err);
    rt_text_free(&url);
    return rc;
}

/* Only regular files inside the run's folder: a link in it might lead to anything. */
static int send_file(struct rt_link *link, const char *folder_url, const char *inside, struct rt_error *err)
{
    struct rt_http_file file = {.path = inside};
    int rc;

    link->failure = RT_LINK_FINAL;
    RT_TRY(rt_entry_size(link->run_dir, inside, &file.size_bytes, err));
    RT_TRY(rt_entry_open(&file.fd, link->run_dir, inside, RT_OPEN_READ, err));
    rc = put(link, folder_url, &file, rt_path_name(inside), err);
    rt_file_close_read(&file.fd);
    return rc;
}

/* What the server will not take, or what is no file, is worth a warning, not the run's end there. */
static int send_file_if_there(struct rt_link *link, const char *folder_url, const char *inside,
                              struct rt_error *err)
{
    struct rt_error failure;

    if (rt_entry_look(link->run_dir, inside) == RT_ENTRY_NONE || !send_file(link, folder_url, inside, &failure))
        return RT_OK;
    if (link->failure == RT_LINK_RETRY)
        return rt_fail(err, failure.status, "%s", failure.message);
    rt_log_warn("MLflow: %s; it stays in %s", failure.message, link->run_dir);
    return RT_OK;
}

static int send_all(struct rt_link *link, const char *folder_url, const char *checkpoint, struct rt_error *err)
{
    static const char *const names[] = {"config.yaml", "result.json", "metrics.csv", "samples.png"};
    char model[RT_PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        RT_TRY(send_file_if_there(link, folder_url, names[i], err));
    if (!*checkpoint)
        return RT_OK;
    RT_TRY(rt_path_join(model, checkpoint, "model.safetensors", err));
    return send_file_if_there(link, folder_url, model, err);
}

int rt_mlflow_send_files(struct rt_link *link, const char *checkpoint, struct rt_error *err)
{
    const struct rt_mlflow *own = link->own;
    const char *root = link->position.root;
    struct rt_text url = {0};
    int rc;

    if (strncmp(root, proxied, strlen(proxied))) {
        rt_log_note(
            "MLflow: files stay in %s: the server keeps them at %s, which needs that store's own client",
            link->run_dir, *root ? root : "an unknown place");
        return RT_OK;
    }
    rt_text_printf(&url, "%s/api/2.0/mlflow-artifacts/artifacts/", own->base);
    if (append_root(&url, root + strlen(proxied))) {
        rc = rt_text_check(&url, err);
        rc = rc ? rc : send_all(link, rt_text_string(&url), checkpoint, err);
    } else {
        rt_log_warn(
            "MLflow: files stay in %s: the server names %s as their place, which is no path below its own",
            link->run_dir, root);
        rc = RT_OK;
    }
    rt_text_free(&url);
    return rc;
}
