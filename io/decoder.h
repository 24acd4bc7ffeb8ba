/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to io: rows that were taken as bytes, decoded by several threads. The bytes of a stretch
 * of a file are cut into pieces of whole rows; each piece is a task, whose rows go straight to
 * their places. The result is that of one thread, whatever the number of threads.
 */
#ifndef KM_IO_DECODER_H
#define KM_IO_DECODER_H

#include "base/mat.h"
#include "base/pool.h"
#include "io/format.h"

/** A row as it was taken, and what was known then. */
struct km_taken {
    struct km_raw raw;
    uint64_t number; /* km_scan.number */
    uint64_t rows;   /* rows of the range up to this one */
};

struct km_decoder;

/** For rows of that format, which is complete. On failure *decoder is NULL. */
int km_decoder_open(struct km_decoder **decoder, struct km_format *format, struct km_pool *pool,
                    struct km_err *err);
void km_decoder_close(struct km_decoder *d); /* NULL is fine */

/** Begins a block of rows: x->n of km_decoder_run is 0 next. Origin not NULL: rows are given less
 * the origin, up to where an absolute value would be above `room`. */
void km_decoder_begin(struct km_decoder *d, const float *origin, float room);

/** So many rows of the block, the first, were given less the origin; the others as written. */
size_t km_decoder_moved(const struct km_decoder *d);

/** Forgets the rows that were added. */
void km_decoder_clear(struct km_decoder *d);

/** Adds a row, whose bytes stay until it is decoded; there is room (km_decoder_is_full). */
void km_decoder_add(struct km_decoder *d, const struct km_taken *row);
int km_decoder_is_full(const struct km_decoder *d);

/** The rows that were added. */
size_t km_decoder_rows(const struct km_decoder *d);
const struct km_taken *km_decoder_row(const struct km_decoder *d, size_t i);

/**
 * Decodes the rows, which s has taken, behind those of x, where there is memory for them. Returns
 * how many are there, up to the first that cannot be decoded: who decodes that one alone learns
 * why. x->n stays as it is.
 */
size_t km_decoder_run(struct km_decoder *d, const struct km_scan *s, struct km_mat *x);

#endif
