/* SPDX-License-Identifier: Apache-2.0 */
/* Over-relaxed Lloyd: centers that go on beyond the means, so that fewer iterations lead as far. */
#ifndef KM_ALGO_RELAX_H
#define KM_ALGO_RELAX_H

#include "algo/centers.h"

struct km_relax {
    /* (k x d) where the centers were before the iteration; once they are beyond their means:
     * those */
    double *at;
    size_t n;
    int beyond;
};

/** Memory for k centers of d values; zeroed: no relaxation, and the functions below do nothing. */
int km_relax_init(struct km_relax *r, size_t k, size_t d, struct km_err *err);
void km_relax_done(struct km_relax *r);

/** Remembers where the centers are. Before they become means. */
void km_relax_remember(struct km_relax *r, const struct km_centers *c);

/**
 * The centers have become the means of their rows: each goes on as it went, by 7/8 of its way.
 * (Near an optimum its distance shrinks in an iteration by a factor of 1 - s, in slow directions s
 * is small; now by 1 - 15/8 s. Twice the step would not converge.) Not behind the last iteration,
 * after which the centers should be means.
 */
void km_relax_beyond(struct km_relax *r, struct km_centers *c);

/** Takes centers that went beyond their means back to these. */
void km_relax_undo(struct km_relax *r, struct km_centers *c);

#endif
