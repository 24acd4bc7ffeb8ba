/* SPDX-License-Identifier: Apache-2.0 */
#include "io/move.h"

#include "base/mem.h"
#include "base/scale.h"

#include <string.h>

/* A power of two less than a row needs, so that others like it do not fall again. */
#define MARGIN 8

int km_move_set(struct km_move *m, const float *origin, int exponent, size_t d, struct km_err *err)
{
    m->on = 1;
    m->exponent = exponent;
    m->room = km_scale_room(exponent, d);
    if (!origin)
        return KM_OK;
    if (!m->origin)
        m->origin = km_alloc(d, sizeof(*origin));
    if (!m->origin)
        return km_fail(err, KM_E_MEM, "no memory for an origin of %zu values", d);
    memcpy(m->origin, origin, d * sizeof(*origin));
    return KM_OK;
}

void km_move_off(struct km_move *m)
{
    m->on = 0;
    m->exponent = 0;
}

void km_move_done(struct km_move *m)
{
    km_free(m->origin);
    *m = (struct km_move){0};
}

/* Makes the exponent one for these n values of rows of d. Returns by how much it changes. */
static int make_room(struct km_move *m, const float *v, size_t n, size_t d)
{
    int before = m->exponent;

    m->exponent = km_scale_fit(km_scale_most(v, n), d) - MARGIN;
    return m->exponent - before;
}

const float *km_move_origin(const struct km_move *m)
{
    return m->on && m->exponent == 0 ? m->origin : NULL;
}

/* Moves a row; where it does not fit, the exponent falls. Returns by how much it changes. */
static int move_row(struct km_move *m, float *row, size_t d)
{
    int fall = 0;

    if (km_move_origin(m)) { /* nearly always, and one look at the values is enough */
        if (!km_scale_subtract(row, m->origin, d, m->room)) {
            fall = make_room(m, row, d, d);
            km_scale(row, d, fall);
        }
        return fall;
    }
    if (!km_scale_fits(row, d, m->room))
        fall = make_room(m, row, d, d);
    km_scale_move(row, m->origin, d, m->exponent);
    return fall;
}

static void move_dense(struct km_move *m, const struct km_mat *x, size_t moved)
{
    for (size_t i = moved; i < x->n; i++) {
        int fall = move_row(m, km_mat_row(x, i), x->d);

        for (size_t before = 0; fall && before < i; before++)
            km_scale(km_mat_row(x, before), x->d, fall);
        if (fall)
            m->room = km_scale_room(m->exponent, x->d);
    }
}

static void move_sparse(struct km_move *m, const struct km_csr *s)
{
    if (!km_scale_fits(s->val, s->nnz, m->room)) {
        make_room(m, s->val, s->nnz, s->d);
        m->room = km_scale_room(m->exponent, s->d);
    }
    km_scale_move(s->val, NULL, s->nnz, m->exponent);
}

void km_move_rows(struct km_move *m, struct km_rows *rows, size_t moved)
{
    if (m->on && km_rows_are_sparse(rows))
        move_sparse(m, &rows->sparse);
    else if (m->on)
        move_dense(m, &rows->dense, moved);
}
