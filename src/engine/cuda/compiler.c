#include "engine/cuda/compiler.h"

#include <dlfcn.h>
#include <glob.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "engine/cuda/sources.h"

typedef struct rt_nvrtc_program_st *rt_nvrtc_program;

#define RT_NVRTC_FUNCTIONS(X)                                                                                  \
    X(version, nvrtcVersion, (int *major, int *minor))                                                         \
    X(error_string, nvrtcGetErrorString, (int code))                                                           \
    X(create, nvrtcCreateProgram,                                                                              \
      (rt_nvrtc_program * program, const char *text, const char *name, int headers, const char *const *texts,  \
       const char *const *names))                                                                              \
    X(destroy, nvrtcDestroyProgram, (rt_nvrtc_program * program))                                              \
    X(compile, nvrtcCompileProgram, (rt_nvrtc_program program, int count, const char *const *options))         \
    X(log_size, nvrtcGetProgramLogSize, (rt_nvrtc_program program, size_t * size))                             \
    X(log, nvrtcGetProgramLog, (rt_nvrtc_program program, char *log))                                          \
    X(code_size, nvrtcGetCUBINSize, (rt_nvrtc_program program, size_t * size))                                 \
    X(code, nvrtcGetCUBIN, (rt_nvrtc_program program, char *code))

enum { OPTIONS_MAX = 64, PATHS_MAX = 8 };

static struct nvrtc {
    int (*version)(int *, int *);
    const char *(*error_string)(int);
    int (*create)(rt_nvrtc_program *, const char *, const char *, int, const char *const *,
                  const char *const *);
    int (*destroy)(rt_nvrtc_program *);
    int (*compile)(rt_nvrtc_program, int, const char *const *);
    int (*log_size)(rt_nvrtc_program, size_t *);
    int (*log)(rt_nvrtc_program, char *);
    int (*code_size)(rt_nvrtc_program, size_t *);
    int (*code)(rt_nvrtc_program, char *);
    int major, minor;
    char path[RT_PATH_MAX];
} nvrtc;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool ready;

/* NVRTC dlopens its builtins library by name: load it first, from NVRTC's own folder. */
static void open_builtins(const char *path)
{
    char folder[RT_PATH_MAX], pattern[RT_PATH_MAX];

    glob_t found;

    if (!strchr(path, '/') || rt_path_folder(folder, path, NULL) ||
        rt_path_join(pattern, folder, "libnvrtc-builtins.so.*", NULL) || glob(pattern, 0, NULL, &found))
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (!strstr(found.gl_pathv[i], ".alt."))
            dlopen(found.gl_pathv[i], RTLD_NOW | RTLD_GLOBAL);
    globfree(&found);
}

/* Opens NVRTC at `path`. One of a later major version than the driver's is refused, and *newer set to it. */
static bool open_library(const char *path, int driver_version, int *newer)
{
    struct nvrtc n = {0};

    void *library;

    open_builtins(path);
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return false;
#define RT_NVRTC_FIND(name, symbol, parameters)                                                                \
    if (!(*(void **)&n.name = dlsym(library, #symbol)))                                                        \
        goto refuse;
    RT_NVRTC_FUNCTIONS(RT_NVRTC_FIND)
#undef RT_NVRTC_FIND
    if (n.version(&n.major, &n.minor))
        goto refuse;
    if (n.major > driver_version / 1000) {
        *newer = n.major;
        goto refuse;
    }
    if (!rt_copy_text(n.path, sizeof n.path, path))
        goto refuse;
    nvrtc = n;
    return ready = true;
refuse:
    dlclose(library);
    return false;
}

static bool open_pattern(const char *pattern, int driver_version, int *newer)
{
    glob_t found;
    bool opened = false;

    if (glob(pattern, 0, NULL, &found))
        return false;
    for (size_t i = found.gl_pathc; i-- > 0 && !opened;) /* descending: later versions first */
        if (!strstr(found.gl_pathv[i], ".alt."))
            opened = open_library(found.gl_pathv[i], driver_version, newer);
    globfree(&found);
    return opened;
}

/* NVIDIA's wheels in the Python installation at `prefix`. */
static bool open_wheels(const char *prefix, int driver_version, int *newer)
{
    static const char *const folders[] = {"cu13/lib", "cuda_nvrtc/lib"};
    static const char *const sites[] = {"lib/python3*/site-packages", "lib/python3*/dist-packages",
                                        "lib/python3/dist-packages", "lib64/python3*/site-packages"};
    struct rt_text pattern = {0};
    bool opened = false;

    for (size_t i = 0; i < sizeof folders / sizeof *folders && !opened; i++)
        for (size_t j = 0; j < sizeof sites / sizeof *sites && !opened; j++) {
            rt_text_clear(&pattern);
            rt_text_printf(&pattern, "%s/%s/nvidia/%s/libnvrtc.so.*", prefix, sites[j], folders[i]);
            opened = !pattern.failed && open_pattern(rt_text_string(&pattern), driver_version, newer);
        }
    rt_text_free(&pattern);
    return opened;
}

/* The installation prefix of the first python3 in PATH, symbolic links resolved. */
static bool python_prefix(char prefix[RT_PATH_MAX])
{
    const char *path = getenv("PATH");
    char name[RT_PATH_MAX], folder[RT_PATH_MAX], real[PATH_MAX];

    for (size_t length; path && *path; path += length + (path[length] == ':')) {
        length = strcspn(path, ":");
        if (snprintf(name, sizeof name, "%.*s/python3", (int)length, path) >= (int)sizeof name ||
            access(name, X_OK) || !realpath(name, real))
            continue;
        return !rt_path_folder(folder, real, NULL) && !rt_path_folder(prefix, folder, NULL);
    }
    return false;
}

static bool find_anywhere(int driver_version, int *newer)
{
    static const char *const names[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"};
    static const char *const patterns[] = {"/usr/local/cuda/lib64/libnvrtc.so.*",
                                           "/usr/local/cuda-*/lib64/libnvrtc.so.*",
                                           "/opt/cuda/lib64/libnvrtc.so.*"};
    const char *environment = getenv("VIRTUAL_ENV"), *const home = getenv("HOME");
    char prefix[RT_PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (open_library(names[i], driver_version, newer))
            return true;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        if (open_pattern(patterns[i], driver_version, newer))
            return true;
    if (environment && *environment && open_wheels(environment, driver_version, newer))
        return true;
    if (python_prefix(prefix) && open_wheels(prefix, driver_version, newer))
        return true;
    if (open_wheels("/usr/local", driver_version, newer))
        return true;
    return home && !rt_path_join(prefix, home, ".local", NULL) && open_wheels(prefix, driver_version, newer);
}

static int find_compiler(int driver_version, struct rt_error *err)
{
    const char *named = getenv("RETHINK_NVRTC");
    int newer = 0;

    if (ready)
        return RT_OK;
    if (named && *named) {
        if (open_library(named, driver_version, &newer))
            return RT_OK;
        if (!newer)
            return rt_fail(err, RT_ECONFIG, "cuda: RETHINK_NVRTC=%s: cannot be opened as NVRTC (11.2 or later)",
                           named);
    } else if (find_anywhere(driver_version, &newer)) {
        return RT_OK;
    }
    if (newer)
        return rt_fail(err, RT_ECONFIG,
                       "cuda: the only compiler library found is NVRTC %d, and the driver runs code of CUDA "
                       "%d.%d or older: "
                       "update the driver, or install NVRTC of CUDA %d (pip install nvidia-cuda-nvrtc-cu%d)",
                       newer, driver_version / 1000, driver_version % 1000 / 10, driver_version / 1000,
                       driver_version / 1000);
    return rt_fail(
        err, RT_ECONFIG,
        "cuda: no compiler library (libnvrtc.so.%d): install CUDA's NVRTC (pip install nvidia-cuda-nvrtc%s, or "
        "the package cuda-nvrtc), or name it in RETHINK_NVRTC",
        driver_version / 1000, driver_version < 13000 ? "-cu12" : "");
}

int rt_cuda_compiler_find(int driver_version, char *words, size_t size, struct rt_error *err)
{
    int rc;

    pthread_mutex_lock(&lock);
    rc = find_compiler(driver_version, err);
    if (!rc)
        snprintf(words, size, "NVRTC %d.%d (%s)", nvrtc.major, nvrtc.minor, nvrtc.path);
    pthread_mutex_unlock(&lock);
    return rc;
}

const char *rt_cuda_source_text(const char *name)
{
    for (int i = 0; rt_cuda_sources[i][0]; i++)
        if (!strcmp(rt_cuda_sources[i][0], name))
            return rt_cuda_sources[i][1];
    return NULL;
}

/* Splits "-DA=1 -DB=2" in place; words point into `copy`. Returns their number. */
static int split_options(char *copy, int arch, char arch_option[32], const char *words[OPTIONS_MAX])
{
    char *rest = NULL;
    int count = 0;

    snprintf(arch_option, 32, "--gpu-architecture=sm_%d", arch);
    words[count++] = arch_option;
    words[count++] = "--std=c++17";
    words[count++] = "-default-device";
    for (char *word = strtok_r(copy, " ", &rest); word && count < OPTIONS_MAX;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    return count;
}

static int fail_compile(rt_nvrtc_program program, const char *source, int code, struct rt_error *err)
{
    char log[8192] = "";
    size_t size = 0;

    if (!nvrtc.log_size(program, &size) && size <= sizeof log)
        nvrtc.log(program, log);
    for (char *c = log; *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    return rt_fail(err, RT_ECONFIG, "cuda: NVRTC %d.%d cannot compile %s: %s %.600s", nvrtc.major, nvrtc.minor,
                   source, nvrtc.error_string(code), log);
}

static int compile(rt_nvrtc_program program, const char *source, const char *options, int arch, char **code,
                   size_t *size, struct rt_error *err)
{
    const char *words[OPTIONS_MAX];
    char arch_option[32], *copy;
    int rc, failed;

    RT_TRY(rt_strdup(&copy, options, err));
    failed = nvrtc.compile(program, split_options(copy, arch, arch_option, words), words);
    rt_free(&copy);
    if (failed)
        return fail_compile(program, source, failed, err);
    if ((failed = nvrtc.code_size(program, size)))
        return fail_compile(program, source, failed, err);
    RT_TRY(rt_alloc(code, *size, 1, "a kernel's machine code", err));
    rc = nvrtc.code(program, *code)
             ? rt_fail(err, RT_ECONFIG, "cuda: NVRTC gives no machine code of %s", source)
             : RT_OK;
    if (rc)
        rt_free(code);
    return rc;
}

int rt_cuda_compile(const char *source, const char *options, int arch, int driver_version, char **code,
                    size_t *size, struct rt_error *err)
{
    const char *texts[32], *names[32];

    rt_nvrtc_program program;
    int headers = 0, rc;

    *code = NULL;
    pthread_mutex_lock(&lock);
    rc = find_compiler(driver_version, err);
    pthread_mutex_unlock(&lock);
    RT_TRY(rc);
    for (int i = 0; rt_cuda_sources[i][0]; i++)
        if (rt_path_has_suffix(rt_cuda_sources[i][0], ".h") && headers < 32) {
            names[headers] = rt_cuda_sources[i][0];
            texts[headers++] = rt_cuda_sources[i][1];
        }
    if (!rt_cuda_source_text(source))
        return rt_fail(err, RT_ECONFIG, "cuda: there is no kernel source %s", source);
    if ((rc = nvrtc.create(&program, rt_cuda_source_text(source), source, headers, texts, names)))
        return rt_fail(err, RT_ECONFIG, "cuda: NVRTC: %s: %s", source, nvrtc.error_string(rc));
    rc = compile(program, source, options, arch, code, size, err);
    nvrtc.destroy(&program);
    return rc;
}
