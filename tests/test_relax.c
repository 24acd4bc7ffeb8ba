/* SPDX-License-Identifier: Apache-2.0 */
/* Centers beyond their means, and back. */
#include "tests/algo_test.h"

#include "algo/relax.h"

static struct km_centers two_centers(double a, double b)
{
    struct km_centers c;
    struct km_err err;

    assert_ok(km_centers_init(&c, 2, 1, &err), err);
    km_centers_place(&c, (double[]){a, b}, NULL);
    return c;
}

static void move_to(struct km_centers *c, double a, double b)
{
    km_centers_place(c, (double[]){a, b}, NULL);
}

static void centers_go_on_by_seven_eighths_of_their_way(void **state)
{
    struct km_centers c = two_centers(1, 5);
    struct km_relax r;
    struct km_err err;

    (void)state;
    assert_ok(km_relax_init(&r, 2, 1, &err), err);
    km_relax_remember(&r, &c);
    move_to(&c, 9, 5); /* an empty center stays */
    km_relax_beyond(&r, &c);
    assert_true(c.exact[0] == 16 && c.exact[1] == 5);
    assert_true(km_mat_row(&c.c, 0)[0] == 16.0F && c.half[0] == 128.0F);
    km_relax_done(&r);
    km_centers_done(&c);
}

static void undone_they_are_at_their_means(void **state)
{
    struct km_centers c = two_centers(0, 0);
    struct km_relax r;
    struct km_err err;

    (void)state;
    assert_ok(km_relax_init(&r, 2, 1, &err), err);
    km_relax_remember(&r, &c);
    move_to(&c, 8, -8);
    km_relax_undo(&r, &c); /* they have not gone */
    assert_true(c.exact[0] == 8 && c.exact[1] == -8);
    km_relax_beyond(&r, &c);
    km_relax_undo(&r, &c);
    assert_true(c.exact[0] == 8 && c.exact[1] == -8 && c.half[0] == 32.0F);
    km_relax_done(&r);
    km_centers_done(&c);
}

static void without_memory_nothing_moves(void **state)
{
    struct km_centers c = two_centers(0, 1);
    struct km_relax r = {0};

    (void)state;
    km_relax_remember(&r, &c);
    move_to(&c, 2, 3);
    km_relax_beyond(&r, &c);
    km_relax_undo(&r, &c);
    assert_true(c.exact[0] == 2 && c.exact[1] == 3);
    km_centers_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(centers_go_on_by_seven_eighths_of_their_way),
        cmocka_unit_test(undone_they_are_at_their_means),
        cmocka_unit_test(without_memory_nothing_moves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
