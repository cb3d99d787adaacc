/* input: the plan copies the images in. */
#include "engine/reference/kernels.h"
#include "net/ops.h"

static void forward(const struct rt_reference_call *call)
{
    (void)call;
}

const struct rt_reference_kernel RT_REFERENCE_KERNEL(input) = {.op = &rt_op_input, .forward = forward};
