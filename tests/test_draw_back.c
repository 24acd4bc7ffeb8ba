/* SPDX-License-Identifier: Apache-2.0 */
/* What a sample does not know of a mean, and how far centers go back for it. */
#include "tests/algo_test.h"

#include "algo/draw_back.h"

static double noise_of(const struct km_sample_view *s, double *noise, size_t k)
{
    struct km_err err;
    double excess;

    assert_ok(km_sample_noise(noise, &excess, k, s, &err), err);
    return excess;
}

/* Samples of 20 of 100 rows, again and again: the squared distance of their mean to that of all
 * is, on average, what is expected of it. */
static void noise_is_the_error_of_the_mean(void **state)
{
    enum { ALL = 100, SOME = 20, TRIALS = 3000, D = 3 };
    struct km_mat x = random_rows(ALL, D, 4);
    double mean[D] = {0}, seen = 0, told = 0;
    struct km_rng rng;

    (void)state;
    km_rng_seed(&rng, 6, 't', 0);
    for (size_t i = 0; i < ALL * D; i++)
        mean[i % D] += (double)km_mat_row(&x, i / D)[i % D] / ALL;
    for (int trial = 0; trial < TRIALS; trial++) {
        uint32_t label[SOME] = {0};
        double dist2[SOME], own[D] = {0}, noise, excess;
        float drawn[SOME][D];
        size_t left = SOME;

        for (size_t i = 0; i < ALL && left > 0; i++)
            if (km_rng_unit(&rng) * (double)(ALL - i) < (double)left)
                memcpy(drawn[--left], km_mat_row(&x, i), sizeof(drawn[0]));
        for (size_t i = 0; i < SOME * D; i++)
            own[i % D] += (double)drawn[i / D][i % D] / SOME;
        for (size_t i = 0; i < SOME; i++)
            dist2[i] = brute_dist2(drawn[i], own, D);
        excess = noise_of(&(struct km_sample_view){label, dist2, NULL, SOME, ALL}, &noise, 1);
        assert_near(excess / (noise * ALL), 1, 1e-12);
        told += noise / TRIALS;
        for (size_t t = 0; t < D; t++)
            seen += (own[t] - mean[t]) * (own[t] - mean[t]) / TRIALS;
    }
    assert_near(told / seen, 1, 0.05);
    km_mat_done(&x);
}

/* The formula of the header by hand: rows of probability 1/2 and 1/4, a cluster that is known, one
 * of a row alone, one without rows. */
static void weights_have_their_formula(void **state)
{
    const uint32_t label[] = {0, 0, 1, 1, 2};
    const double dist2[] = {3, 5, 7, 7, 0}, weight[] = {2, 4, 1, 1, 9};
    const struct km_sample_view s = {label, dist2, weight, 5, 17};
    double noise[4], excess = noise_of(&s, noise, 4);
    /* sum of w (w - 1) dist2 over W^2, times what a mean of the same rows costs */
    double want = (2 * 1 * 3 + 4 * 3 * 5) / (36.0 - (4 + 16));

    (void)state;
    assert_near(noise[0], want, 1e-12);
    assert_true(noise[1] == 0);
    assert_true(noise[2] == HUGE_VAL);
    assert_true(noise[3] == 0);
    assert_near(excess, 6 * want * 1.5, 1e-12); /* the one alone as much as the two others */
}

static void a_sample_of_all_rows_has_no_noise(void **state)
{
    const uint32_t label[] = {0, 0, 1};
    const double dist2[] = {3, 5, 0};
    double noise[2];

    (void)state;
    assert_true(noise_of(&(struct km_sample_view){label, dist2, NULL, 3, 3}, noise, 2) == 0);
    assert_true(noise[0] == 0 && noise[1] == 0);
    /* rows alone, which stand for more: nobody knows by how much */
    assert_true(isinf(noise_of(&(struct km_sample_view){label + 2, dist2, NULL, 1, 3}, noise, 2)));
    km_alloc_fail_at(1);
    assert_int_equal(km_sample_noise(noise, noise + 1, 2,
                                     &(struct km_sample_view){label, dist2, NULL, 3, 3},
                                     &(struct km_err){0}),
                     KM_E_MEM);
}

static struct km_centers centers_at(const float (*at)[2], const double *weight, size_t k)
{
    struct km_centers c;
    struct km_err err;

    assert_ok(km_centers_init(&c, k, 2, &err), err);
    for (size_t j = 0; j < k; j++)
        km_centers_set(&c, j, at[j], weight[j]);
    return c;
}

/* Coarse centers at distance 4 of the first, by weight; none is near to the third. */
static void centers_go_towards_the_coarse_mean(void **state)
{
    static const float at[3][2] = {{0, 0}, {100, 0}, {0, 500}};
    static const float coarse_at[3][2] = {{6, 0}, {-2, 0}, {100, 8}};
    static const double weight[3] = {5, 6, 7}, coarse_weight[3] = {3, 1, 9};
    static const struct {
        double noise[3], want[3]; /* x of the first, y of the second and of the third */
    } cases[] = {
        {{0, 0, 9}, {0, 0, 500}},
        {{4, 16, HUGE_VAL}, {1, 2, 500}}, /* 4 of 16 and 16 of 64: a quarter */
        {{16, 64, 1}, {4, 8, 500}},
        {{99, HUGE_VAL, 1}, {4, 8, 500}}, /* at most all the way */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct km_centers c = centers_at(at, weight, 3);
        struct km_centers coarse = centers_at(coarse_at, coarse_weight, 3);
        struct km_err err;

        assert_ok(km_draw_back(&c, cases[i].noise, &coarse, test_kern(), NULL, &err), err);
        assert_near(c.exact[0], cases[i].want[0], 1e-6);
        assert_near(c.exact[1], 0, 1e-6);
        assert_near(c.exact[2], 100, 1e-6);
        assert_near(c.exact[3], cases[i].want[1], 1e-6);
        assert_near(c.exact[5], cases[i].want[2], 1e-6);
        assert_same_bits(c.weight, weight, 3);
        km_centers_done(&c);
        km_centers_done(&coarse);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_is_the_error_of_the_mean),
        cmocka_unit_test(weights_have_their_formula),
        cmocka_unit_test(a_sample_of_all_rows_has_no_noise),
        cmocka_unit_test(centers_go_towards_the_coarse_mean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
