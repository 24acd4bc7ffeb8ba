/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a numpy file (.npy): versions 1, 2 and 3. */
#ifndef KM_IO_NPY_H
#define KM_IO_NPY_H

#include "io/elements.h"
#include "io/stream.h"

#define KM_NPY_MAGIC "\x93NUMPY"

struct km_npy {
    struct km_elements of;
    int fortran;   /* the first axis runs fastest */
    size_t axes;   /* 0: a single number; of the others the sizes are: */
    uint64_t rows; /* along the first axis */
    uint64_t dim;  /* values in each of them */
};

/** Whether n bytes begin with the magic. */
int km_npy_is(const unsigned char *p, size_t n);

/** Takes the header. KM_E_INPUT names file and byte: it is none, or of something else than
 * numbers. */
int km_npy_read(struct km_npy *x, struct km_stream *s, struct km_err *err);

#define KM_NPY_HEADER 128

/** Writes the header of an array of x->rows rows in C order to out; its length. */
size_t km_npy_write(unsigned char out[KM_NPY_HEADER], const struct km_npy *x);

#endif
