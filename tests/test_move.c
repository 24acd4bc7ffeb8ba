/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "base/scale.h"
#include "io/move.h"

#include <math.h>

#define D 3

/* Two dense rows, or the same as sparse ones. */
static struct km_rows make_rows(int sparse, float first, float last)
{
    const struct km_shape shape = {.d = D, .sparse = sparse};
    struct km_rows rows;
    struct km_err err;

    assert_ok(km_rows_init(&rows, &shape, (struct km_room){2, 2}, &err), err);
    for (size_t i = 0; i < 2; i++) {
        float v = i ? last : first;

        if (!sparse) {
            km_mat_row(&rows.dense, i)[1] = v;
            continue;
        }
        rows.sparse.at[i] = i;
        rows.sparse.len[i] = 1;
        rows.sparse.col[i] = 1;
        rows.sparse.val[i] = v;
        rows.sparse.n = rows.sparse.nnz = i + 1;
    }
    return rows;
}

static float value_of(const struct km_rows *rows, size_t i)
{
    return km_rows_are_sparse(rows) ? rows->sparse.val[i] : km_mat_row(&rows->dense, i)[1];
}

static void rows_stay_as_they_are_until_it_is_said(void **state)
{
    const float origin[D] = {1, 2, 3};
    struct km_move m = {0};
    struct km_err err;

    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        struct km_rows rows = make_rows(sparse, 5, 7);

        km_move_rows(&m, &rows, 0);
        assert_true(value_of(&rows, 0) == 5 && value_of(&rows, 1) == 7);
        assert_ok(km_move_set(&m, sparse ? NULL : origin, 1, D, &err), err);
        km_move_rows(&m, &rows, 0);
        assert_true(value_of(&rows, 0) == (sparse ? 10 : 6));
        assert_true(value_of(&rows, 1) == (sparse ? 14 : 10));
        assert_int_equal(m.exponent, 1);
        km_move_off(&m);
        km_move_rows(&m, &rows, 0);
        assert_true(value_of(&rows, 1) == (sparse ? 14 : 10));
        km_rows_done(&rows);
        km_move_done(&m);
    }
}

static void padding_stays_zero(void **state)
{
    const float origin[D] = {1, 2, 3};
    struct km_rows rows = make_rows(0, 5, 7);
    struct km_move m = {0};
    struct km_err err;

    (void)state;
    assert_ok(km_move_set(&m, origin, 0, D, &err), err);
    km_move_rows(&m, &rows, 0);
    assert_true(rows.dense.ld > D && km_mat_row(&rows.dense, 1)[D] == 0);
    assert_true(km_mat_row(&rows.dense, 1)[0] == -1);
    km_rows_done(&rows);
    km_move_done(&m);
}

/* A value that does not fit makes the exponent fall for its block, wherever it is, and for those
 * that follow. */
static void a_value_that_does_not_fit_makes_room_for_all(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        int sparse = way % 2, late = way / 2;
        struct km_rows rows = late ? make_rows(sparse, 1, 1e38F) : make_rows(sparse, 1e38F, 1);
        struct km_rows next = make_rows(sparse, 1, 1);
        struct km_move m = {0};
        struct km_err err;

        assert_ok(km_move_set(&m, NULL, 20, D, &err), err);
        km_move_rows(&m, &rows, 0);
        assert_true(m.exponent < 0);
        assert_true(value_of(&rows, (size_t)!late) == ldexpf(1, m.exponent));
        assert_true(value_of(&rows, (size_t)late) == ldexpf(1e38F, m.exponent));
        assert_true(value_of(&rows, (size_t)late) <= km_scale_limit(D));
        km_move_rows(&m, &next, 0);
        assert_true(value_of(&next, 0) == ldexpf(1, m.exponent));
        km_rows_done(&rows);
        km_rows_done(&next);
        km_move_done(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_stay_as_they_are_until_it_is_said),
        cmocka_unit_test(padding_stays_zero),
        cmocka_unit_test(a_value_that_does_not_fit_makes_room_for_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
