/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/io_help.h"

#include "io/output.h"

#include <unistd.h>

static void every_name_of_an_input_is_refused(void **state)
{
    char rows[300], hard[300], soft[300], chain[300], dots[320], other[300];
    char *inputs[] = {other, rows};
    const char *const same[] = {rows, hard, soft, chain, dots};
    struct km_err err;

    (void)state;
    snprintf(rows, sizeof(rows), "%s", test_file("rows", "1\n", 2));
    snprintf(other, sizeof(other), "%s", test_file("other", "1\n", 2));
    snprintf(hard, sizeof(hard), "%s", test_path("hard"));
    snprintf(soft, sizeof(soft), "%s", test_path("soft"));
    snprintf(chain, sizeof(chain), "%s", test_path("chain"));
    snprintf(dots, sizeof(dots), "%.*s/./rows", (int)(strrchr(rows, '/') - rows), rows);
    assert_int_equal(link(rows, hard), 0);
    assert_int_equal(symlink("rows", soft), 0);
    assert_int_equal(symlink(soft, chain), 0);
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        assert_int_equal(km_output_not_input(same[i], inputs, 2, &err), KM_E_INPUT);
        assert_contains(err.msg, same[i]);
        assert_contains(err.msg, "is a file of the data (");
        assert_int_equal(km_output_not_input(rows, (char *[]){(char *)same[i]}, 1, &err),
                         KM_E_INPUT);
    }
    assert_ok(km_output_not_input(rows, inputs, 1, &err), err);
    assert_ok(km_output_not_input(test_path("new"), inputs, 2, &err), err);
    assert_ok(km_output_not_input("/dev/null", (char *[]){(char *)"/dev/null"}, 1, &err), err);
}

static void suffixes_promise(void **state)
{
    static const struct {
        const char *path;
        enum km_promise promise;
    } cases[] = {
        {"rows.csv", KM_PROMISE_CSV},
        {"a.b/ROWS.CSV", KM_PROMISE_CSV},
        {"rows.txt", KM_PROMISE_TEXT},
        {"rows.pbr", KM_PROMISE_RECORDIO},
        {"rows.rec", KM_PROMISE_RECORDIO},
        {"rows.recordio", KM_PROMISE_RECORDIO},
        {"rows.pb", KM_PROMISE_RECORDIO},
        {"rows.svm", KM_PROMISE_SVMLIGHT},
        {"rows.libsvm", KM_PROMISE_SVMLIGHT},
        {"rows.fvecs", KM_PROMISE_OTHER},
        {"model.tar.gz", KM_PROMISE_PACKED_MODEL},
        {"model.TGZ", KM_PROMISE_PACKED_MODEL},
        {"model.params", KM_PROMISE_MODEL},
        {"rows.npy", KM_PROMISE_OTHER},
        {"rows.npz", KM_PROMISE_OTHER},
        {"rows.parquet", KM_PROMISE_OTHER},
        {"rows.xlsx", KM_PROMISE_OTHER},
        {"rows.json", KM_PROMISE_OTHER},
        {"rows.csv.gz", KM_PROMISE_OTHER},
        {"rows.csv.zip", KM_PROMISE_OTHER},
        {"model.tar", KM_PROMISE_OTHER},
        {"rows.h5", KM_PROMISE_OTHER},
        {"rows.feather", KM_PROMISE_OTHER},
        {"rows.arrow", KM_PROMISE_OTHER},
        {"model.pkl", KM_PROMISE_OTHER},
        {"model.onnx", KM_PROMISE_OTHER},
        {"rows.tsv", KM_PROMISE_OTHER},
        {"rows.tfrecord", KM_PROMISE_OTHER},
        {"rows.TFRecords", KM_PROMISE_OTHER},
        {"images.idx", KM_PROMISE_OTHER},
        {"images.idx3.ubyte", KM_PROMISE_OTHER},
        {"train-images-idx3-ubyte", KM_PROMISE_OTHER},
        {"rows.dta", KM_PROMISE_OTHER},
        {"model_algo-1", KM_PROMISE_NONE},
        {"model.v2", KM_PROMISE_NONE},
        {"data.csv/rows", KM_PROMISE_NONE},
        {".csv", KM_PROMISE_NONE},
        {"csv", KM_PROMISE_NONE},
        {"-", KM_PROMISE_NONE},
        {"", KM_PROMISE_NONE},
    };
    const char *what;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(km_output_promise(cases[i].path, &what), cases[i].promise);
        assert_int_equal(what != NULL, cases[i].promise != KM_PROMISE_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_of_an_input_is_refused),
        cmocka_unit_test(suffixes_promise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
