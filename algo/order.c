/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/order.h"

#include "base/mem.h"
#include <assert.h>
#include <string.h>

#define NO_ROW UINT32_MAX

int km_order_init(struct km_order *o, size_t rows, size_t k)
{
    o->max_rows = rows;
    o->head = km_alloc(k, sizeof(*o->head));
    o->next = km_alloc(rows, sizeof(*o->next));
    o->row = km_alloc(rows, sizeof(*o->row));
    o->weight = km_alloc(rows, sizeof(*o->weight));
    o->label = km_alloc(rows, sizeof(*o->label));
    o->start = km_alloc(rows + 1, sizeof(*o->start));
    if (!o->head || !o->next || !o->row || !o->weight || !o->label || !o->start)
        return KM_E_MEM;
    for (size_t j = 0; j < k; j++)
        o->head[j] = NO_ROW;
    return KM_OK;
}

void km_order_done(struct km_order *o)
{
    km_free(o->head);
    km_free(o->next);
    km_free(o->row);
    km_free(o->weight);
    km_free(o->label);
    km_free(o->start);
    *o = (struct km_order){0};
}

void km_order_rows(struct km_order *o, const struct km_mat *x, const uint32_t *label,
                   const double *weight)
{
    uint32_t n = 0;

    assert(x->n <= o->max_rows);
    /* Chains are built from behind, so that each begins with its first row. */
    for (uint32_t i = (uint32_t)x->n; i-- > 0;) {
        o->next[i] = o->head[label[i]];
        o->head[label[i]] = i;
    }
    o->runs = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        if (o->head[label[i]] != i)
            continue;
        o->start[o->runs] = n;
        o->label[o->runs++] = label[i];
        for (uint32_t at = i; at != NO_ROW; at = o->next[at]) {
            o->row[n] = km_mat_row(x, at);
            o->weight[n++] = weight ? weight[at] : 1;
        }
        o->head[label[i]] = NO_ROW;
    }
    o->start[o->runs] = n;
}

void km_order_numbers(uint32_t *row, size_t *start, const uint32_t *label, size_t n, size_t k)
{
    memset(start, 0, (k + 1) * sizeof(*start));
    for (size_t i = 0; i < n; i++)
        start[label[i] + 1]++;
    for (size_t j = 0; j < k; j++)
        start[j + 1] += start[j];
    for (size_t i = 0; i < n; i++)
        row[start[label[i]]++] = (uint32_t)i;
    memmove(start + 1, start, k * sizeof(*start));
    start[0] = 0;
}
