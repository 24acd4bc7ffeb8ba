/* SPDX-License-Identifier: Apache-2.0 */
/* The training job: rows in, a model out. */
#ifndef KM_TRAIN_TRAIN_H
#define KM_TRAIN_TRAIN_H

#include "algo/kern/kernels.h"
#include "base/pool.h"
#include "dist/comm.h"
#include "train/request.h"

/** What a job runs on. */
struct km_machine {
    const struct km_kernels *kern;
    struct km_pool *pool;
    struct km_comm *comm;
    double started; /* km_now() when the process began, and the wall clock then */
    double started_wall;
};

/**
 * Trains as the request says, writes the model to its model_path and (when not NULL) to `output`
 * (packed if that ends in .tar.gz or .tgz, else the bare file), scores the channels, and logs all
 * of it. Steps and formulas: docs/algorithm.md.
 */
int km_train(const struct km_request *request, const struct km_machine *machine, const char *output,
             struct km_err *err);

#endif
