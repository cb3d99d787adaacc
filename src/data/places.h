/* Places: where installed data sets live. */
#ifndef RT_DATA_PLACES_H
#define RT_DATA_PLACES_H

#include "base/error.h"
#include "base/path.h"

/* $XDG_DATA_HOME/rethink, or $HOME/.local/share/rethink (XDG Base Directory Specification: relative paths do
 * not count). Creates nothing. RT_EIO when neither is known; `advice` is what
 * the command at hand can do about it, for the end of the message. */
int rt_data_home(char path[RT_PATH_MAX], const char *advice, struct rt_error *err);

#endif
