/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/progress.h"

#include "base/mem.h"
#include "dist/launch/limits.h"

#include <stdio.h>

/* A host is slow below half the rate of the median host, and when it works, while others wait, for
 * a third of the time at least. */
#define SLOW_RATE  0.5
#define BUSY_SHARE 0.3

static int is_running(const struct km_host *h)
{
    return h->rank.joined && !h->rank.gone && h->ended_at == 0;
}

int km_progress_stall(struct km_case *c, double now, struct km_err *verdict)
{
    double stall = c->plan->stall;
    size_t running = 0;

    for (size_t i = 0; i < c->plan->n_hosts; i++) {
        struct km_host *h = &c->host[i];
        const struct km_rank_state *r = &h->rank;
        int moved = r->pulse.work != h->work || h->moved == 0;
        double spoke = h->heard - r->age; /* when the rank itself last did */

        if (!is_running(h))
            continue;
        running++;
        h->work = r->pulse.work;
        if (moved)
            c->moved = now;
        if (moved || (r->pulse.waiting && spoke > h->moved))
            h->moved = moved ? now : spoke;
        if (now - h->moved < stall)
            continue;
        km_fail(verdict, KM_E_SYS, "%s: no progress for %.0f s while %s%s", h->name, stall,
                r->pulse.reading ? "reading" : "computing",
                r->halted ? " (its process is stopped)" : "");
        return 1;
    }
    /* a rank that has stopped while it waited is found out a little later than the wait itself */
    if (running == 0 || c->moved == 0 || now - c->moved < stall + KM_GRACE_SECONDS)
        return 0;
    km_fail(verdict, KM_E_SYS,
            "%s: no progress for %.0f s on any host: all wait for each other, "
            "perhaps the network between two of them is gone",
            c->host->name, stall);
    return 1;
}

/* Rows per second of the time in which the rank did not wait; 0: it did none. */
static double rate_of(const struct km_case *c, const struct km_host *h, double now, double *share)
{
    double wall = now - c->stretch, busy = wall - (h->rank.pulse.waited - h->waited0);

    if (!is_running(h) || h->rank.pulse.rows <= h->rows0)
        return 0;
    if (busy < 0.01 * wall)
        busy = 0.01 * wall;
    *share = busy / wall;
    return (double)(h->rank.pulse.rows - h->rows0) / busy;
}

static void begin_stretch(struct km_case *c, double now)
{
    c->stretch = now;
    for (size_t i = 0; i < c->plan->n_hosts; i++) {
        c->host[i].rows0 = c->host[i].rank.pulse.rows;
        c->host[i].waited0 = c->host[i].rank.pulse.waited;
    }
}

/* The middle one of n rates, the mean of two; n is small. Puts them in order. */
static double median(double *v, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && v[j] < v[j - 1]; j--) {
            double t = v[j];

            v[j] = v[j - 1];
            v[j - 1] = t;
        }
    return (v[(n - 1) / 2] + v[n / 2]) / 2;
}

int km_progress_slow(struct km_case *c, double now, char *text, size_t size)
{
    double *rates, slowest = 0, middle;
    const struct km_host *slow = NULL;
    size_t n = 0;
    int warn;

    if (c->stretch == 0)
        begin_stretch(c, now);
    if (now < c->stretch + KM_STRETCH_SECONDS)
        return 0;
    rates = km_alloc(c->plan->n_hosts, sizeof(*rates));
    if (!rates)
        return 0;
    for (size_t i = 0; i < c->plan->n_hosts; i++) {
        double share = 0, rate = rate_of(c, &c->host[i], now, &share);

        if (rate <= 0)
            continue;
        rates[n++] = rate;
        if (share > BUSY_SHARE && (!slow || rate < slowest)) {
            slow = &c->host[i];
            slowest = rate;
        }
    }
    if (n < c->plan->n_hosts && now < c->stretch + KM_MOST_STRETCH_SECONDS) {
        km_free(rates); /* some have not come to the end of a window yet */
        return 0;
    }
    middle = n ? median(rates, n) : 0;
    km_free(rates);
    warn = slow && n > 1 && slowest < SLOW_RATE * middle &&
           (c->warned == 0 || now > c->warned + KM_SLOW_LOG_SECONDS);
    if (warn) {
        snprintf(text, size, "host %s is slow: %.0f rows/s, the median host %.0f", slow->name,
                 slowest, middle);
        c->warned = now;
    }
    begin_stretch(c, now);
    return warn;
}
