/* SPDX-License-Identifier: Apache-2.0 */
/* The joint between the verb train and dist/launch/launch.h: what resourceconfig.json says of
 * hosts. */
#ifndef KM_TRAIN_HOSTS_H
#define KM_TRAIN_HOSTS_H

#include "train/request.h"

/**
 * If the configuration names several hosts, runs the whole job as this host's supervisor (*several
 * becomes 1, and the result is the job's); otherwise, or in a build without MPI, does nothing. What
 * is wrong with the request, with the names of the hosts as well, is left to those who read it all.
 * settings has what the command line set; argv is what the ranks are called with.
 */
int km_hosts_train(struct km_request *r, const struct km_config *config,
                   struct km_settings *settings, char *const *argv, int *several,
                   struct km_err *err);

#endif
