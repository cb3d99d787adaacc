/* The report's images: of runs that kept the history of every image the data map and sheets of images, to look
 * at one by one. */
#ifndef RT_FIGURES_REPORT_IMAGES_H
#define RT_FIGURES_REPORT_IMAGES_H

#include "base/text.h"
#include "runs/records.h"

enum { RT_REPORT_IMAGES_RUNS = 4 }; /* shown by default */

/* The page's section, and the link to it; nothing where no run kept a history. At most `most` runs are shown,
 * the first by model and name: each takes room for its pictures. `data` names the images (null: where each run
 * read them). What cannot be read or found is said on the page. Under way nothing is read: the page says so.
 * RT_EMEMORY. */
int rt_report_append_images(struct rt_text *section, struct rt_text *link, const struct rt_records *records,
                            const char *data, size_t most, bool under_way, struct rt_error *err);

#endif
