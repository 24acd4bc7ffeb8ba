/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/algo_test.h"

#include "algo/look.h"

/* Rows of `groups` far groups of 2 features, `each` rows in each, one after the other. */
static struct km_mat groups_of(size_t groups, size_t each, size_t d, uint64_t seed)
{
    struct km_mat x = make_mat(groups * each, d);
    struct km_rng rng;

    km_rng_seed(&rng, seed, 'g', 0);
    for (size_t i = 0; i < x.n; i++)
        for (size_t t = 0; t < d; t++) {
            size_t g = i / each;
            double at = t == 0 ? (double)(g % 5) * 10 : t == 1 ? (double)(g / 5) * 10 : 0;

            km_mat_row(&x, i)[t] = (float)(at + km_rng_unit(&rng));
        }
    return x;
}

static size_t look(struct km_centers *c, const struct km_mat *x, const double *weight,
                   struct km_pool *pool, size_t most, uint64_t seed)
{
    struct km_points p = weighted_points(x, weight, test_kern());
    struct km_look l;
    struct km_err err;
    size_t moved;

    assert_ok(km_look_init(&l, test_kern(), pool, x->n, c->k, c->d, 0, &err), err);
    moved = km_look(&l, c, &p, most, seed);
    km_look_done(&l);
    return moved;
}

/* Lloyd cannot leave this place: one group has two centers, two groups share one. */
static void a_center_goes_where_it_is_missed(void **state)
{
    static const size_t widths[] = {2, 3, 40};

    (void)state;
    for (size_t w = 0; w < 3; w++) {
        size_t k = 20, d = widths[w];
        struct km_mat x = groups_of(k, 30, d, w);
        struct km_centers c = random_centers(&x, k, 0);
        double best;

        for (size_t j = 0; j < k; j++)
            km_centers_set(&c, j, km_mat_row(&x, 30 * j + 1), 1);
        for (int i = 0; i < 5; i++)
            brute_lloyd_step(c.exact, &x, NULL, k);
        best = brute_loss(&x, NULL, c.exact, k);
        for (size_t j = 0; j < k; j++) /* groups 3, 8, 13 and 18 get none */
            km_centers_set(&c, j, km_mat_row(&x, 30 * (j % 5 == 3 ? j - 1 : j) + j % 5), 1);
        assert_true(look(&c, &x, NULL, NULL, k, 1) >= 1);
        for (int i = 0; i < 4; i++) {
            look(&c, &x, NULL, NULL, k, 2 + (uint64_t)i);
            brute_lloyd_step(c.exact, &x, NULL, k);
        }
        assert_at_most(brute_loss(&x, NULL, c.exact, k), best * (1 + 1e-6));
        km_centers_done(&c);
        km_mat_done(&x);
    }
}

/* A few rows far away, which no start has met. */
static void a_far_row_gets_a_center(void **state)
{
    struct km_mat x = random_rows(500, 3, 4);
    struct km_centers c = random_centers(&x, 6, 0);

    (void)state;
    km_mat_row(&x, 77)[1] = 1e5F;
    for (size_t j = 0; j < 6; j++)
        km_centers_set(&c, j, km_mat_row(&x, j), 1);
    assert_true(look(&c, &x, NULL, NULL, 6, 1) >= 1);
    assert_at_most(brute_loss(&x, NULL, c.exact, 6), 500 * 12);
    km_centers_done(&c);
    km_mat_done(&x);
}

/* The loss of the partition by the nearest of some centers, against its own means. */
static double step_loss(const struct km_mat *x, const double *weight, const struct km_centers *from)
{
    double *mean = km_alloc(from->k * x->d, sizeof(*mean));
    double loss = 0;

    assert_non_null(mean);
    memcpy(mean, from->exact, from->k * x->d * sizeof(*mean));
    brute_lloyd_step(mean, x, weight, from->k);
    for (size_t i = 0; i < x->n; i++) {
        size_t j = brute_nearest(km_mat_row(x, i), from->exact, from->k, x->d);

        loss += weight[i] * brute_dist2(km_mat_row(x, i), mean + j * x->d, x->d);
    }
    km_free(mean);
    return loss;
}

/* Whatever the rows, weights and centers: no worse than a step of Lloyd. */
static void a_look_is_never_worse_than_a_step_of_lloyd(void **state)
{
    struct km_rng rng;

    (void)state;
    km_rng_seed(&rng, 1, 'n', 0);
    for (int run = 0; run < 200; run++) {
        size_t n = 2 + km_rng_below(&rng, 300), d = 1 + km_rng_below(&rng, 40);
        size_t k = 1 + km_rng_below(&rng, n < 30 ? n : 30);
        struct km_mat x = random_rows(n, d, (uint64_t)run);
        struct km_centers c = random_centers(&x, k, 0);
        double *weight = km_alloc(n, sizeof(*weight)), loss;

        assert_non_null(weight);
        for (size_t i = 0; i < n; i++) {
            weight[i] = 0.5 + 3 * km_rng_unit(&rng);
            if (run % 3 == 0) /* the same rows again and again */
                memcpy(km_mat_row(&x, i), km_mat_row(&x, i % 7), x.ld * sizeof(float));
        }
        for (size_t j = 0; j < k; j++)
            km_centers_set(&c, j, km_mat_row(&x, j % (run % 2 ? n : 3 % n + 1)), 1);
        loss = step_loss(&x, weight, &c);
        look(&c, &x, weight, NULL, k, (uint64_t)run);
        assert_at_most(brute_loss(&x, weight, c.exact, k), loss * (1 + 1e-6) + 1e-9);
        km_free(weight);
        km_centers_done(&c);
        km_mat_done(&x);
    }
}

static void where_nothing_is_to_gain_nothing_moves(void **state)
{
    struct km_mat x = groups_of(20, 30, 2, 9);
    struct km_centers c = random_centers(&x, 20, 0);

    (void)state;
    for (size_t j = 0; j < 20; j++)
        km_centers_set(&c, j, km_mat_row(&x, 30 * j + 1), 1);
    assert_int_equal(look(&c, &x, NULL, NULL, 20, 1), 0);
    assert_int_equal(look(&c, &x, NULL, NULL, 20, 2), 0);
    km_centers_done(&c);
    km_mat_done(&x);
}

/* Every bold change is one of one center, and there are at most three for each. */
static void bold_changes_move_one_center_each(void **state)
{
    struct km_mat x = random_rows(400, 4, 8);
    struct km_points p = weighted_points(&x, NULL, test_kern());
    struct km_centers c = random_centers(&x, 9, 0);
    struct km_look l;
    struct km_err err;
    size_t number = 0;

    (void)state;
    assert_ok(km_look_init(&l, test_kern(), NULL, x.n, 9, 4, 0, &err), err);
    for (;; number++) {
        struct km_centers lloyd = random_centers(&x, 9, 0);
        size_t moved = 0;

        for (size_t j = 0; j < 9; j++)
            km_centers_set(&c, j, km_mat_row(&x, 40 * j), 1);
        km_centers_copy(&lloyd, &c);
        brute_lloyd_step(lloyd.exact, &x, NULL, 9);
        if (!km_look_boldly(&l, &c, &p, number, 1)) {
            assert_memory_equal(km_mat_row(&c.c, 8), km_mat_row(&x, 320), 4 * sizeof(float));
            km_centers_done(&lloyd);
            break;
        }
        for (size_t j = 0; j < 9; j++) /* as a step leaves them, or elsewhere */
            moved += memcmp(c.exact + 4 * j, lloyd.exact + 4 * j, 4 * sizeof(double)) != 0;
        assert_true(moved >= 2);
        km_centers_done(&lloyd);
    }
    assert_true(number >= 1 && number <= 27);
    km_look_done(&l);
    km_centers_done(&c);
    km_mat_done(&x);
}

static void threads_change_no_bit(void **state)
{
    struct km_mat x = random_rows(3000, 5, 3);
    struct km_centers first = random_centers(&x, 40, 0);

    (void)state;
    for (size_t i = 0; i < TEST_THREADS; i++) {
        struct km_centers c = random_centers(&x, 40, 0);
        struct km_pool *pool = make_pool(test_threads[i]);

        for (size_t j = 0; j < 40; j++)
            km_centers_set(&c, j, km_mat_row(&x, j), 1);
        for (uint64_t round = 0; round < 3; round++)
            look(&c, &x, NULL, pool, 40, round);
        if (i == 0)
            km_centers_copy(&first, &c);
        assert_same_bits(c.exact, first.exact, 40 * 5);
        km_pool_close(pool);
        km_centers_done(&c);
    }
    km_centers_done(&first);
    km_mat_done(&x);
}

static void sparse_rows_are_looked_at_like_dense_ones(void **state)
{
    static const size_t widths[] = {3, 40};

    (void)state;
    for (size_t w = 0; w < 2; w++) {
        struct km_mat x = groups_of(20, 30, widths[w], w);
        struct km_csr s;
        struct km_centers dense = random_centers(&x, 20, 5), sparse = random_centers(&x, 20, 5);
        double weight[600], total = 0;
        struct km_points p;
        struct km_look l;
        struct km_err err;
        size_t moved = 0;

        for (size_t i = 0; i < x.n; i++) {
            weight[i] = 1 + (double)(i % 3);
            for (size_t t = 2; t < x.d; t++) /* one in eight is left */
                if ((i + t) % 8)
                    km_mat_row(&x, i)[t] = 0;
        }
        s = sparse_of(&x);
        p = (struct km_points){.rows = {.sparse = s, .weight = weight}};
        for (size_t i = 0; i < x.n; i++) {
            total += weight[i] * km_csr_norm2(&s, i);
            p.total_weight += weight[i];
        }
        p.total_norm2 = total;
        assert_ok(km_look_init(&l, test_kern(), NULL, x.n, 20, x.d, 1, &err), err);
        for (uint64_t round = 0; round < 4; round++) {
            size_t found = look(&dense, &x, weight, NULL, 20, round);

            assert_int_equal(km_look(&l, &sparse, &p, 20, round), found);
            /* of changes that gain the same rounding may choose another */
            assert_near(brute_loss(&x, weight, sparse.exact, 20) / total,
                        brute_loss(&x, weight, dense.exact, 20) / total, 1e-9);
            moved += found;
        }
        assert_true(moved > 0);
        km_look_done(&l);
        km_centers_done(&dense);
        km_centers_done(&sparse);
        km_csr_done(&s);
        km_mat_done(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_center_goes_where_it_is_missed),
        cmocka_unit_test(a_far_row_gets_a_center),
        cmocka_unit_test(a_look_is_never_worse_than_a_step_of_lloyd),
        cmocka_unit_test(where_nothing_is_to_gain_nothing_moves),
        cmocka_unit_test(bold_changes_move_one_center_each),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(sparse_rows_are_looked_at_like_dense_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
