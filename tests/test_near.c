/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/algo_test.h"

#include "algo/near_all.h"
#include "algo/near_rows.h"

static struct km_near_lists find(const struct km_centers *c, size_t each, struct km_pool *pool)
{
    struct km_near_lists l;
    struct km_err err;

    assert_ok(km_near_lists_init(&l, pool, c->k, each, &err), err);
    km_near_lists_find(&l, c, test_kern(), pool);
    return l;
}

/* How many centers are nearer to center j than i is; of equals the lower ones. */
static size_t rank_of(const struct km_centers *c, size_t j, size_t i)
{
    const float *row = km_mat_row(&c->c, j);
    double own = brute_dist2(row, c->exact + i * c->d, c->d);
    size_t rank = 0;

    for (size_t other = 0; other < c->k; other++) {
        double dist2 = brute_dist2(row, c->exact + other * c->d, c->d);

        rank += dist2 < own || (dist2 == own && other < i);
    }
    return rank;
}

/* Wide and narrow rows, and lists of all. */
static void a_list_holds_the_nearest(void **state)
{
    static const size_t shapes[][3] = {/* k, d, each */
                                       {40, 3, 7},   {90, 15, 32}, {90, 16, 32},
                                       {130, 70, 8}, {33, 20, 64}, {2, 5, 1}};

    (void)state;
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        struct km_mat x = random_rows(shapes[s][0], shapes[s][1], s);
        struct km_centers c = random_centers(&x, x.n, s); /* some are copies */
        struct km_near_lists l = find(&c, shapes[s][2], NULL);

        for (size_t j = 0; j < c.k; j++) {
            int has_own = 0;

            assert_int_equal(l.of[j].n, shapes[s][2] < c.k ? shapes[s][2] : c.k);
            for (size_t m = 0; m < l.of[j].n; m++) {
                assert_true(m == 0 || l.of[j].center[m] > l.of[j].center[m - 1]);
                assert_true(rank_of(&c, j, l.of[j].center[m]) < l.of[j].n);
                has_own |= l.of[j].center[m] == j;
            }
            assert_true(has_own || l.of[j].n == 1);
        }
        km_near_lists_done(&l);
        km_centers_done(&c);
        km_mat_done(&x);
    }
}

static void a_center_with_many_copies_is_in_its_own_list(void **state)
{
    struct km_mat x = make_mat(20, 30);
    struct km_centers c = random_centers(&x, 20, 0); /* all the same */
    struct km_near_lists l = find(&c, 3, NULL);

    (void)state;
    assert_int_equal(l.of[17].center[0], 0);
    assert_int_equal(l.of[17].center[1], 1);
    assert_int_equal(l.of[17].center[2], 17);
    km_near_lists_done(&l);
    km_centers_done(&c);
    km_mat_done(&x);
}

static void assert_two_nearest(const struct km_look *look, const struct km_mat *x,
                               const struct km_centers *c)
{
    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);
        size_t near = brute_nearest(row, c->exact, c->k, c->d);
        double least = HUGE_VAL;

        for (size_t j = 0; j < c->k; j++)
            if (j != near)
                least = fmin(least, brute_dist2(row, c->exact + j * c->d, c->d));
        assert_int_equal(look->near[i], near);
        assert_near(look->near2[i], brute_dist2(row, c->exact + near * c->d, c->d), 1e-9);
        assert_near(look->next2[i], least, 1e-9);
        assert_true(look->next[i] != look->near[i]);
    }
}

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
        cmocka_unit_test(a_list_holds_the_nearest),
        cmocka_unit_test(a_center_with_many_copies_is_in_its_own_list),
        cmocka_unit_test(rows_know_their_two_nearest),
        cmocka_unit_test(the_two_nearest_of_all_centers_are_those_of_brute_force),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
