/* SPDX-License-Identifier: Apache-2.0 */
/* Private to dist/launch: sockets of the launch, and which network this host is in. None of them
 * blocks. */
#ifndef KM_LAUNCH_NET_H
#define KM_LAUNCH_NET_H

#include "base/err.h"
#include "dist/launch/lookup.h"

/** Listens on all addresses, IPv6 as well where there is any. */
int km_net_listen(int *fd, int port, struct km_err *err);

/** The next connection of a listening socket and whence it comes; -1: none now. */
int km_net_accept(int fd, struct km_address *from);

/** Begins to connect; `from` (may be NULL) is the own address to be used. A socket, or -1. */
int km_net_connect(const struct km_address *to, int port, const struct km_address *from);

/** 0: it is connected, EINPROGRESS: not yet, else the errno of the connection that failed. */
int km_net_connected(int fd);

/** The own address of a connection. 0, or -1. */
int km_net_own(int fd, struct km_address *own);

/** The address of this host among those of its name, a loopback only if there is no other; NULL:
 * none. */
const struct km_address *km_net_of_name(const struct km_lookup *found);

/** The first IPv4 address of the interface of that name. 0, or -1: there is none. */
int km_net_of_interface(const char *name, struct km_address *a);

#define KM_NETWORK_TEXT 32
/** The network of an address of this host, "10.0.0.0/16"; -1: it has no such IPv4 address. */
int km_net_network(const struct km_address *a, char out[KM_NETWORK_TEXT]);

#define KM_INTERFACE_NAME 16
/** The name of the interface that is in a network as km_net_network writes it; -1: none. */
int km_net_interface(const char *network, char out[KM_INTERFACE_NAME]);

#define KM_LOCAL_NAME 64
/**
 * A local socket of the name (no file: Linux' abstract names), listening. `name` gets "@...", which
 * nobody can guess and km_net_local_connect understands.
 */
int km_net_local_listen(int *fd, char name[KM_LOCAL_NAME], struct km_err *err);
int km_net_local_connect(const char *name); /* blocking; -1: nobody is there */

/**
 * Standard output and error of this process go to another one over a local socket, in front of
 * anything else; km_net_take_output makes them its own. 0, or -1; take: 1 if nothing has come yet.
 */
int km_net_give_output(int fd);
int km_net_take_output(int fd);

#endif
