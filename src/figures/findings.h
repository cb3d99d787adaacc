/* What a figure shows and how it compares with the published numbers, in a sentence or two: computed from the
 * series that it draws. */
#ifndef RT_FIGURES_FINDINGS_H
#define RT_FIGURES_FINDINGS_H

#include "base/text.h"
#include "figures/figures.h"

/* Appends the sentences; nothing for a figure without series of our own. Published numbers are compared where
 * the figure draws them beside a series of the published config that has ended, at the places that both have.
 */
void rt_findings_append(struct rt_text *text, const struct rt_figure *figure,
                        const struct rt_figure_kind *kind);

#endif
