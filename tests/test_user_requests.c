/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as users send them, where they lie beside the source tree. */
#include "tests/request_help.h"

#include <jansson.h>

/* From $KM_REQUESTS, or from the folder that may lie beside the source tree; NULL if there is none.
 */
static json_t *load_request(const char *name)
{
    const char *folder = getenv("KM_REQUESTS");
    const char *tests_end = strrchr(__FILE__, '/');
    char path[1024];

    if (folder)
        snprintf(path, sizeof(path), "%s/%s", folder, name);
    else
        snprintf(path, sizeof(path), "%.*s/../../shared/requests/%s",
                 tests_end ? (int)(tests_end - __FILE__) : 1, tests_end ? __FILE__ : ".", name);
    return json_load_file(path, 0, NULL);
}

static void put_json(const char *root, const char *name, json_t *v)
{
    size_t n = json_dumpb(v, NULL, 0, 0);
    char text[8192];

    assert_true(n > 0 && n < sizeof(text));
    json_dumpb(v, text, n, 0);
    text[n] = '\0';
    put(root, name, text);
    json_decref(v);
}

/* What the platform makes of InputDataConfig: one object by channel name, and the data. */
static void lay_out_channels(const char *root, const json_t *request)
{
    json_t *out = json_object();
    json_t *job_mode =
        json_object_get(json_object_get(request, "AlgorithmSpecification"), "TrainingInputMode");
    size_t i;
    const json_t *c;

    json_array_foreach(json_object_get(request, "InputDataConfig"), i, c)
    {
        const char *name = json_string_value(json_object_get(c, "ChannelName"));
        json_t *source = json_object_get(json_object_get(c, "DataSource"), "S3DataSource");
        json_t *mode = json_object_get(c, "InputMode");
        json_t *wrapper = json_object_get(c, "RecordWrapperType");
        json_t *type = json_object_get(c, "ContentType");
        json_t *config = json_object();
        char path[128];

        json_object_set(config, "TrainingInputMode", mode ? mode : job_mode);
        json_object_set(config, "S3DistributionType",
                        json_object_get(source, "S3DataDistributionType"));
        json_object_set_new(config, "RecordWrapperType",
                            wrapper ? json_incref(wrapper) : json_string("None"));
        if (type)
            json_object_set(config, "ContentType", type);
        json_object_set_new(out, name, config);
        snprintf(path, sizeof(path), "input/data/%s/part-0", name);
        put(root, path, "x");
        snprintf(path, sizeof(path), "input/data/%s-manifest", name);
        put(root, path, "x");
    }
    put_json(root, DATA, out);
}

static void requests_of_users_are_understood(void **state)
{
    static const struct {
        const char *name;
        int64_t mini_batch_size;
        const struct km_format_kind *kind;
        const char *problem; /* what is not supported yet */
    } cases[] = {
        {"mnist-lowlevel.json", 500, &km_format_recordio, NULL},
        {"mnist-highlevel.json", 5000, &km_format_recordio, NULL},
        {"terraform.json", 500, &km_format_recordio, NULL},
        {"step-functions-csv.json", 5000, &km_format_csv, NULL},
        {"everything.json", 500, &km_format_recordio,
         "TrainingInputMode 'Pipe' of channel 'train'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *request = load_request(cases[i].name);
        struct reading t;

        if (!request)
            skip();
        lay_out(&t, NULL, NULL, "{\"current_host\": \"algo-1\", \"hosts\": [\"algo-1\"]}");
        put_json(t.root, HYPER, json_incref(json_object_get(request, "HyperParameters")));
        lay_out_channels(t.root, request);
        json_decref(request);
        if (cases[i].problem) {
            one_problem(&t, cases[i].problem);
            assert_int_equal(t.r.params.epochs, 2);
            assert_true(t.r.params.eval_msd && t.r.params.eval_ssd);
        } else {
            read_it(&t);
            assert_ok(t.rc, t.err);
            end(&t);
        }
        assert_int_equal(t.r.params.k, 10);
        assert_int_equal(t.r.params.feature_dim, 784);
        assert_int_equal(t.r.params.mini_batch_size, cases[i].mini_batch_size);
        assert_int_equal(t.r.train.format.kind, cases[i].kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_users_are_understood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
