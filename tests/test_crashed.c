/* SPDX-License-Identifier: Apache-2.0 */
/* The last words of a crash are a frame as all others. */
#include "tests/launch_test.h"

#include "dist/launch/crashed.h"

static void last_words_are_heard_as_a_reason(void **state)
{
    static char text[2 * KM_ERR_MAX];
    struct km_err reason;
    struct km_link a, b;
    struct km_frame f;

    (void)state;
    open_pair(&a, &b);
    km_crashed_tell(a.fd, KM_MSG_FAIL, "algo-2: the program crashed");
    memset(text, 'x', sizeof(text) - 1);
    km_crashed_tell(a.fd, KM_MSG_END, text);
    km_crashed_tell(-1, KM_MSG_END, "nobody");
    assert_int_equal(km_link_fill(&b), 0);
    assert_int_equal(km_link_next(&b, &f), 1);
    assert_int_equal(f.type, KM_MSG_FAIL);
    assert_int_equal(km_get_reason(&f, &reason), 0);
    assert_int_equal(reason.code, KM_E_BUG);
    assert_string_equal(reason.msg, "algo-2: the program crashed");
    assert_int_equal(km_link_next(&b, &f), 1);
    assert_int_equal(f.type, KM_MSG_END);
    assert_int_equal(km_get_reason(&f, &reason), 0);
    assert_int_equal(strlen(reason.msg), KM_ERR_MAX - 1);
    assert_int_equal(km_link_next(&b, &f), 0);
    km_link_close(&b);
    km_crashed_tell(a.fd, KM_MSG_FAIL, "the reader is gone");
    km_link_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_words_are_heard_as_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
