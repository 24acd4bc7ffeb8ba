/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/look.h"

#include "algo/by_feature.h"
#include "algo/look_choose.h"
#include "algo/loss.h"
#include "algo/near_all.h"
#include "algo/order.h"
#include "algo/split.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/size.h"
#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- memory ---- */

#define SPARSE_CELLS ((size_t)4 << 20)

static size_t scratch_for(size_t k, size_t d, int sparse)
{
    size_t measure = km_near_all_scratch(k, d, sparse);
    size_t cost = d * sizeof(double) + (k + 1) * sizeof(uint32_t);
    size_t split = km_split_room(d) * sizeof(double);
    size_t most = km_max(measure, cost);

    return km_round_up(km_max(most, split), 64);
}

int km_look_fits(size_t k, size_t d, int sparse)
{
    return !sparse || k * d <= SPARSE_CELLS;
}

int km_look_init(struct km_look *l, const struct km_kernels *kern, struct km_pool *pool,
                 size_t max_rows, size_t k, size_t d, int sparse, struct km_err *err)
{
    int rc, has_lanes = km_near_all_has_lanes(d, sparse);

    *l = (struct km_look){kern, pool, max_rows, k, d, .scratch_bytes = scratch_for(k, d, sparse)};
    l->near = km_alloc(max_rows, sizeof(*l->near));
    l->next = km_alloc(max_rows, sizeof(*l->next));
    l->near2 = km_alloc(max_rows, sizeof(*l->near2));
    l->next2 = km_alloc(max_rows, sizeof(*l->next2));
    l->label = km_alloc(max_rows, sizeof(*l->label));
    l->row = km_alloc(max_rows, sizeof(*l->row));
    l->other = km_alloc(max_rows, sizeof(*l->other));
    l->start = km_alloc(k + 1, sizeof(*l->start));
    l->of = km_alloc(k, sizeof(*l->of));
    l->by_cost = km_alloc(k, sizeof(*l->by_cost));
    l->by_gain = km_alloc(k, sizeof(*l->by_gain));
    l->lanes = has_lanes ? km_alloc(d * km_by_feature_width(k), sizeof(*l->lanes)) : NULL;
    l->scratch = km_alloc((size_t)km_pool_threads(pool), l->scratch_bytes);
    rc = km_sums_init(&l->sums, k, d, err);
    if (rc || !l->near || !l->next || !l->near2 || !l->next2 || !l->label || !l->row || !l->other ||
        !l->start || !l->of || !l->by_cost || !l->by_gain || !l->scratch ||
        (has_lanes && !l->lanes)) {
        km_look_done(l);
        return km_fail(err, KM_E_MEM, "no memory to look at %zu rows and %zu centers", max_rows, k);
    }
    return KM_OK;
}

void km_look_done(struct km_look *l)
{
    km_free(l->near);
    km_free(l->next);
    km_free(l->near2);
    km_free(l->next2);
    km_free(l->label);
    km_free(l->row);
    km_free(l->other);
    km_free(l->start);
    km_free(l->of);
    km_free(l->by_cost);
    km_free(l->by_gain);
    km_free(l->lanes);
    km_free(l->scratch);
    km_sums_done(&l->sums);
    *l = (struct km_look){0};
}

/* ---- one look ---- */

struct look {
    struct km_look *l;
    struct km_centers *c;
    const struct km_points *p;
    uint64_t seed;
};

static void *scratch_of(const struct look *s, int worker)
{
    return s->l->scratch + (size_t)worker * s->l->scratch_bytes;
}

static const double *exact_of(const struct look *s, size_t j)
{
    return s->c->exact + j * s->c->d;
}

static double dist2_to(const struct look *s, size_t i, const struct km_place *place)
{
    return km_points_dist2(s->p, s->l->kern, i, place);
}

static double dist2_to_center(const struct look *s, size_t i, size_t j)
{
    struct km_place place = {exact_of(s, j), s->l->of[j].norm2};

    return dist2_to(s, i, &place);
}

/* ---- partitions ---- */

/* Sums of the rows of a center, which lie in l->other. */
static void sum_task(void *arg, size_t j, int worker)
{
    const struct look *s = arg;
    struct km_look *l = s->l;
    double *sum = l->sums.sum + j * l->d;

    (void)worker;
    memset(sum, 0, l->d * sizeof(*sum));
    l->sums.count[j] =
        km_points_add(s->p, s->l->kern, sum, l->other + l->start[j], l->start[j + 1] - l->start[j]);
}

/* The loss of the rows of a center, which lie in l->other, against their mean. */
static void loss_task(void *arg, size_t j, int worker)
{
    const struct look *s = arg;
    struct km_look *l = s->l;
    double *mean = scratch_of(s, worker), loss = 0;
    struct km_place place;

    for (size_t t = 0; l->sums.count[j] > 0 && t < l->d; t++)
        mean[t] = l->sums.sum[j * l->d + t] / l->sums.count[j];
    place = km_place_of(s->p, mean, l->d);
    for (size_t i = l->start[j]; i < l->start[j + 1]; i++)
        loss += km_points_weight(s->p, l->other[i]) * dist2_to(s, l->other[i], &place);
    l->of[j].loss = loss;
}

static double measure_loss(struct look *s)
{
    double total = 0;

    km_pool_run(s->l->pool, loss_task, s, s->l->k);
    for (size_t j = 0; j < s->l->k; j++)
        total += s->l->of[j].loss;
    return total;
}

/* Sums of a partition, and its loss against its own means. */
static double try_partition(struct look *s, const uint32_t *label)
{
    struct km_look *l = s->l;
    double means = 0, loss;

    km_order_numbers(l->other, l->start, label, km_points_n(s->p), l->k);
    km_pool_run(l->pool, sum_task, s, l->k);
    for (size_t j = 0; j < l->k; j++) {
        const double *sum = l->sums.sum + j * l->d;
        double norm2 = 0;

        for (size_t t = 0; t < l->d; t++)
            norm2 += sum[t] * sum[t];
        means += l->sums.count[j] > 0 ? norm2 / l->sums.count[j] : 0;
    }
    loss = s->p->total_norm2 - means;
    return loss < KM_LOSS_SHARE * s->p->total_norm2 ? measure_loss(s) : loss;
}

/* ---- what a center costs ---- */

/* l->other becomes l->row, the rows of each center by their second nearest. */
static void sort_by_next(const struct look *s, size_t r, uint32_t *count)
{
    struct km_look *l = s->l;
    size_t from = l->start[r], to = l->start[r + 1];
    uint32_t at = (uint32_t)from;

    memset(count, 0, l->k * sizeof(*count));
    for (size_t i = from; i < to; i++)
        count[l->next[l->row[i]]]++;
    for (size_t j = 0; j < l->k; j++) {
        uint32_t n = count[j];

        count[j] = at;
        at += n;
    }
    for (size_t i = from; i < to; i++)
        l->other[count[l->next[l->row[i]]]++] = l->row[i];
}

/* What the rows from..to of l->other, which go to the same center, gain when it becomes a mean
 * again. */
static double regain(const struct look *s, size_t from, size_t to, double *sum)
{
    const struct km_look *l = s->l;
    size_t to_center = l->next[l->other[from]];
    const double *c = exact_of(s, to_center);
    double q, dist2 = 0;

    memset(sum, 0, l->d * sizeof(*sum));
    q = km_points_add(s->p, s->l->kern, sum, l->other + from, to - from);
    for (size_t t = 0; t < l->d; t++)
        dist2 += (sum[t] / q - c[t]) * (sum[t] / q - c[t]);
    return q * q / (q + l->of[to_center].weight) * dist2;
}

static void cost_task(void *arg, size_t r, int worker)
{
    const struct look *s = arg;
    struct km_look *l = s->l;
    double *sum = scratch_of(s, worker), cost = l->of[r].shift;
    size_t from = l->start[r], to = l->start[r + 1];

    sort_by_next(s, r, (uint32_t *)(void *)(sum + l->d));
    for (size_t i = from; i < to; i++)
        cost +=
            km_points_weight(s->p, l->other[i]) * (l->next2[l->other[i]] - l->near2[l->other[i]]);
    for (size_t i = from, end; i < to; i = end) {
        for (end = i + 1; end < to && l->next[l->other[end]] == l->next[l->other[i]]; end++)
            ;
        cost -= regain(s, i, end, sum);
    }
    l->of[r].cost = cost;
}

/* ---- what a split gains ---- */

/* Some rows of a center at even distances, to be split; `row` and `memory` are room for them. */
static struct km_split split_of(const struct look *s, size_t j, uint32_t *row, double *memory)
{
    const struct km_look *l = s->l;
    size_t from = l->start[j], have = l->start[j + 1] - from;
    struct km_split p = {l->kern,  s->p,   l->d, row, km_min(have, KM_SPLIT_ROWS),
                         l->near2, memory, {0}};

    for (size_t m = 0; m < p.n; m++)
        row[m] = l->row[from + m * have / p.n];
    return p;
}

/* Splits them; the same each time for a center in a look. */
static double split(const struct look *s, struct km_split *p, size_t j)
{
    struct km_rng rng;

    km_rng_seed(&rng, s->seed, 'L', j);
    return km_split(p, &rng);
}

/* What the farthest row alone gains; mean: (d) scratch. */
static double gain_of_far(const struct look *s, size_t j, double *mean)
{
    struct km_look *l = s->l;
    struct km_look_center *c = &l->of[j];
    struct km_place place;
    double most = 0, w;

    for (size_t i = l->start[j]; i < l->start[j + 1]; i++)
        if (km_points_weight(s->p, l->row[i]) * l->near2[l->row[i]] > most) {
            c->far = l->row[i];
            most = km_points_weight(s->p, c->far) * l->near2[c->far];
        }
    w = most > 0 ? km_points_weight(s->p, c->far) : 0;
    if (!(most > 0) || !(c->weight > w))
        return 0;
    for (size_t t = 0; t < l->d; t++)
        mean[t] = l->sums.sum[j * l->d + t] / c->weight;
    place = km_place_of(s->p, mean, l->d);
    return w * dist2_to(s, c->far, &place) * c->weight / (c->weight - w);
}

static void gain_task(void *arg, size_t j, int worker)
{
    const struct look *s = arg;
    struct km_look_center *c = &s->l->of[j];
    double *memory = scratch_of(s, worker), far = gain_of_far(s, j, memory), weight = 0;
    uint32_t some[KM_SPLIT_ROWS];
    struct km_split p = split_of(s, j, some, memory);

    c->gain = 0;
    c->alone = 0;
    if (!(far > 0) || p.n < 2)
        return;
    for (size_t m = 0; m < p.n; m++)
        weight += km_points_weight(s->p, some[m]);
    c->gain = split(s, &p, j) * c->weight / weight - c->shift;
    c->alone = far >= c->gain;
    if (c->alone)
        c->gain = far;
}

/* ---- the partition after the changes ---- */

/* The nearest center of a row that stays. */
static uint32_t nearest_left(const struct look *s, size_t i, const unsigned char *gone)
{
    double least = (double)INFINITY;
    uint32_t best = 0;

    for (uint32_t j = 0; j < s->l->k; j++) {
        double dist2 = gone[j] ? (double)INFINITY : dist2_to_center(s, i, j);

        if (dist2 < least) {
            least = dist2;
            best = j;
        }
    }
    return best;
}

/* Half of j's rows become those of the center that moves there. */
static void split_rows(struct look *s, size_t j)
{
    struct km_look *l = s->l;
    const struct km_look_center *c = &l->of[j];
    uint32_t some[KM_SPLIT_ROWS];
    struct km_split p = split_of(s, j, some, scratch_of(s, 0));
    struct km_place half[2];

    if (c->alone) {
        l->label[c->far] = c->from;
        return;
    }
    split(s, &p, j);
    for (int h = 0; h < 2; h++)
        half[h] = km_place_of(s->p, p.best[h], l->d);
    for (size_t i = l->start[j]; i < l->start[j + 1]; i++) {
        size_t row = l->row[i];

        if (dist2_to(s, row, &half[1]) < dist2_to(s, row, &half[0]))
            l->label[row] = c->from;
    }
}

/* l->label, with the first `changes` of the chosen ones. Needs l->start of l->row. */
static void relabel(struct look *s, size_t changes, unsigned char *gone)
{
    struct km_look *l = s->l;
    size_t left = changes;

    memcpy(l->label, l->near, km_points_n(s->p) * sizeof(*l->label));
    memset(gone, 0, l->k);
    for (size_t i = 0; i < l->k && left > 0; i++)
        for (size_t j = 0; j < l->k; j++)
            if (l->of[j].from == l->by_cost[i] && j != l->by_cost[i]) {
                gone[l->by_cost[i]] = 1;
                left--;
            }
    for (size_t r = 0; r < l->k; r++)
        for (size_t i = l->start[r]; gone[r] && i < l->start[r + 1]; i++) {
            size_t row = l->row[i];

            l->label[row] = gone[l->next[row]] ? nearest_left(s, row, gone) : l->next[row];
        }
    for (size_t j = 0; j < l->k; j++)
        if (l->of[j].from != j && gone[l->of[j].from])
            split_rows(s, j);
}

/* Tries all changes, then the first alone; returns how many made the loss smaller. */
static size_t apply(struct look *s, size_t changes, double loss)
{
    struct km_look *l = s->l;
    unsigned char *gone = (unsigned char *)l->by_gain; /* (k) it has done its work */

    while (changes > 0) {
        relabel(s, changes, gone);
        if (try_partition(s, l->label) < loss)
            return changes;
        km_order_numbers(l->row, l->start, l->near, km_points_n(s->p), l->k);
        changes = changes > 1 ? 1 : 0;
    }
    try_partition(s, l->near);
    return 0;
}

/* What the partition of the nearest centers tells of each. */
static void weigh(struct look *s)
{
    struct km_look *l = s->l;

    for (size_t j = 0; j < l->k; j++) {
        const double *sum = l->sums.sum + j * l->d, *c = exact_of(s, j);
        double n = l->sums.count[j], dist2 = 0;

        for (size_t t = 0; n > 0 && t < l->d; t++)
            dist2 += (sum[t] / n - c[t]) * (sum[t] / n - c[t]);
        l->of[j].weight = n;
        l->of[j].shift = n * dist2;
    }
}

/* Everything up to the choice, from the two nearest centers on; returns the loss of the nearest
 * ones' partition. */
static double survey(struct look *s)
{
    struct km_look *l = s->l;
    double loss;

    assert(km_points_n(s->p) <= l->max_rows && s->c->k == l->k && s->c->d == l->d);
    loss = try_partition(s, l->near);
    memcpy(l->row, l->other, km_points_n(s->p) * sizeof(*l->row));
    weigh(s);
    km_pool_run(l->pool, cost_task, s, l->k);
    km_pool_run(l->pool, gain_task, s, l->k);
    km_look_rank(l);
    return loss;
}

size_t km_look(struct km_look *l, struct km_centers *c, const struct km_points *p, size_t most,
               uint64_t seed)
{
    km_near_all_measure(l, p, c);
    return km_look_measured(l, c, p, most, seed);
}

size_t km_look_measured(struct km_look *l, struct km_centers *c, const struct km_points *p,
                        size_t most, uint64_t seed)
{
    struct look s = {l, c, p, seed};
    double loss = survey(&s);
    size_t changes = apply(&s, km_look_choose(l, loss, most), loss);

    if (changes == 0)
        memcpy(l->label, l->near, km_points_n(p) * sizeof(*l->label));
    km_centers_to_means(c, &l->sums);
    return changes;
}

int km_look_boldly(struct km_look *l, struct km_centers *c, const struct km_points *p,
                   size_t number, uint64_t seed)
{
    struct look s = {l, c, p, seed};

    km_near_all_measure(l, p, c);
    survey(&s);
    if (!km_look_choose_boldly(l, number))
        return 0;
    apply(&s, 1, (double)INFINITY);
    km_centers_to_means(c, &l->sums);
    return 1;
}
