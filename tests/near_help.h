/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of near centers share. */
#ifndef KM_TESTS_NEAR_HELP_H
#define KM_TESTS_NEAR_HELP_H

#include "tests/algo_test.h"

#include "algo/look.h"
#include "algo/near_lists.h"

/** The lists of these centers. */
static inline struct km_near_lists find(const struct km_centers *c, size_t each,
                                        struct km_pool *pool)
{
    struct km_near_lists l;
    struct km_err err;

    assert_ok(km_near_lists_init(&l, pool, c->k, each, &err), err);
    km_near_lists_find(&l, c, test_kern(), pool);
    return l;
}

/** Fails unless the look knows the two nearest of all centers of each row. */
static inline void assert_two_nearest(const struct km_look *look, const struct km_mat *x,
                                      const struct km_centers *c)
{
    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);
        size_t near = brute_nearest(row, c->exact, c->k, c->d);
        double least = HUGE_VAL;

        for (size_t j = 0; j < c->k; j++)
            if (j != near)
                least = fmin(least, brute_dist2(row, c->exact + j * c->d, c->d));
        assert_int_equal(look->near[i], near);
        assert_near(look->near2[i], brute_dist2(row, c->exact + near * c->d, c->d), 1e-9);
        assert_near(look->next2[i], least, 1e-9);
        assert_true(look->next[i] != look->near[i]);
    }
}

#endif
