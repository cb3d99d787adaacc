/* run/safetensors: any bytes; accepted tensors lie inside the file, and writing and reading changes nothing. */
#include <string.h>

#include "base/memory.h"
#include "fuzz.h"
#include "run/safetensors.h"

static uint64_t checksum;

static void check_tensor(const struct rt_safetensors *file, const struct rt_safetensor *tensor)
{
    const uint8_t *data = tensor->data;

    RT_FUZZ_CHECK(tensor->dtype < RT_DTYPE_COUNT && rt_dtype_name(tensor->dtype));
    RT_FUZZ_CHECK(rt_safetensors_find(file, tensor->name) == tensor);
    RT_FUZZ_CHECK(tensor->size_bytes <= file->file_size);
    for (size_t i = 0; i < tensor->size_bytes; i++)
        checksum += data[i]; /* read each byte, so that a sanitizer sees a foreign one */
}

void rt_fuzz_one(const uint8_t *bytes, size_t size)
{
    struct rt_safetensors file = {0}, again = {0};
    uint8_t *copy, *written = NULL, *rewritten = NULL;
    size_t written_size, rewritten_size;
    struct rt_error err;
    int rc;

    RT_FUZZ_CHECK(!rt_alloc(&copy, size, 1, "the input", &err));
    memcpy(copy, bytes, size);
    if ((rc = rt_safetensors_parse(&file, copy, size, "input", &err))) {
        rt_fuzz_check_error(rc, &err);
        rt_free(&copy);
        return;
    }
    for (size_t i = 0; i < file.tensor_count; i++)
        check_tensor(&file, &file.tensors[i]);
    RT_FUZZ_CHECK(!rt_safetensors_format(&file, &written, &written_size, &err));
    RT_FUZZ_CHECK(!rt_alloc(&copy, written_size, 1, "the copy", &err));
    memcpy(copy, written, written_size);
    RT_FUZZ_CHECK(!rt_safetensors_parse(&again, copy, written_size, "again", &err));
    RT_FUZZ_CHECK(again.tensor_count == file.tensor_count && again.metadata_count == file.metadata_count);
    RT_FUZZ_CHECK(!rt_safetensors_format(&again, &rewritten, &rewritten_size, &err));
    RT_FUZZ_CHECK(rewritten_size == written_size && !memcmp(rewritten, written, written_size));
    rt_free(&written);
    rt_free(&rewritten);
    rt_safetensors_free(&file);
    rt_safetensors_free(&again);
}
