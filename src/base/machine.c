#include "base/machine.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

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

/* The number behind the first word of a line of a file; `fallback` where there is none. */
static double read_number(const char *path, const char *format, double fallback)
{
    char line[256];
    double number = fallback;
    FILE *file = fopen(path, "r");

    if (!file)
        return fallback;
    while (fgets(line, sizeof line, file) && sscanf(line, format, &number) != 1)
        continue;
    fclose(file);
    return number;
}

double rt_machine_available_bytes(void)
{
    const double page = (double)sysconf(_SC_PAGESIZE);
    double available = 1024 * read_number("/proc/meminfo", "MemAvailable: %lf", 0);
    struct rlimit limit;

    if (!(available > 0))
        available = (double)sysconf(_SC_PHYS_PAGES) * page;
    if (!getrlimit(RLIMIT_AS, &limit) && limit.rlim_cur != RLIM_INFINITY) {
        const double left = (double)limit.rlim_cur - page * read_number("/proc/self/statm", "%lf", 0);

        available = left < available ? left : available;
    }
    return available > 0 ? available : 0;
}
