/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters that are the same one: what a user is told of why. */
#include "tests/algo_test.h"
#include "tests/log_help.h"

#include "train/distinct.h"

#define K 4
#define D 2

/* Rows of one value each, in both features. */
static struct km_mat rows_of(const float *v, size_t n)
{
    struct km_mat x = make_mat(n, D);

    for (size_t i = 0; i < n; i++)
        for (size_t t = 0; t < D; t++)
            km_mat_row(&x, i)[t] = v[i];
    return x;
}

/* What is said of a model, of centers that were these before they were rounded, and of n rows of
 * `rows` in the sample. */
static void say(struct heard *h, const float model[K], const double exact[K], const float *sample,
                size_t n, uint64_t rows, int speak)
{
    struct km_mat m = rows_of(model, K), x = rows_of(sample, n);
    struct km_sample s = {.rows = {.dense = x}};
    struct km_centers c;
    struct km_err err;

    assert_ok(km_centers_init(&c, K, D, &err), err);
    for (size_t j = 0; j < K; j++)
        c.exact[j * D] = exact[j];
    hear(h);
    assert_ok(km_distinct_warn(&m, &c, &s, rows, speak, &err), err);
    heard(h);
    km_centers_done(&c);
    km_mat_done(&m);
    km_mat_done(&x);
}

static const float differ[K] = {3, 1, 2, 4}, equal[K] = {3, 1, 3, 1};
static const double exact_differ[K] = {3, 1, 3.0000000001, 1.0000000001},
                    exact_equal[K] = {3, 1, 3, 1};

static void of_different_centers_nothing_is_said(void **state)
{
    struct heard h;

    (void)state;
    say(&h, differ, exact_equal, equal, K, K, 1);
    assert_string_equal(h.text, "");
}

static void zeros_of_either_sign_are_one(void **state)
{
    static const float model[K] = {0, 1, -0.0F, 2};
    static const double exact[K] = {0, 1, -0.0, 2};
    struct heard h;

    (void)state;
    say(&h, model, exact, model, K, K, 1);
    assert_contains(h.text, "only 3 of the 4 centers differ");
    assert_contains(h.text, "the data has only 3 distinct rows, fewer than k; lower k");
}

static void each_reason_has_its_words(void **state)
{
    static const float one[K] = {5, 5, 5, 5};
    struct heard h;

    (void)state;
    say(&h, equal, exact_differ, differ, K, K, 1);
    assert_contains(h.text, "only 2 of the 4 centers differ");
    assert_contains(h.text, "nearer to each other than float32");
    say(&h, equal, exact_equal, equal, K, K, 1); /* the sample is all of the data */
    assert_contains(h.text, "the data has only 2 distinct rows, fewer than k");
    say(&h, equal, exact_equal, one, K, K, 1);
    assert_contains(h.text, "the data has only 1 distinct row, fewer than k");
    say(&h, equal, exact_equal, differ, K, 100, 1);
    assert_contains(h.text, "although the data has 4 distinct rows or more");
    say(&h, equal, exact_equal, equal, K, 100, 1);
    assert_contains(h.text, "2 distinct rows are in the sample of 4 of 100 rows, so whether");
    say(&h, equal, exact_equal, equal, 0, 100, 1); /* refine_rows = 0 keeps none */
    assert_contains(h.text, "0 distinct rows are in the sample of 0 of 100 rows");
    assert_int_equal(times_in(h.text, "WARNING"), 1);
}

static void only_one_host_speaks(void **state)
{
    struct heard h;

    (void)state;
    say(&h, equal, exact_equal, equal, K, K, 0);
    assert_string_equal(h.text, "");
}

static void a_lack_of_memory_is_told(void **state)
{
    struct km_mat m = rows_of(equal, K);
    struct km_sample s = {.rows = {.dense = m}};
    struct km_centers c;
    struct km_err err;

    (void)state;
    assert_ok(km_centers_init(&c, K, D, &err), err);
    for (size_t n = 1; n <= 3; n++) {
        km_alloc_fail_at(n);
        assert_int_equal(km_distinct_warn(&m, &c, &s, K, 0, &err), KM_E_MEM);
    }
    km_alloc_fail_at(0);
    km_centers_done(&c);
    km_mat_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_different_centers_nothing_is_said),
        cmocka_unit_test(zeros_of_either_sign_are_one),
        cmocka_unit_test(each_reason_has_its_words),
        cmocka_unit_test(only_one_host_speaks),
        cmocka_unit_test(a_lack_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
