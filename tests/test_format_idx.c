/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scan_help.h"

/* Two images of 1 x 3 pixels. */
static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0,
                                       1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255};

static void images_are_rows_of_their_pixels(void **state)
{
    struct km_format f = {.kind = &km_format_idx};
    struct km_scan s = scan_bytes(&f, images, sizeof(images));
    struct km_raw raw;
    struct km_err err;
    float row[3];
    size_t dim;

    (void)state;
    assert_int_equal(f.kind->next(&s, &raw, &err), KM_MORE);
    assert_ok(f.kind->width(&s, &raw, &dim, &err), err);
    assert_int_equal(dim, 3);
    f.feature_dim = dim;
    assert_int_equal(f.kind->next(&s, &raw, &err), KM_MORE);
    assert_int_equal(s.number, 2);
    assert_int_equal(raw.at, 19);
    assert_ok(f.kind->decode(&s, &raw, row, &err), err);
    assert_true(row[0] == 4 && row[1] == 5 && row[2] == 255);
    assert_int_equal(f.kind->next(&s, &raw, &err), KM_OK);
    scan_close(&s);
}

static void images_of_another_size_are_told(void **state)
{
    struct km_format f = {.kind = &km_format_idx, .feature_dim = 784};
    struct km_scan s = scan_bytes(&f, images, sizeof(images));
    struct km_raw raw;
    struct km_err err;
    float row[784];

    (void)state;
    assert_int_equal(f.kind->next(&s, &raw, &err), KM_MORE);
    assert_int_equal(f.kind->decode(&s, &raw, row, &err), KM_E_INPUT);
    assert_int_equal((f.kind->fail)(&s, &raw, &err), KM_E_INPUT);
    assert_string_equal(err.msg, "file: item 1 at byte 16: 3 pixels, expected 784; give images of "
                                 "the same size");
    scan_close(&s);
}

static void labels_are_no_rows(void **state)
{
    static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 9};
    struct km_format f = {.kind = &km_format_idx};
    struct km_scan s = {.format = &f};
    struct km_err err;

    (void)state;
    assert_ok(km_stream_open_memory(&s.stream, "labels", labels, sizeof(labels), &err), err);
    assert_int_equal(f.kind->open(&s, &err), KM_E_INPUT);
    assert_contains(err.msg, "labels: byte 3: found 1 axis, expected 2 or more: this is a file of "
                             "labels, and k-means takes no labels");
    scan_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_rows_of_their_pixels),
        cmocka_unit_test(images_of_another_size_are_told),
        cmocka_unit_test(labels_are_no_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
