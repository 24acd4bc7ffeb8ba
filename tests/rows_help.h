/* SPDX-License-Identifier: Apache-2.0 */
/* A file in memory as rows, and what becomes of it when its bytes are hurt. */
#ifndef KM_TESTS_ROWS_HELP_H
#define KM_TESTS_ROWS_HELP_H

#include "tests/test.h"

#include "io/reader.h"

#include <math.h>

#define MOST_ROWS 16
#define MOST_DIM  8

/** The rows of a file, as far as it went. */
struct read_rows {
    float v[MOST_ROWS][MOST_DIM];
    size_t n, dim;
    int rc;
    struct km_err err;
};

/** Reads n bytes as a file of f, whose feature_dim is 0 or at most MOST_DIM; range NULL: all. */
static inline struct read_rows read_range(struct km_format f, const void *bytes, size_t n,
                                          const struct km_range *range)
{
    struct read_rows got = {.n = 0};
    struct km_reader *r = NULL;
    struct km_stream *s;
    struct km_rows x = {0};
    size_t more = 1;

    assert_ok(km_stream_open_memory(&s, "file", bytes, n, &got.err), got.err);
    got.rc = km_reader_open(&r, s, &f, range, &got.err);
    got.dim = f.feature_dim;
    if (got.rc == KM_OK && got.dim > 0 && got.dim <= MOST_DIM) {
        const struct km_shape shape = {.d = got.dim};
        const struct km_room room = {.rows = MOST_ROWS};

        assert_ok(km_rows_init(&x, &shape, room, &got.err), got.err);
        x.dense.n = 0;
        while (got.rc == KM_OK && more > 0 && x.dense.n < MOST_ROWS)
            got.rc = km_reader_read(r, &x, room, &more, &got.err);
        got.n = x.dense.n;
        for (size_t i = 0; i < got.n; i++)
            memcpy(got.v[i], km_mat_row(&x.dense, i), got.dim * sizeof(float));
        km_rows_done(&x);
    }
    km_reader_close(r);
    return got;
}

static inline struct read_rows read_rows(struct km_format f, const void *bytes, size_t n)
{
    return read_range(f, bytes, n, NULL);
}

/** Fails unless the rows are these, of `dim` values each. */
static inline void assert_read(const struct read_rows *got, const float *want, size_t n, size_t dim)
{
    assert_ok(got->rc, got->err);
    assert_int_equal(got->n, n);
    assert_int_equal(got->dim, dim);
    for (size_t i = 0; i < n; i++)
        assert_memory_equal(got->v[i], want + i * dim, dim * sizeof(*want));
}

/** Fails unless reading ended well with finite values, or with an error that names the file. */
static inline void assert_sane(const struct read_rows *got)
{
    for (size_t i = 0; i < got->n; i++)
        for (size_t t = 0; t < got->dim; t++)
            assert_true(isfinite(got->v[i][t]));
    if (got->rc == KM_OK)
        return;
    assert_true(got->rc == KM_E_INPUT || got->rc == KM_E_MEM);
    assert_int_equal(strncmp(got->err.msg, "file", 4), 0);
}

/** Each cut of a file, and each byte of it with each bit changed. With `counted` the format knows
 * how many rows there are: a cut is always an error then. */
static inline void hurt_each_byte(struct km_format f, const void *bytes, size_t n, int counted)
{
    unsigned char *copy = malloc(n);
    struct read_rows got;

    assert_non_null(copy);
    memcpy(copy, bytes, n);
    for (size_t cut = 0; cut < n; cut++) {
        got = read_rows(f, copy, cut);
        assert_sane(&got);
        if (counted && got.rc == KM_OK)
            fail_msg("%zu bytes of %zu: %zu rows, and no error", cut, n, got.n);
    }
    for (size_t i = 0; i < n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            copy[i] ^= (unsigned char)(1u << bit);
            got = read_rows(f, copy, n);
            assert_sane(&got);
            copy[i] ^= (unsigned char)(1u << bit);
        }
    }
    free(copy);
}

/** Each row is in exactly one of two ranges, wherever they meet. */
static inline void cut_in_two(struct km_format f, const void *bytes, size_t n)
{
    struct read_rows all = read_rows(f, bytes, n);

    assert_ok(all.rc, all.err);
    f.feature_dim = all.dim;
    for (uint64_t at = 1; at < n; at++) {
        struct read_rows a = read_range(f, bytes, n, &(struct km_range){.to = at});
        struct read_rows b = read_range(f, bytes, n, &(struct km_range){.from = at});

        assert_ok(a.rc, a.err);
        assert_ok(b.rc, b.err);
        assert_int_equal(a.n + b.n, all.n);
        for (size_t i = 0; i < a.n; i++)
            assert_memory_equal(a.v[i], all.v[i], sizeof(a.v[i]));
        for (size_t i = 0; i < b.n; i++)
            assert_memory_equal(b.v[i], all.v[a.n + i], sizeof(b.v[i]));
    }
}

#endif
