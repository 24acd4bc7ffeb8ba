/* SPDX-License-Identifier: Apache-2.0 */
/* Values of hyperparameters, as a request gives them. */
#include "tests/settings_help.h"

static struct km_params good(const char *name, const char *value)
{
    struct given g[] = {{"k", "3"}, {"feature_dim", "2"}, {name, value}, {NULL, NULL}};
    struct km_params p;
    struct km_err err;
    int rc;
    struct km_settings *s = finish(g, &p, &rc, &err);

    if (rc)
        fail_msg("%s = %s: %s", name ? name : "nothing", value ? value : "given", err.msg);
    done(s);
    return p;
}

static void bad(const char *name, const char *value, const char *text)
{
    struct given g[] = {{"k", "3"}, {"feature_dim", "2"}, {name, value}, {NULL, NULL}};
    struct km_params p;
    struct km_err err;
    int rc;
    struct km_settings *s = finish(g, &p, &rc, &err);

    if (rc != KM_E_INPUT || problems.list.n != 1)
        fail_msg("%s = %s: rc %d, %zu problems", name, value, rc, problems.list.n);
    assert_string_equal(problems.list.s[0], text);
    assert_string_equal(err.msg, text);
    done(s);
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
    assert_int_equal(p.bad_records, 0);
    assert_false(p.missing.skip || p.missing.has_stand_in);
}

static void what_is_skipped_is_a_word_or_a_number(void **state)
{
    struct km_missing m;

    (void)state;
    assert_int_equal(good("bad_records", "error").bad_records, 0);
    assert_int_equal(good("bad_records", "0").bad_records, 0);
    assert_int_equal(good("bad_records", "1000").bad_records, 1000);
    m = good("missing", "skip").missing;
    assert_true(m.skip && !m.has_stand_in);
    m = good("missing", "-9999").missing;
    assert_true(m.skip && m.has_stand_in && m.stand_in == -9999);
    m = good("missing", "\"1e20\"").missing;
    assert_true(m.skip && m.has_stand_in && m.stand_in == 1e20F);
    bad("bad_records", "auto",
        "The value 'auto' is not valid for the 'bad_records' hyperparameter which expects 'error' "
        "or an integer of 0 or more, in digits only (a string which matches the pattern "
        "'^(0|[1-9][0-9]*)$')");
    bad("missing", "nan",
        "The value 'nan' is not valid for the 'missing' hyperparameter which accepts one of the "
        "following: 'error', 'skip', a number that stands for a missing value");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_original),
        cmocka_unit_test(what_is_skipped_is_a_word_or_a_number),
        cmocka_unit_test(integers_are_taken_up_to_their_limits),
        cmocka_unit_test(bad_integers_are_named_with_what_is_expected),
        cmocka_unit_test(tolerances_are_numbers_from_0_to_1),
        cmocka_unit_test(choices_come_bare_or_quoted_and_in_both_spellings),
        cmocka_unit_test(eval_metrics_are_taken_in_every_spelling_of_the_clients),
        cmocka_unit_test(foreign_bytes_in_a_value_become_valid_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
