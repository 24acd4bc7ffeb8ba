/* SPDX-License-Identifier: Apache-2.0 */
#include "train/verb.h"

#include "base/aside.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/mem.h"
#include "base/stop.h"
#include "dist/copies.h"
#include "dist/launch/seat.h"
#include "io/file.h"
#include "io/output.h"
#include "train/hosts.h"
#include "train/params.h"
#include "train/train.h"
#include <ctype.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLATFORM_ROOT "/opt/ml"
#define EXIT_USAGE    2
#define MAX_OPTIONS   64
#define MAX_TESTS     64

/* What the command line says. */
struct command {
    const char *root, *output, *content_type, *threads;
    const char *header, *separator, *decimal;
    char *tests[MAX_TESTS];
    size_t n_tests;
    char **files;
    size_t n_files;
};

enum {
    OPT_HELP = 1,
    OPT_ROOT,
    OPT_OUTPUT,
    OPT_TEST,
    OPT_CONTENT_TYPE,
    OPT_HEADER,
    OPT_SEPARATOR,
    OPT_DECIMAL,
    OPT_THREADS,
    OPT_PARAM
};

static void print_help(FILE *out)
{
    fputs(
        "Trains a k-means model.\n\n"
        "  kmeans train --k 10 --output model.tar.gz rows.csv\n"
        "  kmeans train --k 10 --output model.tar.gz --test test.pbr --epochs 2 shards/\n"
        "  zcat rows.csv.gz | kmeans train --k 10 --output model.tar.gz -\n"
        "  kmeans train --root DIR      DIR is laid out as the platform lays out /opt/ml\n"
        "  kmeans train                 the same with /opt/ml\n\n"
        "Files are RecordIO-protobuf or CSV, folders are read whole, - is standard input; without\n"
        "--content-type the first file's first bytes decide, and CSV has no label column.\n\n"
        "  --root DIR            folder with input/config, input/data, model and output "
        "[" PLATFORM_ROOT "]\n"
        "  --output FILE         write the model there: packed if the name ends in .tar.gz or "
        ".tgz,\n"
        "                        else the bare model file; a suffix that says another format\n"
        "                        (.npy, .json, .zip, ...) is refused\n"
        "  --test FILE           score the model on these rows (may be repeated)\n"
        "  --content-type TYPE   application/x-recordio-protobuf, or\n"
        "                        text/csv;label_size=N;header=present|absent\n"
        "  --header RULE         CSV: present (the first line of each file is skipped), absent, "
        "or\n"
        "                        auto: a line of names is skipped [auto]\n"
        "  --separator C         CSV: what stands between columns: , ; | tab space ctrl-a [,]\n"
        "  --decimal MARK        CSV: point or comma [point]\n"
        "  --threads N           threads [KM_THREADS, OMP_NUM_THREADS, or all CPUs we may use]\n"
        "  --help                this text\n\n"
        "Hyperparameters, on the command line or in input/config/hyperparameters.json:\n\n",
        out);
    km_params_help(out);
    fputs(
        "\nEnvironment: KM_ISA=vnni-zen4|vnni|avx512|avx2|blas|generic chooses the kernels\n"
        "(else the best for this CPU; vnni-zen4 and vnni differ in where they are used),\n"
        "KM_THREADS the threads.\n"
        "Exit code: 0 done, 1 algorithm error, 2 error in the request or the data, 3 error of the\n"
        "machine.\n",
        out);
}

/* The long options: ours, then one for each hyperparameter; terminated by a zero entry. Each has its
 * own value: among options of one value getopt takes an ambiguous beginning for the first of them. */
static void fill_options(struct option *o)
{
    static const struct option ours[] = {
        {"help", no_argument, NULL, OPT_HELP},
        {"root", required_argument, NULL, OPT_ROOT},
        {"output", required_argument, NULL, OPT_OUTPUT},
        {"test", required_argument, NULL, OPT_TEST},
        {"content_type", required_argument, NULL, OPT_CONTENT_TYPE},
        {"header", required_argument, NULL, OPT_HEADER},
        {"separator", required_argument, NULL, OPT_SEPARATOR},
        {"decimal", required_argument, NULL, OPT_DECIMAL},
        {"threads", required_argument, NULL, OPT_THREADS},
    };
    size_t n = sizeof(ours) / sizeof(ours[0]);

    memcpy(o, ours, sizeof(ours));
    for (size_t i = 0; km_param_name(i) && n < MAX_OPTIONS - 1; i++)
        o[n++] = (struct option){km_param_name(i), required_argument, NULL, OPT_PARAM + (int)i};
    o[n] = (struct option){0};
}

/* --mini-batch-size is the same as --mini_batch_size. */
static void fold_dashes(char **argv)
{
    for (char **a = argv + 1; *a && strcmp(*a, "--") != 0; a++)
        if (strncmp(*a, "--", 2) == 0)
            for (char *c = *a + 2; *c && *c != '='; c++)
                if (*c == '-')
                    *c = '_';
}

static int usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int usage(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "kmeans train: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\nSee `kmeans train --help`.\n");
    va_end(ap);
    return EXIT_USAGE;
}

/* The hyperparameter nearest to a misspelt option; NULL if none is near. */
static const char *nearest_option(const char *word)
{
    char name[64];
    size_t n = strcspn(word, "=");

    if (n >= sizeof(name))
        return NULL;
    memcpy(name, word, n);
    name[n] = 0;
    return km_param_nearest(name);
}

/* After getopt met an option that it does not know: a letter, or a word. */
static int unknown_option(char *const *argv)
{
    const char *near = NULL, *word = argv[optind - 1];

    if (isgraph(optopt))
        return usage("unknown option -%c: options are words, such as --k 10", optopt);
    near = nearest_option(word + 2);
    return usage("unknown option %s%s%s%s", word, near ? "; did you mean --" : "", near ? near : "",
                 near ? "?" : "");
}

/* The platform calls the program with the one word `train`, which is no file; but people may have
 * data of that name. */
static int is_platform_word(const struct command *c)
{
    return c->n_files == 1 && strcmp(c->files[0], "train") == 0 && !c->output && !c->n_tests &&
           !c->content_type && (c->root || access("train", F_OK) != 0);
}

/* 0: go on; otherwise the exit code + 1. */
static int parse(struct command *c, int argc, char **argv, struct km_settings *settings,
                 struct km_err *err)
{
    struct option options[MAX_OPTIONS];
    int index = 0, opt;

    fill_options(options);
    fold_dashes(argv);
    opterr = 0;
    optind = 1;
    while ((opt = getopt_long(argc, argv, ":", options, &index)) != -1) {
        switch (opt) {
        case OPT_HELP:
            print_help(stdout);
            return 1;
        case OPT_ROOT:
            c->root = optarg;
            break;
        case OPT_OUTPUT:
            c->output = optarg;
            break;
        case OPT_TEST:
            if (c->n_tests == MAX_TESTS)
                return usage("too many --test options; name a folder instead of %s", optarg) + 1;
            c->tests[c->n_tests++] = optarg;
            break;
        case OPT_CONTENT_TYPE:
            c->content_type = optarg;
            break;
        case OPT_HEADER:
            c->header = optarg;
            break;
        case OPT_SEPARATOR:
            c->separator = optarg;
            break;
        case OPT_DECIMAL:
            c->decimal = optarg;
            break;
        case OPT_THREADS:
            c->threads = optarg;
            break;
        case ':':
            return usage("%s needs a value", argv[optind - 1]) + 1;
        case '?':
            return unknown_option(argv) + 1;
        default: /* OPT_PARAM + i */
            if (km_settings_set(settings, options[index].name, optarg, err))
                return usage("%s", err->msg) + 1;
        }
    }
    c->files = argv + optind;
    c->n_files = (size_t)(argc - optind);
    if (is_platform_word(c))
        c->n_files = 0;
    return 0;
}

/* --threads, KM_THREADS, OMP_NUM_THREADS (its first number), or what the machine gives us. */
static int count_threads(const struct command *c, int *threads, struct km_err *err)
{
    const char *names[] = {"--threads", "KM_THREADS", "OMP_NUM_THREADS"};
    const char *values[] = {c->threads, getenv("KM_THREADS"), getenv("OMP_NUM_THREADS")};

    *threads = km_cpus();
    for (int i = 0; i < 3; i++) {
        char *end;
        long n;

        if (!values[i] || !*values[i])
            continue;
        n = strtol(values[i], &end, 10);
        if (n < 1 || n > 1024 || (*end && !(i == 2 && *end == ',')))
            return km_fail(err, KM_E_INPUT,
                           "%s is '%s'; expected a number of threads from 1 to 1024", names[i],
                           values[i]);
        *threads = (int)n;
        return KM_OK;
    }
    return KM_OK;
}

/* A place that cannot be written is an error now, not after the training. */
static int check_output(const char *path, struct km_err *err)
{
    struct km_writer *w;
    int rc;

    if (!path)
        return KM_OK;
    rc = km_writer_open(&w, path, err);
    if (rc == KM_OK)
        km_writer_abort(w);
    return rc;
}

/* The model must not take the place of the data that it is made from. */
static int check_not_input(const char *path, const struct km_request *r, struct km_err *err)
{
    const struct km_files *files[] = {&r->train.files, &r->test.files};
    int rc = KM_OK;

    for (int i = 0; path && rc == KM_OK && i < 2; i++)
        rc = km_output_not_input(path, files[i]->path, files[i]->n, err);
    return rc;
}

/* What the options say of the text of the files. */
static int set_csv(struct km_request *r, const struct command *c, struct km_err *err)
{
    struct km_channel *channel[] = {&r->train, &r->test};
    int rc = KM_OK;

    if (!c->header && !c->separator && !c->decimal)
        return KM_OK;
    if (r->train.format.kind != KM_CSV)
        return km_fail(err, KM_E_INPUT,
                       "--header, --separator and --decimal are for CSV, but the files are %s",
                       r->train.content_type);
    for (int i = 0; i < 2 && rc == KM_OK; i++) {
        struct km_format *f = &channel[i]->format;

        if (c->separator)
            rc = km_dialect_separator(&f->dialect, c->separator, err);
        if (rc == KM_OK && c->decimal)
            rc = km_dialect_decimal(&f->dialect, c->decimal, err);
        if (rc == KM_OK && c->header && km_header_rule(&f->header_rule, c->header))
            rc = km_fail(err, KM_E_INPUT,
                         "--header: found \"%s\", expected present, absent or auto", c->header);
    }
    return rc;
}

/* Learns what the machine and the request are. */
static int prepare(struct km_request *r, const struct command *c, struct km_settings *settings,
                   struct km_machine *m, struct km_err *err)
{
    int threads, rc;

    rc = count_threads(c, &threads, err);
    if (rc == KM_OK)
        rc = km_kernels_pick(&m->kern, getenv("KM_ISA"), err);
    if (rc)
        return rc;
    km_log(KM_INFO, "kmeans %s: kernels %s, %d thread%s, %d host%s, %s", KM_VERSION, m->kern->name,
           threads, threads == 1 ? "" : "s", km_comm_size(m->comm),
           km_comm_size(m->comm) == 1 ? "" : "s", km_kernels_blas_config());
    if (c->n_files)
        rc = km_request_files(r, c->files, c->n_files, c->tests, c->n_tests, c->content_type,
                              settings, err);
    if (rc == KM_OK && c->n_files)
        rc = set_csv(r, c, err);
    if (!c->n_files)
        rc = km_request_read(r, c->root, settings, err);
    if (rc == KM_OK)
        rc = check_not_input(c->output, r, err);
    if (rc == KM_OK)
        rc = km_comm_rank(m->comm) == 0 ? check_output(c->output, err) : KM_OK;
    return rc ? rc : km_pool_open(&m->pool, threads, err);
}

static int run(struct km_request *r, const struct command *c, struct km_settings *settings,
               struct km_machine *m, struct km_err *err)
{
    int rc = km_comm_open(&m->comm, err);

    if (rc == KM_OK && km_comm_size(m->comm) == 1 && !km_seat_taken())
        rc = km_copies_check(getenv, err);
    if (rc)
        return rc;
    if (km_comm_size(m->comm) > 1)
        km_request_rank(r, km_comm_rank(m->comm), km_comm_size(m->comm));
    km_crash_stage("while the request was read", 0);
    rc = km_comm_agree(m->comm, prepare(r, c, settings, m, err), r->host, err);
    if (km_comm_size(m->comm) > 1)
        km_crash_host(r->host);
    return rc ? rc : km_train(r, m, c->output, err);
}

/* The rest of a job whose command line is fine: the exit code. */
static int train(struct km_request *r, const struct command *c, struct km_settings *settings,
                 struct km_machine *m, char *const *argv)
{
    struct km_err err = {0};
    int several = 0, rc = km_request_init(r, c->n_files ? NULL : c->root, &err);

    if (!km_seat_taken()) /* else the supervisor writes it */
        km_crash_failure(r->failure_path);
    if (rc == KM_OK && !c->n_files && !km_comm_is_rank())
        rc = km_hosts_train(r, c->root, settings, argv, &several, &err);
    if (rc == KM_OK && !several)
        rc = run(r, c, settings, m, &err);
    if (rc && km_seat_taken()) {
        km_seat_end(&err);
        rc = km_request_exit(&err);
    } else if (rc) {
        rc = km_request_fail(r, several || (m->comm && km_comm_size(m->comm) > 1) ? NULL : settings,
                             &err);
        km_crash_failure(""); /* the first failure counts */
    }
    km_pool_close(m->pool);
    km_comm_close(m->comm);
    if (rc == 0)
        err.code = KM_OK; /* whatever was met and overcome */
    km_seat_end(&err);
    return rc;
}

/* Whoever opens the model goes by its name. */
static int check_name(const char *output)
{
    const char *what;
    enum km_promise promise = km_output_promise(output, &what);

    if (!what || promise == KM_PROMISE_PACKED_MODEL || promise == KM_PROMISE_MODEL)
        return 0;
    return usage("--output %s: the name says %s, but a model is MXNet arrays, bare or packed; name "
                 "it "
                 "model.tar.gz (packed), or model_algo-1, model.params or without a suffix (bare)",
                 output, what) +
           1;
}

static int check_inputs(struct command *c)
{
    struct km_err err;
    int times = 0;

    if (km_stdin_name(c->files, c->n_files, &times, &err) ||
        km_stdin_name(c->tests, c->n_tests, &times, &err))
        return usage("%s", err.msg) + 1;
    return 0;
}

static int check_command(struct command *c)
{
    if (c->n_files && c->root)
        return usage("files and --root together: %s is a layout of its own", c->root) + 1;
    if (c->n_files && !c->output)
        return usage("where should the model go? --output FILE is missing (%s)", c->files[0]) + 1;
    if (!c->n_files && (c->n_tests || c->content_type || c->header || c->separator || c->decimal))
        return usage("--test, --content-type, --header, --separator and --decimal go with data "
                     "files, not with a "
                     "layout") +
               1;
    if (!c->n_files && !c->root)
        c->root = PLATFORM_ROOT;
    if (c->output && check_name(c->output))
        return EXIT_USAGE + 1;
    return check_inputs(c);
}

int km_train_main(int argc, char **argv)
{
    struct km_machine m = {.started = km_now(), .started_wall = km_wall()};
    struct km_request *r = km_alloc(1, sizeof(*r));
    struct km_settings *settings = NULL;
    struct command c = {0};
    struct km_err err = {0};
    int rc;

    setvbuf(stdout, NULL, _IOLBF, 0);
    km_crash_verb(NULL);
    km_crash_stage("at the start", 0);
    km_stop_on_signals();
    signal(SIGPIPE, SIG_IGN); /* a reader of our log that goes away must not end a training */
    if (km_seat_take(&argc, &argv, &err)) {
        fprintf(stderr, "kmeans train: %s\n", err.msg);
        km_free(r);
        return 3;
    }
    if (!r || km_settings_open(&settings, &err)) {
        fprintf(stderr, "kmeans train: no memory\n");
        km_free(r);
        return 3;
    }
    rc = parse(&c, argc, argv, settings, &err);
    if (rc == 0)
        rc = check_command(&c);
    rc = rc ? rc - 1 : train(r, &c, settings, &m, argv);
    if (km_aside_left()) /* a read that does not end may still touch all of this */
        return rc;
    km_request_done(r);
    km_settings_close(settings);
    km_free(r);
    return rc;
}
