/* SPDX-License-Identifier: Apache-2.0 */
/* How a leader (peer.c) comes to a worker's door, and who else does. */
#include "tests/launch_test.h"

#include "base/clock.h"
#include "base/mem.h"
#include "dist/launch/door.h"
#include "dist/launch/peer.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>

/* Names that look-ups know everywhere: the leader's, the worker's, and one more. */
static const char *const names[] = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};

struct meeting {
    struct km_launch here, there; /* as the worker and as the leader read them */
    struct km_door door;
    struct km_link leader; /* as the worker sees it, when it is let in */
    struct km_peer peer;
    int for_door[2], for_peer[2]; /* look-ups */
};

static void open_pipe(int ends[2])
{
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

/* n: hosts in the leader's list; the worker's has two. */
static void begin_meeting(struct meeting *m, size_t n)
{
    struct km_address own;
    struct km_err err;

    memset(m, 0, sizeof(*m));
    m->here = (struct km_launch){.hosts = names, .n_hosts = 2, .self = 1};
    m->there = (struct km_launch){.hosts = names, .n_hosts = n};
    m->leader.fd = -1;
    open_pipe(m->for_door);
    open_pipe(m->for_peer);
    km_door_init(&m->door, &m->here);
    assert_ok(km_door_open(&m->door, &err), err);
    assert_int_equal(km_net_own(m->door.fd, &own), 0);
    m->there.port = ntohs(own.u.any.sa_family == AF_INET ? own.u.in.sin_port : own.u.in6.sin6_port);
    km_peer_open(&m->peer, &m->there, 1);
}

static void end_meeting(struct meeting *m)
{
    km_door_close(&m->door);
    km_peer_close(&m->peer);
    km_link_close(&m->leader);
    for (int i = 0; i < 2; i++) {
        close(m->for_door[i]);
        close(m->for_peer[i]);
    }
}

static int answer(void *peer, struct km_frame *f)
{
    return km_peer_answer(peer, f);
}

/* A turn of both loops. */
static void turn_door(struct meeting *m)
{
    if (m->leader.fd < 0 && km_door_serve(&m->door, m->for_door, km_now(), &m->leader)) {
        km_put_nothing(&m->leader, KM_MSG_WELCOME);
        km_link_flush(&m->leader);
    }
    km_sleep(0.002);
}

static void turn(struct meeting *m)
{
    struct km_lookup *f = km_lookup_next(m->for_peer[0]);

    if (f)
        km_peer_found(&m->peer, f, NULL);
    km_peer_advance(&m->peer, m->for_peer[1], km_now());
    if (m->peer.phase == KM_GREETED && km_link_serve(&m->peer.link, answer, &m->peer) &&
        m->peer.phase == KM_GREETED)
        km_peer_part(&m->peer, "it closed the connection");
    turn_door(m);
}

/* Turns until the peer is met, or a try has ended. */
static void try_once(struct meeting *m)
{
    double until = km_now() + 20;

    while (m->peer.phase != KM_MET && !m->peer.why[0] && km_now() < until)
        turn(m);
}

static void the_leader_is_let_in_and_the_door_can_close(void **state)
{
    struct meeting m;

    (void)state;
    begin_meeting(&m, 2);
    try_once(&m);
    assert_string_equal(m.peer.why, "");
    assert_int_equal(m.peer.phase, KM_MET);
    km_door_close(&m.door);
    km_put_number(&m.peer.link, KM_MSG_STATUS, 5);
    assert_int_equal(km_link_flush(&m.peer.link), 0);
    assert_int_equal(km_link_fill(&m.leader), 0);
    assert_int_equal(km_link_next(&m.leader, &(struct km_frame){0}), 1);
    end_meeting(&m);
}

static void a_leader_with_another_list_of_hosts_is_told_why(void **state)
{
    struct meeting m;

    (void)state;
    begin_meeting(&m, 3);
    try_once(&m);
    assert_string_equal(m.peer.why, "it refused");
    assert_int_equal(m.peer.phase, KM_APART);
    assert_true(m.peer.next > km_now() + 3); /* not at once again */
    assert_int_equal(m.leader.fd, -1);
    assert_contains(m.door.refused_why, "another list of hosts");
    end_meeting(&m);
}

static void a_worker_that_is_not_there_is_tried_again(void **state)
{
    struct meeting m;

    (void)state;
    begin_meeting(&m, 2);
    km_door_close(&m.door);
    m.leader.fd = 0; /* the door is not served */
    try_once(&m);
    assert_string_equal(m.peer.why, "Connection refused");
    assert_int_equal(m.peer.phase, KM_APART);
    assert_int_equal(m.peer.link.fd, -1);
    m.leader.fd = -1;
    end_meeting(&m);
}

/* Somebody connects from that address and says something; what the door thought of it. */
static const char *visit(struct meeting *m, const char *from, const char *words)
{
    struct km_address to = {.n = sizeof(to.u.in), .u.in.sin_family = AF_INET}, own = to;
    double until = km_now() + 20;
    char byte;
    int fd;

    m->door.refused_why[0] = 0;
    assert_int_equal(inet_pton(AF_INET, names[1], &to.u.in.sin_addr), 1);
    assert_int_equal(inet_pton(AF_INET, from, &own.u.in.sin_addr), 1);
    fd = km_net_connect(&to, m->there.port, &own);
    assert_true(fd >= 0);
    while (km_net_connected(fd) && km_now() < until)
        km_sleep(0.001);
    assert_int_equal(write(fd, words, strlen(words)), strlen(words));
    while (recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && km_now() < until)
        turn_door(m);
    close(fd);
    assert_int_equal(m->leader.fd, -1);
    return m->door.refused_why;
}

static void strangers_and_garbage_are_sent_away_and_the_leader_still_comes_in(void **state)
{
    struct meeting m;

    (void)state;
    begin_meeting(&m, 2);
    assert_string_equal(visit(&m, "127.0.0.9", "let me in"), "not the leader's address");
    assert_contains(m.door.refused_last, "127.0.0.9");
    assert_string_equal(visit(&m, "127.0.0.1", "GET / HTTP/1.1\r\n\r\n"),
                        "no greeting of a kmeans");
    try_once(&m);
    assert_int_equal(m.peer.phase, KM_MET);
    end_meeting(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_leader_is_let_in_and_the_door_can_close),
        cmocka_unit_test(a_leader_with_another_list_of_hosts_is_told_why),
        cmocka_unit_test(a_worker_that_is_not_there_is_tried_again),
        cmocka_unit_test(strangers_and_garbage_are_sent_away_and_the_leader_still_comes_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
