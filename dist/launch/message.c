/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/message.h"

#include <string.h>

#define MAGIC "kmeans launch"

uint64_t km_hosts_hash(const char *const *hosts, size_t n)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < n; i++)
        for (const char *c = hosts[i];; c++) {
            h = (h ^ (unsigned char)*c) * 1099511628211u;
            if (!*c)
                break;
        }
    return h;
}

void km_put_greeting(struct km_link *l, const struct km_greeting *g)
{
    km_link_begin(l, KM_MSG_GREET);
    km_link_put_text(l, MAGIC);
    km_link_put_u32(l, KM_PROTOCOL);
    km_link_put_text(l, g->version);
    km_link_put_text(l, g->leader);
    km_link_put_text(l, g->worker);
    km_link_put_u64(l, g->hosts);
    km_link_end(l);
}

int km_check_greeting(struct km_frame *f, const struct km_greeting *expected, struct km_err *err)
{
    struct km_greeting g;
    char magic[sizeof(MAGIC)];
    uint32_t protocol;

    km_frame_text(f, magic, sizeof(magic));
    protocol = km_frame_u32(f);
    if (f->type != KM_MSG_GREET || f->failed || strcmp(magic, MAGIC) != 0)
        return km_fail(err, KM_E_INPUT, "no greeting of a kmeans");
    if (protocol != KM_PROTOCOL)
        return km_fail(err, KM_E_INPUT,
                       "speaks protocol %u, expected %d: all hosts must run the "
                       "same image",
                       protocol, KM_PROTOCOL);
    km_frame_text(f, g.version, sizeof(g.version));
    km_frame_text(f, g.leader, sizeof(g.leader));
    km_frame_text(f, g.worker, sizeof(g.worker));
    g.hosts = km_frame_u64(f);
    if (km_frame_done(f))
        return km_fail(err, KM_E_INPUT, "no greeting of a kmeans");
    if (strcmp(g.version, expected->version) != 0)
        return km_fail(err, KM_E_INPUT,
                       "is kmeans %.20s, this is %.20s: all hosts must run the "
                       "same image",
                       g.version, expected->version);
    if (strcmp(g.leader, expected->leader) != 0)
        return km_fail(err, KM_E_INPUT, "calls itself %.60s, expected %.60s", g.leader,
                       expected->leader);
    if (strcmp(g.worker, expected->worker) != 0)
        return km_fail(err, KM_E_INPUT, "wants %.60s, this is %.60s", g.worker, expected->worker);
    if (g.hosts != expected->hosts)
        return km_fail(err, KM_E_INPUT, "has another list of hosts in its resourceconfig.json");
    return KM_OK;
}

static void put_pulse(struct km_link *l, const struct km_pulse *p)
{
    km_link_put_u64(l, p->work);
    km_link_put_u64(l, p->rows);
    km_link_put_u32(l, (uint32_t)p->waiting);
    km_link_put_u32(l, (uint32_t)p->reading);
    km_link_put_f64(l, p->waited);
}

void km_put_pulse(struct km_link *l, const struct km_pulse *p)
{
    km_link_begin(l, KM_MSG_PULSE);
    put_pulse(l, p);
    km_link_end(l);
}

static void take_pulse(struct km_frame *f, struct km_pulse *p)
{
    p->work = km_frame_u64(f);
    p->rows = km_frame_u64(f);
    p->waiting = (int)km_frame_u32(f);
    p->reading = (int)km_frame_u32(f);
    p->waited = km_frame_f64(f);
}

int km_get_pulse(struct km_frame *f, struct km_pulse *p)
{
    take_pulse(f, p);
    return km_frame_done(f);
}

void km_put_state(struct km_link *l, const struct km_rank_state *s)
{
    km_link_begin(l, KM_MSG_STATE);
    km_link_put_u32(l, (uint32_t)s->joined);
    km_link_put_u32(l, (uint32_t)s->gone);
    km_link_put_u32(l, (uint32_t)s->halted);
    km_link_put_f64(l, s->age);
    put_pulse(l, &s->pulse);
    km_link_end(l);
}

int km_get_state(struct km_frame *f, struct km_rank_state *s)
{
    s->joined = (int)km_frame_u32(f);
    s->gone = (int)km_frame_u32(f);
    s->halted = (int)km_frame_u32(f);
    s->age = km_frame_f64(f);
    take_pulse(f, &s->pulse);
    return km_frame_done(f);
}

void km_put_reason(struct km_link *l, int type, const struct km_err *reason)
{
    km_link_begin(l, type);
    km_link_put_u32(l, (uint32_t)-reason->code);
    km_link_put_text(l, reason->code ? reason->msg : "");
    km_link_end(l);
}

int km_get_reason(struct km_frame *f, struct km_err *reason)
{
    uint32_t code = km_frame_u32(f);

    km_frame_text(f, reason->msg, sizeof(reason->msg));
    reason->code = code <= -KM_E_BUG ? -(int)code : KM_E_BUG;
    return km_frame_done(f);
}

void km_put_text(struct km_link *l, int type, const char *text)
{
    km_link_begin(l, type);
    km_link_put_text(l, text);
    km_link_end(l);
}

void km_put_number(struct km_link *l, int type, uint32_t v)
{
    km_link_begin(l, type);
    km_link_put_u32(l, v);
    km_link_end(l);
}

void km_put_nothing(struct km_link *l, int type)
{
    km_link_begin(l, type);
    km_link_end(l);
}
