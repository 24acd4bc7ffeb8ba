/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/peer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dist/launch/limits.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MOST_BYTES 4096 /* of a message from a worker */

void km_peer_open(struct km_peer *p, const struct km_launch *plan, size_t id)
{
    *p = (struct km_peer){.plan = plan, .id = id, .link.fd = -1};
}

void km_peer_close(struct km_peer *p)
{
    km_link_close(&p->link);
    km_free(p->found);
}

void km_peer_look_up(struct km_peer *p, int lookups, double now)
{
    if (p->looking || now < p->next)
        return;
    p->looking = km_lookup_start(lookups, p->id, p->plan->hosts[p->id]) == 0;
    p->next = now + KM_RETRY_SECONDS;
}

void km_peer_part(struct km_peer *p, const char *why)
{
    km_link_close(&p->link);
    p->phase = KM_APART;
    p->next = km_now() + KM_RETRY_SECONDS;
    snprintf(p->why, sizeof(p->why), "%s", why);
}

static void connect_to(struct km_peer *p, const struct km_address *to, const struct km_address *own)
{
    int same = own && km_address_is_loopback(own) == km_address_is_loopback(to);
    int fd = km_net_connect(to, p->plan->port, same ? own : NULL);

    p->since = km_now();
    if (fd < 0) {
        km_peer_part(p, "it cannot be reached");
        return;
    }
    km_link_open(&p->link, fd, MOST_BYTES);
    p->phase = KM_CONNECTING;
}

void km_peer_found(struct km_peer *p, struct km_lookup *found, const struct km_address *own)
{
    km_free(p->found);
    p->found = found;
    p->looking = 0;
    if (found->n == 0)
        snprintf(p->why, sizeof(p->why), "%s", found->why);
    else if (p->phase == KM_APART)
        connect_to(p, &found->address[p->try++ % found->n], own);
}

static void greet(struct km_peer *p)
{
    const struct km_launch *plan = p->plan;
    struct km_greeting g = {.version = KM_VERSION,
                            .hosts = km_hosts_hash(plan->hosts, plan->n_hosts)};

    snprintf(g.leader, sizeof(g.leader), "%s", plan->hosts[0]);
    snprintf(g.worker, sizeof(g.worker), "%s", plan->hosts[p->id]);
    km_put_greeting(&p->link, &g);
    p->phase = KM_GREETED;
}

void km_peer_advance(struct km_peer *p, int lookups, double now)
{
    int code;

    switch (p->phase) {
    case KM_APART:
        km_peer_look_up(p, lookups, now);
        return;
    case KM_CONNECTING:
        code = km_net_connected(p->link.fd);
        if (code == 0)
            greet(p);
        else if (code != EINPROGRESS)
            km_peer_part(p, strerror(code));
        break;
    case KM_GREETED:
        break;
    default:
        return;
    }
    if (p->phase != KM_APART && now > p->since + KM_CONNECT_SECONDS)
        km_peer_part(p, "it does not answer");
}

int km_peer_answer(struct km_peer *p, struct km_frame *f)
{
    char text[256];

    if (f->type == KM_MSG_WELCOME && km_frame_done(f) == 0) {
        p->phase = KM_MET;
        return 0;
    }
    if (f->type != KM_MSG_REFUSE)
        return -1;
    km_frame_text(f, text, sizeof(text));
    km_log(KM_WARNING, "%s refused our connection: this host %s", p->plan->hosts[p->id], text);
    km_peer_part(p, "it refused");
    p->next = km_now() + KM_REFUSED_SECONDS;
    return 0;
}
