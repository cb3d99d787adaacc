/* .npy headers, NumPy's and damaged ones; half precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/half.h"
#include "base/npy.h"

static void headers_are_read_back(void **state)
{
    char header[RT_NPY_HEADER];
    struct rt_npy npy;

    (void)state;
    rt_npy_format(header, "<f2", 1000000, 50000); /* the largest there can be: the size stays */
    assert_int_equal(header[RT_NPY_HEADER - 1], '\n');
    assert_int_equal(rt_npy_parse(&npy, "x", header, sizeof header, NULL), RT_OK);
    assert_string_equal(npy.type, "<f2");
    assert_int_equal(npy.rank, 2);
    assert_int_equal(npy.shape[0], 1000000);
    assert_int_equal(npy.shape[1], 50000);
    assert_int_equal(npy.header_bytes, RT_NPY_HEADER);
}

/* `version`, then the dictionary with its length in front. */
static int parse(struct rt_npy *npy, int version, const char *dictionary, struct rt_error *err)
{
    const size_t length = strlen(dictionary), prefix = version == 1 ? 10 : 12;
    uint8_t bytes[512] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', (uint8_t)version, 0, (uint8_t)length, (uint8_t)(length >> 8)};

    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, not text */
    memcpy(bytes + prefix, dictionary, length);
    return rt_npy_parse(npy, "x.npy", bytes, prefix + length, err);
}

static void strangers_are_named(void **state)
{
    static const struct {
        int version;
        const char *dictionary, *said; /* null: it is read */
    } rows[] = {
        {1, "{'descr': '<i8', 'fortran_order': False, 'shape': (7,), }\n", NULL},
        {2, "{'descr': '|u1', 'fortran_order': False, 'shape': (7, 2, 3), }\n", NULL},
        {1, "{'descr':'<f4','fortran_order':False,'shape':()}", NULL},
        {4, "{'descr': '<i8', 'fortran_order': False, 'shape': (7,), }", "no .npy file"},
        {1, "{'descr': '<i8', 'fortran_order': True, 'shape': (7, 2), }", "Fortran order"},
        {1, "{'descr': [('a', '<i8')], 'fortran_order': False, 'shape': (7,), }", "several fields"},
        {1, "{'descr': '<i8', 'fortran_order': False, }", "lacks"},
        {1, "{'descr': '<i8', 'fortran_order': False, 'shape': 7, }", "no shape"},
        {1, "{'descr': '<i8', 'fortran_order': False, 'shape': (7", "no shape"},
        {1, "{'descr': '<i8', 'fortran_order': False, 'shape': (-7,), }", "no shape"},
        {1, "{'descr': '<i8', 'fortran_order': False, 'shape': (99999999999999999999999,), }", "no shape"},
        {1, "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 2, 3, 4, 5), }", "dimensions"},
        {1, "{'descr': '", "lacks"},
        {1, "", "no .npy file"},
    };
    uint8_t cut[20] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0};
    struct rt_npy npy;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_error err = {0};
        const int rc = parse(&npy, rows[i].version, rows[i].dictionary, &err);

        if (rc != (rows[i].said ? RT_EDATA : RT_OK) ||
            (rows[i].said && (!strstr(err.message, rows[i].said) || !strstr(err.message, "x.npy"))))
            fail_msg("%s: %d, %s", rows[i].dictionary, rc, err.message);
    }
    assert_int_equal(rt_npy_parse(&npy, "x", cut, sizeof cut, NULL), RT_EDATA);
    for (size_t size = 0; size < 12; size++)
        assert_int_equal(rt_npy_parse(&npy, "x", cut, size, NULL), RT_EDATA);
}

static void halves_are_exact_and_nearest(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 0x10000; h++) {
        const float value = rt_half_to_float((uint16_t)h);

        if (isnan(value))
            assert_true(isnan(rt_half_to_float(rt_half_from_float(value))));
        else
            assert_int_equal(rt_half_from_float(value), h);
    }
    for (unsigned h = 0; h < 0x7bff; h++) { /* between neighbours: the nearer, at the middle the even one */
        const float low = rt_half_to_float((uint16_t)h), high = rt_half_to_float((uint16_t)(h + 1));
        const float middle = low + (high - low) / 2;

        assert_int_equal(rt_half_from_float(middle), h + (h & 1));
        assert_int_equal(rt_half_from_float(nextafterf(middle, 0)), h);
        assert_int_equal(rt_half_from_float(nextafterf(middle, high)), h + 1);
        assert_int_equal(rt_half_from_float(-middle), (h + (h & 1)) | 0x8000);
    }
    assert_int_equal(rt_half_from_float(65519.9F), 0x7bff);
    assert_int_equal(rt_half_from_float(65520), 0x7c00);
    assert_int_equal(rt_half_from_float(3e38F), 0x7c00);
    assert_true(rt_half_to_float(rt_half_from_float(0.1F)) == 0.0999755859375F); /* numpy.float16(0.1) */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read_back),
        cmocka_unit_test(strangers_are_named),
        cmocka_unit_test(halves_are_exact_and_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
