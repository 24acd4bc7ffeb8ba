/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/algo_test.h"

#include "base/scale.h"
#include <float.h>

static void what_fits_has_finite_squared_distances(void **state)
{
    (void)state;
    for (size_t d = 1; d < 100000; d = d * 3 + 1)
        for (int e = -160; e <= 160; e += 5) {
            float most = (float)ldexp(1.7, e < -149 ? -149 : e > 127 ? 127 : e), scaled = most;
            float limit = km_scale_limit(d), next = most;
            int fit = km_scale_fit(most, d);

            km_scale(&scaled, 1, fit);
            km_scale(&next, 1, fit + 1);
            assert_true(scaled <= limit && next > limit);
            assert_true((double)(4 * scaled * scaled) * (double)d <= (double)FLT_MAX);
            assert_true(km_scale_fits(&most, 1, km_scale_room(fit, d)));
        }
    assert_int_equal(km_scale_fit(0, 3), 1000);
}

static void the_largest_is_found_without_its_sign(void **state)
{
    const float v[] = {1, -FLT_MAX, 3, -0.0F, 1e-45F};

    (void)state;
    assert_true(km_scale_most(v, 5) == FLT_MAX);
    assert_true(km_scale_most(v + 2, 2) == 3);
    assert_true(km_scale_most(v, 0) == 0);
    assert_true(km_scale_fits(v + 2, 3, 3));
    assert_false(km_scale_fits(v, 5, 3e38F));
}

static void moved_is_less_the_origin_times_a_power(void **state)
{
    const float from[] = {3, -1e30F, 7e-20F}, origin[] = {1, 1e30F, -7e-20F};
    float v[3], max[] = {FLT_MAX};
    const float least[] = {-FLT_MAX};

    (void)state;
    memcpy(v, from, sizeof(v));
    km_scale_move(v, origin, 3, 0);
    assert_true(v[0] == 2 && v[1] == -2e30F && v[2] == 14e-20F);
    memcpy(v, from, sizeof(v));
    km_scale_move(v, origin, 3, -20);
    assert_true(v[0] == 0x1p-19F && v[1] == -2e30F * 0x1p-20F && v[2] == 14e-20F * 0x1p-20F);
    memcpy(v, from, sizeof(v));
    km_scale_move(v, NULL, 3, 10);
    assert_true(v[0] == 3072 && v[1] == -1e30F * 1024);
    km_scale_move(max, least, 1, -67); /* their difference is not a float32 */
    assert_true(max[0] == FLT_MAX * 0x1p-66F);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_has_finite_squared_distances),
        cmocka_unit_test(the_largest_is_found_without_its_sign),
        cmocka_unit_test(moved_is_less_the_origin_times_a_power),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
