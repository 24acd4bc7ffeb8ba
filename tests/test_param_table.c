/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "train/param_table.h"

static void the_nearest_name_is_found_for_slips_and_client_names(void **state)
{
    static const struct {
        const char *name, *nearest;
    } cases[] = {
        {"mini_batch_siz", "mini_batch_size"},
        {"mini-batch-size", "mini_batch_size"},
        {"epoch", "epochs"},
        {"epohcs", "epochs"},
        {"K", "k"},
        {"feature_dims", "feature_dim"},
        {"local_lloyd_max_iterations", "local_lloyd_max_iter"},
        {"center_factor", "extra_center_factor"},
        {"tol", "local_lloyd_tol"},
        {"num_trials", "local_lloyd_num_trials"},
        {"half_life_time", "half_life_time_size"},
        {"sede", "seed"},
        {"max_iterations", "local_lloyd_max_iter"},
        {"n_clusters", "k"},
        {"Num-Clusters", "k"},
        {"clusters", "k"},
        {"init", "init_method"},
        {"num_features", "feature_dim"},
        {"features", "feature_dim"},
        {"batch_size", "mini_batch_size"},
        {" epochs\t", "epochs"},
        {"kk", NULL},
        {"x", NULL},
        {"", NULL},
        {"learning_rate", NULL},
        {"a_name_that_is_much_longer_than_any_name_of_the_table", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *nearest = km_param_nearest(cases[i].name);

        if (!cases[i].nearest != !nearest || (nearest && strcmp(nearest, cases[i].nearest) != 0))
            fail_msg("%s: %s", cases[i].name, nearest ? nearest : "none");
    }
}

static void every_name_of_the_table_stands_in_the_help(void **state)
{
    char *text = NULL;
    size_t size = 0, n = 0;
    FILE *f = open_memstream(&text, &size);

    (void)state;
    assert_non_null(f);
    km_params_help(f);
    assert_int_equal(fclose(f), 0);
    for (; km_param_table[n].name; n++) {
        char option[64];

        snprintf(option, sizeof(option), "  --%s ", km_param_table[n].name);
        assert_contains(text, option);
    }
    assert_int_equal(n, 21);
    assert_contains(text, "integer >= 1 [5000]");
    assert_contains(text, "auto, or integer >= 0 [auto]");
    assert_contains(text, "error, or integer >= 0 [error]");
    assert_contains(text, "error, skip, or a number [error]");
    assert_contains(text, "number from 0 to 1 [0.0001]");
    assert_contains(text, "random or kmeans++ [random]");
    assert_contains(text, "integer >= 1, required\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_name_is_found_for_slips_and_client_names),
        cmocka_unit_test(every_name_of_the_table_stands_in_the_help),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
