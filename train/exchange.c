/* SPDX-License-Identifier: Apache-2.0 */
#include "train/exchange.h"

#include "base/stop.h"

/* What the window's formula takes for granted. Guesses of the platform's instances; they decide
 * about speed only, and are fixed so that runs repeat. */
#define NET_BYTES     1.25e9 /* a second, each way: 10 Gbit/s */
#define NET_LATENCY   0.5e-3 /* seconds of an exchange, however small */
#define HOST_FLOP     5e11   /* a second */
#define HOST_BYTES    1e9    /* of rows decoded in a second */
#define COMPUTE_SHARE 32     /* times the exchange that a window should take */
#define MOST_ROWS     ((double)(1 << 17))
#define GROWTH        16

size_t km_window_most(size_t from_k, const struct km_shape *shape, size_t mini_batch, int ranks)
{
    double cells = (double)from_k * (double)shape->d, others = (ranks - 1) / (double)ranks;
    double exchange = NET_LATENCY + 2 * sizeof(double) * cells * others / NET_BYTES;
    double compute = 2 * (double)from_k * (double)shape->values / HOST_FLOP;
    double decode = sizeof(float) * (double)shape->values / HOST_BYTES;
    double rows = COMPUTE_SHARE * exchange / (compute > decode ? compute : decode);
    double batches = (rows < MOST_ROWS ? rows : MOST_ROWS) / (double)mini_batch;

    return ranks == 1 || batches < 1 ? 1 : (size_t)batches;
}

size_t km_window(uint64_t seen, size_t most)
{
    uint64_t batches = seen / GROWTH;

    return batches < 1 ? 1 : batches < most ? (size_t)batches : most;
}

/* Counts, flags and squared distances, these in the data's own units: ranks may have fallen to
 * different exponents (train/frame.h) in this window. Behind it all are at the lowest. */
static int sum_head(struct km_state *state, const struct km_team *team, struct km_sums *s,
                    struct km_err *err)
{
    double unit2 = km_row_frame_unit2(&state->frame), ssd;
    int rc;

    s->flags[KM_FLAG_FELL] = km_row_frame_fell(&state->frame);
    s->flags[KM_FLAG_NORM2] *= unit2;
    *s->ssd *= unit2;
    rc = km_comm_sum(team->comm, s->block, (size_t)(s->sum - s->block), err);
    ssd = *s->ssd;
    if (rc == KM_OK && s->flags[KM_FLAG_FAILED] == 0 && s->flags[KM_FLAG_FELL] > 0)
        rc = km_state_agree(state, team, err);
    unit2 = km_row_frame_unit2(&state->frame);
    s->flags[KM_FLAG_NORM2] /= unit2;
    *s->ssd = ssd / unit2;
    return rc;
}

/* What the head's counts stand for, list after list; known to all by now, so the lists are of one
 * length. */
static int put_together(struct km_learner *learner, struct km_comm *comm, struct km_err *err)
{
    struct km_pack pack;
    int rc = KM_OK;

    while (rc == KM_OK && km_learner_pack(learner, &pack) == KM_MORE)
        rc = pack.sum ? km_comm_sum(comm, pack.sum, pack.n, err)
                      : km_comm_or(comm, pack.bits, pack.n, err);
    return rc;
}

int km_exchange(struct km_state *state, const struct km_team *team, int rc, int more,
                struct km_turn *turn, struct km_traffic *traffic, struct km_err *err)
{
    uint64_t sent = km_comm_sent(team->comm);
    struct km_sums *s;
    struct km_err lost;

    *turn = (struct km_turn){more, km_stop_asked()};
    if (team->ranks == 1)
        return rc;
    s = km_learner_close(state->learner);
    s->flags[KM_FLAG_FAILED] = rc < 0;
    s->flags[KM_FLAG_STOP] = turn->stop;
    s->flags[KM_FLAG_MORE] = more;
    if (sum_head(state, team, s, rc < 0 ? &lost : err))
        return rc < 0 ? rc : err->code;
    if (s->flags[KM_FLAG_FAILED] > 0)
        return km_team_agree(team, rc, err);
    turn->stop = s->flags[KM_FLAG_STOP] > 0;
    turn->more = s->flags[KM_FLAG_MORE] > 0;
    if (turn->stop)
        km_stop_ask(); /* what follows must hurry on all ranks */
    rc = put_together(state->learner, team->comm, err);
    traffic->exchanges += rc == KM_OK;
    traffic->sent_bytes += km_comm_sent(team->comm) - sent;
    return rc;
}
