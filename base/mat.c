/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mat.h"

#include "base/mem.h"
#include "base/size.h"

/* Rows this many floats apart begin at the same place of a page, so that all of them fall on the
 * same few lines of an L1 cache. */
#define ALIASED 1024

size_t km_mat_ld(size_t d)
{
    size_t ld = 1;

    if (d >= 16) {
        ld = km_round_up(d, 16);
        return ld % ALIASED ? ld : ld + 16;
    }
    while (ld < d)
        ld *= 2;
    return ld;
}

int km_mat_init(struct km_mat *m, size_t n, size_t d, struct km_err *err)
{
    size_t ld = km_mat_ld(d);
    size_t row_bytes;

    *m = (struct km_mat){0};
    if (!__builtin_mul_overflow(ld, sizeof(float), &row_bytes))
        m->v = km_alloc(n, row_bytes);
    if (!m->v)
        return km_fail(err, KM_E_MEM, "no memory for %zu rows of %zu values", n, d);
    m->n = n;
    m->d = d;
    m->ld = ld;
    return KM_OK;
}

void km_mat_done(struct km_mat *m)
{
    km_free(m->v);
    *m = (struct km_mat){0};
}
