#include "data/shared.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "data/corruption/corruption.h"
#include "data/images.h"

/* What makes images the same. */
struct key {
    const struct rt_source_kind *kind;
    char where[1024];
    char corruption[RT_TEXT_MAX];
    struct rt_optional_int train_size, test_size;
    bool whole;   /* images with their margins */
    int64_t seed; /* of the corruption of pixels; 0 without any */
};

struct entry {
    struct rt_datasets *datasets;
    struct key key;
    bool loading;
    int users;
    struct rt_images images;
    struct entry *next;
};

struct rt_datasets {
    pthread_mutex_t mutex;
    pthread_cond_t loaded; /* or not, after an error */
    struct entry *first;
};

int rt_datasets_create(struct rt_datasets **out, struct rt_error *err)
{
    RT_TRY(rt_alloc(out, 1, sizeof **out, "the shared data sets", err));
    pthread_mutex_init(&(*out)->mutex, NULL);
    pthread_cond_init(&(*out)->loaded, NULL);
    return RT_OK;
}

/* Frees what nobody uses. */
static void drop_unused(struct rt_datasets *datasets)
{
    for (struct entry **link = &datasets->first; *link;) {
        struct entry *entry = *link;

        if (entry->users) {
            link = &entry->next;
            continue;
        }
        *link = entry->next;
        rt_images_free(&entry->images);
        rt_free(&entry);
    }
}

void rt_datasets_free(struct rt_datasets **held)
{
    if (!*held)
        return;
    drop_unused(*held);
    pthread_cond_destroy(&(*held)->loaded);
    pthread_mutex_destroy(&(*held)->mutex);
    rt_free(held);
}

static void make_key(struct key *key, const struct rt_source *source, const struct rt_experiment *experiment)
{
    *key = (struct key){.kind = source->kind,
                        .train_size = experiment->train_size,
                        .test_size = experiment->test_size,
                        .whole = rt_experiment_augments(experiment)};
    snprintf(key->where, sizeof key->where, "%s", source->where);
    snprintf(key->corruption, sizeof key->corruption, "%s", experiment->data_corruption_type);
    if (rt_corruption_find(experiment->data_corruption_type)->apply)
        key->seed = experiment->seed.value;
}

static bool same_count(struct rt_optional_int a, struct rt_optional_int b)
{
    return a.given == b.given && (!a.given || a.value == b.value);
}

static bool same(const struct key *a, const struct key *b)
{
    return a->kind == b->kind && !strcmp(a->where, b->where) && !strcmp(a->corruption, b->corruption) &&
           same_count(a->train_size, b->train_size) && same_count(a->test_size, b->test_size) &&
           a->whole == b->whole && a->seed == b->seed;
}

static struct entry *find(const struct rt_datasets *datasets, const struct key *key)
{
    for (struct entry *entry = datasets->first; entry; entry = entry->next)
        if (same(&entry->key, key))
            return entry;
    return NULL;
}

static void give_back(void *owner)
{
    struct entry *entry = owner;
    struct rt_datasets *datasets = entry->datasets;

    pthread_mutex_lock(&datasets->mutex);
    entry->users--;
    pthread_mutex_unlock(&datasets->mutex);
}

/* An entry that the caller now loads, for others to wait for. The mutex is held. */
static int add(struct rt_datasets *datasets, struct entry **out, const struct key *key, struct rt_error *err)
{
    struct entry *entry;

    drop_unused(datasets);
    RT_TRY(rt_alloc(&entry, 1, sizeof *entry, "a shared data set", err));
    *entry = (struct entry){datasets, *key, .loading = true, .users = 1, .next = datasets->first};
    datasets->first = entry;
    *out = entry;
    return RT_OK;
}

/* The images of that key, loaded by this thread or another, with one user more. */
static int get(struct rt_datasets *datasets, struct entry **out, const struct key *key,
               const struct rt_source *source, const struct rt_experiment *experiment, struct rt_team *team,
               struct rt_error *err)
{
    struct entry *entry;
    int rc;

    pthread_mutex_lock(&datasets->mutex);
    while ((entry = find(datasets, key)) && entry->loading)
        pthread_cond_wait(&datasets->loaded, &datasets->mutex);
    if (entry)
        entry->users++;
    rc = entry ? RT_OK : add(datasets, out, key, err);
    pthread_mutex_unlock(&datasets->mutex);
    if (entry)
        *out = entry;
    if (entry || rc)
        return rc;
    rc = rt_images_load(&(*out)->images, source, experiment, team, err);
    pthread_mutex_lock(&datasets->mutex);
    (*out)->loading = false;
    if (rc) {
        (*out)->users = 0;
        (*out)->key.kind = NULL; /* so that nobody finds it */
        drop_unused(datasets);
    }
    pthread_cond_broadcast(&datasets->loaded);
    pthread_mutex_unlock(&datasets->mutex);
    return rc;
}

int rt_datasets_load(struct rt_datasets *datasets, struct rt_dataset *out, const char *data,
                     const struct rt_experiment *experiment, int threads, struct rt_error *err)
{
    struct rt_source source;
    struct rt_team *team = NULL;
    struct entry *entry = NULL;
    struct key key;
    int rc;

    RT_TRY(rt_dataset_check(experiment, err));
    RT_TRY(rt_source_open(&source, data, err));
    make_key(&key, &source, experiment);
    if (!(rc = rt_team_create(&team, threads, err)) &&
        !(rc = get(datasets, &entry, &key, &source, experiment, team, err))) {
        if (!(rc = rt_images_label(out, &entry->images, experiment, team, err))) {
            out->owner = entry;
            out->release = give_back;
        } else {
            give_back(entry);
        }
    }
    rt_team_free(&team);
    rt_source_close(&source);
    return rc;
}
