/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the refinement: where it looks for centers in the wrong place (algo/look.h), at how
 * many rows, and when that is worth its operations.
 */
#ifndef KM_ALGO_REFINE_LOOKS_H
#define KM_ALGO_REFINE_LOOKS_H

#include "algo/refining.h"

/** Looks at the first n rows, with iterations in between, until none finds anything; up to
 * `most`. */
int km_refine_look(struct km_refining *r, struct km_candidate *c, size_t n, size_t most,
                   size_t *moved, struct km_err *err);

/** Rows that looks have memory for. */
size_t km_refine_look_rows(const struct km_refining *r);

/** Whether `looks` at all rows are cheap, or a far row asks for them. */
int km_refine_looks_pay(struct km_refining *r, const struct km_candidate *c,
                        const struct km_points *p, int looks, double share);

/** Rows of the first looks: all where that is little work or one is far, else enough to know the
 * clusters by. */
size_t km_refine_first_look_rows(struct km_refining *r, const struct km_candidate *c,
                                 const struct km_points *p);

/** Bold changes, with iterations behind each; what does not make the loss smaller is undone. */
int km_refine_attempt(struct km_refining *r, struct km_candidate *c, const struct km_points *p,
                      size_t *moved, struct km_err *err);

/** Looks at the coarse centers, which stand for all rows, for the trials that take part. */
int km_refine_look_at_coarse(struct km_refining *r, struct km_err *err);

#endif
