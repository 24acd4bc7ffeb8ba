/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "io/record.h"
#include "io/unframed.h"

static unsigned char record[200];

static size_t make_record(void)
{
    const float row[5] = {1, 2, 3, 4, 5}, label = 1;

    return km_record_encode(record, row, 5, &label);
}

static void a_record_is_known_from_its_first_bytes_on(void **state)
{
    size_t n = make_record();

    (void)state;
    for (size_t cut = 20; cut <= 2 + (size_t)record[1]; cut++) /* within its features */
        assert_true(km_unframed_record(record, cut));
    assert_true(km_unframed_record(record, n));
    assert_false(km_unframed_record(record, 0));
}

/* Behind their lengths, and as many of them as are there. */
static void records_behind_their_lengths_are_known(void **state)
{
    unsigned char all[500];
    size_t n = make_record(), used = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        all[used++] = (unsigned char)n;
        memcpy(all + used, record, n);
        used += n;
    }
    for (size_t cut = 1 + n; cut <= used; cut++)
        assert_true(km_unframed_delimited(all, cut));
    assert_false(km_unframed_delimited(record, n));
    assert_false(km_unframed_record(all, used));
}

static void other_bytes_are_none(void **state)
{
    static const char *const others[] = {"1,2,3\n",      "\x0a\x23\xd7\xce\4",
                                         "\x0a\2\x0a\1", "PAR1",
                                         "\x08\x96\1",   "\x0a\x7f\x0a\4a\1bc\x12\x71"};

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        const unsigned char *p = (const unsigned char *)others[i];

        assert_false(km_unframed_record(p, strlen(others[i])));
        assert_false(km_unframed_delimited(p, strlen(others[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_known_from_its_first_bytes_on),
        cmocka_unit_test(records_behind_their_lengths_are_known),
        cmocka_unit_test(other_bytes_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
