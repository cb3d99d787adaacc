/* data/pickle: any bytes as a batch of CIFAR-10's Python version. */
#include "data/pickle.h"

#include "base/memory.h"
#include "fuzz.h"

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    struct rt_pickle_batch *batch;
    struct rt_error err;
    int rc;

    RT_FUZZ_CHECK(!rt_alloc(&batch, 1, sizeof *batch, "a batch", &err));
    rc = rt_pickle_read(batch, rt_fuzz_file(bytes, size), NULL, &err);
    if (rc)
        rt_fuzz_check_error(rc, &err);
    else
        RT_FUZZ_CHECK(batch->pixels_at > 0 && (uint64_t)batch->pixels_at + 10000 * 3072 <= size);
    rt_free(&batch);
}
