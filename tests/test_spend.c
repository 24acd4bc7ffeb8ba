/* SPDX-License-Identifier: Apache-2.0 */
/* What is spent behind the pass: how much, by the settings, and on which rows. */
#include "tests/stage_help.h"

#include "train/pass.h"
#include "train/spend.h"

#define K 20

/* A job behind its pass over rows of 20 clusters. */
static void run(struct stage *s, const struct km_mat *x, const struct setting *settings)
{
    stage_open(s, x, NULL, settings);
    assert_ok(km_prepare(&s->job, &s->err), s->err);
    assert_ok(km_pass(&s->job, &s->err), s->err);
}

static struct km_spend plan_of(struct stage *s)
{
    struct km_spend plan;

    assert_ok(km_spend_plan(&plan, &s->job, &s->err), s->err);
    return plan;
}

static void the_settings_say_how_much(void **state)
{
    static const struct {
        struct setting settings[4];
        size_t factor;
        double most;
    } cases[] = {
        {{{"k", "20"}}, 10, 3},
        {{{"k", "20"}}, 4, 9}, /* what six centers each have spared, and three */
        {{{"k", "20"}}, 1, 24},
        {{{"k", "15"}}, 10, 0}, /* the sample tells as much */
        {{{"k", "20"}, {"refine_passes", "7"}}, 10, 7},
        {{{"k", "20"}, {"refine_passes", "0"}}, 1, 0},
        {{{"k", "20"}, {"extra_center_factor", "2"}}, 2, 0}, /* it was said */
        {{{"k", "20"}, {"extra_center_factor", "2"}, {"refine_passes", "5"}}, 2, 5},
        {{{"k", "20"}, {"refine_rows", "0"}, {"refine_passes", "5"}}, 10, 0},
    };
    struct km_mat x = planted_rows(900, 3, K, 0.1, 3);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stage s;
        struct km_spend plan;

        run(&s, &x, cases[i].settings);
        s.job.plan.factor = cases[i].factor; /* as if there were so few rows */
        plan = plan_of(&s);
        assert_true(plan.most == cases[i].most);
        s.job.state.stopped = 1;
        plan = plan_of(&s);
        assert_true(plan.most == 0 && !plan.search && plan.flop >= 0);
        stage_done(&s);
    }
    km_mat_done(&x);
}

static void rows_that_are_not_in_memory_are_read_again_if_they_can(void **state)
{
    static const struct setting settings[] = {
        {"k", "20"}, {"refine_rows", "300"}, {"refine_passes", "6"}, {NULL, NULL}};
    struct km_mat x = planted_rows(900, 3, K, 0.1, 3);
    struct km_spend plan;
    struct stage s;

    (void)state;
    run(&s, &x, settings);
    plan = plan_of(&s);
    assert_true(!plan.whole && plan.again && plan.most == 6 && plan.search);
    s.job.plan.again = 0;
    plan = plan_of(&s);
    assert_true(!plan.whole && !plan.again && plan.most == 0 && !plan.search);
    stage_done(&s);
    km_mat_done(&x);
}

/* k centers at the first rows, in the frame of the job. */
static struct km_centers first_rows(struct stage *s, const struct km_mat *x)
{
    struct km_centers c;

    assert_ok(km_centers_init(&c, K, x->d, &s->err), s->err);
    km_centers_place_rows(&c, x, s->job.state.frame.origin, s->job.state.frame.exponent);
    return c;
}

/* The loss of rows as given. */
static double loss_of(const struct stage *s, const struct km_centers *c, const struct km_mat *x)
{
    const struct km_row_frame *f = &s->job.state.frame;
    double *at = km_alloc(c->k * c->d, sizeof(*at)), loss;

    assert_non_null(at);
    for (size_t i = 0; i < c->k * c->d; i++)
        at[i] = ldexp(c->exact[i], -f->exponent) + (double)f->origin[i % c->d];
    loss = brute_loss(x, NULL, at, c->k);
    km_free(at);
    return loss;
}

/* With all rows in memory, and with a third of them, which ends with iterations over all. */
static void what_is_spent_makes_the_model_better(void **state)
{
    static const struct setting all[] = {{"k", "20"}, {"refine_passes", "8"}, {NULL, NULL}},
                                third[] = {{"k", "20"},
                                           {"refine_rows", "300"},
                                           {"refine_passes", "8"},
                                           {NULL, NULL}};
    struct km_mat x = planted_rows(900, 3, K, 0.3, 3);

    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        struct km_centers c;
        struct km_spend plan;
        struct stage s;
        double before;

        run(&s, &x, whole ? all : third);
        s.job.result.optimism = 1.5;
        c = first_rows(&s, &x);
        plan = plan_of(&s);
        assert_int_equal(plan.whole, whole);
        before = loss_of(&s, &c, &x);
        assert_ok(km_spend(&plan, &s.job, &c, &s.err), s.err);
        assert_at_most(loss_of(&s, &c, &x), 0.95 * before);
        assert_true(s.job.result.optimism == 1); /* all rows have had a part in it */
        assert_int_equal(s.job.phases[KM_PHASE_REFINE].calls, 1);
        km_centers_done(&c);
        stage_done(&s);
    }
    km_mat_done(&x);
}

static void where_nothing_is_to_be_spent_nothing_moves(void **state)
{
    static const struct setting settings[] = {{"k", "20"}, {NULL, NULL}};
    struct km_mat x = planted_rows(900, 3, K, 0.3, 3);
    struct km_centers c, copy;
    struct km_spend plan;
    struct stage s;

    (void)state;
    run(&s, &x, settings);
    c = first_rows(&s, &x);
    copy = first_rows(&s, &x);
    s.job.plan.factor = 10;
    plan = plan_of(&s);
    plan.refined = 900; /* the refinement has had all rows, and nobody asks for more */
    assert_ok(km_spend(&plan, &s.job, &c, &s.err), s.err);
    plan.refined = 0;
    plan.most = 0.5;
    assert_ok(km_spend(&plan, &s.job, &c, &s.err), s.err);
    assert_same_bits(c.exact, copy.exact, K * x.d);
    assert_int_equal(s.job.phases[KM_PHASE_REFINE].calls, 0);
    km_centers_done(&c);
    km_centers_done(&copy);
    stage_done(&s);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_settings_say_how_much),
        cmocka_unit_test(rows_that_are_not_in_memory_are_read_again_if_they_can),
        cmocka_unit_test(what_is_spent_makes_the_model_better),
        cmocka_unit_test(where_nothing_is_to_be_spent_nothing_moves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
