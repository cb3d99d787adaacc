/* Host builds of gemm.cu and gemm_parts.cu: tiles and pass are compiled in (cuda_gemm_host.c, once for each
 * variant), shapes are read from here. */
#ifndef RT_TESTS_CUDA_GEMM_HOST_H
#define RT_TESTS_CUDA_GEMM_HOST_H

struct rt_host_thread;

struct gemm_shape {
    int b, ih, iw, ic, wc, ild, oh, ow, oc, old, k, s, p, vin, vout, vw, bias, relu, accumulate, gate, update,
        splits, halo;
};

struct gemm_variant {
    const char *source; /* "gemm.cu", "gemm_parts.cu", "conv_halo.cu", "conv_taps.cu" */
    int pass, math;     /* math of gemm_parts.cu: 2, or 0 for others */
    int m, n, k, warps_m, warps_n, stages, taps; /* the tile; taps: of conv_halo.cu */
    int vector;                                  /* of gemm_parts.cu */
    struct gemm_shape *shape;
    void (*set)(struct rt_host_thread *);
    void (*kernel)(void *arguments); /* an array of pointers, in gemm.h's order */
};

#endif
