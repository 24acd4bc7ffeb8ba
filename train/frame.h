/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where rows lie while they are clustered: (row - origin) * 2^exponent. float32 has its digits near
 * 0, and squares of neither tiny nor huge values. The same on all ranks, chosen from first rows;
 * ordinary data keeps the exponent 0. Where a later row does not fit, the exponent falls
 * (train/state.h).
 */
#ifndef KM_TRAIN_FRAME_H
#define KM_TRAIN_FRAME_H

#include "io/feed.h"
#include "train/team.h"

struct km_row_frame {
    float *origin; /* (d) subtracted from every row; sparse rows: 0 */
    int exponent;  /* of the power of two that rows are taken times */
    int agreed;    /* exponent on all ranks, at the last exchange */
};

/** Origin 0 and scale 1, with room for an origin of d features. */
int km_row_frame_init(struct km_row_frame *f, size_t d, struct km_err *err);
void km_row_frame_done(struct km_row_frame *f); /* zeroed is fine */

/**
 * Chooses origin and exponent from all ranks' first rows (of this rank none, perhaps), the same for
 * all.
 */
int km_row_frame_choose(struct km_row_frame *f, const struct km_team *team,
                        const struct km_rows *first, struct km_err *err);

/** Whether this rank has fallen below what all have agreed on. */
static inline int km_row_frame_fell(const struct km_row_frame *f)
{
    return f->exponent != f->agreed;
}

/** Squared distances times this are in the data's own units. */
double km_row_frame_unit2(const struct km_row_frame *f);

/** Brings a block to the frame, where the centers cannot move any more: a failure, if a row does
 * not fit. */
int km_row_frame_bring(const struct km_row_frame *f, struct km_batch *b, struct km_err *err);

/** Brings a block to a lower exponent. */
void km_row_frame_scale(struct km_batch *b, int exponent);

#endif
