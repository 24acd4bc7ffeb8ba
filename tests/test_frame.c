/* SPDX-License-Identifier: Apache-2.0 */
/* Where rows lie while they are clustered: near 0, with squares that float32 has. */
#include "tests/algo_test.h"
#include "tests/team_help.h"

#include "base/scale.h"
#include "train/frame.h"

#define N 41
#define D 5

/* Normal rows times `scale`, moved by `offset`. */
static struct km_mat rows_at(float scale, float offset)
{
    struct km_mat x = random_rows(N, D, 3);

    for (size_t i = 0; i < N; i++)
        for (size_t t = 0; t < D; t++)
            km_mat_row(&x, i)[t] = km_mat_row(&x, i)[t] * scale + offset;
    return x;
}

static struct km_row_frame frame_of(const struct km_rows *rows)
{
    struct km_team team = alone();
    struct km_row_frame f;
    struct km_err err;

    assert_ok(km_row_frame_init(&f, D, &err), err);
    assert_ok(km_row_frame_choose(&f, &team, rows, &err), err);
    assert_int_equal(f.agreed, f.exponent);
    assert_false(km_row_frame_fell(&f));
    km_comm_close(team.comm);
    return f;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The middle of the distances to the frame's origin, as the frame takes them. */
static double middle(const struct km_mat *x, const struct km_row_frame *f)
{
    double origin[D], dist[N];

    for (size_t t = 0; t < D; t++)
        origin[t] = (double)f->origin[t];
    for (size_t i = 0; i < N; i++)
        dist[i] = sqrt(brute_dist2(km_mat_row(x, i), origin, D));
    qsort(dist, N, sizeof(*dist), by_number);
    return ldexp(dist[N / 2], f->exponent);
}

static void ordinary_rows_keep_their_scale_and_lie_around_the_origin(void **state)
{
    static const float scales[] = {1, 1e-6F, 1e6F};

    (void)state;
    for (size_t s = 0; s < 3; s++) {
        struct km_mat x = rows_at(scales[s], 1000 * scales[s]);
        struct km_rows rows = km_rows_of_mat(&x);
        struct km_row_frame f = frame_of(&rows);

        assert_int_equal(f.exponent, 0);
        assert_true(km_row_frame_unit2(&f) == 1);
        for (size_t t = 0; t < D; t++)
            assert_near((double)f.origin[t], 1000 * (double)scales[s], 2 * (double)scales[s]);
        km_row_frame_done(&f);
        km_mat_done(&x);
    }
}

static void tiny_and_huge_rows_come_near_one(void **state)
{
    static const float scales[] = {1e-30F, 1e-14F, 1e14F, 1e17F};

    (void)state;
    for (size_t s = 0; s < 4; s++) {
        struct km_mat x = rows_at(scales[s], 0);
        struct km_rows rows = km_rows_of_mat(&x);
        struct km_row_frame f = frame_of(&rows);

        assert_true(s < 2 ? f.exponent > 40 : f.exponent < -40);
        assert_true(middle(&x, &f) >= 1 && middle(&x, &f) < 2);
        assert_true(km_row_frame_unit2(&f) == pow(2, -2.0 * f.exponent));
        km_row_frame_done(&f);
        km_mat_done(&x);
    }
}

/* The usual row says 2^80, but the largest is to fit. */
static void the_largest_row_bounds_the_exponent(void **state)
{
    struct km_mat x = rows_at(1e-25F, 0);
    struct km_rows rows = km_rows_of_mat(&x);
    struct km_row_frame f;
    double most;

    (void)state;
    km_mat_row(&x, 7)[2] = -3;
    f = frame_of(&rows);
    most = ldexp(3, f.exponent);
    assert_at_most(most, (double)km_scale_limit(D));
    assert_true(2 * most > (double)km_scale_limit(D)); /* and no lower than that */
    km_row_frame_done(&f);
    km_mat_done(&x);
}

static void equal_rows_have_no_scale_of_their_own(void **state)
{
    struct km_mat x = rows_at(0, 1e-30F);
    struct km_rows rows = km_rows_of_mat(&x);
    struct km_row_frame f = frame_of(&rows);

    (void)state;
    assert_int_equal(f.exponent, 0);
    for (size_t t = 0; t < D; t++)
        assert_true(f.origin[t] == 1e-30F);
    km_row_frame_done(&f);
    rows.dense.n = 1; /* one row is equal to itself */
    f = frame_of(&rows);
    assert_int_equal(f.exponent, 0);
    km_row_frame_done(&f);
    km_mat_done(&x);
}

static void sparse_rows_keep_their_zeros(void **state)
{
    struct km_mat x = rows_at(1e-20F, 3e-20F);
    struct km_csr s = sparse_of(&x);
    struct km_rows rows = km_rows_of_csr(&s);
    struct km_row_frame f = frame_of(&rows);

    (void)state;
    for (size_t t = 0; t < D; t++)
        assert_true(f.origin[t] == 0);
    assert_true(middle(&x, &f) >= 1 && middle(&x, &f) < 2);
    km_row_frame_done(&f);
    km_mat_done(&x);
    km_csr_done(&s);
}

static void a_block_is_brought_to_the_frame_unless_it_does_not_fit(void **state)
{
    struct km_mat x = random_rows(N, D, 4), y = random_rows(N, D, 4);
    struct km_batch b = {.rows = {.dense = y}, .exponent = 3, .path = "part-7"};
    struct km_row_frame f = {.exponent = -2};
    struct km_err err;

    (void)state;
    assert_ok(km_row_frame_bring(&f, &b, &err), err);
    assert_int_equal(b.exponent, -2);
    for (size_t i = 0; i < N; i++)
        for (size_t t = 0; t < D; t++)
            assert_true(km_mat_row(&y, i)[t] == km_mat_row(&x, i)[t] / 32);
    assert_ok(km_row_frame_bring(&f, &b, &err), err); /* it is there */
    assert_true(km_mat_row(&y, 0)[0] == km_mat_row(&x, 0)[0] / 32);
    f.exponent = -1;
    assert_int_equal(km_row_frame_bring(&f, &b, &err), KM_E_INPUT);
    assert_contains(err.msg, "part-7 has larger values than when it was read before");
    assert_int_equal(b.exponent, -2);
    km_mat_done(&x);
    km_mat_done(&y);
}

static void a_lack_of_memory_is_told(void **state)
{
    struct km_team team = alone();
    struct km_mat x = rows_at(1, 0);
    struct km_rows rows = km_rows_of_mat(&x);
    struct km_row_frame f;
    struct km_err err;
    size_t n = 0;
    int rc = KM_E_MEM;

    (void)state;
    km_alloc_fail_at(1);
    assert_int_equal(km_row_frame_init(&f, D, &err), KM_E_MEM);
    km_row_frame_done(&f);
    assert_ok(km_row_frame_init(&f, D, &err), err);
    for (; rc == KM_E_MEM; n++) {
        km_alloc_fail_at(n + 1);
        rc = km_row_frame_choose(&f, &team, &rows, &err);
    }
    km_alloc_fail_at(0);
    assert_ok(rc, err);
    assert_true(n > 2);
    km_row_frame_done(&f);
    assert_null(f.origin);
    km_mat_done(&x);
    km_comm_close(team.comm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_rows_keep_their_scale_and_lie_around_the_origin),
        cmocka_unit_test(tiny_and_huge_rows_come_near_one),
        cmocka_unit_test(the_largest_row_bounds_the_exponent),
        cmocka_unit_test(equal_rows_have_no_scale_of_their_own),
        cmocka_unit_test(sparse_rows_keep_their_zeros),
        cmocka_unit_test(a_block_is_brought_to_the_frame_unless_it_does_not_fit),
        cmocka_unit_test(a_lack_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
