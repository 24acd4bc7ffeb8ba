/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to dist/launch: a list of descriptors to wait for, made anew for each wait. None of them
 * blocks, so after the wait each is simply tried.
 */
#ifndef KM_LAUNCH_POLL_H
#define KM_LAUNCH_POLL_H

#include "base/mem.h"
#include "dist/launch/limits.h"
#include "dist/launch/link.h"
#include <poll.h>

struct km_poll {
    struct pollfd *fd;
    size_t n, room;
};

/** Adds a descriptor, unless it is -1. Where there is no memory, the wait does without it. */
static inline void km_poll_add(struct km_poll *p, int fd, int writing)
{
    if (fd < 0 || km_grow(&p->fd, p->n, &p->room, 1, sizeof(*p->fd)))
        return;
    p->fd[p->n++] = (struct pollfd){fd, (short)(POLLIN | (writing ? POLLOUT : 0)), 0};
}

static inline void km_poll_link(struct km_poll *p, const struct km_link *l)
{
    km_poll_add(p, l->fd, km_link_pending(l));
}

/** Waits for one of them, or for a tick, and empties the list. */
static inline void km_poll_wait(struct km_poll *p)
{
    poll(p->fd, p->n, KM_TICK_MS);
    p->n = 0;
}

#endif
