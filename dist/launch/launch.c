/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/launch.h"

#include "dist/launch/leader.h"
#include "dist/launch/worker.h"

int km_launch_run(const struct km_launch *plan, struct km_err *err)
{
    return plan->self == 0 ? km_leader_run(plan, err) : km_worker_run(plan, err);
}
