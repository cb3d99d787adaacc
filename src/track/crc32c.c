#include "track/crc32c.h"

#define POLYNOMIAL 0x82F63B78u

/* The remainder of a nibble, four shifts of the polynomial; small, because event files are. */
#define SHIFT(c) ((c) >> 1 ^ ((c)&1 ? POLYNOMIAL : 0))
#define NIBBLE(n) SHIFT(SHIFT(SHIFT(SHIFT((uint32_t)(n)))))

static const uint32_t table[16] = {
    NIBBLE(0), NIBBLE(1), NIBBLE(2),  NIBBLE(3),  NIBBLE(4),  NIBBLE(5),  NIBBLE(6),  NIBBLE(7),
    NIBBLE(8), NIBBLE(9), NIBBLE(10), NIBBLE(11), NIBBLE(12), NIBBLE(13), NIBBLE(14), NIBBLE(15),
};

uint32_t rt_crc32c(const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    uint32_t crc = 0xFFFFFFFFu;

    for (size_t i = 0; i < size; i++) {
        crc ^= byte[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc ^ 0xFFFFFFFFu;
}

uint32_t rt_crc32c_masked(const void *bytes, size_t size)
{
    const uint32_t crc = rt_crc32c(bytes, size);

    return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}
