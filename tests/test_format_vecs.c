/* SPDX-License-Identifier: Apache-2.0 */
/* fvecs, bvecs, ivecs, and fbin, u8bin, i8bin. */
#include "tests/rows_help.h"

#define B(s) s, sizeof(s) - 1

/* Two rows of three values in each format. */
static const struct {
    const struct km_format_kind *kind;
    const char *bytes;
    size_t n;
    float rows[6];
} files[] = {
    {&km_format_fvecs,
     B("\3\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\0\xc0\3\0\0\0\0\0\x80\x40\0\0\0\0\0\0\x80\x3f"),
     {1, 2, -2, 4, 0, 1}},
    {&km_format_bvecs, B("\3\0\0\0\1\2\xff\3\0\0\0\4\0\1"), {1, 2, 255, 4, 0, 1}},
    {&km_format_ivecs,
     B("\3\0\0\0\1\0\0\0\2\0\0\0\xfe\xff\xff\xff\3\0\0\0\4\0\0\0\0\0\0\0\1\0\0\0"),
     {1, 2, -2, 4, 0, 1}},
    {&km_format_fbin,
     B("\2\0\0\0\3\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\0\xc0\0\0\x80\x40\0\0\0\0\0\0\x80\x3f"),
     {1, 2, -2, 4, 0, 1}},
    {&km_format_u8bin, B("\2\0\0\0\3\0\0\0\1\2\xff\4\0\1"), {1, 2, 255, 4, 0, 1}},
    {&km_format_i8bin, B("\2\0\0\0\3\0\0\0\1\2\xff\4\0\1"), {1, 2, -1, 4, 0, 1}},
};
#define N_FILES (sizeof(files) / sizeof(*files))

static struct km_format format_of(size_t i)
{
    return (struct km_format){.kind = files[i].kind, .label_size = -1};
}

static void rows_are_read_whole_and_in_ranges(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FILES; i++) {
        struct read_rows got = read_rows(format_of(i), files[i].bytes, files[i].n);

        assert_read(&got, files[i].rows, 2, 3);
        cut_in_two(format_of(i), files[i].bytes, files[i].n);
    }
}

/* A cut between two vectors cannot be told; of a header that counts them any cut can. */
static void every_cut_and_change_is_rows_or_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FILES; i++) {
        int counted = i >= 3;

        hurt_each_byte(format_of(i), files[i].bytes, files[i].n, counted);
        for (size_t cut = 1; cut < files[i].n; cut++) {
            struct read_rows got = read_rows(format_of(i), files[i].bytes, cut);

            assert_int_equal(got.rc, !counted && cut == files[i].n / 2 ? KM_OK : KM_E_INPUT);
        }
    }
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    static const struct {
        const struct km_format_kind *kind;
        const char *bytes;
        size_t n;
        const char *says;
    } cases[] = {
        {&km_format_fvecs, B("\0\0\0\0"), "file: byte 0: found rows of 0 values, expected 1 to"},
        {&km_format_fvecs, B("1,2\n"), "expected 1 to 134217719; check that the file is fvecs"},
        {&km_format_fvecs, B("\1\0\0\0\0\0\xc0\x7f"), "file: row 1 at byte 0: value 1 is NaN"},
        {&km_format_bvecs, B("\1\0\0\0\5\2\0\0\0\5\6"),
         "file: row 2 at byte 5: found 2 in front of it, expected 1, the number of values"},
        {&km_format_bvecs, B("\1\0\0\0\5\1\0"),
         "file: byte 7: the file ends within row 2, expected rows of 5 bytes each; fetch"},
        {&km_format_bvecs, B("\1"), "file: byte 1: the file ends within row 1"},
        {&km_format_u8bin, B("\1\0\0\0\0\0\0\0"), "file: byte 4: found rows of 0 values"},
        {&km_format_u8bin, B("\2\0\0\0\1\0\0\0\5"),
         "file: byte 9: the file ends within row 2, expected 2 rows of 1 bytes each, as its "
         "header"},
        {&km_format_u8bin, B("\1\0\0\0\1\0\0\0\5\6"),
         "file: byte 9: found more bytes, expected the end after 1 rows of 1 bytes each"},
        {&km_format_u8bin, B("\1\0\0"), "file: byte 3: the file ends within its header"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct km_format f = {.kind = cases[i].kind, .label_size = -1};
        struct read_rows got = read_rows(f, cases[i].bytes, cases[i].n);

        assert_int_equal(got.rc, KM_E_INPUT);
        assert_contains(got.err.msg, cases[i].says);
    }
}

/* Any bytes are fine where the kind was named. */
static void first_bytes_of_another_format_are_a_number_of_rows(void **state)
{
    static const unsigned char head[] = {0x89, 'P', 'N', 'G', 1, 0, 0, 0, 7};
    const struct km_format f = {.kind = &km_format_u8bin, .label_size = -1};
    struct read_rows got = read_rows(f, head, sizeof(head));

    (void)state;
    assert_int_equal(got.rc, KM_E_INPUT);
    assert_contains(got.err.msg, "expected 1196314761 rows of 1 bytes each");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_whole_and_in_ranges),
        cmocka_unit_test(every_cut_and_change_is_rows_or_an_error),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(first_bytes_of_another_format_are_a_number_of_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
