/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A protobuf Record (io/record.proto) as one float32 row, dense or sparse. Records as every known
 * writer emits them are read in place; all others go through protobuf-c.
 */
#ifndef KM_IO_RECORD_H
#define KM_IO_RECORD_H

#include "base/csr.h"
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

/** Most features of a row: what a dense float32 record can hold. */
#define KM_RECORD_DIM_MAX 134217719u

struct km_record_reader; /* scratch memory for the protobuf-c path, reused */

/** Scratch memory of a reader. Close: NULL is fine. */
int km_record_reader_open(struct km_record_reader **r, struct km_err *err);
void km_record_reader_close(struct km_record_reader *r);

/** Features under other names than "values", which nobody reads: what they are called (what does
 * not print is '?') and how many values the first such record has there. */
struct km_record_extra {
    char name[48];
    size_t values;
};

#define KM_RECORD_EXTRAS 8

/** The first of them that were met, each name once. */
struct km_record_extras {
    size_t n;
    int more; /* there are others */
    struct km_record_extra of[KM_RECORD_EXTRAS];
};

/** Adds a name, if it is new and there is room (else sets `more`); 1 if it was added. */
int km_record_extras_add(struct km_record_extras *x, const struct km_record_extra *extra);

/** Room for any text of km_record_extra_text, with the closing NUL. */
#define KM_RECORD_EXTRA_TEXT 128

/** features["more"] (2 values a record) */
void km_record_extra_text(char text[KM_RECORD_EXTRA_TEXT], const struct km_record_extra *extra);

/** From now on adds to *extras, which the caller keeps until the reader is closed, the features
 * under other names that decoded records have. */
void km_record_reader_note(struct km_record_reader *r, struct km_record_extras *extras);

/**
 * Number of features of the record: the values of a dense tensor, the shape of a sparse one.
 * Fails as km_record_decode does.
 */
int km_record_dim(struct km_record_reader *r, const unsigned char *payload, size_t len, size_t *dim,
                  struct km_err *err);

/**
 * Decodes features["values"] into row[0..dim-1]: Float32, Float64 or Int32 tensor, dense or sparse
 * (keys; duplicate keys are refused), any field order, packed or not. Labels and other fields are
 * ignored. KM_E_INPUT, with the reason but without file and record (the caller adds them), when the
 * payload is no Record, has no "values", has another width than dim, a key outside it, bytes in
 * place of numbers, or a value that is not finite as float32.
 * Of several entries "values" the last one counts; of several tensors in one value, too.
 */
int km_record_decode(struct km_record_reader *r, const unsigned char *payload, size_t len,
                     float *row, size_t dim, struct km_err *err);

/**
 * The same as a row added to x, which has room for one row and x->d values more: the values that
 * are not 0, of a dense record as of a sparse one. row is scratch for x->d values. *was_sparse says
 * which of the two it was.
 */
int km_record_decode_sparse(struct km_record_reader *r, const unsigned char *payload, size_t len,
                            struct km_csr *x, float *row, int *was_sparse, struct km_err *err);

/**
 * Encodes one dense row as a Record payload (Float32Tensor; with a label as label["values"] unless
 * label is NULL) the way the public writers do. Returns its size; out holds at least
 * km_record_size_max(dim) bytes.
 */
size_t km_record_size_max(size_t dim);
size_t km_record_encode(unsigned char *out, const float *row, size_t dim, const float *label);

#endif
