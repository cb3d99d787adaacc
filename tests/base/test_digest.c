/* SHA-256 against FIPS 180-2's examples, whole, in pieces and of files. Clocks go forward; dates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "support/scratch.h"

static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char empty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char million_a[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void test_examples(void **state)
{
    char hex[RT_DIGEST_HEX];

    (void)state;
    assert_int_equal(rt_digest_bytes("abc", 3, hex, NULL), RT_OK);
    assert_string_equal(hex, abc);
    assert_int_equal(rt_digest_bytes("", 0, hex, NULL), RT_OK);
    assert_string_equal(hex, empty);
}

static void test_pieces(void **state)
{
    struct rt_digest digest = {0};
    char hex[RT_DIGEST_HEX], piece[999];

    (void)state;
    memset(piece, 'a', sizeof piece);
    assert_int_equal(rt_digest_start(&digest, NULL), RT_OK);
    for (size_t left = 1000000; left;) {
        const size_t size = left < sizeof piece ? left : sizeof piece;

        rt_digest_update(&digest, piece, size);
        left -= size;
    }
    assert_int_equal(rt_digest_finish(&digest, hex, NULL), RT_OK);
    assert_string_equal(hex, million_a);
    rt_digest_free(&digest); /* after finish does nothing */
}

static void test_file(void **state)
{
    static char bytes[1000000];
    char hex[RT_DIGEST_HEX];
    const char *const path = in_scratch(state, "f");

    memset(bytes, 'a', sizeof bytes);
    assert_int_equal(rt_file_write_all(path, bytes, sizeof bytes, NULL), RT_OK);
    assert_int_equal(rt_digest_file(path, hex, NULL), RT_OK);
    assert_string_equal(hex, million_a);
    assert_int_equal(rt_file_write_all(path, "", 0, NULL), RT_OK);
    assert_int_equal(rt_digest_file(path, hex, NULL), RT_OK);
    assert_string_equal(hex, empty);
    assert_int_equal(rt_digest_file(in_scratch(state, "none"), hex, NULL), RT_EIO);
}

static void test_clocks(void **state)
{
    const double wall = rt_clock_wall_s(), cpu = rt_clock_cpu_s();
    char date[RT_ISO_TIME_MAX];

    (void)state;
    rt_clock_sleep_s(0.01);
    assert_true(rt_clock_wall_s() - wall >= 0.009 && rt_clock_wall_s() - wall < 5);
    assert_true(rt_clock_cpu_s() >= cpu && rt_clock_cpu_s() - cpu < 1);
    assert_true(rt_clock_unix_ms() > 1500000000000);
    assert_string_equal(rt_clock_iso(0, date), "1970-01-01T00:00:00Z");
    assert_string_equal(rt_clock_iso(1709210096789, date), "2024-02-29T12:34:56Z"); /* a leap day */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test_setup_teardown(test_file, scratch_make, scratch_remove),
        cmocka_unit_test(test_clocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
