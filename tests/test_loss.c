/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/algo_test.h"

#include "algo/assign.h"
#include "algo/lloyd.h"

enum { ROWS = 300, DIM = 3 };

/* Two groups, and one row so far away that its square hides all else. */
static struct km_mat far_rows(float far)
{
    struct km_mat x = random_rows(ROWS, DIM, 9);

    for (size_t i = 0; i < ROWS; i++)
        for (size_t t = 0; t < DIM; t++)
            km_mat_row(&x, i)[t] += i % 2 ? 20 : -20;
    for (size_t t = 0; t < DIM; t++)
        km_mat_row(&x, 0)[t] = far;
    return x;
}

static void a_far_row_does_not_hide_the_loss(void **state)
{
    static const float far[] = {1e4F, 1e9F, -1e18F};
    double first = 0;

    (void)state;
    for (size_t f = 0; f < 3; f++) {
        struct km_mat x = far_rows(far[f]);
        struct km_points p = weighted_points(&x, NULL, test_kern());
        struct km_lloyd_result r;
        struct km_step_size size = km_step_size_of(&p.rows, 3);
        struct km_step *step;
        struct km_assign a;
        struct km_centers c;
        struct km_err err;

        assert_ok(km_assign_init(&a, test_kern(), NULL, ROWS, 3, DIM, &err), err);
        assert_ok(km_centers_init(&c, 3, DIM, &err), err);
        assert_ok(km_step_new(&step, &size, test_kern(), NULL, &err), err);
        for (size_t j = 0; j < 3; j++)
            km_centers_set(&c, j, km_mat_row(&x, j), 1);
        r = km_lloyd(step, &c, &p, 50, 1e-9, NULL);
        assert_true(r.converged);
        first = f == 0 ? r.loss : first;
        assert_near(r.loss / first, 1, 1e-5);
        assert_near(r.loss / km_assign_ssd(&a, &x, &c), 1, 1e-5);
        km_assign_done(&a);
        km_centers_done(&c);
        km_step_free(step);
        km_mat_done(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_far_row_does_not_hide_the_loss),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
