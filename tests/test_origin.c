/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/algo_test.h"

#include "algo/origin.h"

static void test_origin_of(double *origin, const struct km_mat *x)
{
    struct km_rows rows = km_rows_of_mat(x);

    km_origin(origin, &rows);
}

static void it_is_the_mean_of_rows_without_far_ones(void **state)
{
    struct km_mat x = random_rows(200, 5, 3);
    double origin[5];

    (void)state;
    test_origin_of(origin, &x);
    for (size_t t = 0; t < 5; t++) {
        double mean = 0;

        for (size_t i = 0; i < x.n; i++)
            mean += (double)km_mat_row(&x, i)[t] / 200;
        assert_near(origin[t], mean, 1e-9);
    }
    km_mat_done(&x);
}

/* A sentinel in 40 % of the rows, infinite weight on the mean, hardly moves it. */
static void sentinels_in_less_than_half_of_the_rows_do_not_move_it(void **state)
{
    static const float sentinels[] = {-9999, 1e30F, -1e18F};

    (void)state;
    for (size_t s = 0; s < 3; s++) {
        struct km_mat x = random_rows(1000, 3, 4);
        double clean[3], origin[3];

        test_origin_of(clean, &x);
        for (size_t i = 0; i < x.n; i++)
            for (size_t t = 0; t < 3; t++)
                if (i % 5 < 2)
                    km_mat_row(&x, i)[t] = sentinels[s];
        test_origin_of(origin, &x);
        for (size_t t = 0; t < 3; t++)
            assert_near(origin[t], clean[t], 50);
        km_mat_done(&x);
    }
}

static void mostly_equal_values_are_the_origin(void **state)
{
    struct km_mat x = make_mat(9, 2);
    double origin[2];

    (void)state;
    for (size_t i = 0; i < 9; i++) {
        km_mat_row(&x, i)[0] = i < 6 ? 7 : (float)i * 1000;
        km_mat_row(&x, i)[1] = i == 3 ? 1 : -2;
    }
    test_origin_of(origin, &x);
    assert_near(origin[0], 7, 0);
    assert_near(origin[1], -2, 0);
    x.n = 1;
    test_origin_of(origin, &x);
    assert_near(origin[0], 7, 0);
    x.n = 9;
    km_mat_done(&x);
}

static void sparse_rows_stay_where_they_are(void **state)
{
    struct km_mat x = random_rows(50, 3, 3);
    struct km_csr s = sparse_of(&x);
    struct km_rows rows = km_rows_of_csr(&s);
    double origin[3] = {1, 2, 3};

    (void)state;
    km_origin(origin, &rows);
    for (size_t t = 0; t < 3; t++)
        assert_true(origin[t] == 0);
    km_mat_done(&x);
    km_csr_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_mean_of_rows_without_far_ones),
        cmocka_unit_test(sentinels_in_less_than_half_of_the_rows_do_not_move_it),
        cmocka_unit_test(mostly_equal_values_are_the_origin),
        cmocka_unit_test(sparse_rows_stay_where_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
