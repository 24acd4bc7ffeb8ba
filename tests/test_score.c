/* SPDX-License-Identifier: Apache-2.0 */
/* What the model is worth: exact where the data is read again, else by the sample, and what is said
 * where nothing is measured. (Against brute force: test_finish.) */
#include "tests/log_help.h"
#include "tests/stage_help.h"

#include "base/stop.h"
#include "train/finish.h"
#include "train/pass.h"
#include "train/score.h"

static const struct setting usual[] = {
    {"k", "3"}, {"eval_metrics", "[\"msd\",\"ssd\"]"}, {NULL, NULL}};
static const struct setting no_sample[] = {{"k", "3"}, {"refine_rows", "0"}, {NULL, NULL}};

static void run(struct stage *s, const struct km_mat *x, const struct km_mat *test,
                const struct setting *settings)
{
    stage_open(s, x, test, settings);
    assert_ok(km_prepare(&s->job, &s->err), s->err);
    assert_ok(km_pass(&s->job, &s->err), s->err);
    assert_ok(km_finish(&s->job, &s->err), s->err);
}

static const char *score(struct stage *s, struct heard *h)
{
    int rc;

    hear(h);
    rc = km_score(&s->job, &s->err);
    heard(h);
    assert_ok(rc, s->err);
    assert_int_equal(s->job.phases[KM_PHASE_SCORE].calls, 1);
    return h->text;
}

/* The number behind these words. */
static double value_of(const char *text, const char *words)
{
    const char *at = strstr(text, words);

    assert_non_null(at);
    return strtod(at + strlen(words), NULL);
}

static double msd_of(const struct stage *s, const struct km_mat *x)
{
    double c[3 * 2];

    for (size_t i = 0; i < 3 * 2; i++)
        c[i] = (double)km_mat_row(&s->job.result.model, i / 2)[i % 2];
    return brute_loss(x, NULL, c, 3) / (double)x->n;
}

static void data_that_is_read_again_is_measured_exactly(void **state)
{
    struct km_mat x = planted_rows(300, 2, 3, 0.2, 4), y = planted_rows(70, 2, 3, 0.4, 5);
    struct heard h;
    struct stage s;

    (void)state;
    run(&s, &x, &y, usual);
    score(&s, &h);
    assert_contains(h.text, "reading the train data once more for its exact msd");
    assert_near(value_of(h.text, "train data_msd <loss>=") / msd_of(&s, &x), 1, 1e-12);
    assert_near(value_of(h.text, "test msd <loss>=") / msd_of(&s, &y), 1, 1e-12);
    assert_near(value_of(h.text, "test ssd <loss>=") / (70 * msd_of(&s, &y)), 1, 1e-12);
    assert_near(value_of(h.text, "('msd', ") / msd_of(&s, &y), 1, 1e-12);
    stage_done(&s);
    km_mat_done(&x);
    km_mat_done(&y);
}

static void the_sample_tells_where_the_data_is_not_read_again(void **state)
{
    struct km_mat x = planted_rows(300, 2, 3, 0.2, 4);
    struct heard h;
    struct stage s;

    (void)state;
    run(&s, &x, NULL, usual);
    s.job.plan.again = 0;
    score(&s, &h); /* it has all rows, so there is no error to tell */
    assert_near(value_of(h.text, "train data_msd <loss>=") / msd_of(&s, &x), 1, 1e-6);
    assert_null(strstr(h.text, "standard error"));
    assert_null(strstr(h.text, "once more"));
    stage_done(&s);
    run(&s, &x, NULL, no_sample);
    s.job.plan.again = 0;
    score(&s, &h);
    assert_null(strstr(h.text, "data_msd <loss>="));
    assert_contains(h.text, "refine_rows is 0; name the train data as the test channel");
    stage_done(&s);
    km_mat_done(&x);
}

/* Last: nobody takes that back. */
static void a_job_that_is_to_stop_reads_nothing_more(void **state)
{
    struct km_mat x = planted_rows(300, 2, 3, 0.2, 4);
    struct heard h;
    struct stage s;

    (void)state;
    run(&s, &x, &x, usual);
    km_stop_ask();
    s.job.state.stopped = 1;
    score(&s, &h);
    assert_contains(h.text, "the test channel is not scored, as the job was asked to stop");
    assert_null(strstr(h.text, "test msd"));
    assert_near(value_of(h.text, "train data_msd <loss>=") / msd_of(&s, &x), 1, 1e-6);
    stage_done(&s);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_that_is_read_again_is_measured_exactly),
        cmocka_unit_test(the_sample_tells_where_the_data_is_not_read_again),
        cmocka_unit_test(a_job_that_is_to_stop_reads_nothing_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
