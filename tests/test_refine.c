/* SPDX-License-Identifier: Apache-2.0 */
/* Refining on rows: as good as full Lloyd where all rows are there, no harm where few are. */
#include "tests/algo_test.h"

#include "algo/refine.h"
#include "algo/seed.h"

#define FACTOR 10 /* coarse centers for each center */
#define BATCH  100

/* What comes before refining: a pass over all rows, the shrink, a sample. */
struct setup {
    struct km_centers coarse, best;
    struct km_trial *trials;
    size_t n_trials, k;
    struct km_sample sample;
    uint64_t total_rows;
    struct km_refine_result result;
};

static void pass(struct setup *s, const struct km_mat *x, uint64_t seed)
{
    size_t k = s->coarse.k;
    struct km_assign a;
    struct km_sums sums;
    struct km_err err;
    struct km_rng rng;
    struct km_mat batch = km_mat_view(x, 0, x->n < 2 * k ? x->n : 2 * k);

    assert_ok(km_assign_init(&a, test_kern(), NULL, BATCH, k, x->d, &err), err);
    assert_ok(km_sums_init(&sums, k, x->d, &err), err);
    km_rng_seed(&rng, seed, 'i', 0);
    km_seed_random(&s->coarse, &batch, &rng);
    for (size_t from = 0; from < x->n; from += BATCH) {
        batch = km_mat_view(x, from, x->n - from < BATCH ? x->n - from : BATCH);
        km_assign_add(&a, &sums, &batch, NULL, &s->coarse, 0);
        km_sample_offer(&s->sample, &batch, &a, &s->coarse);
        km_centers_move(&s->coarse, &sums, 1, NULL);
    }
    km_assign_done(&a);
    km_sums_done(&sums);
}

static struct setup make_setup(const struct km_mat *x, size_t k, size_t sample, uint64_t seed)
{
    struct setup s = {.n_trials = 30, .k = k, .total_rows = x->n};
    struct km_sample_size size = {sample, 0, x->d, BATCH, FACTOR * k};
    struct km_shrink_options o = {
        .k = k, .trials = 30, .plusplus = 1, .max_iter = 300, .tol = 1e-4, .seed = seed};
    struct km_err err;

    assert_ok(km_centers_init(&s.coarse, FACTOR * k, x->d, &err), err);
    assert_ok(km_centers_init(&s.best, k, x->d, &err), err);
    assert_ok(km_sample_init(&s.sample, &size, seed, &err), err);
    pass(&s, x, seed);
    assert_ok(km_shrink(&s.trials, &s.coarse, &o, test_kern(), NULL, &err), err);
    return s;
}

static void done_setup(struct setup *s)
{
    km_trials_free(s->trials, s->n_trials);
    km_centers_done(&s->coarse);
    km_centers_done(&s->best);
    km_sample_done(&s->sample);
}

static struct km_refine_options options_of(struct setup *s, double flop)
{
    return (struct km_refine_options){
        .sample = &s->sample, .total_rows = s->total_rows, .coarse = &s->coarse, .flop = flop};
}

static void refine(struct setup *s, double flop, struct km_pool *pool)
{
    struct km_refine_options o = options_of(s, flop);
    struct km_err err;

    assert_ok(km_refine(&s->best, &s->result, s->trials, s->n_trials, &o, test_kern(), pool, &err),
              err);
}

/* The trial that stands if nothing is refined. */
static const struct km_centers *best_trial(const struct setup *s)
{
    size_t best = 0;

    for (size_t t = 1; t < s->n_trials; t++)
        if (s->trials[t].loss < s->trials[best].loss)
            best = t;
    return &s->trials[best].centers;
}

/* Puts rows of the same cluster one behind the other: row i of planted_rows is of cluster i % k. */
static void sort_by_cluster(struct km_mat *x, size_t k)
{
    struct km_mat sorted = make_mat(x->n, x->d);
    size_t n = 0;

    for (size_t j = 0; j < k; j++)
        for (size_t i = j; i < x->n; i += k)
            memcpy(km_mat_row(&sorted, n++), km_mat_row(x, i), x->ld * sizeof(float));
    km_mat_done(x);
    *x = sorted;
}

static void with_all_rows_it_is_as_good_as_ten_full_runs(void **state)
{
    static const struct {
        size_t n, d, k;
        double spread;
    } cases[] = {{600, 4, 5, 0.5}, {1500, 10, 8, 0.7}, {800, 2, 12, 0.3}, {400, 30, 3, 1.5}};

    (void)state;
    for (uint64_t seed = 0; seed < 12; seed++) {
        size_t i = seed % 4;
        struct km_mat x = planted_rows(cases[i].n, cases[i].d, cases[i].k, cases[i].spread, seed);
        struct setup s = make_setup(&x, cases[i].k, x.n, seed);
        double brute = brute_best_of(&x, cases[i].k, 10, seed), loss;

        refine(&s, 10e9, NULL);
        loss = brute_loss(&x, NULL, s.best.exact, cases[i].k);
        assert_at_most(loss, 1.001 * brute);
        assert_int_equal(s.result.rows, x.n);
        done_setup(&s);
        km_mat_done(&x);
    }
}

/* Rows of 30 clusters, the last of which have one in thirty of the rows that the first have. */
static struct km_mat uneven_rows(size_t n, size_t d, uint64_t seed)
{
    struct km_mat x = planted_rows(n, d, 30, 0.5, seed);

    for (size_t i = 0; i < n; i++) {
        size_t j = i % 30;

        for (size_t t = 0; i / 30 % (j + 1) != 0 && t < d; t++)
            km_mat_row(&x, i)[t] = km_mat_row(&x, i - j)[t] + 0.1F * km_mat_row(&x, i)[t];
    }
    return x;
}

static void looks_at_some_of_the_rows_move_centers(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct km_mat x = uneven_rows(12000, 64, seed);
        struct setup s = make_setup(&x, 16, x.n, seed);
        double before = brute_loss(&x, NULL, best_trial(&s)->exact, 16);

        refine(&s, 0.6e9, NULL);
        assert_int_equal(s.result.rows, x.n);
        assert_at_most(brute_loss(&x, NULL, s.best.exact, 16), before);
        done_setup(&s);
        km_mat_done(&x);
    }
}

static void the_result_tells_the_truth(void **state)
{
    struct km_mat x = planted_rows(1000, 5, 6, 0.6, 1);
    struct setup s = make_setup(&x, 6, 700, 1);
    double weight[700], total = 0, before, after;
    size_t n = km_sample_rows(&s.sample);

    (void)state;
    refine(&s, 10e9, NULL);
    assert_in_range(n, 610, 700);
    assert_true(km_sample_weights(&s.sample, n, weight));
    for (size_t i = 0; i < n; i++)
        total += weight[i];
    before = brute_loss(&s.sample.rows.dense, weight, best_trial(&s)->exact, 6) / total;
    after = brute_loss(&s.sample.rows.dense, weight, s.best.exact, 6) / total;
    assert_int_equal(s.result.rows, n);
    assert_in_range(s.result.optimism * 1000, 1001, 1020);
    assert_true(s.result.candidates >= 2 && s.result.candidates <= 30);
    assert_near(s.result.before, before, 1e-6 * before);
    assert_true(s.result.kept);
    assert_near(s.result.after, after, 1e-6 * after);
    assert_at_most(s.result.after, s.result.before);
    done_setup(&s);
    km_mat_done(&x);
}

/* Trials that descend from a first mini-batch unlike the rest miss whole clusters. */
static void trials_with_a_blind_spot_do_not_decide(void **state)
{
    struct km_mat x = planted_rows(3000, 4, 8, 0.3, 21);
    struct setup s = make_setup(&x, 8, 3000, 21);
    double best;

    (void)state;
    for (size_t t = 0; t < s.n_trials; t++)
        for (size_t j = 0; j < 8; j++)
            km_centers_set(&s.trials[t].centers, j, km_mat_row(&x, 0), 1);
    refine(&s, 10e9, NULL);
    best = brute_loss(&x, NULL, s.best.exact, 8);
    assert_at_most(best, 1.001 * brute_best_of(&x, 8, 10, 21));
    done_setup(&s);
    km_mat_done(&x);
}

/* On more rows than the candidates competed on: the last one runs on until nothing moves. */
static void the_result_has_converged_on_all_rows(void **state)
{
    struct km_mat x = planted_rows(4000, 6, 10, 1, 9);
    struct setup s = make_setup(&x, 10, 4000, 9);
    double loss, next;

    (void)state;
    refine(&s, 10e9, NULL);
    loss = brute_loss(&x, NULL, s.best.exact, 10);
    brute_lloyd_step(s.best.exact, &x, NULL, 10);
    next = brute_loss(&x, NULL, s.best.exact, 10);
    assert_at_most(loss, next * (1 + 1e-6));
    done_setup(&s);
    km_mat_done(&x);
}

/* 15 iterations on all rows are kept free; a candidate costs 3 in each round, and each round halves
 * them. One trial and one start from the sample take part in any case. */
static void as_many_candidates_take_part_as_the_budget_allows(void **state)
{
    static const int rounds[] = {0, 0, 2, 3 + 2, 4 + 2, 5 + 3 + 2, 6 + 3 + 2};
    struct km_mat x = planted_rows(1000, 6, 10, 0.9, 3);
    double iteration = 2.0 * 1000 * 10 * 6;

    (void)state;
    for (size_t n = 1; n <= 6; n++) {
        struct setup s = make_setup(&x, 10, 1000, 3);

        refine(&s, (fmax(15, 9 * rounds[n]) + 3 * rounds[n]) * iteration,
               NULL); /* three quarters, at least 15, are for the last */
        assert_int_equal(s.result.candidates, n < 2 ? 2 : n);
        assert_int_equal(s.result.rows, 1000);
        done_setup(&s);
    }
    km_mat_done(&x);
}

/* With more rows than 100 for each center the first cuts are made on few of them, so that more take
 * part. */
static void the_first_cuts_are_made_on_few_rows(void **state)
{
    struct km_mat x = planted_rows(6400, 6, 4, 0.9, 3); /* cuts on 400, 800, 1600, 3200 rows */
    struct setup s = make_setup(&x, 4, 6400, 3);
    double row = 2.0 * 4 * 6;
    double cuts = 9 * 400 + 5 * 800 + 3 * 1600 + 2 * 3200;

    (void)state;
    refine(&s, 4 * 3 * cuts * row, NULL); /* three quarters are for the last */
    assert_int_equal(s.result.candidates, 9);
    assert_int_equal(s.result.rows, 6400);
    done_setup(&s);
    km_mat_done(&x);
}

/* Loss on all rows of what came out, against that of the best trial. */
static double gain_on_all_rows(size_t sample, uint64_t seed)
{
    struct km_mat x = planted_rows(3000, 6, 10, 0.8, seed);
    struct setup s = make_setup(&x, 10, sample, seed);
    double before = brute_loss(&x, NULL, best_trial(&s)->exact, 10), after;

    refine(&s, 10e9, NULL);
    after = brute_loss(&x, NULL, s.best.exact, 10);
    done_setup(&s);
    km_mat_done(&x);
    return after / before;
}

static void a_tiny_sample_does_no_harm(void **state)
{
    static const size_t samples[] = {5, 10, 20, 50, 100};

    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        double mean = 0;

        for (uint64_t seed = 0; seed < 20; seed++)
            mean += gain_on_all_rows(samples[i], seed) / 20;
        if (mean > 1.001)
            fail_msg("%zu rows: %f times the loss before", samples[i], mean);
    }
}

static void a_fair_sample_pays(void **state)
{
    double mean = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        double gain = gain_on_all_rows(1000, seed);

        assert_at_most(gain, 1.002);
        mean += gain / 20;
    }
    assert_at_most(mean, 0.995);
}

/* Loss on all rows, summed over seeds, refined on a sample of all rows; the pass sees them mixed.
 */
static double refined_loss(int sorted, double flop, size_t most_rows)
{
    double total = 0;

    for (uint64_t seed = 0; seed < 10; seed++) {
        struct km_mat x = planted_rows(6000, 4, 8, 0.5, seed);
        struct setup s = make_setup(&x, 8, 6000, seed);

        if (sorted)
            sort_by_cluster(&s.sample.rows.dense, 8);
        refine(&s, flop, NULL);
        assert_in_range(s.result.rows, most_rows - 10, most_rows);
        total += brute_loss(&x, NULL, s.best.exact, 8);
        done_setup(&s);
        km_mat_done(&x);
    }
    return total;
}

/* Rows that all fit are kept in the order of the file, and files are often sorted. */
static void sorted_rows_are_refined_as_well_as_mixed_ones(void **state)
{
    double quarter = 15 * 2.0 * 1500 * 8 * 4; /* operations for 15 iterations on 1,500 rows */

    (void)state;
    assert_at_most(refined_loss(1, quarter, 1500), 1.005 * refined_loss(0, quarter, 1500));
    assert_at_most(refined_loss(1, 10e9, 6000), 1.002 * refined_loss(0, 10e9, 6000));
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    struct km_mat x = planted_rows(4000, 33, 7, 1, 2);
    double first[7 * 33];
    struct km_refine_result first_result;

    (void)state;
    for (size_t p = 0; p < TEST_THREADS; p++) {
        struct setup s = make_setup(&x, 7, 3000, 2);
        struct km_pool *pool = make_pool(test_threads[p]);

        refine(&s, 10e9, pool);
        if (p == 0) {
            memcpy(first, s.best.exact, sizeof(first));
            first_result = s.result;
        }
        assert_same_bits(s.best.exact, first, 7 * 33);
        assert_int_equal(s.result.iterations, first_result.iterations);
        assert_true(s.result.after == first_result.after && s.result.kept == first_result.kept);
        km_pool_close(pool);
        done_setup(&s);
    }
    km_mat_done(&x);
}

static void the_budget_is_kept(void **state)
{
    struct km_mat x = planted_rows(1000, 6, 10, 0.9, 3);

    (void)state;
    for (double flop = 0; flop < 1e10; flop = flop * 3 + 1) {
        struct setup s = make_setup(&x, 10, 1000, 3);
        double iteration, spent;

        refine(&s, flop, NULL);
        assert_in_range(s.result.rows, 20, 1000);
        /* with 1,000 rows or fewer for 10 centers, candidates compete on all rows that are used */
        iteration = 2.0 * (double)s.result.rows * 10 * 6;
        spent = s.result.iterations * iteration;
        assert_at_most(spent, flop + iteration);
        if (flop > 40 * iteration) /* and it is used: an end before means that it converged */
            assert_true(s.result.iterations > 5);
        done_setup(&s);
    }
    km_mat_done(&x);
}

/* Wide rows and few centers have bounds, which have seen all rows when the first looks are at a
 * part of them. */
static void looks_at_a_part_of_the_rows_go_with_bounds(void **state)
{
    struct km_mat x = planted_rows(16000, 64, 40, 0.05, 5);
    double iteration = 2.0 * 16000 * 16 * 64;
    size_t moved = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct setup s = make_setup(&x, 16, 16000, seed);
        struct km_refine_options o = options_of(&s, 16 * iteration);
        struct km_err err;

        o.seed = seed;
        o.coarse = &s.trials[0].centers; /* no looks at coarse ones */
        assert_ok(km_refine(&s.best, &s.result, s.trials, 30, &o, test_kern(), NULL, &err), err);
        assert_true(s.result.after < s.result.before);
        moved += s.result.moved;
        done_setup(&s);
    }
    assert_true(moved > 0);
    km_mat_done(&x);
}

static void the_formula_of_the_budget_holds(void **state)
{
    (void)state;
    assert_near(km_refine_budget(50000.0 * 784, 100), 15e9, 0);
    assert_near(km_refine_budget(1e7 * 784, 100), 0.3 * 2 * 1e7 * 100 * 784, 1);
    assert_near(km_refine_budget(0, 1), 15e9, 0);
}

/* extra_center_factor 1: the coarse centers are the only trial. */
static void a_single_trial_of_all_centers_works(void **state)
{
    struct km_mat x = planted_rows(2000, 5, 6, 0.5, 4);
    struct setup s = make_setup(&x, 6, 2000, 4);
    struct km_centers coarse = random_centers(&x, 6, 4);
    double before, after;

    (void)state;
    km_centers_done(&s.coarse);
    s.coarse = coarse;
    for (size_t t = 1; t < s.n_trials; t++)
        km_centers_done(&s.trials[t].centers);
    s.n_trials = 1;
    km_centers_copy(&s.trials[0].centers, &coarse);
    s.trials[0].loss = 0;
    before = brute_loss(&x, NULL, coarse.exact, 6);
    refine(&s, 10e9, NULL);
    after = brute_loss(&x, NULL, s.best.exact, 6);
    assert_int_equal(s.result.candidates, 11); /* and ten starts from the sample */
    assert_true(s.result.kept);
    assert_at_most(after, before);
    assert_near(s.result.after * 2000, after, 1e-6 * after);
    done_setup(&s);
    km_mat_done(&x);
}

static void one_center_becomes_the_mean(void **state)
{
    struct km_mat x = random_rows(500, 3, 5);
    struct setup s = make_setup(&x, 1, 500, 5);
    double mean[3] = {0};

    (void)state;
    refine(&s, 10e9, NULL);
    for (size_t i = 0; i < 500; i++)
        for (size_t t = 0; t < 3; t++)
            mean[t] += (double)km_mat_row(&x, i)[t] / 500;
    for (size_t t = 0; t < 3; t++)
        assert_near(s.best.exact[t], mean[t], 1e-6);
    done_setup(&s);
    km_mat_done(&x);
}

static void fewer_rows_in_the_sample_than_centers_decide_nothing(void **state)
{
    struct km_mat x = planted_rows(2000, 5, 10, 0.5, 6);

    (void)state;
    for (size_t sample = 1; sample <= 10; sample++) {
        struct setup s = make_setup(&x, 10, sample, 6);
        double loss = brute_loss(&s.coarse.c, s.coarse.weight, best_trial(&s)->exact, 10);

        refine(&s, 10e9, NULL);
        assert_false(s.result.kept); /* the best trial stands, after looks at the coarse centers */
        assert_at_most(brute_loss(&s.coarse.c, s.coarse.weight, s.best.exact, 10),
                       loss * (1 + 1e-9));
        done_setup(&s);
    }
    km_mat_done(&x);
}

static void rows_that_are_all_equal_stay_where_they_are(void **state)
{
    struct km_mat x = make_mat(300, 4);
    struct setup s;

    (void)state;
    for (size_t i = 0; i < 300 * x.ld; i++)
        x.v[i] = 2.5f;
    s = make_setup(&x, 3, 200, 7);
    refine(&s, 10e9, NULL);
    for (size_t v = 0; v < 3 * 4; v++)
        assert_near(s.best.exact[v], 2.5, 1e-6);
    assert_near(s.result.after, 0, 1e-9);
    done_setup(&s);
    km_mat_done(&x);
}

/* From 64 features on candidates keep bounds. */
static void rows_of_many_features_are_refined_as_well(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct km_mat x = planted_rows(900, 70, 6, 1.5, seed);
        struct setup s = make_setup(&x, 6, x.n, seed);
        double loss;

        refine(&s, 10e9, NULL);
        loss = brute_loss(&x, NULL, s.best.exact, 6);
        assert_at_most(loss, 1.001 * brute_best_of(&x, 6, 10, seed));
        assert_near(s.result.after * 900, loss, 1e-6 * loss);
        done_setup(&s);
        km_mat_done(&x);
    }
}

static void check_allocations(size_t d)
{
    struct km_mat x = planted_rows(1000, d, 5, 0.5, 8);
    struct setup s = make_setup(&x, 5, 800, 8);
    struct km_refine_options o = options_of(&s, 10e9);
    size_t n = 0;
    int rc;

    do {
        struct km_err err = {0};

        km_alloc_fail_at(++n);
        rc = km_refine(&s.best, &s.result, s.trials, s.n_trials, &o, test_kern(), NULL, &err);
        km_alloc_fail_at(0);
        if (rc) {
            assert_int_equal(rc, KM_E_MEM);
            assert_int_equal(err.code, KM_E_MEM);
            assert_contains(err.msg, "no memory");
        }
    } while (rc);
    assert_true(n > 10);
    done_setup(&s);
    km_mat_done(&x);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    check_allocations(4);
    check_allocations(64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_all_rows_it_is_as_good_as_ten_full_runs),
        cmocka_unit_test(looks_at_some_of_the_rows_move_centers),
        cmocka_unit_test(the_result_tells_the_truth),
        cmocka_unit_test(trials_with_a_blind_spot_do_not_decide),
        cmocka_unit_test(the_result_has_converged_on_all_rows),
        cmocka_unit_test(as_many_candidates_take_part_as_the_budget_allows),
        cmocka_unit_test(the_first_cuts_are_made_on_few_rows),
        cmocka_unit_test(a_tiny_sample_does_no_harm),
        cmocka_unit_test(a_fair_sample_pays),
        cmocka_unit_test(sorted_rows_are_refined_as_well_as_mixed_ones),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(the_budget_is_kept),
        cmocka_unit_test(looks_at_a_part_of_the_rows_go_with_bounds),
        cmocka_unit_test(the_formula_of_the_budget_holds),
        cmocka_unit_test(a_single_trial_of_all_centers_works),
        cmocka_unit_test(one_center_becomes_the_mean),
        cmocka_unit_test(fewer_rows_in_the_sample_than_centers_decide_nothing),
        cmocka_unit_test(rows_that_are_all_equal_stay_where_they_are),
        cmocka_unit_test(rows_of_many_features_are_refined_as_well),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
