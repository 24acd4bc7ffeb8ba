/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets and networks of this host. */
#include "tests/launch_test.h"

#include "dist/launch/net.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

static void an_interface_is_found_by_its_network(void **state)
{
    char name[KM_INTERFACE_NAME];

    (void)state;
    assert_int_equal(km_net_interface("127.0.0.0/8", name), 0);
    assert_string_equal(name, "lo");
    assert_int_equal(km_net_interface("127.0.0.0/9", name), -1);
    assert_int_equal(km_net_interface("", name), -1);
}

static struct km_address loopback(const char *text)
{
    struct km_address a = {.n = sizeof(a.u.in), .u.in.sin_family = AF_INET};

    assert_int_equal(inet_pton(AF_INET, text, &a.u.in.sin_addr), 1);
    return a;
}

/* Listens on some free port, which it returns. */
static int listen_somewhere(int *fd)
{
    struct km_address own;
    struct km_err err;

    assert_ok(km_net_listen(fd, 0, &err), err);
    assert_int_equal(km_net_own(*fd, &own), 0);
    return ntohs(own.u.any.sa_family == AF_INET ? own.u.in.sin_port : own.u.in6.sin6_port);
}

/* What a connection comes to, within a second. */
static int outcome(int fd)
{
    struct pollfd p = {fd, POLLOUT, 0};

    poll(&p, 1, 1000);
    return km_net_connected(fd);
}

static void a_connection_is_there_or_refused(void **state)
{
    struct km_address to = loopback("127.0.0.1"), from = loopback("127.0.0.7"), seen;
    int door, port = listen_somewhere(&door), fd, other;

    (void)state;
    assert_int_equal(km_net_accept(door, &seen), -1);
    fd = km_net_connect(&to, port, &from);
    assert_true(fd >= 0);
    assert_int_equal(outcome(fd), 0);
    other = km_net_accept(door, &seen);
    assert_true(other >= 0);
    assert_true(km_address_same(&seen, &from));
    close(door);
    close(other);
    close(fd);
    fd = km_net_connect(&to, port, NULL);
    assert_true(fd >= 0);
    assert_int_equal(outcome(fd), ECONNREFUSED);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(km_net_connected(fd), EINPROGRESS);
    close(fd);
}

static void the_own_address_of_a_name_is_a_loopback_only_if_there_is_no_other(void **state)
{
    struct km_lookup found = {.n = 2};
    const struct km_address *own;

    (void)state;
    assert_null(km_net_of_name(NULL));
    found.address[0] = loopback("192.0.2.1"); /* of nobody: a network for examples */
    found.address[1] = loopback("127.0.0.1");
    own = km_net_of_name(&found);
    assert_ptr_equal(own, &found.address[1]);
    found.n = 1;
    assert_null(km_net_of_name(&found));
}

static void networks_of_this_host_are_named(void **state)
{
    struct km_address lo = loopback("127.0.1.1"), other = loopback("192.0.2.1"), first;
    char text[KM_NETWORK_TEXT];

    (void)state;
    assert_int_equal(km_net_network(&lo, text), 0);
    assert_string_equal(text, "127.0.0.0/8");
    assert_int_equal(km_net_network(&other, text), -1);
    assert_int_equal(km_net_of_interface("lo", &first), 0);
    assert_true(km_address_is_loopback(&first));
    assert_int_equal(km_net_of_interface("no-such-name", &first), -1);
}

static void a_local_socket_is_reached_by_its_name_alone(void **state)
{
    char name[KM_LOCAL_NAME], other[KM_LOCAL_NAME];
    struct km_err err;
    int door, fd;

    (void)state;
    assert_ok(km_net_local_listen(&door, name, &err), err);
    assert_int_equal(name[0], '@');
    fd = km_net_local_connect(name);
    assert_true(fd >= 0);
    close(fd);
    snprintf(other, sizeof(other), "%.20s", name);
    assert_int_equal(km_net_local_connect(other), -1);
    close(door);
    assert_int_equal(km_net_local_connect(name), -1);
}

/* In a child: takes the output of another process, and says a word. */
static int speak(int fd)
{
    int rc;

    while ((rc = km_net_take_output(fd)) > 0)
        poll(NULL, 0, 1);
    return rc || write(STDERR_FILENO, "word", 4) != 4;
}

static void output_is_handed_to_another_process(void **state)
{
    int fd[2], out[2], old = dup(STDERR_FILENO), status;
    char text[8] = "";
    pid_t pid;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    assert_int_equal(pipe(out), 0);
    pid = fork();
    if (pid == 0)
        _exit(speak(fd[1]));
    dup2(out[1], STDERR_FILENO);
    assert_int_equal(km_net_give_output(fd[0]), 0);
    dup2(old, STDERR_FILENO);
    assert_int_equal(read(out[0], text, sizeof(text)), 4);
    assert_string_equal(text, "word");
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(write(fd[0], "x", 1), 1); /* a byte without a descriptor */
    assert_int_equal(km_net_take_output(fd[1]), -1);
    for (int i = 0; i < 2; i++) {
        close(fd[i]);
        close(out[i]);
    }
    close(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interface_is_found_by_its_network),
        cmocka_unit_test(a_connection_is_there_or_refused),
        cmocka_unit_test(the_own_address_of_a_name_is_a_loopback_only_if_there_is_no_other),
        cmocka_unit_test(networks_of_this_host_are_named),
        cmocka_unit_test(a_local_socket_is_reached_by_its_name_alone),
        cmocka_unit_test(output_is_handed_to_another_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
