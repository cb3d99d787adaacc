/* Writes protocol-buffer messages into a growing block of bytes.
 *
 * Calls do not fail individually: running out of memory is remembered, later calls do nothing, and rt_pb_check
 * reports it at the end. The zeroed struct is an empty message. */
#ifndef RT_TRACK_PROTOBUF_H
#define RT_TRACK_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct rt_pb {
    unsigned char *bytes;
    size_t size, capacity;
    bool failed;
};

/* Fields, by number. Zero values are written, unlike proto3's default: they matter inside a oneof. */
void rt_pb_integer(struct rt_pb *pb, int field, int64_t value); /* int32, int64, enum, bool: varint */
void rt_pb_double(struct rt_pb *pb, int field, double value);
void rt_pb_float(struct rt_pb *pb, int field, float value);
void rt_pb_bytes(struct rt_pb *pb, int field, const void *bytes, size_t size);
void rt_pb_text(struct rt_pb *pb, int field, const char *text);
void rt_pb_doubles(struct rt_pb *pb, int field, const double *values, size_t count); /* packed */

/* Bytes as they are, outside any field. */
void rt_pb_raw(struct rt_pb *pb, const void *bytes, size_t size);

/* A message inside: what is written between the two calls. `begin` returns what `end` needs. */
size_t rt_pb_begin(struct rt_pb *pb, int field);
void rt_pb_end(struct rt_pb *pb, size_t begun);

/* RT_EMEMORY if any call ran out of memory. */
int rt_pb_check(const struct rt_pb *pb, struct rt_error *err);

/* Empties it and keeps the memory. */
void rt_pb_reset(struct rt_pb *pb);
void rt_pb_free(struct rt_pb *pb);

#endif
