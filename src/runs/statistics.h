/* What several runs with different seeds say together. */
#ifndef RT_RUNS_STATISTICS_H
#define RT_RUNS_STATISTICS_H

struct rt_summary {
    double mean;
    double deviation;  /* of the sample (n - 1); NaN for n = 1 */
    double half_width; /* of the mean's 95 % confidence interval, by Student's t; NaN for n = 1 */
};

/* n >= 1 finite values. */
struct rt_summary rt_summarize(const double *values, int n);

/* mean of n values and the half width of its 95 % confidence interval (Student's t; 0 for n = 1). */
void rt_mean_band(const double *values, int n, double *mean, double *half_width);

#endif
