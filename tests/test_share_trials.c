/* SPDX-License-Identifier: Apache-2.0 */
/* Trials dealt out to ranks: whose is the best, and what every rank has of it. */
#include "tests/algo_test.h"
#include "tests/team_help.h"

#include "train/share_trials.h"

#define K 3
#define D 2

/* Trials of such losses; their centers are all at the number of the trial. */
static struct km_trials trials_of(const double *loss, size_t n, size_t all)
{
    struct km_trials t = {.n = n, .k = K, .d = D, .all = all};
    struct km_err err;

    t.of = km_alloc(n, sizeof(*t.of));
    t.loss = km_alloc(all, sizeof(*t.loss));
    assert_true(t.of && t.loss);
    for (size_t i = 0; i < n; i++) {
        const float row[D] = {(float)i, (float)i};

        t.of[i].loss = loss[i];
        assert_ok(km_centers_init(&t.of[i].centers, K, D, &err), err);
        for (size_t j = 0; j < K; j++)
            km_centers_set(&t.of[i].centers, j, row, (double)i + 1);
    }
    return t;
}

static void done(struct km_trials *t)
{
    km_trials_free(t->of, t->n);
    km_free(t->loss);
}

static void alone_all_losses_are_ours(void **state)
{
    const double loss[] = {4, 2, 8};
    struct km_trials t = trials_of(loss, 3, 3);
    struct km_team team = alone();
    struct km_err err;

    (void)state;
    assert_ok(km_share_trials(&team, &t, &err), err);
    assert_int_equal(t.n, 3); /* no copy */
    assert_same_bits(t.loss, loss, 3);
    done(&t);
    km_comm_close(team.comm);
}

/* Trial t is rank t mod 2's. Of the other rank's, losses are in the list already. */
static void our_own_best_is_told_in_its_place(void **state)
{
    const double loss[] = {7, 2, 8};

    (void)state;
    for (int rank = 0; rank < 2; rank++) {
        struct km_trials t = trials_of(loss, 3, 6);
        struct km_team team = one_of_two(rank);
        struct km_err err;

        for (size_t i = 0; i < 3; i++)
            t.loss[2 * i + 1 - (size_t)rank] = 5;
        assert_ok(km_share_trials(&team, &t, &err), err);
        for (size_t i = 0; i < 3; i++) {
            assert_true(t.loss[2 * i + (size_t)rank] == loss[i]);
            assert_true(t.loss[2 * i + 1 - (size_t)rank] == 5);
            assert_true(t.of[i].loss == loss[i]);
            assert_true(t.of[i].centers.exact[0] == (double)i);
        }
        assert_int_equal(t.n, 3);
        done(&t);
        km_comm_close(team.comm);
    }
}

/* Also for a rank that has none: fewer trials than ranks. */
static void the_best_of_another_rank_is_added_to_ours(void **state)
{
    const double loss[] = {7, 2};

    (void)state;
    for (size_t n = 0; n <= 2; n += 2) {
        struct km_trials t = trials_of(loss, n, n ? 4 : 1);
        struct km_team team = one_of_two(1);
        struct km_err err;

        t.loss[0] = 1;
        if (n)
            t.loss[2] = 3;
        assert_ok(km_share_trials(&team, &t, &err), err);
        assert_int_equal(t.n, n + 1);
        assert_true(t.of[n].loss == 1);
        assert_int_equal(t.of[n].centers.k, K);
        assert_int_equal(t.of[n].centers.d, D);
        for (size_t i = 0; i < n; i++)
            assert_true(t.of[i].loss == loss[i] && t.of[i].centers.exact[0] == (double)i);
        done(&t);
        km_comm_close(team.comm);
    }
}

static void a_lack_of_memory_leaves_our_trials(void **state)
{
    const double loss[] = {7, 2};
    struct km_trials t = trials_of(loss, 2, 4);
    struct km_team team = one_of_two(1);
    struct km_err err;

    (void)state;
    t.loss[0] = 1;
    km_alloc_fail_at(1);
    assert_int_equal(km_share_trials(&team, &t, &err), KM_E_MEM);
    km_alloc_fail_at(3); /* within the centers */
    assert_int_equal(km_share_trials(&team, &t, &err), KM_E_MEM);
    km_alloc_fail_at(0);
    assert_int_equal(t.n, 2);
    assert_true(t.of[1].loss == 2);
    done(&t);
    km_comm_close(team.comm);
}

/* The other rank, of which nothing comes, says a loss of 0 with nothing else. */
static void of_what_ranks_refined_the_least_loss_stands(void **state)
{
    struct km_refine_result r = {.rows = 500,
                                 .candidates = 12,
                                 .iterations = 34,
                                 .before = 9,
                                 .after = -1, /* below 0, so that ours is the best */
                                 .optimism = 1.25,
                                 .kept = 1};
    const struct km_refine_result same = r;
    struct km_team one = alone(), two = one_of_two(1);
    struct km_mat x = random_rows(9, D, 1);
    struct km_centers c = random_centers(&x, K, 1), copy = random_centers(&x, K, 1);
    struct km_err err;

    (void)state;
    assert_ok(km_share_refined(&one, &c, &r, &err), err);
    assert_true(memcmp(&r, &same, sizeof(r)) == 0);
    assert_ok(km_share_refined(&two, &c, &r, &err), err);
    assert_true(r.after == -1 && r.optimism == 1.25 && r.kept && r.rows == 500);
    assert_true(r.candidates == 12 && r.iterations == 34 && r.before == 9);
    assert_same_bits(c.exact, copy.exact, K * D);
    r.after = 3; /* now the other's is better */
    assert_ok(km_share_refined(&two, &c, &r, &err), err);
    assert_true(r.after == 0 && r.kept && r.rows == 0);
    assert_true(r.candidates == 12 && r.iterations == 34); /* those of all */
    r = (struct km_refine_result){.after = -1, .candidates = 3, .optimism = 2};
    assert_ok(km_share_refined(&two, &c, &r, &err), err); /* ours was not kept: no loss counts */
    assert_true(r.after == 0 && r.kept && r.candidates == 3);
    km_alloc_fail_at(1);
    assert_int_equal(km_share_refined(&two, &c, &r, &err), KM_E_MEM);
    km_centers_done(&c);
    km_centers_done(&copy);
    km_mat_done(&x);
    km_comm_close(one.comm);
    km_comm_close(two.comm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_all_losses_are_ours),
        cmocka_unit_test(our_own_best_is_told_in_its_place),
        cmocka_unit_test(the_best_of_another_rank_is_added_to_ours),
        cmocka_unit_test(a_lack_of_memory_leaves_our_trials),
        cmocka_unit_test(of_what_ranks_refined_the_least_loss_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
