/* The Savitzky-Golay filter (Savitzky and Golay 1964), as the published curves were smoothed. */
#ifndef RT_FIGURES_SMOOTH_H
#define RT_FIGURES_SMOOTH_H

#include <stddef.h>

#include "base/error.h"

/* The published windows are "20-ish"; a centred window is odd. */
enum { RT_SMOOTH_ORDER = 3, RT_SMOOTH_WINDOW = 21, RT_SMOOTH_WINDOW_MAX = 1001, RT_SMOOTH_ORDER_MAX = 5 };

/* smooth[i] = the value at i of the polynomial of degree `order` fitted by least squares to the `window` points
 * around i; at the ends, where there are no such points, to the first or last `window` points (scipy's mode
 * "interp"). `window` odd, order < window, count >= window; smooth may not overlap y.
 * Errors: RT_EUSAGE, RT_EMEMORY. */
int rt_savgol(const double *y, size_t count, int window, int order, double *smooth, struct rt_error *err);

/* What our figures draw: rt_savgol of order 3, then each value limited to the range of the points it was fitted
 * to, so that smoothing never shows a value (a negative loss, an accuracy over 1) that the run cannot have had.
 * A series shorter than the window gets the largest odd window that fits; one of fewer than 5 points, or a
 * window of 0, is copied. The series must have no NaN. Errors as rt_savgol. */
int rt_smooth(const double *y, size_t count, int window, double *smooth, struct rt_error *err);

#endif
