/* A convolution's passes by their definition, in double on the host: what tune_gemm holds the GPU's products
 * against. Layouts are those of engine/cuda/gemm.h, with a full batch (batch_max images). */
#ifndef RT_TESTS_ENGINE_TUNE_GEMM_REFERENCE_H
#define RT_TESTS_ENGINE_TUNE_GEMM_REFERENCE_H

#include "base/thread.h"
#include "engine/cuda/gemm.h"

struct reference {
    const struct rt_cuda_conv *conv;
    enum rt_cuda_conv_pass pass;
    const float *x;    /* [batch][in_h][in_w][in_ld], also the gate */
    const float *w;    /* [kernel][kernel][in_c][out_c] */
    const float *bias; /* [out_c] */
    const float *dy;   /* [batch][out_h][out_w][out_ld] */
    double *out;       /* y [...][out_c], dx [...][in_c], or the gradient of w; overwritten */
    double *bias_out;  /* [out_c], of the weight gradient's pass where the layer has a bias */
    struct rt_team *team;
};

void reference_run(const struct reference *reference);

/* |got - want| / |want| over rows of `channels`, of which got has `ld` floats; NaN where got has one. */
double reference_error(const float *got, const double *want, size_t rows, size_t channels, size_t ld);

#endif
