#include "cli/output.h"

#include <errno.h>
#include <stdio.h>

int rt_output(const char *string, struct rt_error *err)
{
    if (fputs(string, stdout) < 0 || fflush(stdout))
        return rt_fail_errno(err, RT_EIO, errno, "cannot write to standard output");
    return RT_OK;
}

int rt_output_text(struct rt_text *text, struct rt_error *err)
{
    int rc = rt_text_check(text, err);

    if (!rc)
        rc = rt_output(rt_text_string(text), err);
    rt_text_free(text);
    return rc;
}
