#include "track/warn.h"

#include <stdarg.h>
#include <stdio.h>

static void print(const char *prefix, const char *format, va_list args)
{
    char line[2048];

    vsnprintf(line, sizeof line, format, args);
    fprintf(stderr, "%s%s\n", prefix, line); /* one call: lines of several threads do not mix */
}

void rt_track_warn(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print("warning: ", format, args);
    va_end(args);
}

void rt_track_note(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print("", format, args);
    va_end(args);
}
