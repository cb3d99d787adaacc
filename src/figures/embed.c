/* A build tool: writes files as C arrays. embed OUT.c NAME FILE [NAME FILE]... defines
 * const char rt_asset_NAME[], the file's bytes and a NUL. */
#include <stdio.h>

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

int main(int argc, char **argv)
{
    FILE *out = argc > 1 ? fopen(argv[1], "w") : NULL;
    int failed = !out;
    for (int i = 2; i + 1 < argc && !failed; i += 2)
        failed = embed(out, argv[i], argv[i + 1]);
    if (out && (ferror(out) | fclose(out)))
        failed = 1;
    return failed;
}
