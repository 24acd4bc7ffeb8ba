/* SPDX-License-Identifier: Apache-2.0 */
/* Centers laid out for sparse rows: each value in its lane, nothing behind the last center. */
#include "tests/algo_test.h"

#include "algo/lanes.h"

/* What km_kernels.h says of lanes that hold these centers. */
static void check(const struct km_lanes *l, const struct km_centers *c)
{
    size_t padded = (c->k + 15) / 16 * 16;

    assert_int_equal(l->k, c->k);
    for (size_t j = 0; j < padded; j++) {
        assert_true(l->scale[j] == (j < c->k ? -1 : 0));
        if (j >= c->k)
            assert_true(isinf(l->half[j]) && l->half[j] > 0);
        for (size_t t = 0; t < l->d; t++)
            assert_true(*km_lanes_at(l, j, t) == (j < c->k ? km_mat_row(&c->c, j)[t] : 0));
    }
    for (size_t j = 0; j < c->k; j++) {
        const double zero[2000] = {0};

        assert_near(l->exact_half[j], brute_dist2(km_mat_row(&c->c, j), zero, c->d) / 2, 1e-9);
        assert_near((double)l->half[j] / l->exact_half[j], 1, 1e-5);
    }
}

static void each_center_is_in_its_lane(void **state)
{
    static const size_t shapes[][2] = {{1, 1}, {16, 3}, {17, 513}, {64, 7}, {65, 1100}, {150, 40}};

    (void)state;
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
        for (size_t t = 0; t < 2; t++) {
            struct km_mat x = random_rows(shapes[s][0], shapes[s][1], s);
            struct km_centers c = random_centers(&x, x.n, s);
            struct km_pool *pool = make_pool(test_threads[t]);
            struct km_lanes l;
            struct km_err err;

            assert_ok(km_lanes_init(&l, x.n, x.d, &err), err);
            for (size_t j = 0; j < x.n; j++)
                assert_true(*km_lanes_at(&l, j, x.d - 1) == 0);
            km_lanes_fill(&l, &c, pool);
            check(&l, &c);
            km_lanes_done(&l);
            km_pool_close(pool);
            km_centers_done(&c);
            km_mat_done(&x);
        }
}

/* Of fewer centers than there is room for, nothing of those before is left. */
static void fewer_centers_leave_nothing_behind(void **state)
{
    struct km_mat x = random_rows(100, 9, 1);
    struct km_lanes l;
    struct km_err err;

    (void)state;
    assert_ok(km_lanes_init(&l, 100, 9, &err), err);
    for (size_t k = 100; k > 0; k -= k > 33 ? 33 : 1) {
        struct km_centers c = random_centers(&x, k, k);

        km_lanes_fill(&l, &c, NULL);
        check(&l, &c);
        km_centers_done(&c);
    }
    km_lanes_done(&l);
    km_mat_done(&x);
}

static void what_has_no_room_is_refused(void **state)
{
    struct km_lanes l;
    struct km_err err;

    (void)state;
    assert_int_equal(km_lanes_init(&l, SIZE_MAX / 32, 1000, &err), KM_E_MEM);
    for (size_t n = 1; n <= 4; n++) {
        km_alloc_fail_at(n);
        assert_int_equal(km_lanes_init(&l, 10, 10, &err), KM_E_MEM);
        assert_null(l.v);
    }
    km_alloc_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_center_is_in_its_lane),
        cmocka_unit_test(fewer_centers_leave_nothing_behind),
        cmocka_unit_test(what_has_no_room_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
