/* SPDX-License-Identifier: Apache-2.0 */
/* The centers of the pass: rows of either kind, one rank or several, go through the same calls. */
#include "tests/algo_test.h"

#include "algo/learner_kind.h"

#define N     3000
#define D     20
#define K     30
#define BLOCK 500
#define RANKS 3

static struct km_learner *learner_of(int sparse, int ranks, double half_life)
{
    const struct km_learner_size size = {.k = K,
                                         .shape = {D, D, sparse},
                                         .block_rows = BLOCK,
                                         .ranks = ranks,
                                         .half_life = half_life};
    struct km_learner *l;
    struct km_err err;

    assert_true(km_learner_bytes(&size) > K * D * sizeof(double));
    assert_ok(km_learner_new(&l, &size, test_kern(), NULL, &err), err);
    return l;
}

static void start(struct km_learner *l, const struct km_rows *rows, int plusplus)
{
    struct km_rng rng;
    struct km_err err;

    km_rng_seed(&rng, 5, 'I', 0);
    assert_ok(km_learner_start(l, rows, plusplus, &rng, &err), err);
}

/* What the exchange does over the wire. */
static void meet(struct km_learner *l[RANKS])
{
    struct km_sums *s[RANKS];
    struct km_pack pack[RANKS];
    size_t head;
    int more = KM_MORE;

    for (int r = 0; r < RANKS; r++)
        s[r] = km_learner_close(l[r]);
    head = (size_t)(s[0]->sum - s[0]->block);
    for (int r = 1; r < RANKS; r++)
        for (size_t i = 0; i < head; i++)
            s[0]->block[i] += s[r]->block[i];
    for (int r = 1; r < RANKS; r++)
        memcpy(s[r]->block, s[0]->block, head * sizeof(double));
    for (;;) {
        for (int r = 0; r < RANKS; r++)
            more = km_learner_pack(l[r], &pack[r]);
        if (more == KM_OK)
            return;
        for (int r = 1; r < RANKS; r++) {
            assert_int_equal(pack[r].n, pack[0].n);
            for (size_t i = 0; i < pack[0].n; i++)
                if (pack[0].sum)
                    pack[0].sum[i] += pack[r].sum[i];
                else
                    pack[0].bits[i] |= pack[r].bits[i];
        }
        for (int r = 1; r < RANKS; r++)
            if (pack[0].sum)
                memcpy(pack[r].sum, pack[0].sum, pack[0].n * sizeof(double));
            else
                memcpy(pack[r].bits, pack[0].bits, pack[0].n * sizeof(uint64_t));
    }
}

static struct km_moved take(struct km_learner *l, const struct km_rows *rows)
{
    struct km_moved moved;
    struct km_err err;

    km_learner_label(l, rows);
    km_learner_add(l, rows, 1);
    assert_ok(km_learner_move(l, &moved, &err), err);
    return moved;
}

static struct km_centers finish(struct km_learner *l)
{
    struct km_centers c;
    struct km_err err;

    assert_ok(km_learner_finish(l, &c, &err), err);
    km_learner_free(l);
    return c;
}

static struct km_rows rows_of(const struct km_mat *x, const struct km_csr *s, int sparse)
{
    return sparse ? km_rows_of_csr(s) : km_rows_of_mat(x);
}

/* The same numbers as dense and as sparse rows: the same pass, up to rounding. */
static void both_kinds_learn_the_same(void **state)
{
    struct km_mat x = planted_rows(N, D, K, 0.3, 11);
    struct km_csr s = sparse_of(&x);
    struct km_centers c[2];

    (void)state;
    for (int plusplus = 0; plusplus < 2; plusplus++) {
        double ssd[2] = {0};

        for (int sparse = 0; sparse < 2; sparse++) {
            struct km_learner *l = learner_of(sparse, 1, 1000);
            struct km_rows rows = rows_of(&x, &s, sparse);

            start(l, &rows, plusplus);
            for (size_t at = 0; at < N; at += BLOCK) {
                struct km_rows block = km_rows_view(&rows, at, BLOCK);
                struct km_moved moved = take(l, &block);

                assert_true(moved.rows == BLOCK);
                ssd[sparse] += moved.ssd;
            }
            c[sparse] = finish(l);
        }
        assert_near(ssd[1] / ssd[0], 1, 1e-4);
        for (size_t i = 0; i < K * D; i++)
            assert_near(c[0].exact[i], c[1].exact[i], 1e-4);
        for (size_t j = 0; j < K; j++) /* 6 blocks, halved every other one */
            assert_near(c[0].weight[j], c[1].weight[j], 1e-9 * N);
        km_centers_done(&c[0]);
        km_centers_done(&c[1]);
    }
    km_mat_done(&x);
    km_csr_done(&s);
}

/* A window of three ranks is that of one which has all their rows. */
static void ranks_learn_as_one(void **state)
{
    struct km_mat x = planted_rows(N, D, K, 0.3, 12);
    struct km_csr s = sparse_of(&x);
    struct km_err err;

    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        struct km_rows rows = rows_of(&x, &s, sparse);
        struct km_learner *alone = learner_of(sparse, 1, 0), *l[RANKS];
        struct km_centers c[RANKS], one;

        start(alone, &rows, 1);
        for (int r = 0; r < RANKS; r++) {
            l[r] = learner_of(sparse, RANKS, 0);
            start(l[r], &rows, 1);
        }
        for (size_t at = 0; at < N; at += BLOCK) {
            struct km_rows block = km_rows_view(&rows, at, BLOCK);

            take(alone, &block);
            for (int r = 0; r < RANKS; r++) { /* the last one has none */
                struct km_rows part =
                    km_rows_view(&rows, at + (size_t)r * 250, r == RANKS - 1 ? 0 : 250);

                km_learner_label(l[r], &part);
                km_learner_add(l[r], &part, 1);
            }
            meet(l);
            for (int r = 0; r < RANKS; r++) {
                struct km_moved moved;

                assert_ok(km_learner_move(l[r], &moved, &err), err);
                assert_true(moved.rows == BLOCK);
            }
        }
        one = finish(alone);
        for (int r = 0; r < RANKS; r++)
            c[r] = finish(l[r]);
        for (int r = 1; r < RANKS; r++)
            assert_same_bits(c[0].exact, c[r].exact, K * D);
        for (size_t i = 0; i < K * D; i++)
            assert_near(one.exact[i], c[0].exact[i], 1e-5);
        for (int r = 0; r < RANKS; r++)
            km_centers_done(&c[r]);
        km_centers_done(&one);
    }
    km_mat_done(&x);
    km_csr_done(&s);
}

/* Centers and rows times 4 are the same pass, times 4. */
static void a_scaled_learner_goes_on(void **state)
{
    struct km_mat x = planted_rows(N, D, K, 0.3, 13);
    struct km_csr s = sparse_of(&x);

    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        struct km_rows rows = rows_of(&x, &s, sparse), first, second;
        struct km_learner *plain = learner_of(sparse, 1, 0), *scaled = learner_of(sparse, 1, 0);
        struct km_centers a, b;
        struct km_moved of_plain, of_scaled;

        first = km_rows_view(&rows, 0, BLOCK);
        second = km_rows_view(&rows, BLOCK, BLOCK);
        second.sparse.nnz = s.nnz;
        start(plain, &rows, 1);
        start(scaled, &rows, 1);
        take(plain, &first);
        take(scaled, &first);
        of_plain = take(plain, &second);
        km_learner_scale(scaled, 2);
        km_rows_scale(&second, 2);
        of_scaled = take(scaled, &second);
        assert_near(of_scaled.ssd / of_plain.ssd, 16, 1e-4);
        a = finish(plain);
        b = finish(scaled);
        for (size_t i = 0; i < K * D; i++)
            assert_near(b.exact[i], 4 * a.exact[i], 1e-4);
        km_centers_done(&a);
        km_centers_done(&b);
    }
    km_mat_done(&x);
    km_csr_done(&s);
}

static void rows_that_no_center_received_are_our_error(void **state)
{
    static const double count[] = {3, 0, 4};
    struct km_err err;

    (void)state;
    assert_ok(km_learner_check(count, 3, 7, &err), err);
    assert_ok(km_learner_check(NULL, 0, 0, &err), err);
    assert_int_equal(km_learner_check(count, 3, 8, &err), KM_E_BUG);
    assert_string_equal(err.msg,
                        "the centers received 7 rows, but 8 were read; please report this");
    assert_int_equal(km_learner_check(count, 2, 7, &err), KM_E_BUG);
}

/* A row that a rank lost on the way: the sums' count tells. */
static void a_window_that_lost_a_row_fails(void **state)
{
    struct km_mat x = planted_rows(BLOCK, D, K, 0.3, 14);
    struct km_csr s = sparse_of(&x);

    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        struct km_rows rows = rows_of(&x, &s, sparse);
        struct km_learner *l = learner_of(sparse, RANKS, 0);
        struct km_moved moved;
        struct km_err err;

        start(l, &rows, 0);
        km_learner_label(l, &rows);
        *km_learner_close(l)->rows += 1;
        assert_int_equal(km_learner_move(l, &moved, &err), KM_E_BUG);
        km_learner_free(l);
    }
    km_mat_done(&x);
    km_csr_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_learn_the_same),
        cmocka_unit_test(ranks_learn_as_one),
        cmocka_unit_test(a_scaled_learner_goes_on),
        cmocka_unit_test(rows_that_no_center_received_are_our_error),
        cmocka_unit_test(a_window_that_lost_a_row_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
