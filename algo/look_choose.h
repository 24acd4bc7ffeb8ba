/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choice of a look: which centers move, and where, once it is known what each costs and gains.
 * A change says so in of[j].from. What takes part in one, or gets many of the rows of a center that
 * goes, stays as it is.
 */
#ifndef KM_ALGO_LOOK_CHOOSE_H
#define KM_ALGO_LOOK_CHOOSE_H

#include "algo/look.h"

/** Ranks the centers by cost and by gain; nothing is chosen yet. The rows of each in l->other, by
 * their second nearest. */
void km_look_rank(struct km_look *l);

/** Chooses up to `most` changes, the cheapest first, that make the loss smaller; returns how
 * many. */
size_t km_look_choose(struct km_look *l, double loss, size_t most);

/** Chooses the one change of that number that need not (see km_look_boldly); whether there is
 * one. */
int km_look_choose_boldly(struct km_look *l, size_t number);

#endif
