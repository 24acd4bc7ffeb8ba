/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/door.h"

#include "base/log.h"
#include "base/mem.h"
#include "dist/launch/limits.h"
#include "dist/launch/message.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GREETING_BYTES 1024
#define ACCEPTS        64 /* connections looked at in one go */

void km_door_init(struct km_door *d, const struct km_launch *plan)
{
    memset(d, 0, sizeof(*d));
    d->plan = plan;
    d->fd = -1;
    for (size_t i = 0; i < KM_GUESTS; i++)
        d->guest[i].link.fd = -1;
}

int km_door_open(struct km_door *d, struct km_err *err)
{
    return km_net_listen(&d->fd, d->plan->port, err);
}

void km_door_close(struct km_door *d)
{
    for (size_t i = 0; i < KM_GUESTS; i++)
        km_link_close(&d->guest[i].link);
    if (d->fd >= 0)
        close(d->fd);
    km_free(d->found);
    km_door_init(d, d->plan);
}

void km_door_watch(const struct km_door *d, struct km_poll *poll)
{
    km_poll_add(poll, d->fd, 0);
    for (size_t i = 0; i < KM_GUESTS; i++)
        if (d->guest[i].known) /* who is not known yet is not read from */
            km_poll_add(poll, d->guest[i].link.fd, 0);
}

static void refuse(struct km_door *d, const struct km_address *from, const char *why)
{
    d->refused++;
    km_address_text(d->refused_last, from);
    snprintf(d->refused_why, sizeof(d->refused_why), "%.190s", why);
}

static void dismiss(struct km_door *d, struct km_guest *g, const char *why)
{
    refuse(d, &g->from, why);
    km_link_close(&g->link);
}

static void log_refused(struct km_door *d, double now)
{
    if (d->refused == 0 || now < d->next_log)
        return;
    km_log(KM_WARNING, "launch port: refused %zu connection%s, the last from %s: %s", d->refused,
           d->refused == 1 ? "" : "s", d->refused_last, d->refused_why);
    d->refused = 0;
    d->next_log = now + KM_REFUSED_LOG_SECONDS;
}

static int is_leader(const struct km_door *d, const struct km_address *from)
{
    for (size_t i = 0; d->found && i < d->found->n; i++)
        if (km_address_same(&d->found->address[i], from))
            return 1;
    return 0;
}

/* A place for one more; the oldest whose address is not the leader's leaves, if need be. */
static struct km_guest *find_place(struct km_door *d)
{
    struct km_guest *oldest = NULL;

    for (size_t i = 0; i < KM_GUESTS; i++) {
        struct km_guest *g = &d->guest[i];

        if (g->link.fd < 0)
            return g;
        if (!oldest || (!g->known && (oldest->known || g->since < oldest->since)))
            oldest = g;
    }
    dismiss(d, oldest, "too many at once");
    return oldest;
}

static void accept_guests(struct km_door *d, double now)
{
    for (int i = 0; i < ACCEPTS; i++) {
        struct km_address from;
        int fd = km_net_accept(d->fd, &from), known;
        struct km_guest *g;

        if (fd < 0)
            return;
        known = is_leader(d, &from);
        if (!known && d->found && now < d->found->asked + KM_LOOKUP_SECONDS) {
            refuse(d, &from, "not the leader's address");
            close(fd);
            continue;
        }
        g = find_place(d);
        km_link_open(&g->link, fd, GREETING_BYTES);
        g->from = from;
        g->since = now;
        g->known = known;
    }
}

/* Looks at the greeting of somebody from the leader's address: 1 if it is the leader. */
static int hear_guest(struct km_door *d, struct km_guest *g)
{
    const struct km_launch *plan = d->plan;
    struct km_greeting expected = {.version = KM_VERSION,
                                   .hosts = km_hosts_hash(plan->hosts, plan->n_hosts)};
    int over = km_link_fill(&g->link), got;
    struct km_frame f;
    struct km_err why;

    got = km_link_next(&g->link, &f);
    if (got <= 0) {
        if (got || over)
            dismiss(d, g, got ? "no greeting of a kmeans" : "it left without a greeting");
        return 0;
    }
    snprintf(expected.leader, sizeof(expected.leader), "%s", plan->hosts[0]);
    snprintf(expected.worker, sizeof(expected.worker), "%s", plan->hosts[plan->self]);
    if (km_check_greeting(&f, &expected, &why) == KM_OK)
        return 1;
    km_put_text(&g->link, KM_MSG_REFUSE, why.msg);
    km_link_flush(&g->link);
    dismiss(d, g, why.msg);
    return 0;
}

/* The leader's addresses are looked up for everybody who comes from another one. */
static void serve_lookups(struct km_door *d, const int lookups[2], double now)
{
    int wanted = 0;
    struct km_lookup *f;

    while ((f = km_lookup_next(lookups[0])) != NULL) {
        km_free(d->found);
        d->found = f;
        d->looking = 0;
    }
    for (size_t i = 0; i < KM_GUESTS; i++) {
        struct km_guest *g = &d->guest[i];

        if (g->link.fd < 0 || g->known)
            continue;
        g->known = is_leader(d, &g->from);
        if (!g->known && d->found && d->found->asked > g->since - KM_LOOKUP_SECONDS && d->found->n)
            dismiss(d, g, "not the leader's address");
        else if (!g->known)
            wanted = 1;
    }
    if (!d->looking && (wanted || !d->found) &&
        (!d->found || now > d->found->asked + KM_LOOKUP_SECONDS))
        d->looking = km_lookup_start(lookups[1], 0, d->plan->hosts[0]) == 0;
}

int km_door_serve(struct km_door *d, const int lookups[2], double now, struct km_link *leader)
{
    int met = 0;

    serve_lookups(d, lookups, now);
    for (size_t i = 0; i < KM_GUESTS && !met; i++) {
        struct km_guest *g = &d->guest[i];

        if (g->link.fd >= 0 && g->known && hear_guest(d, g)) {
            *leader = g->link;
            g->link = (struct km_link){.fd = -1};
            met = 1;
        } else if (g->link.fd >= 0 && now > g->since + KM_GUEST_SECONDS) {
            dismiss(d, g, g->known ? "it said nothing" : "the leader's name leads nowhere");
        }
    }
    if (!met)
        accept_guests(d, now);
    log_refused(d, now);
    return met;
}
