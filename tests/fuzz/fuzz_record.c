/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as the payload of a record: the fast path against protobuf-c, values and words. The fast
 * path steps over label, uid, metadata and configuration behind the features without a look
 * inside; so what protobuf-c says of a record with damage there counts as said without them.
 */
#include "tests/fuzz/fuzz.h"

#include "io/record_slow.h"
#include "io/varint.h"

#define DIM_MAX 300

struct answer {
    int rc;
    struct km_err err;
    float row[DIM_MAX];
};

static void must_be_same(const struct answer *fast, const struct answer *slow, size_t dim)
{
    MUST(fast->rc == slow->rc, "%d and %d", fast->rc, slow->rc);
    if (fast->rc) {
        must_be_told(fast->rc, &fast->err);
        MUST(strcmp(fast->err.msg, slow->err.msg) == 0, "'%s', '%s'", fast->err.msg, slow->err.msg);
        return;
    }
    for (size_t t = 0; t < dim; t++)
        MUST(fast->row[t] == slow->row[t], "value %zu", t);
}

/* The row of a decoded sparse one. */
static void unfold(struct answer *a, const struct km_csr *x, size_t dim)
{
    memset(a->row, 0, dim * sizeof(float));
    for (size_t t = 0; a->rc == KM_OK && t < x->len[0]; t++) {
        MUST(x->col[t] < dim && x->val[t] != 0, "column %u", x->col[t]);
        a->row[x->col[t]] = x->val[t];
    }
}

static void decode(struct km_record_reader *r, const uint8_t *bytes, size_t n, size_t dim)
{
    static struct answer fast, slow, sparse_fast, sparse_slow;
    static float scratch[DIM_MAX], val[2][2 * DIM_MAX];
    static uint32_t col[2][2 * DIM_MAX], len[2];
    static size_t at[2];
    int was[2] = {0, 0};
    struct km_csr x[2];

    for (int i = 0; i < 2; i++)
        x[i] =
            (struct km_csr){.d = dim, .val = val[i], .col = col[i], .at = &at[i], .len = &len[i]};
    fast.rc = km_record_decode(r, bytes, n, fast.row, dim, &fast.err);
    slow.rc = km_record_slow_decode(r, bytes, n, slow.row, dim, &slow.err);
    must_be_same(&fast, &slow, dim);
    sparse_fast.rc =
        km_record_decode_sparse(r, bytes, n, &x[0], scratch, &was[0], &sparse_fast.err);
    sparse_slow.rc =
        km_record_slow_decode_sparse(r, bytes, n, &x[1], scratch, &was[1], &sparse_slow.err);
    MUST(was[0] == was[1] || sparse_fast.rc, "sparse: %d and %d", was[0], was[1]);
    unfold(&sparse_fast, &x[0], dim);
    unfold(&sparse_slow, &x[1], dim);
    must_be_same(&sparse_fast, &sparse_slow, dim);
    must_be_same(&fast, &sparse_fast, dim);
}

/* Bytes of the first field, where that is features and the next ones are no features; else all. */
static size_t features_alone(const uint8_t *bytes, size_t n)
{
    const uint8_t *p = bytes;
    size_t left = n, len;

    if (n < 2 || *p++ != 0x0a)
        return n;
    left--;
    if (!km_varint_take(&p, &left, &len) || len >= left)
        return n;
    p += len;
    return *p == 0x12 || *p == 0x1a || *p == 0x22 || *p == 0x2a ? (size_t)(p - bytes) : n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct km_record_reader *r;
    struct km_err err, slow_err;
    size_t dim = 0, slow_dim = 0;
    int rc, slow_rc;

    MUST(km_record_reader_open(&r, &err) == KM_OK, "%s", err.msg);
    rc = km_record_dim(r, bytes, n, &dim, &err);
    slow_rc = km_record_slow_dim(r, bytes, n, &slow_dim, &slow_err);
    if (slow_rc && features_alone(bytes, n) < n) {
        n = features_alone(bytes, n);
        slow_rc = km_record_slow_dim(r, bytes, n, &slow_dim, &slow_err);
        rc = rc ? km_record_dim(r, bytes, n, &dim, &err) : rc;
    }
    MUST(rc == slow_rc && (rc || dim == slow_dim), "%d, %d: %zu and %zu", rc, slow_rc, dim,
         slow_dim);
    if (rc)
        must_be_told(rc, &err);
    if (rc == KM_OK && dim <= DIM_MAX)
        decode(r, bytes, n, dim);
    for (size_t d = 2; d <= 130; d += 64) /* without a shape, or of another width */
        decode(r, bytes, n, d);
    km_record_reader_close(r);
    return 0;
}
