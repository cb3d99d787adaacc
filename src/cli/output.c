#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "data/source.h"

/* The terminal's one escaping function: what is neither plain nor a newline or tab becomes '?'. */
static void make_plain_lines(char *text)
{
    while (*text) {
        char *end = text + strcspn(text, "\n\t");
        const char kept = *end;

        *end = '\0';
        rt_utf8_make_plain(text);
        *end = kept;
        text = end + (kept ? 1 : 0);
    }
}

int rt_output(const char *string, struct rt_error *err)
{
    char *plain;
    bool written;

    RT_TRY(rt_strdup(&plain, string, err));
    make_plain_lines(plain);
    written = fputs(plain, stdout) >= 0 && !fflush(stdout);
    rt_free(&plain);
    if (written)
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

const char *rt_output_name(char name[RT_OUTPUT_NAME_MAX], const char *base, const char *data)
{
    const bool other = strcmp(data, rt_source_cifar10.name) != 0;

    snprintf(name, RT_OUTPUT_NAME_MAX, "%s%s%s", base, other ? "_" : "", other ? data : "");
    return name;
}
