/* One pass of one layer on the GPU: the tiles that tune_gemm tries, held against the reference and timed. */
#ifndef RT_TESTS_ENGINE_TUNE_GEMM_TRIAL_H
#define RT_TESTS_ENGINE_TUNE_GEMM_TRIAL_H

#include "base/thread.h"
#include "engine/cuda/cuda.h"
#include "engine/cuda/gemm_choice.h"

enum {
    NETWORKS = 5,
    SETS = 3,       /* tensors taken in turn while timing, so that little is left in the card's cache */
    PLAIN_MAX = 4,  /* tiles of gemm.cu, the cheapest by the model */
    OTHERS_MAX = 5, /* of conv_halo.cu and conv_taps.cu */
    CANDIDATES_MAX = 3 + PLAIN_MAX + OTHERS_MAX
};

struct layer {
    const char *name; /* network, side of the map, channels, kernel k and stride s */
    int side, in_c, kernel, stride, padding, out_c;
    int uses[NETWORKS];
    bool fp32, padded, bias;
    bool first; /* needs no gradient of its input */
};

struct tuner {
    struct rt_cuda_device *device;
    struct rt_team *team;
    rt_cu_stream stream;
    rt_cu_event begin, end;
    int batch, cases, wrong;
    bool check; /* no times */
    bool bf16;  /* all layers in bfloat16 */
    double seconds;
    double choice_us[NETWORKS][3], best_us[NETWORKS][3];
};

struct candidate {
    struct rt_cuda_tile tile;
    struct rt_cuda_conv_plan plan;
    double us, error, bias_error;
    bool same; /* both runs left the same bits */
    bool good;
};

/* A pass of a layer: tensors on both sides, and what is tried. The first candidate is the choice. */
struct trial {
    const struct layer *layer;
    enum rt_cuda_conv_pass pass;
    struct rt_cuda_conv conv;
    struct rt_cuda_product product;
    size_t x_floats, y_floats, w_floats, out_floats;
    float *x, *w, *bias, *dy, *got, *again;
    uint16_t *x16, *w16, *dy16; /* with bf16: x, w and dy as elements; those are rounded then */
    double *want, *want_bias;
    size_t device_bytes;                       /* while it is laid out */
    rt_cu_pointer memory, out, bias_out, work; /* bias_out: bias_v */
    size_t work_bytes;                         /* of the candidate that needs most */
    uint64_t arguments[SETS][RT_CUDA_ARGUMENTS_GEMM_MAX];
    struct candidate candidates[CANDIDATES_MAX];
    struct rt_cuda_launch launches[2 * CANDIDATES_MAX]; /* two a candidate */
    int count;
};

/* Checks, and times unless t->check, every candidate; nothing is said of what is wrong with one. *trial is
 * freed with trial_free, after an error too (what the card or the compiler says). */
int trial_run(const struct tuner *t, const struct layer *layer, enum rt_cuda_conv_pass pass,
              struct trial **trial, struct rt_error *err);
void trial_free(const struct tuner *t, struct trial **trial);

#endif
