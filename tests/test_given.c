/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/algo_test.h"

#include "algo/assign.h"
#include <float.h>

enum { ROWS = 500, DIM = 5, K = 6 };

/* By differences, of the rows as they are. */
static double true_ssd(const struct km_mat *x, const struct km_mat *model)
{
    double total = 0;

    for (size_t i = 0; i < x->n; i++) {
        double least = (double)INFINITY;

        for (size_t j = 0; j < model->n; j++) {
            double dist2 = 0;

            for (size_t t = 0; t < x->d; t++) {
                double v = (double)km_mat_row(x, i)[t] - (double)km_mat_row(model, j)[t];

                dist2 += v * v;
            }
            least = fmin(least, dist2);
        }
        total += least;
    }
    return total;
}

static void check(const struct km_mat *x, int exponent, const float *origin)
{
    struct km_mat model = make_mat(K, DIM);
    struct km_given g = {0};
    struct km_assign a;
    struct km_err err;
    double expect;

    for (size_t j = 0; j < K; j++)
        for (size_t t = 0; t < DIM; t++)
            km_mat_row(&model, j)[t] =
                0.5F * km_mat_row(x, j * 7)[t] + 0.5F * km_mat_row(x, j * 7 + 1)[t];
    expect = true_ssd(x, &model);
    assert_ok(km_given_init(&g, &model, origin, exponent, &err), err);
    assert_ok(km_assign_init(&a, test_kern(), NULL, ROWS, K, DIM, &err), err);
    assert_near(km_assign_ssd_given(&a, NULL, x, &g) / expect, 1, 1e-13);
    km_assign_done(&a);
    km_given_done(&g);
    km_mat_done(&model);
}

/* Wherever the rows lie, at any scale, near the origin that they have or not. */
static void scores_are_those_of_rows_as_given(void **state)
{
    static const int exponents[] = {0, 0, 60, -30, -62, 100};
    static const float origins[] = {0, 1, 1e6F, -3, 0.25F};

    (void)state;
    for (size_t e = 0; e < sizeof(exponents) / sizeof(*exponents); e++)
        for (size_t o = 0; o < sizeof(origins) / sizeof(*origins); o++) {
            struct km_mat x = random_rows(ROWS, DIM, (unsigned)(e * 10 + o));
            float origin[DIM];

            for (size_t t = 0; t < DIM; t++)
                origin[t] = ldexpf(origins[(o + t) % 5], -exponents[e]);
            for (size_t i = 0; i < ROWS; i++)
                for (size_t t = 0; t < DIM; t++) {
                    float *v = &km_mat_row(&x, i)[t];

                    *v = ldexpf(*v, -exponents[e]) + origin[t];
                    if (i > 50 && i % 50 == t) /* does not fit, or not exactly */
                        *v = i % 100 < 50 ? -9999 : i < 200 ? 1e30F : ldexpf(1e-20F, -exponents[e]);
                }
            check(&x, exponents[e], origin);
            km_mat_done(&x);
        }
}

static void rows_are_brought_without_loss_or_stay(void **state)
{
    struct km_mat model = make_mat(1, 2);
    const float origin[2] = {1000, 1000};
    float near[16] = {1001.5F, 999}, far[16] = {0.1F, 1000}, huge[16] = {FLT_MAX, 1000};
    struct km_given g = {0};
    struct km_err err;
    uint32_t label = 7;

    (void)state;
    km_mat_row(&model, 0)[0] = km_mat_row(&model, 0)[1] = 1001;
    assert_ok(km_given_init(&g, &model, origin, 3, &err), err);
    assert_true(km_given_bring(&g, near) && near[0] == 12 && near[1] == -8);
    assert_false(km_given_bring(&g, far));
    assert_true(far[0] == 0.1F && far[1] == 1000);
    assert_false(km_given_bring(&g, huge));
    assert_near(km_given_nearest2(&g, test_kern(), huge, &label) / (double)FLT_MAX /
                    (double)FLT_MAX,
                1, 1e-15);
    assert_near(km_given_unit2(&g), 1 / 64.0, 0);
    km_given_done(&g);
    km_mat_done(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_those_of_rows_as_given),
        cmocka_unit_test(rows_are_brought_without_loss_or_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
