/* The safetensors reader refuses what the format forbids and takes what it allows; the writer's bytes are the
 * reference implementation's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "run/safetensors.h"

/* A file of this header (its length in front; -1: the true one) and `data` zero bytes. */
static uint8_t *make_file(const char *header, long long length, size_t data, size_t *size)
{
    const uint64_t n = length < 0 ? strlen(header) : (uint64_t)length;
    uint8_t *bytes;

    *size = 8 + strlen(header) + data;
    assert_int_equal(rt_alloc(&bytes, *size, 1, "a file", NULL), 0);
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(n >> (8 * i));
    for (size_t i = 0; header[i]; i++)
        bytes[8 + i] = (uint8_t)header[i];
    return bytes;
}

static int parse(const char *header, long long length, size_t data, struct rt_safetensors *out,
                 struct rt_error *err)
{
    size_t size;
    uint8_t *bytes = make_file(header, length, data, &size);
    const int rc = rt_safetensors_parse(out, bytes, size, "file", err);

    if (rc)
        rt_free(&bytes);
    return rc;
}

#define A(dtype, shape, begin, end)                                                                            \
    "\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"
#define B(dtype, shape, begin, end)                                                                            \
    "\"b\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static void refuses(void **state)
{
    static const struct {
        const char *header;
        long long length; /* as the file says; -1: the truth */
        size_t data;
        const char *why; /* part of the message */
    } rows[] = {
        {"{}", 3, 0, "cut short"},                                              /* header past the end */
        {"{}", 100000001, 0, "at most"},                                        /* header over the limit */
        {"{}", -1, 1, "behind the last tensor"},                                /* bytes nobody owns */
        {"", -1, 0, ""},                                                        /* no JSON at all */
        {"[]", -1, 0, "not an object"},                                         /* no object */
        {"{} x", -1, 0, ""},                                                    /* text behind the JSON */
        {"{\"a\xff\":1}", -1, 0, ""},                                           /* not UTF-8 */
        {"{\"a\\u0000\":1}", -1, 0, ""},                                        /* a NUL in a name */
        {"{\"a\":1}", -1, 0, "tensor a is not an object"},                      /* a tensor that is none */
        {"{" A("F32", "[1]", 0, 4) "," A("F32", "[1]", 4, 8) "}", -1, 8, ""},   /* one name twice */
        {"{" A("F33", "[1]", 0, 4) "}", -1, 4, "unknown dtype"},                /* a type that is none */
        {"{" A("f32", "[1]", 0, 4) "}", -1, 4, "unknown dtype"},                /* types are upper case */
        {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", -1, 4, "dtype"},     /* no type */
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", -1, 4, "shape"}, /* no shape */
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", -1, 4, "data_offsets"},   /* no offsets */
        {"{" A("F32", "1", 0, 4) "}", -1, 4, "shape"},                          /* a shape that is no list */
        {"{" A("F32", "[1.0]", 0, 4) "}", -1, 4, "dimension 0"},                /* a fraction */
        {"{" A("F32", "[-1]", 0, 4) "}", -1, 4, "dimension 0"},                 /* a negative size */
        {"{" A("F32", "[1]", -4, 0) "}", -1, 4, "data_offsets"},                /* a negative offset */
        {"{" A("F32", "[0]", 4, 0) "}", -1, 4, "lies at"},                      /* end before begin */
        {"{" A("F32", "[2]", 0, 8) "}", -1, 4, "cut short"},                    /* past the data's end */
        {"{" A("F32", "[2]", 0, 4) "}", -1, 4, "does not make"}, /* shape larger than its bytes */
        {"{" A("F32", "[1]", 0, 8) "}", -1, 8, "does not make"}, /* smaller */
        {"{" A("F4", "[1]", 0, 1) "}", -1, 1, "does not make"},  /* half a byte */
        {"{" A("F32", "[4294967296,4294967296]", 0, 0) "}", -1, 0, "does not make"}, /* 2^64 elements */
        {"{" A("F32", "[4611686018427387904]", 0, 0) "}", -1, 0, "does not make"},   /* 2^64 bytes */
        {"{" A("F32", "[18446744073709551616]", 0, 0) "}", -1, 0, ""},               /* 2^64 in one dimension */
        {"{" A("F32", "[1]", 0, 4) "," B("F32", "[1]", 8, 12) "}", -1, 12, "a gap"},
        {"{" A("F32", "[1]", 4, 8) "}", -1, 8, "a gap"}, /* not from 0 on */
        {"{" A("F32", "[2]", 0, 8) "," B("F32", "[1]", 4, 8) "}", -1, 8, "an overlap"},
        {"{" A("F32", "[1]", 0, 4) "," B("F32", "[1]", 0, 4) "}", -1, 4, "an overlap"}, /* the same bytes */
        {"{\"__metadata__\":{\"k\":1}}", -1, 0, "not a text"}, /* metadata that is no text */
        {"{\"__metadata__\":[]}", -1, 0, "not an object"},
        {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", -1, 0, ""}, /* one key twice */
    };
    struct rt_safetensors out = {0};
    struct rt_error err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        err.message[0] = '\0';
        if (parse(rows[i].header, rows[i].length, rows[i].data, &out, &err) != RT_EDATA ||
            strncmp(err.message, "file", 4) != 0 || !strstr(err.message, rows[i].why))
            fail_msg("row %zu (%s): %s", i, rows[i].header, err.message);
        assert_null(out.file);
    }
}

static void refuses_short_files(void **state)
{
    struct rt_safetensors out = {0};
    uint8_t bytes[8] = {0};
    struct rt_error err;

    (void)state;
    for (size_t size = 0; size < 8; size++)
        assert_int_equal(rt_safetensors_parse(&out, bytes, size, "file", &err), RT_EDATA);
}

/* Three megabytes of the shortest values, of which each takes hundreds of bytes once parsed. */
static void refuses_headers_of_nothing(void **state)
{
    static const struct {
        const char *first, *more, *last;
    } rows[] = {
        {"{\"a\":{}", ",\"a\":{}", "}"}, /* tensors without anything */
        {"{\"a\":[[]", ",[]", "]}"},     /* lists of lists */
        {"{\"a\":[{}", ",{}", "]}"},
        {"{\"a\":[[1]", ",[1]", "]}"},
    };
    enum { SIZE = 3000000 };
    char *header;
    struct rt_error err;

    (void)state;
    assert_int_equal(rt_alloc(&header, SIZE + 100, 1, "a header", NULL), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const size_t part = strlen(rows[i].more);
        struct rt_safetensors out = {0};
        char *at = stpcpy(header, rows[i].first);

        for (; at < header + SIZE; at += part)
            memcpy(at, rows[i].more, part);
        memcpy(at, rows[i].last, strlen(rows[i].last) + 1);
        if (parse(header, -1, 0, &out, &err) != RT_EDATA || !strstr(err.message, "no tensors are so short"))
            fail_msg("row %zu: %s", i, err.message);
    }
    rt_free(&header);
}

/* Braces in names are only letters. */
static void takes_braces_in_names(void **state)
{
    char header[1024] = "{\"", *at = header + 2;
    struct rt_safetensors out = {0};
    struct rt_error err;

    (void)state;
    memset(at, '{', 400);
    memset(at + 400, '[', 400);
    strcpy(at + 800, "\\\"[{\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}");
    if (parse(header, -1, 1, &out, &err))
        fail_msg("%s", err.message);
    rt_safetensors_free(&out);
}

static void takes(void **state)
{
    static const struct {
        const char *header;
        size_t data, tensors;
    } rows[] = {
        {"{}", 0, 0},
        {"{}      ", 0, 0},                                                 /* padding */
        {" {\n\t}\r\n", 0, 0},                                              /* any JSON white space */
        {"{" A("F32", "[]", 0, 4) "}", 4, 1},                               /* a scalar */
        {"{" A("F32", "[0]", 0, 0) "}", 0, 1},                              /* no elements */
        {"{" A("F32", "[3,0,2]", 0, 0) "," B("U8", "[2]", 0, 2) "}", 2, 2}, /* none beside some */
        {"{" A("F32", "[1]", 4, 8) "," B("F32", "[1]", 0, 4) "}", 8, 2},    /* header in another order */
        {"{" A("F4", "[2]", 0, 1) "," B("F6_E2M3", "[4]", 1, 4) "}", 4, 2}, /* parts of bytes */
        {"{\"__metadata__\":{\"format\":\"pt\"}," A("I64", "[]", 0, 8) "}", 8, 1},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"note\":null}}", 1, 1}, /* more keys */
    };
    struct rt_error err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rt_safetensors out = {0};

        if (parse(rows[i].header, -1, rows[i].data, &out, &err))
            fail_msg("row %zu (%s): %s", i, rows[i].header, err.message);
        assert_int_equal(out.tensor_count, rows[i].tensors);
        rt_safetensors_free(&out);
    }
}

static void gives_values_and_metadata(void **state)
{
    struct rt_safetensors out = {0};
    size_t size;
    uint8_t *bytes =
        make_file("{\"__metadata__\":{\"format\":\"pt\"}," A("U8", "[2]", 1, 3) "," B("U8", "[]", 0, 1) "}", -1,
                  3, &size);

    (void)state;
    memcpy(bytes + size - 3, "xyz", 3); /* NOLINT(bugprone-not-null-terminated-result): bytes, not text */
    assert_int_equal(rt_safetensors_parse(&out, bytes, size, "file", NULL), 0);
    assert_string_equal(out.metadata[0].key, "format");
    assert_string_equal(out.metadata[0].value, "pt");
    assert_string_equal(out.tensors[0].name, "b"); /* in the data's order */
    assert_int_equal(out.tensors[0].rank, 0);
    assert_memory_equal(rt_safetensors_find(&out, "a")->data, "yz", 2);
    assert_int_equal(rt_safetensors_find(&out, "a")->shape[0], 2);
    assert_null(rt_safetensors_find(&out, "c"));
    rt_safetensors_free(&out);
}

static void check_bytes(const struct rt_safetensors *content, const char *header, const char *data,
                        size_t data_size)
{
    uint8_t *bytes;
    size_t size;

    assert_int_equal(rt_safetensors_format(content, &bytes, &size, NULL), 0);
    assert_int_equal(size, 8 + strlen(header) + data_size);
    for (int i = 0; i < 8; i++)
        assert_int_equal(bytes[i], (uint8_t)(strlen(header) >> (8 * i)));
    assert_memory_equal(bytes + 8, header, strlen(header));
    if (data_size)
        assert_memory_equal(bytes + 8 + strlen(header), data, data_size);
    rt_free(&bytes);
}

/* The format's own check files: an empty one, one of N = 64 without padding, one of 65 bytes padded to 72. */
static void writes_the_check_files(void **state)
{
    const char zeros[24] = {0};
    const uint64_t shape[] = {1, 1, 2, 3};
    struct rt_safetensor tensor = {"attn.0", RT_DTYPE_F32, 3, shape + 1, zeros, 24};

    (void)state;
    check_bytes(&(struct rt_safetensors){0}, "{}      ", "", 0);
    check_bytes(&(struct rt_safetensors){.tensors = &tensor, .tensor_count = 1},
                "{\"attn.0\":{\"dtype\":\"F32\",\"shape\":[1,2,3],\"data_offsets\":[0,24]}}", zeros, 24);
    tensor = (struct rt_safetensor){"attn0", RT_DTYPE_F32, 4, shape, zeros, 24};
    check_bytes(&(struct rt_safetensors){.tensors = &tensor, .tensor_count = 1},
                "{\"attn0\":{\"dtype\":\"F32\",\"shape\":[1,1,2,3],\"data_offsets\":[0,24]}}       ", zeros,
                24);
}

static void writes_in_the_reference_order(void **state)
{
    const uint64_t two[] = {2};
    struct rt_safetensors_metadata metadata = {"format", "pt"};
    struct rt_safetensor tensors[] = {
        {"a", RT_DTYPE_U8, 1, two, "12", 2},
        {"B", RT_DTYPE_F32, 0, NULL, "abcd", 4}, /* capitals sort first: bytes, not letters */
        {"A\"\\\n\x01", RT_DTYPE_F32, 0, NULL, "efgh", 4},
        {"z", RT_DTYPE_I64, 0, NULL, "ijklmnop", 8}, /* larger types first */
    };

    (void)state;
    check_bytes(&(struct rt_safetensors){tensors, 4, &metadata, 1, NULL, 0},
                "{\"__metadata__\":{\"format\":\"pt\"},"
                "\"z\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
                "\"A\\\"\\\\\\n\\u0001\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[8,12]},"
                "\"B\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[12,16]},"
                "\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[16,18]}}       ",
                "ijklmnopefghabcd12", 18);
}

static void refuses_to_write_nonsense(void **state)
{
    const uint64_t two[] = {2};
    struct rt_safetensor twice[] = {{"a", RT_DTYPE_U8, 1, two, "12", 2}, {"a", RT_DTYPE_U8, 1, two, "12", 2}};
    struct rt_safetensor small = {"a", RT_DTYPE_F32, 1, two, "12", 2};
    uint8_t *bytes = NULL;
    size_t size;

    (void)state;
    assert_int_equal(rt_safetensors_format(&(struct rt_safetensors){.tensors = twice, .tensor_count = 2},
                                           &bytes, &size, NULL),
                     RT_EDATA);
    assert_int_equal(rt_safetensors_format(&(struct rt_safetensors){.tensors = &small, .tensor_count = 1},
                                           &bytes, &size, NULL),
                     RT_EDATA);
    assert_null(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_short_files),
        cmocka_unit_test(refuses_headers_of_nothing),
        cmocka_unit_test(takes_braces_in_names),
        cmocka_unit_test(takes),
        cmocka_unit_test(gives_values_and_metadata),
        cmocka_unit_test(writes_the_check_files),
        cmocka_unit_test(writes_in_the_reference_order),
        cmocka_unit_test(refuses_to_write_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
