/* SPDX-License-Identifier: Apache-2.0 */
/* What supervisors say to each other: frames, greetings; and names and addresses. tests/run_hosts.sh has
 * whole jobs. */
#include "tests/test.h"

#include "base/mem.h"
#include "dist/launch/link.h"
#include "dist/launch/lookup.h"
#include "dist/launch/message.h"
#include "dist/launch/net.h"
#include "dist/launch/supervisor.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 4096

/* Two ends of a connection. */
static void open_pair(struct km_link *a, struct km_link *b)
{
    int fd[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    km_link_open(a, fd[0], MOST);
    km_link_open(b, fd[1], MOST);
}

static void put_bytes(struct km_link *l, const void *bytes, size_t n)
{
    assert_int_equal(write(l->fd, bytes, n), n);
}

static void a_frame_gives_back_what_was_put_into_it(void **state)
{
    struct km_link a, b;
    struct km_frame f;
    char text[16];

    (void)state;
    open_pair(&a, &b);
    km_link_begin(&a, 7);
    km_link_put_u32(&a, 0xfffffffe);
    km_link_put_u64(&a, 0x0123456789abcdef);
    km_link_put_f64(&a, -0.1);
    km_link_put_text(&a, "text");
    km_link_end(&a);
    km_put_nothing(&a, 8);
    assert_int_equal(km_link_flush(&a), 0);
    assert_int_equal(km_link_fill(&b), 0);
    assert_int_equal(km_link_next(&b, &f), 1);
    assert_int_equal(f.type, 7);
    assert_int_equal(km_frame_u32(&f), 0xfffffffe);
    assert_true(km_frame_u64(&f) == 0x0123456789abcdef);
    assert_true(km_frame_f64(&f) == -0.1);
    assert_int_equal(km_frame_done(&f), -1);
    km_frame_text(&f, text, sizeof(text));
    assert_string_equal(text, "text");
    assert_int_equal(km_frame_done(&f), 0);
    assert_int_equal(km_link_next(&b, &f), 1);
    assert_int_equal(f.type, 8);
    assert_int_equal(km_frame_done(&f), 0);
    assert_int_equal(km_link_next(&b, &f), 0);
    km_link_close(&a);
    assert_int_equal(km_link_fill(&b), -1);
    km_link_close(&b);
    km_link_close(&b);
}

static void a_frame_that_comes_in_single_bytes_is_whole_with_the_last(void **state)
{
    static const unsigned char bytes[] = {0, 0, 0, 6, 5, 0, 0, 0, 2, 'h', 'i'};
    struct km_link a, b;
    struct km_frame f;
    char text[4];

    (void)state;
    open_pair(&a, &b);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        assert_int_equal(km_link_next(&b, &f), 0);
        put_bytes(&a, bytes + i, 1);
        assert_int_equal(km_link_fill(&b), 0);
    }
    assert_int_equal(km_link_next(&b, &f), 1);
    km_frame_text(&f, text, sizeof(text));
    assert_string_equal(text, "hi");
    km_link_close(&a);
    km_link_close(&b);
}

static void garbage_is_found_before_anything_is_kept_for_it(void **state)
{
    static const char *const garbage[] = {
        "GET / HTTP/1.1\r\n\r\n",       /* as a length it is more than a gigabyte */
        "\xff\xff\xff\xff\x01",         /* the longest */
        "\x00\x00\x10\x01\x01",         /* one byte more than is taken */
        "\x00\x00\x00\x00\x00",         /* no type */
        "\x16\x03\x01\x02\x00\x01\x00", /* TLS */
    };
    static const size_t n[] = {18, 5, 5, 5, 7};

    (void)state;
    for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
        struct km_link a, b;
        struct km_frame f;

        open_pair(&a, &b);
        put_bytes(&a, garbage[i], n[i]);
        assert_int_equal(km_link_fill(&b), 0);
        assert_int_equal(km_link_next(&b, &f), -1);
        assert_true(b.in_room <= MOST);
        km_link_close(&a);
        km_link_close(&b);
    }
}

static void a_sender_without_end_fills_no_memory(void **state)
{
    static const char zeros[MOST];
    struct km_link a, b;

    (void)state;
    open_pair(&a, &b);
    put_bytes(&a, "\x00\x00\x10\x00\x01", 5); /* a frame of MOST bytes, and then more */
    for (int i = 0; i < 8; i++)
        put_bytes(&a, zeros, sizeof(zeros));
    for (int i = 0; i < 8; i++)
        assert_int_equal(km_link_fill(&b), 0);
    assert_true(b.in_room <= 2 * MOST + 16);
    km_link_close(&a);
    km_link_close(&b);
}

static void a_reader_that_never_reads_ends_the_link(void **state)
{
    struct km_link a, b;
    int rc = 0;

    (void)state;
    open_pair(&a, &b);
    for (int i = 0; i < 10000 && rc == 0; i++) {
        km_put_text(&a, 1,
                    "a text that nobody reads, again and again, until there is no room for it");
        for (int j = 0; j < 20; j++)
            km_put_nothing(&a, 2);
        rc = km_link_flush(&a);
    }
    assert_int_equal(rc, -1);
    assert_true(a.out_room <= (size_t)2 << 20);
    km_link_close(&a);
    km_link_close(&b);
}

/* A frame of these bytes. */
static struct km_frame frame_of(const void *bytes, size_t n)
{
    return (struct km_frame){KM_MSG_GREET, bytes, n, 0};
}

static void values_that_are_not_there_fail_and_are_zero(void **state)
{
    struct km_frame f = frame_of("\x01\x02\x03", 3);
    char text[8] = "old";

    (void)state;
    assert_int_equal(km_frame_u32(&f), 0);
    assert_int_equal(f.failed, 1);
    assert_int_equal(km_frame_done(&f), -1);
    f = frame_of("\x00\x00\x00\x05gone", 8); /* longer than the frame */
    km_frame_text(&f, text, sizeof(text));
    assert_string_equal(text, "");
    assert_int_equal(f.failed, 1);
    f = frame_of("\x00\x00\x00\x08too long", 12); /* longer than the place for it */
    km_frame_text(&f, text, sizeof(text));
    assert_string_equal(text, "");
    assert_int_equal(f.failed, 1);
    f = frame_of("\x00\x00\x00\x03"
                 "a\0b",
                 7);
    km_frame_text(&f, text, sizeof(text));
    assert_string_equal(text, "");
    assert_int_equal(f.failed, 1);
}

static const char *const hosts[] = {"algo-1", "algo-2", "algo-3"};

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
    struct km_frame f = frame_of("\x80\x00\x00\x00\x00\x00\x00\x00", 8);
    struct km_err got = {0};

    (void)state;
    assert_int_equal(km_get_reason(&f, &got), 0);
    assert_int_equal(got.code, KM_E_BUG);
}

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

static void at_most_ten_hosts_are_named(void **state)
{
    const char *names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"};
    struct km_launch plan = {.hosts = names, .n_hosts = 13};
    char missing[13] = {0}, text[200], little[40];

    (void)state;
    missing[1] = missing[3] = 1;
    km_supervisor_names(&plan, missing, text, sizeof(text));
    assert_string_equal(text, "b, d");
    memset(missing, 1, sizeof(missing));
    km_supervisor_names(&plan, missing, text, sizeof(text));
    assert_string_equal(text, "a, b, c, d, e, f, g, h, i, j and 3 more");
    km_supervisor_names(&plan, missing, little, sizeof(little));
    assert_contains(little, " more");
}

static void a_reason_names_its_host_once(void **state)
{
    struct km_launch plan = {.hosts = hosts, .n_hosts = 3};
    struct km_err reason;

    (void)state;
    km_fail(&reason, KM_E_SYS, "no disk");
    km_supervisor_blame(&plan, "algo-2", &reason);
    assert_string_equal(reason.msg, "algo-2: no disk");
    km_supervisor_blame(&plan, "algo-1", &reason);
    assert_string_equal(reason.msg, "algo-2: no disk");
    assert_int_equal(reason.code, KM_E_SYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_gives_back_what_was_put_into_it),
        cmocka_unit_test(a_frame_that_comes_in_single_bytes_is_whole_with_the_last),
        cmocka_unit_test(garbage_is_found_before_anything_is_kept_for_it),
        cmocka_unit_test(a_sender_without_end_fills_no_memory),
        cmocka_unit_test(a_reader_that_never_reads_ends_the_link),
        cmocka_unit_test(values_that_are_not_there_fail_and_are_zero),
        cmocka_unit_test(a_greeting_is_welcome_only_if_all_of_it_fits),
        cmocka_unit_test(every_beginning_of_a_greeting_is_refused),
        cmocka_unit_test(the_hash_of_hosts_tells_names_and_their_borders_apart),
        cmocka_unit_test(reasons_and_states_travel_unchanged),
        cmocka_unit_test(a_code_that_nobody_knows_is_a_failure),
        cmocka_unit_test(an_address_is_the_same_in_either_family),
        cmocka_unit_test(a_name_is_looked_up_without_waiting),
        cmocka_unit_test(at_most_ten_hosts_are_named),
        cmocka_unit_test(a_reason_names_its_host_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
