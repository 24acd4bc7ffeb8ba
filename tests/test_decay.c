/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/algo_test.h"

#include "algo/decay.h"

static void a_half_life_halves(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++)
        assert_true(km_decay(i * 7.0, 7) == ldexp(1, -i));
    assert_true(km_decay(0, 3) == 1);
    assert_true(km_decay(1, 2) == sqrt(0.5));
    assert_true(km_decay(1e300, 1) == 0);
}

static void it_is_the_power_of_one_half(void **state)
{
    struct km_rng rng;

    (void)state;
    km_rng_seed(&rng, 5, 'D', 0);
    for (int i = 0; i < 10000; i++) {
        double rows = 1 + (double)km_rng_below(&rng, 5000);
        double half_life = 8 + (double)km_rng_below(&rng, 9000);

        assert_near(km_decay(rows, half_life) / pow(0.5, rows / half_life), 1, 5e-16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_half_life_halves),
        cmocka_unit_test(it_is_the_power_of_one_half),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
