/* SPDX-License-Identifier: Apache-2.0 */
/* Samples that become one: alone, a sample comes down to the room of all and stays what it is. */
#include "tests/algo_test.h"
#include "tests/team_help.h"

#include "algo/learner.h"
#include "train/share_sample.h"

#define N     3000
#define D     4
#define K     5
#define LEAST 1000 /* rows that a rank keeps, if it has them */

/* A sample of all rows, offered in one block, with room for all. */
static struct km_sample sample_of(const struct km_mat *x, const struct km_csr *csr)
{
    const struct km_sample_size size = {N, csr ? N * D : 0, D, N, K};
    const struct km_learner_size learner = {
        .k = K, .shape = {D, D, csr != NULL}, .block_rows = N, .ranks = 1};
    struct km_rows rows = csr ? km_rows_of_csr(csr) : km_rows_of_mat(x);
    struct km_sample s;
    struct km_learner *l;
    struct km_rng rng;
    struct km_err err;

    km_rng_seed(&rng, 3, 't', 0);
    assert_ok(km_sample_init(&s, &size, 7, &err), err);
    assert_ok(km_learner_new(&l, &learner, test_kern(), NULL, &err), err);
    assert_ok(km_learner_start(l, &rows, 1, &rng, &err), err);
    km_learner_label(l, &rows);
    km_learner_offer(l, &s, &rows);
    km_learner_free(l);
    assert_int_equal(km_sample_rows(&s), N);
    return s;
}

static struct km_sample share(struct km_sample s, size_t rows, size_t values)
{
    const struct km_room room = {rows, values};
    struct km_team team = alone();
    struct km_err err;

    assert_ok(km_share_sample(&team, &s, &room, &err), err);
    km_comm_close(team.comm);
    return s;
}

/* The estimate of how many rows there are. */
static double weights_of(const struct km_sample *s)
{
    size_t n = km_sample_rows(s);
    double *weight = km_alloc(n, sizeof(*weight)), total = 0;

    assert_non_null(weight);
    assert_true(km_sample_weights(s, n, weight));
    for (size_t i = 0; i < n; i++) {
        assert_true(weight[i] >= 1);
        total += weight[i];
    }
    km_free(weight);
    return total;
}

static void with_room_for_all_every_row_stays(void **state)
{
    struct km_mat x = random_rows(N, D, 1);
    struct km_csr csr = sparse_of(&x);
    struct km_sample dense = share(sample_of(&x, NULL), N, 0);
    struct km_sample sparse = share(sample_of(&x, &csr), N, N * D);

    (void)state;
    assert_int_equal(km_sample_rows(&dense), N);
    assert_same_bits(dense.rows.dense.v, x.v, N * x.ld);
    assert_true(isinf(dense.keep.any) && isinf(dense.keep.far) && isinf(dense.keep.rare));
    assert_int_equal(km_sample_rows(&sparse), N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(sparse.rows.sparse.len[i], csr.len[i]);
        assert_same_bits(sparse.rows.sparse.val + sparse.rows.sparse.at[i], csr.val + csr.at[i],
                         csr.len[i]);
    }
    km_sample_done(&dense);
    km_sample_done(&sparse);
    km_mat_done(&x);
    km_csr_done(&csr);
}

static void with_less_room_fewer_rows_stand_for_all(void **state)
{
    struct km_mat x = random_rows(N, D, 2);
    struct km_sample s = share(sample_of(&x, NULL), 2000, 0);

    (void)state;
    assert_true(km_sample_rows(&s) <= 2000 && km_sample_rows(&s) > 1900);
    assert_near(weights_of(&s), N, 0.1 * N);
    for (size_t i = 0; i < km_sample_rows(&s); i++) { /* keys are those of the rows */
        const struct km_sample_key *key = &s.key[i];

        assert_true(key->u < s.keep.any || key->u < s.keep.far * key->dist2 ||
                    key->u < s.keep.rare * key->rarity);
    }
    km_sample_done(&s);
    s = share(sample_of(&x, NULL), 10, 0);
    assert_true(km_sample_rows(&s) <= LEAST && km_sample_rows(&s) > LEAST - 100);
    km_sample_done(&s);
    km_mat_done(&x);
}

/* Sparse rows have a room of values as well. */
static void values_are_bounded_too(void **state)
{
    struct km_mat x = random_rows(N, D, 2);
    struct km_csr csr = sparse_of(&x);
    struct km_sample s = share(sample_of(&x, &csr), N, 2000 * D);

    (void)state;
    assert_true(km_rows_values(&s.rows) <= 2000 * D);
    assert_true(km_sample_rows(&s) > LEAST);
    assert_near(weights_of(&s), N, 0.1 * N);
    km_sample_done(&s);
    s = share(sample_of(&x, &csr), N, 1);
    assert_true(km_sample_rows(&s) <= LEAST && km_sample_rows(&s) > LEAST - 100);
    km_sample_done(&s);
    km_mat_done(&x);
    km_csr_done(&csr);
}

static void a_lack_of_memory_leaves_the_sample_as_it_is(void **state)
{
    const struct km_room room = {N, 0};
    struct km_mat x = random_rows(N, D, 1);
    struct km_sample s = sample_of(&x, NULL);
    struct km_team team = alone();
    struct km_err err;
    size_t n = 0;
    int rc = KM_E_MEM;

    (void)state;
    for (; rc == KM_E_MEM; n++) {
        assert_int_equal(km_sample_rows(&s), N);
        km_alloc_fail_at(n + 1);
        rc = km_share_sample(&team, &s, &room, &err);
    }
    km_alloc_fail_at(0);
    assert_ok(rc, err);
    assert_true(n > 5);
    assert_same_bits(s.rows.dense.v, x.v, N * x.ld);
    km_sample_done(&s);
    km_comm_close(team.comm);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_room_for_all_every_row_stays),
        cmocka_unit_test(with_less_room_fewer_rows_stand_for_all),
        cmocka_unit_test(values_are_bounded_too),
        cmocka_unit_test(a_lack_of_memory_leaves_the_sample_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
