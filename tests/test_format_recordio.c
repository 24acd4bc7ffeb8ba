/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scan_help.h"

#include "io/recordio.h"

static unsigned char file[1000];

/* Records [1, 0], [2, 0], ... one behind the other; their bytes. */
static size_t make_file(int records)
{
    size_t n = 0;

    for (int i = 1; i <= records; i++) {
        const float row[2] = {(float)i, 0};

        assert_true(n + km_format_recordio.row_bytes(2) <= sizeof(file));
        n += km_format_recordio.write(file + n, row, 2);
    }
    return n;
}

static void written_records_are_rows_again_dense_and_sparse(void **state)
{
    size_t n = make_file(3);
    struct km_format f = {.kind = &km_format_recordio, .feature_dim = 2};
    struct km_scan s = scan_bytes(&f, file, n);
    struct km_csr x;
    struct km_raw raw;
    struct km_err err;
    int was_sparse = 1;
    float row[2];

    (void)state;
    assert_ok(km_csr_init(&x, 3, 6, 2, &err), err);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(f.kind->next(&s, &raw, &err), KM_MORE);
        assert_int_equal(s.number, i);
        assert_int_equal(raw.at, (size_t)(i - 1) * n / 3);
        assert_ok(f.kind->decode(&s, &raw, row, &err), err);
        assert_true(row[0] == (float)i && row[1] == 0);
        assert_ok(f.kind->decode_sparse(&s, &raw, &x, row, &was_sparse, &err), err);
        assert_false(was_sparse);
        assert_int_equal(x.nnz, i);
    }
    assert_int_equal(f.kind->next(&s, &raw, &err), KM_OK);
    km_csr_done(&x);
    scan_close(&s);
}

static void a_range_begins_and_ends_between_records(void **state)
{
    size_t n = make_file(4), each = n / 4;

    (void)state;
    for (uint64_t from = 1; from < n; from++) {
        struct km_format f = {.kind = &km_format_recordio, .feature_dim = 2};
        struct km_scan s = scan_bytes(&f, file, n);
        struct km_raw raw;
        struct km_err err;
        uint64_t first = (from + each - 1) / each;

        assert_ok(f.kind->find(&s, from, &err), err);
        s.end = n - 1;
        for (uint64_t i = first; i < 4; i++) {
            assert_int_equal(f.kind->next(&s, &raw, &err), KM_MORE);
            assert_int_equal(raw.at, i * each);
        }
        assert_int_equal(f.kind->next(&s, &raw, &err), KM_OK);
        s.end = 1; /* behind the end of its range */
        assert_int_equal(f.kind->next(&s, &raw, &err), KM_OK);
        scan_close(&s);
    }
}

static void the_width_is_that_of_the_record_and_bounds_its_length(void **state)
{
    struct km_format f = {.kind = &km_format_recordio};
    struct km_scan s = scan_bytes(&f, file, make_file(1));
    struct km_raw raw;
    struct km_err err;
    size_t dim;

    (void)state;
    assert_int_equal(f.kind->longest(&f), KM_RECORDIO_MAX);
    assert_int_equal(f.kind->next(&s, &raw, &err), KM_MORE);
    assert_ok(f.kind->width(&s, &raw, &dim, &err), err);
    assert_int_equal(dim, 2);
    f.feature_dim = 2;
    assert_int_equal(f.kind->longest(&f), 32 + (1 << 16) + (1 << 20));
    f.feature_dim = KM_RECORD_DIM_MAX;
    assert_int_equal(f.kind->longest(&f), KM_RECORDIO_MAX);
    scan_close(&s);
}

static void another_width_is_told_by_who_decided_it(void **state)
{
    static const struct {
        const char *dim_path, *good_path, *dim_of, *says;
    } cases[] = {
        {NULL, NULL, NULL, "record 1 at byte 0: 2 features, expected 5 (feature_dim)"},
        {"first", NULL, NULL, "2 features, but the first row of first has 5"},
        {NULL, "good", "the train channel", "2 features, but the first row of good has 5"},
        {NULL, NULL, "the train channel", "2 features, but the train channel has 5; give both"},
    };
    size_t n = make_file(1);

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct km_format f = {.kind = &km_format_recordio,
                              .feature_dim = 5,
                              .dim_path = cases[i].dim_path,
                              .good_path = cases[i].good_path,
                              .dim_of = cases[i].dim_of};
        struct km_scan s = scan_bytes(&f, file, n);
        struct km_raw raw;
        struct km_err err;
        float row[5];

        assert_int_equal(f.kind->next(&s, &raw, &err), KM_MORE);
        assert_int_equal(f.kind->decode(&s, &raw, row, &err), KM_E_INPUT);
        assert_int_equal((f.kind->fail)(&s, &raw, &err), KM_E_INPUT);
        assert_contains(err.msg, cases[i].says);
        scan_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_records_are_rows_again_dense_and_sparse),
        cmocka_unit_test(a_range_begins_and_ends_between_records),
        cmocka_unit_test(the_width_is_that_of_the_record_and_bounds_its_length),
        cmocka_unit_test(another_width_is_told_by_who_decided_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
