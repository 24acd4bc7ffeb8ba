/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/npy_help.h"

#include "io/npy.h"

static int read_header(struct km_npy *x, int version, const char *dict, struct km_err *err)
{
    const unsigned char *file;
    size_t n = make_npy(&file, version, dict, "values", 6);
    struct km_stream *s;
    int rc;

    assert_ok(km_stream_open_memory(&s, "file", file, n, err), *err);
    rc = km_npy_read(x, s, err);
    if (rc == KM_OK)
        assert_int_equal(km_stream_at(s), n - 6);
    km_stream_close(s);
    return rc;
}

static void headers_of_every_version_and_writer_are_read(void **state)
{
    static const struct {
        const char *dict;
        struct km_npy x;
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n",
         {{'f', 4, 0}, 0, 2, 3, 4}},
        {"{\"shape\":(3,),\"descr\":\">i8\",\"fortran_order\":True}", {{'i', 8, 1}, 1, 1, 3, 1}},
        {" { 'descr' : '|u1' , 'fortran_order' : False , 'shape' : ( 2L , 3 , 4 ) } ",
         {{'u', 1, 0}, 0, 3, 2, 12}},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': ()}", {{'u', 1, 0}, 0, 0, 1, 1}},
        {"{'descr': '=f2', 'fortran_order': False, 'shape': (0, 4)}", {{'f', 2, 0}, 0, 2, 0, 4}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (int version = 1; version <= 3; version++) {
            const struct km_npy *want = &cases[i].x;
            struct km_npy x;
            struct km_err err;

            assert_ok(read_header(&x, version, cases[i].dict, &err), err);
            assert_int_equal(x.of.kind, want->of.kind);
            assert_int_equal(x.of.bytes, want->of.bytes);
            assert_int_equal(x.of.big_endian, want->of.big_endian);
            assert_int_equal(x.fortran, want->fortran);
            assert_int_equal(x.axes, want->axes);
            assert_int_equal(x.rows, want->rows);
            assert_int_equal(x.dim, want->dim);
        }
    }
}

#define SHAPE "'fortran_order': False, 'shape': (3, 4)}"

static void other_headers_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *dict, *says;
    } cases[] = {
        {"{'descr': '|O', " SHAPE, "file: byte 19: found values of type '|O' (Python objects"},
        {"{'descr': '<c8', " SHAPE, "(complex numbers)"},
        {"{'descr': '<U5', " SHAPE, "(text)"},
        {"{'descr': '|S5', " SHAPE, "(text)"},
        {"{'descr': '<M8[ns]', " SHAPE, "(dates or times)"},
        {"{'descr': '<f16', " SHAPE, "(long doubles)"},
        {"{'descr': '|f1', " SHAPE, "expected integers or floats"},
        {"{'descr': '|b2', " SHAPE, "expected integers or floats"},
        {"{'descr': '<i3', " SHAPE, "expected integers or floats"},
        {"{'descr': '', " SHAPE, "expected integers or floats"},
        {"{'descr': [('a', '<f4')], " SHAPE, "found an array of records with names"},
        {"{'descr': 5, " SHAPE, "found \"5, 'fort"},
        {"{'descr': '<f4, " SHAPE, "found values of type '<f4, '"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 4)}", "expected True or False"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': 3}", "expected a shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-3, 4)}", "expected sizes of axes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3 4)}", "expected a comma or )"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,", "expected sizes of axes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 99999999999999999999)}",
         "expected sizes of axes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 99999999, 99999999)}",
         "expected sizes of axes"},
        {"{'descr': '<f4', 'fortran_order': False}", "expected descr, fortran_order and shape"},
        {"{'descr': '<f4', 'descr': '<f4', " SHAPE, "each once"},
        {"{'more': 1, " SHAPE, "each once"},
        {"{'descr' '<f4', " SHAPE, "each once"},
        {"{'descr': '<f4', " SHAPE " x", "and then the end"},
        {"['descr', '<f4']", "expected {"},
        {"{descr}", "expected a name or }"},
        {"", "expected {"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_npy x;
        struct km_err err;

        assert_int_equal(read_header(&x, 1, cases[i].dict, &err), KM_E_INPUT);
        assert_contains(err.msg, cases[i].says);
    }
}

static void other_first_bytes_and_long_headers_are_refused(void **state)
{
    static const struct {
        const char *bytes, *says;
    } cases[] = {
        {"\x93NUMPX\1\0\6\0......", "file: byte 0: found 93 4e 55 ... 01, expected the first"},
        {"\x93NUMPY\4\0\6\0......", "... 04, expected"},
        {"\x93NUMPY\2\0\0\0\1\0....", "byte 8: found a header of 65536 bytes, expected at most"},
        {"\x93NUMPY\1\0\7\0......", "byte 16: the file ends within its header"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_npy x;
        struct km_stream *s;
        struct km_err err;

        assert_ok(km_stream_open_memory(&s, "file", cases[i].bytes, 16, &err), err);
        assert_int_equal(km_npy_read(&x, s, &err), KM_E_INPUT);
        assert_contains(err.msg, cases[i].says);
        km_stream_close(s);
    }
}

static void what_is_written_is_read(void **state)
{
    const struct km_npy x = {{'i', 2, 1}, 0, 2, UINT64_MAX, (uint64_t)1 << 40};
    unsigned char header[KM_NPY_HEADER];
    struct km_npy y;
    struct km_stream *s;
    struct km_err err;

    (void)state;
    assert_int_equal(km_npy_write(header, &x), KM_NPY_HEADER);
    assert_true(km_npy_is(header, 6) && !km_npy_is(header, 5));
    assert_ok(km_stream_open_memory(&s, "file", header, sizeof(header), &err), err);
    assert_ok(km_npy_read(&y, s, &err), err);
    assert_int_equal(km_stream_at(s), KM_NPY_HEADER);
    assert_true(y.rows == x.rows && y.dim == x.dim && y.axes == 2 && !y.fortran);
    assert_true(y.of.kind == 'i' && y.of.bytes == 2 && y.of.big_endian);
    km_stream_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_of_every_version_and_writer_are_read),
        cmocka_unit_test(other_headers_are_refused_with_their_place),
        cmocka_unit_test(other_first_bytes_and_long_headers_are_refused),
        cmocka_unit_test(what_is_written_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
