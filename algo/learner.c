/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/learner_kind.h"

#include "algo/decay.h"
#include "base/mem.h"

static const struct km_learner_kind *kind_of(const struct km_shape *shape)
{
    return shape->sparse ? &km_learner_sparse : &km_learner_dense;
}

int km_learner_new(struct km_learner **l, const struct km_learner_size *size,
                   const struct km_kernels *kern, struct km_pool *pool, struct km_err *err)
{
    const struct km_learner_kind *kind = kind_of(&size->shape);
    int rc;

    *l = km_alloc(1, kind->size);
    if (!*l)
        return km_fail(err, KM_E_MEM, "no memory for the centers of the pass");
    **l = (struct km_learner){kind, *size, kern, pool};
    rc = kind->init(*l, err);
    if (rc) {
        km_learner_free(*l);
        *l = NULL;
    }
    return rc;
}

void km_learner_free(struct km_learner *l)
{
    if (l)
        l->kind->done(l);
    km_free(l);
}

double km_learner_bytes(const struct km_learner_size *size)
{
    return kind_of(&size->shape)->bytes(size);
}

int km_learner_start(struct km_learner *l, const struct km_rows *rows, int plusplus,
                     struct km_rng *rng, struct km_err *err)
{
    return l->kind->start(l, rows, plusplus, rng, err);
}

void km_learner_label(struct km_learner *l, const struct km_rows *rows)
{
    l->kind->label(l, rows);
}

void km_learner_offer(struct km_learner *l, struct km_sample *sample, const struct km_rows *rows)
{
    l->kind->offer(l, sample, rows);
}

void km_learner_add(struct km_learner *l, const struct km_rows *rows, int ends)
{
    l->kind->add(l, rows, ends);
}

struct km_sums *km_learner_close(struct km_learner *l)
{
    return l->kind->close(l);
}

int km_learner_pack(struct km_learner *l, struct km_pack *pack)
{
    *pack = (struct km_pack){0};
    return l->kind->pack(l, pack);
}

int km_learner_move(struct km_learner *l, struct km_moved *moved, struct km_err *err)
{
    *moved = (struct km_moved){0};
    return l->kind->move(l, moved, err);
}

void km_learner_scale(struct km_learner *l, int exponent)
{
    l->kind->scale(l, exponent);
}

int km_learner_finish(struct km_learner *l, struct km_centers *centers, struct km_err *err)
{
    return l->kind->finish(l, centers, err);
}

double km_learner_decay(const struct km_learner *l, double rows)
{
    return l->size.half_life > 0 ? km_decay(rows, l->size.half_life) : 1;
}

int km_learner_check(const double *count, size_t k, double rows, struct km_err *err)
{
    double sum = 0;

    for (size_t j = 0; j < k; j++)
        sum += count[j];
    if (sum == rows)
        return KM_OK;
    return km_fail(err, KM_E_BUG,
                   "the centers received %.0f rows, but %.0f were read; please report this", sum,
                   rows);
}
