/* SPDX-License-Identifier: Apache-2.0 */
#include "train/finish.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stop.h"
#include "train/distinct.h"
#include "train/share.h"
#include "train/share_sample.h"
#include "train/share_trials.h"
#include "train/spend.h"
#include <float.h>
#include <inttypes.h>
#include <math.h>

/* Attempts that get a line of their own, as many as the original has. */
#define SHOWN_TRIALS 10

/* ---- the shrink ---- */

static const struct km_centers *best_of(const struct km_trials *t)
{
    size_t best = 0;

    for (size_t i = 1; i < t->n; i++)
        if (t->of[i].loss < t->of[best].loss)
            best = i;
    return &t->of[best].centers;
}

/* From the leader; a job that is late to stop leaves trials out, of infinite loss. */
static void report_shrink(const struct km_trials *t, double weight, const char *host)
{
    size_t best = 0;
    double msd;

    for (size_t i = 0; i < t->all; i++) {
        best = t->loss[i] < t->loss[best] ? i : best;
        if (i < SHOWN_TRIALS && isfinite(t->loss[i]))
            km_log(KM_INFO, "local kmeans attempt #%zu. Current mean square distance %s", i,
                   km_report_msd(t->loss[i] / weight).s);
    }
    msd = t->loss[best] / weight;
    if (t->all > SHOWN_TRIALS)
        km_log(KM_INFO, "%zu more attempts; best of all is #%zu. Current mean square distance %s",
               t->all - SHOWN_TRIALS, best, km_report_msd(msd).s);
    km_log(KM_INFO, "finished shrinking process. Mean Square Distance = %.6g", msd);
    km_report_quality(host, "train", "msd", msd);
}

/* The centers of the pass are the only trial, the same on all ranks. */
static int take_centers(struct km_trials *t, const struct km_centers *coarse, struct km_err *err)
{
    int rc;

    km_log(KM_INFO, "No shrinking is required as extra_center_factor is 1.");
    t->n = 1;
    t->of = km_alloc(1, sizeof(*t->of));
    if (!t->of)
        return km_fail(err, KM_E_MEM, "no memory for the centers");
    rc = km_centers_init(&t->of->centers, coarse->k, coarse->d, err);
    if (rc == KM_OK)
        km_centers_copy(&t->of->centers, coarse);
    return rc;
}

/* The trials of the shrink, which the ranks share out. */
static int run_trials(struct km_trials *t, const struct km_centers *coarse,
                      const struct km_params *p, const struct km_team *team,
                      const struct km_machine *m, struct km_err *err)
{
    struct km_shrink_options o = {
        .k = (size_t)p->k,
        .trials = t->all,
        .plusplus = p->local_lloyd_init_method == KM_INIT_PLUSPLUS,
        .max_iter = (int)p->local_lloyd_max_iter,
        .tol = p->local_lloyd_tol,
        .seed = (uint64_t)p->seed,
        .part = (size_t)team->rank,
        .parts = (size_t)team->ranks,
        .deadline = &km_stop_deadline,
    };
    int rc;

    t->loss = km_alloc(t->all, sizeof(*t->loss));
    rc = t->loss ? KM_OK : km_fail(err, KM_E_MEM, "no memory for %zu trials", t->all);
    if (p->local_lloyd_num_trials == KM_AUTO)
        km_log(KM_INFO, "'local_lloyd_num_trials' was set to 'auto', evaluated to %zu.", t->all);
    km_log(KM_INFO, "shrinking %zu centers into %" PRId64, coarse->k, p->k);
    if (rc == KM_OK)
        rc = km_shrink(&t->of, coarse, &o, m->kern, m->pool, err);
    if (rc == KM_OK)
        t->n = km_shrink_count(&o);
    rc = km_team_agree(team, rc, err);
    return rc ? rc : km_share_trials(team, t, err);
}

static int shrink(struct km_trials *t, const struct km_job *job, const struct km_centers *coarse,
                  struct km_err *err)
{
    double weight = 0;
    int rc;

    if (job->plan.factor == 1)
        return take_centers(t, coarse, err);
    t->all = job->plan.trials;
    t->k = (size_t)job->request->params.k;
    t->d = coarse->d;
    rc = run_trials(t, coarse, &job->request->params, &job->team, job->m, err);
    for (size_t j = 0; j < coarse->k; j++)
        weight += coarse->weight[j];
    if (rc == KM_OK && job->team.rank == 0)
        report_shrink(t, weight / km_row_frame_unit2(&job->state.frame), job->request->host);
    return rc;
}

static void trials_done(struct km_trials *t)
{
    km_trials_free(t->of, t->n);
    km_free(t->loss);
}

/* ---- the refinement ---- */

static void report_refinement(const struct km_refine_result *r, uint64_t rows, double unit2)
{
    km_log(
        KM_INFO,
        "refined %zu candidates on %zu of %" PRIu64
        " rows in %d iterations, moved %zu centers: msd on these rows %.6g, was %.6g%s",
        r->candidates, r->rows, rows, r->iterations, r->moved, r->after * unit2, r->before * unit2,
        r->kept ? ""
                : "; that is no gain that can be expected on all rows, so the best attempt stands");
}

/* *rows: how many of the sample took part. */
static int refine(struct km_job *job, struct km_centers *best, struct km_trials *t,
                  const struct km_centers *coarse, const struct km_spend *plan,
                  struct km_refine_result *r, struct km_err *err)
{
    struct km_state *state = &job->state;
    struct km_refine_options o = {
        .sample = &state->sample,
        .total_rows = state->rows,
        .coarse = coarse,
        .seed = (uint64_t)job->request->params.seed,
        .rank = (uint64_t)job->team.rank,
        .flop = plan->flop,
        .few_flop = state->stopped ? 0 : KM_REFINE_FEW_FLOP,
        .deadline = &km_stop_deadline,
    };
    int rc = KM_OK;

    if (km_late(&km_stop_deadline))
        km_centers_copy(best, best_of(t));
    else
        rc = km_refine(best, r, t->of, t->n, &o, job->m->kern, job->m->pool, err);
    rc = km_team_agree(&job->team, rc, err);
    if (rc == KM_OK)
        rc = km_share_refined(&job->team, best, r, err);
    if (rc || r->rows == 0)
        return rc;
    if (r->kept)
        job->result.optimism = r->optimism;
    if (job->team.rank == 0)
        report_refinement(r, state->rows, km_row_frame_unit2(&state->frame));
    return KM_OK;
}

/* The best trial, refined where that is planned; the same on all ranks. */
static int choose(struct km_job *job, struct km_centers *best, struct km_trials *t,
                  const struct km_centers *coarse, struct km_spend *plan, struct km_err *err)
{
    struct km_refine_result r = {0};
    int rc;

    if (km_sample_rows(&job->state.sample) == 0 || plan->alone) {
        km_centers_copy(best, best_of(t));
        /* Of trials that are equally good each rank may have taken its own. */
        return km_share_centers(&job->team, best, 0, err);
    }
    km_crash_stage("in the refinement", 0);
    km_watch_start(&job->phases[KM_PHASE_REFINE]);
    rc = refine(job, best, t, coarse, plan, &r, err);
    plan->refined = r.rows;
    km_watch_stop(&job->phases[KM_PHASE_REFINE]);
    return rc;
}

/* ---- the model ---- */

/* The model is the centers in the data's own coordinates, as float32. */
static int fill_model(struct km_mat *model, const struct km_row_frame *frame,
                      const struct km_centers *c, struct km_err *err)
{
    double unit = ldexp(1, -frame->exponent), most = (double)FLT_MAX;

    for (size_t j = 0; j < c->k; j++)
        for (size_t t = 0; t < c->d; t++) {
            double at = c->exact[j * c->d + t], v = at * unit + (double)frame->origin[t];

            if (!isfinite(at))
                return km_fail(err, KM_E_BUG, "center %zu is not finite; please report this", j);
            km_mat_row(model, j)[t] = (float)fmin(fmax(v, -most), most);
        }
    return KM_OK;
}

/* The model, and a warning where it has not k clusters. */
static int make_model(struct km_job *job, const struct km_centers *best, struct km_err *err)
{
    const struct km_state *state = &job->state;
    int rc = fill_model(&job->result.model, &state->frame, best, err);

    if (rc == KM_OK)
        rc = km_distinct_warn(&job->result.model, best, &state->sample, state->rows,
                              job->team.rank == 0, err);
    return km_team_agree(&job->team, rc, err);
}

/* One sample of all ranks. */
static int share_sample(struct km_job *job, struct km_sample *sample, const struct km_room *room,
                        struct km_err *err)
{
    int rc;

    if (job->team.ranks == 1 || room->rows == 0)
        return KM_OK;
    km_watch_start(&job->phases[KM_PHASE_EXCHANGE]);
    rc = km_share_sample(&job->team, sample, room, err);
    km_watch_stop(&job->phases[KM_PHASE_EXCHANGE]);
    return rc;
}

/* What the leader will need to tell the msd of the model, while the trials have not moved. */
static int start_held(struct km_job *job, const struct km_centers *trial, struct km_err *err)
{
    int rc = KM_OK;

    km_watch_start(&job->phases[KM_PHASE_SCORE]);
    if (job->team.rank == 0 && !km_late(&km_stop_deadline))
        rc = km_held_start(&job->result.held, &job->state.held, &job->state.sample, trial, job->m,
                           err);
    km_watch_stop(&job->phases[KM_PHASE_SCORE]);
    return km_team_agree(&job->team, rc, err);
}

/* The trials are there; now the best centers. */
static int improve(struct km_job *job, struct km_centers *best, struct km_trials *t,
                   const struct km_centers *coarse, struct km_err *err)
{
    struct km_spend plan = {0};
    int rc = share_sample(job, &job->state.sample, &job->plan.all_sample, err);

    if (rc == KM_OK)
        rc = share_sample(job, &job->state.held, &job->plan.held, err);
    if (rc == KM_OK && job->plan.held.rows > 0)
        rc = start_held(job, best_of(t), err);
    if (rc == KM_OK)
        rc = km_spend_plan(&plan, job, err);
    if (rc == KM_OK)
        rc = choose(job, best, t, coarse, &plan, err);
    if (rc == KM_OK)
        rc = km_spend(&plan, job, best, err);
    return rc;
}

int km_finish(struct km_job *job, struct km_err *err)
{
    struct km_centers best = {0}, coarse = {0};
    struct km_trials trials = {0};
    int rc = km_team_agree(&job->team, km_learner_finish(job->state.learner, &coarse, err), err);

    job->result.optimism = 1;
    km_crash_stage("in the shrink", 0);
    km_watch_start(&job->phases[KM_PHASE_SHRINK]);
    if (rc == KM_OK)
        rc = shrink(&trials, job, &coarse, err);
    km_watch_stop(&job->phases[KM_PHASE_SHRINK]);
    if (rc == KM_OK)
        rc = km_centers_init(&best, job->plan.k, job->plan.shape.d, err);
    rc = km_team_agree(&job->team, rc, err);
    if (rc == KM_OK)
        rc = improve(job, &best, &trials, &coarse, err);
    if (rc == KM_OK)
        rc = make_model(job, &best, err);
    trials_done(&trials);
    km_centers_done(&best);
    km_centers_done(&coarse);
    return rc;
}
