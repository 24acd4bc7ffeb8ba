/* SPDX-License-Identifier: Apache-2.0 */
/* The model file: one unnamed float32 [k x d] array in an MXNet NDArray list (docs/formats.md). */
#ifndef KM_IO_MODEL_H
#define KM_IO_MODEL_H

#include "base/mat.h"

/** Name of the model file in every archive and folder, whatever the host is called. */
#define KM_MODEL_NAME "model_algo-1"

/** Writes the rows of c to path, atomically. */
int km_model_write(const char *path, const struct km_mat *c, struct km_err *err);

/**
 * Reads a model file: the layout above (NDArray V2, also V1, V3 and the one before them; float32).
 * *c is allocated; KM_E_INPUT says at which byte what was expected.
 */
int km_model_read(const char *path, struct km_mat *c, struct km_err *err);

/** Writes model.tar.gz with the one member KM_MODEL_NAME (ustar in gzip, no time stamps),
 * atomically. */
int km_model_pack(const char *path, const struct km_mat *c, struct km_err *err);

#endif
