#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/source.h"

/* shapes10: images drawn by the program, so that it can be tried without a download. Each shows one of ten
 * shapes at a random position, size, angle and colour, on a shaded, blotched background, among small
 * distractors and with noise. All of it is integer arithmetic on a counter-based generator: image i is a
 * function of (seed, i), and its bytes are the same on every machine. */

#ifndef RT_SHAPES10_TRAIN /* tests that start the program thousands of times build it with fewer */
#define RT_SHAPES10_TRAIN 10000
#define RT_SHAPES10_TEST 2000
#endif

enum {
    TRAIN = RT_SHAPES10_TRAIN,
    TEST = RT_SHAPES10_TEST,
    BLOCK = TEST < 1000 ? TEST : 1000,
    UNIT = 256,   /* a shape's own coordinates (u, v) run over a circle of this radius */
    PIXEL = 256,  /* places and sizes are in 1/256 of a pixel */
    ANGLES = 64,  /* of a full turn */
    ONE = 1 << 14 /* of sines */
};

static const uint64_t seed = UINT64_C(0x5a4b3c2d1e0f1010);

/* The counter of one image's draws. */
struct draws {
    uint64_t state;
};

/* SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t next(struct draws *draws)
{
    uint64_t x = draws->state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* A whole number in [low, high]. */
static int between(struct draws *draws, int low, int high)
{
    const uint64_t range = (uint64_t)(high - low + 1);

    return low + (int)(((next(draws) >> 32) * range) >> 32);
}

/* Sine of angle / 64 of a turn, times ONE. */
static int sine(int angle)
{
    static const int16_t quarter[ANGLES / 4 + 1] = {0,     1606,  3196,  4756,  6270,  7723,
                                                    9102,  10394, 11585, 12665, 13623, 14449,
                                                    15137, 15679, 16069, 16305, 16384};
    const int phase = angle & (ANGLES - 1), half = phase & (ANGLES / 2 - 1);
    const int value = quarter[half <= ANGLES / 4 ? half : ANGLES / 2 - half];

    return phase < ANGLES / 2 ? value : -value;
}

static bool in_disc(int u, int v, int radius)
{
    return u * u + v * v <= radius * radius;
}

/* Whether the point (u, v), inside the circle of radius UNIT, belongs to the shape. */
static bool disc(int u, int v)
{
    return in_disc(u, v, 215);
}

static bool ring(int u, int v)
{
    return in_disc(u, v, 245) && !in_disc(u, v, 150);
}

static bool square(int u, int v)
{
    return abs(u) <= 178 && abs(v) <= 178;
}

/* Inside three half-planes; 222 / 256 is sin 60 degrees. */
static bool triangle(int u, int v)
{
    return v <= UNIT / 2 && 222 * u - 128 * v <= UNIT * UNIT / 2 && -222 * u - 128 * v <= UNIT * UNIT / 2;
}

/* A pentagram: inside at least four of five half-planes, whose normals are a fifth of a turn apart. */
static bool star(int u, int v)
{
    static const int normals[5][2] = {{256, 0}, {79, 243}, {-207, 150}, {-207, -150}, {79, -243}};
    int inside = 0;

    for (int i = 0; i < 5; i++)
        inside += normals[i][0] * u + normals[i][1] * v <= 84 * UNIT;
    return inside >= 4;
}

static bool cross(int u, int v)
{
    return (abs(u) <= 72 && abs(v) <= 236) || (abs(v) <= 72 && abs(u) <= 236);
}

static bool moon(int u, int v)
{
    return in_disc(u, v, 240) && !in_disc(u - 110, v, 200);
}

static bool stripes(int u, int v)
{
    return in_disc(u, v, 245) && ((v + 2 * UNIT + 36) / 72) % 2 == 0;
}

static bool checks(int u, int v)
{
    return abs(u) <= 192 && abs(v) <= 192 && ((u + 192) / 96 + (v + 192) / 96) % 2 == 0;
}

/* Three by three dots. */
static bool dots(int u, int v)
{
    const int pitch = 140, from = pitch / 2 * 3;

    if (abs(u) >= from || abs(v) >= from)
        return false;
    return in_disc((u + from) % pitch - pitch / 2, (v + from) % pitch - pitch / 2, 52);
}

#define SHAPES(X) X(disc) X(ring) X(square) X(triangle) X(star) X(cross) X(moon) X(stripes) X(checks) X(dots)

static const struct shape {
    const char *name;
    bool (*inside)(int u, int v);
} shapes[RT_CLASSES] = {
#define SHAPE(name) {#name, name},
    SHAPES(SHAPE)
#undef SHAPE
};

/* A shape's pose: centre and radius in 1/256 pixel, angle in 1/64 turn. */
struct pose {
    int x, y, radius, angle;
};

struct canvas {
    int value[RT_CHANNELS][RT_STORED][RT_STORED]; /* 0..255, beyond while noise is added */
};

/* How much of a pixel the shape covers, in quarters: 2 x 2 samples. */
static int coverage(const struct shape *shape, struct pose pose, int column, int row)
{
    const int s = sine(pose.angle), c = sine(pose.angle + ANGLES / 4);
    int covered = 0;

    for (int sample = 0; sample < 4; sample++) {
        const int dx = column * PIXEL + PIXEL / 4 + (sample & 1) * PIXEL / 2 - pose.x;
        const int dy = row * PIXEL + PIXEL / 4 + (sample >> 1) * PIXEL / 2 - pose.y;
        const int u = (dx * c + dy * s) / ONE * UNIT / pose.radius;
        const int v = (dy * c - dx * s) / ONE * UNIT / pose.radius;

        covered += in_disc(u, v, UNIT) && shape->inside(u, v);
    }
    return covered;
}

static int clamped(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static void paint(struct canvas *canvas, const struct shape *shape, struct pose pose,
                  const int colour[RT_CHANNELS])
{
    const int last = RT_STORED - 1;
    const int left = clamped((pose.x - pose.radius) / PIXEL, 0, last);
    const int right = clamped((pose.x + pose.radius) / PIXEL, 0, last);
    const int top = clamped((pose.y - pose.radius) / PIXEL, 0, last);
    const int bottom = clamped((pose.y + pose.radius) / PIXEL, 0, last);

    for (int row = top; row <= bottom; row++) {
        for (int column = left; column <= right; column++) {
            const int covered = coverage(shape, pose, column, row);

            for (int c = 0; c < RT_CHANNELS && covered; c++) {
                int *value = &canvas->value[c][row][column];

                *value += (colour[c] - *value) * covered / 4;
            }
        }
    }
}

static void draw_colour(struct draws *draws, int colour[RT_CHANNELS])
{
    for (int c = 0; c < RT_CHANNELS; c++)
        colour[c] = between(draws, 16, 240);
}

/* A shading from one colour to another near it along a random direction, and blotches: brightness at the
 * corners of 8x8 cells, interpolated. */
static void paint_background(struct canvas *canvas, struct draws *draws, const int colour[RT_CHANNELS])
{
    const int angle = between(draws, 0, ANGLES - 1), s = sine(angle), c = sine(angle + ANGLES / 4);
    int slope[RT_CHANNELS], blotch[5][5];

    for (int k = 0; k < RT_CHANNELS; k++)
        slope[k] = between(draws, -40, 40);
    for (int i = 0; i < 25; i++)
        blotch[i / 5][i % 5] = between(draws, -28, 28);
    for (int row = 0; row < RT_STORED; row++) {
        for (int column = 0; column < RT_STORED; column++) {
            const int along = ((2 * column - 31) * c + (2 * row - 31) * s) / (ONE / 16); /* -700..700 */
            const int *cell = &blotch[row / 8][column / 8], x = column % 8, y = row % 8;
            const int above = cell[0] * (8 - x) + cell[1] * x, below = cell[5] * (8 - x) + cell[6] * x;
            const int shade = (above * (8 - y) + below * y) / 64;

            for (int k = 0; k < RT_CHANNELS; k++)
                canvas->value[k][row][column] = clamped(colour[k] + slope[k] * along / 512 + shade, 0, 255);
        }
    }
}

/* Small discs and squares of any colour. */
static void paint_distractors(struct canvas *canvas, struct draws *draws, int count)
{
    for (int i = 0; i < count; i++) {
        const struct shape *shape = &shapes[between(draws, 0, 1) * 2];
        struct pose pose;
        int colour[RT_CHANNELS];

        pose.x = between(draws, 0, RT_STORED * PIXEL - 1);
        pose.y = between(draws, 0, RT_STORED * PIXEL - 1);
        pose.radius = between(draws, 5 * PIXEL / 4, 5 * PIXEL / 2);
        pose.angle = between(draws, 0, ANGLES - 1);
        draw_colour(draws, colour);
        paint(canvas, shape, pose, colour);
    }
}

/* A colour that contrasts with the background. */
static void draw_contrast(struct draws *draws, const int background[RT_CHANNELS], int colour[RT_CHANNELS])
{
    int difference, tries = 0;

    do {
        draw_colour(draws, colour);
        difference = 0;
        for (int c = 0; c < RT_CHANNELS; c++)
            difference += abs(colour[c] - background[c]);
    } while (difference < 200 && ++tries < 64);
}

/* Noise of a triangular distribution on each byte. */
static void add_noise(struct canvas *canvas, struct draws *draws, int strength)
{
    int *value = &canvas->value[0][0][0];

    for (int i = 0; i < RT_CHANNELS * RT_STORED_PLANE; i += 4) {
        uint64_t bits = next(draws);

        for (int j = 0; j < 4; j++, bits >>= 16)
            value[i + j] += ((int)(bits & 255) - (int)(bits >> 8 & 255)) * strength / 256;
    }
}

/* Ten images in a row show the ten shapes, in an order drawn for each ten. */
static int label_of(size_t image)
{
    struct draws draws = {seed + image / RT_CLASSES * UINT64_C(0xd1342543de82ef95)};
    int order[RT_CLASSES];

    for (int i = 0; i < RT_CLASSES; i++) {
        const int j = between(&draws, 0, i);

        order[i] = order[j];
        order[j] = i;
    }
    return order[image % RT_CLASSES];
}

static void make_record(size_t image, uint8_t record[RT_RECORD_BYTES])
{
    struct draws draws = {~seed + image * UINT64_C(0xda942042e4dd58b5)};
    const int label = label_of(image);
    const int reach = 4 * PIXEL; /* how far the centre strays from the middle */
    struct canvas canvas;
    struct pose pose;
    int background[RT_CHANNELS], colour[RT_CHANNELS];

    next(&draws);
    draw_colour(&draws, background);
    draw_contrast(&draws, background, colour);
    pose.x = RT_STORED / 2 * PIXEL + between(&draws, -reach, reach);
    pose.y = RT_STORED / 2 * PIXEL + between(&draws, -reach, reach);
    pose.radius = between(&draws, 8 * PIXEL, 12 * PIXEL);
    pose.angle = between(&draws, 0, ANGLES - 1);
    paint_background(&canvas, &draws, background);
    paint_distractors(&canvas, &draws, between(&draws, 2, 5));
    paint(&canvas, &shapes[label], pose, colour);
    paint_distractors(&canvas, &draws, between(&draws, 0, 1));
    add_noise(&canvas, &draws, between(&draws, 8, 40));
    record[0] = (uint8_t)label;
    for (int i = 0; i < RT_CHANNELS * RT_STORED_PLANE; i++)
        record[1 + i] = (uint8_t)clamped((&canvas.value[0][0][0])[i], 0, 255);
}

static int shapes10_open(struct rt_source *source, const char *directory, struct rt_error *err)
{
    (void)directory;
    (void)err;
    snprintf(source->where, sizeof source->where, "made by the program");
    for (int i = 0; i < RT_CLASSES; i++)
        snprintf(source->classes[i], sizeof source->classes[i], "%s", shapes[i].name);
    return RT_OK;
}

static int shapes10_read(const struct rt_source *source, size_t first, size_t count, uint8_t *records,
                         struct rt_error *err)
{
    (void)source;
    (void)err;
    for (size_t i = 0; i < count; i++)
        make_record(first + i, records + i * RT_RECORD_BYTES);
    return RT_OK;
}

const struct rt_source_kind rt_source_shapes10 = {
    .name = "shapes10",
    .help = "ten shapes on busy backgrounds, made by the program",
    .channels = RT_CHANNELS,
    .side = RT_STORED,
    .train_count = TRAIN,
    .test_count = TEST,
    .block_records = BLOCK,
    .mean = {0.503036f, 0.501494f, 0.500023f},
    .std = {0.259037f, 0.259526f, 0.259766f},
    .open = shapes10_open,
    .read = shapes10_read,
};
