/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/by_feature.h"

#include "base/clones.h"

KM_FOR_ALL_CPUS static void add_dense(double *dist2, const float *row, const double *lanes,
                                      size_t d, size_t width)
{
    for (size_t j = 0; j < width; j++)
        dist2[j] = 0;
    for (size_t t = 0; t < d; t++) {
        double v = (double)row[t];
        const double *at = lanes + t * width;

        for (size_t j = 0; j < width; j++)
            dist2[j] += (v - at[j]) * (v - at[j]);
    }
}

void km_by_feature_dist2(double *dist2, const float *row, const double *lanes, size_t d,
                         size_t width)
{
    add_dense(dist2, row, lanes, d, width);
}

KM_FOR_ALL_CPUS static void add_sparse(double *dist2, const struct km_csr *x, size_t i,
                                       const double *lanes, size_t width)
{
    for (size_t e = x->at[i]; e < x->at[i] + x->len[i]; e++) {
        double v = (double)x->val[e];
        const double *at = lanes + x->col[e] * width;

        for (size_t j = 0; j < width; j++)
            dist2[j] += v * (v - 2 * at[j]);
    }
}

void km_by_feature_sparse_dist2(double *dist2, const struct km_csr *x, size_t i,
                                const double *lanes, size_t width)
{
    add_sparse(dist2, x, i, lanes, width);
}
