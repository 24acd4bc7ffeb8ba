/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/convert.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/nearest.h"
#include "io/file.h"
#include "io/output.h"
#include "io/reader.h"
#include "io/sink.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_SHARDS  1000 /* each is an open file */
#define BLOCK_BYTES ((size_t)1 << 20)

static const char usage[] =
    "kmeans convert: rows of one or several files as RecordIO-protobuf or CSV\n"
    "\n"
    "  kmeans convert --scale 1/256 train-images-idx3-ubyte.gz --output train.recordio\n"
    "  kmeans convert --rows 0:50000 a.csv b.csv --output train.recordio --shards 4\n"
    "  kmeans convert --label-size 1 labelled.csv --output rows.csv\n"
    "  kmeans convert train.recordio --to csv --rows :5 --output -\n"
    "  zcat rows.csv.gz | kmeans convert - --output train.recordio\n"
    "\n"
    "usage: kmeans convert [options] INPUT... --output FILE     INPUT - is standard input\n"
    "\n"
    "  -o, --output FILE     where the rows go; - is standard output\n"
    "  --from idx|csv|recordio\n"
    "                        format of the inputs [seen from their first bytes]\n"
    "  --to recordio|csv     format of the output [csv if FILE ends in .csv, else recordio]; a\n"
    "                        suffix that says another one (.npy, .parquet, .gz, ...) is refused\n"
    "  --rows A:B            only rows A to B - 1, counted from 0 over all inputs; A or B may be\n"
    "                        left out [all]\n"
    "  --scale S             multiply every value by S, a number or a fraction as 1/256 [1]\n"
    "  --shards N            write N files, FILE with _0, _1, ... before its suffix; row i goes "
    "to\n"
    "                        file i mod N [1]\n"
    "  --label-size N        CSV inputs: drop the first N columns [0]\n"
    "  --header RULE         CSV inputs: present (the first line of each is skipped), absent, or\n"
    "                        auto: a line of names is skipped [auto]\n"
    "  --separator C         CSV inputs: what stands between columns: , ; | tab space ctrl-a [,]\n"
    "  --decimal MARK        CSV inputs: point or comma [point]\n"
    "  -h, --help            this text\n"
    "\n"
    "Inputs are read one after the other and must have the same number of columns. idx is the "
    "format\n"
    "of MNIST (unsigned bytes, plain or gzip). Exit code: 0, 2 (usage or input), 3 (system).\n";

static const char *const header_names[] = {"auto", "present", "absent", NULL}; /* km_header_rule */

struct options {
    const struct km_format_kind *from; /* NULL: seen from the first bytes */
    const struct km_format_kind *to;   /* NULL: by the suffix */
    const char *output;
    uint64_t first, end; /* rows */
    double times, over;  /* the scale as a fraction, so that 1/256 and 1/3 are rounded once */
    size_t shards;
    int label_size;
    int header; /* enum km_header_rule */
    struct km_dialect dialect;
    char **inputs;
    int n_inputs;
};

/* One input on its way through. */
struct source {
    const char *path;
    struct km_format format;
    struct km_reader *reader;
};

/* What the whole conversion carries from input to input. */
struct job {
    const struct options *o;
    struct km_rows block;
    struct km_room room; /* of it */
    struct km_sink *sink;
    /* features that do not come out, as far as there has been a warning */
    struct km_record_extras extras;
    size_t dim; /* 0: not known yet */
    uint64_t row, written;
    struct km_header header; /* of the inputs that are CSV */
    int told;                /* that there is one has been said */
    int text;                /* inputs that are CSV */
};

/* A format by its word, of those that can be read or written. */
static int parse_kind(const struct km_format_kind **kind, const char *text, int written,
                      struct km_err *err)
{
    *kind = km_format_named(text);
    if (*kind && (!written || (*kind)->write))
        return KM_OK;
    return km_fail(err, KM_E_INPUT, "--%s: found \"%s\", expected %s", written ? "to" : "from",
                   text, written ? "recordio or csv" : "idx, csv or recordio");
}

static int parse_header(int *rule, const char *text, struct km_err *err)
{
    for (int i = 0; header_names[i]; i++) {
        if (strcmp(text, header_names[i]) == 0) {
            *rule = i;
            return KM_OK;
        }
    }
    return km_fail(err, KM_E_INPUT, "--header: found \"%s\", expected present, absent or auto",
                   text);
}

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

static int parse_rows(struct options *o, const char *text, struct km_err *err)
{
    const char *colon = strchr(text, ':');

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
static int parse_scale(struct options *o, const char *text, struct km_err *err)
{
    char *end = NULL;

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

static int parse_small(uint64_t *value, const char *text, const char *option, uint64_t from,
                       uint64_t to, struct km_err *err)
{
    if (parse_count(value, text, strlen(text)) || *value < from || *value > to)
        return km_fail(err, KM_E_INPUT,
                       "--%s: found \"%s\", expected a number from %" PRIu64 " to %" PRIu64, option,
                       text, from, to);
    return KM_OK;
}

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"rows", required_argument, NULL, 'r'},
    {"scale", required_argument, NULL, 's'},
    {"shards", required_argument, NULL, 'n'},
    {"label-size", required_argument, NULL, 'l'},
    {"header", required_argument, NULL, 'H'},
    {"separator", required_argument, NULL, 'S'},
    {"decimal", required_argument, NULL, 'D'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* What getopt did not take: a name it does not know, or a missing value. */
static int bad_option(const char *text, int missing, struct km_err *err)
{
    const char *word = text + strspn(text, "-");
    size_t len = strcspn(word, "=");
    char name[64];
    const char *near;

    if (missing)
        return km_fail(err, KM_E_INPUT, "%s: expected a value behind it; see kmeans convert --help",
                       text);
    snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name) - 1), word);
    near = km_nearest_option(name, long_options);
    if (near)
        return km_fail(err, KM_E_INPUT, "unknown option %s; did you mean --%s?", text, near);
    return km_fail(err, KM_E_INPUT, "unknown option %s; see kmeans convert --help", text);
}

/* One option that takes a value. */
static int take_option(struct options *o, int c, const char *value, struct km_err *err)
{
    uint64_t v = 0;
    int rc;

    switch (c) {
    case 'o':
        o->output = value;
        return KM_OK;
    case 'f':
        return parse_kind(&o->from, value, 0, err);
    case 't':
        return parse_kind(&o->to, value, 1, err);
    case 'r':
        return parse_rows(o, value, err);
    case 's':
        return parse_scale(o, value, err);
    case 'n':
        rc = parse_small(&v, value, "shards", 1, MAX_SHARDS, err);
        if (!rc)
            o->shards = (size_t)v;
        return rc;
    case 'H':
        return parse_header(&o->header, value, err);
    case 'S':
        return km_dialect_separator(&o->dialect, value, err);
    case 'D':
        return km_dialect_decimal(&o->dialect, value, err);
    default:
        rc = parse_small(&v, value, "label-size", 0, 1000000, err);
        if (!rc)
            o->label_size = (int)v;
        return rc;
    }
}

/* What --to says, or else the suffix of the output. Whoever opens the file goes by its name: so
 * where both speak they must agree. */
static int choose_format(struct options *o, struct km_err *err)
{
    const char *what;
    enum km_promise promise = km_output_promise(o->output, &what);
    int is_text = promise == KM_PROMISE_CSV || promise == KM_PROMISE_TEXT;

    if (what && !is_text && promise != KM_PROMISE_RECORDIO)
        return km_fail(err, KM_E_INPUT,
                       "--output %s: the name says %s, which is not written here; name it .pbr "
                       "(RecordIO-protobuf) or .csv",
                       o->output, what);
    if (promise == KM_PROMISE_TEXT && !o->to)
        return km_fail(err, KM_E_INPUT,
                       "--output %s: the name says text; add --to csv, or name it .csv or .pbr "
                       "(RecordIO-protobuf)",
                       o->output);
    if (!o->to)
        o->to = is_text ? &km_format_csv : &km_format_recordio;
    if (what && is_text != o->to->is_text)
        return km_fail(err, KM_E_INPUT,
                       "--output %s: the name says %s, but --to %s was given; drop --to, or choose "
                       "another suffix",
                       o->output, what, o->to->word);
    return KM_OK;
}

/* None of the files that are to be written is one of the inputs. */
static int check_outputs(const struct options *o, struct km_err *err)
{
    int rc = KM_OK;

    if (o->shards == 1)
        return km_output_not_input(o->output, o->inputs, (size_t)o->n_inputs, err);
    for (size_t i = 0; !rc && i < o->shards; i++) {
        char *name = km_sink_path(o->output, i, o->shards);

        rc = name ? km_output_not_input(name, o->inputs, (size_t)o->n_inputs, err)
                  : km_fail(err, KM_E_MEM, "no memory for the names of %zu shards", o->shards);
        km_free(name);
    }
    return rc;
}

/* *help: the user only wants the text. */
static int parse_options(struct options *o, int *help, int argc, char **argv, struct km_err *err)
{
    int c, rc, stdins = 0;

    *o = (struct options){.end = UINT64_MAX, .times = 1, .over = 1, .shards = 1};
    *help = 0;
    opterr = 0;
    optind = 0; /* a fresh start, whoever used getopt before */
    while ((c = getopt_long(argc, argv, ":o:h", long_options, NULL)) != -1) {
        if (c == 'h') {
            *help = 1;
            return KM_OK;
        }
        if (c == '?' || c == ':') {
            char letter[3] = {'-', (char)optopt, '\0'};
            int is_long = strncmp(argv[optind - 1], "--", 2) == 0;

            return bad_option(is_long ? argv[optind - 1] : letter, c == ':', err);
        }
        rc = take_option(o, c, optarg, err);
        if (rc)
            return rc;
    }
    o->inputs = argv + optind;
    o->n_inputs = argc - optind;
    if (o->n_inputs == 0)
        return km_fail(err, KM_E_INPUT, "no input file is named; see kmeans convert --help");
    if (!o->output)
        return km_fail(err, KM_E_INPUT, "--output FILE is missing; see kmeans convert --help");
    if (o->shards > 1 && strcmp(o->output, "-") == 0)
        return km_fail(err, KM_E_INPUT,
                       "--shards %zu: standard output takes one shard; name a file "
                       "with --output",
                       o->shards);
    rc = choose_format(o, err);
    if (!rc)
        rc = km_stdin_name(o->inputs, (size_t)o->n_inputs, &stdins, err);
    return rc ? rc : check_outputs(o, err);
}

static void source_close(struct source *s)
{
    km_reader_close(s->reader);
    *s = (struct source){0};
}

static int check_path(const char *path, struct km_err *err)
{
    struct stat st;
    int rc;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return km_fail(err, KM_E_INPUT, "%s: is a folder, expected a file; name the files in it",
                       path);
    if (stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR && errno != ELOOP))
        return KM_OK; /* or opening it says why */
    rc = km_link_fail(path, err);
    if (rc == KM_OK && errno != ELOOP)
        rc = km_fail(err, KM_E_INPUT, "%s: there is no such file", path);
    return rc;
}

/* Opens an input; s->format.feature_dim tells its width afterwards, 0 if it has no row. */
static int source_open(struct source *s, const char *path, struct job *job, struct km_err *err)
{
    const struct options *o = job->o;
    struct km_stream *stream;
    int rc = check_path(path, err);

    *s = (struct source){.path = path,
                         .format = {.kind = o->from,
                                    .label_size = o->label_size,
                                    .header_rule = (enum km_header_rule)o->header,
                                    .dialect = o->dialect,
                                    .header = &job->header}};
    if (rc == KM_OK)
        rc = km_stream_open(&stream, path, err);
    if (rc)
        return rc;
    if (!o->from)
        rc = km_format_detect(&s->format.kind, &stream, err);
    if (rc) {
        km_stream_close(stream);
        return rc;
    }
    job->text += s->format.kind->is_text;
    return km_reader_open(&s->reader, stream, &s->format, NULL, err);
}

/* The first input that has rows decides how wide they are, and the output can be opened. */
static int agree_on_width(struct job *job, const struct source *s, struct km_err *err)
{
    const struct km_shape shape = {.d = s->format.feature_dim};
    size_t dim = shape.d, rows = BLOCK_BYTES / sizeof(float) / dim;

    if (job->dim == 0) {
        job->dim = dim;
        job->room.rows = rows ? rows : 1;
        if (km_rows_init(&job->block, &shape, job->room, err))
            return err->code;
        return km_sink_open(&job->sink, job->o->output, job->o->to, job->o->shards, dim, err);
    }
    if (dim != job->dim)
        return km_fail(err, KM_E_INPUT,
                       "%s: found rows of %zu columns, expected %zu as in %s; inputs "
                       "of one output must be equally wide",
                       s->path, dim, job->dim, job->o->inputs[0]);
    return KM_OK;
}

static int scale(const struct options *o, float *row, size_t d, const struct source *s,
                 uint64_t row_number, struct km_err *err)
{
    if (o->times == 1 && o->over == 1)
        return KM_OK;
    for (size_t t = 0; t < d; t++) {
        float v = (float)((double)row[t] * o->times / o->over);

        if (!isfinite(v))
            return km_fail(err, KM_E_INPUT,
                           "%s: row %" PRIu64 ", column %zu: %g times the scale is "
                           "beyond float32; choose a smaller --scale",
                           s->path, row_number, t + 1, (double)row[t]);
        row[t] = v;
    }
    return KM_OK;
}

/* What the first lines of CSV were taken for. */
static void tell_header(struct job *job)
{
    struct km_header *h = &job->header;
    char names[400];

    km_header_names(h, names, sizeof(names));
    if (h->line && !job->told && h->columns == 0)
        fputs("the first line of each file is skipped, as --header present says\n", stderr);
    else if (h->line && !job->told)
        fprintf(stderr, "the first line of %s is a header and is skipped: %s\n", h->path, names);
    job->told |= h->line != NULL;
    if (h->warning[0])
        fprintf(stderr, "warning: %s\n", h->warning);
    if (h->late[0])
        fprintf(stderr, "warning: %s\n", h->late);
    h->warning[0] = h->late[0] = '\0'; /* said */
}

/* Says which features do not come out, each name once. */
static void warn_of_extras(struct job *job, const struct source *s)
{
    const struct km_record_extras *found = &s->format.extras;
    char text[KM_RECORD_EXTRA_TEXT];

    for (size_t i = 0; i < found->n; i++) {
        if (!km_record_extras_add(&job->extras, &found->of[i]))
            continue;
        km_record_extra_text(text, &found->of[i]);
        fprintf(stderr,
                "kmeans convert: warning: %s: %s is ignored; only features[\"values\"] is "
                "converted\n",
                s->path, text);
    }
    if (found->more && !job->extras.more)
        fprintf(stderr, "kmeans convert: warning: %s: features under more names are ignored, too\n",
                s->path);
    job->extras.more |= found->more;
}

/* All rows of one input that are asked for. */
static int convert_input(struct job *job, const char *path, struct km_err *err)
{
    const struct options *o = job->o;
    struct source s;
    size_t rows;
    int rc;

    rc = source_open(&s, path, job, err);
    if (!rc)
        tell_header(job);
    if (!rc && s.format.feature_dim > 0)
        rc = agree_on_width(job, &s, err);
    else if (!rc)
        goto out; /* no rows */
    while (!rc && job->row < o->end) {
        job->block.dense.n = 0;
        rc = km_reader_read(s.reader, &job->block, job->room, &rows, err);
        if (rc || rows == 0)
            break;
        for (size_t i = 0; !rc && i < rows && job->row < o->end; i++, job->row++) {
            float *row = km_mat_row(&job->block.dense, i);

            if (job->row < o->first)
                continue;
            rc = scale(o, row, job->dim, &s, job->row, err);
            if (!rc)
                rc = km_sink_put(job->sink, row, err);
            job->written++;
        }
    }
out:
    if (!rc)
        warn_of_extras(job, &s);
    source_close(&s);
    return rc;
}

static void print_summary(const struct job *job, uint64_t bytes, double seconds)
{
    const struct options *o = job->o;

    fprintf(stderr, "%" PRIu64 " rows x %zu columns, %" PRIu64 " bytes of %s in %zu file%s",
            job->written, job->dim, bytes, o->to->word, o->shards, o->shards == 1 ? "" : "s");
    if (o->label_size > 0)
        fprintf(stderr, ", %d leading column%s of CSV inputs dropped", o->label_size,
                o->label_size == 1 ? "" : "s");
    fprintf(stderr, ", %.2f s\n", seconds);
}

static int convert(const struct options *o, struct km_err *err)
{
    struct job job = {.o = o};
    double start = km_now();
    uint64_t bytes;
    char note[512];
    int rc = KM_OK;

    for (int i = 0; !rc && i < o->n_inputs && job.row < o->end; i++)
        rc = convert_input(&job, o->inputs[i], err);
    if (!rc && job.text == 0 && (o->header || o->dialect.separator || o->dialect.point))
        rc = km_fail(err, KM_E_INPUT,
                     "--header, --separator and --decimal are for CSV, but no input is CSV (the "
                     "first is %s); leave them out",
                     o->inputs[0]);
    if (!rc && job.written == 0) {
        km_header_note(&job.header, note, sizeof(note));
        rc = km_fail(err, KM_E_INPUT, "%s: nothing to write: the inputs have %" PRIu64 " rows%s",
                     o->output, job.row, job.row ? ", all before the first row of --rows" : note);
    }
    if (!rc) {
        rc = km_sink_commit(job.sink, &bytes, err);
        job.sink = NULL;
    }
    if (!rc)
        print_summary(&job, bytes, km_now() - start);
    km_sink_abort(job.sink);
    km_rows_done(&job.block);
    km_header_done(&job.header);
    return rc;
}

int km_convert_main(int argc, char **argv)
{
    struct options o;
    struct km_err err;
    int help, rc;

    rc = parse_options(&o, &help, argc, argv, &err);
    if (!rc && help) {
        fputs(usage, stdout);
        return 0;
    }
    if (!rc)
        rc = convert(&o, &err);
    if (rc)
        fprintf(stderr, "kmeans convert: %s\n", err.msg);
    return !rc ? 0 : rc == KM_E_INPUT ? 2 : 3;
}
