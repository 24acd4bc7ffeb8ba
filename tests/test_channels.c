/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: what inputdataconfig.json and the folders say. */
#include "tests/request_help.h"

#include <unistd.h>

static void without_channel_names_the_folders_that_exist_are_read(void **state)
{
    static const char *const configs[] = {NULL, "{}"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct reading t;

        lay_out(&t, GOOD_HYPER, configs[i], NULL);
        put(t.root, "input/data/train/a", "x");
        if (i)
            put(t.root, "input/data/test/a", "x");
        put(t.root, "input/data/train-manifest", "x");
        read_it(&t);
        assert_ok(t.rc, t.err);
        assert_string_equal(t.r.host, "algo-1");
        assert_true(t.r.train.present);
        assert_int_equal(t.r.test.present, i);
        end(&t);
    }
}

static void bad_channels_are_problems_that_name_the_channel(void **state)
{
    static const struct {
        const char *config, *problem;
    } cases[] = {
        {"{\"test\":{},\"train\":[]}", "inputdataconfig.json: channel 'train' is not an object"},
        {"{\"test\":{}}", "The required channel 'train' is missing: the request has 'test'"},
        {"{\"train\":{},\"model\":{},\"validation\":{}}",
         "Additional channels are not allowed ('model', 'validation' was unexpected): the channels "
         "are 'train' and 'test'"},
        {"{\"train\":{\"TrainingInputMode\":\"Pipe\"}}",
         "TrainingInputMode 'Pipe' of channel 'train' is not supported: use 'File' or 'FastFile'"},
        {"{\"train\":{\"RecordWrapperType\":\"RecordIO\"}}",
         "RecordWrapperType 'RecordIO' of channel 'train' is not supported: use 'None'"},
        {"{\"train\":{\"CompressionType\":\"Gzip\"}}",
         "CompressionType 'Gzip' of channel 'train' is not supported: use 'None', with files that "
         "are not compressed"},
        {"{\"train\":{\"TrainingInputMode\":5}}",
         "inputdataconfig.json: TrainingInputMode of channel 'train' is not a string"},
        {"{\"train\":{\"ContentType\":\"csv\"}}",
         "No iterator has been registered for ContentType ('csv', '1.0'). Accepted content types: "
         "'application/x-recordio-protobuf', 'text/csv;label_size=N', "
         "'application/x-npy;member=NAME', "},
        {"{\"train\":{},", "inputdataconfig.json: line 1, column 12: not valid JSON"},
        {"[]", "inputdataconfig.json: line 1: found a JSON list, expected an object"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reading t;

        lay_out(&t, GOOD_HYPER, cases[i].config, NULL);
        put(t.root, "input/data/train/a", "x");
        put(t.root, "input/data/test/a", "x");
        one_problem(&t, cases[i].problem);
    }
}

static void missing_data_is_a_problem_that_names_the_folder(void **state)
{
    struct reading t;

    (void)state;
    lay_out(&t, GOOD_HYPER, NULL, NULL);
    one_problem(&t, "The required channel 'train' is missing: inputdataconfig.json names no "
                    "channel, and the folder ");
    lay_out(&t, GOOD_HYPER, "{\"train\":{}}", NULL);
    one_problem(&t, "/input/data/train is missing. Please verify the correct data channel "
                    "configuration is provided");
    lay_out(&t, GOOD_HYPER, "{\"train\":{},\"test\":{}}", NULL);
    put(t.root, "input/data/train/a", "x");
    put(t.root, "input/data/test/part-0", "");
    one_problem(&t, "Unable to read data channel 'test': no data in ");
    lay_out(&t, GOOD_HYPER, "{\"train\":{}}", NULL);
    put(t.root, "input/data/train/part-0", "");
    one_problem(&t, "/input/data/train (skipped: 'part-0' (0 bytes)). Names that begin with '.' or "
                    "'_' or end in '_$folder$' and files of 0 bytes are no data");
    lay_out(&t, GOOD_HYPER, "{\"train\":{}}", NULL);
    put(t.root, "input/data/train/.a/b", "x");
    put(t.root, "input/data/train/.b", "x");
    put(t.root, "input/data/train/_c", "x");
    put(t.root, "input/data/train/_d", "x");
    one_problem(&t, ", ...). Names that begin");
}

static void a_loop_of_folders_is_a_problem(void **state)
{
    struct reading t;
    char link[512];

    (void)state;
    lay_out(&t, GOOD_HYPER, NULL, NULL);
    put(t.root, "input/data/train/a", "x");
    snprintf(link, sizeof(link), "%s/input/data/train/loop", t.root);
    assert_int_equal(symlink("../train", link), 0);
    one_problem(&t, "Unable to read data channel 'train': ");
}

static void one_of_several_may_find_no_file(void **state)
{
    struct km_channel train = {.name = "train"}, test = {.name = "test"};
    struct km_channel *const channel[] = {&train, &test};
    struct km_problems problems = {0};
    struct reading t;

    (void)state;
    lay_out(&t, NULL, "{\"train\":{\"S3DistributionType\":\"ShardedByS3Key\"},\"test\":{}}", NULL);
    put(t.root, "input/data/train/_SUCCESS", "x");
    km_config_load(&t.config, t.root);
    assert_ok(km_channels_read(channel, &t.config.channels, t.root, 2, &problems, &t.err), t.err);
    assert_int_equal(problems.list.n, 0);
    assert_true(train.present && test.present && train.files.n == 0 && test.files.n == 0);
    assert_true(!train.replicated && test.replicated);
    assert_ok(km_channels_read(channel, &t.config.channels, t.root, 1, &problems, &t.err), t.err);
    assert_int_equal(problems.list.n, 2);
    km_problems_done(&problems);
    km_config_done(&t.config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_channel_names_the_folders_that_exist_are_read),
        cmocka_unit_test(bad_channels_are_problems_that_name_the_channel),
        cmocka_unit_test(missing_data_is_a_problem_that_names_the_folder),
        cmocka_unit_test(a_loop_of_folders_is_a_problem),
        cmocka_unit_test(one_of_several_may_find_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
