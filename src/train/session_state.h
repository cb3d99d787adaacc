/* Inside a training session: what session.c (its course), session_save.c (what it writes) and forecast.c share.
 */
#ifndef RT_TRAIN_SESSION_STATE_H
#define RT_TRAIN_SESSION_STATE_H

#include "train/session.h"
#include "train/setup.h"

struct rt_session {
    const struct rt_train_options *options;
    struct rt_experiment experiment; /* resolved, and kept current */
    struct rt_run run;
    struct rt_checkpoint checkpoint; /* the one that was resumed; then, each that is written */
    bool resumed;
    struct rt_setup setup;
    struct rt_batches batches;
    struct rt_watch watch;
    struct rt_snapshot snapshot;
    struct rt_recorders *recorders;
    struct rt_run_info info;
    struct rt_result result;
    struct rt_loop loop;
};

/* ---- session.c ---- */

/* The checkpoint to resume, read and checked, into session->checkpoint and ->resumed. */
int rt_session_find_checkpoint(struct rt_session *session, struct rt_error *err);

/* Nothing is left to do at that checkpoint, and nothing to write either. */
bool rt_session_is_finished(const struct rt_session *session);

/* The seed, drawn if there is none; data, network and batches. Leaves no trace on disk. */
int rt_session_set_up(struct rt_session *session, struct rt_error *err);
void rt_session_free(struct rt_session *session);

/* ---- session_save.c ---- */

/* Fills in all of session->result that does not change while training. */
void rt_session_describe(struct rt_session *session);

/* Records size and digest of the metrics at the checkpoint in the result. */
void rt_session_note_metrics(struct rt_session *session);

/* Writes the current result.json. */
int rt_session_write_result(struct rt_session *session, enum rt_run_state state, struct rt_error *err);

/* Removes the checkpoints that the newest one makes superfluous. */
int rt_session_remove_superseded(struct rt_session *session, struct rt_error *err);

/* rt_loop.save: publishes a checkpoint and brings config.yaml and result.json up to it. */
int rt_session_save(void *session, struct rt_error *err);

#endif
