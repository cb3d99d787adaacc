/* Where each node's output lives, which are views of others, and who reads them. Called while planning. */
#ifndef RT_ENGINE_NATIVE_VALUES_H
#define RT_ENGINE_NATIVE_VALUES_H

#include "engine/native/native.h"

/* Gives the stage's output its value: memory of its own, or its part of the concatenation it belongs to. */
int rt_native_output(struct rt_native *plan, struct rt_stage *stage, int node, struct rt_error *err);
/* Decides which nodes' outputs are written straight into the concatenation that reads them. */
void rt_native_find_targets(struct rt_native *plan);
/* The stage also does the ReLU that alone reads its node, if there is one; returns the last node that it
 * covers. */
int rt_native_cover_relu(struct rt_native *plan, struct rt_stage *stage);
/* The only node that reads `node`'s output, or RT_NONE. */
int rt_native_reader(const struct rt_native *plan, int node);
/* True if every reader of `node` takes a view (scale, shift, ReLU) of stored numbers. */
bool rt_native_readers_take_views(const struct rt_native *plan, int node);
/* Makes `node` a view of the stage's input: the same numbers, its own gradient unless nobody else needs the
 * input's. with_scale: through scale and shift arrays (filled with 1 and 0 until a batch norm writes them). */
int rt_native_view_of(struct rt_native *plan, struct rt_stage *stage, int node, bool with_scale,
                      struct rt_error *err);
/* True if `node` can be such a view: its readers take views, and where it is a part, its input is stored there.
 */
bool rt_native_can_be_view(const struct rt_native *plan, int node, int input);
/* Lets `node`'s gradient live in `grad` (another value's, same shape), not in memory of its own. */
void rt_native_share_gradient(struct rt_native *plan, int node, const struct rt_value *with);
/* True if some reader of `node` takes its moments. */
bool rt_native_wants_moments(const struct rt_native *plan, int node);
/* Lets the stage of `value`'s producer leave partial moments of `rows` pixels each. */
void rt_native_offer_moments(struct rt_native *plan, int node, long rows);

#endif
