#include "base/machine.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The first word of a file of the index-th cache; false: there is none. */
static bool read_word(int index, const char *name, char word[32])
{
    char path[128];
    FILE *file;
    bool found;

    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, name);
    if (!(file = fopen(path, "r")))
        return false;
    found = fscanf(file, "%31s", word) == 1;
    fclose(file);
    return found;
}

size_t rt_machine_cache_bytes(int level)
{
    char word[32];
    int found;
    size_t kib;

    for (int i = 0; read_word(i, "level", word); i++) {
        if (sscanf(word, "%d", &found) != 1 || found != level || !read_word(i, "type", word) ||
            !strcmp(word, "Instruction"))
            continue;
        if (read_word(i, "size", word) && sscanf(word, "%zuK", &kib) == 1)
            return kib * 1024;
    }
    return 0;
}
