/* The one-dimensional transforms of Winograd's algorithm (Lavin and Gray 2016) at the points
 *
 *     0, 1, -1, 2, -2, 1/2, -1/2, infinity
 *
 * For `outputs` of a filter of `taps` a line needs outputs + taps - 1 points: of fewer than 8 the last ones but
 * infinity are left out, so that 6 points are 0, 1, -1, 2, -2, infinity. A line's numbers stand in this order,
 * infinity last.
 *
 * With P(x) the product of x - b over the finite points, the matrices are, for a finite point a,
 *
 *     filter    1 / P8'(a) * (1, a, a^2, ...)              P8: of all 8 points, whatever the line has
 *     input     coefficients of P(x) / (x - a), times P8'(a) / P'(a), which makes up for that
 *     output    (1, a, a^2, ...), transposed
 *
 * and for infinity the last tap, the coefficients of P, the last output. So lines of any length share filters,
 * and a map's last tiles may be short. Lines of 9 points have points of their own (winograd_nine.h). */
#ifndef RT_ENGINE_NATIVE_WINOGRAD_LINES_H
#define RT_ENGINE_NATIVE_WINOGRAD_LINES_H

#include "engine/native/isa/winograd_nine.h"

enum { RT_SIDE = 9, RT_TAPS_MAX = 5 };

/* Every line there is: X(outputs, taps, points). Those of as many taps are ordered by length. */
#define RT_WINOGRAD_LINES(X)                                                                                   \
    X(7, 2, 8)                                                                                                 \
    X(4, 2, 5)                                                                                                 \
    X(3, 2, 4)                                                                                                 \
    X(7, 3, 9)                                                                                                 \
    X(6, 3, 8)                                                                                                 \
    X(4, 3, 6)                                                                                                 \
    X(3, 3, 5)                                                                                                 \
    X(2, 3, 4)                                                                                                 \
    X(4, 5, 8)                                                                                                 \
    X(2, 5, 6)

/* B^T d */
RT_INLINE void rt_input_line(const rt_vec d[], rt_vec t[], const int points)
{
    if (points == 9) {
        rt_input_nine(d, t);
    } else if (points == 8) {
        const rt_vec even1 = d[2] + d[6] - 4.25f * d[4], odd1 = d[1] + d[5] - 4.25f * d[3];
        const rt_vec even2 = 0.25f * d[2] - 1.25f * d[4] + d[6], odd2 = 0.5f * d[1] - 2.5f * d[3] + 2.0f * d[5];
        const rt_vec even3 = 4.0f * d[2] - 5.0f * d[4] + d[6], odd3 = 2.0f * d[1] - 2.5f * d[3] + 0.5f * d[5];

        t[0] = 5.25f * (d[2] - d[4]) + (d[6] - d[0]);
        t[1] = even1 + odd1;
        t[2] = even1 - odd1;
        t[3] = even2 + odd2;
        t[4] = even2 - odd2;
        t[5] = even3 + odd3;
        t[6] = even3 - odd3;
        t[7] = 5.25f * (d[3] - d[5]) + (d[7] - d[1]);
    } else if (points == 6) {
        const rt_vec even1 = 0.75f * d[4] - 3.0f * d[2], odd1 = 0.75f * d[3] - 3.0f * d[1];
        const rt_vec even2 = 3.75f * (d[4] - d[2]), odd2 = 7.5f * (d[3] - d[1]);

        t[0] = 1.25f * d[2] - d[0] - 0.25f * d[4];
        t[1] = even1 + odd1;
        t[2] = even1 - odd1;
        t[3] = even2 + odd2;
        t[4] = even2 - odd2;
        t[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
    } else if (points == 5) {
        t[0] = d[2] - d[0] + 0.5f * (d[1] - d[3]);
        t[1] = 2.25f * (d[3] - d[2]) - 4.5f * d[1];
        t[2] = 0.75f * d[3] - 2.25f * d[2] + 1.5f * d[1];
        t[3] = 15.0f * (d[3] - d[1]);
        t[4] = 2.0f * (d[1] - d[3]) + (d[4] - d[2]);
    } else {
        t[0] = d[2] - d[0];
        t[1] = -2.25f * (d[2] + d[1]);
        t[2] = -2.25f * (d[2] - d[1]);
        t[3] = d[3] - d[1];
    }
}

/* 2^power */
RT_INLINE float rt_two_to(const int power)
{
    return power < 0 ? 1.0f / (float)(1 << -power) : (float)(1 << power);
}

RT_INLINE void rt_output_eight(const rt_vec m[], rt_vec y[], const int outputs, const int points)
{
    const rt_vec none = rt_splat(0);
    const rt_vec even1 = m[1] + m[2], odd1 = m[1] - m[2];
    const rt_vec even2 = points > 5 ? m[3] + m[4] : points > 4 ? m[3] : none;
    const rt_vec odd2 = points > 5 ? m[3] - m[4] : points > 4 ? m[3] : none;
    const rt_vec even3 = points > 6 ? m[5] + m[6] : none, odd3 = points > 6 ? m[5] - m[6] : none;

#pragma GCC unroll 7
    for (int j = 0; j < outputs; j++) {
        y[j] = j % 2 ? odd1 : even1;
        if (points > 4)
            y[j] += rt_two_to(j) * (j % 2 ? odd2 : even2);
        if (points > 6)
            y[j] += rt_two_to(-j) * (j % 2 ? odd3 : even3);
    }
    y[0] += m[0];
    y[outputs - 1] += m[points - 1];
}

/* A^T m */
RT_INLINE void rt_output_line(const rt_vec m[], rt_vec y[], const int outputs, const int points)
{
    if (points == 9)
        rt_output_nine(m, y);
    else
        rt_output_eight(m, y, outputs, points);
}

RT_INLINE void rt_gradient_eight(const rt_vec e[], rt_vec m[], const int outputs, const int points)
{
    rt_vec even1 = e[0], odd1 = e[1], even2 = e[0], odd2 = 2.0f * e[1], even3 = e[0], odd3 = 0.5f * e[1];

#pragma GCC unroll 7
    for (int j = 2; j < outputs; j++) {
        *(j % 2 ? &odd1 : &even1) += e[j];
        *(j % 2 ? &odd2 : &even2) += rt_two_to(j) * e[j];
        *(j % 2 ? &odd3 : &even3) += rt_two_to(-j) * e[j];
    }
    m[0] = e[0];
    m[1] = even1 + odd1;
    m[2] = even1 - odd1;
    if (points > 4)
        m[3] = even2 + odd2;
    if (points > 5)
        m[4] = even2 - odd2;
    if (points > 6) {
        m[5] = even3 + odd3;
        m[6] = even3 - odd3;
    }
    m[points - 1] = e[outputs - 1];
}

/* A e, the transpose of the output's. */
RT_INLINE void rt_gradient_line(const rt_vec e[], rt_vec m[], const int outputs, const int points)
{
    if (points == 9)
        rt_gradient_nine(e, m);
    else
        rt_gradient_eight(e, m, outputs, points);
}

RT_INLINE void rt_filter_eight(const rt_vec g[], rt_vec u[8], const int taps)
{
    rt_vec even1 = g[0], odd1 = g[1], even2 = g[0], odd2 = 2.0f * g[1], even3 = g[0], odd3 = 0.5f * g[1];

#pragma GCC unroll 5
    for (int j = 2; j < taps; j++) {
        *(j % 2 ? &odd1 : &even1) += g[j];
        *(j % 2 ? &odd2 : &even2) += rt_two_to(j) * g[j];
        *(j % 2 ? &odd3 : &even3) += rt_two_to(-j) * g[j];
    }
    u[0] = -g[0];
    u[1] = (-2.0f / 9) * (even1 + odd1);
    u[2] = (-2.0f / 9) * (even1 - odd1);
    u[3] = (1.0f / 90) * (even2 + odd2);
    u[4] = (1.0f / 90) * (even2 - odd2);
    u[5] = (32.0f / 45) * (even3 + odd3);
    u[6] = (32.0f / 45) * (even3 - odd3);
    u[7] = g[taps - 1];
}

/* G g, at 9 points or at all 8. */
RT_INLINE void rt_filter_line(const rt_vec g[], rt_vec u[RT_SIDE], const int taps, int points)
{
    u[8] = rt_splat(0);
    if (taps == 3 && points == 9)
        rt_filter_nine(g, u);
    else
        rt_filter_eight(g, u, taps);
}

RT_INLINE void rt_filter_gradient_eight(const rt_vec u[8], rt_vec g[], const int taps)
{
    const rt_vec even1 = (-2.0f / 9) * (u[1] + u[2]), odd1 = (-2.0f / 9) * (u[1] - u[2]);
    const rt_vec even2 = (1.0f / 90) * (u[3] + u[4]), odd2 = (1.0f / 90) * (u[3] - u[4]);
    const rt_vec even3 = (32.0f / 45) * (u[5] + u[6]), odd3 = (32.0f / 45) * (u[5] - u[6]);

#pragma GCC unroll 5
    for (int j = 0; j < taps; j++)
        g[j] = (j % 2 ? odd1 : even1) + rt_two_to(j) * (j % 2 ? odd2 : even2) +
               rt_two_to(-j) * (j % 2 ? odd3 : even3);
    g[0] -= u[0];
    g[taps - 1] += u[7];
}

/* G^T u */
RT_INLINE void rt_filter_gradient_line(const rt_vec u[RT_SIDE], rt_vec g[], const int taps, int points)
{
    if (taps == 3 && points == 9)
        rt_filter_gradient_nine(u, g);
    else
        rt_filter_gradient_eight(u, g, taps);
}

#endif
