/* SPDX-License-Identifier: Apache-2.0 */
/* What a job runs on. */
#ifndef KM_TRAIN_ENGINE_H
#define KM_TRAIN_ENGINE_H

#include "algo/kern/kernels.h"
#include "base/pool.h"
#include "dist/comm.h"

struct km_machine {
    const struct km_kernels *kern;
    struct km_pool *pool;
    struct km_comm *comm;
    double started; /* km_now() when the process began, and the wall clock then */
    double started_wall;
};

#endif
