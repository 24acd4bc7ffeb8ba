/* SPDX-License-Identifier: Apache-2.0 */
/* Iterations over rows that are read again are those of Lloyd, whatever the frame. */
#include "tests/stage_help.h"

#include "base/stop.h"
#include "train/iterate.h"
#include "train/pass.h"

#define K 4

/* A job behind its pass over rows that lie far from 0 and from 1, and centers at some of the rows
 * in its frame. */
static struct km_centers start(struct stage *s, const struct km_mat *x)
{
    static const struct setting settings[] = {{"k", "4"}, {"mini_batch_size", "64"}, {NULL, NULL}};
    const struct km_row_frame *f = &s->job.state.frame;
    struct km_centers c;

    stage_open(s, x, NULL, settings);
    assert_ok(km_prepare(&s->job, &s->err), s->err);
    assert_ok(km_pass(&s->job, &s->err), s->err);
    assert_ok(km_centers_init(&c, K, x->d, &s->err), s->err);
    for (size_t j = 0; j < K; j++)
        for (size_t t = 0; t < x->d; t++)
            c.exact[j * x->d + t] =
                ldexp((double)(km_mat_row(x, j * 5)[t] - f->origin[t]), f->exponent);
    km_centers_place(&c, c.exact, NULL);
    return c;
}

/* Where a center is in the data's own numbers. */
static double given(const struct km_row_frame *f, const struct km_centers *c, size_t j, size_t t)
{
    return ldexp(c->exact[j * c->d + t], -f->exponent) + (double)f->origin[t];
}

static struct km_mat rows_of(double scale)
{
    struct km_mat x = planted_rows(500, 3, K, 0.8, 9);

    for (size_t i = 0; i < x.n; i++)
        for (size_t t = 0; t < x.d; t++)
            km_mat_row(&x, i)[t] = (float)(scale * (double)km_mat_row(&x, i)[t]);
    return x;
}

static void one_iteration_is_a_step_of_lloyd(void **state)
{
    static const double scales[] = {1, 1e-20, 1e20};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct km_mat x = rows_of(scales[i]);
        double want[K * 3], loss, unit2;
        struct km_iterated r = {0};
        struct km_centers c;
        struct stage s;

        for (size_t j = 0; j < K; j++)
            for (size_t t = 0; t < 3; t++)
                want[j * 3 + t] = (double)km_mat_row(&x, j * 5)[t];
        c = start(&s, &x);
        brute_lloyd_step(want, &x, NULL, K);
        assert_ok(km_iterate(&s.job, &c, 1, &r, &s.err), s.err);
        assert_int_equal(r.iterations, 1);
        for (size_t j = 0; j < K; j++)
            for (size_t t = 0; t < 3; t++)
                assert_near(given(&s.job.state.frame, &c, j, t) / scales[i],
                            want[j * 3 + t] / scales[i], 1e-5);
        assert_true(r.before == r.after && r.after > 0);
        /* the msd of those clusters against their means, before rows change cluster */
        loss = brute_loss(&x, NULL, want, K) / (double)x.n;
        unit2 = km_row_frame_unit2(&s.job.state.frame);
        assert_true(r.after * unit2 >= loss * (1 - 1e-5));
        km_centers_done(&c);
        stage_done(&s);
        km_mat_done(&x);
    }
}

static void iterations_end_where_nothing_is_gained(void **state)
{
    struct km_mat x = rows_of(1);
    struct km_iterated r = {0};
    struct km_centers c;
    struct stage s;
    double loss;

    (void)state;
    c = start(&s, &x);
    assert_ok(km_iterate(&s.job, &c, 0, &r, &s.err), s.err);
    assert_int_equal(r.iterations, 0);
    assert_ok(km_iterate(&s.job, &c, 500, &r, &s.err), s.err);
    assert_true(r.iterations > 1 && r.iterations < 100);
    assert_true(r.after < r.before);
    loss = 0;
    for (size_t i = 0; i < x.n; i++) {
        double least = HUGE_VAL;

        for (size_t j = 0; j < K; j++) {
            double center[3];

            for (size_t t = 0; t < 3; t++)
                center[t] = given(&s.job.state.frame, &c, j, t);
            least = fmin(least, brute_dist2(km_mat_row(&x, i), center, 3));
        }
        loss += least / (double)x.n;
    }
    assert_near(loss / r.after, 1, 1e-3);
    km_centers_done(&c);
    stage_done(&s);
    km_mat_done(&x);
}

static void an_empty_center_keeps_its_place(void **state)
{
    struct km_mat x = rows_of(1);
    struct km_iterated r = {0};
    struct km_centers c;
    struct stage s;

    (void)state;
    c = start(&s, &x);
    for (size_t t = 0; t < 3; t++)
        c.exact[t] = 1000;
    km_centers_place(&c, c.exact, NULL);
    assert_ok(km_iterate(&s.job, &c, 3, &r, &s.err), s.err);
    for (size_t t = 0; t < 3; t++)
        assert_true(c.exact[t] == 1000);
    km_centers_done(&c);
    stage_done(&s);
    km_mat_done(&x);
}

static void rows_that_grew_since_the_pass_are_refused(void **state)
{
    struct km_mat x = rows_of(1);
    struct km_iterated r = {0};
    struct km_centers c;
    struct stage s;

    (void)state;
    c = start(&s, &x);
    s.job.state.frame.exponent++; /* the feed brings them to less than the frame */
    assert_int_equal(km_iterate(&s.job, &c, 3, &r, &s.err), KM_E_INPUT);
    assert_contains(s.err.msg, "has larger values than when it was read before");
    km_centers_done(&c);
    stage_done(&s);
    km_mat_done(&x);
}

static void a_lack_of_memory_is_told(void **state)
{
    struct km_mat x = rows_of(1);
    struct km_iterated r = {0};
    struct km_centers c;
    struct stage s;

    (void)state;
    c = start(&s, &x);
    for (size_t n = 1; n <= 3; n++) {
        km_alloc_fail_at(n);
        assert_int_equal(km_iterate(&s.job, &c, 3, &r, &s.err), KM_E_MEM);
    }
    km_alloc_fail_at(0);
    km_centers_done(&c);
    stage_done(&s);
    km_mat_done(&x);
}

/* Last: nobody takes that back. */
static void a_stop_leaves_the_centers_where_they_were(void **state)
{
    struct km_mat x = rows_of(1);
    struct km_iterated r = {0};
    struct km_centers c;
    struct stage s;
    double before[K * 3];

    (void)state;
    c = start(&s, &x);
    memcpy(before, c.exact, sizeof(before));
    km_stop_ask();
    assert_ok(km_iterate(&s.job, &c, 3, &r, &s.err), s.err);
    assert_int_equal(r.iterations, 0);
    assert_true(s.job.state.stopped);
    assert_same_bits(c.exact, before, K * 3);
    km_centers_done(&c);
    stage_done(&s);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_iteration_is_a_step_of_lloyd),
        cmocka_unit_test(iterations_end_where_nothing_is_gained),
        cmocka_unit_test(an_empty_center_keeps_its_place),
        cmocka_unit_test(rows_that_grew_since_the_pass_are_refused),
        cmocka_unit_test(a_lack_of_memory_is_told),
        cmocka_unit_test(a_stop_leaves_the_centers_where_they_were),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
