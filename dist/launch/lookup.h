/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to dist/launch: looking names of hosts up. A look-up may take as long as it likes (DNS),
 * so each has a thread of its own, and what it found comes through a pipe: nobody waits for it.
 */
#ifndef KM_LAUNCH_LOOKUP_H
#define KM_LAUNCH_LOOKUP_H

#include <netinet/in.h>
#include <stddef.h>

#define KM_ADDRESSES 16 /* of a name; more are left out */

/** An address of either family; port 0. */
struct km_address {
    socklen_t n;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } u;
};

/** What a name stands for; IPv4 first. n = 0: the name is not known (yet), and `why` says so. */
struct km_lookup {
    size_t id;
    char name[256];
    double asked; /* km_now() of the question */
    size_t n;
    struct km_address address[KM_ADDRESSES];
    const char *why;
};

/**
 * Starts to look a name up; the result, a struct km_lookup *, is written to the pipe and is to be
 * freed with km_free. 0, or -1 if no thread can be had now: ask again later.
 */
int km_lookup_start(int pipe_fd, size_t id, const char *name);

/** The next result of the pipe's other end, which does not block; NULL: none now. */
struct km_lookup *km_lookup_next(int pipe_fd);

/** The same host, whatever the ports; an IPv4 address inside an IPv6 one is that address. */
int km_address_same(const struct km_address *a, const struct km_address *b);
int km_address_is_loopback(const struct km_address *a);

#define KM_ADDRESS_TEXT 64
/** An address as text, for the log. */
const char *km_address_text(char out[KM_ADDRESS_TEXT], const struct km_address *a);

#endif
