/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "base/rows.h"

/* Three rows of four features, as dense and as sparse ones: 1 0 2 0 | 0 0 -3 0 | 1 0 2 0 */
#define N 3
#define D 4

static const float values[N][D] = {{1, 0, 2, 0}, {0, 0, -3, 0}, {1, 0, 2, 0}};

static void fill_dense(struct km_rows *r)
{
    for (size_t i = 0; i < N; i++)
        memcpy(km_mat_row(&r->dense, i), values[i], sizeof(values[i]));
}

static void fill_sparse(struct km_rows *r)
{
    struct km_csr *s = &r->sparse;

    for (size_t i = 0; i < N; i++) {
        s->at[i] = s->nnz;
        for (uint32_t t = 0; t < D; t++)
            if (values[i][t] != 0) {
                s->col[s->nnz] = t;
                s->val[s->nnz++] = values[i][t];
            }
        s->len[i] = (uint32_t)(s->nnz - s->at[i]);
    }
    s->n = N;
}

static struct km_rows rows_of(int sparse)
{
    const struct km_shape shape = {D, sparse ? 2 : D, sparse};
    struct km_rows r;
    struct km_err err = {0};

    assert_ok(km_rows_init(&r, &shape, (struct km_room){N, 2 * N}, &err), err);
    if (sparse)
        fill_sparse(&r);
    else
        fill_dense(&r);
    return r;
}

static void both_kinds_answer_alike(void **state)
{
    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        struct km_rows r = rows_of(sparse);
        double norm2[N];

        assert_int_equal(km_rows_are_sparse(&r), sparse);
        assert_int_equal(km_rows_n(&r), N);
        assert_int_equal(km_rows_d(&r), D);
        assert_int_equal(km_rows_values(&r), sparse ? 5 : N * D);
        assert_true(km_rows_most(&r) == 3);
        km_rows_norms(norm2, &r, NULL);
        assert_true(norm2[0] == 5 && norm2[1] == 9 && norm2[2] == 5);
        assert_int_equal(km_rows_compare(&r, 0, 2), 0);
        assert_int_not_equal(km_rows_compare(&r, 0, 1), 0);
        assert_int_equal(km_rows_compare(&r, 0, 1), -km_rows_compare(&r, 1, 0));
        km_rows_done(&r);
    }
}

static void moved_rows_leave_the_zeros_of_sparse_ones(void **state)
{
    const float origin[D] = {1, 1, 1, 1};

    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        struct km_rows r = rows_of(sparse);
        double norm2[N];

        km_rows_norms(norm2, &r, origin);
        assert_true(norm2[1] == (sparse ? 9 : 1 + 1 + 16 + 1));
        km_rows_move(&r, origin, 1);
        assert_true(km_rows_most(&r) == (sparse ? 6 : 8));
        km_rows_scale(&r, -1);
        assert_true(km_rows_most(&r) == (sparse ? 3 : 4));
        km_rows_done(&r);
    }
}

static void a_view_has_its_rows_and_weights(void **state)
{
    const double weight[N] = {1, 2, 3};

    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        struct km_rows r = rows_of(sparse), view, none;
        const struct km_shape shape = {D, D, sparse};
        double norm2[1];

        assert_true(km_rows_weight(&r, 1) == 1);
        r.weight = weight;
        view = km_rows_view(&r, 1, 1);
        km_rows_norms(norm2, &view, NULL);
        assert_int_equal(km_rows_n(&view), 1);
        assert_true(norm2[0] == 9 && km_rows_weight(&view, 0) == 2);
        none = km_rows_none(&shape);
        assert_int_equal(km_rows_n(&none), 0);
        assert_int_equal(km_rows_d(&none), D);
        assert_int_equal(km_rows_are_sparse(&none), sparse);
        km_rows_done(&r);
    }
}

/* Two of three rows, behind two of the same: as two hosts would. */
static void rows_are_put_together(void **state)
{
    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        struct km_rows part = rows_of(sparse), all;
        const struct km_shape shape = {D, D, sparse};
        struct km_rows_list list[KM_ROWS_LISTS];
        size_t stored = km_rows_some_values(&part, 2);
        struct km_err err = {0};
        double norm2[4];

        assert_int_equal(stored, sparse ? 3 : 0);
        assert_ok(km_rows_init(&all, &shape, (struct km_room){4, 2 * stored}, &err), err);
        km_rows_place(&all, 0, 0, &part, 2);
        km_rows_place(&all, 2, stored, &part, 2);
        km_rows_complete(&all, 4);
        km_rows_norms(norm2, &all, NULL);
        assert_true(norm2[0] == 5 && norm2[1] == 9 && norm2[2] == 5 && norm2[3] == 9);
        assert_int_equal(km_rows_compare(&all, 1, 3), 0);
        assert_int_equal(km_rows_lists(&all, list), sparse ? 3 : 1);
        assert_int_equal(list[0].bytes, sparse ? 4 : all.dense.ld * 4);
        assert_true(list[0].items == (sparse ? (void *)all.sparse.len : (void *)all.dense.v));
        km_rows_done(&part);
        km_rows_done(&all);
    }
}

static void room_is_what_fits_but_enough(void **state)
{
    const struct km_shape dense = {100, 100, 0}, sparse = {1000, 10, 1};
    struct km_room room = km_shape_fit(&dense, 1 << 20, 16, 5);

    (void)state;
    assert_int_equal(room.rows, (1 << 20) / (112 * 4 + 16));
    assert_int_equal(room.values, 0);
    assert_true(km_shape_bytes(&dense, room) <= 1 << 20);
    assert_int_equal(km_shape_fit(&dense, 1000, 0, 5).rows, 5);
    room = km_shape_fit(&sparse, 1 << 20, 16, 5);
    assert_int_equal(room.rows, (1 << 20) / 64);
    assert_int_equal(room.values, (1 << 20) / 8);
    room = km_shape_fit(&sparse, 100, 0, 500);
    assert_int_equal(room.rows, 500);
    assert_int_equal(room.values, 5000);
    assert_true(km_shape_bytes(&sparse, room) == 500 * 64 + 5000 * 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_answer_alike),
        cmocka_unit_test(moved_rows_leave_the_zeros_of_sparse_ones),
        cmocka_unit_test(a_view_has_its_rows_and_weights),
        cmocka_unit_test(rows_are_put_together),
        cmocka_unit_test(room_is_what_fits_but_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
