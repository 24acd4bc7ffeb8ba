/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/sparse_window.h"

#include "base/mem.h"
#include "base/size.h"
#include <assert.h>
#include <math.h>
#include <string.h>

#define WORD 64

int km_sparse_window_init(struct km_sparse_window *w, size_t k, size_t d, struct km_err *err)
{
    int rc;

    *w = (struct km_sparse_window){.words = km_ceil_div(d, WORD)};
    rc = km_sums_init(&w->sums, k, d, err);
    w->mask = rc == KM_OK ? km_alloc(k * w->words, sizeof(*w->mask)) : NULL;
    w->first = km_alloc(k + 1, sizeof(*w->first));
    if (rc == KM_OK && (!w->mask || !w->first))
        rc = km_fail(err, KM_E_MEM, "no memory for a window of %zu centers of %zu features", k, d);
    if (rc)
        km_sparse_window_done(w);
    return rc;
}

void km_sparse_window_done(struct km_sparse_window *w)
{
    km_sums_done(&w->sums);
    km_free(w->mask);
    km_free(w->first);
    *w = (struct km_sparse_window){0};
}

/* ---- rows come ---- */

struct add {
    struct km_sparse_window *w;
    const struct km_sparse *s;
    const struct km_csr *x;
};

static void add_label(void *arg, size_t j, int worker)
{
    const struct add *a = arg;
    const struct km_sparse *s = a->s;
    const struct km_csr *x = a->x;
    double *sum = a->w->sums.sum + j * a->w->sums.d;
    uint64_t *mask = a->w->mask + j * a->w->words;

    (void)worker;
    for (size_t o = s->first[j]; o < s->first[j + 1]; o++) {
        size_t i = s->order[o], end = x->at[i] + x->len[i];

        for (size_t e = x->at[i]; e < end; e++) {
            size_t t = x->col[e];

            sum[t] += (double)x->val[e];
            mask[t / WORD] |= (uint64_t)1 << t % WORD;
        }
    }
    a->w->sums.count[j] += (double)(s->first[j + 1] - s->first[j]);
}

void km_sparse_window_add(struct km_sparse_window *w, struct km_sparse_centers *c,
                          struct km_sparse *s, const struct km_csr *x)
{
    struct add a = {w, s, x};
    double ssd = km_sparse_norms(s, x, &w->most_norm2);

    assert(!w->packed);
    km_sparse_centers_make_room(c, w->most_norm2);
    km_sparse_label(s, x, &c->lanes);
    for (size_t i = 0; i < x->n; i++)
        ssd += 2 * (double)s->score[i];
    km_sparse_order(s, x->n, c->k);
    km_sparse_each_label(s, x->n, c->k, add_label, &a);
    *w->sums.rows += (double)x->n;
    *w->sums.ssd += ssd > 0 ? ssd : 0;
}

void km_sparse_window_scale(struct km_sparse_window *w, int exponent)
{
    assert(!w->packed);
    km_sums_scale(&w->sums, exponent);
    w->most_norm2 = ldexp(w->most_norm2, 2 * exponent);
}

/* ---- ranks meet ---- */

size_t km_sparse_window_pack_mask(struct km_sparse_window *w)
{
    size_t bytes = w->words * sizeof(*w->mask), n = 0;

    for (size_t j = 0; j < w->sums.k; j++) {
        if (w->sums.count[j] == 0)
            continue;
        if (n != j)
            memcpy(w->mask + n * w->words, w->mask + j * w->words, bytes);
        n++;
    }
    return n * w->words;
}

void km_sparse_window_unpack_mask(struct km_sparse_window *w)
{
    size_t bytes = w->words * sizeof(*w->mask), n = 0;

    for (size_t j = 0; j < w->sums.k; j++)
        n += w->sums.count[j] != 0;
    for (size_t j = w->sums.k; j-- > 0 && n > 0;) {
        if (w->sums.count[j] == 0 || --n == j)
            continue;
        memcpy(w->mask + j * w->words, w->mask + n * w->words, bytes);
        memset(w->mask + n * w->words, 0, bytes);
    }
}

size_t km_sparse_window_pack(struct km_sparse_window *w)
{
    double *sum = w->sums.sum;
    size_t n = 0;

    for (size_t j = 0; j < w->sums.k; j++) {
        w->first[j] = n;
        for (size_t i = 0; w->sums.count[j] != 0 && i < w->words; i++) {
            for (uint64_t bits = w->mask[j * w->words + i]; bits; bits &= bits - 1) {
                size_t at = j * w->sums.d + i * WORD + (size_t)__builtin_ctzll(bits);
                double value = sum[at];

                sum[at] = 0; /* n is never behind it */
                sum[n++] = value;
            }
        }
    }
    w->first[w->sums.k] = n;
    w->packed = 1;
    return n;
}

/* ---- the centers move ---- */

struct move {
    struct km_sparse_window *w;
    struct km_sparse_centers *c;
};

/* A center takes its cells, and their bits are cleared. */
static void move_center(void *arg, size_t j, int worker)
{
    const struct move *m = arg;
    struct km_sparse_window *w = m->w;
    const double *sum = w->sums.sum + w->first[j];
    struct km_sparse_taker t;

    (void)worker;
    if (w->sums.count[j] == 0)
        return;
    t = km_sparse_centers_taker(m->c, j, w->sums.count[j]);
    for (size_t i = 0; i < w->words; i++) {
        uint64_t *word = &w->mask[j * w->words + i];

        for (uint64_t bits = *word; bits; bits &= bits - 1)
            km_sparse_taker_add(&t, i * WORD + (size_t)__builtin_ctzll(bits), *sum++);
        *word = 0;
    }
    km_sparse_centers_taken(m->c, j, &t);
}

void km_sparse_window_move(struct km_sparse_window *w, struct km_sparse_centers *c, double decay,
                           double most_norm2, struct km_pool *pool)
{
    struct move m = {w, c};

    assert(w->packed);
    km_sparse_centers_bound(c, most_norm2);
    km_sparse_centers_forget(c, decay);
    km_pool_run(pool, move_center, &m, c->k);
    km_sparse_centers_publish(c, pool);
    memset(w->sums.block, 0, (size_t)(w->sums.sum - w->sums.block) * sizeof(double));
    memset(w->sums.sum, 0, w->first[c->k] * sizeof(double));
    w->packed = 0;
}
