/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "base/mem.h"
#include "train/params.h"

/* One value of one hyperparameter, beside valid ones of k and feature_dim. */
struct given {
    const char *name;
    const char *value;
};

/* Settings from pairs that end in a NULL name, finished into *p. */
static struct km_settings *finish(const struct given *g, struct km_params *p, int *rc,
                                  struct km_err *err)
{
    struct km_settings *s;

    assert_ok(km_settings_open(&s, err), *err);
    for (; g->name; g++)
        assert_ok(km_settings_set(s, g->name, g->value, err), *err);
    *rc = km_settings_finish(s, 1, p, err);
    return s;
}

static struct km_params good(const char *name, const char *value)
{
    struct given g[] = {{"k", "3"}, {"feature_dim", "2"}, {name, value}, {NULL, NULL}};
    struct km_params p;
    struct km_err err;
    int rc;
    struct km_settings *s = finish(g, &p, &rc, &err);

    if (rc)
        fail_msg("%s = %s: %s", name ? name : "nothing", value ? value : "given", err.msg);
    km_settings_close(s);
    return p;
}

/* The one problem that a value causes must be this text. */
static void bad(const char *name, const char *value, const char *text)
{
    struct given g[] = {{"k", "3"}, {"feature_dim", "2"}, {name, value}, {NULL, NULL}};
    struct km_params p;
    struct km_err err;
    int rc;
    struct km_settings *s = finish(g, &p, &rc, &err);

    if (rc != KM_E_INPUT || km_settings_problems(s) != 1)
        fail_msg("%s = %s: rc %d, %zu problems", name, value, rc, km_settings_problems(s));
    assert_string_equal(km_settings_problem_at(s, 0), text);
    assert_string_equal(err.msg, text);
    km_settings_close(s);
}

static void the_defaults_are_those_of_the_original(void **state)
{
    struct km_params p = good(NULL, NULL);

    (void)state;
    assert_int_equal(p.k, 3);
    assert_int_equal(p.feature_dim, 2);
    assert_int_equal(p.mini_batch_size, 5000);
    assert_int_equal(p.epochs, 1);
    assert_int_equal(p.init_method, KM_INIT_RANDOM);
    assert_int_equal(p.extra_center_factor, KM_AUTO);
    assert_int_equal(p.half_life_time_size, 0);
    assert_int_equal(p.local_lloyd_init_method, KM_INIT_PLUSPLUS);
    assert_int_equal(p.local_lloyd_max_iter, 300);
    assert_true(p.local_lloyd_tol == 0.0001);
    assert_int_equal(p.local_lloyd_num_trials, KM_AUTO);
    assert_true(p.eval_msd && !p.eval_ssd);
    assert_true(p.force_dense);
    assert_int_equal(p.seed, 0);
    assert_int_equal(p.refine_rows, KM_AUTO);
    assert_int_equal(p.refine_passes, KM_AUTO);
}

static void integers_are_taken_up_to_their_limits(void **state)
{
    (void)state;
    assert_int_equal(good("mini_batch_size", "2147483647").mini_batch_size, INT32_MAX);
    assert_int_equal(good("k", "\"4\"").k, 4);
    assert_int_equal(good("half_life_time_size", "9223372036854775807").half_life_time_size,
                     INT64_MAX);
    assert_int_equal(good("seed", "9223372036854775807").seed, INT64_MAX);
    assert_int_equal(good("refine_rows", "0").refine_rows, 0);
    assert_int_equal(good("refine_rows", "auto").refine_rows, KM_AUTO);
    assert_int_equal(good("refine_passes", "0").refine_passes, 0);
    assert_int_equal(good("refine_passes", "auto").refine_passes, KM_AUTO);
    assert_int_equal(good("refine_passes", "1000000").refine_passes, 1000000);
    assert_int_equal(good("extra_center_factor", "\"auto\"").extra_center_factor, KM_AUTO);
    assert_int_equal(good("extra_center_factor", "4").extra_center_factor, 4);
    assert_int_equal(good("local_lloyd_num_trials", "20").local_lloyd_num_trials, 20);
}

static void bad_integers_are_named_with_what_is_expected(void **state)
{
    static const char *const values[] = {"",    "x",  "0",    "-1",   "+5",  " 5",  "5 ", "5.0",
                                         "1e3", "05", "None", "auto", "0x5", "\"5", "[5]"};
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        snprintf(text, sizeof(text),
                 "The value '%s' is not valid for the 'k' hyperparameter which expects an integer "
                 "of 1 or more, in digits only (a string which matches the pattern "
                 "'^([1-9][0-9]*)$')",
                 values[i]);
        bad("k", values[i], text);
    }
    bad("mini_batch_size", "2147483648",
        "The value '2147483648' is not valid for the 'mini_batch_size' hyperparameter which "
        "expects an integer of 1 or more, up to 2147483647, in digits only (a string which matches "
        "the pattern '^([1-9][0-9]*)$')");
    bad("seed", "99999999999999999999",
        "The value '99999999999999999999' is not valid for the 'seed' hyperparameter which expects "
        "an integer of 0 or more, up to 9223372036854775807, in digits only (a string which "
        "matches the pattern '^(0|[1-9][0-9]*)$')");
    bad("extra_center_factor", "Auto",
        "The value 'Auto' is not valid for the 'extra_center_factor' hyperparameter which expects "
        "'auto' or an integer of 1 or more, in digits only (a string which matches the pattern "
        "'^([1-9][0-9]*)$')");
    bad("half_life_time_size", "00",
        "The value '00' is not valid for the 'half_life_time_size' hyperparameter which expects an "
        "integer of 0 or more, in digits only (a string which matches the pattern "
        "'^(0|[1-9][0-9]*)$')");
    bad("launch_port", "65536",
        "The value '65536' is not valid for the 'launch_port' hyperparameter which expects an "
        "integer from 1 to 65535, in digits only (a string which matches the pattern "
        "'^([1-9][0-9]*)$')");
}

static void tolerances_are_numbers_from_0_to_1(void **state)
{
    static const struct {
        const char *text;
        double value;
    } fine[] = {{"0", 0},       {"1", 1},     {"0.0001", 1e-4}, {"1e-05", 1e-5},
                {"1E-5", 1e-5}, {"1.0", 1},   {".5", 0.5},      {"1.", 1},
                {"5e-1", 0.5},  {"10e-1", 1}, {"1e-400", 0},    {"\"0.1\"", .1}};
    static const char *const wrong[] = {"",   "nan",  "inf", "-0.1", "1.1",  "0x1p-4", "+0.5", ".",
                                        "1e", "1e+1", "0,1", " 0.1", "0.1f", "-",      "1e999"};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
        assert_true(good("local_lloyd_tol", fine[i].text).local_lloyd_tol == fine[i].value);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(text, sizeof(text),
                 "The value '%s' is not valid for the 'local_lloyd_tol' hyperparameter which "
                 "expects a number from 0 to 1, such as 0.0001 or 1e-05",
                 wrong[i]);
        bad("local_lloyd_tol", wrong[i], text);
    }
}

static void choices_come_bare_or_quoted_and_in_both_spellings(void **state)
{
    (void)state;
    assert_int_equal(good("init_method", "kmeans++").init_method, KM_INIT_PLUSPLUS);
    assert_int_equal(good("init_method", "k-means++").init_method, KM_INIT_PLUSPLUS);
    assert_int_equal(good("init_method", "\"kmeans++\"").init_method, KM_INIT_PLUSPLUS);
    assert_int_equal(good("local_lloyd_init_method", "random").local_lloyd_init_method,
                     KM_INIT_RANDOM);
    assert_int_equal(good("local_lloyd_init_method", "\"random\"").local_lloyd_init_method,
                     KM_INIT_RANDOM);
    assert_true(good("force_dense", "True").force_dense);
    assert_true(good("force_dense", "true").force_dense);
    assert_false(good("force_dense", "False").force_dense);
    assert_false(good("force_dense", "\"false\"").force_dense);
    assert_true(good("force_dense", "TRUE").force_dense);
    assert_false(good("force_dense", "FALSE").force_dense);
    bad("init_method", "x",
        "The value 'x' is not valid for the 'init_method' hyperparameter which accepts one of the "
        "following: 'random', 'kmeans++'");
    bad("init_method", "Random",
        "The value 'Random' is not valid for the 'init_method' hyperparameter which accepts one of "
        "the following: 'random', 'kmeans++'");
    bad("force_dense", "1",
        "The value '1' is not valid for the 'force_dense' hyperparameter which accepts one of the "
        "following: 'true', 'false'");
}

static void eval_metrics_are_taken_in_every_spelling_of_the_clients(void **state)
{
    static const struct {
        const char *text;
        int msd, ssd;
    } fine[] = {{"[\"msd\"]", 1, 0},        {"[msd]", 1, 0},     {"[\"msd\",\"ssd\"]", 1, 1},
                {"[msd, ssd]", 1, 1},       {"msd", 1, 0},       {"\"ssd\"", 0, 1},
                {"['msd', 'ssd']", 1, 1},   {" [ ssd ] ", 0, 1}, {"[\"ssd\",\"ssd\"]", 0, 1},
                {"\"[\\\"ssd\\\"]\"", 0, 1}};
    static const char *const wrong[] = {"",       " ",       "[]",        "[\"msd\"",
                                        "msd]",   "[msd,]",  "[msd ssd]", "msd,ssd",
                                        "[msd]x", "[\"msd]", "[\"\"]",    "[msd][ssd]"};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        struct km_params p = good("eval_metrics", fine[i].text);

        if (p.eval_msd != fine[i].msd || p.eval_ssd != fine[i].ssd)
            fail_msg("%s: msd %d, ssd %d", fine[i].text, p.eval_msd, p.eval_ssd);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(text, sizeof(text),
                 "Hyperparameter must be valid json, but found eval_metrics: %s; expected a list "
                 "of at least one metric, "
                 "such as [\"msd\"] or [\"msd\", \"ssd\"]",
                 wrong[i]);
        bad("eval_metrics", wrong[i], text);
    }
    bad("eval_metrics", "[msd,rmsd]",
        "The list of values for hyperparameter 'eval_metrics' contains invalid value: ['rmsd']. "
        "The supported values are: ['msd', 'ssd']");
}

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
    assert_int_equal(km_settings_problems(s), 4);
    assert_string_equal(km_settings_problem_at(s, 0),
                        "No value(s) were specified for 'k', 'feature_dim' which are required "
                        "hyperparameter(s)");
    assert_string_equal(
        km_settings_problem_at(s, 1),
        "Additional hyperparameters are not allowed ('mini_batch_siz' was "
        "unexpected; did you mean 'mini_batch_size'?, 'bogus_name' was unexpected)");
    assert_contains(km_settings_problem_at(s, 2), "'0' is not valid for the 'epochs'");
    assert_contains(km_settings_problem_at(s, 3), "'x' is not valid for the 'init_method'");
    assert_contains(err.msg, "hyperparameter(s); Additional");
    km_settings_close(s);
}

static void feature_dim_may_be_left_out_on_a_command_line(void **state)
{
    struct km_settings *s;
    struct km_params p;
    struct km_err err;

    (void)state;
    assert_ok(km_settings_open(&s, &err), err);
    assert_ok(km_settings_set(s, "k", "3", &err), err);
    assert_ok(km_settings_finish(s, 0, &p, &err), err);
    assert_int_equal(p.feature_dim, 0);
    km_settings_close(s);

    assert_ok(km_settings_open(&s, &err), err);
    assert_int_equal(km_settings_finish(s, 0, &p, &err), KM_E_INPUT);
    assert_string_equal(err.msg,
                        "No value(s) were specified for 'k' which are required hyperparameter(s)");
    km_settings_close(s);
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
    km_settings_close(finish(many, &p, &rc, &err));
    assert_int_equal(rc, KM_E_INPUT);
    assert_string_equal(err.msg,
                        "k * extra_center_factor = 2147483647 * 2 = 4294967294 centers, at most "
                        "2147483647 are possible: reduce k or extra_center_factor");
    km_settings_close(finish(wide, &p, &rc, &err));
    assert_int_equal(rc, KM_E_INPUT);
    assert_string_equal(err.msg,
                        "k * extra_center_factor = 1000000 * 10 centers of feature_dim = "
                        "1000000 values are 37253 GiB, at most 1024 are possible: reduce k "
                        "or extra_center_factor");
    km_settings_close(finish(most, &p, &rc, &err));
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
    km_settings_close(s);
    s = finish(g + 5, &p, &rc, &err);
    assert_string_equal(km_settings_ignored(s), "");
    km_settings_close(s);
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
    km_settings_close(s);
}

static void foreign_bytes_in_a_value_become_valid_text(void **state)
{
    char longer[5001];

    (void)state;
    bad("init_method", "a\xff\n\xe2\x82\xac",
        "The value 'a? \xe2\x82\xac' is not valid for the 'init_method' hyperparameter which "
        "accepts one of the following: 'random', 'kmeans++'");
    bad("init_method", "\"a\\nb\"",
        "The value 'a b' is not valid for the 'init_method' hyperparameter which accepts one of "
        "the following: 'random', 'kmeans++'");
    memset(longer, 'y', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    bad("init_method", longer,
        "The value "
        "'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
        "yyyyyyyyyyyyyyyyyyyy...' is not valid for the 'init_method' hyperparameter which accepts "
        "one of the following: 'random', 'kmeans++'");
}

/* --- files --- */

/* Reads settings from a file of this text; NULL: no file. */
static struct km_settings *read_text(const char *text)
{
    char path[300];
    struct km_settings *s;
    struct km_err err;

    snprintf(path, sizeof(path), "%s/hyperparameters.json", test_folder());
    if (text) {
        FILE *f = fopen(path, "wb");

        assert_non_null(f);
        fputs(text, f);
        assert_int_equal(fclose(f), 0);
    }
    assert_ok(km_settings_open(&s, &err), err);
    assert_ok(km_settings_read(s, path, &err), err);
    return s;
}

static void a_file_may_hold_strings_quoted_strings_and_json_values(void **state)
{
    struct km_settings *s = read_text(
        "\xef\xbb\xbf{\"k\": 10, \"feature_dim\" : \"784\", \"init_method\": \"\\\"kmeans++\\\"\","
        " \"local_lloyd_tol\": 1e-05, \"force_dense\": false, \"eval_metrics\": [\"msd\", \"ssd\"],"
        "\n \"seed\":0, \"_log_level\": null, \"extra_center_factor\":\"auto\"}\n");
    struct km_params p;
    struct km_err err;
    char *json;

    (void)state;
    assert_ok(km_settings_finish(s, 1, &p, &err), err);
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
    km_settings_close(s);
}

static void a_command_line_wins_over_a_file(void **state)
{
    struct km_settings *s = read_text("{\"k\":\"2\",\"feature_dim\":\"9\"}");
    struct km_params p;
    struct km_err err;
    char path[300];
    FILE *f;

    (void)state;
    assert_ok(km_settings_set(s, "k", "5", &err), err);
    snprintf(path, sizeof(path), "%s/again.json", test_folder());
    f = fopen(path, "wb");
    assert_non_null(f);
    fputs("{\"k\":\"6\",\"feature_dim\":\"8\"}", f);
    assert_int_equal(fclose(f), 0);
    assert_ok(km_settings_read(s, path, &err), err);
    assert_ok(km_settings_finish(s, 1, &p, &err), err);
    assert_int_equal(p.k, 5);
    assert_int_equal(p.feature_dim, 8);
    km_settings_close(s);
}

static void files_that_are_no_json_object_are_named_with_line_and_column(void **state)
{
    static const struct {
        const char *text, *problem;
    } wrong[] = {
        {NULL, "the file with the hyperparameters is missing"},
        {"", "hyperparameters.json: line 1, column 0: not valid JSON: '[' or '{' expected"},
        {"{\"k\": \"1\",\n  \"epochs\" \"2\"}", "line 2, column 14: not valid JSON: ':' expected"},
        {"{\"k\": \"1\"", "line 1, column 9: not valid JSON: '}' expected"},
        {"{\"k\": \"\xff\"}", "not valid JSON: unable to decode byte 0xff"},
        {"{\"k\":\"1\",\"k\":\"2\"}", "not valid JSON: duplicate object key"},
        {"[\"k\"]", "found a JSON list, expected an object"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct km_settings *s = read_text(wrong[i].text);
        struct km_params p;
        struct km_err err;

        assert_int_equal(km_settings_finish(s, 1, &p, &err), KM_E_INPUT);
        assert_int_equal(km_settings_problems(s), 1);
        assert_contains(km_settings_problem_at(s, 0), wrong[i].problem);
        km_settings_close(s);
    }
}

static void a_folder_or_a_huge_file_is_no_configuration(void **state)
{
    char path[300];
    struct km_settings *s;
    struct km_err err;
    FILE *f;

    (void)state;
    assert_ok(km_settings_open(&s, &err), err);
    snprintf(path, sizeof(path), "%s", test_folder());
    assert_ok(km_settings_read(s, path, &err), err);
    assert_contains(km_settings_problem_at(s, 0), "cannot read the file: Is a directory");
    snprintf(path, sizeof(path), "%s/big", test_folder());
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 5 << 20, SEEK_SET), 0);
    fputc('{', f);
    assert_int_equal(fclose(f), 0);
    assert_ok(km_settings_read(s, path, &err), err);
    assert_contains(km_settings_problem_at(s, 1), "more than 4194304 bytes");
    km_settings_close(s);
}

/* --- the table --- */

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
    for (; km_param_name(n); n++) {
        char option[64];

        snprintf(option, sizeof(option), "  --%s ", km_param_name(n));
        assert_contains(text, option);
    }
    assert_int_equal(n, 19);
    assert_null(km_param_name(n + 1));
    assert_contains(text, "integer >= 1 [5000]");
    assert_contains(text, "auto, or integer >= 0 [auto]");
    assert_contains(text, "number from 0 to 1 [0.0001]");
    assert_contains(text, "random or kmeans++ [random]");
    assert_contains(text, "integer >= 1, required\n");
    free(text);
}

/* --- memory --- */

/* A whole life of settings; returns the code of the first step that fails. */
static int live(const char *path, struct km_err *err)
{
    struct km_settings *s;
    struct km_params p;
    char *provided, *final;
    int rc = km_settings_open(&s, err);

    if (rc)
        return rc;
    rc = km_settings_read(s, path, err);
    if (rc == KM_OK)
        rc = km_settings_set(s, "_x", "\"y\"", err);
    if (rc == KM_OK)
        rc = km_settings_finish(s, 1, &p, err);
    if (rc == KM_E_INPUT) {
        provided = km_settings_provided_json(s);
        final = km_settings_final_json(s);
        if (!provided || !final)
            rc = KM_E_MEM;
        km_free(provided);
        km_free(final);
    }
    km_settings_close(s);
    return rc;
}

static void every_failing_allocation_ends_in_an_error(void **state)
{
    char path[300];
    struct km_err err;
    FILE *f;
    size_t n = 0;
    int rc;

    (void)state;
    snprintf(path, sizeof(path), "%s/h.json", test_folder());
    f = fopen(path, "wb");
    assert_non_null(f);
    fputs("{\"k\": 0, \"feature_dim\": \"2\", \"epoch\": \"1\", \"_y\": true}", f);
    assert_int_equal(fclose(f), 0);
    do {
        km_alloc_fail_at(++n);
        rc = live(path, &err);
        if (rc != KM_E_MEM && rc != KM_E_INPUT)
            fail_msg("allocation %zu: rc %d", n, rc);
    } while (rc == KM_E_MEM);
    km_alloc_fail_at(0);
    assert_true(n > 15);
    assert_contains(err.msg, "did you mean 'epochs'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_original),
        cmocka_unit_test(integers_are_taken_up_to_their_limits),
        cmocka_unit_test(bad_integers_are_named_with_what_is_expected),
        cmocka_unit_test(tolerances_are_numbers_from_0_to_1),
        cmocka_unit_test(choices_come_bare_or_quoted_and_in_both_spellings),
        cmocka_unit_test(eval_metrics_are_taken_in_every_spelling_of_the_clients),
        cmocka_unit_test(all_problems_of_a_request_are_reported_together),
        cmocka_unit_test(feature_dim_may_be_left_out_on_a_command_line),
        cmocka_unit_test(sizes_that_no_machine_has_are_refused),
        cmocka_unit_test(foreign_names_are_kept_aside),
        cmocka_unit_test(a_later_value_replaces_an_earlier_one),
        cmocka_unit_test(foreign_bytes_in_a_value_become_valid_text),
        cmocka_unit_test(a_file_may_hold_strings_quoted_strings_and_json_values),
        cmocka_unit_test(a_command_line_wins_over_a_file),
        cmocka_unit_test(files_that_are_no_json_object_are_named_with_line_and_column),
        cmocka_unit_test(a_folder_or_a_huge_file_is_no_configuration),
        cmocka_unit_test(the_nearest_name_is_found_for_slips_and_client_names),
        cmocka_unit_test(every_name_of_the_table_stands_in_the_help),
        cmocka_unit_test(every_failing_allocation_ends_in_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
