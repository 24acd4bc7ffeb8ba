/* SPDX-License-Identifier: Apache-2.0 */
/* Whether rows are clustered as sparse: by the format, the records, and how many values are 0. */
#include "tests/record_help.h"
#include "tests/team_help.h"

#include "train/shape.h"

#define N 40
#define D 24

/* What is chosen for a file; NULL: no file at all. */
static struct km_first_look look_at(const char *path, const struct km_format_kind *kind,
                                    int force_dense)
{
    const struct km_format format = {.kind = kind, .feature_dim = path ? 0 : D};
    struct km_files files = {0};
    struct km_team team = alone();
    struct km_first_look look;
    struct km_feed *feed;
    struct km_err err;

    if (path)
        assert_ok(km_files_add(&files, path, &err), err);
    assert_ok(km_feed_open(&feed, &files, &format, &err), err);
    assert_ok(km_shape_choose(&look, &team, feed, D, force_dense, &err), err);
    km_feed_close(feed);
    km_files_done(&files);
    km_comm_close(team.comm);
    assert_int_equal(look.shape.d, D);
    return look;
}

/* `some` values that are not 0 in a row, the first `sparse` records of which are sparse: dense or
 * not? */
static void check(size_t some, size_t sparse, int force_dense, int is_sparse)
{
    struct km_mat x = rows_with(N, D, some);
    struct km_first_look look =
        look_at(write_records("some.rec", &x, sparse), &km_format_recordio, force_dense);

    assert_int_equal(look.shape.sparse, is_sparse);
    assert_int_equal(look.shape.values, is_sparse ? some + 1 : D);
    assert_int_equal(look.least_row_bytes, sparse ? 16 : D * km_format_recordio.value_bytes);
    km_mat_done(&x);
}

static void text_is_dense_whatever_it_holds(void **state)
{
    char text[2 * D * N];
    size_t n = 0;

    (void)state;
    for (size_t i = 1; i <= D * N; i++) {
        text[n++] = '0';
        text[n++] = i % D ? ',' : '\n';
    }
    for (int force_dense = 0; force_dense < 2; force_dense++) {
        struct km_first_look look =
            look_at(test_file("zeros.csv", text, n), &km_format_csv, force_dense);

        assert_false(look.shape.sparse);
        assert_int_equal(look.shape.values, D);
        assert_int_equal(look.least_row_bytes, D * km_format_csv.value_bytes);
    }
}

static void any_sparse_record_is_enough(void **state)
{
    (void)state;
    check(2, 0, 0, 0);
    check(2, 1, 0, 1);
    check(2, N, 0, 1);
    check(D, 1, 0, 1);
}

static void forced_only_what_pays_stays_sparse(void **state)
{
    (void)state;
    check(2, 0, 1, 0);
    check(2, N / 2, 1, 0); /* not most of the records */
    check(2, N / 2 + 1, 1, 1);
    check(3, N, 1, 1); /* an eighth */
    check(4, N, 1, 0); /* a sixth is the limit */
    check(D, N, 1, 0);
}

/* Where nobody can look, records may be sparse; only those who insist get dense ones. */
static void without_rows_the_wish_decides(void **state)
{
    struct km_first_look look = look_at(NULL, &km_format_recordio, 0);

    (void)state;
    assert_true(look.shape.sparse);
    assert_int_equal(look.shape.values, 1);
    look = look_at(NULL, &km_format_recordio, 1);
    assert_false(look.shape.sparse);
    assert_int_equal(look.shape.values, D);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_dense_whatever_it_holds),
        cmocka_unit_test(any_sparse_record_is_enough),
        cmocka_unit_test(forced_only_what_pays_stays_sparse),
        cmocka_unit_test(without_rows_the_wish_decides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
