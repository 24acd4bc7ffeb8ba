/* SPDX-License-Identifier: Apache-2.0 */
#include "train/exchange.h"

#include "base/stop.h"
#include "train/frame.h"
#include <string.h>

/* What the window's formula takes for granted. Guesses of the platform's instances; they decide about
 * speed only, and are fixed so that runs repeat. */
#define NET_BYTES     1.25e9 /* a second, each way: 10 Gbit/s */
#define NET_LATENCY   0.5e-3 /* seconds of an exchange, however small */
#define HOST_FLOP     5e11   /* a second */
#define HOST_BYTES    1e9    /* of rows decoded in a second */
#define COMPUTE_SHARE 32     /* times the exchange that a window should take */
#define MOST_ROWS     ((double)(1 << 17))
#define GROWTH        16

size_t km_window_most(size_t from_k, size_t d, size_t row_values, size_t mini_batch, int ranks)
{
    double cells = (double)from_k * (double)d, others = (ranks - 1) / (double)ranks;
    double exchange = NET_LATENCY + 2 * sizeof(double) * cells * others / NET_BYTES;
    double compute = 2 * (double)from_k * (double)row_values / HOST_FLOP;
    double decode = sizeof(float) * (double)row_values / HOST_BYTES;
    double rows = COMPUTE_SHARE * exchange / (compute > decode ? compute : decode);
    double batches = (rows < MOST_ROWS ? rows : MOST_ROWS) / (double)mini_batch;

    return ranks == 1 || batches < 1 ? 1 : (size_t)batches;
}

size_t km_window(uint64_t seen, size_t most)
{
    uint64_t batches = seen / GROWTH;

    return batches < 1 ? 1 : batches < most ? (size_t)batches : most;
}

/*
 * Sums up the rows of the sums that some rank added to (the counts are known to all by now): they move
 * to the front, and back when they are summed up. What is left behind there is zero.
 */
static int sum_touched(struct km_sums *s, struct km_comm *comm, struct km_err *err)
{
    size_t bytes = s->d * sizeof(*s->sum), touched = 0;
    int rc;

    for (size_t j = 0; j < s->k; j++) {
        if (s->count[j] == 0)
            continue;
        if (touched != j)
            memcpy(s->sum + touched * s->d, s->sum + j * s->d, bytes);
        touched++;
    }
    rc = km_comm_sum(comm, s->sum, touched * s->d, err);
    for (size_t j = s->k; j-- > 0 && touched > 0;) {
        if (s->count[j] == 0 || --touched == j)
            continue;
        memcpy(s->sum + j * s->d, s->sum + touched * s->d, bytes);
        memset(s->sum + touched * s->d, 0, bytes);
    }
    return rc;
}

/* The same of sparse rows: the bits of what was touched, then the sums of that. */
static int sum_cells(struct km_sparse_window *w, struct km_comm *comm, struct km_err *err)
{
    int rc = km_comm_or(comm, w->mask, km_sparse_window_pack_mask(w), err);

    km_sparse_window_unpack_mask(w);
    if (rc)
        return rc;
    return km_comm_sum(comm, w->sums.sum, km_sparse_window_pack(w), err);
}

/* Counts, flags and squared distances, these in the data's own units: ranks may have fallen to different exponents
 * (train/frame.h) in this window. Behind it all are at the lowest. */
static int sum_head(struct km_job *job, struct km_sums *s, struct km_err *err)
{
    double unit2 = km_frame_unit2(job), ssd;
    int rc;

    s->flags[KM_FLAG_FELL] = km_frame_fell(job);
    s->flags[KM_FLAG_NORM2] *= unit2;
    *s->ssd *= unit2;
    rc = km_comm_sum(job->m->comm, s->block, (size_t)(s->sum - s->block), err);
    ssd = *s->ssd;
    if (rc == KM_OK && s->flags[KM_FLAG_FAILED] == 0 && s->flags[KM_FLAG_FELL] > 0)
        rc = km_frame_agree(job, err);
    unit2 = km_frame_unit2(job);
    s->flags[KM_FLAG_NORM2] /= unit2;
    *s->ssd = ssd / unit2;
    return rc;
}

int km_exchange(struct km_job *job, int rc, int more, struct km_turn *turn, struct km_err *err)
{
    struct km_comm *comm = job->m->comm;
    struct km_sums *s = job->sparse ? &job->window.sums : &job->sums;
    uint64_t sent = km_comm_sent(comm);
    struct km_err lost;

    *turn = (struct km_turn){more, km_stop_asked()};
    if (job->ranks == 1)
        return rc;
    km_watch_start(&job->phases[KM_PHASE_EXCHANGE]);
    s->flags[KM_FLAG_FAILED] = rc < 0;
    s->flags[KM_FLAG_STOP] = turn->stop;
    s->flags[KM_FLAG_MORE] = more;
    s->flags[KM_FLAG_NORM2] = job->window.most_norm2;
    if (sum_head(job, s, rc < 0 ? &lost : err))
        return rc < 0 ? rc : err->code;
    if (s->flags[KM_FLAG_FAILED] > 0)
        return km_job_agree(job, rc, err);
    turn->stop = s->flags[KM_FLAG_STOP] > 0;
    turn->more = s->flags[KM_FLAG_MORE] > 0;
    if (turn->stop)
        km_stop_ask(); /* what follows must hurry on all ranks */
    rc = job->sparse ? sum_cells(&job->window, comm, err) : sum_touched(s, comm, err);
    job->exchanges += rc == KM_OK;
    job->sent_bytes += km_comm_sent(comm) - sent;
    km_watch_stop(&job->phases[KM_PHASE_EXCHANGE]);
    return rc;
}
