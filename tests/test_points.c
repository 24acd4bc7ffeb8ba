/* SPDX-License-Identifier: Apache-2.0 */
/* Rows one at a time: measured and added the same, dense or sparse, with and without weights. */
#include "tests/algo_test.h"

#define N 150
#define D 21

/* Rows of which most values are 0. */
static struct km_mat rows(void)
{
    struct km_mat x = random_rows(N, D, 3);

    for (size_t i = 0; i < N; i++)
        for (size_t t = 0; t < D; t++)
            if ((i * 7 + t * 3) % 4)
                km_mat_row(&x, i)[t] = 0;
    memset(km_mat_row(&x, 5), 0, D * sizeof(float)); /* and of one all */
    return x;
}

static void totals_are_those_of_the_weighted_rows(void **state)
{
    struct km_mat x = rows();
    struct km_csr s = sparse_of(&x);
    double weight[N], zero[D] = {0};

    (void)state;
    for (size_t i = 0; i < N; i++)
        weight[i] = (double)(i % 5); /* some weigh nothing */
    for (int sparse = 0; sparse < 2; sparse++)
        for (size_t n = 0; n <= N; n += n < 2 ? 1 : N - 2)
            for (int weighted = 0; weighted < 2; weighted++) {
                struct km_rows all = sparse ? km_rows_of_csr(&s) : km_rows_of_mat(&x), some;
                struct km_points p;
                double w = 0, norm2 = 0, list[N];

                all.weight = weighted ? weight : NULL;
                some = km_rows_view(&all, 0, n);
                p = km_points_of(&some, test_kern());
                km_points_norms(list, &some, 0, n, test_kern());
                for (size_t i = 0; i < n; i++) {
                    double one = brute_dist2(km_mat_row(&x, i), zero, D);

                    assert_near(list[i], one, 1e-12 * (1 + one));
                    assert_true(km_points_weight(&p, i) == (weighted ? weight[i] : 1));
                    w += km_points_weight(&p, i);
                    norm2 += km_points_weight(&p, i) * one;
                }
                assert_int_equal(km_points_n(&p), n);
                assert_true(p.total_weight == w);
                assert_near(p.total_norm2, norm2, 1e-12 * (1 + norm2));
            }
    km_mat_done(&x);
    km_csr_done(&s);
}

static void distances_are_those_of_brute_force(void **state)
{
    struct km_mat x = rows();
    struct km_csr s = sparse_of(&x);

    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        struct km_rows r = sparse ? km_rows_of_csr(&s) : km_rows_of_mat(&x);
        struct km_points p = km_points_of(&r, test_kern());

        for (size_t i = 0; i < N; i++) {
            double at[D], row[D];
            struct km_place place;

            for (size_t t = 0; t < D; t++)
                at[t] = (double)km_mat_row(&x, (i + 1) % N)[t] + 0.125;
            place = km_place_of(&p, at, D);
            assert_near(km_points_dist2(&p, test_kern(), i, &place),
                        brute_dist2(km_mat_row(&x, i), at, D), 1e-12 * 100);
            km_points_write(&p, i, row, D);
            for (size_t t = 0; t < D; t++)
                assert_true(row[t] == (double)km_mat_row(&x, i)[t]);
            place = km_place_of(&p, row, D); /* never below 0, whatever rounding does */
            assert_true(km_points_dist2(&p, test_kern(), i, &place) >= 0);
            assert_near(km_points_dist2(&p, test_kern(), i, &place), 0, 1e-13 * 100);
        }
    }
    km_mat_done(&x);
    km_csr_done(&s);
}

/* Also more of them than are added in one go, a row twice, and none. */
static void rows_are_added_by_weight(void **state)
{
    struct km_mat x = rows();
    struct km_csr s = sparse_of(&x);
    double weight[N];
    uint32_t at[N];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        weight[i] = 1 + 0.25 * (double)(i % 7);
        at[i] = (uint32_t)(i * 11 % (N - 1));
    }
    for (int sparse = 0; sparse < 2; sparse++)
        for (int weighted = 0; weighted < 2; weighted++)
            for (size_t n = 0; n <= N; n = n ? n * 2 + 11 : 1) {
                struct km_rows r = sparse ? km_rows_of_csr(&s) : km_rows_of_mat(&x);
                double sum[D], want[D], w = 0, got;
                struct km_points p;

                r.weight = weighted ? weight : NULL;
                p = km_points_of(&r, test_kern());
                for (size_t t = 0; t < D; t++)
                    sum[t] = want[t] = (double)t; /* it is added to */
                for (size_t m = 0; m < n; m++) {
                    double one = weighted ? weight[at[m]] : 1;

                    w += one;
                    for (size_t t = 0; t < D; t++)
                        want[t] += one * (double)km_mat_row(&x, at[m])[t];
                }
                got = km_points_add(&p, test_kern(), sum, at, n);
                assert_near(got, w, 1e-9);
                for (size_t t = 0; t < D; t++)
                    assert_near(sum[t], want[t], 1e-10);
            }
    km_mat_done(&x);
    km_csr_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_are_those_of_the_weighted_rows),
        cmocka_unit_test(distances_are_those_of_brute_force),
        cmocka_unit_test(rows_are_added_by_weight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
