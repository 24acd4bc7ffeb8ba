/* SPDX-License-Identifier: Apache-2.0 */
/* Private to dist/launch: a list of descriptors to wait for, made anew for each wait. */
#ifndef KM_LAUNCH_POLL_H
#define KM_LAUNCH_POLL_H

#include "base/mem.h"
#include <poll.h>
#include <string.h>

struct km_poll {
    struct pollfd *fd;
    size_t n, room;
};

/** Adds a descriptor; returns its place, or -1: there is none, or no memory for it (it is then looked
 * at after the next wait). */
static inline int km_poll_add(struct km_poll *p, int fd, int writing)
{
    if (fd < 0)
        return -1;
    if (p->n == p->room) {
        size_t room = p->room * 2 + 16;
        struct pollfd *more = km_alloc(room, sizeof(*more));

        if (!more)
            return -1;
        if (p->n)
            memcpy(more, p->fd, p->n * sizeof(*more));
        km_free(p->fd);
        p->fd = more;
        p->room = room;
    }
    p->fd[p->n] = (struct pollfd){fd, (short)(POLLIN | (writing ? POLLOUT : 0)), 0};
    return (int)p->n++;
}

#endif
