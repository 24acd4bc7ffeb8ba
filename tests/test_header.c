/* SPDX-License-Identifier: Apache-2.0 */
/* First lines as people export them: what each of them is taken for. */
#include "tests/io_help.h"

#define MOST_ROWS 200

/* What became of a file. */
struct outcome {
    int rc;
    size_t rows;
    size_t dim;
    struct km_err err;
    struct km_header header;
};

static void read_file(struct outcome *o, const char *path, struct km_format format)
{
    struct km_reader *s = NULL;
    struct km_mat x = {0};

    *o = (struct outcome){0};
    format.header = &o->header;
    o->rc = test_reader(&s, path, &format, &o->err);
    o->dim = format.feature_dim;
    if (o->rc == KM_OK && o->dim > 0) {
        assert_ok(km_mat_init(&x, MOST_ROWS, format.feature_dim, &o->err), o->err);
        o->rc = test_read(s, &x, 0, &o->rows, &o->err);
    }
    km_mat_done(&x);
    km_reader_close(s);
}

static void read_text(struct outcome *o, const char *text, struct km_format format)
{
    format.kind = &km_format_csv;
    read_file(o, test_file("first.csv", text, strlen(text)), format);
}

/* Rows that no rule takes for anything else. */
#define THREE "5.5,2,9\n7.25,8,1\n6,0.5,3\n"
#define FOUR  "5.5,2,9,1\n7.25,8,1,3\n6,0.5,3,2\n"
#define INDEX "0,5.5,2\n1,7.25,8\n2,6,0.5\n"

struct first {
    const char *line, *rest;
    int labels;        /* label_size */
    const char *names; /* it is a header: these are its features; NULL: it is none */
    const char *says;  /* words of the failure; NULL: it is read */
    const char *warns; /* words of the warning; NULL: none */
};

static const struct first firsts[] = {
    /* names */
    {"age,price,size\n", THREE, 0, "age, price, size", NULL, NULL},
    {"\"age\",\"the price\",\"a,b\"\n", THREE, 0, "age, the price, a,b", NULL, NULL},
    {"\xe5\xb9\xb4\xe9\xbe\x84,\xe4\xbb\xb7\xe6\xa0\xbc,x\n", THREE, 0,
     "\xe5\xb9\xb4\xe9\xbe\x84, \xe4\xbb\xb7\xe6\xa0\xbc, x", NULL, NULL},
    {"\xef\xbb\xbf"
     "a,b,c\n",
     THREE, 0, "a, b, c", NULL, NULL},
    {"gr\xf6\xdf"
     "e,h\xf6he,x\n",
     THREE, 0,
     "gr\xc3\xb6\xc3\x9f"
     "e, h\xc3\xb6he, x",
     NULL, NULL},
    {"% fat,# items,x\n", THREE, 0, "% fat, # items, x", NULL, NULL},
    {"1x1,1x2,1x3\n", THREE, 0, "1x1, 1x2, 1x3", NULL, NULL},
    {"a,,c\n", THREE, 0, "a, (no name), c", NULL, NULL},
    {"a,b,c,\n", THREE, 0, "a, b, c", NULL, NULL},
    {"a b , c d,e\n", THREE, 0, "a b, c d, e", NULL, NULL},
    {"a,NA,c\n", THREE, 0, "a, NA, c", NULL, NULL},
    {"# a,b,c\n", THREE, 0, "# a, b, c", NULL, NULL},
    {"f(x),g[1],h{2}\n", THREE, 0, "f(x), g[1], h{2}", NULL, NULL},
    {"1st quarter,2nd quarter,x\n", THREE, 0, "1st quarter, 2nd quarter, x", NULL, NULL},
    {"\n\r\na,b,c\r\n", THREE, 0, "a, b, c", NULL, NULL},
    {"x\n", "5.5\n7\n6\n", 0, "x", NULL, NULL},
    {"label,a,b,c\n",
     "cat,"
     "5.5,2,9\ndog,7.25,8,1\n",
     1, "a, b, c", NULL, NULL},
    {"label,a,b,c\n", FOUR, 1, "a, b, c", NULL, NULL},
    /* and with an index */
    {"\"\",\"V1\",\"V2\"\n", INDEX, 0, "(no name), V1, V2", NULL,
     "column 1 counts the rows: it looks like an index, and is clustered"},
    {",V1,V2\n", THREE, 0, "(no name), V1, V2", NULL, "column 1 has no name in the header"},
    {"id,a,b\n", INDEX, 0, "id, a, b", NULL, "pandas: header=False, index=False"},
    {",a,b\n", INDEX, -1, "(no name), a, b", NULL,
     "column 1 counts the rows: it looks like an index, and is dropped as a label, as nobody has "
     "said "
     "how many there are. Write the file without it (pandas: header=False, index=False; R: "
     "row.names=FALSE), or say label_size=1"},
    {",a,b\n", INDEX, 1, "a, b", NULL, NULL},
    /* numbers of columns */
    {"0,1,2\n", THREE, 0, NULL, "found the numbers of the columns (\"0,1,2\")", NULL},
    {"1,2,3\n", THREE, 0, NULL, "header=present (the line is skipped) or header=absent", NULL},
    {",0,1\n", INDEX, 0, NULL, "(pandas: header=False, index=False)", NULL},
    {"\"\",0,1\n", INDEX, 0, NULL, "found the numbers of the columns", NULL},
    {",0\n", "0,5.5\n1,7\n2,6\n", 0, NULL, "found the numbers of the columns", NULL},
    {"label,0,1,2\n", FOUR, 1, NULL, "found the numbers of the columns", NULL},
    {"y,1,2,3\n", FOUR, 0, NULL, "found the numbers of the columns", NULL},
    {"0,1,2,3\n", FOUR, 1, NULL, "found the numbers of the columns", NULL},
    /* numbers that are rows */
    {"0,1,2\n", "3,4,5\n6,7,8\n", 0, NULL, NULL, NULL},
    {"0,1\n", "1,0\n0,0\n0,1\n1,1\n", 0, NULL, NULL, NULL},
    {"3,1,2\n", THREE, 0, NULL, NULL, NULL},
    {"cat,1.5,2,3\n", "dog,5.5,2,9\n", 1, NULL, NULL, NULL},
    {"cat,1,2,3\n", "dog,5.5,2,9\ncat,7,1,1\n", 1, NULL, NULL, NULL},
    {"1,2.5,3\n", THREE, 0, NULL, NULL, NULL},
    {"0.0,1.0,2.0\n", THREE, 0, NULL, NULL, NULL},
    {"2019,2020,2021\n", THREE, 0, NULL, NULL, "say header=present"},
    {"10,20,35\n", THREE, 0, NULL, NULL, "looks like a header: no other of the first 4 lines"},
    {"10,20,35\n", "1,2,9\n5,6,7\n", 0, NULL, NULL, NULL},
    {"0,1\n", "1,1\n0,1\n1,0\n", 0, NULL, NULL, NULL},
    {"x,1,2\n", "y,2,3\nx,3,3\n", 1, NULL, NULL, NULL},
    {",1\n", ",5\n,7\n", 1, NULL, NULL, NULL},
    /* neither */
    {"id,2019,2020\n", THREE, 0, NULL,
     "if the first column is a label, say label_size=1; if the line is a header, say "
     "header=present",
     NULL},
    {"5.5,abc,7\n", THREE, 0, NULL,
     "column 2 at byte 4: found \"abc\", expected a number; if the line is a header", NULL},
    {"a,b\n", INDEX, 0, NULL,
     "a header of 2 names (\"a,b\"), but the line behind it has 3 columns; write the file without "
     "row names (R: row.names=FALSE)",
     NULL},
    {"a,b\n", "\"9\",5.5,2\n\"3\",7,8\n", 0, NULL,
     "has 3 columns; write the file without row names", NULL},
    {"a,b\n", "r1,5.5,2\nr2,7,8\n", 0, NULL, "has 3 columns; write the file without row names",
     NULL},
    {"a,b\n", THREE, 0, NULL, "has 3 columns; give every line the same columns", NULL},
    {"a,b,c\n", "1,2,3,4\n5,6,7\n8,9,10\n", 0, NULL,
     "has 4 columns; give every line the same columns", NULL},
    /* blanks, digits and signs beyond ASCII are no letters */
    {"\xc2\xa0"
     "1,\xc2\xa0"
     "2,3\n",
     THREE, 0, NULL, "(with U+00A0), expected a number", NULL},
    {"\xa0"
     "1,\xa0"
     "2,\xa0"
     "3\n",
     THREE, 0, NULL, "(with U+00A0), expected a number; if the line is a header", NULL},
    {"\xe2\x80\xaf"
     "1,\xe2\x80\x89"
     "2,\xe2\x80\x89"
     "3\n",
     THREE, 0, NULL, "(with U+202F), expected a number", NULL},
    {"\xef\xbc\x91,\xef\xbc\x92,\xef\xbc\x93\n", THREE, 0, NULL, "(with U+FF11)", NULL},
    {"\xe2\x88\x92"
     "1,\xe2\x88\x92"
     "2,\xe2\x88\x92"
     "3\n",
     THREE, 0, NULL, "(with U+2212)", NULL},
    {"\xe2\x82\xac"
     "1,\xc2\xa3"
     "2,\xc3\x97"
     "3\n",
     THREE, 0, NULL, "(with U+20AC)", NULL},
    {"\xc2\xb5,\xc2\xba,\xc2\xaa\n", THREE, 0, "\xc2\xb5, \xc2\xba, \xc2\xaa", NULL, NULL},
    {"\xb5,\xdf,\xff\n", THREE, 0, "\xc2\xb5, \xc3\x9f, \xc3\xbf", NULL, NULL},
    /* dates and hours are names where the user says so */
    {"2019-01-01,2019-02-01,2019-03-01\n", THREE, 0, NULL,
     "found \"2019-01-01\", expected a number; if the line is a header, say header=present", NULL},
    {"00:00,01:00,02:00\n", THREE, 0, NULL, "if the line is a header, say header=present", NULL},
    /* commas in numbers */
    {"\"1,234\",\"2,345\"\n", "\"1,001\",\"3,456\"\n", 0, NULL,
     "expected a number; the first lines are columns separated by commas (,), with commas inside "
     "the "
     "numbers: if they separate thousands, remove them; if they are decimal commas, kmeans convert "
     "--decimal comma FILE",
     NULL},
    {"\"1,234\",\"2,34\"\n", "\"1,001\",\"3,456\"\n", 0, NULL,
     "separated by commas (,), with decimal commas: kmeans convert --decimal comma", NULL},
    {"1,234;2,345\n", "1,001;3,456\n", 0, NULL,
     "if they separate thousands, remove them, and then --separator ';'; if they are decimal",
     NULL},
    {"\"1,234\",\"2,345\"\n", "\"1,001\",\"13,456,789.5\"\n", 0, NULL,
     "found \"1,234\", expected a number; if the commas inside the numbers separate thousands",
     NULL},
    {"\"0,234\",\"0,345\"\n", "\"0,001\",\"0,456\"\n", 0, NULL, "with decimal commas: kmeans",
     NULL},
    /* separators */
    {"n;a;b\n", "1,5;2;3\n2,5;3;4\n", 0, NULL,
     "found \"n;a;b\", which looks like a header; columns are separated by commas (,), not "
     "semicolons "
     "(;); the first lines are columns separated by semicolons (;), with decimal commas",
     NULL},
    {"n;a;b\n", "1,5,x;2;3\n2,5,3;3;4\n", 0, NULL, "separated by commas (,), not semicolons (;)",
     NULL},
    {"\"V1\" \"V2\"\n", "\"1\" 1 2\n\"2\" 3 4\n", 0, NULL,
     "columns are separated by commas (,), not blanks; the first lines are columns separated by "
     "blanks, "
     "behind names of rows that the header does not count: write the file without them (R: "
     "row.names=FALSE), or have them dropped: kmeans convert --separator space --header present "
     "--label-size 1 FILE",
     NULL},
    {"V1 V2\n", "r1 1.5 2\nr2 3 4\n", 0, NULL, "separated by blanks, behind names of rows", NULL},
    {"V1\tV2\n", "r1\t1.5\t2\nr2\t3\t4\n", 0, NULL, "separated by tabs, behind names of rows",
     NULL},
    {"\"1\" 1 2\n", "\"2\" 3 4\n", 0, NULL, "separated by blanks: kmeans convert --separator space",
     NULL},
    {"\"a\" 5.1 \"setosa\"\n", "\"b\" 4.9 \"setosa\"\n", 0, NULL, "not blanks", NULL},
    {"a,b,c\n", "1,2,3,\n4,5,6,\n", 0, NULL,
     "has 4 columns; the lines behind it end in a separator with nothing behind: remove it", NULL},
    {"a,b,c,\n", "1,2,3,\n4,5,6,\n", 0, NULL, "nothing: remove it", NULL},
    {"1,2,3,\n", "4,5,6,\n", 0, NULL,
     "found an empty field, expected a number; fill in missing values, or remove such lines; the "
     "lines "
     "end in a separator, behind which there is nothing: remove it",
     NULL},
    {"sep=;\n", "a;b\n1;2\n", 0, NULL,
     "line 1 at byte 0: found \"sep=;\", which tells Excel that columns are separated by "
     "semicolons "
     "(;), and is neither a header nor a row; remove that line; the first lines are columns "
     "separated "
     "by semicolons (;): kmeans convert --separator ';' FILE",
     NULL},
    {"\"sep=,\"\n", "a,b\n1,2\n", 0, NULL, "tells Excel that columns are separated by commas",
     NULL},
    {"SEP=\t\n", "1\t2\n", 0, NULL, "separated by tabs, and is neither", NULL},
    {"sep=a,b,c\n", THREE, 0, "sep=a, b, c", NULL, NULL},
    {"1\x01"
     "2\n",
     "4\x01"
     "5\n",
     0, NULL,
     "not Ctrl-A (\\x01); the first lines are columns separated by Ctrl-A (\\x01): kmeans "
     "convert --separator ctrl-a FILE",
     NULL},
    {"my table\n", THREE, 0, NULL,
     "a header of 1 name (\"my table\"), but the line behind it has 3 columns", NULL},
    {"NA,NA,NA\n", THREE, 0, NULL, "column 1 at byte 0: missing value: found \"NA\"", NULL},
    {",,\n", THREE, 0, NULL, "missing value: found an empty field", NULL},
    {"inf,-inf,inf\n", THREE, 0, NULL,
     "column 1 at byte 0: found \"inf\", expected a finite number", NULL},
    {"inf,NA,NA\n", THREE, 0, NULL, "found \"inf\", expected a finite number", NULL},
    {"1.#INF,-1.#INF,1\n", THREE, 0, NULL, "found \"1.#INF\", expected a finite", NULL},
    {"#DIV/0!,#REF!,#NUM!\n", THREE, 0, NULL, "missing value: found \"#DIV/0!\"", NULL},
    {"l,m\n", "x,1\n", 2, NULL, "2 columns, expected more than label_size=2; set label_size", NULL},
    {"2020-01-01,1,2\n", THREE, 0, NULL, "found \"2020-01-01\", expected a number", NULL},
    {"a;b;c\n", "1;2;3\n4;5;6\n", 0, NULL,
     "not semicolons (;); the first lines are columns separated by semicolons (;): kmeans convert "
     "--separator ';'",
     NULL},
    {"5.5;2;9\n", "7;8;1\n", 0, NULL, "kmeans convert --separator ';' FILE", NULL},
    {"5,5;2;9\n", "7;8;1\n", 0, NULL, "--separator ';' --decimal comma FILE", NULL},
    {"a\tb\n", "5.5\t2\n", 0, NULL, "columns separated by tabs: kmeans convert --separator tab",
     NULL},
    {"5.5|2\n", "7|8\n", 0, NULL, "--separator '|'", NULL},
    {"5.5 2\n", " 7  8\n", 0, NULL, "--separator space", NULL},
    {"5.1;3.5;setosa\n", "4.9;3;setosa\n", 0, NULL,
     "columns are separated by commas (,), not semicolons (;)", NULL},
};

static void check_first(const struct first *f)
{
    struct km_format format = {.label_size = f->labels};
    struct outcome o;
    char text[600], names[200] = "";

    if (f->labels < 0)
        format.feature_dim = 2; /* and three columns: the first is taken for a label */
    snprintf(text, sizeof(text), "%s%s", f->line, f->rest);
    read_text(&o, text, format);
    if (o.header.line)
        km_header_names(&o.header, names, sizeof(names));
    if ((o.rc != KM_OK) != (f->says != NULL) || (o.rc && !strstr(o.err.msg, f->says)))
        fail_msg("%s: %s", f->line, o.rc ? o.err.msg : "was read");
    if (o.rc == KM_OK && strcmp(names, f->names && f->labels < 0 ? f->names + strlen("(no name), ")
                                       : f->names                ? f->names
                                                                 : "") != 0)
        fail_msg("%s: found the names \"%s\", expected %s", f->line, names, f->names);
    if (o.rc == KM_OK && !strstr(o.header.warning, f->warns ? f->warns : ""))
        fail_msg("%s: warns \"%s\"", f->line, o.header.warning);
    if (o.rc == KM_OK && !f->warns && o.header.warning[0])
        fail_msg("%s: warns \"%s\"", f->line, o.header.warning);
    if (o.rc == KM_OK) {
        size_t lines = f->names == NULL;

        for (const char *c = f->rest; *c; c++)
            lines += *c == '\n';
        assert_int_equal(o.rows, lines);
    }
    km_header_done(&o.header);
}

static void first_lines_are_what_a_person_takes_them_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(firsts) / sizeof(*firsts); i++)
        check_first(&firsts[i]);
}

static void a_word_of_the_user_decides(void **state)
{
    struct km_format present = {.header_rule = KM_HEADER_PRESENT},
                     absent = {.header_rule = KM_HEADER_ABSENT};
    struct outcome o;

    (void)state;
    read_text(&o, "0,1,2\n" THREE, present);
    assert_ok(o.rc, o.err);
    assert_int_equal(o.rows, 3);
    km_header_done(&o.header);
    read_text(&o, "a title\n" THREE, present);
    assert_ok(o.rc, o.err);
    assert_int_equal(o.rows, 3);
    assert_int_equal(o.header.columns, 0);
    km_header_done(&o.header);
    read_text(&o, "0,1,2\n" THREE, absent);
    assert_ok(o.rc, o.err);
    assert_int_equal(o.rows, 4);
    assert_string_equal(o.header.warning, "");
    km_header_done(&o.header);
    read_text(&o, "a,b,c\n" THREE, absent);
    assert_contains(o.err.msg, "line 1, column 1 at byte 0: found \"a\", expected a number");
    assert_null(strstr(o.err.msg, "header=present"));
    km_header_done(&o.header);
}

static char late[512]; /* what read_both warns of in a later file */

/* Two files of a channel, one after the other (two NULL: the first once more). */
static int read_both(const char *one, const char *two, struct km_format format, size_t *rows,
                     struct km_err *err)
{
    const char *text[] = {one, two}, *path = NULL;
    struct km_header header = {0};
    int rc = KM_OK;

    *rows = 0;
    format.kind = &km_format_csv;
    format.header = &header;
    for (int i = 0; i < 2 && rc == KM_OK; i++) {
        struct km_reader *s;
        struct km_mat x = {0};
        size_t n = 0;

        if (text[i])
            path = test_file(i ? "two" : "one", text[i], strlen(text[i]));
        rc = test_reader(&s, path, &format, err);
        if (rc == KM_OK) {
            assert_ok(km_mat_init(&x, MOST_ROWS, format.feature_dim, err), *err);
            rc = test_read(s, &x, 0, &n, err);
        }
        *rows += n;
        km_mat_done(&x);
        km_reader_close(s);
    }
    snprintf(late, sizeof(late), "%s", header.late);
    km_header_done(&header);
    return rc;
}

static void each_file_may_begin_with_the_header_of_the_first(void **state)
{
    const struct km_format seen = {0}, present = {.header_rule = KM_HEADER_PRESENT};
    struct km_err err = {0};
    size_t rows;

    (void)state;
    assert_ok(read_both("a,b,c\n" THREE, "a,b,c\n" THREE, seen, &rows, &err), err);
    assert_int_equal(rows, 6);
    assert_ok(read_both("a,b,c\n" THREE, "\"a\", b,c\r\n" THREE, seen, &rows, &err), err);
    assert_int_equal(rows, 6);
    assert_ok(read_both("a,b,c\n" THREE, THREE, seen, &rows, &err), err);
    assert_int_equal(rows, 6);
    assert_string_equal(late, "");
    assert_ok(read_both(THREE, "a,b,c\n" THREE, seen, &rows, &err), err);
    assert_int_equal(rows, 6);
    assert_contains(late,
                    "two: line 1 (\"a,b,c\") is taken for a header and is skipped, but the first "
                    "file has no header");
    assert_ok(read_both("0,1,2\n" THREE, "0,1,2\n" THREE, present, &rows, &err), err);
    assert_int_equal(rows, 6);
    assert_int_equal(read_both("a,b,c\n" THREE, "b,a,c\n" THREE, seen, &rows, &err), KM_E_INPUT);
    assert_contains(err.msg,
                    "two: line 1 at byte 0: found the header \"b,a,c\", expected \"a,b,c\" as in ");
    assert_int_equal(read_both("a,b,c\n" THREE, THREE, present, &rows, &err), KM_E_INPUT);
    assert_contains(err.msg, "found the header \"5.5,2,9\", expected \"a,b,c\"");
}

/* Files are opened to see their first row, and again to be read: then only two lines are looked
 * at. */
static void what_a_first_line_is_holds_for_the_next_look(void **state)
{
    static const char *const texts[] = {"0,1\n1,1\n0,1\n1,0\n", "0,1,2\n3,4,5\n6,7,9\n8,8,8\n",
                                        "1,2\n5,5\n1,2\n6,6\n"};
    const struct km_format seen = {0}, labels = {.label_size = 1};
    struct km_err err = {0};
    size_t rows;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        assert_ok(read_both(texts[i], NULL, seen, &rows, &err), err);
        assert_int_equal(rows, 8);
    }
    assert_ok(read_both("x,1,2\ny,2,3\nx,3,3\n", NULL, labels, &rows, &err), err);
    assert_int_equal(rows, 6);
    assert_ok(read_both("a,b,c\n" THREE, NULL, seen, &rows, &err), err);
    assert_int_equal(rows, 6);
}

/* Of the parts of one table only the first may begin with its header: 0,1,2 in another one is a
 * row. */
static void a_later_part_may_begin_with_any_numbers(void **state)
{
    static const char *const first[] = {THREE, "a,b,c\n" THREE};
    static const char *const later[] = {"0,1,2\n" THREE, "1,2,3\n" THREE};
    const struct km_format seen = {0};
    struct km_err err = {0};
    size_t rows;

    (void)state;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            assert_ok(read_both(first[i], later[j], seen, &rows, &err), err);
            assert_int_equal(rows, 7);
        }
    assert_int_equal(read_both(THREE, "inf,-inf,inf\n" THREE, seen, &rows, &err), KM_E_INPUT);
    assert_contains(err.msg, "two: line 1, column 1 at byte 0: found \"inf\"");
    assert_int_equal(read_both(THREE, "#REF!,NA,inf\n" THREE, seen, &rows, &err), KM_E_INPUT);
    assert_contains(err.msg, "two: line 1, column 1 at byte 0: missing value: found \"#REF!\"");
}

static void a_column_is_named_in_what_is_wrong_with_it(void **state)
{
    struct outcome o;
    const struct km_format format = {0};

    (void)state;
    read_text(&o, "age,the price\n1,2\n3,cheap\n", format);
    assert_contains(o.err.msg,
                    "line 3, column 2 (the price) at byte 20: found \"cheap\", expected a number");
    km_header_done(&o.header);
    read_text(&o, "age,the price\n1,2\n3\n", format);
    assert_contains(o.err.msg,
                    "line 3 at byte 18: 1 column, but line 2 has 2 columns; give every line");
    km_header_done(&o.header);
}

/* Where nothing is left, it is said what was taken for a header. */
static void a_file_of_a_header_alone_has_no_rows(void **state)
{
    struct km_format format = {0};
    struct outcome o;
    char note[500];

    (void)state;
    read_text(&o, "a,b\n", format);
    assert_ok(o.rc, o.err);
    km_header_note(&o.header, note, sizeof(note));
    assert_contains(
        note, "first.csv (\"a,b\") was taken for a header: if it is a row, say header=absent");
    km_header_done(&o.header);
    format.header_rule = KM_HEADER_PRESENT;
    read_text(&o, "1,2\n", format);
    km_header_note(&o.header, note, sizeof(note));
    assert_contains(note, "first.csv (\"1,2\") was skipped, as header=present says");
    km_header_done(&o.header);
    km_header_note(&o.header, note, sizeof(note));
    assert_string_equal(note, "");
}

/* What R writes by default is read with the options that its error names. */
static void row_names_of_r_are_dropped(void **state)
{
    struct km_format format = {
        .label_size = 1, .header_rule = KM_HEADER_PRESENT, .dialect = {' ', '.'}};
    struct outcome o;

    (void)state;
    read_text(&o, "\"V1\" \"V2\"\n\"1\" 1 2\n\"2\" 3 4\n", format);
    assert_ok(o.rc, o.err);
    assert_int_equal(o.rows, 2);
    assert_int_equal(o.dim, 2);
    km_header_done(&o.header);
}

/* Whoever reads a part of the file, its header is skipped once and no row is lost. */
static void a_divided_file_has_its_header_in_the_first_part(void **state)
{
    static const char text[] = "\xef\xbb\xbf"
                               "age,price\n5.5,2\n7,8\n6,0.5\n";
    const char *path = test_file("part", text, sizeof(text) - 1);

    (void)state;
    for (uint64_t cut = 1; cut < sizeof(text) - 1; cut++) {
        struct km_range part[2] = {{.to = cut}, {.from = cut}};
        size_t rows = 0;

        for (int i = 0; i < 2; i++) {
            struct km_header header = {0};
            struct km_format f = {.kind = &km_format_csv, .feature_dim = 2, .header = &header};
            struct km_stream *stream;
            struct km_reader *s;
            struct km_err err;
            struct km_mat x;
            size_t n;

            assert_ok(km_stream_open(&stream, path, &err), err);
            assert_ok(km_reader_open(&s, stream, &f, &part[i], &err), err);
            assert_ok(km_mat_init(&x, 8, 2, &err), err);
            assert_ok(test_read(s, &x, 0, &n, &err), err);
            rows += n;
            km_mat_done(&x);
            km_reader_close(s);
            km_header_done(&header);
        }
        assert_int_equal(rows, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_lines_are_what_a_person_takes_them_for),
        cmocka_unit_test(a_word_of_the_user_decides),
        cmocka_unit_test(each_file_may_begin_with_the_header_of_the_first),
        cmocka_unit_test(what_a_first_line_is_holds_for_the_next_look),
        cmocka_unit_test(a_later_part_may_begin_with_any_numbers),
        cmocka_unit_test(a_column_is_named_in_what_is_wrong_with_it),
        cmocka_unit_test(a_file_of_a_header_alone_has_no_rows),
        cmocka_unit_test(row_names_of_r_are_dropped),
        cmocka_unit_test(a_divided_file_has_its_header_in_the_first_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
