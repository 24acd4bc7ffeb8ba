/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/request_help.h"

#include "base/mem.h"

#include <fcntl.h>

/* --- good requests --- */

static void the_files_of_the_platform_are_understood(void **state)
{
    struct reading t;

    (void)state;
    lay_out(
        &t,
        "{\"k\":\"10\",\"feature_dim\":\"784\",\"mini_batch_size\":\"500\","
        "\"extra_center_factor\":\"auto\",\"init_method\":\"kmeans++\",\"force_dense\":\"True\","
        "\"local_lloyd_tol\":\"1e-05\",\"eval_metrics\":\"[\\\"msd\\\",\\\"ssd\\\"]\"}",
        "{\"train\":{\"ContentType\":\"application/x-recordio-protobuf\","
        "\"TrainingInputMode\":\"FastFile\",\"S3DistributionType\":\"ShardedByS3Key\","
        "\"RecordWrapperType\":\"None\"},\n \"test\":{\"ContentType\":\"text/csv;label_size=0\","
        "\"TrainingInputMode\":\"File\",\"S3DistributionType\":\"FullyReplicated\","
        "\"RecordWrapperType\":\"None\"}}",
        "{\"current_group_name\":\"homogeneousCluster\",\"current_host\":\"algo-1\","
        "\"current_instance_type\":\"ml.p4d.24xlarge\",\"hosts\":[\"algo-1\"],"
        "\"network_interface_name\":\"eth0\",\"topology\":{}}");
    put(t.root, "input/data/train/b", "xxx");
    put(t.root, "input/data/train/a/z", "xx");
    put(t.root, "input/data/train/_SUCCESS", "x");
    put(t.root, "input/data/train-manifest", "prefix");
    put(t.root, "input/data/test/t.csv", "1");
    read_it(&t);
    assert_ok(t.rc, t.err);
    assert_int_equal(t.r.params.k, 10);
    assert_true(t.r.params.eval_ssd);
    assert_string_equal(t.r.host, "algo-1");
    assert_true(t.r.train.present && t.r.test.present);
    assert_int_equal(t.r.train.files.n, 2);
    assert_int_equal(t.r.train.files.total, 5);
    assert_contains(t.r.train.files.path[0], "/input/data/train/a/z");
    assert_ptr_equal(t.r.train.format.kind, &km_format_recordio);
    assert_int_equal(t.r.train.format.feature_dim, 784);
    assert_ptr_equal(t.r.test.format.kind, &km_format_csv);
    assert_int_equal(t.r.test.format.label_size, 0);
    assert_int_equal(t.r.test.format.feature_dim, 784);
    assert_contains(t.r.model_path, "/model/model_algo-1");
    assert_true(exists(t.root, "model"));
    assert_contains(t.log, "Reading provided configuration from ");
    assert_contains(t.log, "hyperparameters.json: {\"k\": \"10\", ");
    assert_contains(t.log, "Final configuration: {\"k\": \"10\", ");
    assert_contains(t.log, "Loaded iterator creator application/x-recordio-protobuf for content "
                           "type ('application/x-recordio-protobuf', '1.0')");
    assert_contains(t.log, "('text/csv', '1.0'), label_size=0");
    assert_contains(t.log, "Channel 'train': 2 file(s), 5 bytes");
    assert_null(strstr(t.log, "Ignored"));
    end(&t);
}

static void the_files_of_local_mode_are_understood(void **state)
{
    struct reading t;

    (void)state;
    lay_out(&t, NULL, "{\"train\": {\"TrainingInputMode\": \"File\"}}",
            "{\"current_host\": \"algo-1-tyqus\", \"hosts\": [\"algo-1-tyqus\"], "
            "\"network_interface_name\": \"eth0\", \"current_instance_type\": \"local\"}");
    put(t.root, HYPER,
        "{\"k\": \"10\", \"feature_dim\": \"784\", \"init_method\": \"\\\"kmeans++\\\"\", "
        "\"sagemaker_program\": \"\\\"algo.py\\\"\", \"_tuning_objective_metric\": \"test:msd\"}");
    put(t.root, "input/data/train/matrix_0.pbr", "x");
    read_it(&t);
    assert_ok(t.rc, t.err);
    assert_string_equal(t.r.host, "algo-1-tyqus");
    assert_contains(t.r.model_path, "/model/model_algo-1");
    assert_int_equal(t.r.params.init_method, KM_INIT_PLUSPLUS);
    assert_ptr_equal(t.r.train.format.kind, &km_format_recordio);
    assert_false(t.r.test.present);
    assert_contains(t.log, "Ignored hyperparameters, which mean nothing here: sagemaker_program, "
                           "_tuning_objective_metric");
    end(&t);
}

static void a_failure_file_of_an_earlier_run_is_removed(void **state)
{
    struct reading t;

    (void)state;
    lay_out(&t, GOOD_HYPER, NULL, NULL);
    put(t.root, "output/failure", "old");
    put(t.root, "input/data/train/a", "x");
    read_it(&t);
    assert_ok(t.rc, t.err);
    assert_false(exists(t.root, "output/failure"));
    end(&t);
    put(t.root, "output/failure/x", "a folder has that name");
    assert_int_equal(km_request_init(&t.r, t.root, &t.err), KM_E_SYS);
    assert_contains(t.err.msg, "/output/failure: cannot remove what an earlier run left");
    km_request_done(&t.r);
}

/* --- bad requests --- */

static void problems_of_all_files_are_reported_together(void **state)
{
    struct reading t;

    (void)state;
    lay_out(&t, "{\"k\":\"x\"}", "{\"train\":{\"ContentType\":\"csv\"},\"extra\":{}}", "{]");
    read_it(&t);
    assert_int_equal(t.rc, KM_E_INPUT);
    assert_int_equal(t.r.problems.list.n, 6);
    assert_int_equal(fail_it(&t), 2);
    assert_contains(t.log, "ERROR");
    assert_contains(t.log, "Customer Error: No value(s) were specified for 'feature_dim'");
    assert_contains(t.log, "Customer Error: The value 'x' is not valid for the 'k'");
    assert_contains(get(t.root, "output/failure"), "Customer Error: ");
    assert_contains(get(t.root, "output/failure"), "resourceconfig.json: line 1, column 2");
    end(&t);
}

static void a_missing_root_or_hyperparameter_file_is_named(void **state)
{
    struct reading t;

    (void)state;
    lay_out(&t, NULL, NULL, NULL);
    put(t.root, "input/data/train/a", "x");
    one_problem(&t, "hyperparameters.json: the file with the hyperparameters is missing");

    lay_out(&t, NULL, NULL, NULL);
    assert_int_equal(rmdir(t.root), 0);
    read_it(&t);
    assert_int_equal(t.rc, KM_E_INPUT);
    assert_contains(t.err.msg, "cannot be opened (No such file or directory), expected the folder "
                               "with input/config/hyperparameters.json");
    assert_int_equal(fail_it(&t), 2);
    assert_contains(t.log, "The failure text could not be written");
    end(&t);
}

static void a_model_folder_that_cannot_be_written_fails_before_training(void **state)
{
    struct reading t;

    (void)state;
    lay_out(&t, GOOD_HYPER, NULL, NULL);
    put(t.root, "input/data/train/a", "x");
    put(t.root, "model", "a file");
    read_it(&t);
    assert_int_equal(t.rc, KM_E_SYS);
    assert_contains(t.err.msg, "/model: cannot write the model into this folder: Not a directory");
    assert_int_equal(fail_it(&t), 3);
    assert_contains(get(t.root, "output/failure"), "Platform Error: ");
    end(&t);

    lay_out(&t, GOOD_HYPER, NULL, NULL);
    put(t.root, "input/data/train/a", "x");
    assert_int_equal(chmod(t.root, 0555), 0);
    if (geteuid() == 0 && seteuid(65534)) /* root may write anywhere */
        skip();
    read_it(&t);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(t.root, 0755), 0);
    assert_int_equal(t.rc, KM_E_SYS);
    assert_contains(t.err.msg, "/model: cannot create the folder for the model: Permission denied");
    end(&t);
}

static void a_root_with_too_long_a_path_is_an_error(void **state)
{
    struct km_request r;
    struct km_err err;
    char root[4096];

    (void)state;
    memset(root, 'a', sizeof(root) - 1);
    root[sizeof(root) - 1] = '\0';
    assert_int_equal(km_request_init(&r, root, &err), KM_OK);
    assert_string_equal(r.failure_path, "");
    km_request_done(&r);
}

/* --- files on a command line --- */

static void files_of_a_command_line_tell_their_format(void **state)
{
    static const struct {
        const char *bytes, *content_type;
        const struct km_format_kind *kind;
    } cases[] = {{"\x0a\x23\xd7\xce", NULL, &km_format_recordio},
                 {"1,2\n", NULL, &km_format_csv},
                 {"1\n", NULL, &km_format_csv},
                 {"1,2\n", "application/x-recordio-protobuf", &km_format_recordio}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct km_request r;
        struct km_settings *s;
        struct km_err err;
        char folder[256], path[300];
        char *train[] = {path}, *test[] = {folder};

        snprintf(folder, sizeof(folder), "%s", test_folder());
        snprintf(path, sizeof(path), "%s/data", folder);
        put(folder, "data", cases[i].bytes);
        assert_int_equal(km_request_init(&r, NULL, &err), KM_OK);
        assert_ok(km_settings_open(&s, &err), err);
        assert_ok(km_settings_set(s, "k", "2", &err), err);
        assert_ok(km_request_files(&r, train, 1, test, 1, cases[i].content_type, s, &err), err);
        assert_ptr_equal(r.train.format.kind, cases[i].kind);
        assert_ptr_equal(r.test.format.kind, cases[i].kind);
        if (r.train.format.kind == &km_format_csv)
            assert_int_equal(r.train.format.label_size, 0);
        assert_int_equal(r.train.format.feature_dim, 0);
        assert_true(r.train.present && r.test.present);
        assert_int_equal(r.test.files.n, 1);
        assert_string_equal(r.failure_path, "");
        assert_string_equal(r.model_path, "");
        km_request_done(&r);
        km_settings_close(s);
    }
}

static void bad_files_of_a_command_line_are_problems(void **state)
{
    static char *const none[] = {NULL};
    char folder[256], missing[300], fifo[300];
    static char name[] = KM_STDIN;
    char *paths[] = {missing, folder}, *pipes[] = {fifo}, *standard_input[] = {name};
    struct km_request r;
    struct km_settings *s;
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(missing, sizeof(missing), "%s/missing", folder);
    assert_int_equal(km_request_init(&r, NULL, &err), KM_OK);
    assert_ok(km_settings_open(&s, &err), err);
    assert_int_equal(km_request_files(&r, paths, 2, none, 0, "csv", s, &err), KM_E_INPUT);
    assert_int_equal(r.problems.list.n, 4);
    assert_contains(r.problems.list.s[0], "/missing: no such file or folder");
    assert_contains(r.problems.list.s[1], "(it is empty)");
    assert_contains(r.problems.list.s[2], "ContentType ('csv', '1.0')");
    assert_int_equal(km_failure_report(r.failure_path, &r.problems, &err), 2);
    km_request_done(&r);
    km_settings_close(s);

    assert_int_equal(km_request_init(&r, NULL, &err), KM_OK);
    assert_ok(km_settings_open(&s, &err), err);
    assert_ok(km_settings_set(s, "k", "2", &err), err);
    assert_int_equal(km_request_files(&r, none, 0, none, 0, NULL, s, &err), KM_E_INPUT);
    assert_string_equal(err.msg, "There is no file to train on: name at least one");
    km_request_done(&r);
    km_settings_close(s);

    snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(km_request_init(&r, NULL, &err), KM_OK);
    assert_ok(km_settings_open(&s, &err), err);
    assert_ok(km_settings_set(s, "k", "2", &err), err);
    km_request_rank(&r, 0, 2); /* alone, it would wait for the first bytes */
    assert_int_equal(km_request_files(&r, pipes, 1, none, 0, NULL, s, &err), KM_E_INPUT);
    assert_contains(err.msg, "/fifo: the content type of what is no regular file must be given");
    assert_int_equal(km_request_files(&r, pipes, 1, standard_input, 1, "text/csv", s, &err),
                     KM_E_INPUT);
    assert_contains(err.msg, "(-) can be read by one process only, but 2 train together");
    km_request_done(&r);
    km_settings_close(s);
}

/* --- memory --- */

/* Lets each allocation of a reading fail in turn; at the end the reading's own code must come. */
static void fail_each_allocation(struct reading *t, int expected)
{
    size_t n = 0;

    do {
        km_alloc_fail_at(++n);
        read_it(t);
        km_alloc_fail_at(0);
        if (t->rc != KM_E_MEM && t->rc != expected)
            fail_msg("allocation %zu: rc %d", n, t->rc);
        if (t->rc)
            assert_int_equal(fail_it(t), 2);
        end(t);
        t->s = NULL;
    } while (t->rc == KM_E_MEM);
    assert_true(n > 10); /* the sweep met allocations at all */
}

static void every_failing_allocation_ends_in_an_error(void **state)
{
    struct reading t;

    (void)state;
    lay_out(&t, GOOD_HYPER, "{\"train\":{}}", "{\"hosts\":[\"algo-1\"]}");
    put(t.root, "input/data/train/a", "x");
    fail_each_allocation(&t, KM_OK);
    lay_out(&t, GOOD_HYPER, "{\"extra\":{}}", "{\"hosts\":5}");
    fail_each_allocation(&t, KM_E_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_files_of_the_platform_are_understood),
        cmocka_unit_test(the_files_of_local_mode_are_understood),
        cmocka_unit_test(a_failure_file_of_an_earlier_run_is_removed),
        cmocka_unit_test(problems_of_all_files_are_reported_together),
        cmocka_unit_test(a_missing_root_or_hyperparameter_file_is_named),
        cmocka_unit_test(a_model_folder_that_cannot_be_written_fails_before_training),
        cmocka_unit_test(a_root_with_too_long_a_path_is_an_error),
        cmocka_unit_test(files_of_a_command_line_tell_their_format),
        cmocka_unit_test(bad_files_of_a_command_line_are_problems),
        cmocka_unit_test(every_failing_allocation_ends_in_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
