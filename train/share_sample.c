/* SPDX-License-Identifier: Apache-2.0 */
#include "train/share_sample.h"

#include "base/mem.h"
#include "base/size.h"
#include "train/share.h"
#include <string.h>

/* A rank keeps so many rows, if it has them: thresholds of a few would be a matter of luck, for all
 * ranks. */
#define LEAST_ROWS 1000

/* Each rank comes down to its share of the room, by the rows that it has seen. */
static int shrink_to_share(const struct km_team *team, struct km_sample *own,
                           const struct km_room *room, struct km_err *err)
{
    double seen = (double)own->seen, all = seen, values;
    size_t rows = 0;
    int rc = km_share_own(team, room->rows, (size_t)own->seen, &rows, err);

    if (rc == KM_OK)
        rc = km_comm_sum(team->comm, &all, 1, err);
    if (rc)
        return rc;
    km_sample_shrink(own, km_max(rows, LEAST_ROWS));
    if (room->values == 0 || all == 0)
        return KM_OK;
    values = (double)room->values * seen / all;
    while (km_sample_rows(own) > LEAST_ROWS && (double)km_rows_values(&own->rows) > values)
        km_sample_shrink(own, km_max(km_sample_rows(own) / 4 * 3, LEAST_ROWS));
    return KM_OK;
}

static int lower_together(const struct km_team *team, struct km_sample *own, struct km_err *err)
{
    struct km_sample_keep keep = own->keep;
    float *threshold[] = {&keep.any, &keep.far, &keep.rare};
    int rc = KM_OK;

    for (size_t i = 0; rc == KM_OK && i < 3; i++) {
        double least = 0;

        rc = km_comm_least(team->comm, (double)*threshold[i], &least, err);
        *threshold[i] = (float)least;
    }
    if (rc == KM_OK)
        km_sample_lower(own, keep);
    return rc;
}

/* What decides about the rows, and room for their order; part: how many rows each rank has. */
static int gather_keys(const struct km_team *team, const struct km_sample *own, const size_t *part,
                       struct km_sample *all, struct km_err *err)
{
    size_t rows = part[team->ranks];
    int rc = KM_OK;

    all->key = km_alloc(rows, sizeof(*all->key));
    all->order = km_alloc(rows, sizeof(*all->order));
    if (!all->key || !all->order)
        rc = km_fail(err, KM_E_MEM, "no memory for a sample of %zu rows", rows);
    rc = km_team_agree(team, rc, err);
    if (rc)
        return rc;
    memcpy(all->key + part[team->rank], own->key, km_sample_rows(own) * sizeof(*own->key));
    return km_share_list(team, all->key, part, sizeof(*all->key), err);
}

static int gather(const struct km_team *team, const struct km_sample *own, struct km_sample *all,
                  struct km_err *err)
{
    size_t n = km_sample_rows(own), *part;
    int rc = km_share_counts(team, n, &part, err);

    if (rc == KM_OK)
        rc = gather_keys(team, own, part, all, err);
    if (rc == KM_OK)
        rc = km_share_rows(team, &own->rows, n, &all->rows, err);
    km_free(part);
    return rc;
}

int km_share_sample(const struct km_team *team, struct km_sample *sample,
                    const struct km_room *room, struct km_err *err)
{
    struct km_sample all = {0};
    int rc = shrink_to_share(team, sample, room, err);

    if (rc == KM_OK)
        rc = lower_together(team, sample, err);
    if (rc == KM_OK)
        rc = gather(team, sample, &all, err);
    if (rc) {
        km_sample_done(&all);
        return rc;
    }
    all.keep = sample->keep;
    km_sample_done(sample);
    *sample = all;
    return KM_OK;
}
