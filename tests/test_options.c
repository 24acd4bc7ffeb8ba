/* SPDX-License-Identifier: Apache-2.0 */
/* Options from a table: what is taken, what is said of slips, the help text. */
#include "tests/test.h"

#include "base/mem.h"
#include "base/options.h"

struct got {
    int flag, number, word;
    const char *text;
    char taken[64];
};

static int take_some(void *into, const struct km_option *option, const char *value,
                     struct km_err *err)
{
    struct got *g = into;

    if (strcmp(value, "bad") == 0)
        return km_fail(err, KM_E_INPUT, "--%s is bad", option->name);
    snprintf(g->taken + strlen(g->taken), sizeof(g->taken) - strlen(g->taken), "%s;", value);
    return KM_OK;
}

static const struct km_word words[] = {{"one", 1}, {"two", 2}, {"three", 3}, {NULL, 0}};

static const struct km_option table[] = {
    {"flag", 'f', NULL, "is set", .kind = KM_OPT_FLAG, .offset = offsetof(struct got, flag)},
    {"text", 't', "TEXT", "is any\ntext", .kind = KM_OPT_TEXT,
     .offset = offsetof(struct got, text)},
    {"a-number", 0, "N", "is from 2 to 90", .kind = KM_OPT_NUMBER,
     .offset = offsetof(struct got, number), .least = 2, .most = 90},
    {"word", 0, "one|two|three", "is one of three", .kind = KM_OPT_WORD,
     .offset = offsetof(struct got, word), .words = words},
    {"under_score", 0, "X", NULL, .kind = KM_OPT_TAKE, .take = take_some},
    {"help", 'h', NULL, "is this", .kind = KM_OPT_HELP},
};

static const struct km_options plain = {
    .verb = "test",
    .table = table,
    .n = sizeof(table) / sizeof(table[0]),
    .before = "before\n",
    .after = "after\n",
    .column = 16,
};

static struct got g;
static struct km_err err;
static int first;

/* Takes a command line of words between blanks; argv is left in words_of. */
static char *words_of[20];

static int take(const struct km_options *o, const char *line)
{
    static char copy[400];
    char *at = copy, *end;
    int argc = 0;

    snprintf(copy, sizeof(copy), "%s", line);
    g = (struct got){0};
    words_of[argc++] = (char *)"test";
    while (*at) {
        end = at + strcspn(at, " ");
        words_of[argc++] = at;
        at = *end ? end + 1 : end;
        *end = '\0';
    }
    words_of[argc] = NULL;
    return km_options_take(o, &g, argc, words_of, &first, &err);
}

static void every_kind_of_value_is_taken(void **state)
{
    (void)state;
    assert_ok(take(&plain, "a -f --text=x b --a-number 90 --word two --under_score p c"), err);
    assert_int_equal(g.flag, 1);
    assert_string_equal(g.text, "x");
    assert_int_equal(g.number, 90);
    assert_int_equal(g.word, 2);
    assert_string_equal(g.taken, "p;");
    assert_string_equal(words_of[first], "a");
    assert_string_equal(words_of[first + 2], "c");
    assert_null(words_of[first + 3]);
    assert_ok(take(&plain, "-tx --und p --under_score q -- -f"), err);
    assert_string_equal(g.text, "x");
    assert_string_equal(g.taken, "p;q;");
    assert_int_equal(g.flag, 0);
    assert_string_equal(words_of[first], "-f");
}

static void help_is_asked_for_by_word_and_letter(void **state)
{
    (void)state;
    assert_int_equal(take(&plain, "--help"), KM_MORE);
    assert_int_equal(take(&plain, "x -h --nonsense"), KM_MORE);
}

static void slips_are_named(void **state)
{
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"--txet 5", "unknown option --txet; did you mean --text?"},
        {"--txet=5", "unknown option --txet=5; did you mean --text?"},
        {"--zebra", "unknown option --zebra"},
        {"-z", "unknown option -z"},
        {"-fz", "unknown option -z"},
        {"--text", "--text needs a value"},
        {"--tex", "--text needs a value"},
        {"-t", "--text needs a value"},
        {"--flag=1", "--flag takes no value"},
        {"--under-score x", "unknown option --under-score; did you mean --under_score?"},
        {"--a-number 1", "--a-number: found \"1\", expected 2 to 90"},
        {"--a-number 91", "--a-number: found \"91\", expected 2 to 90"},
        {"--a-number 4294967300", "--a-number: found \"4294967300\", expected 2 to 90"},
        {"--a-number 5x", "--a-number: found \"5x\", expected 2 to 90"},
        {"--a-number=", "--a-number: found \"\", expected 2 to 90"},
        {"--a-number -5", "--a-number: found \"-5\", expected 2 to 90"},
        {"--word four", "--word: found \"four\", expected one, two or three"},
        {"--under_score bad", "--under_score is bad"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(take(&plain, cases[i].line), KM_E_INPUT);
        assert_string_equal(err.msg, cases[i].text);
    }
}

static const char *no_text(const char *word)
{
    return strcmp(word, "txet") == 0 ? "a-number" : NULL;
}

static void dashes_and_underscores_may_be_the_same(void **state)
{
    struct km_options o = plain;

    (void)state;
    o.fold = 1;
    assert_ok(take(&o, "--a_number 7 --under-score=a_b --under-s c -- --a_number"), err);
    assert_int_equal(g.number, 7);
    assert_string_equal(g.taken, "a_b;c;");
    assert_string_equal(words_of[first], "--a_number");
    assert_int_equal(take(&o, "--a_nubmer 7"), KM_E_INPUT);
    assert_string_equal(err.msg, "unknown option --a_nubmer; did you mean --a-number?");
}

static void a_verb_may_know_better_what_was_meant(void **state)
{
    struct km_options o = plain;

    (void)state;
    o.nearest = no_text;
    o.example = "--text x";
    assert_int_equal(take(&o, "--txet"), KM_E_INPUT);
    assert_string_equal(err.msg, "unknown option --txet; did you mean --a-number?");
    assert_int_equal(take(&o, "--wrod"), KM_E_INPUT);
    assert_string_equal(err.msg, "unknown option --wrod; did you mean --word?");
    assert_int_equal(take(&o, "-z"), KM_E_INPUT);
    assert_string_equal(err.msg, "unknown option -z: options are words, such as --text x");
}

static void the_help_shows_the_table_between_its_texts(void **state)
{
    struct km_text text = {0};

    (void)state;
    km_options_help(&plain, &text);
    assert_false(text.failed);
    assert_string_equal(text.s, "before\n"
                                "  -f, --flag    is set\n"
                                "  -t, --text TEXT\n"
                                "                is any\n"
                                "                text\n"
                                "  --a-number N  is from 2 to 90\n"
                                "  --word one|two|three\n"
                                "                is one of three\n"
                                "  -h, --help    is this\n"
                                "after\n");
    km_free(text.s);
}

static void without_memory_nothing_is_taken(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 2; n++) {
        km_alloc_fail_at(n);
        assert_int_equal(take(&plain, "-f"), KM_E_MEM);
        km_alloc_fail_at(0);
        assert_int_equal(g.flag, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_taken),
        cmocka_unit_test(help_is_asked_for_by_word_and_letter),
        cmocka_unit_test(slips_are_named),
        cmocka_unit_test(dashes_and_underscores_may_be_the_same),
        cmocka_unit_test(a_verb_may_know_better_what_was_meant),
        cmocka_unit_test(the_help_shows_the_table_between_its_texts),
        cmocka_unit_test(without_memory_nothing_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
