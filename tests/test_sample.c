/* SPDX-License-Identifier: Apache-2.0 */
/* What the pass keeps of the rows: each row with the probability that its weight tells, the far and
 * the rare ones for sure. */
#include "tests/algo_test.h"

#include "algo/sample.h"

#define BLOCK 50

/* Centers that stay where they are, and what labels rows by them. */
struct setup {
    struct km_mat x;
    struct km_centers c;
    struct km_assign a;
};

static struct setup setup_of(struct km_mat x, size_t k, const struct km_kernels *kern)
{
    struct setup s = {.x = x, .c = random_centers(&x, k, 1)};
    struct km_err err;

    assert_ok(km_assign_init(&s.a, kern, NULL, x.n, k, x.d, &err), err);
    for (size_t j = 0; j < k; j++) /* rows have come to all of them */
        s.c.weight[j] = 2;
    return s;
}

static void done_setup(struct setup *s)
{
    km_assign_done(&s->a);
    km_centers_done(&s->c);
    km_mat_done(&s->x);
}

static struct km_sample make_sample(const struct setup *s, size_t rows, uint64_t seed)
{
    struct km_sample_size size = {rows, 0, s->x.d, s->x.n, s->c.k};
    struct km_sample sample;
    struct km_err err;

    assert_ok(km_sample_init(&sample, &size, seed, &err), err);
    return sample;
}

static void offer(struct km_sample *sample, struct setup *s, size_t block)
{
    for (size_t from = 0; from < s->x.n; from += block) {
        struct km_mat some =
            km_mat_view(&s->x, from, s->x.n - from < block ? s->x.n - from : block);

        km_assign_rows(&s->a, &some, &s->c);
        km_sample_offer(sample, &some, &s->a, &s->c);
    }
}

/* The number of row i of a sample of rows that carry it in their last column. */
static size_t number_of(const struct km_sample *sample, size_t i)
{
    return (size_t)km_mat_row(&sample->rows.dense, i)[sample->rows.dense.d - 1];
}

/* Rows whose last column is their number. */
static struct km_mat numbered(struct km_mat x)
{
    for (size_t i = 0; i < x.n; i++)
        km_mat_row(&x, i)[x.d - 1] = (float)i;
    return x;
}

/* n rows, of which number 7 is far away; the centers are all of the others'. */
static struct setup with_a_far_row(size_t n)
{
    struct setup s = setup_of(numbered(random_rows(n, 4, 5)), 8, test_kern());

    for (size_t t = 0; t < 3; t++)
        km_mat_row(&s.x, 7)[t] = 1e5F;
    return s;
}

static void rows_that_fit_are_all_kept_in_order(void **state)
{
    struct setup s = setup_of(numbered(random_rows(100, 19, 1)), 5, test_kern());

    (void)state;
    for (size_t capacity = 100; capacity <= 5000; capacity *= 7)
        for (size_t block = 1; block <= 100; block += 33) {
            struct km_sample sample = make_sample(&s, capacity, 1);

            offer(&sample, &s, block);
            assert_int_equal(km_sample_rows(&sample), 100);
            assert_int_equal(sample.seen, 100);
            assert_true(km_sample_is_complete(&sample));
            assert_same_bits(sample.rows.dense.v, s.x.v, 100 * s.x.ld);
            km_sample_done(&sample);
        }
    done_setup(&s);
}

/*
 * Over many samples a row's weights add up to the number of samples, whatever its probability: each
 * estimate has mean 1, and a variance that the samples themselves tell. `parts`: how many samples
 * of a share of the rows each become one.
 */
static void check_unbiased(struct setup *s, size_t capacity, size_t parts, size_t nested)
{
    size_t n = s->x.n, samples = 4000;
    double *total = km_alloc(n, sizeof(*total)), *square = km_alloc(n, sizeof(*square));
    double *weight = km_alloc(n, sizeof(*weight)), chi2 = 0;

    assert_true(total && square && weight);
    for (uint64_t seed = 0; seed < samples; seed++) {
        struct km_sample part[2];
        struct km_sample_keep keep = {INFINITY, INFINITY, INFINITY};
        struct km_mat x = s->x;

        for (size_t p = 0; p < parts; p++) {
            part[p] = make_sample(s, capacity, seed * parts + p);
            s->x = km_mat_view(&x, p * n / parts, n / parts);
            offer(&part[p], s, BLOCK);
            keep.any = fminf(keep.any, part[p].keep.any);
            keep.far = fminf(keep.far, part[p].keep.far);
            keep.rare = fminf(keep.rare, part[p].keep.rare);
            s->x = x;
        }
        for (size_t p = 0; p < parts; p++) {
            size_t rows;

            km_sample_lower(&part[p], keep);
            rows = km_sample_rows(&part[p]);
            assert_true(rows <= capacity);
            if (nested && nested <= rows) {
                km_sample_nest(&part[p], nested, rows);
                rows = nested;
            }
            assert_true(km_sample_weights(&part[p], rows, weight));
            for (size_t i = 0; i < rows; i++) {
                assert_true(weight[i] >= 1);
                total[number_of(&part[p], i)] += weight[i];
                square[number_of(&part[p], i)] += weight[i] * weight[i];
            }
            km_sample_done(&part[p]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        double mean = total[i] / (double)samples, off = mean - 1;
        double variance = (square[i] / (double)samples - mean * mean) / (double)samples;

        assert_true(total[i] > 0);
        chi2 += variance > 0 ? off * off / variance : off * off * 1e20;
    }
    assert_at_most(chi2, (double)n + 8 * sqrt(2 * (double)n));
    km_free(total);
    km_free(square);
    km_free(weight);
}

static void weights_are_what_rows_stand_for(void **state)
{
    struct setup s = with_a_far_row(200);

    (void)state;
    check_unbiased(&s, 60, 1, 0);
    check_unbiased(&s, 150, 1, 0);
    done_setup(&s);
}

static void samples_of_two_hosts_become_one(void **state)
{
    struct setup s = with_a_far_row(200);

    (void)state;
    check_unbiased(&s, 50, 2, 0);
    done_setup(&s);
}

static void the_first_rows_are_a_sample_as_well(void **state)
{
    struct setup s = with_a_far_row(200);

    (void)state;
    check_unbiased(&s, 100, 1, 20);
    done_setup(&s);
}

static void far_rows_are_there(void **state)
{
    struct setup s = with_a_far_row(5000);

    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct km_sample sample = make_sample(&s, 100, seed);
        double weight[100];
        size_t found = 0;

        offer(&sample, &s, 200);
        assert_in_range(km_sample_rows(&sample), 70, 100);
        assert_true(km_sample_weights(&sample, km_sample_rows(&sample), weight));
        for (size_t i = 0; i < km_sample_rows(&sample); i++)
            if (number_of(&sample, i) == 7) {
                found++;
                assert_true(weight[i] == 1);
            }
        assert_int_equal(found, 1);
        km_sample_done(&sample);
    }
    done_setup(&s);
}

/* Three rows far from all others, two of which are centers from the start: none is far from
 * these. */
static void far_rows_that_a_center_was_made_of_are_there(void **state)
{
    struct setup s = setup_of(random_rows(4000, 3, 2), 20, test_kern());

    (void)state;
    for (size_t i = 0; i < 3; i++)
        km_mat_row(&s.x, 7 * i)[0] += 1e4F;
    for (size_t j = 0; j < 20; j++)
        km_centers_set(&s.c, j, km_mat_row(&s.x, 14 * j), 1);
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct km_sample sample = make_sample(&s, 100, seed);
        size_t found = 0;

        offer(&sample, &s, 400);
        for (size_t i = 0; i < km_sample_rows(&sample); i++)
            found += km_mat_row(&sample.rows.dense, i)[0] > 5e3F;
        assert_int_equal(found, 3);
        km_sample_done(&sample);
    }
    done_setup(&s);
}

/* Rows of a center that stands for few are kept more often, though they are no farther away. */
/* The unit of the rows may become so large that no float32 holds what thresholds would be in it. */
static void weights_stay_in_any_unit(void **state)
{
    struct setup s = setup_of(numbered(random_rows(3000, 4, 6)), 5, test_kern());
    struct km_sample sample = make_sample(&s, 500, 1);
    double before[500], after[500];
    size_t n;

    (void)state;
    offer(&sample, &s, BLOCK);
    n = km_sample_rows(&sample);
    assert_true(km_sample_weights(&sample, n, before));
    for (int times = 0; times < 3; times++) {
        km_sample_scale(&sample, -60);
        km_sample_weights(&sample, n, after);
        assert_same_bits(after, before, n);
    }
    km_sample_done(&sample);
    done_setup(&s);
}

static void rows_of_small_clusters_are_there(void **state)
{
    struct setup s = setup_of(random_rows(4000, 3, 2), 4, test_kern());
    double kept = 0;

    (void)state;
    for (size_t i = 0; i < 4000; i++) /* three clusters and, of 1 row in 100, a fourth */
        km_mat_row(&s.x, i)[0] += (float)(i % 100 == 3 ? 300 : i % 3 * 100);
    for (size_t j = 0; j < 4; j++) {
        km_centers_set(&s.c, j, (float[]){(float)j * 100, 0, 0}, j == 3 ? 40 : 1320);
    }
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct km_sample sample = make_sample(&s, 400, seed);

        offer(&sample, &s, 200);
        for (size_t i = 0; i < km_sample_rows(&sample); i++)
            kept += km_mat_row(&sample.rows.dense, i)[0] > 250;
        km_sample_done(&sample);
    }
    assert_at_most(30, kept / 50); /* of 40; of all rows one in ten is */
    done_setup(&s);
}

static void every_level_and_block_size_keeps_the_same_rows(void **state)
{
    static const size_t shapes[][2] = {{2, 5}, {8, 80}, {40, 20}, {100, 130}};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        float *first = NULL;
        size_t rows = 0;

        for (size_t l = 0; km_kernels_all()[l]; l++) {
            struct setup s =
                setup_of(random_rows(3000, shapes[i][0], i), shapes[i][1], km_kernels_all()[l]);
            struct km_sample sample = make_sample(&s, 300, 3);
            size_t values = 301 * s.x.ld;

            offer(&sample, &s, 100 + 450 * l);
            if (!first) {
                rows = km_sample_rows(&sample);
                first = km_alloc(values, sizeof(*first));
                assert_non_null(first);
                memcpy(first, sample.rows.dense.v, values * sizeof(*first));
            }
            assert_int_equal(km_sample_rows(&sample), rows);
            assert_same_bits(sample.rows.dense.v, first, rows * s.x.ld);
            km_sample_done(&sample);
            done_setup(&s);
        }
        km_free(first);
    }
}

/* Nothing is far, nothing is rare, and there is hardly room. */
static void equal_rows_and_little_room_are_no_trouble(void **state)
{
    (void)state;
    for (size_t capacity = 1; capacity <= 5; capacity++) {
        struct setup s = setup_of(make_mat(1000, 3), 2, test_kern());
        struct km_sample sample = make_sample(&s, capacity, capacity);

        offer(&sample, &s, 10);
        assert_in_range(km_sample_rows(&sample), 1, capacity);
        km_sample_nest(&sample, 1, km_sample_rows(&sample));
        km_sample_done(&sample);
        done_setup(&s);
    }
}

static void nested_rows_stay_what_they_are(void **state)
{
    struct setup s = setup_of(numbered(random_rows(1000, 2, 3)), 4, test_kern());

    (void)state;
    for (size_t capacity = 500; capacity <= 1000; capacity += 500) {
        struct km_sample sample = make_sample(&s, capacity, 4);
        int held[1000] = {0};
        size_t rows;

        offer(&sample, &s, BLOCK);
        rows = km_sample_rows(&sample);
        for (size_t i = 0; i < rows; i++)
            held[number_of(&sample, i)]++;
        km_sample_nest(&sample, 30, rows - 9);
        for (size_t i = 0; i < rows; i++) { /* each key is still of its row */
            struct km_mat row = km_mat_view(&sample.rows.dense, i, 1);

            held[number_of(&sample, i)]--;
            assert_true((float)km_assign_ssd(&s.a, &row, &s.c) == sample.key[i].dist2);
        }
        for (size_t i = 0; i < 1000; i++)
            assert_int_equal(held[i], 0);
        for (size_t n = 30; n < rows; n = n * 2 < rows - 9 ? n * 2
                                          : n == rows - 9  ? rows
                                                           : rows - 9)
            for (size_t i = 0; i < n; i++)
                assert_true(sample.order[i] <= sample.order[n]);
        km_sample_done(&sample);
    }
    done_setup(&s);
}

static void no_room_keeps_nothing(void **state)
{
    struct setup s = setup_of(random_rows(10, 3, 1), 2, test_kern());
    struct km_sample sample = make_sample(&s, 0, 1);

    (void)state;
    offer(&sample, &s, BLOCK);
    assert_int_equal(km_sample_rows(&sample), 0);
    km_sample_done(&sample);
    km_sample_done(&sample);
    done_setup(&s);
}

static void no_memory_is_an_error_with_a_text(void **state)
{
    struct km_sample_size size = {10, 0, 3, 20, 4}, sparse = {10, 50, 3, 20, 4};

    (void)state;
    for (size_t at = 1; at <= 5; at++) {
        struct km_sample sample;
        struct km_err err = {0};

        km_alloc_fail_at(at);
        assert_int_equal(km_sample_init(&sample, at % 2 ? &size : &sparse, 1, &err), KM_E_MEM);
        km_alloc_fail_at(0);
        assert_contains(err.msg, "no memory");
        assert_int_equal(km_sample_rows(&sample), 0);
        km_sample_done(&sample);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_fit_are_all_kept_in_order),
        cmocka_unit_test(weights_are_what_rows_stand_for),
        cmocka_unit_test(samples_of_two_hosts_become_one),
        cmocka_unit_test(the_first_rows_are_a_sample_as_well),
        cmocka_unit_test(far_rows_are_there),
        cmocka_unit_test(far_rows_that_a_center_was_made_of_are_there),
        cmocka_unit_test(weights_stay_in_any_unit),
        cmocka_unit_test(rows_of_small_clusters_are_there),
        cmocka_unit_test(every_level_and_block_size_keeps_the_same_rows),
        cmocka_unit_test(equal_rows_and_little_room_are_no_trouble),
        cmocka_unit_test(nested_rows_stay_what_they_are),
        cmocka_unit_test(no_room_keeps_nothing),
        cmocka_unit_test(no_memory_is_an_error_with_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
