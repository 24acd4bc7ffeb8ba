/* SPDX-License-Identifier: Apache-2.0 */
/* The two nearest of all centers of each row. */
#include "tests/near_help.h"

#include "algo/near_all.h"

/* Dense and sparse rows of few and many features. */
static void the_two_nearest_of_all_centers_are_those_of_brute_force(void **state)
{
    static const size_t widths[] = {2, 15, 16, 50};

    (void)state;
    for (size_t w = 0; w < 8; w++) {
        size_t n = 500, k = 37, d = widths[w / 2];
        struct km_mat x = random_rows(n, d, w);
        struct km_centers c = random_centers(&x, k, w);
        struct km_csr s = sparse_of(&x);
        struct km_points p = {.rows = w % 2 ? km_rows_of_csr(&s) : km_rows_of_mat(&x)};
        struct km_look look;
        struct km_err err;

        assert_ok(km_look_init(&look, test_kern(), NULL, n, k, d, w % 2, &err), err);
        km_near_all_measure(&look, &p, &c);
        assert_two_nearest(&look, &x, &c);
        km_look_done(&look);
        km_csr_done(&s);
        km_centers_done(&c);
        km_mat_done(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_two_nearest_of_all_centers_are_those_of_brute_force),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
