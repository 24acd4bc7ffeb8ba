/* SPDX-License-Identifier: Apache-2.0 */
/* Centers and sums: the two updates, by their formulas. */
#include "tests/algo_test.h"

struct both {
    struct km_centers c;
    struct km_sums s;
};

static struct both make_both(size_t k, size_t d)
{
    struct both b;
    struct km_err err;

    assert_ok(km_centers_init(&b.c, k, d, &err), err);
    assert_ok(km_sums_init(&b.s, k, d, &err), err);
    return b;
}

static void done_both(struct both *b)
{
    km_centers_done(&b->c);
    km_sums_done(&b->s);
}

/* The three forms of each center say the same. */
static void assert_in_step(const struct km_centers *c)
{
    size_t padded = (c->k + 15) / 16 * 16;

    for (size_t j = 0; j < padded; j++) {
        double norm2 = 0;

        for (size_t t = 0; j < c->k && t < c->c.ld; t++) {
            float v = km_mat_row(&c->c, j)[t];

            assert_true(v == (t < c->d ? (float)c->exact[j * c->d + t] : 0));
            norm2 += (double)v * (double)v;
        }
        assert_true(c->half[j] == (j < c->k ? (float)(0.5 * norm2) : INFINITY));
    }
}

static void set_and_copy_keep_all_forms_in_step(void **state)
{
    struct km_mat x = random_rows(19, 21, 1);
    struct both a = make_both(19, 21), b = make_both(19, 21);

    (void)state;
    for (size_t j = 0; j < 19; j++)
        km_centers_set(&a.c, j, km_mat_row(&x, j), (double)j + 0.5);
    assert_in_step(&a.c);
    km_centers_copy(&b.c, &a.c);
    assert_in_step(&b.c);
    assert_same_bits(b.c.exact, a.c.exact, 19 * 21);
    assert_same_bits(b.c.weight, a.c.weight, 19);
    assert_same_bits(b.c.c.v, x.v, 19 * x.ld);
    assert_true(b.c.weight[18] == 18.5);
    done_both(&a);
    done_both(&b);
    km_mat_done(&x);
}

/* Sums of random rows: center j received j % 4 rows of weight 1. */
static void fill_sums(struct km_sums *s, uint64_t seed)
{
    struct km_rng rng;

    km_rng_seed(&rng, seed, 't', 2);
    for (size_t j = 0; j < s->k; j++)
        for (size_t i = 0; i < j % 4; i++, s->count[j]++, ++*s->rows)
            for (size_t t = 0; t < s->d; t++)
                s->sum[j * s->d + t] += normal(&rng);
}

static void move_follows_the_formula_on_any_number_of_threads(void **state)
{
    static const double decays[] = {1, 0.5, 0.97, 0};
    double sum[70 * 9];

    (void)state;
    for (size_t i = 0; i < sizeof(decays) / sizeof(decays[0]); i++)
        for (size_t p = 0; p < TEST_THREADS; p++) {
            struct km_mat x = random_rows(70, 9, 3);
            struct both b = make_both(70, 9);
            struct km_pool *pool = make_pool(test_threads[p]);

            for (size_t j = 0; j < 70; j++)
                km_centers_set(&b.c, j, km_mat_row(&x, j), (double)(j % 5) + 1);
            fill_sums(&b.s, 4);
            memcpy(sum, b.s.sum, sizeof(sum));
            km_centers_move(&b.c, &b.s, decays[i], pool);
            for (size_t v = 0; v < b.s.len; v++) /* ready for the next mini-batch */
                assert_true(b.s.block[v] == 0);
            for (size_t j = 0; j < 70; j++) {
                double w = decays[i] * ((double)(j % 5) + 1), n = (double)(j % 4);

                assert_near(b.c.weight[j], w + n, 1e-12);
                for (size_t t = 0; t < 9; t++) {
                    double old = (double)km_mat_row(&x, j)[t];
                    double mean = n > 0 ? sum[j * 9 + t] / n : old;
                    double share = n > 0 ? n / (w + n) : 0;

                    assert_near(b.c.exact[j * 9 + t], old + share * (mean - old), 1e-12);
                    if (n <= 0)
                        assert_true(b.c.exact[j * 9 + t] == old);
                }
            }
            assert_in_step(&b.c);
            done_both(&b);
            km_pool_close(pool);
            km_mat_done(&x);
        }
}

static void a_center_of_a_billion_rows_still_moves(void **state)
{
    struct both b = make_both(1, 1);
    const float start = 1000;

    (void)state;
    km_centers_set(&b.c, 0, &start, 1e9);
    for (int i = 0; i < 1000; i++) {
        b.s.count[0] = 1;
        b.s.sum[0] = 2000;
        km_centers_move(&b.c, &b.s, 1, NULL);
    }
    /* 1000 rows of 2000 in a billion of 1000: a thousandth, of which a float32 step sees nothing */
    assert_near(b.c.exact[0], 1000 + 1e6 / (1e9 + 1e3), 1e-9);
    assert_true(b.c.weight[0] == 1e9 + 1e3);
    done_both(&b);
}

static void many_moves_end_at_the_mean_of_all_rows(void **state)
{
    struct km_mat x = random_rows(1000, 3, 5);
    struct both b = make_both(1, 3);
    double mean[3] = {0};

    (void)state;
    km_centers_set(&b.c, 0, km_mat_row(&x, 0), 1);
    for (size_t i = 1; i < 1000; i++) {
        b.s.count[0] = 1;
        for (size_t t = 0; t < 3; t++)
            b.s.sum[t] = (double)km_mat_row(&x, i)[t];
        km_centers_move(&b.c, &b.s, 1, NULL);
    }
    for (size_t i = 0; i < 1000; i++)
        for (size_t t = 0; t < 3; t++)
            mean[t] += (double)km_mat_row(&x, i)[t] / 1000;
    for (size_t t = 0; t < 3; t++)
        assert_near(b.c.exact[t], mean[t], 1e-12);
    assert_true(b.c.weight[0] == 1000);
    done_both(&b);
    km_mat_done(&x);
}

static void to_means_sets_means_and_an_empty_center_keeps_its_place(void **state)
{
    struct km_mat x = random_rows(30, 17, 6);
    struct both b = make_both(30, 17);
    double expected = 0, found;

    (void)state;
    for (size_t j = 0; j < 30; j++)
        km_centers_set(&b.c, j, km_mat_row(&x, j), 7);
    fill_sums(&b.s, 7);
    found = km_centers_to_means(&b.c, &b.s);
    for (size_t j = 0; j < 30; j++) {
        double n = (double)(j % 4);

        assert_true(b.c.weight[j] == n);
        for (size_t t = 0; t < 17; t++) {
            double mean = n > 0 ? b.s.sum[j * 17 + t] / n : (double)km_mat_row(&x, j)[t];

            assert_near(b.c.exact[j * 17 + t], mean, 1e-14);
            expected += n * mean * mean;
        }
    }
    assert_near(found, expected, 1e-10);
    assert_in_step(&b.c);
    done_both(&b);
    km_mat_done(&x);
}

static void clearing_leaves_nothing_in_the_block(void **state)
{
    struct both b = make_both(37, 11);

    (void)state;
    assert_int_equal(b.s.len, 2 + KM_FLAGS + 37 + 37 * 11);
    assert_ptr_equal(b.s.sum + 37 * 11, b.s.block + b.s.len);
    fill_sums(&b.s, 8);
    *b.s.ssd = 5;
    for (int f = 0; f < KM_FLAGS; f++)
        b.s.flags[f] = 1;
    b.s.count[5] = 0.25; /* part of a row counts too */
    km_sums_clear(&b.s);
    for (size_t i = 0; i < b.s.len; i++)
        assert_true(b.s.block[i] == 0);
    done_both(&b);
}

static void sizes_that_overflow_and_no_memory_are_errors(void **state)
{
    struct km_centers c;
    struct km_sums s;
    struct km_err err;

    (void)state;
    assert_int_equal(km_centers_init(&c, SIZE_MAX / 4, 16, &err), KM_E_MEM);
    km_centers_done(&c);
    assert_int_equal(km_sums_init(&s, SIZE_MAX / 4, 16, &err), KM_E_MEM);
    km_sums_done(&s);
    assert_int_equal(km_sums_init(&s, SIZE_MAX / 16 + 1, 16, &err), KM_E_MEM);
    for (size_t n = 1; n <= 4; n++) {
        err = (struct km_err){0};
        km_alloc_fail_at(n);
        assert_int_equal(km_centers_init(&c, 3, 4, &err), KM_E_MEM);
        km_alloc_fail_at(0);
        assert_contains(err.msg, "3 centers of 4 features");
        km_centers_done(&c); /* may be called, and finds nothing */
    }
    km_alloc_fail_at(1);
    assert_int_equal(km_sums_init(&s, 3, 4, &err), KM_E_MEM);
    km_alloc_fail_at(0);
    km_sums_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_and_copy_keep_all_forms_in_step),
        cmocka_unit_test(move_follows_the_formula_on_any_number_of_threads),
        cmocka_unit_test(a_center_of_a_billion_rows_still_moves),
        cmocka_unit_test(many_moves_end_at_the_mean_of_all_rows),
        cmocka_unit_test(to_means_sets_means_and_an_empty_center_keeps_its_place),
        cmocka_unit_test(clearing_leaves_nothing_in_the_block),
        cmocka_unit_test(sizes_that_overflow_and_no_memory_are_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
