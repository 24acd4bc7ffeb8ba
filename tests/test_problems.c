/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "base/mem.h"
#include "train/problems.h"

static void all_are_told_in_one_text(void **state)
{
    struct km_problems p = {0};
    struct km_err err;

    (void)state;
    assert_ok(km_problems_check(&p, &err), err);
    km_problem(&p, "the value '%s' is bad", "a\nb\xff");
    km_problem(&p, "so is %d", 7);
    assert_int_equal(km_problems_check(&p, &err), KM_E_INPUT);
    assert_string_equal(err.msg, "the value 'a b?' is bad; so is 7");
    km_problems_done(&p);
    assert_ok(km_problems_check(&p, &err), err);
}

static void more_than_fits_is_cut(void **state)
{
    struct km_problems p = {0};
    struct km_err err;

    (void)state;
    for (int i = 0; i < 100; i++)
        km_problem(&p, "%0100d", i);
    assert_int_equal(p.list.n, 100);
    assert_int_equal(km_problems_check(&p, &err), KM_E_INPUT);
    assert_int_equal(strlen(err.msg), KM_ERR_MAX - 1);
    km_problems_done(&p);
}

static void one_that_is_lost_is_no_success(void **state)
{
    struct km_err err;

    (void)state;
    for (size_t n = 1; n <= 2; n++) {
        struct km_problems p = {0};

        km_alloc_fail_at(n);
        km_problem(&p, "x");
        km_alloc_fail_at(0);
        assert_int_equal(km_problems_check(&p, &err), KM_E_MEM);
        km_problems_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_told_in_one_text),
        cmocka_unit_test(more_than_fits_is_cut),
        cmocka_unit_test(one_that_is_lost_is_no_success),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
