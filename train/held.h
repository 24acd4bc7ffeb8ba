/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that are held back: the pass keeps them only to measure the model, which is not made of
 * them, where the train data is not read again. Rows that centers were moved to are nearer to these
 * than others are, by more than the noise of means explains: labels, looks and the choice between
 * candidates follow these rows as well.
 */
#ifndef KM_TRAIN_HELD_H
#define KM_TRAIN_HELD_H

#include "algo/predict.h"
#include "algo/sample.h"
#include "train/engine.h"

/** What is known of centers that neither the rows held back nor the sample have had a part in. */
struct km_held {
    double *dist2; /* (rows held back) squared distances to them; NULL: nothing is known */
    double mean,
        variance; /* of such distances of all rows, by the sample: the estimate, its variance */
};

/** Measures both against centers of the pass alone; not where the sample has every row. */
int km_held_start(struct km_held *h, const struct km_sample *held, const struct km_sample *sample,
                  const struct km_centers *c, const struct km_machine *m, struct km_err *err);
void km_held_done(struct km_held *h); /* zeroed is fine */

/** An estimate of a mean over all rows. */
struct km_estimate {
    double mean, variance;
    size_t rows; /* that it comes from */
    int seen;    /* the model was made of these */
};

/**
 * The msd of the model, in the unit of the rows kept, by the rows held back. These differ from all
 * rows, and what the sample knows of their distances to the centers of km_held_start tells by how
 * much: the regression estimate of two samples (Cochran 1977, chapter 12). By the sample where that
 * holds every row, and is exact, or where fewer than 32 rows are held back.
 */
int km_held_estimate(struct km_estimate *e, const struct km_held *h, const struct km_sample *held,
                     const struct km_sample *sample, const struct km_written *model,
                     const struct km_machine *m, struct km_err *err);

#endif
