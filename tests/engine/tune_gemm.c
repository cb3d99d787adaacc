/* What the products' tiles take on a GPU, beside the one that gemm_choice.c picks: see usage(). For each layer
 * shape of the networks and each pass, every tile tried is held against a reference in double, run twice into
 * poisoned memory (the same bits), and timed in a graph. Times mean nothing on the fake driver: --check leaves
 * them out and prints TAP. Exit status: 1 where a product is wrong, 2 for wrong arguments, 3 without a card. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tune_gemm_trial.h"

static const char *const networks[NETWORKS] = {"Inception", "AlexNet", "WRN", "MLP1", "MLP3"};
static const char *const pass_names[] = {"forward", "dx", "dw"};

/* Both Inceptions have the same products. */
static const struct layer layers[] = {
    {"i28 3>96 k3", 28, 3, 3, 1, 1, 96, .uses = {1}, .padded = true, .first = true},
    {"i28 96>32 k1", 28, 96, 1, 1, 0, 32, .uses = {1}},
    {"i28 96>32 k3", 28, 96, 3, 1, 1, 32, .uses = {1}},
    {"i28 64>32 k1", 28, 64, 1, 1, 0, 32, .uses = {1}},
    {"i28 64>48 k3", 28, 64, 3, 1, 1, 48, .uses = {1}},
    {"i28 80>80 k3s2", 28, 80, 3, 2, 1, 80, .uses = {1}},
    {"i14 160>112 k1", 14, 160, 1, 1, 0, 112, .uses = {1}},
    {"i14 160>48 k3", 14, 160, 3, 1, 1, 48, .uses = {1}},
    {"i14 160>96 k1", 14, 160, 1, 1, 0, 96, .uses = {1}},
    {"i14 160>64 k3", 14, 160, 3, 1, 1, 64, .uses = {1}},
    {"i14 160>80 k1", 14, 160, 1, 1, 0, 80, .uses = {1}},
    {"i14 160>80 k3", 14, 160, 3, 1, 1, 80, .uses = {1}},
    {"i14 160>48 k1", 14, 160, 1, 1, 0, 48, .uses = {1}},
    {"i14 160>96 k3", 14, 160, 3, 1, 1, 96, .uses = {1}},
    {"i14 144>96 k3s2", 14, 144, 3, 2, 1, 96, .uses = {1}},
    {"i7 240>176 k1", 7, 240, 1, 1, 0, 176, .uses = {1}},
    {"i7 240>160 k3", 7, 240, 3, 1, 1, 160, .uses = {1}},
    {"i7 336>176 k1", 7, 336, 1, 1, 0, 176, .uses = {1}},
    {"i7 336>160 k3", 7, 336, 3, 1, 1, 160, .uses = {1}},
    {"a28 3>64 k5", 28, 3, 5, 1, 1, 64, .uses = {0, 1}, .padded = true, .first = true, .bias = true},
    {"a12 64>256 k5", 12, 64, 5, 1, 1, 256, .uses = {0, 1}, .bias = true},
    {"w28 3>16 k3", 28, 3, 3, 1, 1, 16, .uses = {0, 0, 1}, .padded = true, .first = true},
    {"w28 16>48 k3s2", 28, 16, 3, 2, 1, 48, .uses = {0, 0, 1}},
    {"w28 16>48 k1s2", 28, 16, 1, 2, 0, 48, .uses = {0, 0, 1}},
    {"w14 48>48 k3", 14, 48, 3, 1, 1, 48, .uses = {0, 0, 3}},
    {"w14 48>96 k3s2", 14, 48, 3, 2, 1, 96, .uses = {0, 0, 1}},
    {"w14 48>96 k1s2", 14, 48, 1, 2, 0, 96, .uses = {0, 0, 1}},
    {"w7 96>96 k3", 7, 96, 3, 1, 1, 96, .uses = {0, 0, 3}},
    {"w7 96>192 k3s2", 7, 96, 3, 2, 1, 192, .uses = {0, 0, 1}},
    {"w7 96>192 k1s2", 7, 96, 1, 2, 0, 192, .uses = {0, 0, 1}},
    {"w4 192>192 k3", 4, 192, 3, 1, 1, 192, .uses = {0, 0, 3}},
    {"l 2352>512", 1, 2352, 1, 1, 0, 512, .uses = {0, 0, 0, 1, 1}, .fp32 = true, .first = true, .bias = true},
    {"l 512>512", 1, 512, 1, 1, 0, 512, .uses = {0, 0, 0, 0, 2}, .fp32 = true, .bias = true},
    {"l 512>10", 1, 512, 1, 1, 0, 10, .uses = {0, 0, 0, 1, 1}, .fp32 = true, .bias = true},
    {"l 2304>384", 1, 2304, 1, 1, 0, 384, .uses = {0, 1}, .fp32 = true, .bias = true},
    {"l 384>192", 1, 384, 1, 1, 0, 192, .uses = {0, 1}, .fp32 = true, .bias = true},
    {"l 192>10", 1, 192, 1, 1, 0, 10, .uses = {0, 1, 1}, .fp32 = true, .bias = true},
    {"l 336>10", 1, 336, 1, 1, 0, 10, .uses = {1}, .fp32 = true, .bias = true},
    {"f i14 160>80 k3", 14, 160, 3, 1, 1, 80, .fp32 = true}, /* as `precision: fp32` has them */
    {"f a12 64>256 k5", 12, 64, 5, 1, 1, 256, .fp32 = true, .bias = true},
};
enum { LAYERS = sizeof layers / sizeof *layers };

/* ---- what is printed ---- */

enum { WORDS_MAX = 64 };

/* "128x96x16/4", "h" of conv_halo.cu, "t" of conv_taps.cu. */
static const char *tile_words(const struct rt_cuda_tile *tile, char words[WORDS_MAX])
{
    snprintf(words, WORDS_MAX, "%dx%dx%d%s/%d", tile->m, tile->n, tile->k,
             tile->taps == 9 ? "t"
             : tile->taps    ? "h"
                             : "",
             tile->splits);
    return words;
}

static double multiply_adds(const struct rt_cuda_conv *c)
{
    return (double)c->batch_max * c->out_h * c->out_w * c->out_c * c->kernel * c->kernel * c->in_c;
}

/* The line of what was only checked. */
static void print_check(int number, const struct trial *c, bool good)
{
    double most = 0;

    for (int i = 0; i < c->count; i++)
        most = c->candidates[i].error <= most ? most : c->candidates[i].error; /* NaN stays to be seen */
    printf("%s %d - %s %s: %d tiles, error %.0e\n", good ? "ok" : "not ok", number, c->layer->name,
           pass_names[c->pass], c->count, most);
}

static void print_times(struct tuner *t, const struct trial *c)
{
    const struct candidate *choice = &c->candidates[0], *best = choice;
    const double flops = 2 * multiply_adds(&c->conv);
    char words[WORDS_MAX], best_words[WORDS_MAX];

    for (int i = 1; i < c->count; i++)
        if (c->candidates[i].good && c->candidates[i].us < best->us)
            best = &c->candidates[i];
    printf("%-16s %-7s choice %-15s %8.1f us %6.1f TFLOP/s %.0e | best %-15s %8.1f us %6.1f TFLOP/s %.0e\n",
           c->layer->name, pass_names[c->pass], tile_words(&choice->tile, words), choice->us,
           flops / choice->us * 1e-6, choice->error, tile_words(&best->tile, best_words), best->us,
           flops / best->us * 1e-6, best->error);
    for (int i = 0; i < NETWORKS; i++) {
        t->choice_us[i][c->pass] += c->layer->uses[i] * choice->us;
        t->best_us[i][c->pass] += c->layer->uses[i] * best->us;
    }
}

static void print_sums(const struct tuner *t)
{
    for (int i = 0; i < NETWORKS; i++) {
        const double *a = t->choice_us[i], *b = t->best_us[i];

        printf("%-9s choice: forward %.0f + dx %.0f + dw %.0f = %.0f us; best: %.0f + %.0f + %.0f = %.0f us\n",
               networks[i], a[0], a[1], a[2], a[0] + a[1] + a[2], b[0], b[1], b[2], b[0] + b[1] + b[2]);
    }
}

static bool print_wrong(const struct trial *c)
{
    bool good = true;
    char words[WORDS_MAX];

    for (int i = 0; i < c->count; i++) {
        const struct candidate *one = &c->candidates[i];

        good &= one->good;
        if (!one->good)
            printf("# wrong: %s %s %s: error %.1e, of the bias %.1e%s\n", c->layer->name, pass_names[c->pass],
                   tile_words(&one->tile, words), one->error, one->bias_error,
                   one->same ? "" : "; a second run has other bits");
    }
    return good;
}

/* ---- all cases ---- */

static int run_case(struct tuner *t, const struct layer *layer, enum rt_cuda_conv_pass pass,
                    struct rt_error *err)
{
    struct trial *trial = NULL;
    const int rc = trial_run(t, layer, pass, &trial, err);

    if (!rc) {
        const bool good = print_wrong(trial);

        t->cases++;
        t->wrong += !good;
        if (t->check)
            print_check(t->cases, trial, good);
        else
            print_times(t, trial);
        fflush(stdout);
    }
    trial_free(t, &trial);
    return rc;
}

static bool wanted(const struct layer *layer, char **patterns)
{
    for (char **p = patterns; *p; p++)
        if (strstr(layer->name, *p))
            return true;
    return !*patterns;
}

static int run_all(struct tuner *t, char **patterns, struct rt_error *err)
{
    const double begin = rt_clock_wall_s();

    for (int l = 0; l < LAYERS; l++)
        for (int pass = 0; pass < 3 && wanted(&layers[l], patterns); pass++) {
            if (pass == RT_CUDA_INPUT_GRADIENT && layers[l].first)
                continue;
            if (rt_clock_wall_s() - begin > t->seconds) {
                printf("# time is up before %s %s\n", layers[l].name, pass_names[pass]);
                return RT_OK;
            }
            RT_TRY(run_case(t, &layers[l], (enum rt_cuda_conv_pass)pass, err));
        }
    if (t->check)
        printf("1..%d\n", t->cases);
    else if (!*patterns)
        print_sums(t);
    return RT_OK;
}

static int open_tuner(struct tuner *t, struct rt_device **device, struct rt_error *err)
{
    const char *what = "cannot open the device";

    RT_TRY(rt_device_open(device, &rt_engine_cuda, &(struct rt_device_options){0}, err));
    t->device = (struct rt_cuda_device *)*device;
    RT_TRY(rt_team_create(&t->team, 0, err));
    RT_CU_TRY(t->device->cu, stream_create, (&t->stream, RT_CU_STREAM_NON_BLOCKING, 0), what, err);
    RT_CU_TRY(t->device->cu, event_create, (&t->begin, 0), what, err);
    RT_CU_TRY(t->device->cu, event_create, (&t->end, 0), what, err);
    printf("# %s, batch %d\n", rt_device_target(*device), t->batch);
    return RT_OK;
}

static void close_tuner(struct tuner *t, struct rt_device **device)
{
    const struct rt_cu *cu = t->device ? t->device->cu : NULL;

    if (t->begin)
        cu->event_destroy(t->begin);
    if (t->end)
        cu->event_destroy(t->end);
    if (t->stream)
        cu->stream_destroy(t->stream);
    rt_team_free(&t->team);
    if (*device)
        rt_device_close(device);
}

/* ---- the command line ---- */

static int usage(void)
{
    fputs("usage: tune_gemm [--check] [--bf16] [--batch N] [--seconds S] [LAYER-PATTERN...]\n"
          "  --check      whether products are right; no times\n"
          "  --bf16       all layers in bfloat16\n"
          "  --batch N    images (128)\n"
          "  --seconds S  begin no further case after S seconds\n"
          "A pattern is part of a layer's name: \"w7 96>96 k3\" (WRN, maps of 7 x 7), \"l 512\" (linear).\n",
          stderr);
    return 2;
}

/* The number behind an option, or -1. */
static double number_of(const char *text)
{
    char *end = NULL;
    double value;

    errno = 0;
    value = text ? strtod(text, &end) : -1;
    return !text || errno || end == text || *end || !(value > 0 && value <= 1e9) ? -1 : value;
}

/* The arguments that are patterns, or null where they are wrong. */
static char **parse(struct tuner *t, char **arguments)
{
    char **a = arguments;

    for (; *a && !strncmp(*a, "--", 2); a++) {
        double *const seconds = !strcmp(*a, "--seconds") ? &t->seconds : NULL;
        const bool batch = !strcmp(*a, "--batch");

        if (!strcmp(*a, "--check") || !strcmp(*a, "--bf16")) {
            *((*a)[2] == 'c' ? &t->check : &t->bf16) = true;
            continue;
        }
        if (!seconds && !batch)
            return NULL;
        const double value = number_of(*++a);

        if (value < 0 || (batch && (value < 1 || value > 1024 || value != (int)value)))
            return NULL;
        if (seconds)
            *seconds = value;
        else
            t->batch = (int)value;
    }
    return a;
}

int main(int argc, char **argv)
{
    struct tuner t = {.batch = 128, .seconds = 1e9};
    struct rt_device *device = NULL;
    struct rt_error err = {0};
    char **patterns = parse(&t, argv + (argc > 0));
    int rc;

    if (!patterns)
        return usage();
    rc = open_tuner(&t, &device, &err);
    if (!rc)
        rc = run_all(&t, patterns, &err);
    close_tuner(&t, &device);
    if (rc) {
        fprintf(stderr, "tune_gemm: %s\n", err.message);
        return rc == RT_ECONFIG ? 3 : 1;
    }
    if (!t.cases) {
        fputs("tune_gemm: no case was run: no layer has such a name, or the time was up\n", stderr);
        return 2;
    }
    if (t.wrong)
        printf("# %d of %d cases wrong\n", t.wrong, t.cases);
    return t.wrong != 0;
}
