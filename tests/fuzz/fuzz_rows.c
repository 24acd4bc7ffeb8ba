/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a file of each format of the table: rows of finite values, or a failure with the name of
 * the file. The rows before it, and what is said, are the same where rows are taken one at a time,
 * where each reader takes every second row only, and as sparse rows.
 */
#include "tests/fuzz/fuzz.h"

#include "base/mem.h"
#include "io/reader.h"

#include <math.h>

#define ROWS   64 /* looked at, at most */
#define VALUES 4096

struct seen {
    size_t d, n;
    float value[VALUES];
    int rc;
    struct km_err err;
};

static struct km_rows room_for(size_t rows, size_t d, int sparse)
{
    const struct km_shape shape = {.d = d, .sparse = sparse};
    struct km_rows x;
    struct km_err err;

    MUST(km_rows_init(&x, &shape, (struct km_room){rows, rows * d}, &err) == KM_OK, "%s", err.msg);
    x.dense.n = 0;
    return x;
}

/* Adds the rows of x to what was seen. */
static void note(struct seen *seen, const struct km_rows *x)
{
    for (size_t i = 0; i < km_rows_n(x); i++, seen->n++) {
        float *row = seen->value + seen->n * seen->d;

        if (!km_rows_are_sparse(x))
            memcpy(row, km_mat_row(&x->dense, i), seen->d * sizeof(*row));
        else
            memset(row, 0, seen->d * sizeof(*row));
        for (size_t t = 0; km_rows_are_sparse(x) && t < x->sparse.len[i]; t++) {
            MUST(x->sparse.col[x->sparse.at[i] + t] < seen->d, "a key beyond the row");
            row[x->sparse.col[x->sparse.at[i] + t]] = x->sparse.val[x->sparse.at[i] + t];
        }
        for (size_t t = 0; t < seen->d; t++)
            MUST(isfinite(row[t]), "value %zu of row %zu", t, seen->n);
    }
}

/* Up to ROWS rows, `step` at a time. */
static void see(struct seen *seen, const struct km_format_kind *kind, const uint8_t *bytes,
                size_t n, size_t step, int sparse, const struct km_range *range)
{
    struct km_format format = {.kind = kind,
                               .label_size = -1,
                               .feature_dim =
                                   kind == &km_format_svmlight ? 5 : 0}; /* no row says */
    struct km_stream *stream;
    struct km_reader *r = NULL;
    size_t got = 1;

    seen->n = 0;
    seen->rc = km_stream_open_memory(&stream, "file", bytes, n, &seen->err);
    if (seen->rc == KM_OK)
        seen->rc = km_reader_open(&r, stream, &format, range, &seen->err);
    seen->d = format.feature_dim;
    while (r && seen->rc == KM_OK && got > 0 && seen->d > 0 &&
           seen->d * (seen->n + step) <= VALUES && seen->n + step <= ROWS) {
        struct km_rows x = room_for(step, seen->d, sparse);

        seen->rc = km_reader_read(r, &x, (struct km_room){step, step * seen->d}, &got, &seen->err);
        MUST(got == km_rows_n(&x), "%zu rows said, %zu came", got, km_rows_n(&x));
        note(seen, &x);
        km_rows_done(&x);
    }
    km_reader_close(r);
    if (seen->rc)
        must_be_told(seen->rc, &seen->err);
    MUST(seen->rc == KM_OK || strncmp(seen->err.msg, "file: ", 6) == 0, "%s", seen->err.msg);
}

/* Looks that stop at ROWS or VALUES may stop at other rows, and so before the failure. */
static void must_agree(const struct seen *a, const struct seen *b)
{
    size_t common = a->n < b->n ? a->n : b->n;

    MUST(a->d == b->d, "%zu and %zu features", a->d, b->d);
    for (size_t t = 0; t < common * a->d; t++)
        MUST(a->value[t] == b->value[t], "value %zu", t);
    MUST(!a->rc || !b->rc || a->n == b->n, "%zu and %zu rows before '%s'", a->n, b->n, a->err.msg);
    MUST(!a->rc || !b->rc || strcmp(a->err.msg, b->err.msg) == 0, "'%s', '%s'", a->err.msg,
         b->err.msg);
}

static void must_be_halves(const struct seen *all, const struct seen half[2])
{
    for (size_t i = 0; i < all->n && half[0].d == all->d && half[1].d == all->d; i++)
        if (i / 2 < half[i % 2].n)
            MUST(memcmp(all->value + i * all->d, half[i % 2].value + i / 2 * all->d,
                        all->d * sizeof(float)) == 0,
                 "row %zu", i);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct seen all, other, half[2];
    const struct km_format_kind *kind;

    for (size_t i = 0; (kind = km_format_at(i)); i++) {
        see(&all, kind, bytes, n, 16, 0, NULL);
        see(&other, kind, bytes, n, 1, 0, NULL);
        must_agree(&all, &other);
        if (kind->may_be_sparse) {
            see(&other, kind, bytes, n, 3, 1, NULL);
            must_agree(&all, &other);
        }
        for (size_t turn = 0; turn < 2; turn++)
            see(&half[turn], kind, bytes, n, 1, 0, &(struct km_range){.turn = turn, .turns = 2});
        must_be_halves(&all, half);
    }
    return 0;
}
