/* SPDX-License-Identifier: Apache-2.0 */
#include "train/command_line.h"

#include "base/mem.h"
#include "base/options.h"
#include "io/file.h"
#include "io/output.h"
#include "train/param_table.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PLATFORM_ROOT "/opt/ml"
#define MOST_OPTIONS  64

#define FIELD(name) offsetof(struct km_command_line, name)

static int take_test(void *into, const struct km_option *option, const char *value,
                     struct km_err *err)
{
    struct km_command_line *c = into;

    (void)option;
    if (c->n_tests == KM_COMMAND_TESTS)
        return km_fail(err, KM_E_INPUT, "too many --test options; name a folder instead of %s",
                       value);
    c->tests[c->n_tests++] = (char *)value; /* of argv */
    return KM_OK;
}

static int take_param(void *into, const struct km_option *option, const char *value,
                      struct km_err *err)
{
    struct km_command_line *c = into;

    return km_settings_set(c->settings, option->name, value, err);
}

/* Ours; behind them comes one for each hyperparameter. */
static const struct km_option ours[] = {
    {"root", 0, "DIR", "folder with input/config, input/data, model and output [" PLATFORM_ROOT "]",
     .kind = KM_OPT_TEXT, .offset = FIELD(root)},
    {"output", 0, "FILE",
     "write the model there: packed if the name ends in .tar.gz or .tgz,\n"
     "else the bare model file; a suffix that says another format\n"
     "(.npy, .json, .zip, ...) is refused",
     .kind = KM_OPT_TEXT, .offset = FIELD(output)},
    {"test", 0, "FILE", "score the model on these rows (may be repeated)", .kind = KM_OPT_TAKE,
     .take = take_test},
    {"content-type", 0, "TYPE",
     "application/x-recordio-protobuf,\n"
     "text/csv;label_size=N;header=present|absent,\n"
     "application/x-npy;member=NAME,\n"
     "text/libsvm;index_base=0|1, application/x-fvecs, ...",
     .kind = KM_OPT_TEXT, .offset = FIELD(content_type)},
    {"header", 0, "RULE",
     "CSV: present (the first line of each file is skipped), absent, or\n"
     "auto: a line of names is skipped [auto]",
     .kind = KM_OPT_TEXT, .offset = FIELD(header)},
    {"separator", 0, "C", "CSV: what stands between columns: , ; | tab space ctrl-a [,]",
     .kind = KM_OPT_TEXT, .offset = FIELD(separator)},
    {"decimal", 0, "MARK", "CSV: point or comma [point]", .kind = KM_OPT_TEXT,
     .offset = FIELD(decimal)},
    {"threads", 0, "N", "threads [KM_THREADS, OMP_NUM_THREADS, or all CPUs we may use]",
     .kind = KM_OPT_TEXT, .offset = FIELD(threads)},
    {"help", 0, NULL, "this text", .kind = KM_OPT_HELP},
};
#define N_OURS (sizeof(ours) / sizeof(ours[0]))

static const char before[] =
    "Trains a k-means model.\n\n"
    "  kmeans train --k 10 --output model.tar.gz rows.csv\n"
    "  kmeans train --k 10 --output model.tar.gz --test test.pbr --epochs 2 shards/\n"
    "  zcat rows.csv.gz | kmeans train --k 10 --output model.tar.gz -\n"
    "  kmeans train --root DIR      DIR is laid out as the platform lays out /opt/ml\n"
    "  kmeans train                 the same with /opt/ml\n\n"
    "Files are RecordIO-protobuf or CSV, folders are read whole, - is standard input; without\n"
    "--content-type the first file's first bytes decide, and CSV has no label column.\n\n";

static const char between[] =
    "\nHyperparameters, on the command line or in input/config/hyperparameters.json:\n\n";

static const char after[] =
    "\nEnvironment: KM_ISA=vnni-zen4|vnni|avx512|avx2|blas|generic chooses the kernels\n"
    "(else the best for this CPU; vnni-zen4 and vnni differ in where they are used),\n"
    "KM_THREADS the threads.\n"
    "Exit code: 0 done, 1 algorithm error, 2 error in the request or the data, 3 error of the\n"
    "machine.\n";

static struct km_options options_of(const struct km_option *table, size_t n)
{
    return (struct km_options){
        .verb = "train",
        .table = table,
        .n = n,
        .before = before,
        .after = between,
        .column = 24,
        .fold = 1,
        .example = "--k 10",
        .nearest = km_param_nearest,
    };
}

void km_command_line_help(void)
{
    struct km_options options = options_of(ours, N_OURS);
    struct km_text text = {0};

    km_options_help(&options, &text);
    fputs(text.failed ? "" : text.s, stdout);
    km_free(text.s);
    km_params_help(stdout);
    fputs(after, stdout);
}

/* The platform calls the program with the one word `train`, which is no file; but people may have
 * data of that name. */
static int is_platform_word(const struct km_command_line *c)
{
    return c->n_files == 1 && strcmp(c->files[0], "train") == 0 && !c->output && !c->n_tests &&
           !c->content_type && (c->root || access("train", F_OK) != 0);
}

/* Whoever opens the model goes by its name. */
static int check_name(const char *output, struct km_err *err)
{
    const char *what;
    enum km_promise promise = km_output_promise(output, &what);

    if (!what || promise == KM_PROMISE_PACKED_MODEL || promise == KM_PROMISE_MODEL)
        return KM_OK;
    return km_fail(err, KM_E_INPUT,
                   "--output %s: the name says %s, but a model is MXNet arrays, bare or packed; "
                   "name it model.tar.gz (packed), or model_algo-1, model.params or without a "
                   "suffix (bare)",
                   output, what);
}

/* What options can be given together. */
static int check(struct km_command_line *c, struct km_err *err)
{
    int rc = KM_OK, times = 0;

    if (c->n_files && c->root)
        return km_fail(err, KM_E_INPUT, "files and --root together: %s is a layout of its own",
                       c->root);
    if (c->n_files && !c->output)
        return km_fail(err, KM_E_INPUT, "where should the model go? --output FILE is missing (%s)",
                       c->files[0]);
    if (!c->n_files && (c->n_tests || c->content_type || c->header || c->separator || c->decimal))
        return km_fail(err, KM_E_INPUT,
                       "--test, --content-type, --header, --separator and --decimal go with data "
                       "files, not with a layout");
    if (!c->n_files && !c->root)
        c->root = PLATFORM_ROOT;
    if (c->output)
        rc = check_name(c->output, err);
    if (rc == KM_OK)
        rc = km_stdin_name(c->files, c->n_files, &times, err);
    if (rc == KM_OK)
        rc = km_stdin_name(c->tests, c->n_tests, &times, err);
    return rc;
}

int km_command_line_take(struct km_command_line *c, int argc, char **argv, struct km_err *err)
{
    struct km_option table[MOST_OPTIONS];
    size_t n = N_OURS;
    struct km_options options;
    int first, rc;

    memcpy(table, ours, sizeof(ours));
    for (size_t i = 0; km_param_table[i].name && n < MOST_OPTIONS; i++)
        table[n++] = (struct km_option){
            km_param_table[i].name, 0, "VALUE", NULL, .kind = KM_OPT_TAKE, .take = take_param};
    options = options_of(table, n);
    rc = km_options_take(&options, c, argc, argv, &first, err);
    if (rc)
        return rc;
    c->files = argv + first;
    c->n_files = (size_t)(argc - first);
    if (is_platform_word(c))
        c->n_files = 0;
    return check(c, err);
}
