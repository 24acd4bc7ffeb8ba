/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of sparse rows: what ranks have seen apart moves the centers as if one had seen it
 * all. */
#include "tests/algo_test.h"

#include "algo/sparse_window.h"
#include "base/mem.h"
#include <string.h>

#define RANKS 3

/* n rows with a few values each, times `size`; every seventh is all zero. */
static struct km_csr few_values(size_t n, size_t d, double size, uint64_t seed)
{
    struct km_csr s;
    struct km_rng rng;
    struct km_err err;

    km_rng_seed(&rng, seed, 't', 4);
    assert_ok(km_csr_init(&s, n, n * d, d, &err), err);
    for (size_t i = 0; i < n; i++) {
        s.at[i] = s.nnz;
        for (size_t t = 0; i % 7 != 3 && t < d; t++)
            if (km_rng_unit(&rng) < 0.06) {
                s.col[s.nnz] = (uint32_t)t;
                s.val[s.nnz++] = (float)((km_rng_unit(&rng) - 0.3) * size);
            }
        s.len[i] = (uint32_t)(s.nnz - s.at[i]);
        s.n++;
    }
    return s;
}

struct rank {
    struct km_sparse_centers c;
    struct km_sparse step;
    struct km_sparse_window w;
};

/* What km_exchange does over the wire. */
static void meet(struct rank *rank)
{
    struct km_sums *first = &rank[0].w.sums;
    size_t head = (size_t)(first->sum - first->block), words, cells;

    rank[0].w.sums.flags[KM_FLAG_NORM2] = rank[0].w.most_norm2;
    for (int r = 1; r < RANKS; r++) {
        rank[r].w.sums.flags[KM_FLAG_NORM2] = rank[r].w.most_norm2;
        for (size_t i = 0; i < head; i++)
            first->block[i] += rank[r].w.sums.block[i];
    }
    for (int r = 1; r < RANKS; r++)
        memcpy(rank[r].w.sums.block, first->block, head * sizeof(double));
    for (int r = 0; r < RANKS; r++)
        words = km_sparse_window_pack_mask(&rank[r].w);
    for (int r = 1; r < RANKS; r++)
        for (size_t i = 0; i < words; i++)
            rank[0].w.mask[i] |= rank[r].w.mask[i];
    for (int r = 1; r < RANKS; r++)
        memcpy(rank[r].w.mask, rank[0].w.mask, words * sizeof(uint64_t));
    for (int r = 0; r < RANKS; r++) {
        km_sparse_window_unpack_mask(&rank[r].w);
        cells = km_sparse_window_pack(&rank[r].w);
    }
    for (int r = 1; r < RANKS; r++)
        for (size_t i = 0; i < cells; i++)
            first->sum[i] += rank[r].w.sums.sum[i];
    for (int r = 1; r < RANKS; r++)
        memcpy(rank[r].w.sums.sum, first->sum, cells * sizeof(double));
}

static void check_empty(const struct km_sparse_window *w)
{
    for (size_t i = 0; i < w->sums.len; i++)
        assert_true(w->sums.block[i] == 0);
    for (size_t i = 0; i < w->sums.k * w->words; i++)
        assert_true(w->mask[i] == 0);
}

static void rank_init(struct rank *rank, const struct km_csr *x, size_t k)
{
    const struct km_kernels *kern = km_kernels_all()[0];
    struct km_rng rng;
    struct km_err err;

    km_rng_seed(&rng, 7, 't', 3);
    assert_ok(km_sparse_init(&rank->step, kern, NULL, x->n, k, 0, &err), err);
    assert_ok(km_sparse_centers_init(&rank->c, k, x->d, &err), err);
    assert_ok(km_sparse_window_init(&rank->w, k, x->d, &err), err);
    km_sparse_seed_random(&rank->c, x, &rng);
}

static void rank_done(struct rank *rank)
{
    km_sparse_done(&rank->step);
    km_sparse_centers_done(&rank->c);
    km_sparse_window_done(&rank->w);
}

static double largest(const struct km_csr *x)
{
    double most = 0;

    for (size_t i = 0; i < x->n; i++)
        most = fmax(most, km_csr_norm2(x, i));
    return sqrt(most);
}

/* Windows of RANKS blocks of `block` rows, of which the last rank has only every second. */
static void check_pass(size_t n, size_t d, size_t k, size_t block, double decay, double size)
{
    struct km_csr x = few_values(n, d, size, k + d);
    struct rank rank[RANKS + 1]; /* the last one sees it all */
    double tolerance = 1e-6 * largest(&x);
    struct km_centers c[RANKS + 1];
    struct km_err err;

    for (int r = 0; r <= RANKS; r++)
        rank_init(&rank[r], &x, k);
    for (size_t from = 0; from + RANKS * block <= n; from += RANKS * block) {
        for (size_t r = 0; r < RANKS; r++) {
            struct km_csr view = km_csr_view(&x, from + r * block, block);
            int idle = r == RANKS - 1 && from / block % 2;

            if (!idle)
                km_sparse_window_add(&rank[r].w, &rank[r].c, &rank[r].step, &view);
        }
        {
            struct km_csr view =
                km_csr_view(&x, from, from / block % 2 ? (RANKS - 1) * block : RANKS * block);

            km_sparse_centers_label(&rank[RANKS].c, &rank[RANKS].step, &view);
            km_sparse_centers_take(&rank[RANKS].c, &rank[RANKS].step, &view, decay, 1);
        }
        meet(rank);
        for (int r = 0; r < RANKS; r++) {
            km_sparse_window_move(&rank[r].w, &rank[r].c, decay,
                                  rank[r].w.sums.flags[KM_FLAG_NORM2], NULL);
            check_empty(&rank[r].w);
        }
    }
    for (int r = 0; r <= RANKS; r++)
        assert_ok(km_sparse_centers_to_dense(&c[r], &rank[r].c, &err), err);
    for (size_t i = 0; i < k * d; i++) {
        for (int r = 1; r < RANKS; r++)
            assert_memory_equal(&c[r].exact[i], &c[0].exact[i], sizeof(double));
        assert_near(c[0].exact[i], c[RANKS].exact[i], tolerance);
    }
    for (size_t j = 0; j < k; j++)
        assert_near(c[0].weight[j], c[RANKS].weight[j], 1e-9 * c[RANKS].weight[j]);
    for (int r = 0; r <= RANKS; r++) {
        km_centers_done(&c[r]);
        rank_done(&rank[r]);
    }
    km_csr_done(&x);
}

static void ranks_apart_move_the_centers_as_one_that_has_seen_all(void **state)
{
    (void)state;
    check_pass(900, 60, 7, 50, 1, 1);
    check_pass(900, 64, 40, 20, 1, 1);
    check_pass(600, 129, 150, 20, 1, 1);
    check_pass(900, 60, 7, 50, 0.9, 1);
}

static void rows_of_any_allowed_size_leave_the_ranks_with_the_same_centers(void **state)
{
    (void)state;
    check_pass(900, 60, 7, 50, 1, 1e18); /* 0.99 sqrt(FLT_MAX / 4 / 60) is 1.2e18 */
    check_pass(900, 60, 7, 50, 0.9, 1e18);
}

static void no_memory_is_an_error_with_a_text(void **state)
{
    struct km_sparse_window w;
    struct km_err err;

    (void)state;
    for (size_t n = 1; n <= 3; n++) {
        km_alloc_fail_at(n);
        assert_int_equal(km_sparse_window_init(&w, 3, 100, &err), KM_E_MEM);
        assert_contains(err.msg, "no memory");
        assert_null(w.mask);
    }
    km_alloc_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_apart_move_the_centers_as_one_that_has_seen_all),
        cmocka_unit_test(rows_of_any_allowed_size_leave_the_ranks_with_the_same_centers),
        cmocka_unit_test(no_memory_is_an_error_with_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
