/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays of numpy, each item along the first axis a row (docs/formats.md). */
#include "io/fixed.h"
#include "io/npy.h"
#include "io/unzip.h"

#include "base/machine.h"
#include "base/mem.h"
#include "base/size.h"

#include <inttypes.h>
#include <string.h>

#define TO_C_ORDER "numpy.save(FILE, numpy.ascontiguousarray(x))"

/* An array that is no row of features beside others. */
static int check_axes(const struct km_scan *s, const struct km_npy *x, struct km_err *err)
{
    const char *path = km_stream_path(s->stream);

    if (x->axes == 0)
        return km_fail(err, KM_E_INPUT, "%s: found a single number, expected rows and columns",
                       path);
    if (x->axes == 1)
        return km_fail(err, KM_E_INPUT,
                       "%s: found one axis (%" PRIu64 " values), expected rows and columns; save "
                       "x.reshape(-1, 1) if each value is a row, x.reshape(1, -1) if all are one",
                       path, x->rows);
    if (x->fortran && x->axes > 2)
        return km_fail(
            err, KM_E_INPUT,
            "%s: found %zu axes in Fortran order, expected two; save it in C order: " TO_C_ORDER,
            path, x->axes);
    return km_fixed_check(s, x->dim, 0, err);
}

/* The n values of a column, each `stride` bytes behind the one before it. */
static int take_column(struct km_stream *s, unsigned char *to, uint64_t n, size_t stride,
                       size_t bytes, struct km_err *err)
{
    const unsigned char *p;
    size_t got, have;
    int rc;

    for (; n > 0; n -= have) {
        rc = km_stream_peek(s, bytes, &p, &got, err);
        if (rc)
            return rc;
        if (got < bytes)
            return km_fail(err, KM_E_INPUT,
                           "%s: byte %" PRIu64 ": the file ends within its values, expected as "
                           "many as its header says; fetch the file again",
                           km_stream_path(s), km_stream_at(s) + got);
        have = got / bytes < n ? got / bytes : (size_t)n;
        for (size_t i = 0; i < have; i++, to += stride)
            memcpy(to, p + i * bytes, bytes);
        km_stream_skip(s, have * bytes);
    }
    return KM_OK;
}

/* Bytes of the array in C order, header and all, or 0: more than there can be. */
static size_t whole_bytes(const struct km_npy *x)
{
    uint64_t n, most = km_memory_available();

    if (__builtin_mul_overflow(x->rows, x->dim * (uint64_t)x->of.bytes, &n) || n > most - most / 8)
        return 0;
    return KM_NPY_HEADER + (size_t)n;
}

/* The rest of the file must be empty; then `whole` takes its place. */
static int replace(struct km_scan *s, unsigned char *whole, size_t n, struct km_err *err)
{
    struct km_stream *file = s->stream, *memory;
    const unsigned char *p;
    size_t got;
    int rc = km_stream_peek(file, 1, &p, &got, err);

    if (rc == KM_OK && got > 0)
        rc = km_fail(err, KM_E_INPUT,
                     "%s: byte %" PRIu64 ": found more bytes, expected the end after as many "
                     "values as the header says; write the file again",
                     km_stream_path(file), km_stream_at(file));
    if (rc) {
        km_free(whole);
        return rc;
    }
    rc = km_stream_own_memory(&memory, km_stream_path(file), whole, n, err);
    if (rc)
        return rc;
    km_stream_close(file);
    s->stream = memory;
    return km_stream_seek(memory, KM_NPY_HEADER, err);
}

/* Columns stand one behind the other: the array is read whole, and becomes one in C order. */
static int turn(struct km_scan *s, const struct km_npy *x, struct km_err *err)
{
    size_t bytes = (size_t)x->of.bytes, dim = (size_t)x->dim, n = whole_bytes(x);
    unsigned char *whole = n ? km_alloc(n, 1) : NULL;
    int rc = KM_OK;

    if (!whole)
        return km_fail(err, KM_E_MEM,
                       "%s: no memory for an array of %" PRIu64 " rows in Fortran order, which has "
                       "to be read whole; save it in C order: " TO_C_ORDER,
                       km_stream_path(s->stream), x->rows);
    for (size_t t = 0; rc == KM_OK && t < dim; t++)
        rc = take_column(s->stream, whole + km_npy_write(whole, x) + t * bytes, x->rows,
                         dim * bytes, bytes, err);
    if (rc) {
        km_free(whole);
        return rc;
    }
    return replace(s, whole, n, err);
}

/* Archives are seen for what they are whatever stands in front of the first array. */
static int unzip(struct km_scan *s, struct km_err *err)
{
    const unsigned char *p;
    size_t got;
    int rc = km_stream_peek(s->stream, 4, &p, &got, err);

    if (rc || got < 4 || memcmp(p, "PK", 2) != 0)
        return rc;
    return km_unzip(&s->stream, s->format->member, err);
}

static int is_numpy(const unsigned char *p, size_t n)
{
    return km_npy_is(p, n) || km_unzip_is(p, n);
}

static int open_array(struct km_scan *s, struct km_err *err)
{
    struct km_npy x;
    int rc = unzip(s, err);

    if (rc == KM_OK)
        rc = km_npy_read(&x, s->stream, err);

    if (rc == KM_OK)
        rc = check_axes(s, &x, err);
    if (rc == KM_OK && x.fortran)
        rc = turn(s, &x, err);
    if (rc)
        return rc;
    return km_fixed_open(
        s,
        &(struct km_fixed){
            .of = x.of, .data = km_stream_at(s->stream), .rows = x.rows, .dim = (size_t)x.dim},
        err);
}

static const char *const parameters[] = {"member", NULL};

const struct km_format_kind km_format_npy = {
    .name = "numpy",
    .word = "npy",
    .content_type = "application/x-npy",
    .accepted = "application/x-npy;member=NAME",
    .assumed = "application/x-npy",
    .parameters = parameters,
    .found = "is a numpy file",
    .todo = "set the channel's content type to application/x-npy",
    .may_be_zipped = 1,
    .value_bytes = 1,
    .is = is_numpy,
    .open = open_array,
    KM_FIXED,
};
