/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of dist/launch share: two ends of a connection, and a job of three hosts. */
#ifndef KM_TESTS_LAUNCH_TEST_H
#define KM_TESTS_LAUNCH_TEST_H

#include "tests/test.h"

#include "dist/launch/judge.h"
#include <sys/socket.h>

#define MOST 4096 /* bytes of a frame */

static const char *const hosts[] = {"algo-1", "algo-2", "algo-3"};

/** Two ends of a connection. */
static inline void open_pair(struct km_link *a, struct km_link *b)
{
    int fd[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    km_link_open(a, fd[0], MOST);
    km_link_open(b, fd[1], MOST);
}

/** Three hosts that have met and whose ranks run, at second 100; a rank has 60 s to make progress.
 */
struct scene {
    struct km_launch plan;
    struct km_host host[3];
    struct km_case c;
    struct km_err verdict;
};

static inline struct scene *begin(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    s->plan = (struct km_launch){.hosts = hosts, .n_hosts = 3, .stall = 60};
    s->c = (struct km_case){
        .plan = &s->plan, .host = s->host, .launched = 90, .words = "", .death = ""};
    for (int i = 0; i < 3; i++)
        s->host[i] =
            (struct km_host){.name = hosts[i], .met = 1, .heard = 100, .rank = {.joined = 1}};
    return s;
}

#endif
