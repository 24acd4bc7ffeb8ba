/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/convert.h"

#include "base/mem.h"
#include "cli/conversion.h"
#include "cli/usage.h"
#include "io/file.h"
#include "io/output.h"
#include "io/sink.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SHARDS 1000 /* each is an open file */

static int parse_count(uint64_t *value, const char *text, size_t len)
{
    uint64_t v = 0;

    if (len == 0)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(text[i] - '0'), &v))
            return -1;
    }
    *value = v;
    return 0;
}

static int take_rows(void *into, const struct km_option *option, const char *text,
                     struct km_err *err)
{
    struct km_conversion *o = into;
    const char *colon = strchr(text, ':');

    (void)option;
    if (!colon || (colon != text && parse_count(&o->first, text, (size_t)(colon - text))) ||
        (colon[1] && parse_count(&o->end, colon + 1, strlen(colon + 1))))
        return km_fail(err, KM_E_INPUT,
                       "--rows: found \"%s\", expected FIRST:END with row numbers from 0, e.g. "
                       "0:50000, 50000: or :1000",
                       text);
    if (o->first >= o->end)
        return km_fail(err, KM_E_INPUT, "--rows: \"%s\" names no row; END is one past the last row",
                       text);
    return KM_OK;
}

/* A finite number, or two with a slash between them; not 0, which would erase the data. */
static int take_scale(void *into, const struct km_option *option, const char *text,
                      struct km_err *err)
{
    struct km_conversion *o = into;
    char *end = NULL;

    (void)option;
    o->over = 1;
    o->times = strtod(text, &end);
    if (end != text && *end == '/') {
        const char *second = end + 1;

        o->over = strtod(second, &end);
        if (end == second)
            o->over = 0;
    }
    if (end == text || *end != '\0' || !isfinite(o->times) || !isfinite(o->over) || o->times == 0 ||
        o->over == 0)
        return km_fail(err, KM_E_INPUT,
                       "--scale: found \"%s\", expected a number or a fraction that is not 0, e.g. "
                       "0.5 or 1/256",
                       text);
    return KM_OK;
}

static int take_separator(void *into, const struct km_option *option, const char *text,
                          struct km_err *err)
{
    (void)option;
    return km_dialect_separator(&((struct km_conversion *)into)->dialect, text, err);
}

static int take_decimal(void *into, const struct km_option *option, const char *text,
                        struct km_err *err)
{
    (void)option;
    return km_dialect_decimal(&((struct km_conversion *)into)->dialect, text, err);
}

/* A format by its word, of those that can be read or written. */
static int take_kind(const struct km_format_kind **kind, const char *option, const char *text,
                     int written, struct km_err *err)
{
    *kind = km_format_named(text);
    if (*kind && (!written || (*kind)->write))
        return KM_OK;
    return km_fail(err, KM_E_INPUT, "--%s: found \"%s\", expected %s", option, text,
                   written ? "recordio, csv or svmlight"
                           : "recordio, csv, svmlight, npy, idx, fvecs, bvecs, ivecs, fbin, u8bin "
                             "or i8bin");
}

static int take_member(void *into, const struct km_option *option, const char *text,
                       struct km_err *err)
{
    struct km_conversion *o = into;
    size_t most = sizeof(((struct km_format *)0)->member) - 1;

    (void)option;
    o->member = text;
    if (*text && strlen(text) <= most)
        return KM_OK;
    return km_fail(err, KM_E_INPUT,
                   "--member: found \"%s\", expected a name of 1 to %zu characters", text, most);
}

static int take_from(void *into, const struct km_option *option, const char *text,
                     struct km_err *err)
{
    return take_kind(&((struct km_conversion *)into)->from, option->name, text, 0, err);
}

static int take_to(void *into, const struct km_option *option, const char *text, struct km_err *err)
{
    return take_kind(&((struct km_conversion *)into)->to, option->name, text, 1, err);
}

static const struct km_word header_words[] = {{"present", KM_HEADER_PRESENT},
                                              {"absent", KM_HEADER_ABSENT},
                                              {"auto", KM_HEADER_AUTO},
                                              {NULL, 0}};

static const struct km_word base_words[] = {{"0", 1}, {"1", 0}, {NULL, 0}};

#define FIELD(name) offsetof(struct km_conversion, name)

static const struct km_option table[] = {
    {"output", 'o', "FILE", "where the rows go; - is standard output", .kind = KM_OPT_TEXT,
     .offset = FIELD(output)},
    {"from", 0, "FORMAT",
     "format of the inputs: recordio, csv, svmlight, npy, idx, fvecs, bvecs,\n"
     "ivecs, fbin, u8bin or i8bin [seen from their first bytes and names]",
     .kind = KM_OPT_TAKE, .take = take_from},
    {"to", 0, "recordio|csv|svmlight",
     "format of the output [csv if FILE ends in .csv, svmlight if in .svm,\n"
     ".libsvm or .svmlight, else recordio]; a suffix that says another one\n"
     "(.npy, .parquet, .gz, ...) is refused",
     .kind = KM_OPT_TAKE, .take = take_to},
    {"rows", 0, "A:B",
     "only rows A to B - 1, counted from 0 over all inputs; A or B may be\n"
     "left out [all]",
     .kind = KM_OPT_TAKE, .take = take_rows},
    {"scale", 0, "S", "multiply every value by S, a number or a fraction as 1/256 [1]",
     .kind = KM_OPT_TAKE, .take = take_scale},
    {"shards", 0, "N",
     "write N files, FILE with _0, _1, ... before its suffix; row i goes to\n"
     "file i mod N [1]",
     .kind = KM_OPT_NUMBER, .offset = FIELD(shards), .least = 1, .most = MOST_SHARDS},
    {"feature-dim", 0, "N",
     "features of each row; needed for svmlight, which does not say [those of\n"
     "the first row]",
     .kind = KM_OPT_NUMBER, .offset = FIELD(feature_dim), .least = 1,
     .most = (int)KM_RECORD_DIM_MAX},
    {"member", 0, "NAME", "numpy archives (.npz): the array that is meant [the only one]",
     .kind = KM_OPT_TAKE, .take = take_member},
    {"index-base", 0, "N", "svmlight inputs: the index of the first feature, 0 or 1 [1]",
     .kind = KM_OPT_WORD, .offset = FIELD(from_zero), .words = base_words},
    {"label-size", 0, "N", "CSV inputs: drop the first N columns [0]", .kind = KM_OPT_NUMBER,
     .offset = FIELD(label_size), .least = 0, .most = 1000000},
    {"header", 0, "RULE",
     "CSV inputs: present (the first line of each is skipped), absent, or\n"
     "auto: a line of names is skipped [auto]",
     .kind = KM_OPT_WORD, .offset = FIELD(header), .words = header_words},
    {"separator", 0, "C", "CSV inputs: what stands between columns: , ; | tab space ctrl-a [,]",
     .kind = KM_OPT_TAKE, .take = take_separator},
    {"decimal", 0, "MARK", "CSV inputs: point or comma [point]", .kind = KM_OPT_TAKE,
     .take = take_decimal},
    {"help", 'h', NULL, "this text", .kind = KM_OPT_HELP},
};

static const struct km_options options = {
    .verb = "convert",
    .table = table,
    .n = sizeof(table) / sizeof(table[0]),
    .column = 24,
    .before =
        "kmeans convert: rows of one or several files as RecordIO-protobuf, CSV or svmlight\n"
        "\n"
        "  kmeans convert --scale 1/256 train-images-idx3-ubyte.gz --output train.recordio\n"
        "  kmeans convert --rows 0:50000 a.csv b.csv --output train.recordio --shards 4\n"
        "  kmeans convert --label-size 1 labelled.csv --output rows.csv\n"
        "  kmeans convert train.recordio --to csv --rows :5 --output -\n"
        "  zcat rows.csv.gz | kmeans convert - --output train.recordio\n"
        "\n"
        "usage: kmeans convert [options] INPUT... --output FILE     INPUT - is standard input\n"
        "\n",
    .after =
        "\n"
        "Inputs are read one after the other and must have the same number of columns. idx is the "
        "format\n"
        "of MNIST (unsigned bytes, plain or gzip). Exit code: 0, 2 (usage or input), 3 (system).\n",
};

/* The format that a suffix says; NULL: none that is written here. */
static const struct km_format_kind *promised(enum km_promise promise)
{
    switch (promise) {
    case KM_PROMISE_CSV:
        return &km_format_csv;
    case KM_PROMISE_RECORDIO:
        return &km_format_recordio;
    case KM_PROMISE_SVMLIGHT:
        return &km_format_svmlight;
    default:
        return NULL;
    }
}

/* What --to says, or else the suffix of the output. Whoever opens the file goes by its name: so
 * where both speak they must agree. */
static int choose_format(struct km_conversion *o, struct km_err *err)
{
    const char *what;
    enum km_promise promise = km_output_promise(o->output, &what);
    const struct km_format_kind *kind = promised(promise);
    int is_text = promise == KM_PROMISE_TEXT;

    if (what && !is_text && !kind)
        return km_fail(err, KM_E_INPUT,
                       "--output %s: the name says %s, which is not written here; name it .pbr "
                       "(RecordIO-protobuf) or .csv",
                       o->output, what);
    if (is_text && !o->to)
        return km_fail(err, KM_E_INPUT,
                       "--output %s: the name says text; add --to csv, or name it .csv or .pbr "
                       "(RecordIO-protobuf)",
                       o->output);
    if (!o->to)
        o->to = kind ? kind : &km_format_recordio;
    if ((kind && kind != o->to) || (is_text && o->to == &km_format_recordio))
        return km_fail(err, KM_E_INPUT,
                       "--output %s: the name says %s, but --to %s was given; drop --to, or choose "
                       "another suffix",
                       o->output, what, o->to->word);
    return KM_OK;
}

/* None of the files that are to be written is one of the inputs. */
static int check_outputs(const struct km_conversion *o, struct km_err *err)
{
    size_t shards = (size_t)o->shards;
    int rc = KM_OK;

    if (shards == 1)
        return km_output_not_input(o->output, o->inputs, (size_t)o->n_inputs, err);
    for (size_t i = 0; !rc && i < shards; i++) {
        char *name = km_sink_path(o->output, i, shards);

        rc = name ? km_output_not_input(name, o->inputs, (size_t)o->n_inputs, err)
                  : km_fail(err, KM_E_MEM, "no memory for the names of %zu shards", shards);
        km_free(name);
    }
    return rc;
}

/* What options and files can be given together. */
static int check(struct km_conversion *o, struct km_err *err)
{
    int rc, stdins = 0;

    if (o->n_inputs == 0)
        return km_fail(err, KM_E_INPUT, "no input file is named");
    if (!o->output)
        return km_fail(err, KM_E_INPUT, "--output FILE is missing");
    if (o->shards > 1 && strcmp(o->output, "-") == 0)
        return km_fail(err, KM_E_INPUT,
                       "--shards %d: standard output takes one shard; name a file with --output",
                       o->shards);
    rc = choose_format(o, err);
    if (!rc)
        rc = km_stdin_name(o->inputs, (size_t)o->n_inputs, &stdins, err);
    return rc ? rc : check_outputs(o, err);
}

int km_convert_main(int argc, char **argv)
{
    struct km_conversion o = {.end = UINT64_MAX, .times = 1, .over = 1, .shards = 1};
    struct km_err err;
    int first, rc = km_options_take(&options, &o, argc, argv, &first, &err);

    if (rc)
        return km_usage(&options, rc, &err);
    o.inputs = argv + first;
    o.n_inputs = argc - first;
    rc = check(&o, &err);
    if (rc)
        return km_usage(&options, rc, &err);
    return km_exit_code(options.verb, km_conversion_run(&o, &err), &err);
}
