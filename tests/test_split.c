/* SPDX-License-Identifier: Apache-2.0 */
/* Two centers in place of one: what they gain is what the two halves of the rows say. */
#include "tests/algo_test.h"

#include "algo/split.h"

#define N 120
#define D 4

/* A split of the even rows of x, whose center is their mean. */
struct setup {
    struct km_points p;
    struct km_split s;
    uint32_t row[N / 2];
    double dist2[N], memory[6 * D + KM_SPLIT_ROWS];
};

static void set_up(struct setup *u, const struct km_rows *rows, const struct km_mat *x, size_t n)
{
    double mean[D] = {0}, total = 0;

    *u = (struct setup){.p = km_points_of(rows, test_kern())};
    for (size_t m = 0; m < n; m++) {
        double w = km_rows_weight(rows, 2 * m);

        u->row[m] = (uint32_t)(2 * m);
        total += w;
        for (size_t t = 0; t < D; t++)
            mean[t] += w * (double)km_mat_row(x, 2 * m)[t];
    }
    for (size_t t = 0; t < D; t++)
        mean[t] /= total;
    for (size_t i = 0; i < N; i++) /* rows that are not split must not count */
        u->dist2[i] = i % 2 ? (double)NAN : brute_dist2(km_mat_row(x, i), mean, D);
    u->s = (struct km_split){.kern = test_kern(),
                             .p = &u->p,
                             .d = D,
                             .row = u->row,
                             .n = n,
                             .dist2 = u->dist2,
                             .memory = u->memory};
}

static double gain_of(struct setup *u, uint64_t seed)
{
    struct km_rng rng;

    km_rng_seed(&rng, seed, 't', 0);
    return km_split(&u->s, &rng);
}

/* Loss of the rows that are split, against the center they have or the two best. */
static double loss(const struct setup *u, const struct km_mat *x, int split)
{
    double total = 0;

    for (size_t m = 0; m < u->s.n; m++) {
        const float *row = km_mat_row(x, u->row[m]);
        double w = km_points_weight(&u->p, u->row[m]);

        total +=
            w * (split ? fmin(brute_dist2(row, u->s.best[0], D), brute_dist2(row, u->s.best[1], D))
                       : u->dist2[u->row[m]]);
    }
    return total;
}

/* Even rows are of two clusters far apart, in turn; the odd ones are elsewhere. */
static struct km_mat two_clusters(void)
{
    struct km_mat x = random_rows(N, D, 7);

    for (size_t i = 0; i < N; i++)
        for (size_t t = 0; t < D; t++)
            km_mat_row(&x, i)[t] += i % 2 ? 1e6F : i % 4 ? 50 : -50;
    return x;
}

static void two_clusters_are_found(void **state)
{
    struct km_mat x = two_clusters();
    struct km_csr csr = sparse_of(&x);
    double weight[N];

    (void)state;
    for (size_t i = 0; i < N; i++)
        weight[i] = 1 + (double)(i % 3);
    for (int sparse = 0; sparse < 2; sparse++)
        for (int weighted = 0; weighted < 2; weighted++)
            for (uint64_t seed = 0; seed < 5; seed++) {
                struct km_rows rows = sparse ? km_rows_of_csr(&csr) : km_rows_of_mat(&x);
                struct setup u;
                double gain;

                rows.weight = weighted ? weight : NULL;
                set_up(&u, &rows, &x, N / 2);
                gain = gain_of(&u, seed);
                assert_at_most(0.9 * loss(&u, &x, 0), gain); /* nearly all of it was between them */
                /* after the last iteration, centers are means: no worse than what was told */
                assert_near((loss(&u, &x, 0) - loss(&u, &x, 1)) / gain, 1, 1e-3);
                for (int h = 0; h < 2; h++)
                    for (size_t t = 0; t < D; t++)
                        assert_near(fabs(u.s.best[h][t]), 50, 1);
                assert_true(u.s.best[0][0] * u.s.best[1][0] < 0);
            }
    km_mat_done(&x);
    km_csr_done(&csr);
}

static void equal_rows_and_single_rows_gain_nothing(void **state)
{
    struct km_mat x = make_mat(N, D);
    struct km_rows rows = km_rows_of_mat(&x);
    struct setup u;

    (void)state;
    for (size_t n = 1; n <= N / 2; n += n < 3 ? 1 : N / 2 - 3) {
        set_up(&u, &rows, &x, n);
        assert_true(gain_of(&u, n) == 0);
    }
    km_mat_done(&x);
}

static void two_rows_get_a_center_each(void **state)
{
    struct km_mat x = random_rows(N, D, 8);
    struct km_rows rows = km_rows_of_mat(&x);
    struct setup u;

    (void)state;
    set_up(&u, &rows, &x, 2);
    assert_near(gain_of(&u, 1) / loss(&u, &x, 0), 1, 1e-12);
    assert_true(loss(&u, &x, 1) == 0);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_clusters_are_found),
        cmocka_unit_test(equal_rows_and_single_rows_gain_nothing),
        cmocka_unit_test(two_rows_get_a_center_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
