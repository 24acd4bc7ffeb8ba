/* SPDX-License-Identifier: Apache-2.0 */
#include "train/share_trials.h"

#include "base/mem.h"
#include "train/share.h"
#include <math.h>
#include <string.h>

/* Room for one more trial. */
static int add_trial(struct km_trials *t, struct km_err *err)
{
    struct km_trial *more = km_alloc(t->n + 1, sizeof(*more));
    int rc = more ? KM_OK : km_fail(err, KM_E_MEM, "no memory for the best trial");

    if (rc == KM_OK)
        rc = km_centers_init(&more[t->n].centers, t->k, t->d, err);
    if (rc) {
        km_free(more);
        return rc;
    }
    memcpy(more, t->of, t->n * sizeof(*more));
    km_free(t->of);
    t->of = more;
    t->n++;
    return KM_OK;
}

/* Gives every rank the trial that `owner` has at `place`. */
static int spread_trial(const struct km_team *team, struct km_trials *t, int owner, size_t place,
                        double loss, struct km_err *err)
{
    struct km_trial *trial;
    int rc = team->rank == owner ? KM_OK : add_trial(t, err);

    rc = km_team_agree(team, rc, err);
    if (rc)
        return rc;
    trial = &t->of[team->rank == owner ? place : t->n - 1];
    trial->loss = loss;
    return km_share_centers(team, &trial->centers, owner, err);
}

int km_share_trials(const struct km_team *team, struct km_trials *trials, struct km_err *err)
{
    size_t ranks = (size_t)team->ranks, best = 0;
    int rc;

    for (size_t i = 0; i < trials->n; i++)
        trials->loss[(size_t)team->rank + i * ranks] = trials->of[i].loss;
    rc = km_comm_sum(team->comm, trials->loss, trials->all, err);
    if (rc || ranks == 1)
        return rc;
    for (size_t t = 1; t < trials->all; t++)
        if (trials->loss[t] < trials->loss[best])
            best = t;
    rc = spread_trial(team, trials, (int)(best % ranks), best / ranks, trials->loss[best], err);
    return km_team_agree(team, rc, err);
}

/* What a rank says about its result. */
enum told { TOLD_LOSS, TOLD_OPTIMISM, TOLD_ROWS, TOLD_CANDIDATES, TOLD_ITERATIONS, TOLD };

static void tell(double *own, const struct km_refine_result *r)
{
    own[TOLD_LOSS] = r->kept ? r->after : (double)INFINITY;
    own[TOLD_OPTIMISM] = r->kept ? r->optimism : 1;
    own[TOLD_ROWS] = (double)r->rows;
    own[TOLD_CANDIDATES] = (double)r->candidates;
    own[TOLD_ITERATIONS] = r->iterations;
}

/* The sum of what all did, and the result of the best, which is returned. */
static size_t listen(const double *told, size_t ranks, struct km_refine_result *r)
{
    const double *best;
    size_t winner = 0;

    r->candidates = 0;
    r->iterations = 0;
    for (size_t i = 0; i < ranks; i++) {
        const double *t = told + i * TOLD;

        r->candidates += (size_t)t[TOLD_CANDIDATES];
        r->iterations += (int)t[TOLD_ITERATIONS];
        if (t[TOLD_LOSS] < told[winner * TOLD + TOLD_LOSS])
            winner = i;
    }
    best = told + winner * TOLD;
    r->kept = isfinite(best[TOLD_LOSS]);
    if (r->kept)
        r->after = best[TOLD_LOSS];
    r->optimism = best[TOLD_OPTIMISM];
    r->rows = (size_t)best[TOLD_ROWS];
    return winner;
}

int km_share_refined(const struct km_team *team, struct km_centers *best,
                     struct km_refine_result *result, struct km_err *err)
{
    size_t ranks = (size_t)team->ranks;
    double *told;
    int rc;

    if (ranks == 1)
        return KM_OK;
    told = km_alloc(ranks * TOLD, sizeof(*told));
    rc = told ? KM_OK : km_fail(err, KM_E_MEM, "no memory to compare the ranks");
    rc = km_team_agree(team, rc, err);
    if (rc == KM_OK) {
        tell(told + (size_t)team->rank * TOLD, result);
        rc = km_comm_sum(team->comm, told, ranks * TOLD, err);
    }
    if (rc == KM_OK)
        rc = km_share_centers(team, best, (int)listen(told, ranks, result), err);
    km_free(told);
    return rc;
}
