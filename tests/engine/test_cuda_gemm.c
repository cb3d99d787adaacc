/* The GPU's convolutions and linear layers, as host code, against sums in double: every pass and precision,
 * several tiles, one part and several. Outputs are poisoned and fenced by other channels and images; what must
 * not be read is NaN. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/cuda/gemm.h"
#include "engine/cuda/gemm_choice.h"
#include "engine/cuda/kernels/pass.h"
#include "engine/cuda_gemm_host.h"
#include "support/fibers.h"

#define VARIANT(name) extern const struct gemm_variant variant_##name;
#include "cuda_gemm_variants.h"
#undef VARIANT
static const struct gemm_variant *const variants[] = {
#define VARIANT(name) &variant_##name,
#include "cuda_gemm_variants.h"
#undef VARIANT
};

enum { VARIANTS = sizeof variants / sizeof *variants, SHARED_MAX = 232448, FENCE = 3 };

static const double bound = 3e-6; /* norm of the difference over the norm, of sums in float32 */
static const char *const maths[] = {"fp32", "tf32", "bf16"};
static const float hyper[3] = {0.05F, 0.9F, 0.01F};

/* images, of at most; h, w, c; kernel, stride, padding; out_c; ld and offset beyond; flags */
struct row {
    int count, batch, h, w, c, kernel, stride, padding, out_c, in_more, in_offset, out_more, out_offset;
    bool padded, bias, relu, accumulate, gate, update;
    const char *what;
};
static const struct row rows[] = {
    {2, 2, 6, 5, 8, 3, 1, 1, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "plain"},
    {2, 3,  6,  5, 8, 3, 1, 1, 16, 8,
     4, 16, 12, 0, 1, 1, 1, 1, 1,  "part of a concatenation, a short batch, all flags"},
    {2, 3, 5, 6, 5, 3, 1, 1, 7, 2, 1, 3, 2, 0, 1, 1, 1, 1, 0, "channels that are no multiples of 4"},
    {3, 3, 4, 4, 8, 3, 1, 1, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, "only y's channels are not"},
    {3, 3, 4, 4, 6, 3, 1, 1, 8, 2, 0, 0, 0, 0, 0, 0, 1, 0, 1, "only x's channels are not"},
    {2, 3, 7, 7, 40, 3, 1, 1, 20, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, "channels that fill no whole stage"},
    {3, 4, 6, 6, 8, 5, 1, 1, 36, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, "5 x 5, maps that shrink"},
    {2, 2, 5, 5, 8, 5, 1, 3, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, "5 x 5, maps that grow"},
    {2, 3, 28, 28, 4, 3, 1, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, "more pixels than a ring holds"},
    {1, 1, 3, 31, 4, 3, 1, 1, 8, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0, "as wide as a ring's lead"},
    {1, 1, 4, 32, 4, 3, 1, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "wider"},
    {2, 2, 8, 8, 4, 7, 1, 3, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, "7 x 7: more taps than bits"},
    {2, 2, 7, 7, 8, 3, 2, 1, 20, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, "stride 2, odd"},
    {2, 3, 8, 6, 12, 3, 2, 1, 8, 0, 0, 4, 0, 0, 0, 0, 0, 1, 0, "stride 2, even"},
    {2, 2, 7, 5, 8, 1, 2, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "shortcut: pixels without a tap"},
    {2, 2, 9, 8, 4, 3, 3, 1, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, "stride 3"},
    {1, 2, 9, 9, 4, 5, 2, 3, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "5 x 5, stride 2, padding 3"},
    {1, 1, 4, 9, 4, 5, 3, 0, 8, 0,
     0, 0, 0, 0, 0, 0, 0, 1, 0, "a kernel as high and more; pixels beyond the last tap"},
    {2, 2, 8, 8, 3, 5, 1, 1, 24, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, "first layer: padded to 4 channels"},
    {2, 2, 8, 8, 3, 3, 1, 1, 16, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, "first layer: padded, no bias"},
    {2, 2, 6, 6, 3, 3, 1, 1, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "first layer: not padded"},
    {5, 8, 1, 1, 75, 1, 1, 0, 40, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, "linear, odd width"},
    {70, 128, 1, 1, 192, 1, 1, 0, 10, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, "linear, 10 classes"},
    {3, 3, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, "one of each"},
    {1, 1, 14, 14, 80, 3, 1, 1, 48, 0, 0, 32, 32, 0, 0, 0, 1, 1, 0, "real channels, 3 x 3"},
    {1, 1, 14, 14, 144, 1, 1, 0, 80, 0, 0, 80, 0, 0, 0, 0, 1, 1, 0, "real channels, 1 x 1"},
    {1, 1, 9, 9, 48, 3, 2, 1, 96, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, "real channels, stride 2"},
};

struct tensors {
    float *x, *w, *bias, *dy, *y, *dx, *g, *bias_g, *v, *bias_v;
    long x_count, y_count, w_count;
};

static struct rt_cuda_conv conv_of(const struct row *r, enum rt_cuda_math math)
{
    return (struct rt_cuda_conv){
        .batch_max = r->batch,
        .in_h = r->h,
        .in_w = r->w,
        .in_c = r->c,
        .in_ld = r->c + r->in_more,
        .in_offset = r->in_offset,
        .out_h = (r->h + 2 * r->padding - r->kernel) / r->stride + 1,
        .out_w = (r->w + 2 * r->padding - r->kernel) / r->stride + 1,
        .out_c = r->out_c,
        .out_ld = r->out_c + r->out_more,
        .out_offset = r->out_offset,
        .kernel = r->kernel,
        .stride = r->stride,
        .padding = r->padding,
        .padded_input = r->padded,
        .bias = r->bias,
        .relu = r->relu,
        .accumulate = r->accumulate,
        .gate = r->gate,
        .update = r->update,
        .math = math,
    };
}

static uint32_t seed;

static float uniform(void)
{
    seed = seed * 1664525 + 1013904223;
    return (float)(seed >> 8) / (1 << 23) - 1;
}

/* As the product takes it: TF32 keeps 10 bits of mantissa, to nearest, BF16 7, ties to even. */
static float operand(float value, enum rt_cuda_math math)
{
    int exponent;
    double mantissa;

    if (math == RT_CUDA_FP32 || isnan(value))
        return value;
    mantissa = frexp((double)value, &exponent);
    return math == RT_CUDA_BF16 ? (float)ldexp(rint(mantissa * 256), exponent - 8)
                                : (float)ldexp(round(mantissa * 2048), exponent - 11);
}

/* What is stored is off by the rounding of the sum, relative to it. */
static double rounding(enum rt_cuda_math math)
{
    return math == RT_CUDA_BF16 ? ldexp(1, -8) : 0;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static size_t bytes(long count)
{
    return (size_t)count * sizeof(float);
}

static float *floats(long count, float value)
{
    float *const array = aligned_alloc(16, (bytes(count) + 31) / 16 * 16);

    assert_non_null(array);
    for (long i = 0; i < count; i++)
        array[i] = isinf(value) ? uniform() : value;
    return array;
}

/* Random where an image and a channel are, NaN elsewhere (0 in padded channels); in BF16 elements have it. */
static float *activations(const struct rt_cuda_conv *conv, int count, bool out, bool padded)
{
    const int pixels = out ? conv->out_h * conv->out_w : conv->in_h * conv->in_w;
    const int c = out ? conv->out_c : conv->in_c, ld = out ? conv->out_ld : conv->in_ld;
    const int offset = out ? conv->out_offset : conv->in_offset;
    float *const a = floats((long)conv->batch_max * pixels * ld, NAN);

    for (long i = 0; i < (long)count * pixels; i++)
        for (int j = 0; j < (padded ? ld : c); j++)
            a[i * ld + (j + offset) % ld] = j >= c                       ? 0
                                            : conv->math == RT_CUDA_BF16 ? operand(uniform(), RT_CUDA_BF16)
                                                                         : uniform();
    return a;
}

static struct tensors tensors_make(const struct rt_cuda_conv *c, int count)
{
    const int in = c->in_h * c->in_w, out = c->out_h * c->out_w;
    struct tensors t = {
        .x_count = (long)c->batch_max * in * c->in_ld,
        .y_count = (long)c->batch_max * out * c->out_ld,
        .w_count = (long)c->kernel * c->kernel * c->in_c * c->out_c,
    };

    t.x = activations(c, count, false, c->padded_input);
    t.dy = activations(c, count, true, false);
    t.dx = activations(c, count, false, false);
    t.y = floats(t.y_count, NAN);
    t.w = floats(t.w_count, INFINITY), t.v = floats(t.w_count, INFINITY), t.g = floats(t.w_count, NAN);
    t.bias = floats((long)c->out_c, INFINITY), t.bias_v = floats((long)c->out_c, INFINITY);
    t.bias_g = floats((long)c->out_c, NAN);
    return t;
}

static void tensors_free(struct tensors *t)
{
    float *all[] = {t->x, t->w, t->bias, t->dy, t->y, t->dx, t->g, t->bias_g, t->v, t->bias_v};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static float *copy_of(const float *from, long count)
{
    float *const to = floats(count, 0);

    memcpy(to, from, bytes(count));
    return to;
}

static float *operands(const float *values, long count, enum rt_cuda_math math)
{
    float *const rounded = floats(count, 0);

    for (long i = 0; i < count; i++)
        rounded[i] = operand(values[i], math);
    return rounded;
}

/* ---- elements as the kernels have them ---- */

static size_t element_bytes(enum rt_cuda_math math)
{
    return math == RT_CUDA_BF16 ? sizeof(uint16_t) : sizeof(float);
}

/* A copy in memory of its own, rounded in BF16. */
static void *elements(const float *values, long count, enum rt_cuda_math math)
{
    float *const all = operands(values, count, math == RT_CUDA_BF16 ? math : RT_CUDA_FP32);
    uint16_t *halves;

    if (math != RT_CUDA_BF16)
        return all;
    halves = aligned_alloc(16, ((size_t)count * sizeof *halves + 31) / 16 * 16);
    assert_non_null(halves);
    for (long i = 0; i < count; i++)
        halves[i] = (uint16_t)(bits_of(all[i]) >> 16);
    free(all);
    return halves;
}

static void *element_at(void *all, int offset, enum rt_cuda_math math)
{
    return (char *)all + (size_t)offset * element_bytes(math);
}

/* The values of elements, which are freed. */
static float *take_values(void *all, long count, enum rt_cuda_math math)
{
    float *values;

    if (math != RT_CUDA_BF16)
        return all;
    values = floats(count, 0);
    for (long i = 0; i < count; i++) {
        const uint32_t bits = (uint32_t)((const uint16_t *)all)[i] << 16;

        memcpy(&values[i], &bits, sizeof bits);
    }
    free(all);
    return values;
}

/* The sum over the taps that pixel (oh, ow) of y and the pixels of x share, in double: adds x * w to y, dy * w
 * to dx and x * dy to g, whichever is not null. */
static void reference(const struct rt_cuda_conv *c, const struct tensors *t, int count, double *y, double *dx,
                      double *g)
{
    const struct {
        float *x, *w, *dy;
    } r = {operands(t->x, t->x_count, c->math), operands(t->w, t->w_count, c->math),
           operands(t->dy, t->y_count, c->math)};

    for (int n = 0; n < count; n++)
        for (int out = 0; out < c->out_h * c->out_w; out++)
            for (int tap = 0; tap < c->kernel * c->kernel; tap++) {
                const int h = out / c->out_w * c->stride - c->padding + tap / c->kernel;
                const int w = out % c->out_w * c->stride - c->padding + tap % c->kernel;
                const long to = (long)n * c->out_h * c->out_w + out;
                const long from = ((long)n * c->in_h + h) * c->in_w + w;

                if (h < 0 || w < 0 || h >= c->in_h || w >= c->in_w)
                    continue;
                for (int i = 0; i < c->in_c; i++)
                    for (int o = 0; o < c->out_c; o++) {
                        const long at = ((long)tap * c->in_c + i) * c->out_c + o;
                        const double x = r.x[from * c->in_ld + c->in_offset + i];
                        const double wv = r.w[at];
                        const double dy = r.dy[to * c->out_ld + c->out_offset + o];

                        if (y)
                            y[to * c->out_c + o] += x * wv;
                        if (dx)
                            dx[from * c->in_c + i] += dy * wv;
                        if (g)
                            g[at] += x * dy;
                    }
            }
    free(r.x), free(r.w), free(r.dy);
}

static double *doubles(long count)
{
    double *const array = calloc((size_t)(count ? count : 1), sizeof *array);

    assert_non_null(array);
    return array;
}

/* got[row * ld + offset + i] against want[row * c + i], each off by `rounded` of itself in any case; what lies
 * between and behind must be as it was. */
static void compare(const char *what, const float *got, const float *before, long all, long rows_count, int ld,
                    int offset, int c, const double *want, double rounded)
{
    double difference = 0, norm = 0;

    for (long i = 0; i < all; i++) {
        const long row = i / ld;
        const int at = (int)(i % ld) - offset;

        if (row < rows_count && at >= 0 && at < c) {
            const double d = fabs(got[i] - want[row * c + at]), beyond = d - rounded * fabs(want[row * c + at]);

            difference += beyond <= 0 ? 0 : beyond * beyond; /* NaN stays */
            norm += want[row * c + at] * want[row * c + at];
        } else if (bits_of(got[i]) != bits_of(before[i])) {
            print_error("%s: float %ld of row %ld was written and is not the layer's\n", what, i % ld, row);
            fail();
        }
    }
    if (!(sqrt(difference) <= bound * sqrt(norm) + 1e-30)) {
        print_error("%s: off by %.2e of the norm\n", what, sqrt(difference / norm));
        fail();
    }
}

static long option(const char *options, const char *name)
{
    char text[64];
    const char *at;

    snprintf(text, sizeof text, "-DRT_%s=", name);
    at = strstr(options, text);
    assert_non_null(at);
    return strtol(at + strlen(text), NULL, 10);
}

static const struct gemm_variant *find_variant(const struct rt_cuda_kernel *k)
{
    for (int i = 0; i < VARIANTS; i++) {
        const struct gemm_variant *const v = variants[i];

        if (strcmp(v->source, k->source) != 0 || v->pass != option(k->options, "PASS"))
            continue;
        if (strcmp(k->source, "gemm_parts.cu") == 0
                ? v->vector == option(k->options, "VECTOR") &&
                      (v->math == 2) == (option(k->options, "MATH") == 2)
                : v->math == option(k->options, "MATH") && v->m == option(k->options, "BM") &&
                      v->n == option(k->options, "BN") && v->k == option(k->options, "BK") &&
                      v->warps_m == option(k->options, "WARPS_M") &&
                      v->warps_n == option(k->options, "WARPS_N") &&
                      v->stages == option(k->options, "STAGES") &&
                      (strcmp(v->source, "conv_halo.cu") != 0 || v->taps == option(k->options, "TAPS")))
            return v;
    }
    print_error("no host build for %s %s\n", k->source, k->options);
    fail();
    return NULL;
}

static void launch(const struct rt_cuda_kernel *k, void **arguments)
{
    const struct gemm_variant *const v = find_variant(k);
#define GET(name) (int)option(k->options, name)
    *v->shape = (struct gemm_shape){
        GET("B"),
        GET("IH"),
        GET("IW"),
        GET("IC"),
        GET("WC"),
        GET("ILD"),
        GET("OH"),
        GET("OW"),
        GET("OC"),
        GET("OLD"),
        GET("K"),
        GET("S"),
        GET("P"),
        GET("VIN"),
        GET("VOUT"),
        GET("VW"),
        GET("BIAS"),
        GET("RELU"),
        GET("ACCUMULATE"),
        GET("GATE"),
        GET("UPDATE"),
        GET("SPLITS"),
        strstr(k->options, "-DRT_HALO=") ? GET("HALO") : 0,
    };
#undef GET
    assert_int_equal(fibers_run(&(struct fibers_launch){.set = v->set,
                                                        .kernel = v->kernel,
                                                        .arguments = arguments,
                                                        .grid = {k->grid[0], k->grid[1], k->grid[2]},
                                                        .block = k->block,
                                                        .shared_bytes = k->shared_bytes}),
                     0);
}

static void run_pass(const struct rt_cuda_conv *c, enum rt_cuda_conv_pass pass, const struct rt_cuda_tile *tile,
                     void **arguments)
{
    enum { WORKSPACE = 5, WORKSPACE_OF_WEIGHTS = 10 };
    const int workspace = pass == RT_CUDA_WEIGHT_GRADIENT ? WORKSPACE_OF_WEIGHTS : WORKSPACE;
    struct rt_cuda_conv_plan plan;
    struct rt_error err;

    if (rt_cuda_conv_plan(&plan, c, pass, 132, SHARED_MAX, tile, &err)) {
        print_error("%s\n", err.message);
        fail();
    }
    assert_int_equal(strstr(plan.kernels[0].options, "-DRT_BF16=1") != NULL, c->math == RT_CUDA_BF16);
    arguments[workspace] = floats((long)(plan.workspace_bytes / sizeof(float)), NAN);
    for (int i = 0; i < plan.count; i++)
        launch(&plan.kernels[i], arguments);
    free(arguments[workspace]);
}

/* What a pass with this output, argument 3, leaves of `before`; twice the same, in BF16. */
static float *output_of(const char *what, const struct rt_cuda_conv *c, enum rt_cuda_conv_pass pass,
                        const struct rt_cuda_tile *tile, void **arguments, const float *before, long count,
                        int offset)
{
    void *out[2] = {NULL, NULL};
    const int runs = c->math == RT_CUDA_BF16 ? 2 : 1;

    for (int i = 0; i < runs; i++) {
        out[i] = elements(before, count, c->math);
        arguments[3] = element_at(out[i], offset, c->math);
        run_pass(c, pass, tile, arguments);
    }
    if (runs > 1 && memcmp(out[0], out[1], (size_t)count * element_bytes(c->math)) != 0) {
        print_error("%s: a second run has other bits\n", what);
        fail();
    }
    free(out[1]);
    return take_values(out[0], count, c->math);
}

static void check_forward(const char *what, const struct rt_cuda_conv *c, const struct rt_cuda_tile *tile,
                          struct tensors *t, int count)
{
    const long pixels = (long)count * c->out_h * c->out_w;
    double *const want = doubles(pixels * c->out_c);
    void *const x = elements(t->x, t->x_count, c->math), *const w16 = elements(t->w, t->w_count, c->math);
    void *arguments[] = {
        element_at(x, c->in_offset, c->math), w16, c->bias ? t->bias : NULL, NULL, &count, NULL};
    float *y;

    reference(c, t, count, want, NULL, NULL);
    for (long i = 0; i < pixels * c->out_c; i++) {
        want[i] += c->bias ? t->bias[i % c->out_c] : 0;
        want[i] = c->relu && want[i] < 0 ? 0 : want[i];
    }
    y = output_of(what, c, RT_CUDA_FORWARD, tile, arguments, t->y, t->y_count, c->out_offset);
    compare(what, y, t->y, t->y_count, pixels, c->out_ld, c->out_offset, c->out_c, want, rounding(c->math));
    free(want);
    free(y), free(x), free(w16);
}

static void check_input(const char *what, const struct rt_cuda_conv *c, const struct rt_cuda_tile *tile,
                        struct tensors *t, int count)
{
    const long pixels = (long)count * c->in_h * c->in_w;
    double *const want = doubles(pixels * c->in_c);
    float *const before = copy_of(t->dx, t->x_count);
    void *const x = elements(t->x, t->x_count, c->math), *const w16 = elements(t->w, t->w_count, c->math);
    void *const dy = elements(t->dy, t->y_count, c->math);
    void *arguments[] = {element_at(dy, c->out_offset, c->math),
                         w16,
                         c->gate ? element_at(x, c->in_offset, c->math) : NULL,
                         NULL,
                         &count,
                         NULL};
    float *dx;

    if (!c->accumulate)
        for (long i = 0; i < pixels; i++)
            for (int j = 0; j < c->in_c; j++)
                before[i * c->in_ld + c->in_offset + j] = NAN;
    reference(c, t, count, NULL, want, NULL);
    for (long i = 0; i < pixels * c->in_c; i++) {
        const long at = i / c->in_c * c->in_ld + c->in_offset + i % c->in_c;

        want[i] += c->accumulate ? t->dx[at] : 0;
        want[i] = c->gate && !(t->x[at] > 0) ? 0 : want[i];
    }
    dx = output_of(what, c, RT_CUDA_INPUT_GRADIENT, tile, arguments, before, t->x_count, c->in_offset);
    compare(what, dx, t->dx, t->x_count, pixels, c->in_ld, c->in_offset, c->in_c, want, rounding(c->math));
    free(want);
    free(before), free(dx), free(x), free(w16), free(dy);
}

/* g as it is, or w and v after an update by it. */
static void check_updated(const char *what, const struct rt_cuda_conv *c, long count, const double *g,
                          const float *got_g, const float *w, const float *v, const float *got_w,
                          const float *got_v)
{
    double *const want_w = doubles(count), *const want_v = doubles(count);

    for (long i = 0; i < count; i++) {
        want_v[i] = (double)hyper[1] * v[i] + g[i] + (double)hyper[2] * w[i];
        want_w[i] = w[i] - (double)hyper[0] * want_v[i];
    }
    if (c->update) {
        compare(what, got_w, got_w, count, count, 1, 0, 1, want_w, 0);
        compare(what, got_v, got_v, count, count, 1, 0, 1, want_v, 0);
    } else {
        compare(what, got_g, got_g, count, count, 1, 0, 1, g, 0);
        assert_memory_equal(w, got_w, bytes(count));
        assert_memory_equal(v, got_v, bytes(count));
    }
    free(want_v);
    free(want_w);
}

/* The copy of the weights: w rounded, where the pass updates. */
static void check_copy(const char *what, const struct rt_cuda_conv *c, long count, const float *w,
                       const float *copy)
{
    for (long i = 0; i < count; i++)
        if (c->update ? bits_of(copy[i]) != bits_of(operand(w[i], RT_CUDA_BF16)) : !isnan(copy[i])) {
            print_error("%s: the copy of weight %ld, %.9g, is %.9g\n", what, i, (double)w[i], (double)copy[i]);
            fail();
        }
}

static void check_weight(const char *what, const struct rt_cuda_conv *c, const struct rt_cuda_tile *tile,
                         struct tensors *t, int count)
{
    const long outputs = (long)c->out_c, pixels = (long)count * c->out_h * c->out_w;
    double *const g = doubles(t->w_count), *const bias_g = doubles(outputs);
    float *const w = copy_of(t->w, t->w_count), *const v = copy_of(t->v, t->w_count);
    float *const bias = copy_of(t->bias, outputs), *const bias_v = copy_of(t->bias_v, outputs);
    struct rt_cuda_update update = {.terms = {0}};
    void *const x = elements(t->x, t->x_count, c->math), *const dy = elements(t->dy, t->y_count, c->math);
    float *copy = floats(t->w_count, NAN);
    void *const w16 = c->math == RT_CUDA_BF16 ? elements(copy, t->w_count, c->math) : NULL;
    void *arguments[] = {element_at(x, c->in_offset, c->math),
                         element_at(dy, c->out_offset, c->math),
                         c->update ? NULL : t->g,
                         c->update || !c->bias ? NULL : t->bias_g,
                         w,
                         c->bias ? bias : NULL,
                         v,
                         c->bias ? bias_v : NULL,
                         &count,
                         &update,
                         NULL,
                         w16};

    memcpy(update.terms, hyper, sizeof hyper);
    reference(c, t, count, NULL, NULL, g);
    for (long i = 0; i < pixels * outputs; i++)
        bias_g[i % outputs] += t->dy[i / outputs * c->out_ld + c->out_offset + i % outputs];
    run_pass(c, RT_CUDA_WEIGHT_GRADIENT, tile, arguments);
    check_updated(what, c, t->w_count, g, t->g, t->w, t->v, w, v);
    if (c->bias)
        check_updated(what, c, outputs, bias_g, t->bias_g, t->bias, t->bias_v, bias, bias_v);
    else
        assert_memory_equal(bias, t->bias, bytes(outputs));
    if (w16) {
        free(copy);
        copy = take_values(w16, t->w_count, c->math);
        check_copy(what, c, t->w_count, w, copy);
    }
    free(g), free(bias_g), free(w), free(v), free(bias), free(bias_v), free(x), free(dy), free(copy);
}

static void check_row(const struct row *r, const struct gemm_variant *v, int splits)
{
    static const char *const passes[] = {"forward", "input gradient", "weight gradient"};
    const struct rt_cuda_conv conv = conv_of(r, (enum rt_cuda_math)v->math);
    const struct rt_cuda_tile tile = {v->m, v->n, v->k, v->warps_m, v->warps_n, v->stages, 1, splits, v->taps};
    const struct rt_cuda_product product = rt_cuda_conv_product(&conv, (enum rt_cuda_conv_pass)v->pass);
    struct tensors t;
    char what[160];

    if (!rt_cuda_tile_fits(&product, &tile))
        return;
    seed = 1;
    t = tensors_make(&conv, r->count);
    snprintf(what, sizeof what, "%s, %s, %s, %s %d x %d x %d, %d parts", r->what, passes[v->pass],
             maths[v->math], v->source, v->m, v->n, v->k, splits);
    if (v->pass == RT_CUDA_FORWARD)
        check_forward(what, &conv, &tile, &t, r->count);
    else if (v->pass == RT_CUDA_INPUT_GRADIENT)
        check_input(what, &conv, &tile, &t, r->count);
    else
        check_weight(what, &conv, &tile, &t, r->count);
    tensors_free(&t);
}

static void sums(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int j = 0; j < VARIANTS; j++) {
            if (strcmp(variants[j]->source, "gemm_parts.cu") == 0)
                continue;
            check_row(&rows[i], variants[j], 1);
            check_row(&rows[i], variants[j], 3);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sums)};

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("cuda_gemm", tests, NULL, NULL);
}
