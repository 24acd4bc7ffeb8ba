/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/relax.h"

#include "base/mem.h"
#include <string.h>

#define BEYOND 0.875 /* of the way */

int km_relax_init(struct km_relax *r, size_t k, size_t d, struct km_err *err)
{
    *r = (struct km_relax){.at = km_alloc(k * d, sizeof(*r->at)), .n = k * d};
    return r->at ? KM_OK : km_fail(err, KM_E_MEM, "no memory for %zu centers", k);
}

void km_relax_done(struct km_relax *r)
{
    km_free(r->at);
    *r = (struct km_relax){0};
}

void km_relax_remember(struct km_relax *r, const struct km_centers *c)
{
    if (r->at)
        memcpy(r->at, c->exact, r->n * sizeof(*r->at));
    r->beyond = 0;
}

void km_relax_beyond(struct km_relax *r, struct km_centers *c)
{
    if (!r->at)
        return;
    km_centers_go_on(c, r->at, BEYOND);
    r->beyond = 1;
}

void km_relax_undo(struct km_relax *r, struct km_centers *c)
{
    if (r->beyond)
        km_centers_place(c, r->at, NULL);
    r->beyond = 0;
}
