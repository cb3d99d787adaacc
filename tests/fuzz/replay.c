/* usage: replay_TARGET FOLDER-or-FILE...
 *
 * Runs the target over each file, and over each one cut at its middle, and says how many there were. The name
 * of the file at hand is on standard error if the process dies. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 22 };

static uint8_t input[INPUT_MAX];
static int inputs;

/* Each input lies in a block of its own size, so that a read behind its end is seen. */
static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    RT_FUZZ_CHECK(copy);
    memcpy(copy, bytes, size);
    rt_fuzz_one(copy, size);
    free(copy);
    inputs++;
}

static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t size;

    RT_FUZZ_CHECK(f);
    size = fread(input, 1, INPUT_MAX, f);
    fclose(f);
    fprintf(stderr, "%s\n", path);
    run(input, size);
    run(input, size / 2);
}

static void run_folder(const char *path)
{
    struct dirent **entries;
    const int count = scandir(path, &entries, NULL, alphasort);
    char file[4096];

    RT_FUZZ_CHECK(count >= 0);
    for (int i = 0; i < count; i++) {
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            run_file(file);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    struct stat status;

    for (int i = 1; i < argc; i++) {
        RT_FUZZ_CHECK(!stat(argv[i], &status));
        if (S_ISDIR(status.st_mode))
            run_folder(argv[i]);
        else
            run_file(argv[i]);
    }
    printf("%s 1 - %d inputs, none did harm\n1..1\n", inputs ? "ok" : "not ok", inputs);
    return !inputs;
}
