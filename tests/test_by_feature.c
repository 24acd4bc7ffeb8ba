/* SPDX-License-Identifier: Apache-2.0 */
/* Distances feature by feature: the bits of a plain sum in the order of the features. */
#include "tests/algo_test.h"

#include "algo/by_feature.h"

#define N 30
#define D 37

static void distances_are_sums_in_the_order_of_the_features(void **state)
{
    (void)state;
    for (size_t k = 1; k <= 33; k += 4) {
        size_t width = km_by_feature_width(k);
        struct km_mat x = random_rows(N, D, k), c = random_rows(k, D, k + 100);
        double *lanes = km_alloc(D * width, sizeof(*lanes));
        double *dist2 = km_alloc(width, sizeof(*dist2));
        struct km_csr s;

        assert_true(lanes && dist2 && width >= k && width % 8 == 0);
        for (size_t i = 0; i < N * D; i++) /* many zeros, and row 0 has nothing else */
            if (i < D || i % 3)
                km_mat_row(&x, i / D)[i % D] = 0;
        for (size_t j = 0; j < k; j++)
            for (size_t t = 0; t < D; t++)
                lanes[t * width + j] = (double)km_mat_row(&c, j)[t];
        s = sparse_of(&x);
        for (size_t i = 0; i < N; i++) {
            double center[D];

            km_by_feature_dist2(dist2, km_mat_row(&x, i), lanes, D, width);
            for (size_t j = 0; j < k; j++) {
                for (size_t t = 0; t < D; t++)
                    center[t] = (double)km_mat_row(&c, j)[t];
                assert_true(dist2[j] == brute_dist2(km_mat_row(&x, i), center, D));
            }
            for (size_t j = 0; j < width; j++) {
                dist2[j] = 0;
                for (size_t t = 0; t < D; t++)
                    dist2[j] += lanes[t * width + j] * lanes[t * width + j];
            }
            km_by_feature_sparse_dist2(dist2, &s, i, lanes, width);
            for (size_t j = 0; j < k; j++) {
                for (size_t t = 0; t < D; t++)
                    center[t] = (double)km_mat_row(&c, j)[t];
                assert_near(dist2[j], brute_dist2(km_mat_row(&x, i), center, D), 1e-11);
            }
        }
        km_csr_done(&s);
        km_free(lanes);
        km_free(dist2);
        km_mat_done(&x);
        km_mat_done(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_sums_in_the_order_of_the_features),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
