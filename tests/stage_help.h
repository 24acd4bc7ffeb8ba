/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of the tests of the stages: a job on a file of rows, taken as far as a test wants. */
#ifndef KM_TESTS_STAGE_HELP_H
#define KM_TESTS_STAGE_HELP_H

#include "tests/algo_test.h"

#include "train/prepare.h"

#include <float.h>

/** A job under way; its address must not change. */
struct stage {
    char path[300], test_path[300]; /* of the rows; test_path is empty where there are none */
    struct km_settings *settings;
    struct km_request request;
    struct km_machine m;
    struct km_job job;
    struct km_err err;
};

/** Rows as CSV, each value as it is. */
static inline void write_csv(const char *path, const struct km_mat *x)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    for (size_t i = 0; i < x->n; i++)
        for (size_t t = 0; t < x->d; t++)
            fprintf(f, "%.9g%c", (double)km_mat_row(x, i)[t], t + 1 < x->d ? ',' : '\n');
    assert_int_equal(fclose(f), 0);
}

/** One setting and its value; the list of them ends with a NULL. */
struct setting {
    const char *name, *value;
};

/** A job on these rows (test NULL: no test channel), which nothing has looked at yet. */
static inline void stage_open(struct stage *s, const struct km_mat *x, const struct km_mat *test,
                              const struct setting *settings)
{
    const char *folder = test_folder();
    char *train_path = s->path, *test_path = s->test_path;

    *s = (struct stage){.job = {0}};
    snprintf(s->path, sizeof(s->path), "%s/train.csv", folder);
    write_csv(s->path, x);
    if (test) {
        snprintf(s->test_path, sizeof(s->test_path), "%s/test.csv", folder);
        write_csv(s->test_path, test);
    }
    assert_ok(km_request_init(&s->request, NULL, &s->err), s->err);
    assert_ok(km_settings_open(&s->settings, &s->err), s->err);
    for (; settings->name; settings++)
        assert_ok(km_settings_set(s->settings, settings->name, settings->value, &s->err), s->err);
    assert_ok(km_request_files(&s->request, &train_path, 1, &test_path, test ? 1 : 0,
                               "text/csv;label_size=0", s->settings, &s->err),
              s->err);
    assert_ok(km_comm_open(&s->m.comm, &s->err), s->err);
    s->m.kern = test_kern();
    s->job.request = &s->request;
    s->job.m = &s->m;
    s->job.team = km_team_of(s->m.comm, s->request.host);
}

static inline void stage_done(struct stage *s)
{
    km_job_done(&s->job);
    km_comm_close(s->m.comm);
    km_settings_close(s->settings);
    km_request_done(&s->request);
}

#endif
