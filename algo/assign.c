/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outline. A step labels rows and adds them to the sums of their centers.
 *
 *   1. Pack the centers as the kernels of this level want them (kern/kernels.h).
 *   2. Label the rows, block by block: the kernel gives label, best and second best score; exact.c
 *      proves each label by the gap of the two, or decides it in float64.
 *   3. Add the rows, in groups or in waves, as below.
 *   4. Add up what the blocks have found, in the order of the blocks.
 */
#include "algo/assign.h"

#include "base/clones.h"
#include "base/mem.h"
#include "base/size.h"
#include <assert.h>
#include <string.h>

/*
 * Same bits on any number of threads: the work is cut by numbers of the problem alone. Rows are
 * labelled in blocks, and a row's label depends on nothing else. Sums come in one of two ways:
 *
 *   groups  where sums are small (PART_BYTES) and rows are many for each center: the rows are cut
 *           into up to MAX_PARTS groups; each adds its rows, block by block while they are in
 *           cache, to sums of its own; the groups are then added up in order.
 *   waves   otherwise: some megabytes of rows are labelled by all threads, ordered by label, and
 *           added by all threads, each center by one of them.
 */
#define MAX_PARTS   64
#define MIN_PARTS   4
#define PART_ROWS   8                   /* rows of a group for each center, at least */
#define PART_BYTES  ((size_t)128 << 10) /* sums of a group: they share the L2 cache with a block */
#define BLOCK_BYTES ((size_t)256 << 10) /* rows of a block: half of a small L2 cache */
#define BLOCK_ROWS  48                  /* and a multiple of this: a tile of any kernel is full */
#define WIDE_BYTES  ((size_t)512 << 10) /* centers above this are read from the L3 cache, */
#define WIDE_ROWS   96                  /* for no fewer rows than these */
#define WAVE_BYTES  ((size_t)4 << 20)   /* rows of a wave: a share of the L3 cache, */
#define WAVE_RUN    4                   /* or more, until each center receives this many, */
#define MAX_WAVE    ((size_t)32 << 20)  /* within reason */
#define CHUNK_ROWS  64                  /* rows of a task that adds */

static size_t block_rows(const struct km_mat *x, size_t k)
{
    size_t rows = BLOCK_BYTES / sizeof(float) / x->ld / BLOCK_ROWS * BLOCK_ROWS;
    size_t least = k * x->ld * sizeof(float) > WIDE_BYTES ? WIDE_ROWS : BLOCK_ROWS;

    return rows < least ? least : km_min(rows, KM_KERN_ROWS);
}

static size_t blocks_of(const struct km_mat *x, size_t k)
{
    return km_ceil_div(x->n, block_rows(x, k));
}

/* Tasks that add, at most. */
static size_t chunks_of(size_t rows)
{
    return km_ceil_div(rows, CHUNK_ROWS);
}

static size_t wave_rows(const struct km_mat *x, size_t k)
{
    size_t bytes = km_max(WAVE_BYTES, WAVE_RUN * k * x->ld * sizeof(float));
    size_t blocks = km_min(bytes, MAX_WAVE) / sizeof(float) / x->ld / block_rows(x, k);

    return (blocks < 1 ? 1 : blocks) * block_rows(x, k);
}

/* Number of groups for n rows; 0: waves. */
static size_t parts_for(size_t n, size_t k, size_t d)
{
    size_t parts = km_min(n / (PART_ROWS * k), MAX_PARTS);

    return parts < MIN_PARTS || k > PART_BYTES / sizeof(double) / (d + 1) ? 0 : parts;
}

int km_assign_init(struct km_assign *a, const struct km_kernels *kern, struct km_pool *pool,
                   size_t max_rows, size_t max_k, size_t d, struct km_err *err)
{
    struct km_mat shape = {.n = max_rows, .d = d, .ld = km_mat_ld(d)};
    size_t threads = (size_t)km_pool_threads(pool);
    /* of fewer centers: smaller blocks, so the last may fit in that did not */
    size_t wave = km_min(max_rows, wave_rows(&shape, max_k) + WIDE_ROWS);
    size_t parts = parts_for(max_rows, max_k, d);
    size_t blocks = blocks_of(&shape, 1); /* fewer centers, smaller blocks: never more than these */
    int rc = KM_OK;

    *a = (struct km_assign){kern, pool, .max_rows = max_rows, .max_k = max_k, .d = d};
    a->max_packed = km_kernels_room(kern, max_k, d);
    a->label = km_alloc(max_rows, sizeof(*a->label));
    a->score = km_alloc(max_rows, sizeof(*a->score));
    a->second = km_alloc(max_rows, sizeof(*a->second));
    a->unsure = km_alloc(threads, sizeof(*a->unsure));
    a->scratch = km_alloc(threads, KM_KERN_SCRATCH * sizeof(float));
    a->packed = km_alloc(a->max_packed, sizeof(float));
    a->norm2 = km_alloc(max_rows, sizeof(*a->norm2));
    a->squares = km_alloc(blocks, sizeof(double));
    a->orders = km_alloc(threads, sizeof(*a->orders));
    a->parts = km_alloc(parts, sizeof(*a->parts));
    if (!a->label || !a->score || !a->second || !a->unsure || !a->scratch || !a->packed ||
        !a->norm2 || !a->squares || !a->orders || !a->parts)
        rc = KM_E_MEM;
    for (size_t i = 0; rc == KM_OK && i < threads; i++)
        rc = km_order_init(&a->orders[i], i == 0 && wave > KM_KERN_ROWS ? wave : KM_KERN_ROWS,
                           max_k);
    a->max_parts = parts;
    for (size_t p = 0; rc == KM_OK && p < (threads > 1 ? parts : km_min(parts, 1)); p++)
        rc = km_sums_init(&a->parts[p], max_k, d, err);
    if (rc) {
        km_assign_done(a);
        return km_fail(err, KM_E_MEM, "no memory for the assignment of %zu rows to %zu centers",
                       max_rows, max_k);
    }
    return KM_OK;
}

void km_assign_done(struct km_assign *a)
{
    for (size_t i = 0; a->parts && i < a->max_parts; i++)
        km_sums_done(&a->parts[i]);
    for (int i = 0; a->orders && i < km_pool_threads(a->pool); i++)
        km_order_done(&a->orders[i]);
    km_free(a->norm2);
    km_free(a->parts);
    km_free(a->orders);
    km_free(a->label);
    km_free(a->score);
    km_free(a->second);
    km_free(a->unsure);
    km_free(a->scratch);
    km_free(a->packed);
    km_free(a->squares);
    *a = (struct km_assign){0};
}

/* One call of km_assign_*, or one wave of it: what its tasks need to know. */
struct step {
    struct km_assign *a;
    const struct km_kernels *kern;
    struct km_mat x;
    const struct km_centers *c;
    const double *weight;
    struct km_sums *sums;
    uint32_t *label; /* of the rows of x */
    size_t known;    /* of so many of them, from the first on, already */
    float *score, *second;
    float *table; /* (rows of x, k) every score; NULL: not wanted */
    const double *table_norm2;
    float *norm2;
    struct km_exact exact;
    double *squares; /* sums of |x|^2 of each block; NULL: not wanted */
    const struct km_given *given;
    double *dist2; /* (rows of x) with that; NULL: not wanted */
    size_t block, blocks;
    size_t parts, part_blocks;
};

static void pack_task(void *arg, size_t task, int worker)
{
    const struct step *s = arg;

    (void)worker;
    s->kern->pack(s->a->packed, s->c, task);
}

static void pack(struct step *s)
{
    struct km_layout packed = s->kern->layout(s->c->k, s->c->d);

    assert(packed.floats <= s->a->max_packed);
    km_pool_run(s->a->pool, pack_task, s, packed.panels);
}

/* Reads the centers as they are. */
static struct step bare_step(struct km_assign *a, const struct km_mat *x,
                             const struct km_centers *c)
{
    struct step s = {.a = a,
                     .x = *x,
                     .c = c,
                     .label = a->label,
                     .score = a->score,
                     .second = a->second,
                     .norm2 = a->norm2,
                     .exact = km_exact_of(a->kern, c)};

    assert(x->n <= a->max_rows && c->k <= a->max_k);
    s.block = block_rows(x, c->k);
    s.blocks = blocks_of(x, c->k);
    s.kern = a->kern;
    a->rows += (double)x->n;
    a->exact = s.exact;
    return s;
}

/* Reads the centers as the kernels want them laid out. */
static struct step step_of(struct km_assign *a, const struct km_mat *x, const struct km_centers *c)
{
    struct step s = bare_step(a, x, c);

    pack(&s);
    if (s.kern->plain && !s.kern->pays(x, c, a->packed, a->scratch)) {
        s.kern = s.kern->plain;
        a->exact = s.exact = km_exact_of(s.kern, c);
        pack(&s);
    }
    return s;
}

static struct km_mat block_of(const struct step *s, size_t block)
{
    size_t from = block * s->block;

    return km_mat_view(&s->x, from, km_min(s->block, s->x.n - from));
}

/* In eight chains: one alone would wait for each addition to end. */
KM_FOR_ALL_CPUS static double sum_norms(const float *norm2, size_t n)
{
    double chain[8] = {0}, total = 0;
    size_t i = 0;

    for (; i + 8 <= n; i += 8)
        for (size_t l = 0; l < 8; l++)
            chain[l] += (double)norm2[i + l];
    for (; i < n; i++)
        total += (double)norm2[i];
    for (size_t l = 0; l < 8; l++)
        total += chain[l];
    return total;
}

/* With the scores of all centers beside it. */
#define ALL_ROWS 48
static void label_with_all(const struct step *s, const struct km_mat *x, size_t from)
{
    size_t k = s->c->k;
    float *table = s->table + from * k;

    for (size_t i = 0; i < x->n; i += ALL_ROWS) {
        size_t n = km_min(ALL_ROWS, x->n - i);
        const float *row[ALL_ROWS];

        for (size_t r = 0; r < n; r++)
            row[r] = km_mat_row(x, i + r);
        s->kern->scores(table + i * k, row, n, s->c, 0, k);
        for (size_t r = 0; r < n; r++)
            s->label[from + i + r] = km_exact_label(
                &s->exact, row[r], (float)s->table_norm2[from + i + r], table + (i + r) * k);
    }
}

static void label_block(void *arg, size_t block, int worker)
{
    const struct step *s = arg;
    struct km_mat view = block_of(s, block);
    size_t from = block * s->block, skip = s->known > from ? s->known - from : 0;
    float *scratch = s->a->scratch + (size_t)worker * KM_KERN_SCRATCH;

    if (skip >= view.n)
        return;
    if (s->table) {
        view = km_mat_view(&view, skip, view.n - skip);
        label_with_all(s, &view, from + skip);
    } else {
        s->kern->nearest(s->label + from, s->score + from, s->second + from, s->norm2 + from, &view,
                         s->c, s->a->packed, scratch);
        s->a->unsure[worker] += km_exact_settle(&s->exact, s->label + from, s->score + from,
                                                s->second + from, s->norm2 + from, &view, scratch);
    }
    if (s->squares)
        s->squares[block] = sum_norms(s->norm2 + from, view.n);
}

/* Runs from..to-1 of ordered rows. */
static void add_runs(const struct step *s, struct km_sums *sums, const struct km_order *o,
                     size_t from, size_t to)
{
    size_t d = s->x.d;

    for (size_t r = from; r < to; r++) {
        size_t j = o->label[r], at = o->start[r], n = o->start[r + 1] - at;

        s->kern->add(sums->sum + j * d, o->row + at, s->weight ? o->weight + at : NULL, n, d);
        for (size_t i = at; i < at + n; i++)
            sums->count[j] += o->weight[i];
    }
}

/* ---- groups ---- */

static void add_block(const struct step *s, struct km_sums *part, size_t block, int worker)
{
    struct km_mat view = block_of(s, block);
    size_t from = block * s->block;

    if (s->weight) {
        struct km_order *o = &s->a->orders[worker];

        km_order_rows(o, &view, s->label + from, s->weight + from);
        add_runs(s, part, o, 0, o->runs);
    } else {
        s->kern->scatter(part, &view, s->label + from);
    }
}

static void add_group(struct step *s, struct km_sums *part, size_t group, int worker)
{
    size_t block = group * s->part_blocks;
    size_t end = km_min(block + s->part_blocks, s->blocks);

    km_sums_clear(part);
    for (; block < end; block++) {
        label_block(s, block, worker);
        add_block(s, part, block, worker);
    }
}

static void group_task(void *arg, size_t task, int worker)
{
    struct step *s = arg;

    add_group(s, &s->a->parts[task], task, worker);
}

/* Adds a group's center j to the result. */
static void combine(const struct step *s, const struct km_sums *part, size_t j)
{
    size_t d = s->x.d;
    const double *from = part->sum + j * d;
    double *to = s->sums->sum + j * d;

    if (part->count[j] == 0)
        return;
    s->sums->count[j] += part->count[j];
    for (size_t t = 0; t < d; t++)
        to[t] += from[t];
}

/* Adds the groups of some centers to the result, in the order of the groups. */
#define COMBINE_CENTERS 8
static void combine_task(void *arg, size_t task, int worker)
{
    const struct step *s = arg;
    size_t j = task * COMBINE_CENTERS, end = km_min(j + COMBINE_CENTERS, s->c->k);

    (void)worker;
    for (; j < end; j++)
        for (size_t p = 0; p < s->parts; p++)
            combine(s, &s->a->parts[p], j);
}

/* The same on one thread: each group is added while its sums are in cache, and all share the memory
 * of the first. */
static void add_group_by_group(struct step *s)
{
    for (size_t group = 0; group < s->parts; group++) {
        add_group(s, &s->a->parts[0], group, 0);
        for (size_t j = 0; j < s->c->k; j++)
            combine(s, &s->a->parts[0], j);
    }
}

/* What the blocks have found. */
static double sum_blocks(const struct step *s)
{
    double total = 0;

    for (size_t b = 0; b < s->blocks; b++)
        total += s->a->squares[b];
    return total;
}

/* |x|^2 of all rows. */
static double add_squares(const struct step *s)
{
    return s->squares ? sum_blocks(s) : 0;
}

static double add_in_groups(struct step *s)
{
    s->part_blocks = km_ceil_div(s->blocks, s->parts);
    s->parts = km_ceil_div(s->blocks, s->part_blocks);
    if (km_pool_threads(s->a->pool) == 1) {
        add_group_by_group(s);
        return add_squares(s);
    }
    km_pool_run(s->a->pool, group_task, s, s->parts);
    km_pool_run(s->a->pool, combine_task, s, km_ceil_div(s->c->k, COMBINE_CENTERS));
    return add_squares(s);
}

/* ---- waves ---- */

/* First run at or behind a row; runs are short, so the chunks come out nearly even. */
static size_t run_at(const struct km_order *o, size_t row)
{
    size_t low = 0, high = o->runs;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (o->start[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_chunk(void *arg, size_t task, int worker)
{
    const struct step *s = arg;
    const struct km_order *o = &s->a->orders[0];
    size_t from = task * CHUNK_ROWS;

    (void)worker;
    add_runs(s, s->sums, o, run_at(o, from), run_at(o, from + CHUNK_ROWS));
}

static double add_in_waves(const struct step *all)
{
    double squares = 0;
    size_t rows = wave_rows(&all->x, all->c->k);

    for (size_t from = 0; from < all->x.n; from += rows) {
        struct step s = *all;

        s.x = km_mat_view(&all->x, from, km_min(rows, all->x.n - from));
        s.blocks = blocks_of(&s.x, s.c->k);
        s.label += from;
        s.score += from;
        s.second += from;
        s.norm2 += from;
        s.known -= km_min(from, s.known);
        s.table = all->table ? all->table + from * all->c->k : NULL;
        s.table_norm2 = all->table ? all->table_norm2 + from : NULL;
        s.weight = all->weight ? all->weight + from : NULL;
        km_pool_run(s.a->pool, label_block, &s, s.blocks);
        km_order_rows(&s.a->orders[0], &s.x, s.label, s.weight);
        km_pool_run(s.a->pool, add_chunk, &s, chunks_of(s.x.n));
        squares += add_squares(&s);
    }
    return squares;
}

/* ---- the calls ---- */

double km_assign_unsure(const struct km_assign *a)
{
    size_t total = 0;

    for (int i = 0; i < km_pool_threads(a->pool); i++)
        total += a->unsure[i];
    return a->rows > 0 ? (double)total / a->rows : 0;
}

void km_assign_rows(struct km_assign *a, const struct km_mat *x, const struct km_centers *c)
{
    struct step s = step_of(a, x, c);

    km_pool_run(a->pool, label_block, &s, s.blocks);
}

/* Labels the rows, unless they are, and adds them. */
static void add_all(struct step *s, struct km_sums *sums)
{
    s->sums = sums;
    s->parts = km_min(parts_for(s->x.n, s->c->k, s->x.d), s->a->max_parts);
    *sums->ssd += s->parts ? add_in_groups(s) : add_in_waves(s);
    *sums->rows += (double)s->x.n;
}

void km_assign_add(struct km_assign *a, struct km_sums *sums, const struct km_mat *x,
                   const double *weight, const struct km_centers *c, int want_ssd)
{
    struct step s = step_of(a, x, c);

    s.weight = weight;
    s.squares = want_ssd ? a->squares : NULL;
    add_all(&s, sums);
}

void km_assign_add_scored(struct km_assign *a, struct km_sums *sums, const struct km_mat *x,
                          const double *weight, const struct km_scored *scored,
                          const struct km_centers *c)
{
    struct step s = bare_step(a, x, c);

    s.weight = weight;
    s.label = scored->label;
    s.table = scored->score;
    s.table_norm2 = scored->norm2;
    s.known = scored->known;
    a->rows -= (double)scored->known;
    add_all(&s, sums);
}

float km_assign_most_dist2(const struct km_assign *a, size_t i)
{
    return km_exact_most_dist2(&a->exact, a->norm2[i], a->score[i]);
}

/* Rows of a block that stay where they are given: the squared distance to the nearest center, and
 * which that is. */
struct left {
    double dist2[KM_KERN_ROWS]; /* -1: the row does not stay */
    uint32_t label[KM_KERN_ROWS];
};

/* Brings rows to where they are labelled; returns the sum over those that stay, which become 0. */
static double bring_rows(const struct step *s, const struct km_mat *rows, struct left *left)
{
    double total = 0;

    for (size_t i = 0; i < rows->n; i++) {
        float *row = km_mat_row(rows, i);

        left->dist2[i] = -1;
        if (km_given_bring(s->given, row))
            continue;
        left->dist2[i] = km_given_nearest2(s->given, s->kern, row, &left->label[i]);
        total += left->dist2[i];
        memset(row, 0, rows->d * sizeof(*row));
    }
    return total;
}

static void given_task(void *arg, size_t task, int worker)
{
    struct step *s = arg;
    struct km_mat view = block_of(s, task);
    size_t from = task * s->block;
    uint32_t *label = s->label + from;
    double unit2 = km_given_unit2(s->given), moved = 0, total;
    struct left left;

    total = bring_rows(s, &view, &left);
    label_block(s, task, worker);
    for (size_t i = 0; i < view.n; i++) {
        double dist2 = left.dist2[i];

        if (dist2 < 0) {
            dist2 = s->kern->dist2(km_mat_row(&view, i), s->c->exact + label[i] * s->x.d, s->x.d);
            moved += dist2;
            dist2 *= unit2;
        } else {
            label[i] = left.label[i];
        }
        if (s->dist2)
            s->dist2[from + i] = dist2;
    }
    s->a->squares[task] = total + moved * unit2;
}

double km_assign_ssd_given(struct km_assign *a, double *dist2, const struct km_mat *x,
                           const struct km_given *g)
{
    struct step s = step_of(a, x, &g->centers);

    s.given = g;
    s.dist2 = dist2;
    km_pool_run(a->pool, given_task, &s, s.blocks);
    return sum_blocks(&s);
}

static void ssd_task(void *arg, size_t task, int worker)
{
    struct step *s = arg;
    struct km_mat view = block_of(s, task);
    const uint32_t *label = s->label + task * s->block;
    double total = 0;

    label_block(s, task, worker);
    for (size_t i = 0; i < view.n; i++)
        total += s->kern->dist2(km_mat_row(&view, i), s->c->exact + label[i] * s->x.d, s->x.d);
    s->a->squares[task] = total;
}

double km_assign_ssd(struct km_assign *a, const struct km_mat *x, const struct km_centers *c)
{
    struct step s = step_of(a, x, c);

    km_pool_run(a->pool, ssd_task, &s, s.blocks);
    return sum_blocks(&s);
}
