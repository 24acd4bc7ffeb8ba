/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a screen of 8-bit numbers (algo/kern/vnni.c) could get wrong, put to every level that this
 * CPU can run: a center that bounds hide, and numbers so small or large that bounds are lost.
 */
#include "tests/algo_test.h"

/* Memory that a level needs for rows of d features and k centers. */
struct room {
    struct packed packed;
    float *scratch;
};

static struct room make_room(const struct km_kernels *kern, const struct km_centers *c)
{
    struct room r = {pack_centers(kern, c), km_alloc(KM_KERN_SCRATCH, sizeof(float))};

    assert_non_null(r.scratch);
    return r;
}

static void done_room(struct room *r)
{
    packed_done(&r->packed);
    km_free(r->scratch);
}

static void label_rows(uint32_t *label, const struct km_kernels *kern, const struct km_mat *x,
                       const struct km_centers *c)
{
    struct room r = make_room(kern, c);
    float score[1000], second[1000], norm2[1000];

    assert_true(x->n <= 1000);
    kern->nearest(label, score, second, norm2, x, c, r.packed.v, r.scratch);
    done_room(&r);
}

/* 32 numbers of sixty-fourths: n + off with n of least..least + 3, and 127 once. */
static void steps_of(float *v, int least, double off, struct km_rng *rng)
{
    for (size_t t = 0; t < 32; t++)
        v[t] = (float)((least + (double)km_rng_below(rng, 4) + off) / 64);
    v[km_rng_below(rng, 32)] = 127.0F / 64;
}

static double sum_of(const float *v, double *norm2)
{
    double sum = 0;

    *norm2 = 0;
    for (size_t t = 0; t < 32; t++) {
        sum += (double)v[t];
        *norm2 += (double)v[t] * (double)v[t];
    }
    return sum;
}

/*
 * A row of two halves, and two centers, one in each; the first is nearer by a hair. What 8 bits
 * leave of the row (or of the centers) all speaks against the first and for the second, as far as
 * Cauchy-Schwarz allows.
 */
static void check_remainder(int in_row, uint64_t seed)
{
    struct km_mat x = make_mat(1, 64), rows = random_rows(200, 64, seed);
    struct km_centers c = random_centers(&rows, 200, 0);
    double norm2[2], sum[2], dot[2], scale[2], best;
    float *row = km_mat_row(&x, 0), half[2][32], center[64];
    struct km_rng rng;

    km_rng_seed(&rng, seed, 'r', 0);
    steps_of(half[0], in_row ? 60 : 0, 0.49, &rng);
    steps_of(half[1], 100, -0.49, &rng);
    for (int h = 0; h < 2; h++) {
        sum[h] = sum_of(half[h], &norm2[h]);
        dot[h] = sum[h];                   /* of the half and 1 */
        norm2[h] = in_row ? 32 : norm2[h]; /* of the center before it is scaled */
    }
    best = -0.5 * dot[0] * dot[0] / norm2[0]; /* score of the first, at its best scale */
    scale[0] = dot[0] / norm2[0];
    scale[1] = (dot[1] - sqrt(dot[1] * dot[1] + 2 * norm2[1] * best * (1 - 1e-4))) / norm2[1];
    for (size_t j = 0; j < c.k; j++) {
        for (size_t t = 0; t < 64; t++) { /* the others are far away */
            int h = j == 71 ? 0 : j == 14 ? 1 : 2;

            row[t] = in_row ? half[t / 32][t % 32] : 1;
            center[t] = h == 2 ? -1 : 0;
            if (h == (int)(t / 32))
                center[t] = (float)(scale[h] * (in_row ? 1 : (double)half[h][t % 32]));
        }
        km_centers_set(&c, j, center, 1);
    }
    for (size_t l = 0; km_kernels_all()[l]; l++) {
        uint32_t label;

        label_rows(&label, km_kernels_all()[l], &x, &c);
        if (label != 71)
            fail_msg("%s: center %u, remainder in the %s", km_kernels_all()[l]->name, label,
                     in_row ? "row" : "centers");
    }
    km_centers_done(&c);
    km_mat_done(&rows);
    km_mat_done(&x);
}

static void no_remainder_hides_the_nearest_center(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        check_remainder(0, seed);
        check_remainder(1, seed);
    }
}

/* Powers of two change no bit but the exponent, as long as products neither overflow nor are lost.
 * At 2^-68 they are denormal, and still tell random rows apart. */
static void labels_do_not_depend_on_the_unit_of_the_numbers(void **state)
{
    static const int exponents[] = {-68, -56, -50, -20, 30, 55};
    struct km_mat x = random_rows(1000, 96, 5), scaled = make_mat(1000, 96);
    struct km_centers c = random_centers(&x, 300, 1), scaled_c = random_centers(&x, 300, 1);
    uint32_t want[1000], label[1000];
    float center[96];

    (void)state;
    for (size_t l = 0; km_kernels_all()[l]; l++) {
        label_rows(want, km_kernels_all()[l], &x, &c);
        for (size_t e = 0; e < sizeof(exponents) / sizeof(exponents[0]); e++) {
            for (size_t i = 0; i < x.n; i++)
                for (size_t t = 0; t < x.d; t++)
                    km_mat_row(&scaled, i)[t] = ldexpf(km_mat_row(&x, i)[t], exponents[e]);
            for (size_t j = 0; j < c.k; j++) {
                for (size_t t = 0; t < x.d; t++)
                    center[t] = ldexpf(km_mat_row(&c.c, j)[t], exponents[e]);
                km_centers_set(&scaled_c, j, center, 1);
            }
            label_rows(label, km_kernels_all()[l], &scaled, &scaled_c);
            for (size_t i = 0; i < x.n; i++)
                if (label[i] != want[i])
                    fail_msg("%s: row %zu goes to center %u, times 2^%d to %u",
                             km_kernels_all()[l]->name, i, want[i], exponents[e], label[i]);
        }
    }
    km_mat_done(&x);
    km_mat_done(&scaled);
    km_centers_done(&c);
    km_centers_done(&scaled_c);
}

/* Random rows, moved by `offset`, and some of them as centers. */
static int pays_at(const struct km_kernels *kern, size_t d, float offset)
{
    struct km_mat x = random_rows(400, d, 3);
    struct km_centers c;
    struct room r;
    int pays;

    for (size_t i = 0; i < x.n; i++)
        for (size_t t = 0; t < d; t++)
            km_mat_row(&x, i)[t] += offset;
    c = random_centers(&x, 200, 1);
    r = make_room(kern, &c);
    pays = kern->pays(&x, &c, r.packed.v, r.scratch);
    done_room(&r);
    km_centers_done(&c);
    km_mat_done(&x);
    return pays;
}

static void a_screen_pays_unless_rows_are_far_from_the_origin(void **state)
{
    (void)state;
    for (size_t l = 0; km_kernels_all()[l]; l++) {
        const struct km_kernels *kern = km_kernels_all()[l];

        assert_true(!kern->plain == !kern->pays);
        if (!kern->plain)
            continue;
        assert_true(pays_at(kern, 100, 0));
        assert_false(pays_at(kern, 100, 1e4F));
        assert_true(pays_at(kern, 4, 1e4F)); /* so few features are not screened */
    }
}

/* Every 4th row is a center, and the others are as far from all of them. */
static void a_screen_is_not_fooled_by_rows_that_are_centers(void **state)
{
    struct km_mat x = random_rows(640, 16000, 7);
    struct km_centers c = random_centers(&x, 160, 1);

    (void)state;
    for (size_t j = 0; j < c.k; j++)
        km_centers_set(&c, j, km_mat_row(&x, 4 * j), 1);
    for (size_t l = 0; km_kernels_all()[l]; l++) {
        const struct km_kernels *kern = km_kernels_all()[l];

        if (kern->plain) {
            struct room r = make_room(kern, &c);

            assert_false(kern->pays(&x, &c, r.packed.v, r.scratch));
            done_room(&r);
        }
    }
    km_centers_done(&c);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_remainder_hides_the_nearest_center),
        cmocka_unit_test(labels_do_not_depend_on_the_unit_of_the_numbers),
        cmocka_unit_test(a_screen_pays_unless_rows_are_far_from_the_origin),
        cmocka_unit_test(a_screen_is_not_fooled_by_rows_that_are_centers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
