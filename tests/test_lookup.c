/* SPDX-License-Identifier: Apache-2.0 */
/* Names and addresses. */
#include "tests/test.h"

#include "base/mem.h"
#include "dist/launch/lookup.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

static struct km_address address(const char *text)
{
    struct km_address a = {0};

    if (inet_pton(AF_INET, text, &a.u.in.sin_addr) == 1) {
        a.n = sizeof(a.u.in);
        a.u.in.sin_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &a.u.in6.sin6_addr), 1);
        a.n = sizeof(a.u.in6);
        a.u.in6.sin6_family = AF_INET6;
    }
    return a;
}

static void an_address_is_the_same_in_either_family(void **state)
{
    struct km_address a = address("10.0.0.1"), b = address("::ffff:10.0.0.1"),
                      c = address("10.0.0.2");
    struct km_address d = address("fe80::1"), e = address("fe80::2");
    char text[KM_ADDRESS_TEXT];

    (void)state;
    a.u.in.sin_port = 1;
    assert_true(km_address_same(&a, &b));
    assert_false(km_address_same(&b, &c));
    assert_true(km_address_same(&d, &d));
    assert_false(km_address_same(&d, &e));
    assert_false(km_address_same(&a, &d));
    assert_string_equal(km_address_text(text, &b), "10.0.0.1");
    b = address("::ffff:127.1.2.3");
    assert_true(km_address_is_loopback(&b));
    assert_false(km_address_is_loopback(&a));
}

static void a_name_is_looked_up_without_waiting(void **state)
{
    struct km_lookup *l = NULL;
    int fd[2];

    (void)state;
    assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
    assert_null(km_lookup_next(fd[0]));
    assert_int_equal(km_lookup_start(fd[1], 5, "127.0.0.9"), 0);
    for (int i = 0; i < 500 && !l; i++) {
        poll(NULL, 0, 10);
        l = km_lookup_next(fd[0]);
    }
    assert_non_null(l);
    assert_int_equal(l->id, 5);
    assert_int_equal(l->n, 1);
    assert_true(km_address_is_loopback(&l->address[0]));
    km_free(l);
    close(fd[0]);
    close(fd[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_the_same_in_either_family),
        cmocka_unit_test(a_name_is_looked_up_without_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
