/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/assign.h"

#include "base/mem.h"
#include <assert.h>

/*
 * Same bits on any number of threads: the work is cut by numbers of the problem alone. Rows are
 * labelled in blocks, and a row's label depends on nothing else. Sums come in one of two ways:
 *
 *   groups   many rows for each center: up to MAX_PARTS groups of rows, each adding its rows in
 * order to sums of its own while they are in cache; the groups are then added up in order. slices
 * few rows (a mini-batch): clearing and adding groups would cost more than the rows do. Every value
 * of a sum is added up in row order; tasks share the columns between them.
 */
#define MAX_PARTS   64
#define SLICE       64                  /* columns of a task: 512 bytes of sums, 256 of a row */
#define BLOCK_BYTES ((size_t)256 << 10) /* rows of a block: half of a small L2 cache */
#define PART_BYTES  ((size_t)64 << 20)  /* memory of all groups together */

static size_t block_rows(const struct km_mat *x)
{
    size_t rows = BLOCK_BYTES / sizeof(float) / x->ld / 16 * 16;

    if (rows < 16)
        return 16;
    return rows < KM_KERN_ROWS ? rows : KM_KERN_ROWS;
}

static size_t blocks_of(const struct km_mat *x)
{
    return (x->n + block_rows(x) - 1) / block_rows(x);
}

/* Number of groups for n rows: each has at least 8 rows for each center, so that adding up the
 * groups costs at most an eighth of adding up the rows; below 4 groups the slices do better. */
static size_t parts_for(size_t n, size_t k, size_t d)
{
    size_t parts = n / (8 * k);
    size_t fit = PART_BYTES / (sizeof(double) * (k * (d + 1)));

    if (parts > fit)
        parts = fit;
    if (parts > MAX_PARTS)
        parts = MAX_PARTS;
    return parts < 4 ? 0 : parts;
}

int km_assign_init(struct km_assign *a, const struct km_kernels *kern, struct km_pool *pool,
                   size_t max_rows, size_t max_k, size_t d, struct km_err *err)
{
    struct km_mat shape = {.n = max_rows, .d = d, .ld = km_mat_ld(d)};
    size_t parts, packed = 0;

    *a = (struct km_assign){kern, pool, .max_rows = max_rows, .max_k = max_k, .d = d};
    a->label = km_alloc(max_rows, sizeof(*a->label));
    a->score = km_alloc(max_rows, sizeof(*a->score));
    a->scratch = km_alloc((size_t)km_pool_threads(pool), KM_KERN_SCRATCH * sizeof(float));
    a->block_norm2 = km_alloc(blocks_of(&shape), sizeof(double));
    for (size_t k = max_k; k > 0 && k + 16 > max_k;
         k--) /* the most of any k that is rounded to it */
        if (kern->pack_floats(k, d) > packed)
            packed = kern->pack_floats(k, d);
    if (packed)
        a->packed = km_alloc(packed, sizeof(float));
    a->max_packed = packed;
    parts = parts_for(max_rows, max_k, d);
    if (parts)
        a->parts = km_alloc(parts, sizeof(*a->parts));
    if (!a->label || !a->score || !a->scratch || !a->block_norm2 || (packed && !a->packed) ||
        (parts && !a->parts)) {
        km_assign_done(a);
        return km_fail(err, KM_E_MEM, "no memory for the assignment of %zu rows", max_rows);
    }
    for (; a->max_parts < parts; a->max_parts++) {
        int rc = km_sums_init(&a->parts[a->max_parts], max_k, d, err);

        if (rc) {
            km_assign_done(a);
            return rc;
        }
    }
    return KM_OK;
}

void km_assign_done(struct km_assign *a)
{
    for (size_t i = 0; i < a->max_parts; i++)
        km_sums_done(&a->parts[i]);
    km_free(a->parts);
    km_free(a->label);
    km_free(a->score);
    km_free(a->scratch);
    km_free(a->packed);
    km_free(a->block_norm2);
    *a = (struct km_assign){0};
}

/* One call of km_assign_*: what its tasks need to know. */
struct step {
    struct km_assign *a;
    const struct km_mat *x;
    const struct km_centers *c;
    const double *weight;
    struct km_sums *sums;
    size_t block, parts, part_blocks, blocks;
    int want_norm2;
};

static void label_block(const struct step *s, size_t block, int worker)
{
    size_t from = block * s->block;
    size_t n = s->x->n - from < s->block ? s->x->n - from : s->block;
    struct km_mat view = km_mat_view(s->x, from, n);
    struct km_assign *a = s->a;

    a->kern->nearest(a->label + from, a->score + from, &view, s->c, a->packed,
                     a->scratch + (size_t)worker * KM_KERN_SCRATCH);
    if (s->want_norm2)
        a->block_norm2[block] = a->kern->norm2(&view);
}

static void label_task(void *arg, size_t task, int worker)
{
    label_block(arg, task, worker);
}

/* Adds rows from..to-1, columns first..last-1; the first slice also counts. */
static void add_rows(const struct step *s, struct km_sums *sums, size_t from, size_t to,
                     size_t first, size_t last)
{
    size_t d = s->x->d;

    for (size_t i = from; i < to; i++) {
        size_t j = s->a->label[i];
        double w = s->weight ? s->weight[i] : 1;

        s->a->kern->add(sums->sum + j * d, km_mat_row(s->x, i), w, first, last);
        if (first == 0)
            sums->count[j] += w;
    }
}

static void slice_task(void *arg, size_t task, int worker)
{
    const struct step *s = arg;
    size_t first = task * SLICE;
    size_t last = first + SLICE < s->x->d ? first + SLICE : s->x->d;

    (void)worker;
    add_rows(s, s->sums, 0, s->x->n, first, last);
}

static void group_task(void *arg, size_t task, int worker)
{
    const struct step *s = arg;
    size_t block = task * s->part_blocks;
    size_t end = block + s->part_blocks < s->blocks ? block + s->part_blocks : s->blocks;
    struct km_sums *part = &s->a->parts[task];

    km_sums_clear(part);
    for (; block < end; block++) {
        size_t from = block * s->block;
        size_t to = from + s->block < s->x->n ? from + s->block : s->x->n;

        label_block(s, block, worker);
        add_rows(s, part, from, to, 0, s->x->d);
    }
}

/* Adds the groups of one range of centers to the result, in the order of the groups. */
#define COMBINE_CENTERS 8
static void combine_task(void *arg, size_t task, int worker)
{
    const struct step *s = arg;
    size_t j = task * COMBINE_CENTERS;
    size_t end = j + COMBINE_CENTERS < s->c->k ? j + COMBINE_CENTERS : s->c->k;
    size_t d = s->x->d;

    (void)worker;
    for (; j < end; j++)
        for (size_t p = 0; p < s->parts; p++) {
            const struct km_sums *part = &s->a->parts[p];
            const double *from = part->sum + j * d;
            double *to = s->sums->sum + j * d;

            if (part->count[j] == 0)
                continue;
            s->sums->count[j] += part->count[j];
            for (size_t t = 0; t < d; t++)
                to[t] += from[t];
        }
}

static void pack_task(void *arg, size_t task, int worker)
{
    const struct step *s = arg;

    (void)worker;
    s->a->kern->pack(s->a->packed, s->c, task);
}

/* Every step begins here: the centers are laid out for the kernels. */
static struct step step_of(struct km_assign *a, const struct km_mat *x, const struct km_centers *c)
{
    struct step s = {.a = a, .x = x, .c = c, .block = block_rows(x), .blocks = blocks_of(x)};
    size_t floats = a->kern->pack_floats(c->k, c->d);

    assert(x->n <= a->max_rows && c->k <= a->max_k && floats <= a->max_packed);
    if (floats)
        km_pool_run(a->pool, pack_task, &s, floats / (16 * c->d));
    return s;
}

void km_assign_rows(struct km_assign *a, const struct km_mat *x, const struct km_centers *c)
{
    struct step s = step_of(a, x, c);

    km_pool_run(a->pool, label_task, &s, s.blocks);
}

void km_assign_add(struct km_assign *a, struct km_sums *sums, const struct km_mat *x,
                   const double *weight, const struct km_centers *c, int want_ssd)
{
    struct step s = step_of(a, x, c);

    s.weight = weight;
    s.sums = sums;
    s.want_norm2 = want_ssd;
    s.parts = parts_for(x->n, c->k, x->d);
    if (s.parts && s.parts <= a->max_parts) {
        s.part_blocks = (s.blocks + s.parts - 1) / s.parts;
        s.parts = (s.blocks + s.part_blocks - 1) / s.part_blocks;
        km_pool_run(a->pool, group_task, &s, s.parts);
        km_pool_run(a->pool, combine_task, &s, (c->k + COMBINE_CENTERS - 1) / COMBINE_CENTERS);
    } else {
        km_pool_run(a->pool, label_task, &s, s.blocks);
        km_pool_run(a->pool, slice_task, &s, (x->d + SLICE - 1) / SLICE);
    }
    *sums->rows += (double)x->n;
    if (want_ssd) {
        double ssd = 0;

        for (size_t b = 0; b < s.blocks; b++)
            ssd += a->block_norm2[b];
        for (size_t i = 0; i < x->n; i++)
            ssd += 2 * (double)a->score[i];
        *sums->ssd += ssd > 0 ? ssd : 0;
    }
}

static void ssd_task(void *arg, size_t task, int worker)
{
    const struct step *s = arg;
    size_t from = task * s->block;
    size_t to = from + s->block < s->x->n ? from + s->block : s->x->n;
    double total = 0;

    label_block(s, task, worker);
    for (size_t i = from; i < to; i++)
        total += s->a->kern->dist2(km_mat_row(s->x, i),
                                   s->c->exact + (size_t)s->a->label[i] * s->x->d, s->x->d);
    s->a->block_norm2[task] = total;
}

double km_assign_ssd(struct km_assign *a, const struct km_mat *x, const struct km_centers *c)
{
    struct step s = step_of(a, x, c);
    double total = 0;

    km_pool_run(a->pool, ssd_task, &s, s.blocks);
    for (size_t b = 0; b < s.blocks; b++)
        total += a->block_norm2[b];
    return total;
}
