/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "io/content_type.h"

static void content_types_are_read_as_mime(void **state)
{
    static const struct {
        const char *text;
        const struct km_format_kind *kind;
        int label_size;
    } fine[] = {
        {NULL, &km_format_recordio, -1},
        {"  ", &km_format_recordio, -1},
        {"application/x-recordio-protobuf", &km_format_recordio, -1},
        {" Application/X-RecordIO-Protobuf ; label_size=1", &km_format_recordio, -1},
        {"text/csv", &km_format_csv, -1},
        {"text/csv;", &km_format_csv, -1},
        {"TEXT/CSV;LABEL_SIZE=0", &km_format_csv, 0},
        {"text/csv; label_size=1; charset=utf8", &km_format_csv, 1},
        {"text/csv; charset=\"a;b\\\"=\" ; label_size = \"12\"", &km_format_csv, 12},
        {"text/csv;label_size=2147483647", &km_format_csv, INT32_MAX},
        {"text/csv;;flag;label_size=3", &km_format_csv, 3},
        {"text/csv;label_size=2;header=absent;LABEL_SIZE=2;header=absent", &km_format_csv, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        struct km_format format;
        struct km_err err;
        char name[128];

        assert_ok(km_content_type_parse(fine[i].text, &format, name, sizeof(name), NULL, &err),
                  err);
        assert_ptr_equal(format.kind, fine[i].kind);
        assert_int_equal(format.label_size, fine[i].label_size);
        assert_int_equal(format.feature_dim, 0);
        assert_string_equal(
            name, fine[i].kind == &km_format_csv ? "text/csv" : "application/x-recordio-protobuf");
    }
}

static void indices_of_svmlight_count_from_one_or_zero(void **state)
{
    static const struct {
        const char *text;
        int from_zero;
    } cases[] = {{"text/libsvm", 0},
                 {"text/x-libsvm;index_base=1", 0},
                 {"Text/LibSVM; charset=utf-8; index_base=0", 1}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct km_format format;
        struct km_err err;
        char name[128];

        assert_ok(km_content_type_parse(cases[i].text, &format, name, sizeof(name), NULL, &err),
                  err);
        assert_ptr_equal(format.kind, &km_format_svmlight);
        assert_int_equal(format.from_zero, cases[i].from_zero);
    }
}

static void the_name_of_an_array_keeps_its_letters(void **state)
{
    struct km_format format;
    struct km_err err;
    char name[128];

    (void)state;
    assert_ok(km_content_type_parse("Application/X-NPY; Member= X_train ", &format, name,
                                    sizeof(name), NULL, &err),
              err);
    assert_ptr_equal(format.kind, &km_format_npy);
    assert_string_equal(format.member, "X_train");
}

static void content_types_that_are_not_known_say_what_is(void **state)
{
    static const struct {
        const char *text, *problem;
    } wrong[] = {
        {"csv", "No iterator has been registered for ContentType ('csv', '1.0'). Accepted"},
        {"Text/Plain;x=1", "ContentType ('text/plain', '1.0'). Accepted content types: "
                           "'application/x-recordio-protobuf', 'text/csv;label_size=N', "
                           "'application/x-npy;member=NAME', 'text/libsvm;index_base=0|1', "},
        {";label_size=0", "ContentType ('', '1.0')"},
        {"text/csv,label_size=0", "ContentType ('text/csv,label_size=0', '1.0')"},
        {"text/csv;label_size=-1", "The value '-1' is not valid for label_size"},
        {"text/csv;label_size=1.5", "The value '1.5' is not valid for label_size"},
        {"text/csv;label_size", "The value '' is not valid for label_size"},
        {"text/csv;label_size=2147483648", "The value '2147483648' is not valid for label_size"},
        {"text/csv;label_size=99999999999999999999", "is not valid for label_size"},
        {"text/csv;label_size=0;label_size=1",
         "has label_size twice, as '0' and as '1'; give it once"},
        {"text/csv;header=present;header=absent", "has header twice, as 'present' and as 'absent'"},
        {"application/x-npy;member=", "The value '' is not valid for member"},
        {"text/libsvm;index_base=2", "The value '2' is not valid for index_base"},
        {"text/libsvm;index_bas=0", "has the parameter 'index_bas'; did you mean index_base=0?"},
        {"text/csv;charset=\"utf8", "has a quote (\") that does not end"},
        {"text/csv;charset=\"utf8\\", "has a quote (\") that does not end"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct km_format format;
        struct km_err err;
        char name[128];

        assert_int_equal(
            km_content_type_parse(wrong[i].text, &format, name, sizeof(name), NULL, &err),
            KM_E_INPUT);
        assert_contains(err.msg, wrong[i].problem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_types_are_read_as_mime),
        cmocka_unit_test(indices_of_svmlight_count_from_one_or_zero),
        cmocka_unit_test(the_name_of_an_array_keeps_its_letters),
        cmocka_unit_test(content_types_that_are_not_known_say_what_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
