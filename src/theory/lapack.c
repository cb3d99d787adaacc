#include "theory/lapack.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rt_lapack opened;
static struct rt_error reason; /* why there is none */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const char *const known[] = {"libopenblas.so.0", "liblapack.so.3", "libmkl_rt.so.2", "libmkl_rt.so"};

static const struct {
    const char *symbol;
    size_t at; /* in struct rt_lapack */
} entries[] = {
#define RT_LAPACK_ENTRY(name, parameters) {#name "_", offsetof(struct rt_lapack, name)},
    RT_LAPACK_FUNCTIONS(RT_LAPACK_ENTRY)
#undef RT_LAPACK_ENTRY
};

enum { ENTRY_COUNT = sizeof entries / sizeof *entries, KNOWN_COUNT = sizeof known / sizeof *known };

/* Finds the functions in the library or in those that it needs (LAPACK's needs BLAS's). */
static void find_symbols(void *library, const char *path)
{
    for (int i = 0; i < ENTRY_COUNT; i++) {
        void *found = dlsym(library, entries[i].symbol);

        if (!found) {
            rt_fail(&reason, RT_ECONFIG, "kernel: %s has no %s: no LAPACK in single precision", path,
                    entries[i].symbol);
            return;
        }
        memcpy((char *)&opened + entries[i].at, &found, sizeof found);
    }
    snprintf(opened.path, sizeof opened.path, "%s", path);
}

static void open_library(void)
{
    const char *named = getenv("RETHINK_LAPACK");

    /* read when the library is loaded: each of our threads calls it for a tile of its own */
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    setenv("MKL_NUM_THREADS", "1", 1);
    setenv("OMP_NUM_THREADS", "1", 1);
    if (named && *named) {
        void *library = dlopen(named, RTLD_NOW | RTLD_LOCAL);
        const char *why = library ? NULL : dlerror();

        if (library)
            find_symbols(library, named);
        else
            rt_fail(&reason, RT_ECONFIG, "RETHINK_LAPACK: %s", why ? why : named);
        return;
    }
    for (int i = 0; i < KNOWN_COUNT; i++) {
        void *library = dlopen(known[i], RTLD_NOW | RTLD_LOCAL);

        if (library) {
            find_symbols(library, known[i]);
            return;
        }
    }
    rt_fail(
        &reason, RT_ECONFIG,
        "kernel: no LAPACK is installed, which Cholesky's factorisation needs: install libopenblas0-pthread "
        "(Debian) or openblas, or name a library in RETHINK_LAPACK; --solver cg works without one");
}

int rt_lapack_open(const struct rt_lapack **lapack, struct rt_error *err)
{
    pthread_once(&once, open_library);
    if (reason.status)
        return rt_fail(err, reason.status, "%s", reason.message);
    *lapack = &opened;
    return RT_OK;
}
