/* SPDX-License-Identifier: Apache-2.0 */
/* Who is stuck and who is slow; a clock of the test's own. */
#include "tests/launch_test.h"

#include "dist/launch/progress.h"

/* Every rank reports at each second from `from` to `to`; those that work do some. The second at
 * which somebody is given up; 0: nobody. */
static double watch(struct scene *s, int from, int to, const int works[3], const int waits[3])
{
    for (int now = from; now <= to; now++) {
        for (int i = 0; i < 3; i++) {
            s->host[i].heard = now;
            s->host[i].rank.pulse.waiting = waits[i];
            s->host[i].rank.pulse.work += (uint64_t)works[i];
        }
        if (km_progress_stall(&s->c, now, &s->verdict))
            return now;
    }
    return 0;
}

static void a_rank_without_progress_is_named_unless_it_waits(void **state)
{
    static const int none[3] = {0}, all[3] = {1, 1, 1}, only_2[3] = {0, 1, 0}, not_2[3] = {1, 0, 1};
    struct scene s;

    (void)state;
    begin(&s);
    assert_true(watch(&s, 100, 300, all, none) == 0);
    assert_true(watch(&s, 301, 900, only_2, not_2) == 0);
    assert_true(watch(&s, 901, 1000, none, not_2) == 960);
    assert_string_equal(s.verdict.msg, "algo-2: no progress for 60 s while computing");
    begin(&s)->host[1].rank.pulse.reading = 1;
    s.host[1].rank.halted = 1;
    assert_true(watch(&s, 100, 200, not_2, none) == 160);
    assert_string_equal(s.verdict.msg,
                        "algo-2: no progress for 60 s while reading (its process is stopped)");
}

static void a_rank_that_stops_while_it_waits_is_named(void **state)
{
    static const int none[3] = {0}, all[3] = {1, 1, 1};
    struct scene s;

    (void)state;
    begin(&s);
    assert_true(watch(&s, 100, 110, all, none) == 0);
    for (int now = 111; now < 180; now++) {
        s.host[1].rank.age = now - 110; /* its supervisor is there, but it is not heard itself */
        if (watch(&s, now, now, none, all) > 0) {
            assert_true(now == 170);
            assert_contains(s.verdict.msg, "algo-2: no progress for 60 s");
            return;
        }
    }
    fail_msg("nobody was named");
}

static void ranks_that_wait_for_each_other_for_ever_are_found(void **state)
{
    static const int none[3] = {0}, all[3] = {1, 1, 1};
    struct scene s;

    (void)state;
    begin(&s);
    assert_true(watch(&s, 100, 200, none, all) == 163);
    assert_contains(s.verdict.msg, "no progress for 60 s on any host");
    begin(&s)->host[0].rank.joined =
        0; /* ranks that are not there yet, or not any more, do not count */
    s.host[1].rank.gone = 1;
    s.host[2].ended_at = 99;
    assert_true(watch(&s, 100, 400, none, none) == 0);
}

/* Seconds of work: each host does `rows` a second while it works, and waits for the rest of it. */
static int warned(struct scene *s, double from, double to, const double rows[3],
                  const double busy[3], char *text, size_t size)
{
    int n = 0;

    for (double now = from; now < to; now++) {
        for (int i = 0; i < 3; i++) {
            s->host[i].rank.pulse.rows += (uint64_t)(rows[i] * busy[i]);
            s->host[i].rank.pulse.waited += 1 - busy[i];
        }
        n += km_progress_slow(&s->c, now, text, size);
    }
    return n;
}

static void a_slow_host_is_named_once_a_minute(void **state)
{
    /* all do 1,000 rows a second, since they wait for each other */
    static const double slow[3] = {10000, 1000, 10000}, busy[3] = {0.1, 1, 0.1};
    static const double same[3] = {10000, 10000, 10000}, little[3] = {0.9, 0.95, 1};
    struct scene s;
    char text[200] = "";

    (void)state;
    begin(&s);
    assert_int_equal(warned(&s, 100, 400, slow, busy, text, sizeof(text)), 5);
    assert_contains(text, "host algo-2 is slow: 1000 rows/s, the median host ");
    begin(&s);
    assert_int_equal(warned(&s, 100, 400, same, little, text, sizeof(text)), 0);
    begin(&s); /* slow, but nobody waits for it: all wait for the network */
    assert_int_equal(warned(&s, 100, 400, slow, (double[3]){0.01, 0.1, 0.01}, text, sizeof(text)),
                     0);
}

static void a_host_without_rows_is_not_slow(void **state)
{
    static const double rows[3] = {10000, 0, 10000}, busy[3] = {1, 0.01, 1};
    struct scene s;
    char text[200];

    (void)state;
    begin(&s);
    assert_int_equal(warned(&s, 100, 400, rows, busy, text, sizeof(text)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rank_without_progress_is_named_unless_it_waits),
        cmocka_unit_test(a_rank_that_stops_while_it_waits_is_named),
        cmocka_unit_test(ranks_that_wait_for_each_other_for_ever_are_found),
        cmocka_unit_test(a_slow_host_is_named_once_a_minute),
        cmocka_unit_test(a_host_without_rows_is_not_slow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
