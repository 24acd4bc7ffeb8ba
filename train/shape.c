/* SPDX-License-Identifier: Apache-2.0 */
#include "train/shape.h"

#include "base/log.h"

/* Above this share of values that are not 0 rows are written out: the dense kernels do about so
 * much more in the same time (measured on Zen 5, docs/algorithm.md). */
#define BREAK_EVEN (1.0 / 6)

/* What the first rows of all ranks are like, together. */
struct looks {
    double rows, sparse, values; /* of those that have been looked at */
    double text;                 /* ranks whose rows are text, which is dense */
    double unknown;              /* ranks with files whose rows cannot be looked at twice */
};

static int look_together(struct looks *all, const struct km_team *team, const struct km_feed *feed,
                         struct km_err *err)
{
    struct km_feed_look own = km_feed_look(feed);

    *all = (struct looks){
        .rows = (double)own.rows,
        .sparse = (double)own.sparse,
        .values = (double)own.values,
        .text = !km_feed_may_be_sparse(feed),
        .unknown = own.rows == 0 && km_feed_has_files(feed),
    };
    return km_comm_sum(team->comm, &all->rows, sizeof(*all) / sizeof(double), err);
}

/* Sparse records are there: whether they stay as they are. */
static int keep_sparse(const struct looks *all, size_t d, int force_dense)
{
    double each = all->values / all->rows, share = each / (double)d;
    int sparse = !force_dense || (2 * all->sparse > all->rows && share < BREAK_EVEN);

    km_log(KM_INFO, "rows are sparse: %.4g of %zu values per row on average; %s", each, d,
           sparse ? "clustered as sparse"
           : share < BREAK_EVEN
               ? "written out, as most of them are dense records"
               : "written out, which is faster where so many are not 0 (force_dense)");
    return sparse;
}

int km_shape_choose(struct km_first_look *look, const struct km_team *team,
                    const struct km_feed *feed, size_t d, int force_dense, struct km_err *err)
{
    const struct km_format_kind *kind = km_feed_format(feed)->kind;
    struct looks all;
    int rc = look_together(&all, team, feed, err);

    *look = (struct km_first_look){{.d = d, .values = d}, d * kind->value_bytes};
    if (rc || all.text > 0)
        return rc;
    if (all.unknown > 0 || all.sparse > 0)
        look->least_row_bytes = kind->sparse_row_bytes;
    if (all.rows == 0)
        look->shape = (struct km_shape){d, force_dense ? d : 1, !force_dense};
    else if (all.sparse > 0 && keep_sparse(&all, d, force_dense))
        look->shape = (struct km_shape){d, (size_t)all.values / (size_t)all.rows + 1, 1};
    return KM_OK;
}
