/* A build tool: writes files as C arrays. embed OUT.c NAME FILE [NAME FILE]... defines
 * const char rt_asset_NAME[], the file's bytes and a NUL. embed OUT.c --table TABLE FILE... defines
 * const char *const TABLE[][2], each file's name as kernels include it (below src/, those in a folder kernels/
 * without it) and its text, ended by nulls. */
#include <stdio.h>
#include <string.h>

static int embed(FILE *out, const char *name, const char *path)
{
    FILE *in = fopen(path, "rb");
    int byte, column = 0;

    if (!in) {
        perror(path);
        return 1;
    }
    fprintf(out, "\nextern const char rt_asset_%s[];\nconst char rt_asset_%s[] = {\n", name, name);
    while ((byte = getc(in)) != EOF)
        fprintf(out, "'\\x%x',%s", (unsigned)byte, ++column % 16 ? "" : "\n"); /* char may have a sign or not */
    fprintf(out, "0};\n");
    const int failed = ferror(in);
    fclose(in);
    return failed;
}

/* "engine/cuda/../optimizers/sgd.h" becomes "engine/optimizers/sgd.h": compilers that are given headers as text
 * compare names letter by letter. */
static void drop_parents(char *name)
{
    for (char *up; (up = strstr(name, "/../"));) {
        char *folder = up;

        while (folder > name && folder[-1] != '/')
            folder--;
        memmove(folder, up + 4, strlen(up + 4) + 1);
    }
}

static void write_name(FILE *out, const char *path)
{
    static const char *const folders[] = {"/kernels/", "src/"};
    char name[512];

    for (int i = 0; i < 2; i++) {
        const char *last = NULL;

        for (const char *at = path; (at = strstr(at, folders[i])); at += strlen(folders[i]))
            last = at;
        if (last) {
            path = last + strlen(folders[i]);
            break;
        }
    }
    snprintf(name, sizeof name, "%s", path);
    drop_parents(name);
    fputs(name, out);
}

static int embed_table(FILE *out, const char *table, char **paths, int count)
{
    char name[16];

    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "file_%d", i);
        if (embed(out, name, paths[i]))
            return 1;
    }
    fprintf(out, "\nextern const char *const %s[][2];\nconst char *const %s[][2] = {\n", table, table);
    for (int i = 0; i < count; i++) {
        fputs("{\"", out);
        write_name(out, paths[i]);
        fprintf(out, "\", rt_asset_file_%d},\n", i);
    }
    fprintf(out, "{0, 0}};\n");
    return 0;
}

int main(int argc, char **argv)
{
    FILE *out = argc > 1 ? fopen(argv[1], "w") : NULL;
    int failed = !out;

    if (!failed && argc > 3 && !strcmp(argv[2], "--table"))
        failed = embed_table(out, argv[3], argv + 4, argc - 4);
    else
        for (int i = 2; i + 1 < argc && !failed; i += 2)
            failed = embed(out, argv[i], argv[i + 1]);
    if (out && (ferror(out) | fclose(out)))
        failed = 1;
    return failed;
}
