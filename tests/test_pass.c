/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "train/pass.h"

static void rows_that_no_center_received_are_our_error(void **state)
{
    static const double count[] = {3, 0, 4};
    struct km_err err;

    (void)state;
    assert_ok(km_pass_check_counts(count, 3, 7, &err), err);
    assert_ok(km_pass_check_counts(NULL, 0, 0, &err), err);
    assert_int_equal(km_pass_check_counts(count, 3, 8, &err), KM_E_BUG);
    assert_string_equal(err.msg,
                        "the centers received 7 rows, but 8 were read; please report this");
    assert_int_equal(km_pass_check_counts(count, 2, 7, &err), KM_E_BUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_no_center_received_are_our_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
