#include "cli/output.h"

#include <errno.h>
#include <stdio.h>

int rt_output(const char *string, struct rt_error *err)
{
    if (fputs(string, stdout) >= 0 && !fflush(stdout))
        return RT_OK;
    if (errno == EPIPE) /* `rethink list | head` has seen enough: no reason for a message */
        return RT_EIO;
    return rt_fail_errno(err, RT_EIO, errno, "cannot write to standard output");
}

int rt_output_text(struct rt_text *text, struct rt_error *err)
{
    int rc = rt_text_check(text, err);

    if (!rc)
        rc = rt_output(rt_text_string(text), err);
    rt_text_free(text);
    return rc;
}
