/* SPDX-License-Identifier: Apache-2.0 */
/* Big-endian header: 0, 0, type (8 = unsigned byte), number of axes, then a u32 for each axis. */
#include "io/idx.h"

#include "base/mem.h"
#include "base/size.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define TYPE_BYTE 8
#define MAX_AXES  8 /* more than anything that was ever published */

struct km_idx {
    struct km_stream *stream;
    size_t axes;
    uint64_t rows, row; /* in the file; taken so far */
    size_t dim;
};

int km_idx_is(const unsigned char *p, size_t n)
{
    /* The types are 8, 9 and 11 to 14; no text begins like that, nor a RecordIO frame. */
    return n >= 4 && p[0] == 0 && p[1] == 0 && p[2] >= 8 && p[2] <= 14 && p[3] >= 1;
}

/* The next n bytes at *p; *got: how many of them there are. */
static int take(struct km_idx *x, size_t n, const unsigned char **p, size_t *got,
                struct km_err *err)
{
    int rc = km_stream_peek(x->stream, n, p, got, err);

    if (rc)
        return rc;
    *got = km_min(*got, n);
    km_stream_skip(x->stream, *got);
    return KM_OK;
}

/* One u32 of the header. */
static int get_axis(struct km_idx *x, size_t axis, uint64_t *n, struct km_err *err)
{
    const unsigned char *b;
    size_t got;
    int rc = take(x, 4, &b, &got, err);

    if (rc)
        return rc;
    if (got < 4)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte %zu: the file ends within its header, expected the size of axis "
                       "%zu of %zu; fetch the file again",
                       km_stream_path(x->stream), 4 + 4 * axis + got, axis + 1, x->axes);
    *n = (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3];
    return KM_OK;
}

static int read_header(struct km_idx *x, struct km_err *err)
{
    unsigned char b[4] = {0};
    const unsigned char *p;
    uint64_t dim = 1, n = 0;
    size_t got;
    int rc = take(x, 4, &p, &got, err);

    if (rc)
        return rc;
    memcpy(b, p, got);
    if (got < 4 || b[0] != 0 || b[1] != 0)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte 0: found %02x %02x %02x %02x in a file of %zu or more bytes, "
                       "expected the magic of an IDX file (00 00 08 03 for images)",
                       km_stream_path(x->stream), b[0], b[1], b[2], b[3], got);
    if (b[2] != TYPE_BYTE)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte 2: found IDX element type %d, expected %d (unsigned byte)",
                       km_stream_path(x->stream), b[2], TYPE_BYTE);
    if (b[3] < 1 || b[3] > MAX_AXES)
        return km_fail(err, KM_E_INPUT, "%s: byte 3: found %d axes, expected 1 to %d",
                       km_stream_path(x->stream), b[3], MAX_AXES);
    x->axes = b[3];
    rc = get_axis(x, 0, &x->rows, err);
    for (size_t axis = 1; !rc && axis < x->axes; axis++) {
        rc = get_axis(x, axis, &n, err);
        if (!rc && (n == 0 || __builtin_mul_overflow(dim, n, &dim) || dim > INT_MAX))
            rc = km_fail(err, KM_E_INPUT,
                         "%s: byte %zu: found %" PRIu64
                         " as the size of axis %zu, expected items of "
                         "1 to %d bytes",
                         km_stream_path(x->stream), 4 + 4 * axis, n, axis + 1, INT_MAX);
    }
    x->dim = (size_t)dim;
    return rc;
}

int km_idx_open(struct km_idx **x, struct km_stream *stream, struct km_err *err)
{
    struct km_idx *new = km_alloc(1, sizeof(*new));
    int rc;

    *x = NULL;
    if (!new)
        return km_fail(err, KM_E_MEM, "no memory to read %s", km_stream_path(stream));
    new->stream = stream;
    rc = read_header(new, err);
    if (rc)
        km_idx_close(new);
    else
        *x = new;
    return rc;
}

void km_idx_close(struct km_idx *x)
{
    km_free(x);
}

size_t km_idx_axes(const struct km_idx *x)
{
    return x->axes;
}

uint64_t km_idx_rows(const struct km_idx *x)
{
    return x->rows;
}

size_t km_idx_dim(const struct km_idx *x)
{
    return x->dim;
}

int km_idx_next(struct km_idx *x, const unsigned char **item, struct km_err *err)
{
    uint64_t at = 4 + 4 * x->axes + x->row * x->dim;
    int more = x->row < x->rows;
    size_t got;
    int rc = take(x, more ? x->dim : 1, item, &got, err); /* the end: gzip compares its check sum */

    if (rc)
        return rc;
    if (more && got < x->dim)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte %" PRIu64 ": the file ends within item %" PRIu64
                       ", expected %" PRIu64 " items of %zu bytes; fetch the file again",
                       km_stream_path(x->stream), at + got, x->row + 1, x->rows, x->dim);
    if (!more && got > 0)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte %" PRIu64 ": found more bytes, expected the end after %" PRIu64
                       " items of %zu bytes, as the header says",
                       km_stream_path(x->stream), at, x->rows, x->dim);
    x->row += (uint64_t)more;
    return more ? KM_MORE : KM_OK;
}
