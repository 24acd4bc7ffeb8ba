/* SPDX-License-Identifier: Apache-2.0 */
/* Sparse rows: on one rank they move the centers block by block; several ranks keep a window
 * aside. */
#include "algo/learner_kind.h"

#include "algo/sparse_window.h"
#include <math.h>

struct sparse {
    struct km_learner base;
    struct km_sparse_centers centers;
    struct km_sparse step;
    struct km_sparse_window window; /* on several ranks */
    enum { OPEN, BITS, CELLS } packed;
    double rows;           /* in all, on one rank */
    struct km_moved moved; /* since the last km_learner_move, on one rank */
};

static struct sparse *of(struct km_learner *l)
{
    return (struct sparse *)l;
}

static int is_alone(const struct km_learner *l)
{
    return l->size.ranks == 1;
}

static int init(struct km_learner *l, struct km_err *err)
{
    struct sparse *s = of(l);
    size_t k = l->size.k, d = l->size.shape.d;
    int rc = km_sparse_centers_init(&s->centers, k, d, err);

    if (rc == KM_OK)
        rc = km_sparse_init(&s->step, l->kern, l->pool, l->size.block_rows, k, 0, err);
    if (rc == KM_OK && !is_alone(l))
        rc = km_sparse_window_init(&s->window, k, d, err);
    return rc;
}

static void done(struct km_learner *l)
{
    struct sparse *s = of(l);

    km_sparse_centers_done(&s->centers);
    km_sparse_done(&s->step);
    km_sparse_window_done(&s->window);
}

/* Sums and lanes; of a window the cells, and a bit for each. */
static double bytes(const struct km_learner_size *size)
{
    double cells = (double)size->k * (double)size->shape.d;

    return cells * (sizeof(double) + sizeof(float)) +
           (size->ranks > 1 ? cells * (sizeof(double) + 1.0 / 8) : 0);
}

/* The rows may be more than a block of this rank has. */
static int start(struct km_learner *l, const struct km_rows *rows, int plusplus, struct km_rng *rng,
                 struct km_err *err)
{
    struct km_sparse_centers *c = &of(l)->centers;
    struct km_sparse step = {0};
    int rc;

    if (!plusplus) {
        km_sparse_seed_random(c, &rows->sparse, rng);
        return KM_OK;
    }
    rc = km_sparse_init(&step, l->kern, l->pool, rows->sparse.n, l->size.k, 0, err);
    if (rc == KM_OK)
        rc = km_sparse_seed_plusplus(c, &rows->sparse, NULL, 1, &step, rng, err);
    km_sparse_done(&step);
    return rc;
}

static void label(struct km_learner *l, const struct km_rows *rows)
{
    struct sparse *s = of(l);

    if (!is_alone(l)) {
        km_sparse_window_add(&s->window, &s->centers, &s->step, &rows->sparse);
        return;
    }
    s->moved.ssd += km_sparse_centers_label(&s->centers, &s->step, &rows->sparse);
    s->moved.rows += (double)rows->sparse.n;
}

static void offer(struct km_learner *l, struct km_sample *sample, const struct km_rows *rows)
{
    km_sample_offer_sparse(sample, &rows->sparse, &of(l)->step, &of(l)->centers);
}

static void add(struct km_learner *l, const struct km_rows *rows, int ends)
{
    struct sparse *s = of(l);

    if (is_alone(l))
        km_sparse_centers_take(&s->centers, &s->step, &rows->sparse,
                               km_learner_decay(l, (double)rows->sparse.n), ends);
}

static struct km_sums *close_window(struct km_learner *l)
{
    struct km_sparse_window *w = &of(l)->window;

    w->sums.flags[KM_FLAG_NORM2] = w->most_norm2;
    return &w->sums;
}

/* The bits of what was touched, then the sums of that. */
static int pack(struct km_learner *l, struct km_pack *list)
{
    struct sparse *s = of(l);
    struct km_sparse_window *w = &s->window;

    switch (s->packed) {
    case OPEN:
        *list = (struct km_pack){.n = km_sparse_window_pack_mask(w), .bits = w->mask};
        s->packed = BITS;
        return KM_MORE;
    case BITS:
        km_sparse_window_unpack_mask(w);
        *list = (struct km_pack){.n = km_sparse_window_pack(w), .sum = w->sums.sum};
        s->packed = CELLS;
        return KM_MORE;
    default:
        return KM_OK;
    }
}

static int move_alone(struct sparse *s, struct km_moved *moved, struct km_err *err)
{
    s->rows += s->moved.rows;
    *moved = s->moved;
    s->moved = (struct km_moved){0};
    return km_learner_check(s->centers.count, s->centers.k, s->rows, err);
}

static int move(struct km_learner *l, struct km_moved *moved, struct km_err *err)
{
    struct sparse *s = of(l);
    struct km_sums *sums = &s->window.sums;
    int rc;

    if (is_alone(l))
        return move_alone(s, moved, err);
    rc = km_learner_check(sums->count, sums->k, *sums->rows, err);
    if (rc)
        return rc;
    *moved = (struct km_moved){*sums->rows, *sums->ssd};
    km_sparse_window_move(&s->window, &s->centers, km_learner_decay(l, moved->rows),
                          sums->flags[KM_FLAG_NORM2], l->pool);
    s->packed = OPEN;
    return KM_OK;
}

static void scale(struct km_learner *l, int exponent)
{
    struct sparse *s = of(l);

    km_sparse_centers_scale(&s->centers, exponent);
    s->moved.ssd = ldexp(s->moved.ssd, 2 * exponent);
    if (!is_alone(l))
        km_sparse_window_scale(&s->window, exponent);
}

static int finish(struct km_learner *l, struct km_centers *centers, struct km_err *err)
{
    struct sparse *s = of(l);
    int rc;

    km_sparse_done(&s->step); /* room for the shrink */
    km_sparse_window_done(&s->window);
    rc = km_sparse_centers_to_dense(centers, &s->centers, err);
    return rc;
}

const struct km_learner_kind km_learner_sparse = {
    sizeof(struct sparse), init, done, bytes, start,  label, offer, add,
    close_window,          pack, move, scale, finish,
};
