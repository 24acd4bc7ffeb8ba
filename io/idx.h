/* SPDX-License-Identifier: Apache-2.0 */
/* IDX files of unsigned bytes, the format of MNIST: images (3 axes) and labels (1). */
#ifndef KM_IO_IDX_H
#define KM_IO_IDX_H

#include "io/stream.h"

/** Whether n bytes begin with the magic of an IDX file, of whatever type. */
int km_idx_is(const unsigned char *p, size_t n);

struct km_idx;

/** Reads the header of a file, whose stream, decompressed if need be, stays the caller's. On
 * failure *x is NULL. Bytes only: other types are refused. */
int km_idx_open(struct km_idx **x, struct km_stream *s, struct km_err *err);
void km_idx_close(struct km_idx *x);

/** Number of axes (1 = labels), of items along the first axis, and of bytes in one item (labels:
 * 1). */
size_t km_idx_axes(const struct km_idx *x);
uint64_t km_idx_rows(const struct km_idx *x);
size_t km_idx_dim(const struct km_idx *x);

/**
 * The next item: KM_MORE with its dim bytes at *item (in the stream until it is used again), or
 * KM_OK after the last one; the file's end (and gzip's check sum) is verified then. KM_E_INPUT
 * names file, item and byte (after decompression).
 */
int km_idx_next(struct km_idx *x, const unsigned char **item, struct km_err *err);

#endif
