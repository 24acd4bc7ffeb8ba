/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vector kernel for sparse rows, once for all widths; included behind body.h, whose operations
 * it uses. A row's scores stay in registers: for each of its values the lanes of that feature are
 * multiplied and added, KM_LANES / W vectors of them at the most.
 */

/* Values ahead of their use that lanes are asked for, in panels of more floats than ASK_FROM: the
 * next feature is anywhere, and the hardware cannot know. Measured: K=100 at d=100,000 on Zen 5
 * 0.28 -> 0.72 Mrow/s of 65 values, on Sapphire Rapids nothing; at d=10,000 (panels in the L2
 * cache) it costs a fifth. */
#define SPARSE_AHEAD 4
#define ASK_FROM     ((size_t)1 << 20)

static inline __attribute__((always_inline)) void sparse_ask(const float *lane,
                                                             const size_t vectors)
{
#pragma GCC unroll 8
    for (size_t v = 0; v < vectors; v += 16 / W)
        _mm_prefetch((const char *)(lane + v * W), _MM_HINT_T0);
}

/* x . lane for `vectors` vectors of lanes. Few vectors are kept in several sets, which take the
 * row's values in turn: a lone chain of additions would wait for itself. */
static inline __attribute__((always_inline)) void sparse_dots(V *dot, const uint32_t *col,
                                                              const float *val, size_t len,
                                                              const float *lanes,
                                                              const size_t vectors, const int ask)
{
    const size_t sets = vectors <= 2 ? 4 : vectors <= 4 ? 2 : 1, width = vectors * W;
    V acc[KM_LANES / W < 8 ? 8 : KM_LANES / W];
    size_t e = 0;

#pragma GCC unroll 8
    for (size_t v = 0; v < sets * vectors; v++)
        acc[v] = VZERO();
    for (; e + sets <= len; e += sets)
#pragma GCC unroll 4
        for (size_t s = 0; s < sets; s++) {
            const float *lane = lanes + col[e + s] * width;
            V x = VSET1(val[e + s]);

            if (ask)
                sparse_ask(lanes +
                               col[e + s + SPARSE_AHEAD < len ? e + s + SPARSE_AHEAD : e] * width,
                           vectors);
#pragma GCC unroll 8
            for (size_t v = 0; v < vectors; v++)
                acc[s * vectors + v] = VFMA(x, VLOAD(lane + v * W), acc[s * vectors + v]);
        }
    for (; e < len; e++)
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; v++)
            acc[v] = VFMA(VSET1(val[e]), VLOAD(lanes + col[e] * width + v * W), acc[v]);
#pragma GCC unroll 8
    for (size_t v = vectors; v < sets * vectors; v++)
        acc[v % vectors] = VADD(acc[v % vectors], acc[v]);
#pragma GCC unroll 8
    for (size_t v = 0; v < vectors; v++)
        dot[v] = acc[v];
}

static inline __attribute__((always_inline)) void sparse_rows(uint32_t *label, float *score,
                                                              float *second, const struct km_csr *x,
                                                              const struct km_lanes *c, size_t p,
                                                              const size_t vectors, const int ask)
{
    const float *lanes = km_lanes_panel(c, p);
    const float *scale = c->scale + p * KM_LANES, *half = c->half + p * KM_LANES;

    for (size_t i = 0; i < x->n; i++) {
        size_t at = x->at[i];
        V dot[KM_LANES / W], best = VSET1(INFINITY), next = best;
        VI index = VISET1(0), j = VIADD(VISET1((int)(p * KM_LANES)), VIOTA());
        float least, other;
        uint32_t nearest;

        sparse_dots(dot, x->col + at, x->val + at, x->len[i], lanes, vectors, ask);
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; v++) {
            V s = VFMA(VLOAD(scale + v * W), dot[v], VLOAD(half + v * W));

            VLESS_BLEND(best, next, index, s, j);
            j = VIADD(j, VISET1(W));
        }
        nearest = VARGMIN(&least, &other, best, next, index);
        other = other < second[i] ? other : second[i];
        second[i] = least < score[i] ? (other < score[i] ? other : score[i])
                                     : (other < least ? other : least);
        if (least < score[i]) {
            score[i] = least;
            label[i] = nearest;
        }
    }
}

static void sparse_panel(uint32_t *label, float *score, float *second, const struct km_csr *x,
                         const struct km_lanes *c, size_t p)
{
    size_t width = km_lanes_width(c->k, p);

    if (width == 64 && width * c->d > ASK_FROM)
        sparse_rows(label, score, second, x, c, p, 64 / W, 1);
    else if (width == 64)
        sparse_rows(label, score, second, x, c, p, 64 / W, 0);
    else if (width == 48)
        sparse_rows(label, score, second, x, c, p, 48 / W, 0);
    else if (width == 32)
        sparse_rows(label, score, second, x, c, p, 32 / W, 0);
    else
        sparse_rows(label, score, second, x, c, p, 16 / W, 0);
}
