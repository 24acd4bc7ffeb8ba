/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest centers of each center, by brute force. */
#include "tests/near_help.h"

/* How many centers are nearer to center j than i is; of equals the lower ones. */
static size_t rank_of(const struct km_centers *c, size_t j, size_t i)
{
    const float *row = km_mat_row(&c->c, j);
    double own = brute_dist2(row, c->exact + i * c->d, c->d);
    size_t rank = 0;

    for (size_t other = 0; other < c->k; other++) {
        double dist2 = brute_dist2(row, c->exact + other * c->d, c->d);

        rank += dist2 < own || (dist2 == own && other < i);
    }
    return rank;
}

/* Wide and narrow rows, and lists of all. */
static void a_list_holds_the_nearest(void **state)
{
    static const size_t shapes[][3] = {/* k, d, each */
                                       {40, 3, 7},   {90, 15, 32}, {90, 16, 32},
                                       {130, 70, 8}, {33, 20, 64}, {2, 5, 1}};

    (void)state;
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        struct km_mat x = random_rows(shapes[s][0], shapes[s][1], s);
        struct km_centers c = random_centers(&x, x.n, s); /* some are copies */
        struct km_near_lists l = find(&c, shapes[s][2], NULL);

        for (size_t j = 0; j < c.k; j++) {
            int has_own = 0;

            assert_int_equal(l.of[j].n, shapes[s][2] < c.k ? shapes[s][2] : c.k);
            for (size_t m = 0; m < l.of[j].n; m++) {
                assert_true(m == 0 || l.of[j].center[m] > l.of[j].center[m - 1]);
                assert_true(rank_of(&c, j, l.of[j].center[m]) < l.of[j].n);
                has_own |= l.of[j].center[m] == j;
            }
            assert_true(has_own || l.of[j].n == 1);
        }
        km_near_lists_done(&l);
        km_centers_done(&c);
        km_mat_done(&x);
    }
}

static void a_center_with_many_copies_is_in_its_own_list(void **state)
{
    struct km_mat x = make_mat(20, 30);
    struct km_centers c = random_centers(&x, 20, 0); /* all the same */
    struct km_near_lists l = find(&c, 3, NULL);

    (void)state;
    assert_int_equal(l.of[17].center[0], 0);
    assert_int_equal(l.of[17].center[1], 1);
    assert_int_equal(l.of[17].center[2], 17);
    km_near_lists_done(&l);
    km_centers_done(&c);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_holds_the_nearest),
        cmocka_unit_test(a_center_with_many_copies_is_in_its_own_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
