/* SPDX-License-Identifier: Apache-2.0 */
/* Long work ends soon after its deadline, with a result that can be used. */
#include "tests/algo_test.h"

#include "algo/many.h"
#include "algo/shrink.h"
#include "base/stop.h"

#include <math.h>
#include <stdatomic.h>

/* Over when it has been asked after so many times. */
static int over(void *left)
{
    return atomic_fetch_sub((atomic_int *)left, 1) <= 0;
}

static int iterations_with(int looks)
{
    atomic_int left = looks;
    struct km_deadline deadline = {over, &left};
    struct km_mat x = random_rows(500, 5, 1);
    struct km_centers c = random_centers(&x, 9, 1);
    struct km_points p = weighted_points(&x, NULL, test_kern());
    struct km_step_size size = km_step_size_of(&p.rows, c.k);
    struct km_lloyd_result r;
    struct km_step *step;
    struct km_err err;

    assert_ok(km_step_new(&step, &size, test_kern(), NULL, &err), err);
    r = km_lloyd(step, &c, &p, 20, 0, looks < 0 ? NULL : &deadline);
    assert_near(r.loss, brute_loss(&x, NULL, c.exact, c.k), 0.2 * r.loss);
    km_step_free(step);
    km_centers_done(&c);
    km_mat_done(&x);
    return r.iterations;
}

static void lloyd_ends_after_the_iteration_in_which_it_is_over(void **state)
{
    (void)state;
    assert_int_equal(iterations_with(0), 1);
    assert_int_equal(iterations_with(3), 4);
    assert_true(iterations_with(-1) > 4);
}

static void trials_that_would_begin_after_it_are_left_out_but_for_the_first(void **state)
{
    atomic_int left = 0;
    struct km_deadline deadline = {over, &left};
    struct km_shrink_options o = {.k = 4, .trials = 6, .max_iter = 10, .deadline = &deadline};
    struct km_mat x = random_rows(40, 3, 1);
    struct km_centers from = random_centers(&x, 40, 1);
    struct km_trial *trials;
    struct km_err err;

    (void)state;
    assert_ok(km_shrink(&trials, &from, &o, test_kern(), NULL, &err), err);
    for (size_t t = 0; t < o.trials; t++)
        assert_int_equal(isfinite(trials[t].loss), t == 0);
    km_trials_free(trials, o.trials);
    km_centers_done(&from);
    km_mat_done(&x);
}

static void the_search_does_nothing_after_it_and_some_steps_before(void **state)
{
    struct km_mat x = random_rows(2000, 20, 1);
    size_t done[2];

    (void)state;
    for (int looks = 0; looks < 2; looks++) {
        atomic_int left = looks;
        struct km_deadline deadline = {over, &left};
        struct km_many_options o = {.work = 30, .deadline = &deadline};
        struct km_centers c = random_centers(&x, 150, 0);
        struct km_points p = weighted_points(&x, NULL, test_kern());
        struct km_many_result r;
        struct km_err err;

        assert_ok(km_many(&c, &r, &p, &o, test_kern(), NULL, &err), err);
        done[looks] = r.iterations + r.looks;
        km_centers_done(&c);
    }
    assert_int_equal(done[0], 0);
    assert_int_equal(done[1], 1);
    km_mat_done(&x);
}

static void nobody_has_asked_this_process_to_stop(void **state)
{
    (void)state;
    assert_false(km_late(NULL));
    assert_false(km_late(&km_stop_deadline));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lloyd_ends_after_the_iteration_in_which_it_is_over),
        cmocka_unit_test(trials_that_would_begin_after_it_are_left_out_but_for_the_first),
        cmocka_unit_test(the_search_does_nothing_after_it_and_some_steps_before),
        cmocka_unit_test(nobody_has_asked_this_process_to_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
