/* SPDX-License-Identifier: Apache-2.0 */
/* Settings as a whole: what is given, missing, unknown, shown. */
#include "tests/settings_help.h"

#include "base/mem.h"

static void all_problems_of_a_request_are_reported_together(void **state)
{
    struct given g[] = {{"mini_batch_siz", "500"}, {"bogus_name", "1"},  {"epochs", "0"},
                        {"init_method", "x"},      {"_kvstore", "auto"}, {NULL, NULL}};
    struct km_params p;
    struct km_err err;
    int rc;
    struct km_settings *s = finish(g, &p, &rc, &err);

    (void)state;
    assert_int_equal(rc, KM_E_INPUT);
    assert_int_equal(problems.list.n, 4);
    assert_string_equal(problems.list.s[0],
                        "No value(s) were specified for 'k', 'feature_dim' which are required "
                        "hyperparameter(s)");
    assert_string_equal(
        problems.list.s[1],
        "Additional hyperparameters are not allowed ('mini_batch_siz' was "
        "unexpected; did you mean 'mini_batch_size'?, 'bogus_name' was unexpected)");
    assert_contains(problems.list.s[2], "'0' is not valid for the 'epochs'");
    assert_contains(problems.list.s[3], "'x' is not valid for the 'init_method'");
    assert_contains(err.msg, "hyperparameter(s); Additional");
    done(s);
}

static void feature_dim_may_be_left_out_on_a_command_line(void **state)
{
    struct km_settings *s;
    struct km_params p;
    struct km_err err;

    (void)state;
    assert_ok(km_settings_open(&s, &err), err);
    assert_ok(km_settings_set(s, "k", "3", &err), err);
    assert_ok(km_settings_finish(s, KM_NEED_K, &p, &problems, &err), err);
    assert_int_equal(p.feature_dim, 0);
    done(s);

    assert_ok(km_settings_open(&s, &err), err);
    assert_int_equal(km_settings_finish(s, KM_NEED_K, &p, &problems, &err), KM_E_INPUT);
    assert_string_equal(err.msg,
                        "No value(s) were specified for 'k' which are required hyperparameter(s)");
    done(s);
}

static void sizes_that_no_machine_has_are_refused(void **state)
{
    struct given many[] = {
        {"k", "2147483647"}, {"feature_dim", "1"}, {"extra_center_factor", "2"}, {NULL, NULL}};
    struct given wide[] = {{"k", "1000000"}, {"feature_dim", "1000000"}, {NULL, NULL}};
    struct given most[] = {
        {"k", "2147483647"}, {"feature_dim", "128"}, {"extra_center_factor", "1"}, {NULL, NULL}};
    struct km_params p;
    struct km_err err;
    int rc;

    (void)state;
    done(finish(many, &p, &rc, &err));
    assert_int_equal(rc, KM_E_INPUT);
    assert_string_equal(err.msg,
                        "k * extra_center_factor = 2147483647 * 2 = 4294967294 centers, at most "
                        "2147483647 are possible: reduce k or extra_center_factor");
    done(finish(wide, &p, &rc, &err));
    assert_int_equal(rc, KM_E_INPUT);
    assert_string_equal(err.msg,
                        "k * extra_center_factor = 1000000 * 10 centers of feature_dim = "
                        "1000000 values are 37253 GiB, at most 1024 are possible: reduce k "
                        "or extra_center_factor");
    done(finish(most, &p, &rc, &err));
    assert_ok(rc, err);
}

static void foreign_names_are_kept_aside(void **state)
{
    struct given g[] = {{"k", "3"},
                        {"feature_dim", "2"},
                        {"_tuning_objective_metric", "test:msd"},
                        {"_num_gpus", "?"},
                        {"sagemaker_region", "\"us-east-1\""},
                        {NULL, NULL}};
    struct km_params p;
    struct km_err err;
    int rc;
    struct km_settings *s = finish(g, &p, &rc, &err);

    (void)state;
    assert_ok(rc, err);
    assert_string_equal(km_settings_ignored(s),
                        "_tuning_objective_metric, _num_gpus, sagemaker_region");
    done(s);
    s = finish(g + 5, &p, &rc, &err);
    assert_string_equal(km_settings_ignored(s), "");
    done(s);
}

static void a_later_value_replaces_an_earlier_one(void **state)
{
    struct given g[] = {{"k", "x"}, {"feature_dim", "2"}, {"k", "7"}, {NULL, NULL}};
    struct km_params p;
    struct km_err err;
    int rc;
    struct km_settings *s = finish(g, &p, &rc, &err);

    (void)state;
    assert_ok(rc, err);
    assert_int_equal(p.k, 7);
    done(s);
}

/* Settings with what a JSON object holds. */
static struct km_settings *take(const char *text)
{
    json_t *object = json_loads(text, 0, NULL);
    struct km_settings *s;
    struct km_err err;

    assert_non_null(object);
    assert_ok(km_settings_open(&s, &err), err);
    assert_ok(km_settings_take(s, object, &err), err);
    json_decref(object);
    return s;
}

static void a_file_may_hold_strings_quoted_strings_and_json_values(void **state)
{
    struct km_settings *s = take(
        "{\"k\": 10, \"feature_dim\" : \"784\", \"init_method\": \"\\\"kmeans++\\\"\","
        " \"local_lloyd_tol\": 1e-05, \"force_dense\": false, \"eval_metrics\": [\"msd\", \"ssd\"],"
        "\n \"seed\":0, \"_log_level\": null, \"extra_center_factor\":\"auto\"}\n");
    struct km_params p;
    struct km_err err;
    char *json;

    (void)state;
    assert_ok(km_settings_finish(s, KM_NEED_ALL, &p, &problems, &err), err);
    assert_int_equal(p.k, 10);
    assert_int_equal(p.feature_dim, 784);
    assert_int_equal(p.init_method, KM_INIT_PLUSPLUS);
    assert_true(p.local_lloyd_tol == 1e-5);
    assert_false(p.force_dense);
    assert_true(p.eval_msd && p.eval_ssd);
    json = km_settings_provided_json(s);
    assert_contains(json, "{\"k\": \"10\", \"feature_dim\": \"784\", \"init_method\": "
                          "\"\\\"kmeans++\\\"\", \"local_lloyd_tol\": \"1e-");
    km_free(json);
    json = km_settings_final_json(s);
    assert_contains(json, "\"mini_batch_size\": \"5000\", \"epochs\": \"1\", \"init_method\": "
                          "\"kmeans++\"");
    assert_null(strstr(json, "_log_level"));
    km_free(json);
    done(s);
}

static void a_command_line_wins_over_a_file(void **state)
{
    struct km_settings *s = take("{\"k\":\"2\",\"feature_dim\":\"9\"}");
    json_t *object = json_pack("{s:s,s:s}", "k", "6", "feature_dim", "8");
    struct km_params p;
    struct km_err err;

    (void)state;
    assert_ok(km_settings_set(s, "k", "5", &err), err);
    assert_ok(km_settings_take(s, object, &err), err);
    json_decref(object);
    assert_ok(km_settings_finish(s, KM_NEED_ALL, &p, &problems, &err), err);
    assert_int_equal(p.k, 5);
    assert_int_equal(p.feature_dim, 8);
    done(s);
}

static void an_integer_is_known_before_the_end(void **state)
{
    struct km_settings *s = take("{\"launch_port\": \"12\", \"stall_timeout\": \"x\"}");

    (void)state;
    assert_int_equal(km_settings_integer(s, "launch_port"), 12);
    assert_int_equal(km_settings_integer(s, "stall_timeout"), 60);
    assert_int_equal(km_settings_integer(s, "launch_timeout"), 900);
    done(s);
}

static void where_no_file_could_be_used_nothing_is_missing(void **state)
{
    struct km_settings *s = take("{}");
    struct km_params p;
    struct km_err err;

    (void)state;
    assert_ok(km_settings_finish(s, KM_NEED_NONE, &p, &problems, &err), err);
    assert_int_equal(p.k, 0);
    done(s);
}

static int live(const json_t *object, struct km_err *err)
{
    struct km_settings *s;
    struct km_params p;
    char *provided, *final;
    int rc = km_settings_open(&s, err);

    if (rc)
        return rc;
    rc = km_settings_take(s, object, err);
    if (rc == KM_OK)
        rc = km_settings_set(s, "_x", "\"y\"", err);
    if (rc == KM_OK)
        rc = km_settings_finish(s, KM_NEED_ALL, &p, &problems, err);
    if (rc == KM_E_INPUT) {
        provided = km_settings_provided_json(s);
        final = km_settings_final_json(s);
        if (!provided || !final)
            rc = KM_E_MEM;
        km_free(provided);
        km_free(final);
    }
    done(s);
    return rc;
}

static void every_failing_allocation_ends_in_an_error(void **state)
{
    json_t *object =
        json_loads("{\"k\": 0, \"feature_dim\": \"2\", \"epoch\": \"1\", \"_y\": true}", 0, NULL);
    struct km_err err;
    size_t n = 0;
    int rc;

    (void)state;
    assert_non_null(object);
    do {
        km_alloc_fail_at(++n);
        rc = live(object, &err);
        if (rc != KM_E_MEM && rc != KM_E_INPUT)
            fail_msg("allocation %zu: rc %d", n, rc);
    } while (rc == KM_E_MEM);
    km_alloc_fail_at(0);
    assert_true(n > 15);
    json_decref(object);
    assert_contains(err.msg, "did you mean 'epochs'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_problems_of_a_request_are_reported_together),
        cmocka_unit_test(feature_dim_may_be_left_out_on_a_command_line),
        cmocka_unit_test(sizes_that_no_machine_has_are_refused),
        cmocka_unit_test(foreign_names_are_kept_aside),
        cmocka_unit_test(a_later_value_replaces_an_earlier_one),
        cmocka_unit_test(a_file_may_hold_strings_quoted_strings_and_json_values),
        cmocka_unit_test(a_command_line_wins_over_a_file),
        cmocka_unit_test(an_integer_is_known_before_the_end),
        cmocka_unit_test(where_no_file_could_be_used_nothing_is_missing),
        cmocka_unit_test(every_failing_allocation_ends_in_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
