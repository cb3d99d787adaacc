#include "data/places.h"

#include <stdio.h>
#include <stdlib.h>

int rt_data_home(char path[RT_PATH_MAX], const char *advice, struct rt_error *err)
{
    const char *base = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int length;

    if (base && base[0] == '/')
        length = snprintf(path, RT_PATH_MAX, "%s/rethink", base);
    else if (home && home[0] == '/')
        length = snprintf(path, RT_PATH_MAX, "%s/.local/share/rethink", home);
    else
        return rt_fail(err, RT_EIO, "no data directory: neither HOME nor XDG_DATA_HOME is an absolute path; %s",
                       advice);
    if (length < 0 || length >= RT_PATH_MAX)
        return rt_fail(err, RT_EIO, "the data directory's path is too long");
    return RT_OK;
}
