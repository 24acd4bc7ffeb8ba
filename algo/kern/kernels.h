/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels: the loops that touch every value of every row, as one table of functions for each level
 * of instruction set. The table is chosen once and passed down; callers never ask which it is.
 *
 * Levels: generic (plain C, float64 inside; the specification that the others are tested against),
 * blas (sgemm and portable vectors; any CPU), avx2 (with FMA) and avx512 (F, BW, DQ, VL): body.h;
 * vnni and vnni-zen4 (and VNNI): vnni.c. The last two have the same loops and differ in where they
 * use them: each CPU that can run the one can run the other, and which of them is the best is all
 * that depends on the model of the CPU.
 */
#ifndef KM_ALGO_KERN_KERNELS_H
#define KM_ALGO_KERN_KERNELS_H

#include "algo/centers.h"
#include "base/csr.h"
#include "base/mat.h"
#include "base/size.h"
#include <stdint.h>

/** Most rows of one kernel call, and floats of scratch memory (64-byte aligned) of each worker. */
#define KM_KERN_ROWS      1008
#define KM_PANEL          16 /* centers of a packed panel: one AVX-512 vector, two of AVX2 */
#define KM_KERN_SCRATCH   (128 * 1024)
#define KM_SCORE_CHAIN(d) ((d) / 8 + 16)

/**
 * Centers for sparse rows, feature by feature: v holds panels of KM_LANES centers (the last one k
 * rounded up to 16); a panel is d rows of the values that its centers have in that feature. Center
 * j is -scale[j] * its lane: so the lane may hold a sum, which a sparse row changes in few places,
 * while a mean changes everywhere. (k rounded up to 16 in scale and half; behind k: lanes 0, scale
 * 0, half +inf.)
 */
struct km_lanes {
    size_t k, d;
    float *v;
    float *scale;       /* minus one over what the lane is to be divided by */
    float *half;        /* half the squared norm of the center */
    double *exact_half; /* (k) the same in float64 */
};

/** Centers of a panel: few enough that the busy features of one stay in an L2 cache of 1 to 2 MB
 * (256 bytes a feature), and all scores of a row in registers. */
#define KM_LANES 64

/** Number of panels, lanes of panel p, and its first value. */
static inline size_t km_lanes_panels(size_t k)
{
    return km_ceil_div(k, KM_LANES);
}

static inline size_t km_lanes_width(size_t k, size_t p)
{
    size_t left = km_round_up(k, 16) - p * KM_LANES;

    return left < KM_LANES ? left : KM_LANES;
}

static inline float *km_lanes_panel(const struct km_lanes *c, size_t p)
{
    return c->v + p * KM_LANES * c->d;
}

/** How a level lays out the centers for its nearest. */
struct km_layout {
    size_t panels; /* tasks of pack; 0: the level reads the centers as they are */
    size_t floats; /* of all panels together */
    size_t chain;  /* operations of float32 that a product goes through in nearest, at most */
};

struct km_kernels {
    const char *name;

    /**
     * A level that screens centers (vnni.c) is slower than the one below it, `plain`, where the
     * screen leaves too many: pays() tells from some of the rows of x. It needs what pack made of
     * c. Else NULL.
     */
    const struct km_kernels *plain;
    int (*pays)(const struct km_mat *x, const struct km_centers *c, const float *packed,
                float *scratch);

    /**
     * What pack makes of k centers of d features. Nobody else computes it: how large a panel is, is
     * the level's own affair, and the floats need not grow with k (km_kernels_room).
     */
    struct km_layout (*layout)(size_t k, size_t d);

    /** Lays centers KM_PANEL * p .. out as nearest wants them (KM_PANEL of them, at most), for each
     * p below layout's panels; panels may be packed in parallel. */
    void (*pack)(float *packed, const struct km_centers *c, size_t p);

    /**
     * label[i] = the j with the smallest score[i] = half[j] - x_i . c_j, as computed in float32,
     * and second[i] is no larger than the score of any other center, as computed or exact. Half the
     * squared distance is score + half |x_i|^2, which is the same for all j and so left out.
     * algo/exact.h tells from the two whether the label is right, and decides where it may not be.
     * generic, the specification, knows: its label is the lowest of the j of the smallest dist2 to
     * c->exact, its second +inf. norm2 is what norms makes, on the way. x->n <= KM_KERN_ROWS. x and
     * c are finite and so small that no product overflows. `packed` is what pack made of c (NULL
     * where there are no panels).
     */
    void (*nearest)(uint32_t *label, float *score, float *second, float *norm2,
                    const struct km_mat *x, const struct km_centers *c, const float *packed,
                    float *scratch);

    /**
     * score[i * centers + j] = half[from + j] - row[i] . c_(from + j): what nearest takes the
     * smallest of, for j = 0..centers-1 and n rows that may lie anywhere (padded as in a km_mat; d
     * >= 16). A product goes through KM_SCORE_CHAIN operations at most.
     */
    void (*scores)(float *score, const float *const *row, size_t n, const struct km_centers *c,
                   size_t from, size_t centers);

    /** score[i] = half[center[i]] - row[i] . c_center[i]: the same for n pairs of a row and a
     * center. */
    void (*pairs)(float *score, const float *const *row, const uint32_t *center, size_t n,
                  const struct km_centers *c);

    /*
     * What follows, up to min_dist2, gives the same BITS at every level, with every compiler and on
     * every CPU: results are made of it. No product is fused with a sum, and sums over the features
     * have one order:
     *
     *   d < 16   one chain, in the order of the features
     *   d >= 16  16 chains; feature t goes to chain t % 16. a[l] = c[l] + c[l + 8], and then
     *            of float64  ((a0 + a4) + (a2 + a6)) + ((a1 + a5) + (a3 + a7))
     *            of float32  ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))
     */

    /**
     * sum[t] += weight[i] * row[i][t] for t in 0..d-1, i = 0..n-1 in this order; weight NULL: 1
     * each. All rows go to one center, so the sum is loaded and stored once.
     */
    void (*add)(double *sum, const float *const *row, const double *weight, size_t n, size_t d);

    /** Adds every row to the sum and the count of its label, in order. */
    void (*scatter)(struct km_sums *sums, const struct km_mat *x, const uint32_t *label);

    /** norm2[i] = |x_i|^2 in float32. */
    void (*norms)(float *norm2, const struct km_mat *x);

    /** Sum of |x_i|^2 in float64, row after row. */
    double (*norm2)(const struct km_mat *x);

    /** |row - center|^2 by differences in float64: what decides where a row belongs. */
    double (*dist2)(const float *row, const double *center, size_t d);

    /** dist2[i] = min(dist2[i], |x_i - point|^2), by differences in float64, rounded once. The
     * point is padded like a row. */
    void (*min_dist2)(float *dist2, const struct km_mat *x, const float *point);

    /**
     * One panel of the nearest center of sparse rows: where a center j of panel p has half[j] +
     * scale[j] * (x_i . lane j) < score[i], label[i] and score[i] become that of the smallest (of
     * equals, as computed, the lowest j), and second[i] the smallest of the others. Panels are
     * taken in order, from score and second +inf and label 0.
     */
    void (*sparse_panel)(uint32_t *label, float *score, float *second, const struct km_csr *x,
                         const struct km_lanes *c, size_t p);
};

extern const struct km_kernels km_kernels_generic;
extern const struct km_kernels km_kernels_blas;
#if defined(__x86_64__)
extern const struct km_kernels km_kernels_avx2;
extern const struct km_kernels km_kernels_avx512;

/** The entries in which the levels vnni and vnni-zen4 differ from avx512. */
struct km_screen {
    struct km_layout (*layout)(size_t k, size_t d);
    void (*pack)(float *packed, const struct km_centers *c, size_t p);
    void (*nearest)(uint32_t *label, float *score, float *second, float *norm2,
                    const struct km_mat *x, const struct km_centers *c, const float *packed,
                    float *scratch);
    int (*pays)(const struct km_mat *x, const struct km_centers *c, const float *packed,
                float *scratch);
};
extern const struct km_screen km_screen_vnni, km_screen_vnni_zen4;
#endif

/** Every level that this CPU and its libraries can run, best first; NULL behind the last. For
 * tests: it loads what any of them needs. This and the next are called before there are other
 * threads. */
const struct km_kernels *const *km_kernels_all(void);

/**
 * The level of that name, or the best for NULL or "". A name that does not exist or that this CPU
 * cannot run is KM_E_INPUT (it came from the environment variable KM_ISA), never a fallback.
 * KM_E_SYS: it needs a library that is not there.
 */
int km_kernels_pick(const struct km_kernels **kern, const char *name, struct km_err *err);

/** Floats that are room for what the level, or its `plain`, packs of any number of centers up to
 * max_k. */
size_t km_kernels_room(const struct km_kernels *kern, size_t max_k, size_t d);

/** ", " and the name of the library that a picked level calls, for the first log line; "": none. */
const char *km_kernels_library(const struct km_kernels *kern);

#endif
