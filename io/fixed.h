/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of one size, one behind the other behind a header: what the formats share that are made so
 * (npy, fvecs, fbin and their like). Each has an open of its own, which reads the header into a
 * km_fixed and makes it the state of the scan; the rest of its row of the table is here.
 */
#ifndef KM_IO_FIXED_H
#define KM_IO_FIXED_H

#include "io/elements.h"
#include "io/format.h"

struct km_fixed {
    struct km_elements of;
    uint64_t data; /* byte at which the first row begins */
    uint64_t rows; /* that the header promises; KM_FIXED_OPEN: up to the end of the file */
    uint64_t row;  /* the next one */
    size_t dim;    /* values of each */
    size_t front;  /* bytes before the values of each: 4, dim again; or 0 */
};

#define KM_FIXED_OPEN UINT64_MAX

/** Makes *x the state of s, for an open that has read the header; the stream stands behind it. */
int km_fixed_open(struct km_scan *s, const struct km_fixed *x, struct km_err *err);

/** Fails unless rows of that many values can be read; `at`: the byte that says so. */
int km_fixed_check(const struct km_scan *s, uint64_t dim, uint64_t at, struct km_err *err);

/* The functions of a km_format_kind. */
void km_fixed_close(struct km_scan *s);
int km_fixed_find(struct km_scan *s, uint64_t from, struct km_err *err);
size_t km_fixed_longest(const struct km_format *f);
int km_fixed_next(struct km_scan *s, struct km_raw *raw, struct km_err *err);
int km_fixed_width(struct km_scan *s, const struct km_raw *raw, size_t *dim, struct km_err *err);
int km_fixed_decode(struct km_scan *s, const struct km_raw *raw, float *row, struct km_err *err);
int km_fixed_fail(struct km_scan *s, const struct km_raw *raw, struct km_err *err);

/** These, in a row of the table. */
#define KM_FIXED                                                                                   \
    .close = km_fixed_close, .find = km_fixed_find, .longest = km_fixed_longest,                   \
    .next = km_fixed_next, .width = km_fixed_width, .decode = km_fixed_decode,                     \
    .fail = km_fixed_fail

#endif
