/* The report's section "The paper, claim by claim". */
#ifndef RT_FIGURES_REPORT_CLAIMS_H
#define RT_FIGURES_REPORT_CLAIMS_H

#include "figures/claims.h"

/* A card for each claim of which something was found, with links to those of the `figures` (HTML) that are on
 * the page, and the commands of the others. */
void rt_report_append_claims(struct rt_text *page, const struct rt_claims_found *found, const char *figures);

#endif
