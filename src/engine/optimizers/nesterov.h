/* torch.optim.SGD(nesterov=True): d = g + weight_decay w, v = momentum v + d, w -= learning_rate (d + momentum
 * v). s[0] is v. */
#ifndef RT_ENGINE_OPTIMIZERS_NESTEROV_H
#define RT_ENGINE_OPTIMIZERS_NESTEROV_H

RT_OPTIMIZER_FUNCTION void rt_nesterov_terms(double *terms, const struct rt_update *update, double step)
{
    (void)step;
    terms[0] = update->learning_rate;
    terms[1] = update->momentum;
    terms[2] = update->weight_decay;
}

RT_OPTIMIZER_FUNCTION void rt_nesterov_step(rt_number *w, rt_number *s, rt_number g, const rt_real *t)
{
    const rt_number d = g + t[2] * *w;

    s[0] = t[1] * s[0] + d;
    *w = *w - t[0] * (d + t[1] * s[0]);
}

#endif
