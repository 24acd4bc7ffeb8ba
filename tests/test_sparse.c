/* SPDX-License-Identifier: Apache-2.0 */
/* Sparse rows: kernels against the specification, distances and sums, the sample. */
#include "tests/sparse_help.h"

#include "algo/assign.h"
#include "algo/sample.h"
#include "algo/sparse_centers.h"

static void check_level(const struct km_kernels *kern, const struct km_csr *s,
                        const struct km_lanes *lanes)
{
    uint32_t label[64], expected[64];
    float score[64], best[64], second[64], next[64];

    assert_true(s->n <= 64);
    for (size_t i = 0; i < s->n; i++) {
        label[i] = expected[i] = 0;
        score[i] = best[i] = second[i] = next[i] = INFINITY;
    }
    for (size_t p = 0; p < km_lanes_panels(lanes->k); p++) {
        kern->sparse_panel(label, score, second, s, lanes, p);
        km_kernels_generic.sparse_panel(expected, best, next, s, lanes, p);
    }
    for (size_t i = 0; i < s->n; i++) {
        double size = 1 + fabs((double)best[i]) + km_csr_norm2(s, i);

        assert_near((double)score[i], (double)best[i], 1e-5 * size);
        if (lanes->k > 1)
            assert_near((double)second[i], (double)next[i], 1e-5 * (size + fabs((double)next[i])));
        if (label[i] != expected[i]) { /* only where two centers are as near */
            struct km_csr row = km_csr_view(s, i, 1);
            size_t j = label[i], p = j / KM_LANES, width = km_lanes_width(lanes->k, p);
            double dot = 0;

            assert_true(j < lanes->k);
            for (size_t e = row.at[0]; e < row.at[0] + row.len[0]; e++)
                dot += (double)row.val[e] *
                       (double)km_lanes_panel(lanes, p)[row.col[e] * width + j % KM_LANES];
            assert_near((double)lanes->half[j] + (double)lanes->scale[j] * dot, (double)best[i],
                        1e-5 * size);
        }
    }
}

static void every_level_finds_the_nearest_center_of_sparse_rows(void **state)
{
    static const size_t more[] = {127, 128, 129, 144, 255, 256, 257, 300, 1000};
    const struct km_kernels *const *all = km_kernels_all();
    size_t checked = 0;

    (void)state;
    for (size_t c = 1; c <= 70 + sizeof(more) / sizeof(*more); c++) {
        size_t k = c <= 70 ? c : more[c - 71], d = c % 3 == 0 ? 5 : 90;
        struct km_mat x = holes(40, d, (double)(c % 5) * 0.2 + 0.05, c);
        struct km_csr s = sparse_of(&x);
        struct km_centers centers = random_centers(&x, k, c);
        struct km_lanes lanes;
        struct km_err err;

        assert_ok(km_lanes_init(&lanes, k, d, &err), err);
        km_lanes_fill(&lanes, &centers, NULL);
        for (size_t j = 0; j < k; j += 2) { /* a sum in place of a mean */
            for (size_t t = 0; t < d; t++)
                *km_lanes_at(&lanes, j, t) *= 3;
            lanes.scale[j] /= 3;
        }
        for (size_t l = 0; all[l]; l++, checked++)
            check_level(all[l], &s, &lanes);
        km_lanes_done(&lanes);
        km_centers_done(&centers);
        km_csr_done(&s);
        km_mat_done(&x);
    }
    assert_true(checked >= 79 * 2);
}

static void columns_beyond_100_000_are_found(void **state)
{
    const struct km_kernels *const *all = km_kernels_all();
    struct km_csr s;
    struct km_lanes lanes;
    struct km_err err;

    (void)state;
    for (size_t l = 0; all[l]; l++) {
        uint32_t label[2] = {0, 0};
        float score[2] = {INFINITY, INFINITY}, second[2] = {INFINITY, INFINITY};

        assert_ok(km_csr_init(&s, 2, 2, 200000, &err), err);
        assert_ok(km_lanes_init(&lanes, 40, 200000, &err), err);
        s.n = 2;
        s.at[1] = s.len[0] = s.len[1] = 1;
        s.col[0] = 199999;
        s.col[1] = 100001;
        s.val[0] = s.val[1] = 1;
        for (size_t j = 0; j < 40; j++)
            lanes.scale[j] = -1;
        *km_lanes_at(&lanes, 33, 199999) = 1;
        *km_lanes_at(&lanes, 39, 100001) = 1;
        all[l]->sparse_panel(label, score, second, &s, &lanes, 0);
        assert_int_equal(label[0], 33);
        assert_int_equal(label[1], 39);
        km_csr_done(&s);
        km_lanes_done(&lanes);
    }
}

static void equal_centers_give_the_lowest_at_every_level(void **state)
{
    const struct km_kernels *const *all = km_kernels_all();
    struct km_mat x = holes(20, 30, 0.3, 5);
    struct km_csr s;
    struct km_err err;
    struct km_centers c;
    struct km_lanes lanes;
    uint32_t label[20] = {0};
    float score[20], second[20];

    (void)state;
    for (size_t i = 0; i < 20; i++) /* whole numbers: sums are exact in whatever order */
        for (size_t t = 0; t < 30; t++)
            km_mat_row(&x, i)[t] = rintf(3 * km_mat_row(&x, i)[t]);
    s = sparse_of(&x);
    assert_ok(km_centers_init(&c, 300, 30, &err), err);
    for (size_t j = 0; j < 300; j++)
        km_centers_set(&c, j, km_mat_row(&x, 0), 1);
    assert_ok(km_lanes_init(&lanes, 300, 30, &err), err);
    km_lanes_fill(&lanes, &c, NULL);
    for (size_t l = 0; all[l]; l++) {
        for (size_t i = 0; i < 20; i++)
            score[i] = second[i] = INFINITY;
        for (size_t p = 0; p < km_lanes_panels(300); p++)
            all[l]->sparse_panel(label, score, second, &s, &lanes, p);
        for (size_t i = 0; i < 20; i++)
            assert_int_equal(label[i], 0);
    }
    km_lanes_done(&lanes);
    km_centers_done(&c);
    km_csr_done(&s);
    km_mat_done(&x);
}

static void distances_and_sums_by_dense_centers_are_those_of_dense_rows(void **state)
{
    struct km_mat x = holes(500, 80, 0.1, 8);
    struct km_csr s = sparse_of(&x);
    struct km_centers c = random_centers(&x, 21, 8);
    struct km_sparse step;
    struct km_sums sums;
    struct km_err err;
    double total = 0;

    (void)state;
    assert_ok(km_sparse_init(&step, km_kernels_all()[0], NULL, 500, 21, 80, &err), err);
    assert_ok(km_sums_init(&sums, 21, 80, &err), err);
    km_sparse_add(&step, &sums, &s, NULL, &c);
    assert_near(km_sparse_ssd(&step, &s, &c), brute_loss(&x, NULL, c.exact, 21), 1e-6);
    for (size_t i = 0; i < 500; i++) {
        assert_near(step.dist2[i], brute_dist2(km_mat_row(&x, i), c.exact + step.label[i] * 80, 80),
                    1e-9);
        for (size_t t = 0; t < 80; t++)
            sums.sum[step.label[i] * 80 + t] -= (double)km_mat_row(&x, i)[t];
        sums.count[step.label[i]]--;
    }
    for (size_t i = 0; i < (size_t)21 * 80; i++)
        total += fabs(sums.sum[i]);
    for (size_t j = 0; j < 21; j++)
        total += fabs(sums.count[j]);
    assert_near(total, 0, 1e-9);
    km_sums_done(&sums);
    km_sparse_done(&step);
    km_centers_done(&c);
    km_csr_done(&s);
    km_mat_done(&x);
}

/* Centers of a pass that stay where they are label rows, which are offered; *total gets the weights
 * of those kept. */
static void sample_once(double *total, const struct km_csr *s, size_t values, uint64_t seed)
{
    struct km_sample_size size = {40, values, s->d, 50, 3};
    struct km_sparse_centers c;
    struct km_sparse step;
    struct km_sample sample;
    struct km_err err;
    double weight[40];

    assert_ok(km_sample_init(&sample, &size, seed, &err), err);
    assert_ok(km_sparse_init(&step, test_kern(), NULL, 50, 3, 0, &err), err);
    assert_ok(km_sparse_centers_init(&c, 3, s->d, &err), err);
    km_sparse_seed_evenly(&c, s);
    for (size_t from = 0; from < s->n; from += 50) {
        struct km_csr view = km_csr_view(s, from, 50);

        km_sparse_centers_label(&c, &step, &view);
        for (size_t i = 0; i < 50; i++) {
            double dist2 = km_sparse_dist2(&step, &view, i, step.label[i], &c.lanes);

            assert_true(dist2 <= (double)km_sparse_most_dist2(&step, &view, i));
        }
        km_sample_offer_sparse(&sample, &view, &step, &c);
    }
    assert_in_range(sample.rows.sparse.n, values < 1000 ? 12 : 30, 40);
    assert_true(sample.rows.sparse.nnz <= values);
    assert_true(km_sample_weights(&sample, sample.rows.sparse.n, weight));
    for (size_t i = 0; i < sample.rows.sparse.n; i++)
        total[(size_t)sample.rows.sparse.val[sample.rows.sparse.at[i]] - 1] += weight[i];
    km_sample_done(&sample);
    km_sparse_centers_done(&c);
    km_sparse_done(&step);
}

static void weights_of_a_sample_are_what_rows_stand_for(void **state)
{
    double total[300] = {0}, all = 0, samples = 4000;
    struct km_mat x = holes(300, 4, 1, 2);
    struct km_csr s;

    (void)state;
    for (size_t i = 0; i < 300; i++)
        km_mat_row(&x, i)[0] = (float)i + 1; /* tells which row it is */
    s = sparse_of(&x);
    for (uint64_t seed = 0; seed < (uint64_t)samples; seed++)
        sample_once(total, &s, seed % 2 ? 1000 : 100, seed);
    for (size_t i = 0; i < 300; i++) {
        assert_near(total[i] / samples, 1, 0.35);
        all += total[i] / samples / 300;
    }
    assert_near(all, 1, 0.01);
    km_csr_done(&s);
    km_mat_done(&x);
}

/* A sample of a handful of rows, of which each new one needs several to go. */
static void rows_as_wide_as_the_room_come_to_an_end(void **state)
{
    struct km_mat x = holes(200, 64, 1, 3);
    struct km_csr s = sparse_of(&x);
    struct km_sample_size size = {40, 0, 64, 50, 3};
    struct km_sparse_centers c;
    struct km_sparse step;
    struct km_err err;

    (void)state;
    assert_ok(km_sparse_init(&step, test_kern(), NULL, 50, 3, 0, &err), err);
    assert_ok(km_sparse_centers_init(&c, 3, 64, &err), err);
    km_sparse_seed_evenly(&c, &s);
    for (size.values = 64; size.values < 700; size.values += 21) {
        struct km_sample sample;

        assert_ok(km_sample_init(&sample, &size, size.values, &err), err);
        for (size_t from = 0; from < 200; from += 50) {
            struct km_csr view = km_csr_view(&s, from, 50);

            km_sparse_centers_label(&c, &step, &view);
            km_sample_offer_sparse(&sample, &view, &step, &c);
        }
        assert_true(sample.rows.sparse.nnz <= size.values);
        km_sample_done(&sample);
    }
    km_sparse_centers_done(&c);
    km_sparse_done(&step);
    km_csr_done(&s);
    km_mat_done(&x);
}

/* Three rows far away, and one of them is where a center is, which nothing has moved yet. */
static void far_rows_that_a_center_was_made_of_are_there(void **state)
{
    struct km_mat x = random_rows(4000, 3, 2);
    struct km_sample_size size = {100, 300, 3, 400, 20};
    struct km_csr s;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        km_mat_row(&x, 200 * i)[0] += 1e4F;
    s = sparse_of(&x);
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct km_sparse_centers c;
        struct km_sparse step;
        struct km_sample sample;
        struct km_err err;
        size_t found = 0;

        assert_ok(km_sample_init(&sample, &size, seed, &err), err);
        assert_ok(km_sparse_init(&step, test_kern(), NULL, 400, 20, 0, &err), err);
        assert_ok(km_sparse_centers_init(&c, 20, 3, &err), err);
        km_sparse_seed_evenly(&c, &s); /* rows 0, 200, 400 ... */
        for (size_t from = 0; from < s.n; from += 400) {
            struct km_csr view = km_csr_view(&s, from, 400);

            km_sparse_centers_label(&c, &step, &view);
            km_sample_offer_sparse(&sample, &view, &step, &c);
        }
        for (size_t i = 0; i < sample.rows.sparse.n; i++)
            found += sample.rows.sparse.val[sample.rows.sparse.at[i]] > 5e3F;
        assert_int_equal(found, 3);
        km_sample_done(&sample);
        km_sparse_centers_done(&c);
        km_sparse_done(&step);
    }
    km_csr_done(&s);
    km_mat_done(&x);
}

static void weights_count_rows_several_times(void **state)
{
    struct km_mat x = holes(200, 30, 0.2, 9);
    struct km_csr s = sparse_of(&x);
    struct km_centers c = random_centers(&x, 6, 4);
    struct km_sparse step;
    struct km_sums sums;
    double weight[200], sum[6 * 30] = {0}, count[6] = {0};
    struct km_err err;

    (void)state;
    assert_ok(km_sparse_init(&step, test_kern(), NULL, 200, 6, 30, &err), err);
    assert_ok(km_sums_init(&sums, 6, 30, &err), err);
    for (size_t i = 0; i < 200; i++)
        weight[i] = 1 + (double)(i % 5) / 2;
    km_sparse_add(&step, &sums, &s, weight, &c);
    for (size_t i = 0; i < 200; i++) {
        count[step.label[i]] += weight[i];
        for (size_t t = 0; t < 30; t++)
            sum[step.label[i] * 30 + t] += weight[i] * (double)km_mat_row(&x, i)[t];
    }
    for (size_t j = 0; j < 6; j++)
        assert_near(sums.count[j], count[j], 1e-9);
    for (size_t v = 0; v < 6 * 30; v++)
        assert_near(sums.sum[v], sum[v], 1e-9);
    km_sums_done(&sums);
    km_sparse_done(&step);
    km_centers_done(&c);
    km_csr_done(&s);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_finds_the_nearest_center_of_sparse_rows),
        cmocka_unit_test(columns_beyond_100_000_are_found),
        cmocka_unit_test(equal_centers_give_the_lowest_at_every_level),
        cmocka_unit_test(distances_and_sums_by_dense_centers_are_those_of_dense_rows),
        cmocka_unit_test(weights_of_a_sample_are_what_rows_stand_for),
        cmocka_unit_test(rows_as_wide_as_the_room_come_to_an_end),
        cmocka_unit_test(far_rows_that_a_center_was_made_of_are_there),
        cmocka_unit_test(weights_count_rows_several_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
