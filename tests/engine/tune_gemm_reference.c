/* Loops over images (forward, input gradient) or rows of weights (weight gradient), each by one thread. */
#include "tune_gemm_reference.h"

#include <math.h>

/* One pixel of y: out[o] = relu(bias[o] + sum x[c] * w[c][o]) over the taps inside the image. */
static void forward_pixel(const struct reference *r, int n, int row, int column, double *out)
{
    const struct rt_cuda_conv *c = r->conv;

    for (int o = 0; o < c->out_c; o++)
        out[o] = c->bias ? r->bias[o] : 0;
    for (int tap = 0; tap < c->kernel * c->kernel; tap++) {
        const int h = row * c->stride - c->padding + tap / c->kernel;
        const int v = column * c->stride - c->padding + tap % c->kernel;
        const float *w = r->w + (size_t)tap * (size_t)c->in_c * (size_t)c->out_c;
        const float *x;

        if (h < 0 || v < 0 || h >= c->in_h || v >= c->in_w)
            continue;
        x = r->x + ((size_t)(n * c->in_h + h) * (size_t)c->in_w + (size_t)v) * (size_t)c->in_ld;
        for (int i = 0; i < c->in_c; i++, w += c->out_c)
            for (int o = 0; o < c->out_c; o++)
                out[o] += (double)x[i] * w[o];
    }
    for (int o = 0; o < c->out_c && c->relu; o++)
        out[o] = out[o] < 0 ? 0 : out[o];
}

/* One pixel of dx: out[c] = sum dy[o] * w[c][o] over the pixels of y that it is part of; 0 where x <= 0. */
static void input_pixel(const struct reference *r, int n, int row, int column, double *out)
{
    const struct rt_cuda_conv *c = r->conv;
    const size_t pixel = (size_t)(n * c->in_h + row) * (size_t)c->in_w + (size_t)column;

    for (int i = 0; i < c->in_c; i++)
        out[i] = 0;
    for (int tap = 0; tap < c->kernel * c->kernel; tap++) {
        const int a = row + c->padding - tap / c->kernel, b = column + c->padding - tap % c->kernel;
        const int h = a / c->stride, v = b / c->stride;
        const float *w = r->w + (size_t)tap * (size_t)c->in_c * (size_t)c->out_c;
        const float *dy;

        if (a < 0 || b < 0 || a % c->stride || b % c->stride || h >= c->out_h || v >= c->out_w)
            continue;
        dy = r->dy + ((size_t)(n * c->out_h + h) * (size_t)c->out_w + (size_t)v) * (size_t)c->out_ld;
        for (int i = 0; i < c->in_c; i++, w += c->out_c)
            for (int o = 0; o < c->out_c; o++)
                out[i] += (double)dy[o] * w[o];
    }
    for (int i = 0; i < c->in_c && c->gate; i++)
        out[i] = r->x[pixel * (size_t)c->in_ld + (size_t)i] > 0 ? out[i] : 0;
}

/* One row of the weights' gradient, of a tap and a channel: out[o] = sum x * dy[o] over the pixels of y. */
static void weight_row(const struct reference *r, int tap, int channel, double *out)
{
    const struct rt_cuda_conv *c = r->conv;
    const int pixels = c->batch_max * c->out_h * c->out_w;

    for (int o = 0; o < c->out_c; o++)
        out[o] = 0;
    for (int p = 0; p < pixels; p++) {
        const int n = p / (c->out_h * c->out_w);
        const int h = p / c->out_w % c->out_h * c->stride - c->padding + tap / c->kernel;
        const int v = p % c->out_w * c->stride - c->padding + tap % c->kernel;
        const float *dy = r->dy + (size_t)p * (size_t)c->out_ld;
        double x;

        if (h < 0 || v < 0 || h >= c->in_h || v >= c->in_w)
            continue;
        x = r->x[((size_t)(n * c->in_h + h) * (size_t)c->in_w + (size_t)v) * (size_t)c->in_ld +
                 (size_t)channel];
        for (int o = 0; o < c->out_c; o++)
            out[o] += x * dy[o];
    }
}

static void bias_gradient(const struct reference *r)
{
    const struct rt_cuda_conv *c = r->conv;
    const int pixels = c->batch_max * c->out_h * c->out_w;

    for (int o = 0; o < c->out_c; o++)
        r->bias_out[o] = 0;
    for (int p = 0; p < pixels; p++)
        for (int o = 0; o < c->out_c; o++)
            r->bias_out[o] += r->dy[(size_t)p * (size_t)c->out_ld + (size_t)o];
}

static void run_slice(void *context, int member)
{
    const struct reference *r = context;
    const struct rt_cuda_conv *c = r->conv;
    const bool forward = r->pass == RT_CUDA_FORWARD, weight = r->pass == RT_CUDA_WEIGHT_GRADIENT;
    const int height = forward ? c->out_h : c->in_h, width = forward ? c->out_w : c->in_w;
    const long items = weight ? (long)c->kernel * c->kernel * c->in_c : (long)c->batch_max * height * width;
    const struct rt_slice slice = rt_team_slice(r->team, member, items, 1);

    for (long i = slice.begin; i < slice.end; i++) {
        const int image = (int)(i / (height * width)), row = (int)(i / width % height);

        if (weight)
            weight_row(r, (int)(i / c->in_c), (int)(i % c->in_c), r->out + i * c->out_c);
        else if (forward)
            forward_pixel(r, image, row, (int)(i % width), r->out + i * c->out_c);
        else
            input_pixel(r, image, row, (int)(i % width), r->out + i * c->in_c);
    }
    if (weight && c->bias && member == 0)
        bias_gradient(r);
}

void reference_run(const struct reference *reference)
{
    struct reference copy = *reference;

    rt_team_run(copy.team, run_slice, &copy);
}

double reference_error(const float *got, const double *want, size_t rows, size_t channels, size_t ld)
{
    double difference = 0, norm = 0;

    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < channels; i++) {
            const double w = want[r * channels + i], d = got[r * ld + i] - w;

            difference += d * d;
            norm += w * w;
        }
    return sqrt(difference / norm);
}
