/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/io_help.h"

#include "base/number.h"
#include "tests/number_help.h"

#include <math.h>

static void numbers_are_what_strtof_says(void **state)
{
    static const char *const good[] = {
        "0",
        "-0",
        "1",
        "+1",
        "-1.5",
        ".5",
        "1.",
        "1.e2",
        "1e5",
        "1E+5",
        "1e-05",
        "00012",
        "0.1",
        "255",
        "  3.25",
        "3.25 \t",
        "1.234567890123456789e-01",
        "9.99999999999999999999999e-30",
        /* halfway between two floats, and a hair beside it */
        "16777217",
        "16777219",
        "16777217.0000000000000000000001",
        "16777216.9999999999999999",
        "0.500000029802322387695312500",
        "0.500000029802322387695312501",
        "0.500000029802322387695312499",
        "1.00000017881393432617187499",
        "1.00000017881393432617187500",
        "1.00000017881393432617187501",
        "9007199254740993",
        "9007199791611905",
        "340282346638528859811704183484516925440",
        "3.4028235e38",
        "340282356779733661637539395458142568447",
        "1.17549435e-38",
        "1.17549428e-38",
        "1.1754942807573643e-38",
        "1e-45",
        "7.0064923216240854e-46",
        "7.0064923216240862e-46",
        "1e-46",
        "1e-400",
        "0e999999999999",
        "0.0e-99999",
        "1e-66",
        "1e-67",
        "123456789012345678901234567890e-20",
        "0.000000000000000000000000000001234567890123456789",
        "100000000000000000000000000000000000000",
        "0.00000000000000000000000000000000000000000000001",
    };
    static const char *const bad[] = {
        "",
        " ",
        "nan",
        "inf",
        "-inf",
        "1e",
        "1e+",
        "+-1",
        "--1",
        "1_000",
        "0x10",
        "1,5",
        "abc",
        "1a",
        ".",
        "e5",
        "1 2",
        "1e5.0",
        "-",
        "+",
        "1..2",
        "1f",
        "NaN",
        "1e39",
        "-3.5e38",
        "1e999999999999999999999",
        "340282356779733661637539395458142568448",
        "\xef\xbc\x91",
    };
    float v;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        float expected = strtof(good[i], NULL);

        if (km_parse_float(good[i], strlen(good[i]), &v))
            fail_msg("\"%s\" was refused", good[i]);
        if (memcmp(&v, &expected, sizeof(v)) != 0)
            fail_msg("\"%s\" is %.9g, expected %.9g", good[i], (double)v, (double)expected);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (km_parse_float(bad[i], strlen(bad[i]), &v) == 0)
            fail_msg("\"%s\" was taken as %g", bad[i], (double)v);
    }
    assert_int_equal(km_parse_float("1\0", 2, &v), -1);
}

static void a_million_random_numbers_are_what_strtof_says(void **state)
{
    struct km_rng g;
    size_t taken = 0;

    (void)state;
    km_rng_seed(&g, test_seed(), 2, 0);
    for (int i = 0; i < 1000000; i++) {
        char text[128];
        char *end;
        int n = number_random(&g, text, sizeof(text));
        float expected = strtof(text, &end);
        float v = 0;
        int rc = km_parse_float(text, (size_t)n, &v);

        if (*end || !isfinite(expected) || n == 0) {
            if (rc == 0)
                fail_msg("\"%s\" was taken", text);
            continue;
        }
        if (rc || memcmp(&v, &expected, sizeof(v)) != 0)
            fail_msg("\"%s\" is %d, %.9g, expected %.9g", text, rc, (double)v, (double)expected);
        taken++;
    }
    assert_true(taken > 800000);
}

static void a_number_is_taken_as_far_as_it_goes(void **state)
{
    static const struct {
        const char *text;
        char point;
        int taken; /* -1: none is there */
        float value;
    } cases[] = {
        {"1.5,2", '.', 3, 1.5F}, {"1,5;2", ',', 3, 1.5F}, {"1,5", '.', 1, 1},
        {"-7e2x", '.', 4, -700}, {"1e", '.', -1, 0},      {"x", '.', -1, 0},
        {"", '.', -1, 0},        {" 1", '.', -1, 0},      {".5.5", '.', 2, 0.5F},
        {"12", '.', 2, 12},      {"2.,", ',', 1, 2},      {"-", ',', -1, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *text = cases[i].text, *end = text + strlen(text);
        float v = 0;
        const char *rest = km_take_decimal(text, end, cases[i].point, &v);

        assert_int_equal(rest ? rest - text : -1, cases[i].taken);
        assert_true(!rest || v == cases[i].value);
        if (cases[i].point == '.')
            assert_ptr_equal(km_take_number(text, end, &v), rest);
    }
}

static void no_byte_behind_the_end_is_read(void **state)
{
    float v;

    (void)state;
    assert_int_equal(km_parse_float("1234", 2, &v), 0);
    assert_true(v == 12);
    assert_int_equal(km_parse_float("1e5", 2, &v), -1);
}

/* As many digits as must be, and no more. */
static void what_is_printed_is_short_and_reads_back(void **state)
{
    static const struct {
        float v;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0F, "-0"},
                 {0.1F, "0.1"},
                 {123456, "123456"},
                 {1e6F, "1e+06"},
                 {1e-45F, "1e-45"},
                 {16777216, "16777216"},
                 {0.3F, "0.3"},
                 {-2.5F, "-2.5"},
                 {3.4028235e38F, "3.4028235e+38"}};
    char text[KM_FLOAT_TEXT];
    struct km_rng g;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(km_float_print(text, cases[i].v), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
    km_rng_seed(&g, test_seed(), 2, 1);
    for (int i = 0; i < 100000; i++) {
        uint32_t bits = (uint32_t)km_rng_next(&g);
        float v, back;
        size_t n;

        memcpy(&v, &bits, sizeof(v));
        if (!isfinite(v))
            continue;
        n = km_float_print(text, v);
        assert_int_equal(n, strlen(text));
        assert_int_equal(km_parse_float(text, n, &back), 0);
        assert_memory_equal(&back, &v, sizeof(v));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_what_strtof_says),
        cmocka_unit_test(a_million_random_numbers_are_what_strtof_says),
        cmocka_unit_test(a_number_is_taken_as_far_as_it_goes),
        cmocka_unit_test(no_byte_behind_the_end_is_read),
        cmocka_unit_test(what_is_printed_is_short_and_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
