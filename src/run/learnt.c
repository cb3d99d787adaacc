#include "run/learnt.h"

#include <math.h>

#include "config/limits.h"
#include "run/fields.h"

#define COUNT(member)                                                                                          \
    {                                                                                                          \
#member, RT_FIELD_INTEGER, offsetof(struct rt_learnt, member), 0, RT_IMAGES_LIMIT                      \
    }

static const struct rt_field fields[] = {
    COUNT(clean), COUNT(clean_right), COUNT(wrong), COUNT(memorised), COUNT(recovered), {0},
};

static double share(int64_t part, int64_t whole)
{
    return whole ? (double)part / (double)whole : (double)NAN;
}

void rt_learnt_score(const struct rt_learnt *learnt, int64_t images, struct rt_scores *scores)
{
    if (!images || learnt->clean + learnt->wrong != images)
        return;
    scores->train_acc_clean = share(learnt->clean_right, learnt->clean);
    scores->train_memorised = share(learnt->memorised, learnt->wrong);
    scores->train_recovered = share(learnt->recovered, learnt->wrong);
}

bool rt_learnt_fits(const struct rt_learnt *learnt, int64_t images, int64_t correct)
{
    const int64_t seen = learnt->clean + learnt->wrong, right = learnt->clean_right + learnt->memorised;

    return seen <= images && learnt->clean_right <= learnt->clean &&
           learnt->memorised + learnt->recovered <= learnt->wrong &&
           (seen < images ? right <= correct : right == correct);
}

int rt_learnt_write(const struct rt_learnt *learnt, struct rt_json *object, const char *key,
                    struct rt_error *err)
{
    return rt_fields_set(object, key, fields, learnt->clean || learnt->wrong ? learnt : NULL, err);
}

int rt_learnt_read(struct rt_learnt *learnt, const struct rt_json *object, const char *key, const char *path,
                   struct rt_error *err)
{
    *learnt = (struct rt_learnt){0};
    return rt_fields_get(object, path, key, fields, learnt, true, err);
}
