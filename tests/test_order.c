/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by label: each once, in order, and nothing is left for the next call. */
#include "tests/algo_test.h"

#include "algo/order.h"

#define N 200
#define K 50

static void random_labels(uint32_t *label, size_t n, size_t k, uint64_t seed)
{
    struct km_rng rng;

    km_rng_seed(&rng, seed, 't', 0);
    for (size_t i = 0; i < n; i++)
        label[i] = (uint32_t)km_rng_below(&rng, k);
}

/* Every run is of one label, no label has two; rows are those of the label in their order. */
static void check_order(const struct km_order *o, const struct km_mat *x, const uint32_t *label,
                        const double *weight)
{
    int had[K] = {0};

    assert_int_equal(o->start[0], 0);
    assert_int_equal(o->start[o->runs], x->n);
    for (size_t r = 0; r < o->runs; r++) {
        size_t i = 0;

        assert_false(had[o->label[r]]++);
        assert_true(o->start[r] < o->start[r + 1]);
        for (size_t m = o->start[r]; m < o->start[r + 1]; m++, i++) {
            while (i < x->n && label[i] != o->label[r])
                i++;
            assert_true(i < x->n);
            assert_ptr_equal(o->row[m], km_mat_row(x, i));
            assert_true(o->weight[m] == (weight ? weight[i] : 1));
        }
    }
}

static void rows_of_a_label_stand_together(void **state)
{
    struct km_mat x = random_rows(N, 2, 1);
    uint32_t label[N];
    double weight[N];
    struct km_order o;

    (void)state;
    for (size_t i = 0; i < N; i++)
        weight[i] = 0.5 + (double)i;
    assert_int_equal(km_order_init(&o, N, K), KM_OK);
    for (uint64_t turn = 0; turn < 20; turn++) { /* again and again on the same memory */
        struct km_mat some = km_mat_view(&x, 0, turn == 3 ? 0 : turn == 4 ? 1 : N - turn);

        random_labels(label, N, turn % 3 == 0 ? 1 : K, turn);
        km_order_rows(&o, &some, label, turn % 2 ? weight : NULL);
        check_order(&o, &some, label, turn % 2 ? weight : NULL);
    }
    km_order_done(&o);
    assert_null(o.row);
    km_mat_done(&x);
}

static void numbers_are_sorted_by_label(void **state)
{
    uint32_t label[N], row[N];
    size_t start[K + 1];

    (void)state;
    for (size_t n = 0; n <= N; n += n < 3 ? 1 : 49) {
        int had[N] = {0};

        random_labels(label, N, K - 1, n); /* the last label has no row */
        km_order_numbers(row, start, label, n, K);
        assert_int_equal(start[0], 0);
        assert_int_equal(start[K - 1], n);
        assert_int_equal(start[K], n);
        for (size_t j = 0; j < K; j++)
            for (size_t m = start[j]; m < start[j + 1]; m++) {
                assert_int_equal(label[row[m]], j);
                assert_false(had[row[m]]++);
                assert_true(m == start[j] || row[m - 1] < row[m]);
            }
    }
}

static void a_lack_of_memory_is_told(void **state)
{
    struct km_order o;
    int rc = KM_E_MEM;
    size_t n = 0;

    (void)state;
    for (; rc == KM_E_MEM; n++) {
        km_alloc_fail_at(n + 1);
        rc = km_order_init(&o, N, K);
        km_order_done(&o);
    }
    km_alloc_fail_at(0);
    assert_int_equal(rc, KM_OK);
    assert_true(n == 7); /* each of six lists, then none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_a_label_stand_together),
        cmocka_unit_test(numbers_are_sorted_by_label),
        cmocka_unit_test(a_lack_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
