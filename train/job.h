/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One training job, in three parts: the plan (const once made), the state (what has been learned)
 * and the result; and what it works on. Private to the stages of train/, in their order: start,
 * pass, finish, score.
 */
#ifndef KM_TRAIN_JOB_H
#define KM_TRAIN_JOB_H

#include "train/channel.h"
#include "train/engine.h"
#include "train/exchange.h"
#include "train/plan.h"
#include "train/report.h"
#include "train/result.h"
#include "train/state.h"

struct km_job {
    const struct km_request *request;
    const struct km_machine *m;
    struct km_team team;
    struct km_plan plan;
    struct km_state state;
    struct km_result result;
    struct km_feed *feed, *test; /* test may be NULL */
    struct km_said said;
    struct km_traffic traffic;
    double pass_seconds;
    struct km_watch phases[KM_PHASES];
};

#endif
