/* torch.optim.Adam (Kingma and Ba 2015), n the number of this update, from 1: d = g + weight_decay w,
 * m = beta1 m + (1 - beta1) d, v = beta2 v + (1 - beta2) d^2,
 * w -= learning_rate / (1 - beta1^n) m / (sqrt(v) / sqrt(1 - beta2^n) + epsilon). s[] is m, v. */
#ifndef RT_ENGINE_OPTIMIZERS_ADAM_H
#define RT_ENGINE_OPTIMIZERS_ADAM_H

RT_OPTIMIZER_FUNCTION void rt_adam_terms(double *terms, const struct rt_update *update, double step)
{
    const double beta1 = update->momentum, beta2 = 0.999, n = step + 1;

    terms[0] = update->learning_rate / (1 - pow(beta1, n));
    terms[1] = 1 - beta1;
    terms[2] = update->weight_decay;
    terms[3] = beta2;
    terms[4] = 1 - beta2;
    terms[5] = sqrt(1 - pow(beta2, n));
    terms[6] = 1e-8; /* epsilon */
}

RT_OPTIMIZER_FUNCTION void rt_adam_step(rt_number *w, rt_number *s, rt_number g, const rt_real *t)
{
    const rt_number d = g + t[2] * *w;

    s[0] = s[0] + t[1] * (d - s[0]);
    s[1] = t[3] * s[1] + t[4] * (d * d);
    *w = *w - t[0] * (s[0] / (RT_OPTIMIZER_SQRT(s[1]) / t[5] + t[6]));
}

#endif
