/* SPDX-License-Identifier: Apache-2.0 */
#include "train/frame.h"

#include "algo/origin.h"
#include "base/mem.h"
#include "base/scale.h"
#include "train/share.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows of all ranks that decide. */
#define ROWS 255
/* Distances from the origin within 2^-40 .. 2^40 are left as they are: their squares, and those of
 * a millionth of them, are far from the ends of float32. */
#define ORDINARY 40

int km_row_frame_init(struct km_row_frame *f, size_t d, struct km_err *err)
{
    *f = (struct km_row_frame){.origin = km_alloc(d, sizeof(*f->origin))};
    return f->origin ? KM_OK : km_fail(err, KM_E_MEM, "no memory for the origin");
}

void km_row_frame_done(struct km_row_frame *f)
{
    km_free(f->origin);
    *f = (struct km_row_frame){0};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The exponent that brings the middle of the squared distances, of those that are not 0, near 1; 0
 * where it is ordinary. */
static int usual_exponent(double *norm2, size_t n)
{
    size_t some = 0;
    int e;

    for (size_t i = 0; i < n; i++)
        if (norm2[i] > 0)
            norm2[some++] = norm2[i];
    if (some == 0)
        return 0;
    qsort(norm2, some, sizeof(*norm2), compare);
    e = ilogb(sqrt(norm2[some / 2]));
    return e < -ORDINARY || e > ORDINARY ? -e : 0;
}

/* Origin and exponent of up to ROWS rows. */
static int choose_from(struct km_row_frame *f, const struct km_rows *rows, struct km_err *err)
{
    size_t d = km_rows_d(rows);
    double norm2[ROWS], *origin = km_alloc(d, sizeof(*origin));

    if (!origin)
        return km_fail(err, KM_E_MEM, "no memory for the origin");
    km_origin(origin, rows);
    for (size_t t = 0; t < d; t++)
        f->origin[t] = (float)origin[t];
    km_free(origin);
    km_rows_norms(norm2, rows, f->origin);
    f->exponent = usual_exponent(norm2, km_rows_n(rows));
    return KM_OK;
}

int km_row_frame_choose(struct km_row_frame *f, const struct km_team *team,
                        const struct km_rows *first, struct km_err *err)
{
    struct km_rows rows = {0};
    double least = 0;
    size_t own = 0;
    int rc = km_share_own(team, ROWS, km_rows_n(first), &own, err), fit;

    if (rc == KM_OK)
        rc = km_share_rows(team, first, own, &rows, err);
    if (rc == KM_OK)
        rc = km_team_agree(team, choose_from(f, &rows, err), err);
    km_rows_done(&rows);
    if (rc == KM_OK)
        rc = km_comm_least(team->comm, -(double)km_rows_most(first), &least, err);
    if (rc)
        return rc;
    fit = km_scale_fit((float)-least, km_rows_d(first));
    f->exponent = f->exponent < fit ? f->exponent : fit;
    f->agreed = f->exponent;
    return KM_OK;
}

double km_row_frame_unit2(const struct km_row_frame *f)
{
    return ldexp(1, -2 * f->exponent);
}

void km_row_frame_scale(struct km_batch *b, int exponent)
{
    if (exponent != b->exponent)
        km_rows_scale(&b->rows, exponent - b->exponent);
    b->exponent = exponent;
}

int km_row_frame_bring(const struct km_row_frame *f, struct km_batch *b, struct km_err *err)
{
    if (b->exponent < f->exponent)
        return km_fail(err, KM_E_INPUT,
                       "%s has larger values than when it was read before: do not change the data "
                       "while a job reads it",
                       b->path);
    km_row_frame_scale(b, f->exponent);
    return KM_OK;
}
