/* A network's ends: the input gathered from the store, and the loss. */
#include "engine/cuda/cuda.h"
#include "net/ops.h"

static int input_forward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_view x = plan->values[node->id].data;
    struct rt_cuda_kernel kernel =
        rt_cuda_flat("gather.cu", "gather", (size_t)(node->shape.height * node->shape.width));

    kernel.grid[1] = (unsigned)plan->base.options.batch_max;
    rt_cuda_option(&kernel, "CHANNELS", node->shape.channels);
    rt_cuda_option(&kernel, "HEIGHT", node->shape.height);
    rt_cuda_option(&kernel, "WIDTH", node->shape.width);
    rt_cuda_option(&kernel, "LD", x.ld);
    rt_cuda_option(&kernel, "RT_OPTIMIZER", rt_cuda_optimizer(plan));
    return RT_CUDA_EMIT(plan, node, RT_CUDA_GATHERS, &kernel, err, rt_cuda_pass_argument(plan),
                        rt_cuda_at(x.offset), rt_cuda_at(plan->labels));
}

const struct rt_cuda_op rt_cuda_op_input = {.op = &rt_op_input, .forward = input_forward};

/* Two launches: with the logits' gradient for training passes, without for evaluation. */
static int loss_forward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    struct rt_cuda_value *x = rt_cuda_input(plan, node, 0);
    const int batch = plan->base.options.batch_max;
    struct rt_cuda_kernel kernel = {.source = "loss.cu", .entry = "loss", .grid = {1, 1, 1}};

    kernel.block = batch >= 32 ? 1024 : (unsigned)batch * 32; /* one warp per image */
    rt_cuda_option(&kernel, "CLASSES", rt_cuda_source(plan, node, 0)->shape.channels);
    rt_cuda_option(&kernel, "X_LD", x->data.ld);
    rt_cuda_option(&kernel, "DX_LD", x->gradient.ld);
    rt_cuda_option(&kernel, "THREADS", (long)kernel.block);
    RT_TRY(RT_CUDA_EMIT(plan, node, RT_CUDA_EVALUATION_LOSS, &kernel, err, rt_cuda_pass_argument(plan),
                        rt_cuda_at(x->data.offset), rt_cuda_at(plan->labels), rt_cuda_absolute(0)));
    if (!plan->base.options.training)
        return RT_OK;
    if (x->needs_gradient)
        rt_cuda_accumulate(x);
    return RT_CUDA_EMIT(plan, node, RT_CUDA_TRAINING_LOSS, &kernel, err, rt_cuda_pass_argument(plan),
                        rt_cuda_at(x->data.offset), rt_cuda_at(plan->labels), rt_cuda_at(x->gradient.offset));
}

const struct rt_cuda_op rt_cuda_op_softmax_cross_entropy = {.op = &rt_op_softmax_cross_entropy,
                                                            .forward = loss_forward};
