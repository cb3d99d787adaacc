/* torch.optim.SGD: v = momentum v + (g + weight_decay w), w -= learning_rate v. s[0] is v. */
#ifndef RT_ENGINE_OPTIMIZERS_SGD_H
#define RT_ENGINE_OPTIMIZERS_SGD_H

RT_OPTIMIZER_FUNCTION void rt_sgd_terms(double *terms, const struct rt_update *update, double step)
{
    (void)step;
    terms[0] = update->learning_rate;
    terms[1] = update->momentum;
    terms[2] = update->weight_decay;
}

RT_OPTIMIZER_FUNCTION void rt_sgd_step(rt_number *w, rt_number *s, rt_number g, const rt_real *t)
{
    s[0] = t[1] * s[0] + (g + t[2] * *w);
    *w = *w - t[0] * s[0];
}

#endif
