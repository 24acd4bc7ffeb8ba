/* SPDX-License-Identifier: Apache-2.0 */
/* Dense rows: the centers stand still in a window, and its sums move them. */
#include "algo/learner_kind.h"

#include "algo/seed.h"
#include "base/mem.h"
#include <string.h>

struct dense {
    struct km_learner base;
    struct km_centers centers;
    struct km_sums sums; /* of the window */
    struct km_assign assign;
    int packed; /* sums of centers that have a count stand in front of the others' */
};

static struct dense *of(struct km_learner *l)
{
    return (struct dense *)l;
}

static int init(struct km_learner *l, struct km_err *err)
{
    struct dense *s = of(l);
    size_t k = l->size.k, d = l->size.shape.d;
    int rc = km_centers_init(&s->centers, k, d, err);

    if (rc == KM_OK)
        rc = km_sums_init(&s->sums, k, d, err);
    if (rc == KM_OK)
        rc = km_assign_init(&s->assign, l->kern, l->pool, l->size.block_rows, k, d, err);
    return rc;
}

static void done(struct km_learner *l)
{
    struct dense *s = of(l);

    km_centers_done(&s->centers);
    km_sums_done(&s->sums);
    km_assign_done(&s->assign);
}

/* A value of a center in float32 and float64; of the sums; and of what kernels read in another
 * order. */
static double bytes(const struct km_learner_size *size)
{
    return (double)size->k * (double)size->shape.d * (sizeof(float) + 3 * sizeof(double));
}

static int start(struct km_learner *l, const struct km_rows *rows, int plusplus, struct km_rng *rng,
                 struct km_err *err)
{
    const struct km_mat *x = &rows->dense;
    float *dist2;

    if (!plusplus) {
        km_seed_random(&of(l)->centers, x, rng);
        return KM_OK;
    }
    dist2 = km_alloc(x->n, KM_SEED_FLOATS * sizeof(*dist2));
    if (!dist2)
        return km_fail(err, KM_E_MEM, "no memory for k-means++ on %zu rows", x->n);
    km_seed_plusplus(&of(l)->centers, x, NULL, l->kern, l->pool, dist2, rng);
    km_free(dist2);
    return KM_OK;
}

/* Labels and sums in one step. */
static void label(struct km_learner *l, const struct km_rows *rows)
{
    struct dense *s = of(l);

    km_assign_add(&s->assign, &s->sums, &rows->dense, NULL, &s->centers, 1);
}

static void offer(struct km_learner *l, struct km_sample *sample, const struct km_rows *rows)
{
    km_sample_offer(sample, &rows->dense, &of(l)->assign, &of(l)->centers);
}

static void add(struct km_learner *l, const struct km_rows *rows, int ends)
{
    (void)l, (void)rows, (void)ends; /* the label did */
}

static struct km_sums *close_window(struct km_learner *l)
{
    return &of(l)->sums;
}

/* Sums of centers with a count to the front; returns how many there are. */
static size_t to_front(struct km_sums *s)
{
    size_t touched = 0;

    for (size_t j = 0; j < s->k; j++) {
        if (s->count[j] == 0)
            continue;
        if (touched != j)
            memcpy(s->sum + touched * s->d, s->sum + j * s->d, s->d * sizeof(*s->sum));
        touched++;
    }
    return touched;
}

/* And back; what is left behind in front is zero. */
static void to_places(struct km_sums *s)
{
    size_t bytes_each = s->d * sizeof(*s->sum), touched = 0;

    for (size_t j = 0; j < s->k; j++)
        touched += s->count[j] != 0;
    for (size_t j = s->k; j-- > 0 && touched > 0;) {
        if (s->count[j] == 0 || --touched == j)
            continue;
        memcpy(s->sum + j * s->d, s->sum + touched * s->d, bytes_each);
        memset(s->sum + touched * s->d, 0, bytes_each);
    }
}

static int pack(struct km_learner *l, struct km_pack *list)
{
    struct dense *s = of(l);

    s->packed = !s->packed;
    if (!s->packed) {
        to_places(&s->sums);
        return KM_OK;
    }
    *list = (struct km_pack){.sum = s->sums.sum, .n = to_front(&s->sums) * s->sums.d};
    return KM_MORE;
}

static int move(struct km_learner *l, struct km_moved *moved, struct km_err *err)
{
    struct dense *s = of(l);
    int rc = km_learner_check(s->sums.count, s->sums.k, *s->sums.rows, err);

    if (rc || *s->sums.rows == 0)
        return rc;
    moved->rows = *s->sums.rows;
    moved->ssd = km_centers_move(&s->centers, &s->sums, km_learner_decay(l, moved->rows), l->pool);
    return KM_OK;
}

static void scale(struct km_learner *l, int exponent)
{
    km_centers_scale(&of(l)->centers, exponent);
    km_sums_scale(&of(l)->sums, exponent);
}

static int finish(struct km_learner *l, struct km_centers *centers, struct km_err *err)
{
    (void)err;
    *centers = of(l)->centers;
    of(l)->centers = (struct km_centers){0};
    done(l); /* room for the shrink */
    return KM_OK;
}

const struct km_learner_kind km_learner_dense = {
    sizeof(struct dense), init, done, bytes, start,  label, offer, add,
    close_window,         pack, move, scale, finish,
};
