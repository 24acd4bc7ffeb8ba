/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

static void set_port(struct km_address *a, int port)
{
    if (a->u.any.sa_family == AF_INET)
        a->u.in.sin_port = htons((uint16_t)port);
    else
        a->u.in6.sin6_port = htons((uint16_t)port);
}

static int listen_on(int family, int port)
{
    struct km_address a = {0};
    int on = 1, off = 0, fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    a.u.any.sa_family = (sa_family_t)family;
    a.n = family == AF_INET ? sizeof(a.u.in) : sizeof(a.u.in6);
    set_port(&a, port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, &a.u.any, a.n) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

int km_net_listen(int *fd, int port, struct km_err *err)
{
    *fd = listen_on(AF_INET6, port);
    if (*fd < 0 && errno != EADDRINUSE)
        *fd = listen_on(AF_INET, port);
    if (*fd < 0)
        return km_fail_errno(err, "cannot listen on launch_port %d", port);
    return KM_OK;
}

int km_net_accept(int fd, struct km_address *from)
{
    memset(from, 0, sizeof(*from));
    from->n = sizeof(from->u);
    return accept4(fd, &from->u.any, &from->n, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int km_net_connect(const struct km_address *to, int port, const struct km_address *from)
{
    struct km_address a = *to, b;
    int on = 1;
    int fd = socket(a.u.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (from && from->u.any.sa_family == a.u.any.sa_family) {
        b = *from;
        set_port(&b, 0);
        /* If it cannot be, the machine chooses, and the worker says what it thinks of it. */
        if (bind(fd, &b.u.any, b.n))
            errno = 0;
    }
    set_port(&a, port);
    if (connect(fd, &a.u.any, a.n) == 0 || errno == EINPROGRESS)
        return fd;
    close(fd);
    return -1;
}

int km_net_connected(int fd)
{
    struct km_address other = {.n = sizeof(other.u)};
    int code = 0;
    socklen_t n = sizeof(code);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &n))
        return errno;
    return code || getpeername(fd, &other.u.any, &other.n) == 0 ? code : EINPROGRESS;
}

int km_net_own(int fd, struct km_address *own)
{
    memset(own, 0, sizeof(*own));
    own->n = sizeof(own->u);
    return getsockname(fd, &own->u.any, &own->n);
}

/* The interface that has the address, among all; NULL: none. */
static const struct ifaddrs *find(const struct ifaddrs *all, const struct km_address *a)
{
    for (; all; all = all->ifa_next) {
        struct km_address b = {0};

        if (!all->ifa_addr ||
            (all->ifa_addr->sa_family != AF_INET && all->ifa_addr->sa_family != AF_INET6))
            continue;
        b.n = all->ifa_addr->sa_family == AF_INET ? sizeof(b.u.in) : sizeof(b.u.in6);
        memcpy(&b.u, all->ifa_addr, b.n);
        if (km_address_same(a, &b))
            return all;
    }
    return NULL;
}

static int is_local(const struct km_address *a)
{
    struct ifaddrs *all;
    int is;

    if (km_address_is_loopback(a))
        return 1;
    if (getifaddrs(&all))
        return 0;
    is = find(all, a) != NULL;
    freeifaddrs(all);
    return is;
}

const struct km_address *km_net_of_name(const struct km_lookup *found)
{
    const struct km_address *best = NULL;

    for (size_t i = 0; found && i < found->n; i++)
        if (is_local(&found->address[i]) && (!best || km_address_is_loopback(best)))
            best = &found->address[i];
    return best;
}

int km_net_of_interface(const char *name, struct km_address *a)
{
    struct ifaddrs *all;
    int rc = -1;

    if (getifaddrs(&all))
        return -1;
    for (const struct ifaddrs *i = all; i && rc; i = i->ifa_next) {
        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || strcmp(i->ifa_name, name) != 0)
            continue;
        memset(a, 0, sizeof(*a));
        a->n = sizeof(a->u.in);
        memcpy(&a->u.in, i->ifa_addr, sizeof(a->u.in));
        rc = 0;
    }
    freeifaddrs(all);
    return rc;
}

/* Writes an interface's network; -1: it has no IPv4 address. */
static int write_network(const struct ifaddrs *i, char out[KM_NETWORK_TEXT])
{
    char text[INET_ADDRSTRLEN];
    struct sockaddr_in in, mask;

    if (!i || !i->ifa_addr || i->ifa_addr->sa_family != AF_INET || !i->ifa_netmask)
        return -1;
    memcpy(&in, i->ifa_addr, sizeof(in));
    memcpy(&mask, i->ifa_netmask, sizeof(mask));
    in.sin_addr.s_addr &= mask.sin_addr.s_addr;
    if (!inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text)))
        return -1;
    snprintf(out, KM_NETWORK_TEXT, "%s/%d", text, __builtin_popcount(mask.sin_addr.s_addr));
    return 0;
}

int km_net_network(const struct km_address *a, char out[KM_NETWORK_TEXT])
{
    struct ifaddrs *all;
    int rc;

    if (getifaddrs(&all))
        return -1;
    rc = write_network(find(all, a), out);
    freeifaddrs(all);
    if (rc && km_address_is_loopback(a) && a->u.any.sa_family == AF_INET)
        rc = snprintf(out, KM_NETWORK_TEXT, "127.0.0.0/8") > 0 ? 0 : -1;
    return rc;
}

int km_net_interface(const char *network, char out[KM_INTERFACE_NAME])
{
    char text[KM_NETWORK_TEXT];
    struct ifaddrs *all;
    int rc = -1;

    if (getifaddrs(&all))
        return -1;
    for (const struct ifaddrs *i = all; i && rc; i = i->ifa_next)
        if (write_network(i, text) == 0 && strcmp(text, network) == 0) {
            snprintf(out, KM_INTERFACE_NAME, "%s", i->ifa_name);
            rc = 0;
        }
    freeifaddrs(all);
    return rc;
}

/* An abstract name: the first byte of the path is 0, and the name ends where the address ends. */
static socklen_t local_address(struct sockaddr_un *a, const char *name)
{
    size_t n = strlen(name);

    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    if (n >= sizeof(a->sun_path))
        n = sizeof(a->sun_path) - 1;
    memcpy(a->sun_path, name, n);
    if (name[0] == '@')
        a->sun_path[0] = 0;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

int km_net_local_listen(int *fd, char name[KM_LOCAL_NAME], struct km_err *err)
{
    unsigned long long r[2];
    struct sockaddr_un a;
    socklen_t n;

    if (getrandom(r, sizeof(r), 0) != sizeof(r))
        return km_fail_errno(err, "no random numbers");
    snprintf(name, KM_LOCAL_NAME, "@kmeans-%016llx%016llx", r[0], r[1]);
    n = local_address(&a, name);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0 || bind(*fd, (const struct sockaddr *)&a, n) || listen(*fd, BACKLOG)) {
        km_fail_errno(err, "cannot listen on a local socket");
        if (*fd >= 0)
            close(*fd);
        *fd = -1;
        return err->code;
    }
    return KM_OK;
}

int km_net_local_connect(const char *name)
{
    struct sockaddr_un a;
    socklen_t n = local_address(&a, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&a, n) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* A message of one byte, with room for two descriptors. */
struct handover {
    char byte;
    struct iovec one;
    struct msghdr m;
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control;
};

static struct cmsghdr *begin_handover(struct handover *h)
{
    memset(h, 0, sizeof(*h));
    h->one = (struct iovec){.iov_base = &h->byte, .iov_len = 1};
    h->m = (struct msghdr){.msg_iov = &h->one,
                           .msg_iovlen = 1,
                           .msg_control = h->control.bytes,
                           .msg_controllen = sizeof(h->control.bytes)};
    return CMSG_FIRSTHDR(&h->m);
}

int km_net_give_output(int fd)
{
    int fds[2] = {STDOUT_FILENO, STDERR_FILENO};
    struct handover h;
    struct cmsghdr *c = begin_handover(&h);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(fds));
    memcpy(CMSG_DATA(c), fds, sizeof(fds));
    return sendmsg(fd, &h.m, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -1;
}

int km_net_take_output(int fd)
{
    struct handover h;
    struct cmsghdr *c;
    int fds[2];
    ssize_t n;

    begin_handover(&h);
    n = recvmsg(fd, &h.m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 1;
    c = CMSG_FIRSTHDR(&h.m);
    if (n != 1 || !c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(fds)))
        return -1;
    memcpy(fds, CMSG_DATA(c), sizeof(fds));
    dup2(fds[0], STDOUT_FILENO);
    dup2(fds[1], STDERR_FILENO);
    close(fds[0]);
    close(fds[1]);
    return 0;
}
