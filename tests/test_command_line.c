/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `kmeans train`. */
#include "tests/test.h"

#include "base/mem.h"
#include "train/command_line.h"

#include <unistd.h>

#define MOST 200

static char *argv[MOST + 1];
static char *owned[MOST + 1]; /* the same: taking may move words, and replaces - */
static struct km_command_line c;
static struct km_err err;

/* Takes a command line that ends in NULL. */
static int take(const char *word, ...)
{
    int argc = 0;
    va_list ap;

    memset(&c, 0, sizeof(c));
    assert_ok(km_settings_open(&c.settings, &err), err);
    argv[argc++] = km_strdup("train");
    va_start(ap, word);
    for (; word; word = va_arg(ap, const char *))
        argv[argc++] = km_strdup(word);
    va_end(ap);
    argv[argc] = NULL;
    memcpy(owned, argv, sizeof(owned));
    return km_command_line_take(&c, argc, argv, &err);
}

static void done(void)
{
    for (int i = 0; owned[i]; i++)
        km_free(owned[i]);
    km_settings_close(c.settings);
}

static void files_and_options_come_in_any_order(void **state)
{
    char *json;

    (void)state;
    assert_ok(take("a.csv", "--k", "3", "--output=m", "--test", "t", "b.csv", "--mini-batch-size",
                   "7", "--content_type", "text/csv", "--test=u", NULL),
              err);
    assert_int_equal(c.n_files, 2);
    assert_string_equal(c.files[1], "b.csv");
    assert_string_equal(c.output, "m");
    assert_int_equal(c.n_tests, 2);
    assert_string_equal(c.tests[1], "u");
    assert_string_equal(c.content_type, "text/csv");
    assert_null(c.root);
    json = km_settings_provided_json(c.settings);
    assert_string_equal(json, "{\"k\": \"3\", \"mini_batch_size\": \"7\"}");
    km_free(json);
    done();
}

static void without_files_it_is_a_layout(void **state)
{
    (void)state;
    assert_ok(take(NULL), err);
    assert_string_equal(c.root, "/opt/ml");
    done();
    assert_ok(take("--root", "here", "--output", "m.tar.gz", NULL), err);
    assert_string_equal(c.root, "here");
    done();
}

static void the_platforms_word_is_no_file_unless_there_is_one(void **state)
{
    (void)state;
    assert_int_equal(chdir(test_folder()), 0);
    assert_ok(take("train", NULL), err);
    assert_int_equal(c.n_files, 0);
    done();
    fclose(fopen("train", "w"));
    assert_int_equal(take("train", NULL), KM_E_INPUT); /* a file, and no --output */
    done();
    assert_ok(take("--root", "r", "train", NULL), err);
    done();
}

static void what_cannot_be_meant_so_is_refused(void **state)
{
    static const struct {
        const char *words[5], *text;
    } cases[] = {
        {{"--root", "r", "--output", "m", "a"}, "files and --root together: r"},
        {{"a"}, "where should the model go? --output FILE is missing (a)"},
        {{"--header", "auto"}, "go with data files, not with a layout"},
        {{"a", "--output", "m.npy"}, "--output m.npy: the name says "},
        {{"-", "--output", "m", "--test", "-"}, "(-) is named more than once"},
        {{"--kay", "3"}, "unknown option --kay"},
        {{"--epoch", "3x", "--epoch-s=3"}, "did you mean --epochs?"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const *w = cases[i].words;

        assert_int_equal(take(w[0], w[1], w[2], w[3], w[4], NULL), KM_E_INPUT);
        assert_contains(err.msg, cases[i].text);
        done();
    }
    assert_int_equal(take("--help", NULL), KM_MORE);
    done();
}

static void tests_are_counted(void **state)
{
    struct km_err why;
    int argc = 0;

    (void)state;
    memset(&c, 0, sizeof(c));
    assert_ok(km_settings_open(&c.settings, &err), err);
    argv[argc++] = km_strdup("train");
    for (int i = 0; i <= KM_COMMAND_TESTS; i++)
        argv[argc++] = km_strdup("--test=x");
    argv[argc] = NULL;
    memcpy(owned, argv, sizeof(owned));
    assert_int_equal(km_command_line_take(&c, argc, argv, &why), KM_E_INPUT);
    assert_string_equal(why.msg, "too many --test options; name a folder instead of x");
    assert_int_equal(c.n_tests, KM_COMMAND_TESTS);
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_options_come_in_any_order),
        cmocka_unit_test(without_files_it_is_a_layout),
        cmocka_unit_test(the_platforms_word_is_no_file_unless_there_is_one),
        cmocka_unit_test(what_cannot_be_meant_so_is_refused),
        cmocka_unit_test(tests_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
