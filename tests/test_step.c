/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of step against brute force, and against each other. */
#include "tests/algo_test.h"

#include "algo/step.h"

enum { ROWS = 700, DIM = 70, K = 9 };

enum kind { DENSE, SPARSE, BOUNDED, KINDS };

/* The same rows in both shapes, half of their values 0; and a step of each kind. */
struct setup {
    struct km_mat x;
    struct km_csr s;
    double *norm2, *weight;
    struct km_centers c;
    struct km_step *step[KINDS];
};

static struct km_rows rows_of(const struct setup *s, int kind, int weighted)
{
    struct km_rows r = {.weight = weighted ? s->weight : NULL};

    if (kind == SPARSE)
        r.sparse = s->s;
    else
        r.dense = s->x;
    return r;
}

static struct setup make_setup(struct km_pool *pool)
{
    struct setup s = {.x = random_rows(ROWS, DIM, 4)};
    struct km_err err;

    for (size_t i = 0; i < ROWS; i++)
        for (size_t t = 0; t < DIM; t++)
            if ((i * i + t) % 2)
                km_mat_row(&s.x, i)[t] = 0;
    s.s = sparse_of(&s.x);
    s.c = random_centers(&s.x, K, 6);
    s.norm2 = km_alloc(ROWS, sizeof(*s.norm2));
    s.weight = km_alloc(ROWS, sizeof(*s.weight));
    assert_true(s.norm2 && s.weight);
    for (size_t i = 0; i < ROWS; i++)
        s.weight[i] = (double)(i % 4) / 2;
    for (int kind = 0; kind < BOUNDED; kind++) {
        struct km_rows rows = rows_of(&s, kind, 0);
        struct km_step_size size = km_step_size_of(&rows, K);

        assert_true(size.rows == ROWS && size.k == K && size.d == DIM && size.has_sums);
        assert_ok(km_step_new(&s.step[kind], &size, test_kern(), pool, &err), err);
        km_points_norms(s.norm2, &rows, 0, ROWS, test_kern());
    }
    assert_ok(km_step_bounded(&s.step[BOUNDED], s.step[DENSE], K, &err), err);
    assert_ok(km_step_reserve(s.step[BOUNDED], ROWS, &err), err);
    return s;
}

static void done_setup(struct setup *s)
{
    for (int kind = KINDS; kind-- > 0;)
        km_step_free(s->step[kind]);
    km_centers_done(&s->c);
    km_free(s->norm2);
    km_free(s->weight);
    km_mat_done(&s->x);
    km_csr_done(&s->s);
}

static void assert_labels(const struct setup *s, const uint32_t *label)
{
    for (size_t i = 0; i < ROWS; i++)
        assert_int_equal(label[i], brute_nearest(km_mat_row(&s->x, i), s->c.exact, K, DIM));
}

/* Sums of the rows as they are labelled, each `times` over. */
static void assert_sums(const struct setup *s, const struct km_sums *sums, const uint32_t *label,
                        int weighted, double times)
{
    double *sum = km_alloc(K * DIM, sizeof(*sum)), count[K] = {0};

    assert_non_null(sum);
    for (size_t i = 0; i < ROWS; i++) {
        double w = times * (weighted ? s->weight[i] : 1);

        count[label[i]] += w;
        for (size_t t = 0; t < DIM; t++)
            sum[label[i] * DIM + t] += w * (double)km_mat_row(&s->x, i)[t];
    }
    for (size_t j = 0; j < K; j++)
        assert_near(sums->count[j], count[j], 1e-9);
    for (size_t v = 0; v < K * DIM; v++)
        assert_near(sums->sum[v], sum[v], 1e-9);
    km_free(sum);
}

/* Two iterations, so that bounds come to be used. */
static void every_kind_gives_the_labels_and_sums_of_brute_force(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 2; threads++)
        for (int weighted = 0; weighted < 2; weighted++)
            for (int kind = 0; kind < KINDS; kind++) {
                struct km_pool *pool = make_pool(threads);
                struct setup s = make_setup(pool);
                struct km_rows rows = rows_of(&s, kind, weighted);

                for (int round = 0; round < 2; round++) {
                    const struct km_sums *sums = km_step_sum(s.step[kind], &rows, s.norm2, &s.c);
                    const uint32_t *label = km_step_labels(s.step[kind]);

                    assert_labels(&s, label);
                    assert_sums(&s, sums, label, weighted, 1);
                    assert_int_equal(km_step_rows(s.step[kind]), ROWS);
                    assert_true(kind == BOUNDED && round ? km_step_work(s.step[kind]) <= 1
                                                         : km_step_work(s.step[kind]) == 1);
                    km_centers_to_means(&s.c, sums);
                }
                done_setup(&s);
                km_pool_close(pool);
            }
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    static double first[KINDS][K * DIM];

    (void)state;
    for (size_t p = 0; p < TEST_THREADS; p++) {
        struct km_pool *pool = make_pool(test_threads[p]);
        struct setup s = make_setup(pool);

        for (int kind = 0; kind < KINDS; kind++) {
            struct km_rows rows = rows_of(&s, kind, 1);
            const struct km_sums *sums = km_step_sum(s.step[kind], &rows, s.norm2, &s.c);

            if (p == 0)
                memcpy(first[kind], sums->sum, sizeof(first[kind]));
            assert_same_bits(sums->sum, first[kind], K * DIM);
        }
        done_setup(&s);
        km_pool_close(pool);
    }
}

/* Block after block, with |x|^2. */
static void rows_of_several_calls_add_up(void **state)
{
    struct setup s = make_setup(NULL);
    double norm2 = 0;

    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        norm2 += s.norm2[i];
    for (int kind = 0; kind < BOUNDED; kind++) {
        struct km_rows rows = rows_of(&s, kind, 0);
        struct km_sums sums;
        struct km_err err;

        assert_ok(km_sums_init(&sums, K, DIM, &err), err);
        for (size_t from = 0; from < ROWS; from += 233) {
            size_t n = ROWS - from < 233 ? ROWS - from : 233;
            struct km_rows some = km_rows_view(&rows, from, n);

            km_step_add(s.step[kind], &sums, &some, &s.c, 1);
            assert_int_equal(km_step_rows(s.step[kind]), n);
        }
        km_step_add(s.step[kind], &sums, &rows, &s.c, 0);
        assert_labels(&s, km_step_labels(s.step[kind]));
        assert_sums(&s, &sums, km_step_labels(s.step[kind]), 0, 2);
        assert_true(*sums.rows == 2 * ROWS);
        assert_near(*sums.ssd, norm2, 1e-5 * norm2);
        km_sums_done(&sums);
    }
    done_setup(&s);
}

/* Distances and loss are those of the labels, where the centers have moved since. */
static void distances_and_loss_follow_the_labels(void **state)
{
    struct setup s = make_setup(NULL);
    double dist2[ROWS];

    (void)state;
    for (int weighted = 0; weighted < 2; weighted++)
        for (int kind = 0; kind < KINDS; kind++) {
            struct km_rows rows = rows_of(&s, kind, weighted);
            double total = 0;

            km_step_label(s.step[kind], &rows, s.norm2, &s.c);
            km_centers_scale(&s.c, -1);
            km_step_dist2(s.step[kind], dist2, &rows, &s.c);
            for (size_t i = 0; i < ROWS; i++) {
                size_t j = km_step_labels(s.step[kind])[i];
                double want = brute_dist2(km_mat_row(&s.x, i), s.c.exact + j * DIM, DIM);

                assert_near(dist2[i], want, 1e-9);
                total += km_rows_weight(&rows, i) * want;
            }
            assert_near(km_step_loss(s.step[kind], &rows, &s.c), total, 1e-9 * total);
        }
    done_setup(&s);
}

static void starts_are_different_rows(void **state)
{
    struct setup s = make_setup(NULL);

    (void)state;
    for (int greedy = 0; greedy < 2; greedy++)
        for (int kind = 0; kind < BOUNDED; kind++) {
            struct km_rows rows = rows_of(&s, kind, 1);
            size_t found[K];
            struct km_centers c;
            struct km_seed_start start = {.c = &c};
            struct km_err err;

            km_rng_seed(&start.rng, 3, 't', 0);
            assert_ok(km_centers_init(&c, K, DIM, &err), err);
            assert_ok(km_step_seed(s.step[kind], &start, 1, &rows, greedy, &err), err);
            for (size_t j = 0; j < K; j++) {
                for (found[j] = 0; found[j] < ROWS; found[j]++)
                    if (brute_dist2(km_mat_row(&s.x, found[j]), c.exact + j * DIM, DIM) == 0)
                        break;
                assert_true(found[j] < ROWS && s.weight[found[j]] > 0);
                for (size_t i = 0; i < j; i++)
                    assert_true(found[i] != found[j]);
            }
            km_centers_done(&c);
        }
    done_setup(&s);
}

static void bounds_pay_for_dense_rows_alone(void **state)
{
    struct setup s = make_setup(NULL);

    (void)state;
    assert_true(km_step_bounds_pay(s.step[DENSE], K));
    assert_false(km_step_bounds_pay(s.step[DENSE], DIM));
    assert_false(km_step_bounds_pay(s.step[SPARSE], K));
    done_setup(&s);
}

static void a_step_is_counted_by_values_and_forms_of_centers(void **state)
{
    struct setup s = make_setup(NULL);
    struct km_rows dense = rows_of(&s, DENSE, 0), sparse = rows_of(&s, SPARSE, 0);

    (void)state;
    assert_true(km_step_cells(&dense) == ROWS * DIM);
    assert_true(km_step_cells(&sparse) == (double)s.s.nnz + 8.0 * DIM);
    done_setup(&s);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct km_step_size size = {500, K, DIM, kind == SPARSE, 1};
        size_t n = 0;
        int rc;

        do {
            struct km_step *step, *bounded = NULL;
            struct km_err err = {0};

            km_alloc_fail_at(++n);
            rc = km_step_new(&step, &size, test_kern(), NULL, &err);
            if (rc == KM_OK && kind == BOUNDED)
                rc = km_step_bounded(&bounded, step, K, &err);
            if (rc == KM_OK && kind == BOUNDED)
                rc = km_step_reserve(bounded, 500, &err);
            km_alloc_fail_at(0);
            assert_true(rc == KM_OK || (rc == KM_E_MEM && err.code == KM_E_MEM));
            km_step_free(bounded);
            km_step_free(step);
        } while (rc);
        assert_true(n > 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_gives_the_labels_and_sums_of_brute_force),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(rows_of_several_calls_add_up),
        cmocka_unit_test(distances_and_loss_follow_the_labels),
        cmocka_unit_test(starts_are_different_rows),
        cmocka_unit_test(bounds_pay_for_dense_rows_alone),
        cmocka_unit_test(a_step_is_counted_by_values_and_forms_of_centers),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
