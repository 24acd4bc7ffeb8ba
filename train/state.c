/* SPDX-License-Identifier: Apache-2.0 */
#include "train/state.h"

void km_state_done(struct km_state *s)
{
    km_row_frame_done(&s->frame);
    km_learner_free(s->learner);
    km_sample_done(&s->sample);
    km_sample_done(&s->held);
    *s = (struct km_state){0};
}

/* What has been learned, times 2^by. */
static void rescale(struct km_state *s, int by)
{
    if (by == 0)
        return;
    s->frame.exponent += by;
    km_sample_scale(&s->sample, by);
    km_sample_scale(&s->held, by);
    km_learner_scale(s->learner, by);
}

void km_state_meet(struct km_state *s, struct km_batch *b)
{
    if (b->exponent < s->frame.exponent)
        rescale(s, b->exponent - s->frame.exponent);
    else
        km_row_frame_scale(b, s->frame.exponent);
}

int km_state_agree(struct km_state *s, const struct km_team *team, struct km_err *err)
{
    double least = 0;
    int rc = km_comm_least(team->comm, s->frame.exponent, &least, err);

    if (rc)
        return rc;
    rescale(s, (int)least - s->frame.exponent);
    s->frame.agreed = s->frame.exponent;
    return KM_OK;
}
