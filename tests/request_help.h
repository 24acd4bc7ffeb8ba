/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of the tests of the container's folders: a layout of files, read as a request. */
#ifndef KM_TESTS_REQUEST_HELP_H
#define KM_TESTS_REQUEST_HELP_H

#include "tests/test.h"

#include "train/failure.h"
#include "train/request.h"

#include <unistd.h>

#define HYPER "input/config/hyperparameters.json"
#define DATA  "input/config/inputdataconfig.json"
#define HOSTS "input/config/resourceconfig.json"

#define GOOD_HYPER "{\"k\": \"10\", \"feature_dim\": \"784\"}"

/* One reading of a request. The test that starts it ends it. */
struct reading {
    char root[256];
    struct km_request r;
    struct km_config config;
    struct km_settings *s;
    struct km_err err;
    int rc;
    char log[32768]; /* what was printed */
};

static inline void put(const char *root, const char *name, const char *text)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", root, name);
    for (char *c = path + strlen(root) + 1; (c = strchr(c, '/')); c++) {
        *c = '\0';
        mkdir(path, 0755);
        *c = '/';
    }
    f = fopen(path, "wb");
    if (!f)
        fail_msg("cannot write %s", path);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static inline int exists(const char *root, const char *name)
{
    char path[512];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", root, name);
    return lstat(path, &st) == 0;
}

static inline const char *get(const char *root, const char *name)
{
    static char text[16384];
    char path[512];
    FILE *f;
    size_t n;

    snprintf(path, sizeof(path), "%s/%s", root, name);
    f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot read %s", path);
    n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static inline int to_file(FILE *f)
{
    int before = dup(STDOUT_FILENO);

    fflush(stdout);
    dup2(fileno(f), STDOUT_FILENO);
    return before;
}

static inline void back_from_file(FILE *f, int before, char *text, size_t size)
{
    size_t n;

    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    rewind(f);
    n = fread(text, 1, size - 1, f);
    text[n] = '\0';
    fclose(f);
}

/* A layout with these three files; NULL: that file is missing. */
static inline void lay_out(struct reading *t, const char *hyper, const char *data,
                           const char *hosts)
{
    memset(t, 0, sizeof(*t));
    snprintf(t->root, sizeof(t->root), "%s", test_folder());
    if (hyper)
        put(t->root, HYPER, hyper);
    if (data)
        put(t->root, DATA, data);
    if (hosts)
        put(t->root, HOSTS, hosts);
}

static inline void read_it(struct reading *t)
{
    FILE *f = tmpfile();
    int before;

    assert_non_null(f);
    before = to_file(f);
    assert_int_equal(km_request_init(&t->r, t->root, &t->err), KM_OK);
    km_config_load(&t->config, t->root);
    t->rc = km_settings_open(&t->s, &t->err);
    if (t->rc == KM_OK)
        t->rc = km_request_read(&t->r, t->root, &t->config, t->s, &t->err);
    back_from_file(f, before, t->log, sizeof(t->log));
}

static inline int fail_it(struct reading *t)
{
    FILE *f = tmpfile();
    int before, code;

    assert_non_null(f);
    before = to_file(f);
    code = km_failure_report(t->r.failure_path, &t->r.problems, &t->err);
    back_from_file(f, before, t->log, sizeof(t->log));
    return code;
}

static inline void end(struct reading *t)
{
    km_request_done(&t->r);
    km_config_done(&t->config);
    km_settings_close(t->s);
}

/* Reads a layout that has one problem, which must contain the text. */
static inline void one_problem(struct reading *t, const char *text)
{
    read_it(t);
    if (t->rc != KM_E_INPUT || t->r.problems.list.n != 1)
        fail_msg("rc %d, %zu problems: %s", t->rc, t->r.problems.list.n, t->err.msg);
    assert_contains(t->r.problems.list.s[0], text);
    end(t);
}

#endif
