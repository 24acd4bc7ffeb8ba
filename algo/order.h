/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by label: what goes to one center stands together, so that its sum is loaded and stored
 * once. */
#ifndef KM_ALGO_ORDER_H
#define KM_ALGO_ORDER_H

#include "base/mat.h"
#include <stdint.h>

struct km_order {
    size_t max_rows;
    uint32_t *head;    /* (k) first row of each label; kept empty between calls */
    uint32_t *next;    /* (rows) the next row of the same label */
    const float **row; /* (rows) the rows, those of one label side by side, in their order */
    double *weight;    /* (rows) their weights */
    uint32_t *label;   /* (rows) label of each run */
    /* (rows + 1) where each run begins in row; start[runs] is the number of rows */
    uint32_t *start;
    size_t runs;
};

/** Numbers of n rows by label, those of a label in order: row (n), start (k + 1) where each label's
 * begin. */
void km_order_numbers(uint32_t *row, size_t *start, const uint32_t *label, size_t n, size_t k);

/** Room for up to `rows` rows and k labels; 0, or KM_E_MEM (then km_order_done frees what there
 * is). */
int km_order_init(struct km_order *o, size_t rows, size_t k);
void km_order_done(struct km_order *o); /* zeroed is fine */

/** Orders the rows of x; weight NULL: 1 each. Takes time in proportion to the rows, not to k. */
void km_order_rows(struct km_order *o, const struct km_mat *x, const uint32_t *label,
                   const double *weight);

#endif
