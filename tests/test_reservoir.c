/* SPDX-License-Identifier: Apache-2.0 */
/* The uniform sample of a pass. */
#include "tests/algo_test.h"

#include "algo/reservoir.h"

static struct km_reservoir make_reservoir(size_t capacity, size_t d, uint64_t seed)
{
    struct km_reservoir r;
    struct km_err err;

    assert_ok(km_reservoir_init(&r, capacity, d, seed, &err), err);
    return r;
}

/* Rows that carry their number in the first and the last column. */
static struct km_mat numbered(size_t n, size_t d)
{
    struct km_mat x = make_mat(n, d);

    for (size_t i = 0; i < n; i++)
        km_mat_row(&x, i)[0] = km_mat_row(&x, i)[d - 1] = (float)i;
    return x;
}

static void offer_in_blocks(struct km_reservoir *r, const struct km_mat *x, size_t block)
{
    for (size_t from = 0; from < x->n; from += block) {
        struct km_mat some = km_mat_view(x, from, x->n - from < block ? x->n - from : block);

        km_reservoir_offer(r, &some);
    }
}

static void rows_that_fit_are_all_kept_in_order(void **state)
{
    static const size_t capacities[] = {100, 101, 5000};
    struct km_mat x = numbered(100, 19);

    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (size_t block = 1; block <= 100; block += 33) {
            struct km_reservoir r = make_reservoir(capacities[i], 19, 1);

            offer_in_blocks(&r, &x, block);
            assert_int_equal(r.rows.n, 100);
            assert_int_equal(r.seen, 100);
            assert_same_bits(r.rows.v, x.v, 100 * x.ld);
            km_reservoir_done(&r);
        }
    km_mat_done(&x);
}

/* How often each row of n is among `capacity`, over many seeds. */
static void check_uniform(size_t n, size_t capacity, size_t block)
{
    struct km_mat x = numbered(n, 2);
    double count[200] = {0}, expected[200], seeds = 20000;

    assert_true(n <= 200);
    for (uint64_t seed = 0; seed < (uint64_t)seeds; seed++) {
        struct km_reservoir r = make_reservoir(capacity, 2, seed);
        int held[200] = {0};

        offer_in_blocks(&r, &x, block);
        assert_int_equal(r.rows.n, capacity);
        for (size_t i = 0; i < capacity; i++) {
            size_t row = (size_t)km_mat_row(&r.rows, i)[0];

            assert_true(row < n && !held[row]); /* no row twice */
            assert_true(km_mat_row(&r.rows, i)[1] == (float)row);
            held[row] = 1;
            count[row]++;
        }
        km_reservoir_done(&r);
    }
    for (size_t i = 0; i < n; i++)
        expected[i] = seeds * (double)capacity / (double)n;
    assert_fits(count, expected, n);
    km_mat_done(&x);
}

static void every_row_is_held_with_the_same_probability(void **state)
{
    (void)state;
    check_uniform(100, 10, 7);
    check_uniform(200, 3, 200);
    check_uniform(60, 59, 1);
    check_uniform(61, 30, 30);
}

static void a_reservoir_of_one_row_is_uniform_too(void **state)
{
    (void)state;
    check_uniform(50, 1, 9);
}

static void block_sizes_do_not_matter(void **state)
{
    static const size_t blocks[] = {1, 2, 99, 100, 101, 1000, 20000};
    struct km_mat x = numbered(20000, 5);
    struct km_reservoir first = make_reservoir(100, 5, 9);

    (void)state;
    offer_in_blocks(&first, &x, 500);
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        struct km_reservoir r = make_reservoir(100, 5, 9);

        offer_in_blocks(&r, &x, blocks[i]);
        assert_int_equal(r.seen, 20000);
        assert_same_bits(r.rows.v, first.rows.v, 100 * first.rows.ld);
        km_reservoir_done(&r);
    }
    km_reservoir_done(&first);
    km_mat_done(&x);
}

static void another_seed_gives_another_sample(void **state)
{
    struct km_mat x = numbered(1000, 1);
    struct km_reservoir a = make_reservoir(50, 1, 1), b = make_reservoir(50, 1, 2);

    (void)state;
    offer_in_blocks(&a, &x, 100);
    offer_in_blocks(&b, &x, 100);
    assert_true(memcmp(a.rows.v, b.rows.v, 50 * sizeof(float)) != 0);
    km_reservoir_done(&a);
    km_reservoir_done(&b);
    km_mat_done(&x);
}

/* Late rows are kept as often as early ones in a long stream as well: mean and extremes. */
static void a_long_stream_is_sampled_from_end_to_end(void **state)
{
    struct km_reservoir r = make_reservoir(2000, 1, 3);
    struct km_mat x = make_mat(1000, 1);
    double mean = 0, least = 1e9, most = 0;

    (void)state;
    for (size_t from = 0; from < 1000000; from += 1000) {
        for (size_t i = 0; i < 1000; i++)
            km_mat_row(&x, i)[0] = (float)(from + i);
        km_reservoir_offer(&r, &x);
    }
    for (size_t i = 0; i < 2000; i++) {
        double v = (double)km_mat_row(&r.rows, i)[0];

        mean += v / 2000;
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    assert_near(mean, 500000, 4 * 288675 / sqrt(2000));
    assert_at_most(least, 10000);
    assert_at_most(990000, most);
    km_reservoir_done(&r);
    km_mat_done(&x);
}

static void no_capacity_keeps_nothing(void **state)
{
    struct km_reservoir r = make_reservoir(0, 3, 1);
    struct km_mat x = numbered(10, 3);

    (void)state;
    km_reservoir_offer(&r, &x);
    assert_int_equal(r.rows.n, 0);
    km_reservoir_done(&r);
    km_reservoir_done(&r);
    km_mat_done(&x);
}

static void no_memory_is_an_error_with_a_text(void **state)
{
    struct km_reservoir r;
    struct km_err err = {0};

    (void)state;
    km_alloc_fail_at(1);
    assert_int_equal(km_reservoir_init(&r, 10, 3, 1, &err), KM_E_MEM);
    km_alloc_fail_at(0);
    assert_contains(err.msg, "no memory");
    assert_int_equal(r.rows.n, 0);
    km_reservoir_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_fit_are_all_kept_in_order),
        cmocka_unit_test(every_row_is_held_with_the_same_probability),
        cmocka_unit_test(a_reservoir_of_one_row_is_uniform_too),
        cmocka_unit_test(block_sizes_do_not_matter),
        cmocka_unit_test(another_seed_gives_another_sample),
        cmocka_unit_test(a_long_stream_is_sampled_from_end_to_end),
        cmocka_unit_test(no_capacity_keeps_nothing),
        cmocka_unit_test(no_memory_is_an_error_with_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
