/* SPDX-License-Identifier: Apache-2.0 */
/* Rows on their way become (row - origin) * 2^exponent (base/scale.h). */
#ifndef KM_IO_MOVE_H
#define KM_IO_MOVE_H

#include "base/rows.h"

/** Zeroed: rows stay as they are. */
struct km_move {
    int on;
    float *origin; /* (d) or NULL */
    int exponent;  /* falls where a row needs it */
    float room;    /* the largest value that fits */
};

/** Moves rows from now on; origin: d values, copied, or NULL. */
int km_move_set(struct km_move *m, const float *origin, int exponent, size_t d, struct km_err *err);

/** Leaves rows as they are from now on. */
void km_move_off(struct km_move *m);

/** Moves a block, whose first `moved` rows are less the origin already. Where a row would not be
 * within the limit, the exponent falls, for the whole block and all that follow: m->exponent is
 * that of the block then. */
void km_move_rows(struct km_move *m, struct km_rows *rows, size_t moved);

/** What can be taken off each row as it is decoded, as long as no value is above m->room then: the
 * origin; NULL where rows need more than that. */
const float *km_move_origin(const struct km_move *m);

/** Frees the origin. */
void km_move_done(struct km_move *m);

#endif
