/* SPDX-License-Identifier: Apache-2.0 */
/* Private to io and its tests: records of any shape, through protobuf-c. */
#ifndef KM_IO_RECORD_SLOW_H
#define KM_IO_RECORD_SLOW_H

#include "io/record.h"

/** km_record_decode and km_record_dim without the fast path. */
int km_record_slow_decode(struct km_record_reader *r, const unsigned char *payload, size_t len,
                          float *row, size_t dim, struct km_err *err);
int km_record_slow_dim(struct km_record_reader *r, const unsigned char *payload, size_t len,
                       size_t *dim, struct km_err *err);

/** km_record_decode_sparse without the fast path. */
int km_record_slow_decode_sparse(struct km_record_reader *r, const unsigned char *payload,
                                 size_t len, struct km_csr *x, float *row, int *was_sparse,
                                 struct km_err *err);

/** Adds the values of a dense row that are not 0. */
void km_record_add_nonzero(struct km_csr *x, const float *row);

/** The failure for a row of another width. */
int km_record_fail_width(struct km_err *err, size_t found, size_t dim);

#endif
