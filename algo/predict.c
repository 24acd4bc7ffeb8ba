/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/predict.h"

#include "base/mem.h"
#include <assert.h>
#include <math.h>
#include <string.h>

struct km_predict {
    struct km_given given;
    struct km_step *step;
};

int km_predict_new(struct km_predict **p, const struct km_written *model,
                   const struct km_step_size *size, const struct km_kernels *kern,
                   struct km_pool *pool, struct km_err *err)
{
    struct km_predict *made = km_alloc(1, sizeof(*made));
    int rc;

    assert(size->k == model->rows->n && size->d == model->rows->d);
    *p = NULL;
    if (!made)
        return km_fail(err, KM_E_MEM, "no memory for a model of %zu rows", size->k);
    rc = km_given_init(&made->given, model->rows, model->origin, model->exponent, err);
    if (rc == KM_OK)
        rc = km_step_new(&made->step, size, kern, pool, err);
    if (rc)
        km_predict_free(made);
    else
        *p = made;
    return rc;
}

void km_predict_free(struct km_predict *p)
{
    if (!p)
        return;
    km_given_done(&p->given);
    km_step_free(p->step);
    km_free(p);
}

double km_predict(struct km_predict *p, double *dist2, struct km_rows *rows)
{
    return km_step_given(p->step, dist2, rows, &p->given);
}

const uint32_t *km_predict_labels(const struct km_predict *p)
{
    return km_step_labels(p->step);
}

/* The model's rows where the training keeps its rows. */
static int kept_centers(struct km_centers *c, const struct km_written *model, struct km_err *err)
{
    int rc = km_centers_init(c, model->rows->n, model->rows->d, err);

    if (rc == KM_OK)
        km_centers_place_rows(c, model->rows, model->origin, model->exponent);
    return rc;
}

int km_predict_kept(uint32_t *label, double *dist2, const struct km_rows *rows,
                    const struct km_written *model, const struct km_kernels *kern,
                    struct km_pool *pool, struct km_err *err)
{
    struct km_step_size size = km_step_size_of(rows, model->rows->n);
    struct km_centers c = {0};
    struct km_step *step = NULL;
    int rc = kept_centers(&c, model, err);

    size.has_sums = 0;
    if (rc == KM_OK)
        rc = km_step_new(&step, &size, kern, pool, err);
    if (rc == KM_OK) {
        km_step_label(step, rows, NULL, &c);
        km_step_dist2(step, dist2, rows, &c);
        if (label)
            memcpy(label, km_step_labels(step), size.rows * sizeof(*label));
    }
    km_step_free(step);
    km_centers_done(&c);
    return rc;
}
