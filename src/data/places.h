/* Places: where installed data sets live. */
#ifndef RT_DATA_PLACES_H
#define RT_DATA_PLACES_H

#include "base/error.h"
#include "base/path.h"

/* $XDG_DATA_HOME/rethink, or $HOME/.local/share/rethink (XDG Base Directory Specification: relative paths do
 * not count). Creates nothing. RT_EIO when neither is known. */
int rt_data_home(char path[RT_PATH_MAX], struct rt_error *err);

#endif
