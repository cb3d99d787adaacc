#include "track/tensorboard/protobuf.h"

#include <string.h>

#include "base/memory.h"

enum wire_type { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };

enum { VARINT_BYTES_MAX = 10 };

/* Room for `size` bytes more, or null. */
static unsigned char *grow(struct rt_pb *pb, size_t size)
{
    unsigned char *room;

    if (pb->failed || size > SIZE_MAX / 4 || pb->size > SIZE_MAX / 4) {
        pb->failed = true;
        return NULL;
    }
    if (pb->capacity - pb->size < size) {
        const size_t capacity = 2 * (pb->size + size) + 64;

        if (rt_realloc(&pb->bytes, capacity, 1, "a protocol buffer", NULL)) {
            pb->failed = true;
            return NULL;
        }
        pb->capacity = capacity;
    }
    room = pb->bytes + pb->size;
    pb->size += size;
    return room;
}

void rt_pb_raw(struct rt_pb *pb, const void *bytes, size_t size)
{
    unsigned char *room = grow(pb, size);

    if (room && size)
        memcpy(room, bytes, size);
}

/* Seven bits a byte, lowest first; the high bit says that more follow. */
static size_t encode_varint(unsigned char out[VARINT_BYTES_MAX], uint64_t value)
{
    size_t size = 0;

    for (; value > 127; value >>= 7)
        out[size++] = (unsigned char)(value | 128);
    out[size++] = (unsigned char)value;
    return size;
}

static void append_varint(struct rt_pb *pb, uint64_t value)
{
    unsigned char bytes[VARINT_BYTES_MAX];

    rt_pb_raw(pb, bytes, encode_varint(bytes, value));
}

static void append_tag(struct rt_pb *pb, int field, enum wire_type type)
{
    append_varint(pb, (uint64_t)field << 3 | type);
}

static void append_little_endian(struct rt_pb *pb, uint64_t bits, int size)
{
    unsigned char bytes[8];

    for (int i = 0; i < size; i++)
        bytes[i] = (unsigned char)(bits >> 8 * i);
    rt_pb_raw(pb, bytes, (size_t)size);
}

static void append_double(struct rt_pb *pb, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    append_little_endian(pb, bits, 8);
}

void rt_pb_integer(struct rt_pb *pb, int field, int64_t value)
{
    append_tag(pb, field, VARINT);
    append_varint(pb, (uint64_t)value);
}

void rt_pb_double(struct rt_pb *pb, int field, double value)
{
    append_tag(pb, field, FIXED64);
    append_double(pb, value);
}

void rt_pb_float(struct rt_pb *pb, int field, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    append_tag(pb, field, FIXED32);
    append_little_endian(pb, bits, 4);
}

void rt_pb_bytes(struct rt_pb *pb, int field, const void *bytes, size_t size)
{
    append_tag(pb, field, LENGTH);
    append_varint(pb, size);
    rt_pb_raw(pb, bytes, size);
}

void rt_pb_text(struct rt_pb *pb, int field, const char *text)
{
    rt_pb_bytes(pb, field, text, strlen(text));
}

void rt_pb_doubles(struct rt_pb *pb, int field, const double *values, size_t count)
{
    append_tag(pb, field, LENGTH);
    append_varint(pb, count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        append_double(pb, values[i]);
}

size_t rt_pb_begin(struct rt_pb *pb, int field)
{
    append_tag(pb, field, LENGTH);
    return pb->size;
}

/* The length goes before the message but is known only now: move the message up by the length's size. */
void rt_pb_end(struct rt_pb *pb, size_t begun)
{
    unsigned char length[VARINT_BYTES_MAX];
    const size_t size = pb->size - begun;
    const size_t length_size = encode_varint(length, size);

    if (!grow(pb, length_size))
        return;
    memmove(pb->bytes + begun + length_size, pb->bytes + begun, size);
    memcpy(pb->bytes + begun, length, length_size);
}

int rt_pb_check(const struct rt_pb *pb, struct rt_error *err)
{
    return pb->failed ? rt_fail(err, RT_EMEMORY, "out of memory for an event record") : RT_OK;
}

void rt_pb_reset(struct rt_pb *pb)
{
    pb->size = 0;
    pb->failed = false;
}

void rt_pb_free(struct rt_pb *pb)
{
    rt_free(&pb->bytes);
    *pb = (struct rt_pb){0};
}
