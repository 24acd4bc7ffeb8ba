/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two nearest of all centers of each row, for a look. Scores in float32 leave few centers,
 * whose distances are then measured in float64; rows of few features, and sparse ones, are measured
 * in float64 at once, feature by feature. So they are the same at every level and on any number of
 * threads; of equal distances the lowest center.
 */
#ifndef KM_ALGO_NEAR_ALL_H
#define KM_ALGO_NEAR_ALL_H

#include "algo/look.h"

/** Whether look->lanes is needed for such rows. */
int km_near_all_has_lanes(size_t d, int sparse);

/** Bytes that a worker needs of look->scratch. */
size_t km_near_all_scratch(size_t k, size_t d, int sparse);

/** Fills near, next, near2 and next2 of the look for the rows p, and of[].norm2. */
void km_near_all_measure(struct km_look *l, const struct km_points *p, const struct km_centers *c);

#endif
