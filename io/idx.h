/* SPDX-License-Identifier: Apache-2.0 */
/* IDX files of unsigned bytes, the format of MNIST: images (3 axes) and labels (1), plain or gzip.
 */
#ifndef KM_IO_IDX_H
#define KM_IO_IDX_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

/** What the first bytes of a file are. */
struct km_idx_probe {
    unsigned char first[4]; /* after decompression */
    size_t got;             /* how many there are */
    int gzip;               /* the file is compressed */
    int idx;                /* they are the magic of an IDX file, of whatever type */
};

/** Looks at the first bytes of a file, through gzip where it is compressed. */
int km_idx_probe(const char *path, struct km_idx_probe *probe, struct km_err *err);

struct km_idx;

/** Opens a file and reads its header. On failure *x is NULL. Bytes only: other types are refused.
 */
int km_idx_open(struct km_idx **x, const char *path, struct km_err *err);
void km_idx_close(struct km_idx *x);

/** Number of axes (1 = labels), of items along the first axis, and of bytes in one item (labels:
 * 1). */
size_t km_idx_axes(const struct km_idx *x);
uint64_t km_idx_rows(const struct km_idx *x);
size_t km_idx_dim(const struct km_idx *x);

/**
 * The next item: KM_MORE with row[0..dim-1] filled, or KM_OK after the last one; the file's end
 * (and gzip's check sum) is verified then. KM_E_INPUT names file, item and byte (after
 * decompression).
 */
int km_idx_next(struct km_idx *x, unsigned char *row, struct km_err *err);

#endif
