#include <string.h>

#include "base/log.h"
#include "base/path.h"
#include "track/remote/mlflow.h"

static int send_file(struct rt_link *link, const char *root, const char *path, const char *name,
                     struct rt_error *err)
{
    const struct rt_mlflow *own = link->own;
    struct rt_http_request request = {.method = "PUT", .file = path};
    struct rt_text url = {0};
    int rc;

    rt_text_printf(&url, "%s/api/2.0/mlflow-artifacts/artifacts/%s/%s", own->base, root, name);
    rt_mlflow_fill_request(link, &request);
    request.url = rt_text_string(&url);
    rc = rt_text_check(&url, err);
    rc = rc ? rc : rt_link_call(link, &request, NULL, err);
    rt_text_free(&url);
    return rc;
}

/* What the server will not take is worth a warning, not the run's end there. */
static int send_file_if_there(struct rt_link *link, const char *root, const char *folder, const char *name,
                              struct rt_error *err)
{
    char path[RT_PATH_MAX];
    struct rt_error failure;

    RT_TRY(rt_path_join(path, link->run_dir, folder, err));
    RT_TRY(rt_path_join(path, path, name, err));
    if (!rt_path_is_file(path) || !send_file(link, root, path, name, &failure))
        return RT_OK;
    if (link->failure == RT_LINK_RETRY)
        return rt_fail(err, failure.status, "%s", failure.message);
    rt_log_warn("MLflow: %s; it stays in %s", failure.message, link->run_dir);
    return RT_OK;
}

int rt_mlflow_send_files(struct rt_link *link, const char *checkpoint, struct rt_error *err)
{
    static const char *const names[] = {"config.yaml", "result.json", "metrics.csv", "samples.png"};
    static const char proxied[] = "mlflow-artifacts:/";
    const char *root = link->position.root;

    if (strncmp(root, proxied, strlen(proxied))) {
        rt_log_note(
            "MLflow: files stay in %s: the server keeps them at %s, which needs that store's own client",
            link->run_dir, *root ? root : "an unknown place");
        return RT_OK;
    }
    root += strlen(proxied);
    if (*root == '/' && root[1]) /* mlflow-artifacts://HOST/root names the same server */
        root = strchr(root + 1, '/') ? strchr(root + 1, '/') + 1 : "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        RT_TRY(send_file_if_there(link, root, ".", names[i], err));
    return *checkpoint ? send_file_if_there(link, root, checkpoint, "model.safetensors", err) : RT_OK;
}
