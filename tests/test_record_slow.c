/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/hex_help.h"

#include "base/mem.h"
#include "io/record_slow.h"

#define KEY "0a06 76616c756573 "

static void a_record_that_unfolds_without_end_is_refused(void **state)
{
    enum { N = 300000 };
    struct km_record_reader *r;
    unsigned char *bytes = km_alloc(N, 1);
    struct km_err err;
    float row[1];
    int rc;

    (void)state;
    /* an entry of two bytes becomes a message, a list item and a scan item */
    for (size_t i = 0; i < N; i += 2)
        bytes[i] = 0x0a;
    assert_ok(km_record_reader_open(&r, &err), err);
    rc = km_record_slow_decode(r, bytes, N, row, 1, &err);
    assert_int_equal(rc, KM_E_INPUT);
    km_record_reader_close(r);
    km_free(bytes);
}

static void features_under_other_names_are_noted_once(void **state)
{
    static const char *const records[] = {
        "0a12 " KEY "1208 1206 0a04 0000803f",
        "0a12 " KEY "1208 1206 0a04 0000803f 0a14 0a04 6d6f7265 120c 120a 0a08 0000803f 0000803f",
        /* other entries in front; the known one again; bytes; one that does not print */
        "0a0c 0a01 78 1207 3a05 0a03 010203 0a12 " KEY "1208 1206 0a04 0000803f",
        "0a12 " KEY
        "1208 1206 0a04 0000803f 0a08 0a04 6d6f7265 1200 0a0b 0a02 7901 1205 4a03 0a01 78",
    };
    static const char *const texts[] = {"features[\"more\"] (2 values a record)",
                                        "features[\"x\"] (3 values a record)",
                                        "features[\"y?\"] (no numbers)"};
    static const size_t want[] = {0, 1, 2, 3};
    struct km_record_extras extras = {0};
    char text[KM_RECORD_EXTRA_TEXT];
    struct km_record_reader *r;
    unsigned char bytes[128];
    struct km_err err;
    float row[1];

    (void)state;
    assert_ok(km_record_reader_open(&r, &err), err);
    km_record_reader_note(r, &extras);
    for (int i = 0; i < 4; i++) {
        size_t n = from_hex(records[i], bytes, sizeof(bytes));

        assert_ok(km_record_slow_decode(r, bytes, n, row, 1, &err), err);
        assert_true(row[0] == 1);
        assert_int_equal(extras.n, want[i]);
    }
    for (int i = 0; i < 3; i++) {
        km_record_extra_text(text, &extras.of[i]);
        assert_string_equal(text, texts[i]);
    }
    km_record_reader_close(r);
}

static void names_of_features_are_bounded(void **state)
{
    struct km_record_extras extras = {0};
    struct km_record_extra extra = {.name = "a", .values = 1};
    char text[KM_RECORD_EXTRA_TEXT];

    (void)state;
    for (int i = 0; i < KM_RECORD_EXTRAS; i++, extra.name[0]++) {
        assert_int_equal(km_record_extras_add(&extras, &extra), 1);
        assert_int_equal(km_record_extras_add(&extras, &extra), 0);
    }
    assert_int_equal(extras.more, 0);
    assert_int_equal(km_record_extras_add(&extras, &extra), 0);
    assert_int_equal(extras.more, 1);
    km_record_extra_text(text, &extras.of[1]);
    assert_string_equal(text, "features[\"b\"] (1 value a record)");
    memset(extra.name, 'n', sizeof(extra.name) - 1);
    extra.values = SIZE_MAX;
    km_record_extra_text(text, &extra);
    assert_contains(text, "values a record)");
}

static void each_failed_allocation_is_told_and_leaks_nothing(void **state)
{
    unsigned char bytes[128];
    size_t n = from_hex("0a1e " KEY "1214 1212 0a08 00004040 00008040 1202 0103 1a02 8400", bytes,
                        sizeof(bytes));
    struct km_err err;
    float row[4];
    int rc = KM_E_MEM;
    size_t at;

    (void)state;
    for (at = 1; rc == KM_E_MEM; at++) {
        struct km_record_reader *r;

        km_alloc_fail_at(at);
        rc = km_record_reader_open(&r, &err);
        if (rc == KM_OK)
            rc = km_record_slow_decode(r, bytes, n, row, 4, &err);
        km_alloc_fail_at(0);
        km_record_reader_close(r);
    }
    assert_int_equal(rc, KM_OK);
    assert_int_equal(at, 5); /* reader, arena, marks */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_that_unfolds_without_end_is_refused),
        cmocka_unit_test(features_under_other_names_are_noted_once),
        cmocka_unit_test(names_of_features_are_bounded),
        cmocka_unit_test(each_failed_allocation_is_told_and_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
