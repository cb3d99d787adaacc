/* bfloat16 as the CUDA kernels store it (kernels/element.h), compiled as host code; and base/half.h's. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/half.h"
#include "engine/cuda/kernels/element.h"

static void test_round_trip(void **state)
{
    int nans = 0;

    (void)state;
    for (rt_u32 bits = 0; bits < 0x10000; bits++) {
        const rt_element e = {(unsigned short)bits};
        const float value = rt_value(e);
        const rt_element back = rt_element_of(value);

        assert_int_equal(rt_bits_of(value), bits << 16);
        if (isnan(value)) {
            nans++;
            assert_int_equal(back.bits, 0x7fff);
        } else
            assert_int_equal(back.bits, bits);
    }
    assert_int_equal(nans, 254);
}

/* Where a value goes that is none: bits of the float, and of the element. */
static const struct {
    const char *edge;
    rt_u32 from, to;
} edges[] = {
    {"below half: down", 0x3f807fff, 0x3f80},
    {"half, even below: down", 0x3f808000, 0x3f80},
    {"half, odd below: up", 0x3f818000, 0x3f82},
    {"above half: up", 0x3f808001, 0x3f81},
    {"negative, half, odd below: away from zero", 0xbf818000, 0xbf82},
    {"up into the next exponent", 0x3fffc000, 0x4000},
    {"the largest float: infinite", 0x7f7fffff, 0x7f80},
    {"below the middle of the largest and infinity: stays", 0x7f7f7fff, 0x7f7f},
    {"-infinity", 0xff800000, 0xff80},
    {"the least float: zero", 0x00000001, 0x0000},
    {"the least float, negative: -0", 0x80000001, 0x8000},
    {"half of the least element: zero, even", 0x00008000, 0x0000},
    {"above half of the least element", 0x00008001, 0x0001},
    {"denormal, half, odd below: up", 0x00018000, 0x0002},
    {"the largest denormals: up to the least normal", 0x007fffff, 0x0080},
    {"a NaN whose upper half is infinity's", 0x7f800001, 0x7fff},
    {"a NaN whose rounding would wrap to -0", 0x7fffffff, 0x7fff},
    {"a negative NaN", 0xffffffff, 0x7fff},
};

static void test_edges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        const unsigned got = rt_element_of(rt_float_of(edges[i].from)).bits;

        assert_int_equal(rt_bfloat_from_float(rt_float_of(edges[i].from)), edges[i].to);
        if (got != edges[i].to)
            fail_msg("%s: %08x became %04x", edges[i].edge, edges[i].from, got);
    }
}

/* All that one step of rounding can get wrong: every 257th float lies nowhere nearer to another element. */
static void test_nearest(void **state)
{
    (void)state;
    for (rt_u32 bits = 0; bits < 0x7f7f0000; bits += 257) {
        const float x = rt_float_of(bits);
        const unsigned got = rt_element_of(x).bits;
        const rt_element e = {(unsigned short)got};
        const double gone = fabs((double)rt_value(e) - (double)x);

        assert_int_equal(rt_bfloat_from_float(x), got);
        for (unsigned other = got ? got - 1 : 0; other <= got + 1; other += 2) {
            const double there = fabs((double)rt_float_of((rt_u32)other << 16) - (double)x);

            if (!(gone < there || (gone == there && !(got & 1)) || other == got))
                fail_msg("%08x became %04x, %04x is nearer", bits, got, other);
        }
    }
}

static void test_four(void **state)
{
    const float values[4] = {1, -2.0078125F, 0x1p-130F, INFINITY};
    rt_element stored[8] __attribute__((aligned(8)));
    float loaded[4];

    (void)state;
    memset(stored, 0x55, sizeof stored);
    rt_store4(stored + 4, values);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(stored[i].bits, 0x5555);
        assert_int_equal(stored[4 + i].bits, rt_element_of(values[i]).bits);
    }
    rt_load4(loaded, stored + 4);
    for (int i = 0; i < 4; i++)
        assert_true(rt_bits_of(loaded[i]) == (rt_u32)stored[4 + i].bits << 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_four),
    };

    return cmocka_run_group_tests_name("engine/element", tests, NULL, NULL);
}
