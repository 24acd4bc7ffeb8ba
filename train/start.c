/* SPDX-License-Identifier: Apache-2.0 */
#include "train/start.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/stop.h"
#include "train/share.h"
#include <inttypes.h>
#include <math.h>

/*
 * Rows of this rank that the centers start from: of each rank in proportion to its first block, no
 * more than there is room for, in rows and in values.
 */
static int count_own(const struct km_team *team, const struct km_room *most,
                     const struct km_rows *first, size_t *own, struct km_err *err)
{
    double told[] = {(double)km_rows_n(first), (double)km_rows_values(first)};
    int rc = km_comm_sum(team->comm, told, 2, err);

    if (rc)
        return rc;
    if (most->values > 0 && told[1] > (double)most->values) {
        double share = fmin((double)most->values / told[1], (double)most->rows / told[0]);

        *own = (size_t)ceil(share * (double)km_rows_n(first));
        return KM_OK;
    }
    return km_share_own(team, most->rows, km_rows_n(first), own, err);
}

/* Each rank draws, from the same rows: the same centers. */
static int start_from(struct km_learner *learner, const struct km_rows *rows,
                      const struct km_params *p, struct km_err *err)
{
    struct km_rng rng;

    km_rng_seed(&rng, (uint64_t)p->seed, 'I', 0);
    return km_learner_start(learner, rows, p->init_method == KM_INIT_PLUSPLUS, &rng, err);
}

static int start_together(struct km_learner *learner, const struct km_team *team,
                          const struct km_room *most, const struct km_rows *first,
                          const struct km_params *p, struct km_err *err)
{
    struct km_rows rows = {0};
    size_t own = 0;
    int rc;

    if (team->ranks == 1)
        return start_from(learner, first, p, err);
    rc = count_own(team, most, first, &own, err);
    if (rc == KM_OK)
        rc = km_share_rows(team, first, own, &rows, err);
    if (rc == KM_OK)
        rc = km_team_agree(team, start_from(learner, &rows, p, err), err);
    km_rows_done(&rows);
    return rc;
}

/* Nobody has a row. */
static int fail_without_rows(const struct km_feed *feed, int ranks, struct km_err *err)
{
    char note[512];

    if (km_stop_asked())
        return km_fail(err, KM_E_SYS,
                       "the job was asked to stop before it had read a row, so there is no model");
    return km_fail(
        err, KM_E_INPUT,
        "the train channel has 0 rows on all of the %d host(s)%s: check that the data was "
        "written, and give files with rows",
        ranks, km_channel_note(feed, note, sizeof(note)));
}

static void report_start(const char *host, size_t mini_batch, const struct km_batch *first,
                         double start)
{
    size_t rows = first ? km_rows_n(&first->rows) : 0;

    if (rows < mini_batch && first && first->ends_mini_batch)
        km_log(KM_WARNING,
               "Batch size %zu"
               " is bigger than the first batch data. Effective batch size used "
               "to initialize is %zu",
               mini_batch, rows);
    km_report_counts(host, start, -1, "init_train_data_iter", rows, 1, rows, 1, 0);
}

/* From now on rows come in the frame; the first block is brought there. */
static int move_rows(const struct km_row_frame *frame, struct km_feed *feed, struct km_batch *first,
                     struct km_err *err)
{
    if (first) {
        km_rows_move(&first->rows, frame->origin, frame->exponent);
        first->exponent = frame->exponent;
    }
    return km_feed_move(feed, frame->origin, frame->exponent, err);
}

static int choose(struct km_job *job, struct km_batch *first, const struct km_rows *rows,
                  struct km_err *err)
{
    struct km_state *state = &job->state;
    int rc = km_row_frame_choose(&state->frame, &job->team, rows, err);

    if (rc == KM_OK)
        rc = km_team_agree(&job->team, move_rows(&state->frame, job->feed, first, err), err);
    if (rc == KM_OK)
        rc = start_together(state->learner, &job->team, &job->plan.start, rows,
                            &job->request->params, err);
    return rc;
}

int km_start(struct km_job *job, struct km_batch *first, struct km_err *err)
{
    struct km_rows rows = first ? first->rows : km_rows_none(&job->plan.shape);
    double start = km_wall(), n = (double)km_rows_n(&rows);
    int rc = km_comm_sum(job->team.comm, &n, 1, err);

    if (rc)
        return rc;
    if (n == 0)
        return km_team_agree(&job->team, fail_without_rows(job->feed, job->team.ranks, err), err);
    km_watch_start(&job->phases[KM_PHASE_SEED]);
    rc = choose(job, first, &rows, err);
    km_watch_stop(&job->phases[KM_PHASE_SEED]);
    if (rc == KM_OK)
        report_start(job->request->host, job->plan.mini_batch, first, start);
    return rc;
}
