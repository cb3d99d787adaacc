/* The colours: apart in grey print and for colour-blind readers, measured in CIE L*a*b*. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "figures/palette.h"

/* Linear RGB as seen by all, and with each kind of dichromacy (Machado, Oliveira, Fernandes 2009, severity 1).
 */
static const double sights[4][3][3] = {
    {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
    {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
    {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
    {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
};

static double cube_root_part(double t)
{
    return t > 0.008856 ? cbrt(t) : 7.787 * t + 16.0 / 116;
}

static void to_lab(const char *color, const double sight[3][3], double lab[3])
{
    static const double xyz_of_rgb[3][3] = {{0.4124564, 0.3575761, 0.1804375},
                                            {0.2126729, 0.7151522, 0.0721750},
                                            {0.0193339, 0.1191920, 0.9503041}};
    static const double white[3] = {0.95047, 1, 1.08883};
    unsigned bytes[3];
    double linear[3], seen[3], f[3];
    assert_int_equal(sscanf(color, "#%2x%2x%2x", &bytes[0], &bytes[1], &bytes[2]), 3);
    for (int i = 0; i < 3; i++) {
        const double c = bytes[i] / 255.0;
        linear[i] = c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
    }
    for (int i = 0; i < 3; i++) {
        seen[i] = sight[i][0] * linear[0] + sight[i][1] * linear[1] + sight[i][2] * linear[2];
        seen[i] = fmin(fmax(seen[i], 0), 1);
    }
    for (int i = 0; i < 3; i++)
        f[i] = cube_root_part(
            (xyz_of_rgb[i][0] * seen[0] + xyz_of_rgb[i][1] * seen[1] + xyz_of_rgb[i][2] * seen[2]) / white[i]);
    lab[0] = 116 * f[1] - 16;
    lab[1] = 500 * (f[0] - f[1]);
    lab[2] = 200 * (f[1] - f[2]);
}

static void test_palette_apart(void **state)
{
    (void)state;
    for (int s = 0; s < 4; s++)
        for (int i = 0; i < RT_PALETTE_SIZE; i++)
            for (int k = 0; k < i; k++) {
                double a[3], b[3];
                to_lab(rt_palette[i].color, sights[s], a);
                to_lab(rt_palette[k].color, sights[s], b);
                assert_true(hypot(hypot(a[0] - b[0], a[1] - b[1]), a[2] - b[2]) >= 25);
                if (s == 0)
                    assert_true(fabs(a[0] - b[0]) >= 9); /* in grey print, beside the markers */
                assert_int_not_equal(rt_palette[i].point, rt_palette[k].point);
            }
}

static void test_levels_ordered(void **state)
{
    (void)state;
    for (int s = 0; s < 4; s++) {
        double before = -1;
        for (int i = 0; i < RT_LEVEL_COUNT; i++) {
            double lab[3];
            to_lab(rt_level_palette[i].color, sights[s], lab);
            assert_true(lab[0] - before >= (s == 0 ? 5 : 1.5)); /* lighter at each level, for everyone */
            before = lab[0];
        }
        assert_true(before <= 82); /* still seen on white */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_palette_apart),
                                       cmocka_unit_test(test_levels_ordered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
