/* What the passes of a convolution by Winograd's algorithm share: sizes and layout. Whatever affects the order
 * of a sum depends on shapes alone. */
#ifndef RT_ENGINE_NATIVE_OPS_CONV_WINOGRAD_H
#define RT_ENGINE_NATIVE_OPS_CONV_WINOGRAD_H

#include "engine/native/ops/winograd.h"

/* Channels of a transformed tile's position: of inputs, all phases' side by side. */
long rt_conv_winograd_width(const struct rt_winograd *w, const struct rt_conv_shape *s);

/* Transformed filters: floats from position to position, and in all. */
long rt_conv_winograd_filter_stride(const struct rt_winograd *w, const struct rt_conv_shape *s);
long rt_conv_winograd_filter_floats(const struct rt_winograd *w, const struct rt_conv_shape *s);

/* Chunks of images that have a filter's gradient of their own: of a large batch; and of this one, none of them
 * without an image. */
int rt_conv_winograd_chunks(const struct rt_winograd *w, const struct rt_conv_shape *s);
int rt_conv_winograd_chunk_count(const struct rt_native *plan, const struct rt_winograd *w,
                                 const struct rt_conv_shape *s);

/* Whether images go through both gradients at once: each member's images are whole chunks then. */
bool rt_conv_winograd_together(const struct rt_native *plan, const struct rt_winograd *w,
                               const struct rt_conv_shape *s);

/* Images of a block, at least one: of the passes over activations, and of the filter's gradient. A batch is a
 * power of two of blocks, which most teams can divide evenly. */
long rt_conv_winograd_block(const struct rt_native *plan, const struct rt_winograd *w,
                            const struct rt_conv_shape *s);
long rt_conv_winograd_gradient_block(const struct rt_native *plan, const struct rt_winograd *w,
                                     const struct rt_conv_shape *s);
/* Floats of a block's transformed inputs and outputs. */
long rt_conv_winograd_block_floats(const struct rt_winograd *w, const struct rt_conv_shape *s, long images);

/* Layout of the stage's shared scratch, in floats: at 0 transformed filters; the chunks' gradients of them;
 * weights transposed; a block of tiles for each group of threads. */
struct rt_winograd_layout {
    long gradients, transposed, tiles, size;
};
struct rt_winograd_layout rt_conv_winograd_layout(const struct rt_native *plan, const struct rt_conv_shape *s);

struct rt_map rt_conv_winograd_inputs(const struct rt_conv_shape *s, float *at, long ld);
struct rt_map rt_conv_winograd_outputs(const struct rt_conv_shape *s, float *at, long ld);

/* B^T d B of all phases of the set, seen through the view. */
void rt_conv_winograd_transform(const struct rt_native *plan, const struct rt_tile_set *set,
                                struct rt_view view);

/* The filter's gradient (conv_winograd_gradient.c): of images [begin, end), whose chunks are the member's,
 * added to those of its images before; or of all images, by all members; and applied, by all members. */
void rt_conv_winograd_gradient_images(struct rt_native *plan, const struct rt_stage *stage,
                                      const struct rt_conv_shape *s, int member, long begin, long end);
void rt_conv_winograd_gradient(struct rt_native *plan, const struct rt_stage *stage,
                               const struct rt_conv_shape *s, int member);
void rt_conv_winograd_apply_gradient(struct rt_native *plan, const struct rt_stage *stage,
                                     const struct rt_conv_shape *s, int member);

#endif
