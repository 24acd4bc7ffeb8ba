/* SPDX-License-Identifier: Apache-2.0 */
/* From the centers of the pass to a model, and what it is worth. */
#include "tests/stage_help.h"

#include "train/finish.h"
#include "train/pass.h"
#include "train/score.h"

static double model_loss(const struct km_mat *model, const struct km_mat *x)
{
    double *c = km_alloc(model->n * model->d, sizeof(*c)), loss;

    for (size_t j = 0; j < model->n; j++)
        for (size_t t = 0; t < model->d; t++)
            c[j * model->d + t] = (double)km_mat_row(model, j)[t];
    loss = brute_loss(x, NULL, c, model->n);
    km_free(c);
    return loss;
}

static void run_to_model(struct stage *s)
{
    assert_ok(km_prepare(&s->job, &s->err), s->err);
    assert_ok(km_pass(&s->job, &s->err), s->err);
    assert_ok(km_finish(&s->job, &s->err), s->err);
}

/* Far from 0, and with each way to the model: alone, shrunk, refined, iterated. */
static void the_model_is_as_good_as_any(void **state)
{
    static const char *const factor[] = {"1", "3", "10"}, *const refine[] = {"0", "auto"};
    struct km_mat x = planted_rows(3000, 6, 8, 0.05, 17);
    double best;

    (void)state;
    for (size_t i = 0; i < x.n; i++)
        for (size_t t = 0; t < x.d; t++)
            km_mat_row(&x, i)[t] += 1000;
    best = brute_best_of(&x, 8, 10, 5);
    for (size_t f = 0; f < 3; f++)
        for (size_t r = 0; r < 2; r++) {
            const struct setting settings[] = {{"k", "8"},
                                               {"extra_center_factor", factor[f]},
                                               {"refine_rows", refine[r]},
                                               {"init_method", "kmeans++"},
                                               {NULL, NULL}};
            struct stage s;

            stage_open(&s, &x, NULL, settings);
            run_to_model(&s);
            assert_at_most(model_loss(&s.job.result.model, &x), best * (r ? 1.001 : 2));
            assert_true(s.job.result.optimism == 1); /* all rows took part */
            stage_done(&s);
        }
    km_mat_done(&x);
}

/* What the score of both channels prints is what brute force says. */
static void scores_are_those_of_the_written_model(void **state)
{
    struct km_mat x = planted_rows(2000, 4, 5, 0.2, 18), y = planted_rows(500, 4, 5, 0.3, 19);
    const struct setting settings[] = {
        {"k", "5"}, {"eval_metrics", "[\"msd\",\"ssd\"]"}, {NULL, NULL}};
    char path[300], text[8192] = "", *at;
    struct stage s;
    double train, test;
    FILE *log;
    int out;

    (void)state;
    stage_open(&s, &x, &y, settings);
    run_to_model(&s);
    snprintf(path, sizeof(path), "%s/log", test_folder());
    fflush(stdout);
    out = dup(1);
    assert_non_null(freopen(path, "w", stdout));
    assert_ok(km_score(&s.job, &s.err), s.err);
    fflush(stdout);
    dup2(out, 1);
    close(out);
    log = fopen(path, "r");
    assert_non_null(log);
    assert_true(fread(text, 1, sizeof(text) - 1, log) > 0);
    fclose(log);
    at = strstr(text, "train data_msd <loss>=");
    assert_non_null(at);
    train = strtod(strchr(at, '=') + 1, NULL);
    at = strstr(text, "test ssd <loss>=");
    assert_non_null(at);
    test = strtod(strchr(at, '=') + 1, NULL);
    assert_near(train / (model_loss(&s.job.result.model, &x) / (double)x.n), 1, 1e-12);
    assert_near(test / model_loss(&s.job.result.model, &y), 1, 1e-12);
    stage_done(&s);
    km_mat_done(&x);
    km_mat_done(&y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_is_as_good_as_any),
        cmocka_unit_test(scores_are_those_of_the_written_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
