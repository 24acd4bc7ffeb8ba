/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast path: a Record as all known writers lay it out, features["values"] first, packed,
 * Float32, Float64 or (dense) Int32, dense or (keys ascending) sparse. It only ever accepts;
 * whatever looks different goes to record_slow.c.
 */
#include "io/record.h"

#include "io/ints.h"
#include "io/record_slow.h"
#include "io/row.h"
#include "io/varint.h"

#include <stdint.h>
#include <string.h>

static const unsigned char key_field[] = {0x0a, 6, 'v', 'a', 'l', 'u', 'e', 's'};

enum {
    FIELD_FIRST = 0x0a,
    FIELD_VALUE = 0x12,
    FIELD_FLOAT32 = 0x12,
    FIELD_FLOAT64 = 0x1a,
    FIELD_INT32 = 0x3a,
    FIELD_KEYS = 0x12,
    FIELD_SHAPE = 0x1a
};

/* What is left to read. */
struct cursor {
    const unsigned char *p;
    size_t n;
};

/* The packed values of a dense record, in the payload. */
struct dense {
    const unsigned char *bytes;
    size_t n; /* values */
    int is_double;
};

/* Takes the length of a field of known tag, that is not above what is left. (A payload has less
 * than 2^29 bytes, so a varint of 5 bytes comes from nobody.) */
static int take_length(struct cursor *c, size_t *len)
{
    return km_varint_take(&c->p, &c->n, len) && *len <= c->n;
}

/* Enters a length-delimited field that must have this tag and fill the rest of c. */
static int enter(struct cursor *c, unsigned char tag)
{
    size_t len;

    if (c->n == 0 || *c->p != tag)
        return 0;
    c->p++;
    c->n--;
    return take_length(c, &len) && len == c->n;
}

/* Steps over label, uid, metadata, configuration (fields 2 to 5) without looking inside. */
static int skip_rest(struct cursor c)
{
    size_t len;

    while (c.n > 0) {
        unsigned char tag = *c.p;

        if (tag != 0x12 && tag != 0x1a && tag != 0x22 && tag != 0x2a)
            return 0;
        c.p++;
        c.n--;
        if (!take_length(&c, &len))
            return 0;
        c.p += len;
        c.n -= len;
    }
    return 1;
}

/* The inside of the tensor of features["values"], and the field that it is. */
static int find_tensor(const unsigned char *payload, size_t len, struct cursor *tensor,
                       unsigned char *tag)
{
    struct cursor rest = {payload, len};
    struct cursor c;
    size_t size;

    if (len == 0 || *payload != FIELD_FIRST)
        return 0;
    rest.p++;
    rest.n--;
    if (!take_length(&rest, &size))
        return 0;
    c = (struct cursor){rest.p, size};
    rest.p += size;
    rest.n -= size;
    if (c.n < sizeof(key_field) || memcmp(c.p, key_field, sizeof(key_field)) != 0)
        return 0;
    c.p += sizeof(key_field);
    c.n -= sizeof(key_field);
    if (!enter(&c, FIELD_VALUE))
        return 0;
    *tag = c.n > 0 ? *c.p : 0;
    if (*tag != FIELD_FLOAT32 && *tag != FIELD_FLOAT64 && *tag != FIELD_INT32)
        return 0;
    if (!enter(&c, *tag) || !skip_rest(rest))
        return 0;
    *tensor = c;
    return 1;
}

static int find_dense(const unsigned char *payload, size_t len, struct dense *d)
{
    struct cursor c;
    unsigned char tag;
    size_t size;

    if (!find_tensor(payload, len, &c, &tag) || tag == FIELD_INT32 || !enter(&c, FIELD_FIRST))
        return 0;
    d->is_double = tag == FIELD_FLOAT64;
    size = d->is_double ? sizeof(double) : sizeof(float);
    if (c.n % size != 0)
        return 0;
    d->bytes = c.p;
    d->n = c.n / size;
    return 1;
}

/* The wire is little-endian, and so are the machines we build for. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are copied as they are");

static int copy_dense(const struct dense *d, float *row, struct km_err *err)
{
    size_t bad;
    double v;

    if (!d->is_double) {
        memcpy(row, d->bytes, d->n * sizeof(float));
    } else {
        for (size_t i = 0; i < d->n; i++) {
            memcpy(&v, d->bytes + i * sizeof(v), sizeof(v));
            row[i] = (float)v;
        }
    }
    bad = km_row_bad(row, d->n);
    if (bad == d->n)
        return KM_OK;
    v = (double)row[bad];
    if (d->is_double)
        memcpy(&v, d->bytes + bad * sizeof(v), sizeof(v));
    return km_row_fail(err, bad, v);
}

/* A dense record of integers, if it is one of that width. */
static int take_ints(const unsigned char *payload, size_t len, float *row, size_t dim)
{
    struct cursor c;
    unsigned char tag;

    return find_tensor(payload, len, &c, &tag) && tag == FIELD_INT32 && enter(&c, FIELD_FIRST) &&
           dim > 0 && km_ints_take(c.p, c.n, row, dim);
}

/* A dense float32 record of so few features that each length in it takes a byte: what stands in
 * front of the values is known. */
static int find_narrow(const unsigned char *payload, size_t len, size_t dim, struct dense *d)
{
    size_t n = dim * sizeof(float);
    const unsigned char header[] = {FIELD_FIRST,   (unsigned char)(n + 14),
                                    FIELD_FIRST,   6,
                                    'v',           'a',
                                    'l',           'u',
                                    'e',           's',
                                    FIELD_VALUE,   (unsigned char)(n + 4),
                                    FIELD_FLOAT32, (unsigned char)(n + 2),
                                    FIELD_FIRST,   (unsigned char)n};
    size_t end = sizeof(header) + n;

    if (n == 0 || n + 14 >= 0x80 || len < end || memcmp(payload, header, sizeof(header)) != 0)
        return 0;
    *d = (struct dense){payload + sizeof(header), dim, 0};
    return len == end || skip_rest((struct cursor){payload + end, len - end});
}

int km_record_decode(struct km_record_reader *r, const unsigned char *payload, size_t len,
                     float *row, size_t dim, struct km_err *err)
{
    struct dense d;

    if (!find_narrow(payload, len, dim, &d) && !find_dense(payload, len, &d))
        return take_ints(payload, len, row, dim)
                   ? KM_OK
                   : km_record_slow_decode(r, payload, len, row, dim, err);
    if (d.n != dim || dim == 0)
        return km_record_fail_width(err, d.n, dim);
    return copy_dense(&d, row, err);
}

/* Takes a field of this tag, if it comes next; else the inside is empty. 0: it is cut. */
static int take_field(struct cursor *c, unsigned char tag, struct cursor *inside)
{
    size_t len;

    *inside = (struct cursor){c->p, 0};
    if (c->n == 0 || *c->p != tag)
        return 1;
    c->p++;
    c->n--;
    if (!take_length(c, &len))
        return 0;
    *inside = (struct cursor){c->p, len};
    c->p += len;
    c->n -= len;
    return 1;
}

/* The values of a sparse record behind those of x; how many came, or SIZE_MAX for the slow path. */
static size_t copy_sparse(struct cursor c, int is_double, struct km_csr *x)
{
    struct cursor values, keys, shape;
    size_t size = is_double ? sizeof(double) : sizeof(float);
    size_t n, end = x->nnz, least = 0, key;
    int has_shape;

    if (!take_field(&c, FIELD_FIRST, &values) || !take_field(&c, FIELD_KEYS, &keys) ||
        !take_field(&c, FIELD_SHAPE, &shape) || c.n != 0)
        return SIZE_MAX;
    has_shape = shape.n > 0;
    if (has_shape && (!km_varint_take(&shape.p, &shape.n, &key) || shape.n > 0 || key != x->d))
        return SIZE_MAX;
    n = values.n / size;
    if (values.n % size != 0 || (n == 0 && !has_shape) || (n > 0 && keys.n == 0))
        return SIZE_MAX;
    for (size_t i = 0; i < n; i++, least = key + 1) {
        double wide;
        float v;

        if (!km_varint_take(&keys.p, &keys.n, &key) || key < least || key >= x->d)
            return SIZE_MAX;
        if (is_double) {
            memcpy(&wide, values.p + i * size, size);
            v = (float)wide;
        } else {
            memcpy(&v, values.p + i * size, size);
        }
        x->col[end] = (uint32_t)key;
        x->val[end] = v;
        end += v != 0;
    }
    n = end - x->nnz;
    return keys.n == 0 && km_row_bad(x->val + x->nnz, n) == n ? n : SIZE_MAX;
}

int km_record_decode_sparse(struct km_record_reader *r, const unsigned char *payload, size_t len,
                            struct km_csr *x, float *row, int *was_sparse, struct km_err *err)
{
    struct cursor tensor;
    struct dense d;
    unsigned char tag;
    int rc;
    size_t n;

    if (find_dense(payload, len, &d) && d.n > 0) {
        *was_sparse = 0;
        rc = km_record_decode(r, payload, len, row, x->d, err);
        if (rc == KM_OK)
            km_record_add_nonzero(x, row);
        return rc;
    }
    if (!find_tensor(payload, len, &tensor, &tag) || tag == FIELD_INT32 ||
        (n = copy_sparse(tensor, tag == FIELD_FLOAT64, x)) == SIZE_MAX)
        return km_record_slow_decode_sparse(r, payload, len, x, row, was_sparse, err);
    *was_sparse = 1;
    x->at[x->n] = x->nnz;
    x->len[x->n++] = (uint32_t)n;
    x->nnz += n;
    return KM_OK;
}

int km_record_dim(struct km_record_reader *r, const unsigned char *payload, size_t len, size_t *dim,
                  struct km_err *err)
{
    struct dense d;

    if (!find_dense(payload, len, &d) || d.n == 0)
        return km_record_slow_dim(r, payload, len, dim, err);
    *dim = d.n;
    return KM_OK;
}

/* Bytes of a varint. */
static size_t varint_size(size_t v)
{
    size_t n = 1;

    while (v >>= 7)
        n++;
    return n;
}

/* Bytes of a length-delimited field with that many bytes inside. */
static size_t field_size(size_t inside)
{
    return 1 + varint_size(inside) + inside;
}

static unsigned char *put_field(unsigned char *p, unsigned char tag, size_t len)
{
    *p++ = tag;
    for (; len >= 0x80; len >>= 7)
        *p++ = (unsigned char)(len | 0x80);
    *p++ = (unsigned char)len;
    return p;
}

static size_t entry_size(size_t n)
{
    return sizeof(key_field) + field_size(field_size(field_size(n * sizeof(float))));
}

/* One map entry "values" with n values, as field `tag` of the record. */
static unsigned char *put_entry(unsigned char *p, unsigned char tag, const float *v, size_t n)
{
    size_t bytes = n * sizeof(float);

    p = put_field(p, tag, entry_size(n));
    memcpy(p, key_field, sizeof(key_field));
    p += sizeof(key_field);
    p = put_field(p, FIELD_VALUE, field_size(field_size(bytes)));
    p = put_field(p, FIELD_FLOAT32, field_size(bytes));
    p = put_field(p, FIELD_FIRST, bytes);
    memcpy(p, v, bytes);
    return p + bytes;
}

size_t km_record_size_max(size_t dim)
{
    return field_size(entry_size(dim)) + field_size(entry_size(1));
}

size_t km_record_encode(unsigned char *out, const float *row, size_t dim, const float *label)
{
    unsigned char *p = put_entry(out, FIELD_FIRST, row, dim);

    if (label)
        p = put_entry(p, 0x12, label, 1);
    return (size_t)(p - out);
}
