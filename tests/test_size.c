/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, arrays that grow, and waits that end. */
#include "tests/test.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/size.h"
#include "base/wait.h"

static void parts_hold_all_and_none_is_empty(void **state)
{
    (void)state;
    for (size_t n = 0; n < 40; n++) {
        for (size_t part = 1; part < 9; part++) {
            size_t parts = km_ceil_div(n, part), up = km_round_up(n, part);

            assert_true(parts * part >= n);
            assert_true(n == 0 ? parts == 0 : (parts - 1) * part < n);
            assert_int_equal(up % part, 0);
            assert_in_range(up, n, n + part - 1);
        }
    }
    assert_int_equal(km_min(3, 4), 3);
    assert_int_equal(km_min(4, 3), 3);
    assert_int_equal(km_max(3, 4), 4);
    assert_int_equal(km_max(4, 3), 4);
}

static void a_grown_array_keeps_what_it_holds_and_is_zero_behind(void **state)
{
    uint32_t *v = NULL;
    size_t room = 0;

    (void)state;
    for (size_t n = 0; n < 1000; n++) {
        uint32_t *before = v;

        assert_int_equal(km_grow(&v, n, &room, 1, sizeof(*v)), 0);
        assert_true(room > n);
        assert_true(v == before || v[room - 1] == 0);
        v[n] = (uint32_t)n;
    }
    for (uint32_t n = 0; n < 1000; n++)
        assert_int_equal(v[n], n);
    assert_true(room < 4000);
    km_free(v);
}

static void an_array_that_cannot_grow_stays_as_it_was(void **state)
{
    char *s = NULL, *before;
    size_t room = 0, old;

    (void)state;
    assert_int_equal(km_grow(&s, 0, &room, 5, 1), 0);
    memcpy(s, "abcd", 5);
    before = s;
    old = room;
    assert_int_equal(km_grow(&s, 5, &room, SIZE_MAX - 2, 1), -1);
    assert_int_equal(km_grow(&s, 5, &room, SIZE_MAX / 8, 16), -1);
    km_alloc_fail_at(1);
    assert_int_equal(km_grow(&s, 5, &room, 1000, 1), -1);
    km_alloc_fail_at(0);
    assert_ptr_equal(s, before);
    assert_int_equal(room, old);
    assert_string_equal(s, "abcd");
    km_free(s);
}

static void waits_end_by_themselves(void **state)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    double start = km_now();

    (void)state;
    pthread_mutex_lock(&lock);
    km_wait(&never, &lock, 0.005);
    pthread_mutex_unlock(&lock);
    km_sleep(0.005);
    assert_true(km_now() - start >= 0.009);
    start = km_now();
    km_sleep(1.01);
    assert_true(km_now() - start >= 1.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_hold_all_and_none_is_empty),
        cmocka_unit_test(a_grown_array_keeps_what_it_holds_and_is_zero_behind),
        cmocka_unit_test(an_array_that_cannot_grow_stays_as_it_was),
        cmocka_unit_test(waits_end_by_themselves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
