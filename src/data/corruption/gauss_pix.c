#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"
#include "data/corruption/stream.h"

enum {
    VALUES_MAX = RT_CHANNELS * RT_PLANE, /* of one image */
    WORDS_OF_VALUE = 2                   /* an image draws two 64-bit numbers a pair of values */
};

struct draw {
    const struct rt_corruption_job *job;
    const struct rt_stream *streams; /* [team size] */
};

static RT_CLONED uint64_t bits_of(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static RT_CLONED double double_of(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ln x for 0 < x <= 1: x = 2^k m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh(s), s = (m - 1) / (m + 1), and
 * artanh(s) = s + s^3/3 + s^5/5 + ...; |s| < 0.1716, so that the term left out is below 1e-17 of the sum. */
static RT_CLONED double natural_log(double x)
{
    const uint64_t root_half = UINT64_C(0x3fe6a09e) << 32, one = UINT64_C(0x3ff) << 52;
    const uint64_t exponent_as_double = UINT64_C(0x433) << 52; /* 2^52 + its low bits */
    const uint64_t bits = bits_of(x) + one - root_half;
    const double k = double_of(bits >> 52 | exponent_as_double) - (0x1p52 + 1023);
    const double m = double_of((bits & ((UINT64_C(1) << 52) - 1)) + root_half);
    const double s = (m - 1) / (m + 1), z = s * s;

    return k * 0.69314718055994530942 +
           2 * s *
               (1 + z * (1. / 3 +
                         z * (1. / 5 +
                              z * (1. / 7 +
                                   z * (1. / 9 +
                                        z * (1. / 11 +
                                             z * (1. / 13 +
                                                  z * (1. / 15 +
                                                       z * (1. / 17 + z * (1. / 19 + z * (1. / 21)))))))))));
}

/* Taylor series on [-pi/4, pi/4], to the last bit or two. */
static RT_CLONED double sine(double a)
{
    const double z = a * a;

    return a * (1 - z * (1. / 6) *
                        (1 - z * (1. / 20) *
                                 (1 - z * (1. / 42) *
                                          (1 - z * (1. / 72) *
                                                   (1 - z * (1. / 110) *
                                                            (1 - z * (1. / 156) * (1 - z * (1. / 210))))))));
}

static RT_CLONED double cosine(double a)
{
    const double z = a * a;

    return 1 -
           z * 0.5 *
               (1 - z * (1. / 12) *
                        (1 - z * (1. / 30) *
                                 (1 - z * (1. / 56) *
                                          (1 - z * (1. / 90) *
                                                   (1 - z * (1. / 132) *
                                                            (1 - z * (1. / 182) * (1 - z * (1. / 240))))))));
}

/* Box and Muller 1958, as rt_mt_normal_pair but many at once: words[pairs][4] to normals[pairs][2]. A 53-bit
 * uniform is the low 21 bits of its first word over its second; 1 - u2 is exact. The angle 2 pi u1 is reduced
 * by quarter turns while still exact; their number, at the low end of a sum's bits, selects sine or cosine, and
 * its sign. Without branches, which would keep the loop from being vectorised. */
static RT_CLONED void normals_body(const uint32_t *restrict words, float *restrict normals, long pairs)
{
    for (long i = 0; i < pairs; i++) {
        const uint32_t *w = words + 4 * i;
        const double u1 = (double)(int32_t)(w[0] & 0x1fffff) * 0x1p-21 + (double)w[1] * 0x1p-53;
        const double u2 = (double)(int32_t)(w[2] & 0x1fffff) * 0x1p-21 + (double)w[3] * 0x1p-53;
        const double radius = sqrt(-2 * natural_log(1 - u2));
        const double rounded = u1 * 4 + 0x1.8p52; /* 0, 1, 2, 3 or 4 quarters */
        const double angle = (u1 - (rounded - 0x1.8p52) * 0.25) * 6.28318530717958647692;
        const uint64_t s = bits_of(sine(angle)), c = bits_of(cosine(angle)), quarters = bits_of(rounded);
        const uint64_t odd = -(quarters & 1), differs = (s ^ c) & odd;

        normals[2 * i] = (float)(radius * double_of(c ^ differs ^ (quarters + 1) >> 1 << 63));
        normals[2 * i + 1] = (float)(radius * double_of(s ^ differs ^ quarters >> 1 << 63));
    }
}

RT_CLONES(normals, (const uint32_t *restrict words, float *restrict out, long pairs), (words, out, pairs))

/* normals[784][channels] to pixels[channels][784] with the channel's mean and standard deviation, clamped to
 * [0, 1]. */
static void write_image(const struct rt_dataset *dataset, const float *normals_of_image, float *pixels)
{
    for (int c = 0; c < dataset->channels; c++) {
        for (int j = 0; j < RT_PLANE; j++) {
            const float value =
                normals_of_image[j * dataset->channels + c] * dataset->std[c] + dataset->mean[c];

            pixels[c * RT_PLANE + j] = value < 0 ? 0 : value > 1 ? 1 : value;
        }
    }
}

static void draw_share(void *context, int member)
{
    const struct draw *draw = context;
    const struct rt_corruption_job *job = draw->job;
    const long count = (long)(job->dataset->train_count + job->dataset->test_count);
    const struct rt_slice share = rt_team_slice(job->team, member, count, 1);
    struct rt_stream stream = draw->streams[member];
    const size_t count_of_values = (size_t)(job->dataset->channels * RT_PLANE);
    const size_t words_of_image = WORDS_OF_VALUE * count_of_values;
    uint32_t words[WORDS_OF_VALUE * VALUES_MAX];
    float values[VALUES_MAX] = {0};

    for (long i = share.begin; i < share.end; i++) {
        rt_stream_seek(&stream, job, (size_t)i, words_of_image);
        rt_mt_fill(&stream.mt, words, words_of_image);
        stream.at += words_of_image;
        normals(words, values, (long)count_of_values / 2);
        write_image(job->dataset, values, job->dataset->noise + (size_t)i * count_of_values);
    }
}

/* Every value a normal of the channel's mean and standard deviation, drawn image by image, row by row, with the
 * channels of a pixel together. */
static int gauss_pix_apply(const struct rt_corruption_job *job, struct rt_error *err)
{
    struct rt_stream *streams;

    const size_t words = WORDS_OF_VALUE * (size_t)(job->dataset->channels * RT_PLANE);

    RT_TRY(rt_stream_split(job, words, &streams, err));
    rt_team_run(job->team, draw_share, &(struct draw){job, streams});
    rt_free(&streams);
    return RT_OK;
}

const struct rt_corruption rt_corruption_gauss_pix = {
    .name = "gauss_pix", .makes_noise = true, .apply = gauss_pix_apply};
