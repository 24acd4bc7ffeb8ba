/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that other programs read, digit by digit. */
#include "tests/algo_test.h"
#include "tests/log_help.h"

#include "train/report.h"

#include <jansson.h>

static void an_msd_never_loses_its_digits(void **state)
{
    static const struct {
        double msd;
        const char *text;
    } cases[] = {
        {0, "0.000000"},         {1.5, "1.500000"}, {1e-4, "0.000100"},
        {9.9e-5, "9.9e-05"},     {1e15, "1e+15"},   {123456.789, "123456.789000"},
        {1.25e300, "1.25e+300"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(km_report_msd(cases[i].msd).s, cases[i].text);
}

static void a_quality_reads_back_as_the_same_number(void **state)
{
    static const double values[] = {
        0, 1, 0.1, 1.0 / 3, 12345678.9, 1e22, 5e-324, 1.7976931348623157e308, 2.5e-7, 100};
    struct heard h;

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        const char *at;

        hear(&h);
        km_report_quality("algo-1", "test", "msd", values[i]);
        at = strstr(heard(&h), "#quality_metric: host=algo-1, test msd <loss>=");
        assert_non_null(at);
        assert_true(strtod(strrchr(at, '=') + 1, NULL) == values[i]);
    }
    hear(&h);
    km_report_quality("algo-1", "train", "data_msd", 7);
    assert_contains(heard(&h), "train data_msd <loss>=7.0\n"); /* as the original prints it */
    hear(&h);
    km_report_quality("algo-1", "train", "data_msd", 0.1);
    assert_contains(heard(&h), "<loss>=0.1\n"); /* the shortest that is the same */
}

static void progress_and_throughput_are_those_of_the_original(void **state)
{
    struct heard h;

    (void)state;
    hear(&h);
    km_report_progress("algo-2", 100.0 / 3);
    km_report_throughput("algo-2", 1234.5);
    heard(&h);
    assert_contains(h.text,
                    "#progress_metric: host=algo-2, completed 33.333333333333336 % of epochs\n");
    assert_contains(h.text,
                    "#throughput_metric: host=algo-2, train throughput=1234.5 records/second\n");
}

/* The object of the one #metrics line that was printed. */
static json_t *metrics(struct heard *h)
{
    const char *line = heard(h);
    json_error_t error;
    json_t *root;

    assert_true(strncmp(line, "#metrics {", 10) == 0);
    root = json_loads(line + 9, 0, &error);
    if (!root)
        fail_msg("%s in %s", error.text, line);
    return root;
}

static double number(const json_t *root, const char *name, const char *which)
{
    json_t *v = json_object_get(json_object_get(json_object_get(root, "Metrics"), name), which);

    assert_true(json_is_number(v));
    return json_number_value(v);
}

static void metrics_are_an_object(void **state)
{
    const struct km_metric list[] = {{"rows", 1e10, 0}, {"update.time", 12.625, 1}};
    struct heard h;
    json_t *root, *of;

    (void)state;
    hear(&h);
    km_report_metrics("algo-1", 1.5, 2.25, 3, "m", list, 2);
    root = metrics(&h);
    of = json_object_get(root, "Dimensions");
    assert_true(json_number_value(json_object_get(root, "StartTime")) == 1.5);
    assert_true(json_number_value(json_object_get(root, "EndTime")) == 2.25);
    assert_string_equal(json_string_value(json_object_get(of, "Algorithm")), "AWS/KMeansWebscale");
    assert_string_equal(json_string_value(json_object_get(of, "Host")), "algo-1");
    assert_string_equal(json_string_value(json_object_get(of, "Operation")), "training");
    assert_string_equal(json_string_value(json_object_get(of, "Meta")), "m");
    assert_int_equal(json_integer_value(json_object_get(of, "epoch")), 3);
    assert_true(number(root, "rows", "sum") == 1e10 && number(root, "rows", "max") == 1e10);
    assert_true(number(root, "rows", "count") == 1);
    assert_true(number(root, "update.time", "min") == 12.625);
    json_decref(root);
    hear(&h);
    km_report_metrics("algo-1", 1.5, 2.25, -1, NULL, list, 0);
    root = metrics(&h);
    of = json_object_get(root, "Dimensions");
    assert_true(!json_object_get(of, "epoch") && !json_object_get(of, "Meta"));
    assert_int_equal(json_object_size(json_object_get(root, "Metrics")), 0);
    json_decref(root);
}

static void counts_have_the_names_of_the_original(void **state)
{
    struct heard h;
    json_t *root;

    (void)state;
    hear(&h);
    km_report_counts("algo-1", 1, 0, "training_data_iter", 10, 20, 30, 40, 50);
    root = metrics(&h);
    assert_true(number(root, "Total Records Seen", "sum") == 10);
    assert_true(number(root, "Total Batches Seen", "sum") == 20);
    assert_true(number(root, "Max Records Seen Between Resets", "sum") == 30);
    assert_true(number(root, "Max Batches Seen Between Resets", "sum") == 40);
    assert_true(number(root, "Reset Count", "sum") == 50);
    assert_true(number(root, "Number of Records Since Last Reset", "sum") == 30);
    assert_true(number(root, "Number of Batches Since Last Reset", "sum") == 40);
    json_decref(root);
}

/* Phases that were never entered have no line; what is left is `other`. */
static void phases_add_up_to_the_total(void **state)
{
    struct km_watch phases[KM_PHASES] = {
        [KM_PHASE_READ] = {.sum = 2, .calls = 8}, [KM_PHASE_SCORE] = {.sum = 1, .calls = 1}};
    struct heard h;

    (void)state;
    hear(&h);
    km_report_phases(phases, 4, 2.5);
    heard(&h);
    assert_contains(h.text, "wait for rows             8      2.000   50.0%");
    assert_contains(h.text, "score                     1      1.000   25.0%");
    assert_contains(h.text, "other                            1.000   25.0%");
    assert_contains(h.text, "total                            4.000\n");
    assert_contains(h.text, "reader thread decoded for 2.500 s in the background");
    assert_null(strstr(h.text, "shrink"));
}

/* Without a terminal: a line when ten seconds have gone by, and not before. */
static void progress_is_shown_now_and_then(void **state)
{
    struct km_progress p;
    struct heard h;
    char *unit;
    double eta;

    (void)state;
    hear(&h);
    km_progress_start(&p, 1000);
    km_progress_show(&p, 10, 250);
    p.started -= 9;
    p.last -= 9;
    km_progress_show(&p, 10, 250);
    assert_string_equal(heard(&h), "");
    p.started -= 7;
    p.last -= 7;
    hear(&h);
    km_progress_show(&p, 10, 250);
    km_progress_show(&p, 11, 260); /* too soon */
    km_progress_end(&p);
    assert_contains(heard(&h), "read 10 rows, 25.0 % of the data, ");
    assert_int_equal(times_in(h.text, "rows/s"), 1);
    eta = strtod(strstr(h.text, "ETA ") + 4, &unit); /* three times as long, and a bit */
    assert_true(eta >= 49 && eta < 60 && strcmp(unit, " s\n") == 0);
    p = (struct km_progress){.started = km_now() - 20}; /* nobody knows how much there is */
    hear(&h);
    km_progress_show(&p, 10, 250);
    assert_contains(heard(&h), "ETA ?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_msd_never_loses_its_digits),
        cmocka_unit_test(a_quality_reads_back_as_the_same_number),
        cmocka_unit_test(progress_and_throughput_are_those_of_the_original),
        cmocka_unit_test(metrics_are_an_object),
        cmocka_unit_test(counts_have_the_names_of_the_original),
        cmocka_unit_test(phases_add_up_to_the_total),
        cmocka_unit_test(progress_is_shown_now_and_then),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
