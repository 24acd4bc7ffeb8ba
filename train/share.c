/* SPDX-License-Identifier: Apache-2.0 */
#include "train/share.h"

#include "base/mem.h"
#include <string.h>

int km_share_counts(const struct km_team *team, size_t n, size_t **part, struct km_err *err)
{
    int rc = KM_OK;

    *part = km_alloc((size_t)team->ranks + 1, sizeof(**part));
    if (!*part)
        rc = km_fail(err, KM_E_MEM, "no memory for the shares of %d hosts", team->ranks);
    rc = km_team_agree(team, rc, err);
    return rc ? rc : km_comm_offsets(team->comm, n, *part, err);
}

/* a * b / c, b <= c */
static size_t scale(size_t a, size_t b, size_t c)
{
    return (size_t)((unsigned __int128)a * b / c);
}

void km_share_out(size_t most, size_t *part, int ranks)
{
    size_t all = part[ranks];

    for (int r = 1; r <= ranks; r++)
        part[r] = all ? scale(most, part[r], all) : 0;
}

int km_share_own(const struct km_team *team, size_t most, size_t n, size_t *own, struct km_err *err)
{
    size_t *part;
    int rc = km_share_counts(team, n, &part, err);

    if (rc == KM_OK) {
        size_t all = part[team->ranks];

        km_share_out(most < all ? most : all, part, team->ranks);
        *own = part[team->rank + 1] - part[team->rank];
    }
    km_free(part);
    return rc;
}

int km_share_list(const struct km_team *team, void *list, const size_t *part, size_t bytes,
                  struct km_err *err)
{
    size_t n = (size_t)team->ranks + 1, *at = km_alloc(n, sizeof(*at));
    int rc =
        at ? KM_OK : km_fail(err, KM_E_MEM, "no memory for the shares of %d hosts", team->ranks);

    rc = km_team_agree(team, rc, err);
    for (size_t r = 0; rc == KM_OK && r < n; r++)
        at[r] = part[r] * bytes;
    if (rc == KM_OK)
        rc = km_comm_gather(team->comm, list, at, err);
    km_free(at);
    return rc;
}

/* Where the rows and the values of each rank go. */
struct places {
    size_t *row, *value; /* (ranks + 1) */
};

static int gather(const struct km_team *team, const struct km_rows *own, size_t n,
                  const struct places *p, struct km_rows *all, struct km_err *err)
{
    const struct km_shape shape = {.d = km_rows_d(own), .sparse = km_rows_are_sparse(own)};
    const struct km_room room = {p->row[team->ranks], p->value[team->ranks]};
    struct km_rows_list list[KM_ROWS_LISTS];
    size_t lists;
    int rc = km_team_agree(team, km_rows_init(all, &shape, room, err), err);

    if (rc)
        return rc;
    km_rows_place(all, p->row[team->rank], p->value[team->rank], own, n);
    lists = km_rows_lists(all, list);
    for (size_t i = 0; rc == KM_OK && i < lists; i++)
        rc = km_share_list(team, list[i].items, list[i].of_values ? p->value : p->row,
                           list[i].bytes, err);
    if (rc == KM_OK)
        km_rows_complete(all, room.rows);
    return rc;
}

int km_share_rows(const struct km_team *team, const struct km_rows *own, size_t n,
                  struct km_rows *all, struct km_err *err)
{
    struct places p = {0};
    int rc = km_share_counts(team, n, &p.row, err);

    *all = (struct km_rows){0};
    if (rc == KM_OK)
        rc = km_share_counts(team, km_rows_some_values(own, n), &p.value, err);
    if (rc == KM_OK)
        rc = gather(team, own, n, &p, all, err);
    km_free(p.row);
    km_free(p.value);
    return rc;
}

int km_share_centers(const struct km_team *team, struct km_centers *c, int owner,
                     struct km_err *err)
{
    size_t cells = c->k * c->d, n = cells + c->k;
    double *list; /* positions, then weights */
    int rc = KM_OK;

    if (team->ranks == 1)
        return KM_OK;
    list = km_alloc(n, sizeof(*list));
    if (!list)
        rc = km_fail(err, KM_E_MEM, "no memory for the centers of another host");
    rc = km_team_agree(team, rc, err);
    if (rc == KM_OK && team->rank == owner) {
        memcpy(list, c->exact, cells * sizeof(*list));
        memcpy(list + cells, c->weight, c->k * sizeof(*list));
    }
    if (rc == KM_OK)
        rc = km_comm_broadcast(team->comm, list, n * sizeof(*list), owner, err);
    if (rc == KM_OK && team->rank != owner)
        km_centers_place(c, list, list + cells);
    km_free(list);
    return rc;
}
