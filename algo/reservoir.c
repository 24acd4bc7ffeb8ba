/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/reservoir.h"

#include <math.h>
#include <string.h>

int km_reservoir_init(struct km_reservoir *r, size_t capacity, size_t d, uint64_t seed,
                      struct km_err *err)
{
    int rc;

    *r = (struct km_reservoir){.capacity = capacity, .w = 1};
    km_rng_seed(&r->rng, seed, 'R', 0);
    if (!capacity)
        return KM_OK;
    rc = km_mat_init(&r->rows, capacity, d, err);
    r->rows.n = 0;
    return rc;
}

void km_reservoir_done(struct km_reservoir *r)
{
    km_mat_done(&r->rows);
    *r = (struct km_reservoir){0};
}

/* How many rows to let pass before the next one is taken. */
static void draw_skip(struct km_reservoir *r)
{
    double skip;

    /* 1 - unit is in (0, 1], so that no logarithm is infinite */
    r->w *= exp(log(1 - km_rng_unit(&r->rng)) / (double)r->capacity);
    skip = floor(log(1 - km_rng_unit(&r->rng)) / log1p(-r->w));
    r->next += skip < 0x1p62 ? (uint64_t)skip + 1 : (uint64_t)1 << 62;
}

static void keep(struct km_reservoir *r, size_t slot, const struct km_mat *x, size_t i)
{
    memcpy(km_mat_row(&r->rows, slot), km_mat_row(x, i), x->ld * sizeof(float));
}

void km_reservoir_offer(struct km_reservoir *r, const struct km_mat *x)
{
    size_t i = 0;

    if (!r->capacity)
        return;
    for (; i < x->n && r->rows.n < r->capacity; i++) {
        keep(r, r->rows.n, x, i);
        if (++r->rows.n == r->capacity) {
            r->next = r->seen + i;
            draw_skip(r);
        }
    }
    while (r->rows.n == r->capacity && r->next < r->seen + x->n) {
        size_t slot = km_rng_below(&r->rng, r->capacity);

        keep(r, slot, x, (size_t)(r->next - r->seen));
        draw_skip(r);
    }
    r->seen += x->n;
}
