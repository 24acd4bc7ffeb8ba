/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Form B where the panels do not fit into the L2 cache (wide()); included by body.h.
 *
 * To stream all panels through for every tile of rows is to wait for the L3 cache: 55 % of the peak
 * at K=256, d=4096 and K=1000, d=784 (Sapphire Rapids). So centers are taken by chunks and features
 * by slices that stay in the L2 cache while all rows of the block pass by, and the scores wait in
 * scratch memory from slice to slice: 85 %. Every panel is then read once for each block of rows.
 */

/* Bytes of panels of a slice: with the rows they fit an L2 cache of 1 MB; 768 KB is no faster in
 * one of 2 MB. Half a slice of 24 KB in the L1 cache instead, with all rows streaming past: 80
 * %. */
#define SLICE_BYTES ((size_t)512 << 10)
/* From these bytes of panels on. Below, the L2 cache holds them: 92 % at K=256, d=784 without
 * slices. */
#define WIDE_BYTES ((size_t)1 << 20)
/* Features of a slice, at most: of a chain of additions, too (km_layout). */
#define SLICE_FEATURES ((size_t)1024)
/* Centers of a chunk: up to d=896 in one slice, which saves the scores a way; of more features two
 * chunks' worth, or slices would get short. */
#define CHUNK ((size_t)144)

/* The features of a slice, for all rows and the centers of a chunk. */
struct slice {
    size_t d;           /* features */
    const float *half;  /* of the centers, in the first slice; NULL: score holds the sums so far */
    const float *lanes; /* of the first of them */
    size_t width;       /* centers */
    size_t ld, lane_step; /* of their panels */
};

/* Scores lie as the tile makes them, side by side: as a matrix, those of the next rows would be a
 * multiple of 4096 bytes away for many K, and loads would wait for stores that only look like
 * theirs. */
static inline __attribute__((always_inline)) void
slice_tile(float *score, const float *half, const struct slice *s, const float *lanes,
           const float *rows, size_t ld, const int m_rows, const int l_vectors)
{
    V acc[LANE_M][LANE_L];

#pragma GCC unroll 16
    for (int m = 0; m < m_rows; m++)
#pragma GCC unroll 8
        for (int l = 0; l < l_vectors; l++)
            acc[m][l] = half ? VLOAD(half + l * W) : VZERO();
    tile(acc, lanes, s->lane_step, KM_PANEL, rows, ld, s->d, m_rows, l_vectors, PANEL_AHEAD);
#pragma GCC unroll 16
    for (int m = 0; m < m_rows; m++)
#pragma GCC unroll 8
        for (int l = 0; l < l_vectors; l++) {
            float *to = score + (m * l_vectors + l) * W;

            VSTORE(to, half ? acc[m][l] : VADD(acc[m][l], VLOAD(to)));
        }
}

/* Vectors of lanes of the next tile, of `left`. */
static size_t tile_vectors(size_t left)
{
    return left >= LANE_L && left != LANE_L + 1 ? LANE_L : left >= 2 ? 2 : 1;
}

/* m_rows rows and all centers of the chunk. */
static inline __attribute__((always_inline)) void
slice_rows(float *score, const struct slice *s, const float *rows, size_t ld, const int m_rows)
{
    for (size_t j = 0, l; j < s->width; j += l * W) {
        const float *lanes = s->lanes + j / KM_PANEL * panel_floats(s->ld) + j % KM_PANEL;
        const float *half = s->half ? s->half + j : NULL;
        float *at = score + j * (size_t)m_rows;

        l = tile_vectors((s->width - j) / W);
        if (l == 1)
            slice_tile(at, half, s, lanes, rows, ld, m_rows, 1);
        else if (l == 2)
            slice_tile(at, half, s, lanes, rows, ld, m_rows, 2);
        else
            slice_tile(at, half, s, lanes, rows, ld, m_rows, LANE_L);
    }
}

/* The scores of all rows and of `width` centers from `from` on, tile by tile. */
static __attribute__((noinline)) void slice_scores(float *scores, const struct km_mat *x,
                                                   const struct km_centers *c, const float *packed,
                                                   size_t from, size_t width)
{
    size_t fit = SLICE_BYTES / sizeof(float) / width, d = c->d;
    size_t most = km_min(fit, SLICE_FEATURES);
    size_t slices = km_ceil_div(d, most), share = km_round_up(km_ceil_div(d, slices), 16);

    for (size_t t0 = 0; t0 < d; t0 += share) {
        struct slice s = {.d = d - t0 < share ? d - t0 : share,
                          .half = t0 ? NULL : c->half + from,
                          .lanes = packed + from / KM_PANEL * panel_floats(c->c.ld) + t0 * KM_PANEL,
                          .width = width,
                          .ld = c->c.ld,
                          .lane_step = W == KM_PANEL ? panel_floats(c->c.ld) : W};
        size_t i = 0;

        for (; i + LANE_M <= x->n; i += LANE_M)
            slice_rows(scores + i * width, &s, km_mat_row(x, i) + t0, x->ld, LANE_M);
        for (; i < x->n; i++)
            slice_rows(scores + i * width, &s, km_mat_row(x, i) + t0, x->ld, 1);
    }
}

/* The best of `width` scores of row m of m_rows, which lie tile by tile. */
static void best_of(float *score, float *second, uint32_t *label, const float *scores, size_t from,
                    size_t width, size_t m, size_t m_rows)
{
    V best = VSET1(INFINITY), next = best;
    VI index = VISET1(0), at = VIADD(VISET1((int)from), VIOTA());
    float least, other;
    uint32_t center;

    for (size_t j = 0, l; j < width; j += l * W) {
        l = tile_vectors((width - j) / W);
        for (size_t v = 0; v < l; v++) {
            V s = VLOAD(scores + j * m_rows + (m * l + v) * W);

            VLESS_BLEND(best, next, index, s, at);
            at = VIADD(at, VISET1(W));
        }
    }
    center = VARGMIN(&least, &other, best, next, index);
    other = other < *second ? other : *second;
    *second = least < *score ? (other < *score ? other : *score) : (other < least ? other : least);
    if (least < *score) {
        *score = least;
        *label = center;
    }
}

static void nearest_wide(uint32_t *label, float *score, float *second, float *norm2,
                         const struct km_mat *x, const struct km_centers *c, const float *packed,
                         float *scratch)
{
    size_t end = panel_centers(c->k), whole = x->n - x->n % LANE_M;
    size_t most = CHUNK * c->d * sizeof(float) <= SLICE_BYTES ? CHUNK : 2 * CHUNK;

    norms(norm2, x);
    if (x->n && most > KM_KERN_SCRATCH / x->n) /* a multiple of W, as is CHUNK */
        most = KM_KERN_SCRATCH / x->n / KM_PANEL * KM_PANEL;
    for (size_t i = 0; i < x->n; i++) {
        score[i] = second[i] = INFINITY;
        label[i] = 0;
    }
    for (size_t from = 0; from < end; from += most) {
        size_t width = km_min(end - from, most);

        slice_scores(scratch, x, c, packed, from, width);
        for (size_t i = 0; i < x->n; i++) {
            size_t m = i < whole ? i % LANE_M : 0, m_rows = i < whole ? LANE_M : 1;

            best_of(score + i, second + i, label + i, scratch + (i - m) * width, from, width, m,
                    m_rows);
        }
    }
}

static int wide(size_t k, size_t d)
{
    return panel_centers(k) / KM_PANEL * panel_floats(km_mat_ld(d)) * sizeof(float) > WIDE_BYTES;
}
