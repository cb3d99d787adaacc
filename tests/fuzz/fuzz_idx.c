/* data/idx: any bytes as an IDX file, plain or gzipped, of images and of labels. */
#include "config/limits.h"
#include "data/idx.h"
#include "fuzz.h"

static void check(const struct rt_idx *idx, size_t value_max)
{
    RT_FUZZ_CHECK(idx->bytes && idx->count >= 1 && idx->count <= RT_IDX_IMAGES_MAX && idx->md5[31] &&
                  !idx->md5[32]);
    for (size_t i = 0; i < idx->count; i++)
        RT_FUZZ_CHECK(idx->bytes[i] <= value_max);
}

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    const char *path = rt_fuzz_file(bytes, size);
    struct rt_idx idx;
    struct rt_error err;
    int rc = rt_idx_read_images(&idx, path, &err);

    if (rc)
        rt_fuzz_check_error(rc, &err);
    else
        check(&idx, 255);
    rt_idx_free(&idx);
    rc = rt_idx_read_labels(&idx, path, &err);
    if (rc)
        rt_fuzz_check_error(rc, &err);
    else
        check(&idx, RT_CLASSES - 1);
    rt_idx_free(&idx);
}
