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
#include "io/content_type.h"
#include "io/output.h"
#include "io/writer.h"
#include "train/command_line.h"
#include "train/failure.h"
#include "train/hosts.h"
#include "train/train.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define EXIT_USAGE 2
#define EXIT_SYS   3

/* What the verb holds while it runs. */
struct verb {
    struct km_command_line c;
    struct km_config config;
    struct km_request request;
    struct km_machine m;
};

/* --threads, KM_THREADS, OMP_NUM_THREADS (its first number), or what the machine gives us. */
static int count_threads(const struct km_command_line *c, int *threads, struct km_err *err)
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
static int set_csv(struct km_request *r, const struct km_command_line *c, struct km_err *err)
{
    struct km_channel *channel[] = {&r->train, &r->test};
    int rc = KM_OK;

    if (!c->header && !c->separator && !c->decimal)
        return KM_OK;
    if (!r->train.format.kind->is_text)
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

/* Understands the request, from the command line or from the layout. */
static int read_request(struct verb *v, struct km_err *err)
{
    const struct km_command_line *c = &v->c;
    struct km_request *r = &v->request;
    int rc;

    if (!c->n_files)
        return km_request_read(r, c->root, &v->config, c->settings, err);
    rc = km_request_files(r, c->files, c->n_files, c->tests, c->n_tests, c->content_type,
                          c->settings, err);
    return rc ? rc : set_csv(r, c, err);
}

/* Learns what the machine and the request are. */
static int prepare(struct verb *v, struct km_err *err)
{
    int threads, hosts = km_comm_size(v->m.comm), rc;

    rc = count_threads(&v->c, &threads, err);
    if (rc == KM_OK)
        rc = km_kernels_pick(&v->m.kern, getenv("KM_ISA"), err);
    if (rc)
        return rc;
    km_log(KM_INFO, "kmeans %s: kernels %s, %d thread%s, %d host%s%s", KM_VERSION, v->m.kern->name,
           threads, threads == 1 ? "" : "s", hosts, hosts == 1 ? "" : "s",
           km_kernels_library(v->m.kern));
    rc = read_request(v, err);
    if (rc == KM_OK)
        rc = check_not_input(v->c.output, &v->request, err);
    if (rc == KM_OK && km_comm_rank(v->m.comm) == 0)
        rc = check_output(v->c.output, err);
    return rc ? rc : km_pool_open(&v->m.pool, threads, err);
}

static int run(struct verb *v, struct km_err *err)
{
    struct km_request *r = &v->request;
    int rc = km_comm_open(&v->m.comm, err);

    if (rc == KM_OK && km_comm_size(v->m.comm) == 1 && !km_seat_taken())
        rc = km_copies_check(getenv, err);
    if (rc)
        return rc;
    if (km_comm_size(v->m.comm) > 1)
        km_request_rank(r, km_comm_rank(v->m.comm), km_comm_size(v->m.comm));
    km_crash_stage("while the request was read", 0);
    rc = km_comm_agree(v->m.comm, prepare(v, err), r->host, err);
    if (km_comm_size(v->m.comm) > 1)
        km_crash_host(r->host);
    return rc ? rc : km_train(r, &v->m, v->c.output, err);
}

/* Tells why there is no model: the exit code. */
static int fail(const struct verb *v, int several, const struct km_err *err)
{
    const struct km_request *r = &v->request;
    int alone = !several && (!v->m.comm || km_comm_size(v->m.comm) == 1);
    int code;

    if (km_seat_taken()) {
        km_seat_end(err);
        return km_failure_exit(err);
    }
    code = km_failure_report(r->failure_path, alone ? &r->problems : NULL, err);
    km_crash_failure(""); /* the first failure counts */
    return code;
}

/* The rest of a job whose command line is fine: the exit code. */
static int train(struct verb *v, char *const *argv)
{
    const char *root = v->c.n_files ? NULL : v->c.root;
    struct km_err err = {0};
    int several = 0, code = 0, rc = km_request_init(&v->request, root, &err);

    if (!km_seat_taken()) /* else the supervisor writes it */
        km_crash_failure(v->request.failure_path);
    if (root)
        km_config_load(&v->config, root);
    if (rc == KM_OK && root && !km_comm_is_rank())
        rc = km_hosts_train(&v->request, &v->config, v->c.settings, argv, &several, &err);
    if (rc == KM_OK && !several)
        rc = run(v, &err);
    if (rc)
        code = fail(v, several, &err);
    km_pool_close(v->m.pool);
    km_comm_close(v->m.comm);
    if (rc == KM_OK)
        err.code = KM_OK; /* whatever was met and overcome */
    km_seat_end(&err);
    return code;
}

/* The exit code of a command line that cannot be meant so. */
static int refuse(int code, const struct km_err *err)
{
    fprintf(stderr, "kmeans train: %s\n", err->msg);
    if (code == EXIT_USAGE)
        fprintf(stderr, "See `kmeans train --help`.\n");
    return code;
}

static int take_and_train(struct verb *v, int argc, char **argv)
{
    struct km_err err = {0};
    int rc;

    if (km_settings_open(&v->c.settings, &err))
        return refuse(EXIT_SYS, &err);
    rc = km_command_line_take(&v->c, argc, argv, &err);
    if (rc == KM_MORE) {
        km_command_line_help();
        return 0;
    }
    return rc ? refuse(EXIT_USAGE, &err) : train(v, argv);
}

int km_train_main(int argc, char **argv)
{
    double started = km_now(), started_wall = km_wall();
    struct verb *v = km_alloc(1, sizeof(*v));
    struct km_err err = {0};
    int code;

    setvbuf(stdout, NULL, _IOLBF, 0);
    km_crash_verb(NULL);
    km_crash_stage("at the start", 0);
    km_stop_on_signals();
    signal(SIGPIPE, SIG_IGN); /* a reader of our log that goes away must not end a training */
    if (!v)
        km_fail(&err, KM_E_MEM, "no memory");
    if (!v || km_seat_take(&argc, &argv, &err)) {
        km_free(v);
        return refuse(EXIT_SYS, &err);
    }
    v->m = (struct km_machine){.started = started, .started_wall = started_wall};
    code = take_and_train(v, argc, argv);
    if (km_aside_left()) /* a read that does not end may still touch all of this */
        return code;
    km_request_done(&v->request);
    km_config_done(&v->config);
    km_settings_close(v->c.settings);
    km_free(v);
    return code;
}
