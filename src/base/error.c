#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static void format_message(struct rt_error *err, const char *format, va_list args)
{
    const int wanted = vsnprintf(err->message, sizeof err->message, format, args);

    if (wanted >= (int)sizeof err->message)
        memcpy(err->message + sizeof err->message - 4, "...", 4);
    rt_utf8_make_plain(err->message); /* messages quote the content of untrusted files */
}

/* In parentheses: to clang-tidy these are macros too. */
int(rt_fail)(struct rt_error *err, enum rt_status status, const char *format, ...)
{
    va_list args;

    if (!err)
        return (int)status;
    err->status = status;
    va_start(args, format);
    format_message(err, format, args);
    va_end(args);
    return (int)status;
}

int(rt_fail_errno)(struct rt_error *err, enum rt_status status, int saved_errno, const char *format, ...)
{
    va_list args;
    size_t length;

    if (saved_errno == ENOMEM)
        status = RT_EMEMORY;
    if (!err)
        return (int)status;
    err->status = status;
    va_start(args, format);
    format_message(err, format, args);
    va_end(args);
    length = strlen(err->message);
    snprintf(err->message + length, sizeof err->message - length, ": %s", strerror(saved_errno));
    return (int)status;
}

int rt_status_exit_code(enum rt_status status)
{
    return (int)status;
}

const char *rt_status_meaning(enum rt_status status)
{
    switch (status) {
#define RT_STATUS_CASE(symbol, code, meaning)                                                                  \
    case RT_##symbol:                                                                                          \
        return meaning;
        RT_STATUSES(RT_STATUS_CASE)
#undef RT_STATUS_CASE
    }
    return "unknown status";
}
