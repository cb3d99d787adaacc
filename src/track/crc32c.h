/* CRC-32C (Castagnoli), the checksum of TFRecord files. */
#ifndef RT_TRACK_CRC32C_H
#define RT_TRACK_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Reflected polynomial 0x82F63B78, start and final xor 0xFFFFFFFF: "123456789" gives 0xE3069283. */
uint32_t rt_crc32c(const void *bytes, size_t size);

/* As TFRecord stores it: rotated right by 15 and offset, so that checksums of checksums stay useful. */
uint32_t rt_crc32c_masked(const void *bytes, size_t size);

#endif
