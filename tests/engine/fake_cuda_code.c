/* Code: NVRTC, with the host's compiler behind it, and modules, which are shared objects. */
#include "fake_cuda.h"

#include <dlfcn.h>
#include <elf.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- modules ---- */

struct module {
    void *library;
    struct function *functions[64];
    int count;
};

/* An ELF file ends with its section headers. */
static size_t elf_size(const void *image)
{
    const Elf64_Ehdr *const header = image;

    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return 0;
    return header->e_shoff + (size_t)header->e_shnum * header->e_shentsize;
}

PUBLIC cuModuleLoadData(struct module **out, const void *image);
PUBLIC cuModuleLoadData(struct module **out, const void *image)
{
    const size_t size = elf_size(image);
    char path[] = "/tmp/fake-cuda-XXXXXX"; /* the loader knows libraries by name: each needs one of its own */
    int fd;

    CALLED(false);
    if (fake_setting("RT_FAKE_CUDA_DRY", 0)) {
        *out = calloc(1, sizeof **out);
        return 0;
    }
    if (!size || (fd = mkstemp(path)) < 0 || write(fd, image, size) != (ssize_t)size || close(fd))
        return 200;
    *out = calloc(1, sizeof **out);
    (*out)->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    unlink(path);
    if (!(*out)->library)
        fake_die("cannot load a kernel:", dlerror());
    return 0;
}

PUBLIC cuModuleUnload(struct module *module);
PUBLIC cuModuleUnload(struct module *module)
{
    CALLED(false);
    if (module->library)
        dlclose(module->library);
    for (int i = 0; i < module->count; i++)
        free(module->functions[i]);
    free(module);
    return 0;
}

PUBLIC cuModuleGetFunction(struct function **out, struct module *module, const char *name);
PUBLIC cuModuleGetFunction(struct function **out, struct module *module, const char *name)
{
    struct function *f;

    CALLED(false);
    for (int i = 0; i < module->count; i++)
        if (!strcmp(module->functions[i]->name, name)) {
            *out = module->functions[i];
            return 0;
        }
    if (module->count == 64)
        return 1;
    f = calloc(1, sizeof *f);
    snprintf(f->name, sizeof f->name, "%s", name);
    if (module->library) {
        f->address = dlsym(module->library, name);
        *(void **)&f->set = dlsym(module->library, "rt_host_set");
    }
    if (module->library && (!f->address || !f->set)) {
        free(f);
        return 500;
    }
    module->functions[module->count++] = f;
    *out = f;
    return 0;
}

PUBLIC cuFuncSetAttribute(struct function *function, int attribute, int value);
PUBLIC cuFuncSetAttribute(struct function *function, int attribute, int value)
{
    (void)function;
    (void)attribute;
    CALLED(false);
    return value <= SHARED_MAX ? 0 : 1;
}

/* ---- NVRTC ---- */

struct program {
    char folder[64], log[4096];
    const char *name;
    char *code;
    size_t size;
};

static bool write_text(const char *folder, const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (strstr(name, "..")) /* NVRTC looks for a header's name as it is included */
        return false;
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(path, 0700);
    }
    f = fopen(path, "w");
    return f && fputs(text, f) >= 0 && !fclose(f);
}

PUBLIC nvrtcVersion(int *major, int *minor);
PUBLIC nvrtcVersion(int *major, int *minor)
{
    *major = (int)fake_setting("RT_FAKE_NVRTC_MAJOR", 13);
    *minor = 0;
    return 0;
}

EXPORT const char *nvrtcGetErrorString(int code);
EXPORT const char *nvrtcGetErrorString(int code)
{
    return code == 6 ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR_FAKE";
}

PUBLIC nvrtcCreateProgram(struct program **out, const char *text, const char *name, int headers,
                          const char *const *texts, const char *const *names);
PUBLIC nvrtcCreateProgram(struct program **out, const char *text, const char *name, int headers,
                          const char *const *texts, const char *const *names)
{
    struct program *p = calloc(1, sizeof *p);
    bool written = true;

    CALLED(false);
    snprintf(p->folder, sizeof p->folder, "/tmp/fake-nvrtc-XXXXXX");
    p->name = name;
    if (!mkdtemp(p->folder))
        return 1;
    for (int i = 0; i < headers; i++) /* NVRTC compares names letter by letter, where files are found anyway */
        written &= !strstr(names[i], "..") && write_text(p->folder, names[i], texts[i]);
    *out = p;
    return written && write_text(p->folder, "source.c", text) ? 0 : 1;
}

static void read_file(const char *folder, const char *name, char **bytes, size_t *size)
{
    char path[256];
    struct stat s;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "r");
    *size = 0;
    *bytes = NULL;
    if (!f)
        return;
    if (!fstat(fileno(f), &s) && (*bytes = malloc((size_t)s.st_size + 1)))
        *size = fread(*bytes, 1, (size_t)s.st_size, f);
    fclose(f);
}

PUBLIC nvrtcCompileProgram(struct program *p, int count, const char *const *options);
PUBLIC nvrtcCompileProgram(struct program *p, int count, const char *const *options)
{
    static const char *const fixed[] = {
        "cc", "-std=gnu17", "-O1", "-ffp-contract=off", "-fno-math-errno", "-w", "-shared", "-fPIC", "-x", "c"};
    char *words[96], out[128], source[128], folder[128], log[128], *text;
    posix_spawn_file_actions_t actions;
    size_t size;
    int n = 0, status;
    pid_t child;

    CALLED(false);
    if (fake_setting("RT_FAKE_CUDA_DRY", 0)) {
        p->code = calloc(1, p->size = 64);
        return 0;
    }
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        words[n++] = (char *)fixed[i];
    for (int i = 0; i < count && n < 80; i++)
        if (!strncmp(options[i], "-D", 2))
            words[n++] = (char *)options[i];
    snprintf(out, sizeof out, "%s/out", p->folder);
    snprintf(source, sizeof source, "%s/source.c", p->folder);
    snprintf(folder, sizeof folder, "-I%s", p->folder);
    snprintf(log, sizeof log, "%s/log", p->folder);
    words[n++] = folder;
    words[n++] = source;
    words[n++] = "-o";
    words[n++] = out;
    words[n++] = "-lm";
    words[n] = NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, log, 0x241 /* O_CREAT | O_WRONLY | O_TRUNC */, 0600);
    status = posix_spawnp(&child, "cc", &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (status || waitpid(child, &status, 0) < 0 || status) {
        read_file(p->folder, "log", &text, &size);
        snprintf(p->log, sizeof p->log, "%.*s", (int)size, text ? text : "");
        free(text);
        return 6;
    }
    read_file(p->folder, "out", &p->code, &p->size);
    return p->code ? 0 : 6;
}

PUBLIC nvrtcGetProgramLogSize(struct program *p, size_t *size);
PUBLIC nvrtcGetProgramLogSize(struct program *p, size_t *size)
{
    *size = strlen(p->log) + 1;
    return 0;
}

PUBLIC nvrtcGetProgramLog(struct program *p, char *log);
PUBLIC nvrtcGetProgramLog(struct program *p, char *log)
{
    memcpy(log, p->log, strlen(p->log) + 1);
    return 0;
}

PUBLIC nvrtcGetCUBINSize(struct program *p, size_t *size);
PUBLIC nvrtcGetCUBINSize(struct program *p, size_t *size)
{
    CALLED(false);
    *size = p->size;
    return 0;
}

PUBLIC nvrtcGetCUBIN(struct program *p, char *code);
PUBLIC nvrtcGetCUBIN(struct program *p, char *code)
{
    CALLED(false);
    memcpy(code, p->code, p->size);
    return 0;
}

PUBLIC nvrtcDestroyProgram(struct program **program);
PUBLIC nvrtcDestroyProgram(struct program **program)
{
    char command[128];
    char *words[] = {"rm", "-rf", (*program)->folder, NULL};
    pid_t child;

    (void)command;
    if (!posix_spawnp(&child, "rm", NULL, NULL, words, environ))
        waitpid(child, NULL, 0);
    free((*program)->code);
    free(*program);
    *program = NULL;
    return 0;
}
