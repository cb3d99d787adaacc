/* LAPACK and BLAS in single precision, of a library that is opened at run time: OpenBLAS starts threads and
 * takes 30 MB when it is loaded, which only `rethink kernel` needs. Its calls are made on tiles by one thread
 * each, so results do not depend on the number of threads, and indices of 32 bits are enough. Matrices are
 * stored by columns. */
#ifndef RT_THEORY_LAPACK_H
#define RT_THEORY_LAPACK_H

#include "base/error.h"

/* X(name in the library, parameters) */
/* clang-format off */
#define RT_LAPACK_FUNCTIONS(X) \
    X(spotrf, (const char *uplo, const int *n, float *a, const int *lda, int *info)) \
    X(strsm, (const char *side, const char *uplo, const char *trans, const char *diag, const int *m, const int *n, \
              const float *alpha, const float *a, const int *lda, float *b, const int *ldb)) \
    X(ssyrk, (const char *uplo, const char *trans, const int *n, const int *k, const float *alpha, const float *a, \
              const int *lda, const float *beta, float *c, const int *ldc)) \
    X(sgemm, (const char *transa, const char *transb, const int *m, const int *n, const int *k, const float *alpha, \
              const float *a, const int *lda, const float *b, const int *ldb, const float *beta, float *c, \
              const int *ldc))
/* clang-format on */

struct rt_lapack {
    char path[256]; /* the library's name, as it was opened */
#define RT_LAPACK_POINTER(name, parameters) void(*name) parameters;
    RT_LAPACK_FUNCTIONS(RT_LAPACK_POINTER)
#undef RT_LAPACK_POINTER
};

/* The library that RETHINK_LAPACK names, or the first of OpenBLAS, LAPACK and MKL that is installed; opened
 * once. RT_ECONFIG says what to install. It stays open until the process ends. */
int rt_lapack_open(const struct rt_lapack **lapack, struct rt_error *err);

#endif
