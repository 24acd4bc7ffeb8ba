/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a line that did not parse, by what else is known of its file. */
#include "tests/io_help.h"
#include "tests/lines_help.h"

#include "io/csv_fail.h"

#include <inttypes.h>

/* Parses line number `line` of a file that was written before, and tells what is wrong with it. */
static void tell(const struct km_format *f, const struct km_header *header, const char *path,
                 const char *text, uint64_t line, struct km_err *err)
{
    const struct km_csv_shape shape = {(size_t)f->label_size, f->feature_dim, f->dialect, NULL};
    struct km_csv_fault fault = {.format = f,
                                 .header = header,
                                 .path = path,
                                 .text = text,
                                 .len = strlen(text),
                                 .line = line,
                                 .at = 100,
                                 .is_first = line == 1};
    float row[8];

    assert_int_equal(km_csv_parse(text, strlen(text), &shape, row, &fault.place, err), KM_E_INPUT);
    assert_int_equal(km_csv_fail(&fault, err), KM_E_INPUT);
    assert_contains(err->msg, path);
}

static void advice_on_the_width_is_by_who_decided_it(void **state)
{
    static const char first[] = "/data/first.csv";
    const struct {
        struct km_format f;
        uint64_t line;
        const char *says;
    } cases[] = {
        {{.feature_dim = 2},
         1,
         "3 columns, expected 2 features and no label (label_size=0); if "
         "the first column is a label, set the content type to text/csv;"
         "label_size=1"},
        {{.feature_dim = 3, .label_size = 1},
         1,
         "if the data has no label column, set the content "
         "type to text/csv;label_size=0"},
        {{.feature_dim = 8}, 1, "; set feature_dim to the number of features in the data"},
        {{.feature_dim = 2}, 5, "3 columns, but other lines have 2; give every line"},
        {{.feature_dim = 2, .dim_of = "the train channel"},
         1,
         "but the train channel has 2 features"},
        {{.feature_dim = 2, .dim_path = first},
         1,
         "expected 2 features as in the first row of "
         "/data/first.csv, and label_size=0"},
        {{.feature_dim = 2, .good_path = first}, 1, "as in the first row of /data/first.csv"},
    };
    const struct km_header none = {0};
    const char *path = test_file("wide.csv", "1,2,3\n", 6);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_format f = cases[i].f;
        struct km_err err;

        f.kind = &km_format_csv;
        tell(&f, &none, path, "1,2,3", cases[i].line, &err);
        assert_contains(err.msg, cases[i].says);
        assert_contains(err.msg, " at byte 100: ");
    }
}

static void the_file_s_own_first_row_is_named_by_its_line(void **state)
{
    const char *path = test_file("own.csv", "1,2\n1,2,3\n", 10);
    const struct km_header none = {0};
    struct km_format f = {.kind = &km_format_csv, .feature_dim = 2, .dim_path = path, .dim_row = 1};
    struct km_err err;

    (void)state;
    tell(&f, &none, path, "1,2,3", 2, &err);
    assert_contains(err.msg, "line 2 at byte 100: 3 columns, but line 1 has 2 columns");
}

static void a_column_has_its_name_and_its_byte(void **state)
{
    char line[] = "age,price";
    const struct km_header header = {.line = line, .len = 9, .columns = 2};
    struct km_format f = {.kind = &km_format_csv, .feature_dim = 2};
    struct km_err err;

    (void)state;
    tell(&f, &header, test_file("named.csv", "age,price\n1,2\n3,x\n", 18), "3,x", 3, &err);
    assert_contains(err.msg,
                    "line 3, column 2 (price) at byte 102: found \"x\", expected a number");
}

static void what_a_first_line_of_text_may_be_is_said(void **state)
{
    const struct km_header none = {0};
    struct km_format f = {.kind = &km_format_csv, .feature_dim = 2};
    struct km_err err;

    (void)state;
    tell(&f, &none, test_file("label.csv", "cat,2\n", 6), "cat,2", 1, &err);
    assert_contains(err.msg, "; if the first column is a label, say label_size=1; if the line is a "
                             "header, say header=present");
    f.header_rule = KM_HEADER_ABSENT;
    tell(&f, &none, test_file("label.csv", "cat,2\n", 6), "cat,2", 1, &err);
    assert_null(strstr(err.msg, "header=present"));
}

static void another_dialect_is_said_with_its_options(void **state)
{
    struct km_csv_lines semicolons = lines_of("1;2\n3;4\n"), usual = lines_of("1,2\n"),
                        thousands = lines_of("1,234;5\n6,789;7\n"),
                        excel = lines_of("sep=;\n1;2\n");
    const struct km_format f = {.kind = &km_format_csv};
    struct km_err err;

    (void)state;
    km_fail(&err, KM_E_INPUT, "it is wrong");
    assert_false(km_csv_fail_dialect(&f, &usual, &err));
    assert_string_equal(err.msg, "it is wrong");
    assert_true(km_csv_fail_dialect(&f, &semicolons, &err));
    assert_contains(err.msg,
                    "it is wrong; the first lines are columns separated by semicolons (;): "
                    "kmeans convert --separator ';' FILE --output rows.csv");
    km_fail(&err, KM_E_INPUT, "it is wrong");
    assert_true(km_csv_fail_dialect(&f, &thousands, &err));
    assert_contains(err.msg, "if they separate thousands, remove them");
    assert_true(km_csv_fail_dialect(&f, &excel, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advice_on_the_width_is_by_who_decided_it),
        cmocka_unit_test(the_file_s_own_first_row_is_named_by_its_line),
        cmocka_unit_test(a_column_has_its_name_and_its_byte),
        cmocka_unit_test(what_a_first_line_of_text_may_be_is_said),
        cmocka_unit_test(another_dialect_is_said_with_its_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
