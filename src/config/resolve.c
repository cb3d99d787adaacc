/* What names an experiment: a built-in name or a file. */
#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "config/builtin.h"
#include "config/model_defaults.h"

static bool looks_like_path(const char *name)
{
    return strchr(name, '/') || rt_path_has_suffix(name, ".yaml") || rt_path_has_suffix(name, ".yml");
}

/* Says that the file is not there, and that a built-in experiment has its name. */
static int missing_file(const char *path, struct rt_error *err)
{
    struct rt_experiment unused;
    char name[RT_TEXT_MAX];

    if (rt_copy_text(name, sizeof name, rt_path_name(path))) {
        name[strcspn(name, "/")] = '\0';
        if (rt_path_has_suffix(name, ".yaml"))
            name[strlen(name) - strlen(".yaml")] = '\0';
        if (!rt_experiment_builtin(&unused, name, NULL) && rt_published_model_known(unused.model_name))
            return rt_fail(err, RT_EIO,
                           "%s: no such file; '%s' is built in: give that name without folder and suffix", path,
                           name);
    }
    return rt_fail(err, RT_EIO, "%s: no such file", path);
}

int rt_experiment_resolve(struct rt_experiment *experiment, const char *name, struct rt_error *err)
{
    if (looks_like_path(name))
        return rt_path_exists(name) ? rt_experiment_read(experiment, name, err) : missing_file(name, err);
    if (!rt_experiment_builtin(experiment, name, err))
        return RT_OK;
    return rt_path_is_file(name) ? rt_experiment_read(experiment, name, err) : RT_ECONFIG;
}
