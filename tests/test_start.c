/* SPDX-License-Identifier: Apache-2.0 */
/* Frame and first centers, from the first block. */
#include "tests/stage_help.h"

#include "train/start.h"

/* The first centers, from the first block of a file of these rows. */
static struct km_centers start_on(struct stage *s, const struct km_mat *x, const char *method)
{
    const struct setting settings[] = {
        {"k", "3"}, {"extra_center_factor", "1"}, {"init_method", method}, {NULL, NULL}};
    struct km_batch *first;
    struct km_centers c;

    stage_open(s, x, NULL, settings);
    assert_ok(km_prepare(&s->job, &s->err), s->err);
    assert_int_equal(km_feed_next(s->job.feed, &first, &s->err), KM_MORE);
    assert_ok(km_start(&s->job, first, &s->err), s->err);
    assert_int_equal(first->exponent, s->job.state.frame.exponent);
    assert_at_most((double)km_rows_most(&first->rows), (double)FLT_MAX / 4);
    assert_ok(km_learner_finish(s->job.state.learner, &c, &s->err), s->err);
    return c;
}

/* Each center is a row, at its place in the frame. */
static void centers_are_rows_in_the_frame(void **state)
{
    static const char *const method[] = {"random", "kmeans++"};
    static const double scale[] = {1, 1e-25, 1e25};

    (void)state;
    for (size_t m = 0; m < 2; m++)
        for (size_t e = 0; e < 3; e++) {
            struct km_mat x = planted_rows(400, 4, 3, 0.01, 3);
            const struct km_row_frame *frame;
            struct km_centers c;
            struct stage s;

            for (size_t i = 0; i < x.n; i++)
                for (size_t t = 0; t < x.d; t++)
                    km_mat_row(&x, i)[t] = (float)((double)km_mat_row(&x, i)[t] * scale[e]);
            c = start_on(&s, &x, method[m]);
            frame = &s.job.state.frame;
            assert_true((frame->exponent == 0) == (scale[e] > 0.5 && scale[e] < 2));
            for (size_t j = 0; j < 3; j++) {
                size_t same = 0;

                for (size_t i = 0; i < x.n; i++) {
                    size_t t = 0;

                    while (t < 4 && c.exact[j * 4 + t] ==
                                        ldexp((double)(km_mat_row(&x, i)[t] - frame->origin[t]),
                                              frame->exponent))
                        t++;
                    same += t == 4;
                }
                assert_true(same > 0);
            }
            km_centers_done(&c);
            stage_done(&s);
            km_mat_done(&x);
        }
}

static void no_row_on_any_host_is_an_error(void **state)
{
    struct km_mat x = planted_rows(10, 2, 2, 0.1, 3);
    const struct setting settings[] = {{"k", "2"}, {NULL, NULL}};
    struct stage s;

    (void)state;
    stage_open(&s, &x, NULL, settings);
    assert_ok(km_prepare(&s.job, &s.err), s.err);
    assert_int_equal(km_start(&s.job, NULL, &s.err), KM_E_INPUT);
    assert_contains(s.err.msg, "0 rows");
    stage_done(&s);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(centers_are_rows_in_the_frame),
        cmocka_unit_test(no_row_on_any_host_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
