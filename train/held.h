/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that the pass keeps only to measure the model, which is not made of them: for train data_msd where the train data is not
 * read again. Of the rows that centers were moved to they are nearer than others, by more than what the noise of
 * means explains: labels, looks and the choice between candidates follow these rows as well.
 */
#ifndef KM_TRAIN_HELD_H
#define KM_TRAIN_HELD_H

#include "algo/centers.h"
#include "algo/sample.h"

struct km_job;

struct km_held {
    int wanted;              /* the same on all hosts */
    struct km_sample sample; /* a second one beside the job's, with draws of its own */
    /* Centers that the job's sample has had no part in, for km_held_estimate: */
    double *dist2; /* (rows) squared distances to them; NULL: there are none */
    double mean,
        variance; /* of such distances of all rows, by the job's sample: the estimate, and its variance */
};

/** Whether rows are to be held back: held.wanted. On all hosts, once the channels are open. */
int km_held_choose(struct km_job *job, struct km_err *err);

/** The second sample, of that size (with 0 rows it keeps nothing). */
int km_held_init(struct km_job *job, const struct km_sample_size *size, struct km_err *err);
void km_held_done(struct km_held *h); /* zeroed is fine */

/** Behind the pass, when all hosts have the same samples: measures both against centers that come from the pass alone. */
int km_held_start(struct km_job *job, const struct km_centers *c, struct km_err *err);

/** An estimate of a mean over all rows. */
struct km_estimate {
    double mean, variance;
    size_t rows; /* that it comes from */
};

/**
 * The msd of c (relative to the origin, in the job's unit), by the rows held back; these differ from all rows, and
 * what is known of their distances to the centers of km_held_start tells by how much: a regression estimate (Cochran 1977,
 * chapter 7; the larger sample's error included). Where the job's sample holds every row: by those, exactly. Where nothing is held
 * back: by the job's sample, times job->sample_optimism, which is less than what it hides.
 */
int km_held_estimate(struct km_estimate *e, struct km_job *job, const struct km_centers *c,
                     struct km_err *err);

#endif
