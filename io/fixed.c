/* SPDX-License-Identifier: Apache-2.0 */
#include "io/fixed.h"

#include "base/mem.h"
#include "base/size.h"

#include <inttypes.h>
#include <string.h>

int km_fixed_open(struct km_scan *s, const struct km_fixed *x, struct km_err *err)
{
    struct km_fixed *copy = km_alloc(1, sizeof(*copy));

    if (!copy)
        return km_fail(err, KM_E_MEM, "no memory to read %s", km_stream_path(s->stream));
    *copy = *x;
    s->state = copy;
    return KM_OK;
}

int km_fixed_check(const struct km_scan *s, uint64_t dim, uint64_t at, struct km_err *err)
{
    if (dim >= 1 && dim <= KM_RECORD_DIM_MAX)
        return KM_OK;
    return km_fail(err, KM_E_INPUT,
                   "%s: byte %" PRIu64 ": found rows of %" PRIu64
                   " values, expected 1 to %u; check that the file is %s",
                   km_stream_path(s->stream), at, dim, KM_RECORD_DIM_MAX, s->format->kind->name);
}

void km_fixed_close(struct km_scan *s)
{
    km_free(s->state);
}

static size_t row_bytes(const struct km_fixed *x)
{
    return x->front + x->dim * (size_t)x->of.bytes;
}

size_t km_fixed_longest(const struct km_format *f)
{
    return 4 + 8 * f->feature_dim; /* the file's header has judged it */
}

int km_fixed_find(struct km_scan *s, uint64_t from, struct km_err *err)
{
    struct km_fixed *x = s->state;
    uint64_t size = row_bytes(x), behind = from > x->data ? from - x->data : 0;

    x->row = behind / size + (behind % size > 0);
    if (x->row > x->rows)
        x->row = x->rows;
    return km_stream_seek(s->stream, x->data + x->row * size, err);
}

static int fail_short(const struct km_scan *s, uint64_t end, struct km_err *err)
{
    const struct km_fixed *x = s->state;
    const char *path = km_stream_path(s->stream);

    if (x->rows == KM_FIXED_OPEN)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte %" PRIu64 ": the file ends within row %" PRIu64
                       ", expected rows of %zu bytes each; fetch the file again",
                       path, end, x->row + 1, row_bytes(x));
    return km_fail(err, KM_E_INPUT,
                   "%s: byte %" PRIu64 ": the file ends within row %" PRIu64 ", expected %" PRIu64
                   " rows of %zu bytes each, as its header says; fetch the file again",
                   path, end, x->row + 1, x->rows, row_bytes(x));
}

/* The number in front of a row is that of the first one. */
static int check_front(const struct km_scan *s, const unsigned char *p, struct km_err *err)
{
    const struct km_fixed *x = s->state;
    uint32_t dim;

    memcpy(&dim, p, sizeof(dim));
    if (dim == x->dim)
        return KM_OK;
    return km_fail(err, KM_E_INPUT,
                   "%s: row %" PRIu64 " at byte %" PRIu64 ": found %" PRIu32
                   " in front of it, expected %zu, the number of values of each row; the file is "
                   "damaged, or no %s",
                   km_stream_path(s->stream), x->row + 1, km_stream_at(s->stream), dim, x->dim,
                   s->format->kind->name);
}

int km_fixed_next(struct km_scan *s, struct km_raw *raw, struct km_err *err)
{
    struct km_fixed *x = s->state;
    size_t size = row_bytes(x), got;
    int more = x->row < x->rows, rc;

    raw->at = km_stream_at(s->stream);
    if (s->end > 0 && raw->at >= s->end)
        return KM_OK;
    rc = km_stream_peek(s->stream, more ? size : 1, &raw->p, &got, err);
    if (rc || (got == 0 && (!more || x->rows == KM_FIXED_OPEN)))
        return rc;
    if (!more)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte %" PRIu64 ": found more bytes, expected the end after %" PRIu64
                       " rows of %zu bytes each, as the header says; write the file again",
                       km_stream_path(s->stream), raw->at, x->rows, size);
    if (got < size)
        return fail_short(s, raw->at + got, err);
    rc = x->front ? check_front(s, raw->p, err) : KM_OK;
    if (rc)
        return rc;
    km_stream_skip(s->stream, size);
    raw->p += x->front;
    raw->len = size - x->front;
    x->row++;
    s->number++;
    return KM_MORE;
}

int km_fixed_width(struct km_scan *s, const struct km_raw *raw, size_t *dim, struct km_err *err)
{
    (void)raw;
    (void)err;
    *dim = ((const struct km_fixed *)s->state)->dim;
    return KM_OK;
}

int km_fixed_decode(struct km_scan *s, const struct km_raw *raw, float *row, struct km_err *err)
{
    const struct km_fixed *x = s->state;

    if (x->dim != s->format->feature_dim)
        return km_format_fail_width(s->format, x->dim, err);
    return km_elements_take(&x->of, raw->p, x->dim, row, err);
}

int km_fixed_fail(struct km_scan *s, const struct km_raw *raw, struct km_err *err)
{
    return km_format_place(err, s, "row", raw->at);
}
