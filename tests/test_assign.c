/* SPDX-License-Identifier: Apache-2.0 */
/* The step of every k-means here: labels and sums against brute force, same bits on any threads. */
#include "tests/algo_test.h"

#include "algo/assign.h"

/* Shapes on both sides of the choice between groups of rows and slices of columns (assign.c). */
static const struct shape {
    size_t n, k, d;
    int groups;
} shapes[] = {
    {3000, 5, 1000, 1}, {5000, 30, 40, 1}, {7000, 3, 2, 1}, {2049, 64, 100, 1}, {500, 100, 784, 0},
    {100, 50, 130, 0},  {1, 1, 1, 0},      {31, 1, 70, 0},  {1500, 60, 17, 0},  {1030, 33, 300, 0},
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static struct km_assign make_assign(const struct km_kernels *kern, struct km_pool *pool, size_t n,
                                    size_t k, size_t d)
{
    struct km_assign a;
    struct km_err err;

    assert_ok(km_assign_init(&a, kern, pool, n, k, d, &err), err);
    return a;
}

static struct km_sums make_sums(size_t k, size_t d)
{
    struct km_sums s;
    struct km_err err;

    assert_ok(km_sums_init(&s, k, d, &err), err);
    return s;
}

static double *random_weights(size_t n, uint64_t seed)
{
    double *w = km_alloc(n, sizeof(*w));
    struct km_rng rng;

    assert_non_null(w);
    km_rng_seed(&rng, seed, 't', 3);
    for (size_t i = 0; i < n; i++)
        w[i] = i % 7 ? 3 * km_rng_unit(&rng) : 0;
    return w;
}

/* Sums by the labels that a->label holds, in row order in float64. */
static void check_sums(const struct km_assign *a, const struct km_sums *s, const struct km_mat *x,
                       const double *weight)
{
    struct km_sums want = make_sums(s->k, s->d);

    for (size_t i = 0; i < x->n; i++) {
        double w = weight ? weight[i] : 1;

        want.count[a->label[i]] += w;
        for (size_t t = 0; t < x->d; t++)
            want.sum[a->label[i] * s->d + t] += w * (double)km_mat_row(x, i)[t];
    }
    for (size_t j = 0; j < s->k; j++) {
        assert_near(s->count[j], want.count[j], 1e-9);
        if (!weight)
            assert_true(s->count[j] == want.count[j]);
        for (size_t t = 0; t < s->d; t++)
            assert_near(s->sum[j * s->d + t], want.sum[j * s->d + t], 1e-9);
    }
    assert_true(*s->rows == (double)x->n);
    km_sums_done(&want);
}

/* Every label is a nearest center, as far as float32 can tell. */
static void check_labels(const struct km_assign *a, const struct km_mat *x,
                         const struct km_centers *c)
{
    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);
        size_t best = brute_nearest(row, c->exact, c->k, c->d);
        double norm2 = 0;

        assert_true(a->label[i] < c->k);
        for (size_t t = 0; t < x->d; t++)
            norm2 += (double)row[t] * (double)row[t];
        assert_at_most(brute_dist2(row, c->exact + a->label[i] * c->d, c->d),
                       brute_dist2(row, c->exact + best * c->d, c->d) + 2e-6 * (1 + norm2));
    }
}

static void labels_and_sums_are_those_of_brute_force(void **state)
{
    (void)state;
    for (size_t l = 0; km_kernels_all()[l]; l++)
        for (size_t i = 0; i < SHAPES; i++) {
            const struct shape *h = &shapes[i];
            struct km_mat x = random_rows(h->n, h->d, i);
            struct km_centers c = random_centers(&x, h->k, i);
            struct km_assign a = make_assign(km_kernels_all()[l], NULL, h->n, h->k, h->d);
            struct km_sums s = make_sums(h->k, h->d);

            km_assign_add(&a, &s, &x, NULL, &c, 0);
            check_labels(&a, &x, &c);
            check_sums(&a, &s, &x, NULL);
            assert_true(*s.ssd == 0);
            km_assign_done(&a);
            km_sums_done(&s);
            km_centers_done(&c);
            km_mat_done(&x);
        }
}

static void both_ways_of_adding_are_taken(void **state)
{
    struct km_pool *pool = make_pool(2); /* one thread alone needs one group at a time */

    (void)state;
    for (size_t i = 0; i < SHAPES; i++) {
        const struct shape *h = &shapes[i];
        struct km_mat x = random_rows(h->n, h->d, i);
        struct km_centers c = random_centers(&x, h->k, i);
        struct km_assign a = make_assign(test_kern(), pool, h->n, h->k, h->d);
        struct km_sums s = make_sums(h->k, h->d);
        double in_groups = 0;

        km_assign_add(&a, &s, &x, NULL, &c, 0);
        for (size_t p = 0; p < a.max_parts; p++)
            for (size_t j = 0; j < h->k; j++)
                in_groups += a.parts[p].count[j];
        assert_true(in_groups == (h->groups ? (double)h->n : 0));
        km_assign_done(&a);
        km_sums_done(&s);
        km_centers_done(&c);
        km_mat_done(&x);
    }
    km_pool_close(pool);
}

static void weights_count_rows_more_than_once_or_not_at_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHAPES; i++) {
        const struct shape *h = &shapes[i];
        struct km_mat x = random_rows(h->n, h->d, i);
        struct km_centers c = random_centers(&x, h->k, i);
        double *weight = random_weights(h->n, i);
        struct km_assign a = make_assign(test_kern(), NULL, h->n, h->k, h->d);
        struct km_sums s = make_sums(h->k, h->d);

        km_assign_add(&a, &s, &x, weight, &c, 0);
        check_sums(&a, &s, &x, weight);
        km_assign_done(&a);
        km_sums_done(&s);
        km_free(weight);
        km_centers_done(&c);
        km_mat_done(&x);
    }
}

static void check_threads(const struct km_kernels *kern)
{
    for (size_t i = 0; i < SHAPES; i++) {
        const struct shape *h = &shapes[i];
        struct km_mat x = random_rows(h->n, h->d, i);
        struct km_centers c = random_centers(&x, h->k, i);
        double *weight = i % 2 ? random_weights(h->n, i) : NULL;
        struct km_sums first = make_sums(h->k, h->d);
        double first_ssd = 0;

        for (size_t p = 0; p < TEST_THREADS; p++) {
            struct km_pool *pool = make_pool(test_threads[p]);
            struct km_assign a = make_assign(kern, pool, h->n, h->k, h->d);
            struct km_sums s = make_sums(h->k, h->d);
            double ssd;

            km_assign_add(&a, p ? &s : &first, &x, weight, &c, weight == NULL);
            ssd = km_assign_ssd(&a, &x, &c);
            if (p == 0)
                first_ssd = ssd;
            else
                assert_same_bits(s.block, first.block, s.len);
            assert_true(ssd == first_ssd);
            km_assign_done(&a);
            km_sums_done(&s);
            km_pool_close(pool);
        }
        km_sums_done(&first);
        km_free(weight);
        km_centers_done(&c);
        km_mat_done(&x);
    }
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    for (size_t l = 0; km_kernels_all()[l]; l++)
        check_threads(km_kernels_all()[l]);
}

static void the_squared_distances_are_those_of_brute_force(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHAPES; i++) {
        const struct shape *h = &shapes[i];
        struct km_mat x = random_rows(h->n, h->d, i);
        struct km_centers c = random_centers(&x, h->k, i + 1);
        struct km_assign a = make_assign(test_kern(), NULL, h->n, h->k, h->d);
        struct km_sums s = make_sums(h->k, h->d);
        double want = brute_loss(&x, NULL, c.exact, h->k);
        double norm2 = (double)(h->n * h->d);

        km_assign_add(&a, &s, &x, NULL, &c, 1);
        assert_near(km_assign_ssd(&a, &x, &c), want, 1e-6 * want + 1e-12 * norm2);
        assert_near(km_centers_move(&c, &s, 1, NULL), want, 1e-6 * (want + norm2));
        km_assign_done(&a);
        km_sums_done(&s);
        km_centers_done(&c);
        km_mat_done(&x);
    }
}

/* Rows above the 4 MB of a wave, and too many centers for groups. */
static void rows_of_several_waves_count_once_each(void **state)
{
    struct km_mat x = random_rows(7001, 300, 3);
    struct km_centers c = random_centers(&x, 220, 4);
    struct km_assign a = make_assign(test_kern(), NULL, x.n, c.k, x.d);
    struct km_sums s = make_sums(c.k, x.d);
    double want = brute_loss(&x, NULL, c.exact, c.k);

    (void)state;
    km_assign_add(&a, &s, &x, NULL, &c, 1);
    check_sums(&a, &s, &x, NULL);
    assert_near(km_centers_move(&c, &s, 1, NULL), want, 1e-6 * want);
    km_assign_done(&a);
    km_sums_done(&s);
    km_centers_done(&c);
    km_mat_done(&x);
}

/* What the scores lose to cancellation far from the origin, the differences keep. */
static void the_exact_distances_survive_an_offset_of_a_million(void **state)
{
    struct km_mat x = make_mat(100, 3);
    struct km_centers c;
    struct km_assign a = make_assign(test_kern(), NULL, 100, 1, 3);

    (void)state;
    for (size_t i = 0; i < 100; i++)
        for (size_t t = 0; t < 3; t++)
            km_mat_row(&x, i)[t] = 1e6f + (float)(i % 4) * 0.25f;
    c = random_centers(&x, 1, 0);
    assert_near(km_assign_ssd(&a, &x, &c), brute_loss(&x, NULL, c.exact, 1), 1e-9);
    km_assign_done(&a);
    km_centers_done(&c);
    km_mat_done(&x);
}

/* Far from the origin a screen leaves nearly all centers: then the level below labels the rows. */
static void a_screen_that_does_not_pay_is_left_out(void **state)
{
    struct km_mat x = random_rows(700, 60, 4);
    struct km_centers c;

    (void)state;
    for (size_t i = 0; i < x.n; i++)
        for (size_t t = 0; t < x.d; t++)
            km_mat_row(&x, i)[t] += 1e4F;
    c = random_centers(&x, 100, 5);
    for (size_t l = 0; km_kernels_all()[l]; l++) {
        const struct km_kernels *kern = km_kernels_all()[l];
        struct km_assign a, plain;

        if (!kern->plain)
            continue;
        a = make_assign(kern, NULL, x.n, c.k, x.d);
        plain = make_assign(kern->plain, NULL, x.n, c.k, x.d);
        km_assign_rows(&a, &x, &c);
        km_assign_rows(&plain, &x, &c);
        assert_same_bits(a.label, plain.label, x.n);
        assert_same_bits(a.score, plain.score, x.n);
        km_assign_done(&a);
        km_assign_done(&plain);
    }
    km_centers_done(&c);
    km_mat_done(&x);
}

/* Memory for up to max_k centers is enough for any of fewer: what they are packed into does not
 * grow with k. */
static void any_number_of_centers_up_to_the_most_has_room(void **state)
{
    static const size_t most[] = {1, 16, 48, 49, 64, 400, 800, 1713};
    static const size_t width[] = {1, 9, 15, 16, 17, 30, 63, 64, 65, 128, 129, 200};

    (void)state;
    for (size_t l = 0; km_kernels_all()[l]; l++)
        for (size_t w = 0; w < sizeof(width) / sizeof(width[0]); w++)
            for (size_t m = 0; m < sizeof(most) / sizeof(most[0]); m++) {
                size_t d = width[w];
                struct km_mat x = random_rows(20, d, d);
                struct km_assign a = make_assign(km_kernels_all()[l], NULL, x.n, most[m], d);

                for (size_t k = most[m]; k > 0; k = k * 3 / 4) {
                    struct km_centers c = random_centers(&x, k, k);

                    km_assign_rows(&a, &x, &c); /* asserts; under sanitizers it is seen as well */
                    km_centers_done(&c);
                }
                km_assign_done(&a);
                km_mat_done(&x);
            }
}

static void sums_of_several_calls_add_up(void **state)
{
    struct km_mat x = random_rows(700, 20, 1), some;
    struct km_centers c = random_centers(&x, 9, 1);
    struct km_assign a = make_assign(test_kern(), NULL, 700, 9, 20);
    struct km_sums s = make_sums(9, 20);
    double want;

    (void)state;
    for (size_t from = 0; from < 700; from += 100) {
        some = km_mat_view(&x, from, 100);
        km_assign_add(&a, &s, &some, NULL, &c, 1);
    }
    km_assign_rows(&a, &x, &c); /* the labels of all rows, which do not depend on the calls */
    check_sums(&a, &s, &x, NULL);
    some = km_mat_view(&x, 0, 0);
    km_assign_add(&a, &s, &some, NULL, &c, 1); /* no rows add nothing */
    check_sums(&a, &s, &x, NULL);
    want = brute_loss(&x, NULL, c.exact, 9);
    assert_near(km_centers_move(&c, &s, 1, NULL), want, 0.01);
    km_assign_done(&a);
    km_sums_done(&s);
    km_centers_done(&c);
    km_mat_done(&x);
}

static void fewer_centers_and_rows_than_sized_for_are_fine(void **state)
{
    struct km_mat x = random_rows(4000, 20, 1), some = km_mat_view(&x, 0, 3333);
    struct km_centers c = random_centers(&x, 4, 1);
    struct km_assign a = make_assign(test_kern(), NULL, 4000, 25, 20);
    struct km_sums s = make_sums(4, 20);

    (void)state;
    for (int again = 0; again < 3; again++) { /* a second use finds the groups of the first */
        km_sums_clear(&s);
        km_assign_add(&a, &s, &some, NULL, &c, 0);
        check_labels(&a, &some, &c);
        check_sums(&a, &s, &some, NULL);
    }
    km_assign_done(&a);
    km_sums_done(&s);
    km_centers_done(&c);
    km_mat_done(&x);
}

static void every_allocation_may_fail(void **state)
{
    struct km_pool *pool = make_pool(2);
    size_t n = 0;
    int rc;

    (void)state;
    do {
        struct km_assign a;
        struct km_err err = {0};

        km_alloc_fail_at(++n);
        rc = km_assign_init(&a, test_kern(), pool, 5000, 10, 20, &err);
        km_alloc_fail_at(0);
        if (rc) {
            assert_int_equal(rc, KM_E_MEM);
            assert_int_equal(err.code, KM_E_MEM);
            assert_contains(err.msg, "no memory");
        }
        km_assign_done(&a); /* after a failure there is nothing, and that may be said again */
    } while (rc);
    assert_true(n > 60); /* the groups were among them */
    km_pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_and_sums_are_those_of_brute_force),
        cmocka_unit_test(both_ways_of_adding_are_taken),
        cmocka_unit_test(weights_count_rows_more_than_once_or_not_at_all),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(the_squared_distances_are_those_of_brute_force),
        cmocka_unit_test(rows_of_several_waves_count_once_each),
        cmocka_unit_test(the_exact_distances_survive_an_offset_of_a_million),
        cmocka_unit_test(a_screen_that_does_not_pay_is_left_out),
        cmocka_unit_test(any_number_of_centers_up_to_the_most_has_room),
        cmocka_unit_test(sums_of_several_calls_add_up),
        cmocka_unit_test(fewer_centers_and_rows_than_sized_for_are_fine),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
