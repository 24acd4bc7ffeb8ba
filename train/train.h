/* SPDX-License-Identifier: Apache-2.0 */
/* The training job: rows in, a model out. */
#ifndef KM_TRAIN_TRAIN_H
#define KM_TRAIN_TRAIN_H

#include "train/engine.h"
#include "train/request.h"

/**
 * Trains as the request says, writes the model to its model_path and (when not NULL) to `output`
 * (packed if that ends in .tar.gz or .tgz, else the bare file), scores the channels, and logs all
 * of it. Steps and formulas: docs/algorithm.md.
 */
int km_train(const struct km_request *request, const struct km_machine *machine, const char *output,
             struct km_err *err);

#endif
