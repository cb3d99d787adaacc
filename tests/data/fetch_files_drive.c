/* Fetches four files of the test's own making: the pinned numbers are arguments here, and only here.
 * usage: fetch_files_drive HOME force|keep BASE MD5 BYTES (four times) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/fetch.h"

int main(int count, char **arguments)
{
    const struct rt_fetch how = {
        .stall_s = 1, .retry_s = 0.02, .replace = count > 2 && !strcmp(arguments[2], "force")};
    struct rt_fetch_files files = rt_fetch_mnist;
    char installed[RT_PATH_MAX] = "";
    struct rt_error err = {0};
    const char *bases[2] = {NULL};
    int rc;

    if (count != 12)
        return 2;
    bases[0] = arguments[3];
    files.bases = bases;
    for (int i = 0; i < 4; i++) {
        files.files[i].md5 = arguments[4 + 2 * i];
        files.files[i].bytes = atoll(arguments[5 + 2 * i]);
    }
    rc = rt_fetch_install_files(&files, &how, arguments[1], installed, &err);
    printf(rc ? "error: %s\n" : "installed: %s\n", rc ? err.message : installed);
    return rc;
}
