/* SPDX-License-Identifier: Apache-2.0 */
/* What supervisors say to each other: greetings, reasons, states. */
#include "tests/launch_test.h"

static struct km_greeting greeting(void)
{
    struct km_greeting g = {.version = "1.2", .leader = "algo-1", .worker = "algo-2"};

    g.hosts = km_hosts_hash(hosts, 3);
    return g;
}

/* What a worker that expects `greeting()` says to g: "" if it is welcome. cut: bytes left out. */
static const char *answer(const struct km_greeting *g, size_t cut)
{
    static struct km_err err;
    struct km_greeting expected = greeting();
    struct km_link a, b;
    struct km_frame f;

    open_pair(&a, &b);
    km_put_greeting(&a, g);
    assert_int_equal(km_link_flush(&a), 0);
    assert_int_equal(km_link_fill(&b), 0);
    assert_int_equal(km_link_next(&b, &f), 1);
    f.n -= cut < f.n ? cut : f.n;
    err.msg[0] = 0;
    if (km_check_greeting(&f, &expected, &err))
        assert_int_equal(err.code, KM_E_INPUT);
    km_link_close(&a);
    km_link_close(&b);
    return err.msg;
}

static void a_greeting_is_welcome_only_if_all_of_it_fits(void **state)
{
    static const char *const others[] = {"algo-1", "algo-2"};
    struct km_greeting g = greeting();

    (void)state;
    assert_string_equal(answer(&g, 0), "");
    snprintf(g.version, sizeof(g.version), "1.3");
    assert_contains(answer(&g, 0), "is kmeans 1.3, this is 1.2");
    g = greeting();
    snprintf(g.leader, sizeof(g.leader), "algo-3");
    assert_contains(answer(&g, 0), "calls itself algo-3, expected algo-1");
    g = greeting();
    snprintf(g.worker, sizeof(g.worker), "algo-3");
    assert_contains(answer(&g, 0), "wants algo-3, this is algo-2");
    g = greeting();
    g.hosts = km_hosts_hash(others, 2);
    assert_contains(answer(&g, 0), "another list of hosts");
}

static void every_beginning_of_a_greeting_is_refused(void **state)
{
    struct km_greeting g = greeting();

    (void)state;
    for (size_t cut = 1; cut < 80; cut++)
        assert_contains(answer(&g, cut), "no greeting of a kmeans");
}

static void the_hash_of_hosts_tells_names_and_their_borders_apart(void **state)
{
    static const char *const a[] = {"ab", "c"}, *const b[] = {"a", "bc"}, *const c[] = {"abc"};

    (void)state;
    assert_true(km_hosts_hash(a, 2) == km_hosts_hash(a, 2));
    assert_true(km_hosts_hash(a, 2) != km_hosts_hash(b, 2));
    assert_true(km_hosts_hash(a, 2) != km_hosts_hash(c, 1));
    assert_true(km_hosts_hash(a, 2) != km_hosts_hash(a, 1));
}

static void reasons_and_states_travel_unchanged(void **state)
{
    struct km_rank_state s = {1, 0, 2.5, 1, {3, 4, 1, 0, 5.5}}, t = {0};
    struct km_err reason = {0}, got = {0};
    struct km_link a, b;
    struct km_frame f;

    (void)state;
    km_fail(&reason, KM_E_PEER, "algo-2: why");
    open_pair(&a, &b);
    km_put_reason(&a, KM_MSG_END, &reason);
    km_put_state(&a, &s);
    assert_int_equal(km_link_flush(&a), 0);
    assert_int_equal(km_link_fill(&b), 0);
    assert_int_equal(km_link_next(&b, &f), 1);
    assert_int_equal(km_get_reason(&f, &got), 0);
    assert_int_equal(got.code, KM_E_PEER);
    assert_string_equal(got.msg, "algo-2: why");
    assert_int_equal(km_link_next(&b, &f), 1);
    assert_int_equal(km_get_state(&f, &t), 0);
    assert_int_equal(t.joined, 1);
    assert_int_equal(t.gone, 0);
    assert_true(t.age == 2.5 && t.halted == 1 && t.pulse.waited == 5.5);
    assert_true(t.pulse.work == 3 && t.pulse.rows == 4);
    assert_int_equal(t.pulse.waiting, 1);
    km_link_close(&a);
    km_link_close(&b);
}

static void a_code_that_nobody_knows_is_a_failure(void **state)
{
    struct km_frame f = {KM_MSG_FAIL, (const unsigned char *)"\x80\x00\x00\x00\x00\x00\x00\x00", 8,
                         0};
    struct km_err got = {0};

    (void)state;
    assert_int_equal(km_get_reason(&f, &got), 0);
    assert_int_equal(got.code, KM_E_BUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_greeting_is_welcome_only_if_all_of_it_fits),
        cmocka_unit_test(every_beginning_of_a_greeting_is_refused),
        cmocka_unit_test(the_hash_of_hosts_tells_names_and_their_borders_apart),
        cmocka_unit_test(reasons_and_states_travel_unchanged),
        cmocka_unit_test(a_code_that_nobody_knows_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
