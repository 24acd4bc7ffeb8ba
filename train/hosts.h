/* SPDX-License-Identifier: Apache-2.0 */
/* The joint between the verb train and dist/launch/launch.h: what resourceconfig.json says of hosts. */
#ifndef KM_TRAIN_HOSTS_H
#define KM_TRAIN_HOSTS_H

#include "train/json.h"
#include "train/request.h"

/**
 * The names of the hosts of a resourceconfig.json, sorted bytewise (freed with km_free; they live as
 * long as the object), and which of them is this one. KM_E_INPUT if they cannot be used.
 */
int km_hosts_read(const json_t *object, const char ***names, size_t *n, size_t *self,
                  struct km_err *err);

/**
 * If the layout at root names several hosts, runs the whole job as this host's supervisor (*several
 * becomes 1, and the result is the job's); otherwise, or in a build without MPI,
 * does nothing. What is wrong with the request,
 * with the names of the hosts as well, is left to those who read it all. settings has what the command line set; argv
 * is what the ranks are called with.
 */
int km_hosts_train(struct km_request *r, const char *root, struct km_settings *settings,
                   char *const *argv, int *several, struct km_err *err);

#endif
