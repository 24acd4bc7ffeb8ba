/* SPDX-License-Identifier: Apache-2.0 */
/* The centers of a pass over sparse rows, against dense ones. */
#include "tests/sparse_help.h"

#include "algo/assign.h"
#include "algo/sparse_centers.h"

/* One pass over x in batches of three blocks, sparse; the centers come back as dense ones. */
static struct km_centers sparse_pass(const struct km_mat *x, size_t k, size_t block, double decay,
                                     struct km_pool *pool, double *ssd)
{
    const struct km_kernels *kern = km_kernels_all()[0];
    struct km_csr s = sparse_of(x);
    struct km_sparse_centers c;
    struct km_sparse step;
    struct km_centers dense;
    struct km_rng rng;
    struct km_err err;
    double count = 0;

    *ssd = 0;
    km_rng_seed(&rng, 7, 't', 3);
    assert_ok(km_sparse_init(&step, kern, pool, x->n, k, 0, &err), err);
    assert_ok(km_sparse_centers_init(&c, k, x->d, &err), err);
    km_sparse_seed_random(&c, &s, &rng);
    for (size_t from = 0, b = 0; from < s.n; from += block, b++) {
        size_t n = s.n - from < block ? s.n - from : block;
        struct km_csr view = km_csr_view(&s, from, n);
        int ends = b % 3 == 2 || from + n == s.n;

        *ssd += km_sparse_centers_label(&c, &step, &view);
        km_sparse_centers_take(&c, &step, &view, ends ? decay : 1, ends);
    }
    for (size_t j = 0; j < k; j++)
        count += c.count[j];
    assert_true(count == (double)x->n);
    assert_ok(km_sparse_centers_to_dense(&dense, &c, &err), err);
    km_sparse_done(&step);
    km_csr_done(&s);
    return dense;
}

/* The same on dense rows with the functions that dense jobs use. */
static struct km_centers dense_pass(const struct km_mat *x, size_t k, size_t block, double *ssd)
{
    const struct km_kernels *kern = km_kernels_all()[0];
    struct km_centers c;
    struct km_sums sums;
    struct km_assign a;
    struct km_rng rng;
    struct km_err err;

    *ssd = 0;
    km_rng_seed(&rng, 7, 't', 3);
    assert_ok(km_centers_init(&c, k, x->d, &err), err);
    assert_ok(km_sums_init(&sums, k, x->d, &err), err);
    assert_ok(km_assign_init(&a, kern, NULL, x->n, k, x->d, &err), err);
    for (size_t j = 0; j < k; j++)
        km_centers_set(&c, j, km_mat_row(x, km_rng_below(&rng, x->n)), 1);
    for (size_t from = 0; from < x->n; from += 3 * block) {
        size_t n = x->n - from < 3 * block ? x->n - from : 3 * block;
        struct km_mat view = km_mat_view(x, from, n);

        km_assign_add(&a, &sums, &view, NULL, &c, 1);
        *ssd += km_centers_move(&c, &sums, 1, NULL);
    }
    km_assign_done(&a);
    km_sums_done(&sums);
    return c;
}

static void a_pass_is_the_pass_over_the_same_rows_written_out(void **state)
{
    static const size_t ks[] = {1, 7, 40, 150};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t block = 50; block <= 200; block *= 2) {
            struct km_mat x = holes(1500, 60, 0.1, i + 1);
            double ssd, expected;
            struct km_centers d = dense_pass(&x, ks[i], block, &expected);
            struct km_centers s = sparse_pass(&x, ks[i], block, 1, NULL, &ssd);

            assert_near(ssd, expected, 1e-5 * expected);
            for (size_t j = 0; j < ks[i]; j++) {
                assert_near(s.weight[j], d.weight[j], 1e-9 * d.weight[j]);
                for (size_t t = 0; t < 60; t++)
                    assert_near(s.exact[j * 60 + t], d.exact[j * 60 + t], 1e-9);
            }
            km_centers_done(&d);
            km_centers_done(&s);
            km_mat_done(&x);
        }
}

static void a_pass_gives_the_same_bits_on_any_number_of_threads(void **state)
{
    struct km_mat x = holes(2000, 40, 0.15, 9);
    double ssd, first_ssd;
    struct km_centers first = sparse_pass(&x, 50, 300, 0.7, NULL, &first_ssd);

    (void)state;
    for (size_t i = 0; i < TEST_THREADS; i++) {
        struct km_pool *pool = make_pool(test_threads[i]);
        struct km_centers c = sparse_pass(&x, 50, 300, 0.7, pool, &ssd);

        assert_same_bits(c.exact, first.exact, (size_t)50 * 40);
        assert_same_bits(c.weight, first.weight, (size_t)50);
        assert_same_bits(&ssd, &first_ssd, 1);
        km_centers_done(&c);
        km_pool_close(pool);
    }
    km_centers_done(&first);
    km_mat_done(&x);
}

static void assert_lanes_are_sums(const struct km_sparse_centers *c)
{
    for (size_t j = 0; j < c->k; j++)
        for (size_t t = 0; t < c->d; t++)
            assert_true(*km_lanes_at(&c->lanes, j, t) == (float)c->sum[j * c->d + t]);
}

static void lanes_hold_the_sums_after_every_mini_batch(void **state)
{
    /* Lines of lanes written whole; by one thread value by value; by several threads. */
    static const struct {
        size_t k, d;
    } shapes[] = {{40, 60}, {600, 2000}, {20, 2500}, {16, 40}, {70, 500}};
    struct km_pool *pool = make_pool(2);

    (void)state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
        for (size_t blocks = 1; blocks <= 3; blocks += 2) { /* of a mini-batch */
            struct km_mat x = holes(600, shapes[i].d, 20.0 / (double)shapes[i].d, i);
            struct km_csr s = sparse_of(&x);
            struct km_sparse_centers c;
            struct km_sparse step;
            struct km_rng rng;
            struct km_err err;

            km_rng_seed(&rng, i, 't', 5);
            assert_ok(km_sparse_init(&step, km_kernels_all()[0], pool, 100, shapes[i].k, 0, &err),
                      err);
            assert_ok(km_sparse_centers_init(&c, shapes[i].k, shapes[i].d, &err), err);
            km_sparse_seed_random(&c, &s, &rng);
            for (size_t b = 0; b < 6; b++) {
                struct km_csr view = km_csr_view(&s, b * 100, 100);

                km_sparse_centers_label(&c, &step, &view);
                km_sparse_centers_take(&c, &step, &view, 0.9, (b + 1) % blocks == 0);
                if ((b + 1) % blocks == 0)
                    assert_lanes_are_sums(&c);
            }
            km_sparse_centers_done(&c);
            km_sparse_done(&step);
            km_csr_done(&s);
            km_mat_done(&x);
        }
    km_pool_close(pool);
}

static void all_that_was_seen_can_be_forgotten(void **state)
{
    struct km_mat x = holes(900, 30, 0.3, 4);
    double ssd;
    struct km_centers c;

    (void)state;
    for (size_t i = 600; i < 900; i++) /* the last batch is the same row again and again */
        memcpy(km_mat_row(&x, i), km_mat_row(&x, 0), 30 * sizeof(float));
    c = sparse_pass(&x, 1, 100, 0, NULL, &ssd);
    for (size_t t = 0; t < 30; t++)
        assert_near(c.exact[t], (double)km_mat_row(&x, 0)[t], 1e-9);
    km_centers_done(&c);
    km_mat_done(&x);
}

static void rows_of_any_allowed_size_give_finite_centers(void **state)
{
    struct km_mat x = holes(3000, 20, 0.3, 6);
    double most = 0.99 * sqrt(3.4028234e38 / 4 / 20), ssd;
    struct km_centers c;

    (void)state;
    for (size_t i = 0; i < 3000; i++) /* small first, then as large as a row may be */
        for (size_t t = 0; t < 20; t++)
            if (i > 100 && km_mat_row(&x, i)[t] != 0)
                km_mat_row(&x, i)[t] = (float)(i % 2 ? most : -most);
    c = sparse_pass(&x, 5, 50, 1, NULL, &ssd);
    assert_true(isfinite(ssd));
    for (size_t j = 0; j < 5; j++) {
        assert_true(isfinite((double)c.half[j]));
        for (size_t t = 0; t < 20; t++)
            assert_true(fabs(c.exact[j * 20 + t]) <= most * 1.000001);
    }
    km_centers_done(&c);
    km_mat_done(&x);
}

static void plusplus_takes_each_of_as_many_rows_once(void **state)
{
    struct km_mat x = holes(6, 50, 0.5, 3); /* 5 rows and one of zeros, all different */
    struct km_csr s = sparse_of(&x);
    struct km_sparse_centers c;
    struct km_sparse step;
    struct km_centers dense;
    struct km_rng rng;
    struct km_err err;

    (void)state;
    km_rng_seed(&rng, 1, 't', 4);
    assert_ok(km_sparse_init(&step, km_kernels_all()[0], NULL, 6, 6, 0, &err), err);
    assert_ok(km_sparse_centers_init(&c, 6, 50, &err), err);
    assert_ok(km_sparse_seed_plusplus(&c, &s, NULL, 1, &step, &rng, &err), err);
    assert_ok(km_sparse_centers_to_dense(&dense, &c, &err), err);
    assert_near(brute_loss(&x, NULL, dense.exact, 6), 0, 0);
    km_centers_done(&dense);
    km_sparse_done(&step);
    km_csr_done(&s);
    km_mat_done(&x);
}

/* Ranks: a center takes what its rows add up to, and the next rows meet its mean. */
static void what_rows_add_up_to_is_taken_as_rows_are(void **state)
{
    const float first[4] = {2, 0, 0, 4}, sum[4] = {4, 0, 12, 0};
    struct km_mat x = make_mat(1, 4);
    struct km_sparse_centers c;
    struct km_sparse_taker taker;
    struct km_centers dense;
    struct km_csr s;
    struct km_rng rng;
    struct km_err err;

    (void)state;
    memcpy(km_mat_row(&x, 0), first, sizeof(first));
    s = sparse_of(&x);
    km_rng_seed(&rng, 1, 't', 0);
    assert_ok(km_sparse_centers_init(&c, 1, 4, &err), err);
    km_sparse_seed_random(&c, &s, &rng);
    km_sparse_centers_forget(&c, 0.5); /* the start weighs half a row */
    taker = km_sparse_centers_taker(&c, 0, 3.5);
    for (size_t t = 0; t < 4; t++)
        if (sum[t] != 0)
            km_sparse_taker_add(&taker, t, (double)sum[t]);
    km_sparse_centers_taken(&c, 0, &taker);
    km_sparse_centers_publish(&c, NULL);
    km_sparse_centers_scale(&c, 3);
    assert_ok(km_sparse_centers_to_dense(&dense, &c, &err), err);
    assert_near(dense.weight[0], 4, 1e-12);
    for (size_t t = 0; t < 4; t++)
        assert_near(dense.exact[t], 8 * (0.5 * (double)first[t] + (double)sum[t]) / 4, 1e-12);
    km_centers_done(&dense);
    km_csr_done(&s);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pass_is_the_pass_over_the_same_rows_written_out),
        cmocka_unit_test(a_pass_gives_the_same_bits_on_any_number_of_threads),
        cmocka_unit_test(lanes_hold_the_sums_after_every_mini_batch),
        cmocka_unit_test(all_that_was_seen_can_be_forgotten),
        cmocka_unit_test(rows_of_any_allowed_size_give_finite_centers),
        cmocka_unit_test(plusplus_takes_each_of_as_many_rows_once),
        cmocka_unit_test(what_rows_add_up_to_is_taken_as_rows_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
