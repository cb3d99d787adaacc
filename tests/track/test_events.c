/* Event files byte by byte: the checksum, the protocol-buffer writer and the records around them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <signal.h>

#include "base/memory.h"
#include "base/text.h"
#include "support/scratch.h"
#include "track/crc32c.h"
#include "track/tensorboard/protobuf.h"
#include "track/tensorboard/tfevents.h"

static void assert_hex(const unsigned char *bytes, size_t size, const char *hex)
{
    char *text = calloc(2 * size + 1, 1);

    for (size_t i = 0; i < size; i++)
        sprintf(text + 2 * i, "%02x", bytes[i]);
    assert_string_equal(text, hex);
    free(text);
}

static void test_crc32c(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint32_t plain;
    } rows[] = {
        {"123456789", 9, 0xE3069283u}, /* the check value */
        {"", 0, 0},                    /* nothing: start and final xor cancel */
        {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32,
         0x8A9136AAu}, /* RFC 3720, B.4 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(rt_crc32c(rows[i].bytes, rows[i].size), rows[i].plain);
    assert_int_equal(rt_crc32c_masked("123456789", 9), 0xC78AB0E5u);
}

static void test_protobuf_fields(void **state)
{
    static const double doubles[] = {1.0, -2.0};
    struct rt_pb pb = {0};
    struct rt_error err;

    (void)state;
    rt_pb_integer(&pb, 1, 0);          /* zero is written */
    rt_pb_integer(&pb, 1, 127);        /* the longest varint of one byte */
    rt_pb_integer(&pb, 1, 128);        /* the shortest of two */
    rt_pb_integer(&pb, 16, -1);        /* negative: ten bytes; a field number that needs two bytes */
    rt_pb_double(&pb, 2, 0.5);         /* little-endian */
    rt_pb_float(&pb, 3, 0.5f);         /* 32 bits */
    rt_pb_text(&pb, 4, "");            /* empty is written */
    rt_pb_bytes(&pb, 4, "a\0b", 3);    /* a zero byte inside */
    rt_pb_doubles(&pb, 5, doubles, 2); /* packed: one length for both */
    assert_int_equal(rt_pb_check(&pb, &err), RT_OK);
    assert_hex(pb.bytes, pb.size,
               "0800"
               "087f"
               "088001"
               "8001ffffffffffffffffff01"
               "11000000000000e03f"
               "1d0000003f"
               "2200"
               "2203610062"
               "2a10000000000000f03f00000000000000c0");
    rt_pb_free(&pb);
}

static void test_protobuf_nested(void **state)
{
    struct rt_pb pb = {0};
    char long_text[201];
    size_t outer, inner;

    (void)state;
    memset(long_text, 'x', 200);
    long_text[200] = 0;
    outer = rt_pb_begin(&pb, 1);
    inner = rt_pb_begin(&pb, 2);
    rt_pb_end(&pb, inner); /* an empty message */
    inner = rt_pb_begin(&pb, 2);
    rt_pb_text(&pb, 3, long_text); /* a length of two bytes moves what it encloses by two */
    rt_pb_end(&pb, inner);
    rt_pb_end(&pb, outer);
    assert_int_equal(pb.size, 3 + 2 + 3 + 3 + 200);
    assert_hex(pb.bytes, 12, "0ad001120012cb011ac80178");
    rt_pb_free(&pb);
}

static void test_protobuf_out_of_memory(void **state)
{
    struct rt_pb pb = {0};
    struct rt_error err;
    size_t begun;

    (void)state;
    rt_alloc_fail_at(1);
    begun = rt_pb_begin(&pb, 1);
    rt_alloc_fail_at(0);
    rt_pb_text(&pb, 1, "lost"); /* after a failure nothing is written, even where it would fit */
    rt_pb_end(&pb, begun);
    assert_int_equal(pb.size, 0);
    assert_int_equal(rt_pb_check(&pb, &err), RT_EMEMORY);
    rt_pb_free(&pb);
}

static size_t read_whole(const char *path, unsigned char *bytes, size_t room)
{
    FILE *file = fopen(path, "rb");
    size_t size;

    assert_non_null(file);
    size = fread(bytes, 1, room, file);
    fclose(file);
    return size;
}

static const char *directory;

/* The check records of docs/tracking.md: a file's head at 1700000000.0 and `loss` = 0.5 at step 3. */
static void test_records(void **state)
{
    unsigned char bytes[256];
    struct rt_tfevents events;
    struct rt_error err;
    size_t size;
    bool exist;

    (void)state;
    assert_int_equal(rt_tfevents_open(&events, directory, 1700000000.0, &err), RT_OK);
    rt_tfevents_begin(&events, 1700000001.5, 3);
    rt_tfevents_add_scalar(&events, "loss", 0.5);
    assert_int_equal(rt_tfevents_write(&events, &err), RT_OK);
    size = read_whole(events.path, bytes, sizeof bytes);
    rt_tfevents_close(&events);
    assert_hex(bytes, size,
               "1800000000000000a37f4b220900000040fc54d9411a0d627261696e2e4576656e743a32eced8f9d"
               "1a00000000000000129bd82d0900006040fc54d94110032a0d0a0b0a046c6f7373150000003f96253a59");
    assert_int_equal(rt_tfevents_remove(directory, &err), RT_OK);
    assert_int_equal(rt_tfevents_exist(&exist, directory, &err), RT_OK);
    assert_false(exist);
}

/* Readers take files by name: neither a second file in the same second nor a clock set back may come first. */
static void test_names_sort(void **state)
{
    static const double clock_s[] = {1700000000.0, 1700000000.5, 1600000000.0};
    struct rt_tfevents events;
    char last[1024] = "";
    struct rt_error err;

    (void)state;
    for (size_t i = 0; i < sizeof clock_s / sizeof *clock_s; i++) {
        assert_int_equal(rt_tfevents_open(&events, directory, clock_s[i], &err), RT_OK);
        assert_true(strcmp(events.path, last) > 0);
        assert_true(rt_copy_text(last, sizeof last, events.path));
        rt_tfevents_close(&events);
    }
    assert_int_equal(rt_tfevents_remove(directory, &err), RT_OK);
}

/* A full disk in the middle of a record: the file keeps only whole records, and takes the next one. */
static void test_full_disk(void **state)
{
    struct rlimit limit, old;
    struct rt_tfevents events;
    struct stat stat_before, stat_after;
    struct rt_error err;

    (void)state;
    assert_int_equal(rt_tfevents_open(&events, directory, 1700000000.0, &err), RT_OK);
    stat(events.path, &stat_before);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = (rlim_t)stat_before.st_size + 5;
    setrlimit(RLIMIT_FSIZE, &limit);
    rt_tfevents_begin(&events, 1.0, 1);
    rt_tfevents_add_scalar(&events, "loss", 0.5);
    assert_int_equal(rt_tfevents_write(&events, &err), RT_EIO);
    setrlimit(RLIMIT_FSIZE, &old);
    stat(events.path, &stat_after);
    assert_int_equal(stat_after.st_size, stat_before.st_size);
    assert_int_equal(rt_tfevents_write_restart(&events, 1.0, 2, &err), RT_OK);
    stat(events.path, &stat_after);
    assert_int_equal(stat_after.st_size, stat_before.st_size + 12 + 9 + 2 + 4 + 4);
    rt_tfevents_close(&events);
    assert_int_equal(rt_tfevents_remove(directory, &err), RT_OK);
}

static void test_no_directory(void **state)
{
    struct rt_tfevents events;
    struct rt_error err;

    (void)state;
    assert_int_equal(rt_tfevents_open(&events, "/nonexistent/run", 0, &err), RT_EIO);
    assert_non_null(strstr(err.message, "/nonexistent/run"));
    rt_tfevents_close(&events); /* takes the state after an error */
}

static int set_up(void **state)
{
    if (scratch_make(state))
        return -1;
    directory = *state;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c),          cmocka_unit_test(test_protobuf_fields),
        cmocka_unit_test(test_protobuf_nested), cmocka_unit_test(test_protobuf_out_of_memory),
        cmocka_unit_test(test_records),         cmocka_unit_test(test_names_sort),
        cmocka_unit_test(test_full_disk),       cmocka_unit_test(test_no_directory),
    };

    return cmocka_run_group_tests_name("track/events", tests, set_up, scratch_remove);
}
