#include "figures/png.h"

#include <png.h>

#include "base/file.h"
#include "base/memory.h"

int rt_png_encode(uint8_t **out, size_t *out_size, const char *what, const uint8_t *rgb, int width, int height,
                  struct rt_error *err)
{
    png_image image = {
        .version = PNG_IMAGE_VERSION,
        .width = (png_uint_32)width,
        .height = (png_uint_32)height,
        .format = PNG_FORMAT_RGB,
    };
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image); /* an upper bound, so that it is compressed once */
    uint8_t *bytes = NULL;

    RT_TRY(rt_alloc(&bytes, size, 1, "a PNG", err));
    if (!png_image_write_to_memory(&image, bytes, &size, 0, rgb, 0, NULL)) {
        rt_free(&bytes);
        return rt_fail(err, RT_EMEMORY, "%s: %s", what, image.message);
    }
    *out = bytes;
    *out_size = size;
    return RT_OK;
}

int rt_png_write(const char *path, const uint8_t *rgb, int width, int height, struct rt_error *err)
{
    uint8_t *bytes = NULL;
    size_t size;
    int rc;

    RT_TRY(rt_png_encode(&bytes, &size, path, rgb, width, height, err));
    rc = rt_file_write_all(path, bytes, size, err);
    rt_free(&bytes);
    return rc;
}
