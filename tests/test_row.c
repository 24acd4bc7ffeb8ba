/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "io/row.h"

#include <float.h>
#include <math.h>

static void the_first_value_that_is_not_finite_is_found(void **state)
{
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    float v[70] = {0};

    (void)state;
    for (size_t n = 0; n < 70; n++) {
        for (size_t i = 0; i < n; i++)
            v[i] = i % 3 ? FLT_MAX : -1e-45F;
        assert_int_equal(km_row_bad(v, n), n);
        for (size_t at = 0; at < n; at++) {
            float before = v[at];

            v[at] = bad[at % 4];
            v[n - 1] = n - 1 == at ? v[at] : NAN;
            assert_int_equal(km_row_bad(v, n), at);
            v[at] = before;
            v[n - 1] = 1;
        }
    }
}

static void a_bad_value_is_told_with_its_number(void **state)
{
    struct km_err err;

    (void)state;
    assert_int_equal(km_row_fail(&err, 0, (double)NAN), KM_E_INPUT);
    assert_contains(err.msg, "value 1 is NaN");
    assert_int_equal(km_row_fail(&err, 6, -(double)INFINITY), KM_E_INPUT);
    assert_contains(err.msg, "value 7 is infinite");
    assert_int_equal(km_row_fail(&err, 1, 1e40), KM_E_INPUT);
    assert_contains(err.msg, "value 2 is 1e+40, more than float32 can hold");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_value_that_is_not_finite_is_found),
        cmocka_unit_test(a_bad_value_is_told_with_its_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
