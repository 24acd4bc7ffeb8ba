/* SPDX-License-Identifier: Apache-2.0 */
/* What resourceconfig.json says: the hosts of the job, and which of them this is. */
#ifndef KM_TRAIN_RESOURCES_H
#define KM_TRAIN_RESOURCES_H

#include "train/config.h"
#include "train/problems.h"

/**
 * The names of the hosts, sorted bytewise (freed with km_free; they live as long as the object),
 * and which of them is this one. KM_E_INPUT if they cannot be used.
 */
int km_resources_hosts(const json_t *object, const char ***names, size_t *n, size_t *self,
                       struct km_err *err);

/** How many hosts are named; 0 where nobody says it. */
size_t km_resources_size(const json_t *object);

/** What is wrong with the file for one of `ranks` processes that train together becomes problems;
 * current_host goes to host[size] if there is one. KM_E_MEM only. */
int km_resources_check(const struct km_config_file *file, int ranks, char *host, size_t size,
                       struct km_problems *problems, struct km_err *err);

#endif
