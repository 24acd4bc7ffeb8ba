/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/io_help.h"

#include "io/gunzip.h"

#include <zlib.h>

static struct km_stream *open_bytes(const void *bytes, size_t n)
{
    struct km_stream *s;
    struct km_err err;

    assert_ok(km_stream_open_memory(&s, "file", bytes, n, &err), err);
    return s;
}

static void each_row_of_the_table_is_whole_and_found_by_its_words(void **state)
{
    const struct km_format_kind *kind;
    int channels = 0;

    (void)state;
    for (size_t i = 0; (kind = km_format_at(i)); i++) {
        assert_true(kind->name && kind->longest && kind->next && kind->width && kind->decode &&
                    kind->fail && kind->value_bytes > 0);
        assert_ptr_equal(km_format_named(kind->word), kind);
        assert_true(!kind->is || (kind->found && kind->todo));
        assert_true(!kind->may_be_sparse || kind->sparse_row_bytes > 0);
        assert_true(!kind->write == !kind->row_bytes);
        assert_true(kind->may_be_sparse == (kind->decode_sparse != NULL));
        if (!kind->content_type)
            continue;
        assert_ptr_equal(km_format_of_type(kind->content_type), kind);
        assert_true(kind->find && kind->accepted && kind->assumed); /* hosts divide channels */
        channels++;
    }
    assert_true(channels >= 2);
    assert_ptr_equal(km_format_at(0), &km_format_recordio); /* the platform's default */
    assert_null(km_format_named("parquet"));
    assert_null(km_format_of_type("text/plain"));
}

static void first_bytes_tell_a_kind_or_none(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const struct km_format_kind *kind, *guess;
    } cases[] = {
        {"\x0a\x23\xd7\xce\1", 5, &km_format_recordio, &km_format_recordio},
        {"\x0a\x23\xd7", 3, NULL, &km_format_csv},
        {"\0\0\x08\3", 4, &km_format_idx, &km_format_csv}, /* no channel may hold it */
        {"\x93NUMPY\1\0", 8, &km_format_npy, &km_format_npy},
        {"1 3:0.5\n", 8, &km_format_svmlight, &km_format_svmlight},
        {"1,2\n", 4, NULL, &km_format_csv},
        {"", 0, NULL, &km_format_csv},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const unsigned char *p = (const unsigned char *)cases[i].bytes;

        assert_ptr_equal(km_format_of_bytes(p, cases[i].n), cases[i].kind);
        assert_ptr_equal(km_format_guess(p, cases[i].n, "file"), cases[i].guess);
    }
}

static void a_suffix_tells_where_bytes_do_not(void **state)
{
    static const struct {
        const char *bytes, *path;
        const struct km_format_kind *kind;
    } cases[] = {
        {"\4\0\0\0", "a/b.fvecs", &km_format_fvecs},
        {"\4\0\0\0", "B.FVECS", &km_format_fvecs},
        {"\4\0\0\0", "fvecs", NULL},
        {"\4\0\0\0", "a.fvecs.old", NULL},
        {"\0\0\x08\3", "a.u8bin", &km_format_u8bin}, /* 50,855,936 rows, and no idx */
        {"\x0a\x23\xd7\xce", "a.svmlight", &km_format_recordio},
        {"1\n2\n", "a.svmlight", &km_format_svmlight},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_ptr_equal(km_format_of_file((const unsigned char *)cases[i].bytes, 4, cases[i].path),
                         cases[i].kind);
}

static void a_stream_is_detected_and_nothing_of_it_is_taken(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const struct km_format_kind *kind; /* NULL: refused */
        const char *says;
    } cases[] = {
        {"\x0a\x23\xd7\xce", 4, &km_format_recordio, NULL},
        {"\0\0\x08\3\0\0\0\1", 8, &km_format_idx, NULL},
        {"1,2\n", 4, &km_format_csv, NULL},
        {"\1\2\3", 3, &km_format_csv, NULL},
        {"", 0, &km_format_csv, NULL},
        {"\x93NUMPY\1\0", 8, &km_format_npy, NULL},
        {"PAR1\x15\4\x15", 7, NULL,
         "file: the file is a Parquet file, expected RecordIO-protobuf, CSV, idx, numpy, svmlight "
         "(libsvm), fvecs, bvecs, ivecs, fbin, u8bin or i8bin; convert it"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_stream *s = open_bytes(cases[i].bytes, cases[i].n);
        const struct km_format_kind *kind = NULL;
        struct km_err err;
        int rc = km_format_detect(&kind, &s, &err);

        assert_int_equal(rc, cases[i].kind ? KM_OK : KM_E_INPUT);
        if (rc)
            assert_contains(err.msg, cases[i].says);
        assert_ptr_equal(kind, cases[i].kind);
        assert_int_equal(km_stream_at(s), 0);
        km_stream_close(s);
    }
}

static void gzip_is_looked_through_for_formats_that_are_read_so(void **state)
{
    static const struct {
        const char *bytes;
        uLong n;
        const struct km_format_kind *kind;
    } cases[] = {{"\0\0\x08\3\0\0\0\1", 8, &km_format_idx},
                 {"1,2\n", 4, NULL},
                 {"\x0a\x23\xd7\xce", 4, NULL}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const char *path = test_path("zipped.gz");
        const struct km_format_kind *kind = NULL;
        gzFile f = gzopen(path, "wb");
        struct km_stream *s;
        struct km_err err;
        int rc;

        assert_non_null(f);
        assert_int_equal(gzwrite(f, cases[i].bytes, (unsigned)cases[i].n), cases[i].n);
        assert_int_equal(gzclose(f), Z_OK);
        assert_ok(km_stream_open(&s, path, &err), err);
        rc = km_format_detect(&kind, &s, &err);
        if (cases[i].kind) {
            assert_ok(rc, err);
            assert_ptr_equal(kind, cases[i].kind);
            assert_false(km_stream_again(s)); /* it is the decompressed one */
        } else {
            assert_int_equal(rc, KM_E_INPUT);
            assert_contains(err.msg, "byte 0: found gzip that holds no idx file; only idx is read "
                                     "compressed: the file is gzip-compressed; decompress");
        }
        km_stream_close(s);
    }
}

static void a_place_stands_in_front_of_a_message(void **state)
{
    struct km_stream *s = open_bytes("", 0);
    const struct km_scan scan = {.stream = s, .number = 7};
    struct km_err err;

    (void)state;
    km_fail(&err, KM_E_INPUT, "it is wrong");
    assert_int_equal(km_format_place(&err, &scan, "record", 90), KM_E_INPUT);
    assert_string_equal(err.msg, "file: record 7 at byte 90: it is wrong");
    km_stream_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_of_the_table_is_whole_and_found_by_its_words),
        cmocka_unit_test(first_bytes_tell_a_kind_or_none),
        cmocka_unit_test(a_suffix_tells_where_bytes_do_not),
        cmocka_unit_test(a_stream_is_detected_and_nothing_of_it_is_taken),
        cmocka_unit_test(gzip_is_looked_through_for_formats_that_are_read_so),
        cmocka_unit_test(a_place_stands_in_front_of_a_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
