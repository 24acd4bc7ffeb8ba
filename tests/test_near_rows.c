/* SPDX-License-Identifier: Apache-2.0 */
/* The two nearest centers of each row, among those of a list. */
#include "tests/near_help.h"

#include "algo/near_rows.h"

/* With lists of all centers the two nearest are those of all; the same bits on any number of
 * threads. */
static void rows_know_their_two_nearest(void **state)
{
    static const size_t widths[] = {2, 15, 16, 50};

    (void)state;
    for (size_t w = 0; w < 4; w++) {
        size_t n = 700, k = 50, d = widths[w];
        struct km_mat x = random_rows(n, d, w);
        struct km_centers c = random_centers(&x, k, w);
        struct km_points p = weighted_points(&x, NULL, test_kern());
        uint32_t *label = km_alloc(n, sizeof(*label));

        for (size_t i = 0; i < n; i++)
            label[i] = (uint32_t)(i * i % k);
        for (size_t t = 0; t < TEST_THREADS; t++) {
            struct km_pool *pool = make_pool(test_threads[t]);
            struct km_near_lists l = find(&c, k, pool);
            struct km_near_rows r;
            struct km_look look;
            struct km_err err;

            assert_ok(km_near_rows_init(&r, test_kern(), pool, n, k, d, k, &err), err);
            assert_ok(km_look_init(&look, test_kern(), pool, n, k, d, 0, &err), err);
            km_near_rows_measure(&r, &look, &p, label, &c, &l);
            assert_two_nearest(&look, &x, &c);
            km_look_done(&look);
            km_near_rows_done(&r);
            km_near_lists_done(&l);
            km_pool_close(pool);
        }
        km_free(label);
        km_centers_done(&c);
        km_mat_done(&x);
    }
}

/* A row is measured against the list of its label alone, however far those centers are. */
static void only_centers_of_the_list_are_measured(void **state)
{
    enum { n = 300, k = 20, d = 5, each = 4 };
    struct km_mat x = random_rows(n, d, 3);
    struct km_centers c = random_centers(&x, k, 3);
    struct km_points p = weighted_points(&x, NULL, test_kern());
    struct km_near_lists l = find(&c, each, NULL);
    struct km_near_rows r;
    struct km_look look;
    struct km_err err;
    uint32_t label[n];

    (void)state;
    for (size_t i = 0; i < n; i++)
        label[i] = (uint32_t)(i * i % k);
    assert_ok(km_near_rows_init(&r, test_kern(), NULL, n, k, d, each, &err), err);
    assert_ok(km_look_init(&look, test_kern(), NULL, n, k, d, 0, &err), err);
    km_near_rows_measure(&r, &look, &p, label, &c, &l);
    for (size_t i = 0; i < n; i++) {
        const struct km_near_list *list = &l.of[label[i]];
        double first = HUGE_VAL, second = HUGE_VAL;

        for (size_t m = 0; m < list->n; m++) {
            double dist2 = brute_dist2(km_mat_row(&x, i), c.exact + list->center[m] * d, d);

            second = fmin(second, fmax(first, dist2));
            first = fmin(first, dist2);
        }
        assert_near(look.near2[i], first, 1e-9);
        assert_near(look.next2[i], second, 1e-9);
    }
    km_look_done(&look);
    km_near_rows_done(&r);
    km_near_lists_done(&l);
    km_centers_done(&c);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_know_their_two_nearest),
        cmocka_unit_test(only_centers_of_the_list_are_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
