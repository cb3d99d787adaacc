#include "support/scratch.h"

#include <stdio.h>
#include <stdlib.h>

static char folder[RT_PATH_MAX];

int scratch_make(void **state)
{
    const char *const base = getenv("TMPDIR");

    snprintf(folder, sizeof folder, "%s/rethink-test-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    *state = folder;
    return 0;
}

int scratch_remove(void **state)
{
    char parent[RT_PATH_MAX];

    if (rt_path_folder(parent, *state, NULL))
        return -1;
    return rt_tree_remove(*state, parent, NULL) ? -1 : 0;
}

const char *in_scratch(void **state, const char *name)
{
    static char paths[4][RT_PATH_MAX];
    static int next;
    char *const path = paths[next++ % 4];

    return rt_path_join(path, *state, name, NULL) ? NULL : path;
}

int scratch_count(void **state)
{
    struct rt_names names = {0};
    const int count = rt_folder_list(&names, *state, NULL) ? -1 : names.count;

    rt_names_free(&names);
    return count;
}
