/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/lookup.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of a look-up's thread: getaddrinfo keeps its answers on the stack. */
#define STACK_BYTES ((size_t)1 << 20)

struct question {
    int pipe_fd;
    struct km_lookup *answer;
};

/* Takes an IPv4 address out of the IPv6 one that holds it. */
static void unmap(struct km_address *a)
{
    struct in_addr in;
    in_port_t port = a->u.in6.sin6_port;

    if (a->u.any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->u.in6.sin6_addr))
        return;
    memcpy(&in, &a->u.in6.sin6_addr.s6_addr[12], sizeof(in));
    memset(&a->u, 0, sizeof(a->u));
    a->u.in.sin_family = AF_INET;
    a->u.in.sin_addr = in;
    a->u.in.sin_port = port;
    a->n = sizeof(a->u.in);
}

static void keep(struct km_lookup *l, const struct addrinfo *found, int family)
{
    for (; found && l->n < KM_ADDRESSES; found = found->ai_next) {
        struct km_address *a = &l->address[l->n];

        if (found->ai_family != family || found->ai_addrlen > sizeof(a->u))
            continue;
        a->n = found->ai_addrlen;
        memcpy(&a->u, found->ai_addr, found->ai_addrlen);
        l->n++;
    }
}

static void *look_up(void *arg)
{
    struct question *q = arg;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int code;

    km_crash_thread();
    code = getaddrinfo(q->answer->name, NULL, &hints, &found);
    if (code == 0) {
        keep(q->answer, found, AF_INET);
        keep(q->answer, found, AF_INET6);
        freeaddrinfo(found);
    }
    q->answer->why = q->answer->n ? "" : code ? gai_strerror(code) : "no address";
    if (write(q->pipe_fd, &q->answer, sizeof(q->answer)) != sizeof(q->answer))
        km_free(q->answer);
    km_free(q);
    return NULL;
}

int km_lookup_start(int pipe_fd, size_t id, const char *name)
{
    struct question *q = km_alloc(1, sizeof(*q));
    struct km_lookup *l = km_alloc(1, sizeof(*l));
    pthread_attr_t attr;
    pthread_t thread;
    int rc = -1;

    if (q && l) {
        q->pipe_fd = pipe_fd;
        q->answer = l;
        l->id = id;
        l->asked = km_now();
        snprintf(l->name, sizeof(l->name), "%s", name);
        pthread_attr_init(&attr);
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attr, STACK_BYTES);
        rc = pthread_create(&thread, &attr, look_up, q) ? -1 : 0;
        pthread_attr_destroy(&attr);
    }
    if (rc) {
        km_free(q);
        km_free(l);
    }
    return rc;
}

struct km_lookup *km_lookup_next(int pipe_fd)
{
    struct km_lookup *l;

    return read(pipe_fd, &l, sizeof(l)) == sizeof(l) ? l : NULL;
}

int km_address_same(const struct km_address *a, const struct km_address *b)
{
    struct km_address x = *a, y = *b;

    unmap(&x);
    unmap(&y);
    if (x.u.any.sa_family != y.u.any.sa_family)
        return 0;
    if (x.u.any.sa_family == AF_INET)
        return x.u.in.sin_addr.s_addr == y.u.in.sin_addr.s_addr;
    return x.u.any.sa_family == AF_INET6 &&
           memcmp(&x.u.in6.sin6_addr, &y.u.in6.sin6_addr, sizeof(x.u.in6.sin6_addr)) == 0;
}

int km_address_is_loopback(const struct km_address *a)
{
    struct km_address x = *a;

    unmap(&x);
    if (x.u.any.sa_family == AF_INET)
        return ntohl(x.u.in.sin_addr.s_addr) >> 24 == 127;
    return x.u.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&x.u.in6.sin6_addr);
}

const char *km_address_text(char out[KM_ADDRESS_TEXT], const struct km_address *a)
{
    struct km_address x = *a;
    const void *p;

    unmap(&x);
    p = x.u.any.sa_family == AF_INET ? (const void *)&x.u.in.sin_addr
                                     : (const void *)&x.u.in6.sin6_addr;
    if (!inet_ntop(x.u.any.sa_family, p, out, KM_ADDRESS_TEXT))
        snprintf(out, KM_ADDRESS_TEXT, "(unknown)");
    return out;
}
