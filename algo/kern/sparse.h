/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vector kernel for sparse rows, once for all widths; included behind body.h, whose operations
 * it uses. A row's scores stay in registers: for each of its values the lanes of that feature are
 * multiplied and added, KM_LANES / W vectors of them.
 */

/* Vectors of scores that are kept in registers together; a panel of AVX2 has two such groups. */
#define SPARSE_VECTORS 8

/* Values ahead of their use that lanes are asked for: the next feature is anywhere, and the
 * hardware cannot know. Measured on Zen 5: K=100 at d=100,000 0.28 -> 0.72 Mrow/s of 65 values;
 * nothing at d=10,000. */
#define SPARSE_AHEAD 4

static inline __attribute__((always_inline)) void sparse_ask(const float *lane,
                                                             const size_t vectors)
{
#pragma GCC unroll 8
    for (size_t v = 0; v < vectors; v += 16 / W)
        _mm_prefetch((const char *)(lane + v * W), _MM_HINT_T0);
}

/* Scores of `vectors` vectors of centers, from lane l of the panel. Few vectors are kept in several
 * sets, which take the row's values in turn: a lone chain of additions would wait for itself. */
static inline __attribute__((always_inline)) void
sparse_group(V *best, VI *index, const uint32_t *col, const float *val, size_t len,
             const float *lanes, size_t width, const float *scale, const float *half, VI at,
             const size_t vectors)
{
    const size_t sets = vectors <= 2 ? 4 : vectors <= 4 ? 2 : 1;
    V acc[SPARSE_VECTORS];
    size_t e = 0;

#pragma GCC unroll 8
    for (size_t v = 0; v < sets * vectors; v++)
        acc[v] = VZERO();
    for (; e + sets <= len; e += sets)
#pragma GCC unroll 4
        for (size_t s = 0; s < sets; s++) {
            const float *lane = lanes + col[e + s] * width;
            V x = VSET1(val[e + s]);

            sparse_ask(lanes + col[e + s + SPARSE_AHEAD < len ? e + s + SPARSE_AHEAD : e] * width,
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
    for (size_t v = 0; v < vectors; v++) {
        V score = VFMA(VLOAD(scale + v * W), acc[v], VLOAD(half + v * W));

        VLESS_BLEND(*best, *index, score, at);
        at = VIADD(at, VISET1(W));
    }
}

/* The smallest of the lanes, of equals the one with the lowest center. */
static void sparse_take(uint32_t *label, float *score, V best, VI index)
{
    float s[W];
    int32_t at[W];

    VSTORE(s, best);
    VISTORE(at, index);
    for (int l = 1; l < W; l++)
        if (s[l] < s[0] || (s[l] == s[0] && at[l] < at[0])) {
            s[0] = s[l];
            at[0] = at[l];
        }
    if (s[0] < *score) {
        *score = s[0];
        *label = (uint32_t)at[0];
    }
}

static inline __attribute__((always_inline)) void sparse_rows(uint32_t *label, float *score,
                                                              const struct km_csr *x,
                                                              const struct km_lanes *c, size_t p,
                                                              const size_t rest)
{
    const float *lanes = km_lanes_panel(c, p);
    size_t width = km_lanes_width(c->k, p), whole = width - rest * W;

    for (size_t i = 0; i < x->n; i++) {
        const uint32_t *col = x->col + x->at[i];
        const float *val = x->val + x->at[i];
        V best = VSET1(INFINITY);
        VI index = VISET1(0);

        for (size_t l = 0; l < width; l += SPARSE_VECTORS * W) {
            size_t j = p * KM_LANES + l;
            VI at = VIADD(VISET1((int)j), VIOTA());

            if (l < whole)
                sparse_group(&best, &index, col, val, x->len[i], lanes + l, width, c->scale + j,
                             c->half + j, at, SPARSE_VECTORS);
            else
                sparse_group(&best, &index, col, val, x->len[i], lanes + l, width, c->scale + j,
                             c->half + j, at, rest);
        }
        sparse_take(label + i, score + i, best, index);
    }
}

static void sparse_panel(uint32_t *label, float *score, const struct km_csr *x,
                         const struct km_lanes *c, size_t p)
{
    switch (km_lanes_width(c->k, p) / W % SPARSE_VECTORS) {
    case 1:
        sparse_rows(label, score, x, c, p, 1);
        return;
    case 2:
        sparse_rows(label, score, x, c, p, 2);
        return;
    case 3:
        sparse_rows(label, score, x, c, p, 3);
        return;
    case 4:
        sparse_rows(label, score, x, c, p, 4);
        return;
    case 5:
        sparse_rows(label, score, x, c, p, 5);
        return;
    case 6:
        sparse_rows(label, score, x, c, p, 6);
        return;
    case 7:
        sparse_rows(label, score, x, c, p, 7);
        return;
    default:
        sparse_rows(label, score, x, c, p, SPARSE_VECTORS);
        return;
    }
}
