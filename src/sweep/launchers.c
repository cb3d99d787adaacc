/* The list of launchers. */
#include <string.h>

#include "sweep/sweep.h"

const struct rt_launcher *const rt_launchers[] = {
#define RT_LAUNCHER_ADDRESS(name, help) &rt_launcher_##name,
    RT_LAUNCHERS(RT_LAUNCHER_ADDRESS) NULL
#undef RT_LAUNCHER_ADDRESS
};

const struct rt_launcher *rt_launcher_find(const struct rt_sweep *sweep, const char *name)
{
    if (!name)
        return sweep->slots ? &rt_launcher_threads : &rt_launcher_local;
    for (int i = 0; rt_launchers[i]; i++)
        if (!strcmp(rt_launchers[i]->name, name))
            return rt_launchers[i];
    return NULL;
}
