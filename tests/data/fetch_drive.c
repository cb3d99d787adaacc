/* Fetches an archive of the test's own making: the pinned numbers are arguments here, and only here.
 * usage: fetch_drive HOME SHA256 ARCHIVE_BYTES FILE_BYTES SHA256,... force|keep URL... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "data/fetch.h"

static int64_t furthest;

static void on_progress(void *context, int64_t received, int64_t total)
{
    (void)context;
    if (received > furthest && received <= total)
        furthest = received;
}

int main(int count, char **arguments)
{
    struct rt_fetch fetch = {.progress = on_progress, .stall_s = 1, .retry_s = 0.02};
    struct rt_error err = {0};
    char installed[RT_PATH_MAX] = "";
    int rc;

    if (count < 8) {
        fprintf(stderr,
                "usage: fetch_drive HOME SHA256 ARCHIVE_BYTES FILE_BYTES SHA256,... force|keep URL...\n");
        return 2;
    }
    fetch.sha256 = arguments[2];
    fetch.archive_bytes = atoll(arguments[3]);
    fetch.file_bytes = atoll(arguments[4]);
    for (int i = 0; i < 6; i++)
        fetch.file_sha256[i] = strtok(i ? NULL : arguments[5], ",");
    fetch.replace = !strcmp(arguments[6], "force");
    fetch.urls = (const char *const *)arguments + 7; /* ended by null */
    rc = rt_fetch_install(&fetch, arguments[1], installed, &err);
    if (rc)
        printf("error: %s\n", err.message);
    else
        printf("installed: %s\nprogress: %lld\n", installed, (long long)furthest);
    return rc;
}
