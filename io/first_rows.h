/* SPDX-License-Identifier: Apache-2.0 */
/* The first look at a channel: what its first rows are like, before any row is used. */
#ifndef KM_IO_FIRST_ROWS_H
#define KM_IO_FIRST_ROWS_H

#include "io/file.h"
#include "io/format.h"

/** What up to 1,000 rows of the first file that has some are like, where the format may be
 * sparse. */
struct km_feed_look {
    size_t rows;   /* looked at; 0: none can be looked at twice, or they are never sparse */
    size_t sparse; /* of them sparse tensors */
    size_t values; /* of all of them that are not 0 */
};

/** The caller sets the first two members, all others are zeroed. */
struct km_first_rows {
    const struct km_files *files;
    struct km_format *format; /* completed by the first row */
    double row_bytes;         /* of a row, about: of the first 16 or fewer; 0: not known */
    struct km_feed_look look;
};

/**
 * Decodes the first row of each file, at least until one has decided on the format (of the first
 * 1,000 files, and the others only until then), so that all parts have the same. What is no regular
 * file waits for its turn.
 */
int km_first_rows_open(struct km_first_rows *first, struct km_err *err);

/**
 * Waits for the first row of what is no regular file, one after the other until one has a row.
 * Whose turn is not the first may have a writer that waits until the one before is read.
 */
int km_first_rows_wait(struct km_first_rows *first, struct km_err *err);

#endif
