/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a request. What is wrong with it becomes a problem and reading goes on, so that a user
 * learns everything from one failed job. Only what leaves no way to go on (no memory, a folder that
 * the machine will not show) returns at once.
 */
#include "train/request.h"

#include "base/log.h"
#include "base/mem.h"
#include "io/content_type.h"
#include "train/guess.h"
#include "train/resources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ROOT/rest; a path that does not fit gives an empty one, which no file has. */
static void under_root(char path[4096], const char *root, const char *rest)
{
    if (snprintf(path, 4096, "%s/%s", root, rest) >= 4096)
        path[0] = '\0';
}

int km_request_init(struct km_request *r, const char *root, struct km_err *err)
{
    struct stat st;

    memset(r, 0, sizeof(*r));
    r->ranks = 1;
    r->train.name = "train";
    r->test.name = "test";
    snprintf(r->host, sizeof(r->host), "algo-1");
    if (!root)
        return KM_OK;
    under_root(r->failure_path, root, "output/failure");
    if (lstat(r->failure_path, &st) == 0 && unlink(r->failure_path))
        return km_fail_errno(err, "%s: cannot remove what an earlier run left; remove it",
                             r->failure_path);
    return KM_OK;
}

void km_request_rank(struct km_request *r, int rank, int ranks)
{
    r->rank = rank;
    r->ranks = ranks;
    snprintf(r->host, sizeof(r->host), "algo-%d", rank + 1);
}

void km_request_done(struct km_request *r)
{
    km_files_done(&r->train.files);
    km_files_done(&r->test.files);
    km_problems_done(&r->problems);
}

/* *need: what is missing is news only where the file could be used. */
static int read_hyperparameters(struct km_request *r, const struct km_config_file *file,
                                struct km_settings *settings, enum km_need *need,
                                struct km_err *err)
{
    int rc = km_config_check(file, &r->problems, err);
    char *provided;

    *need = file->object ? KM_NEED_ALL : KM_NEED_NONE;
    if (!file->object && file->err.code == KM_OK)
        km_problem(&r->problems, "%s: the file with the hyperparameters is missing", file->path);
    if (rc == KM_OK)
        rc = km_settings_take(settings, file->object, err);
    if (rc)
        return rc;
    provided = km_settings_provided_json(settings);
    if (!provided)
        return km_fail(err, KM_E_MEM, "no memory to show the hyperparameters");
    km_log(KM_INFO, "Reading provided configuration from %s: %s", file->path, provided);
    km_free(provided);
    return KM_OK;
}

/* Fails here rather than after an hour of training. */
static int check_model_folder(struct km_request *r, const char *root, struct km_err *err)
{
    char folder[4096], trial[4096];
    int fd;

    under_root(folder, root, "model");
    under_root(trial, root, "model/.km-trial-XXXXXX");
    under_root(r->model_path, root, "model/model_algo-1");
    if (!trial[0] || !r->model_path[0])
        return km_fail(err, KM_E_INPUT, "the path %.200s... is too long", root);
    if (mkdir(folder, 0755) && errno != EEXIST)
        return km_fail_errno(err, "%s: cannot create the folder for the model", folder);
    fd = mkostemp(trial, O_CLOEXEC);
    if (fd < 0)
        return km_fail_errno(err, "%s: cannot write the model into this folder", folder);
    close(fd);
    unlink(trial);
    return KM_OK;
}

/* What the log says about a request that is fine. */
static int log_request(const struct km_request *r, const struct km_settings *settings,
                       struct km_err *err)
{
    const struct km_channel *channel[] = {&r->train, &r->test};
    char *final = km_settings_final_json(settings);

    if (!final)
        return km_fail(err, KM_E_MEM, "no memory to show the hyperparameters");
    km_log(KM_INFO, "Final configuration: %s", final);
    km_free(final);
    for (int i = 0; i < 2; i++) {
        const struct km_channel *c = channel[i];
        char labels[48] = "";

        if (!c->present)
            continue;
        if (c->format.label_size >= 0)
            snprintf(labels, sizeof(labels), ", label_size=%d", c->format.label_size);
        km_log(KM_INFO, "Loaded iterator creator %s for content type ('%s', '1.0')%s",
               c->content_type, c->content_type, labels);
        km_log(KM_INFO, "Channel '%s': %zu file(s), %llu bytes", c->name, c->files.n,
               (unsigned long long)c->files.total);
    }
    return KM_OK;
}

/* The end of both ways to a request: all problems, or parameters for everybody. */
static int finish(struct km_request *r, struct km_settings *settings, enum km_need need,
                  struct km_err *err)
{
    const char *ignored = km_settings_ignored(settings);
    int rc;

    if (ignored[0])
        km_log(KM_INFO, "Ignored hyperparameters, which mean nothing here: %s", ignored);
    rc = km_settings_finish(settings, need, &r->params, &r->problems, err);
    r->train.format.feature_dim = (size_t)r->params.feature_dim;
    r->test.format.feature_dim = (size_t)r->params.feature_dim;
    return rc;
}

int km_request_read(struct km_request *r, const char *root, const struct km_config *config,
                    struct km_settings *settings, struct km_err *err)
{
    struct km_channel *const channel[] = {&r->train, &r->test};
    enum km_need need;
    struct stat st;
    int rc;

    if (stat(root, &st))
        return km_fail(err, KM_E_INPUT,
                       "%s: cannot be opened (%s), expected the folder with "
                       "input/config/hyperparameters.json",
                       root, strerror(errno));
    rc = read_hyperparameters(r, &config->hyperparameters, settings, &need, err);
    if (rc == KM_OK)
        rc = km_resources_check(&config->resources, r->ranks, r->host, sizeof(r->host),
                                &r->problems, err);
    if (rc == KM_OK)
        rc = km_channels_read(channel, &config->channels, root, r->ranks, &r->problems, err);
    if (rc == KM_OK)
        rc = finish(r, settings, need, err);
    if (rc == KM_OK)
        rc = check_model_folder(r, root, err);
    return rc ? rc : log_request(r, settings, err);
}

/* What a command line names is the same for all ranks. */
static int add_paths(struct km_problems *problems, struct km_channel *c, char *const *paths,
                     size_t n, struct km_err *err)
{
    c->present = n > 0;
    c->replicated = 1;
    for (size_t i = 0; i < n; i++) {
        int rc = km_channel_add(problems, c, paths[i], 0, err);

        if (rc)
            return rc;
    }
    return KM_OK;
}

/* mpirun gives its standard input to rank 0 alone. */
static int check_stdin(const struct km_request *r, char *const *train_paths, size_t n_train,
                       char *const *test_paths, size_t n_test, struct km_err *err)
{
    for (size_t i = 0; r->ranks > 1 && i < n_train + n_test; i++)
        if (strcmp(i < n_train ? train_paths[i] : test_paths[i - n_train], KM_STDIN) == 0)
            return km_fail(err, KM_E_INPUT,
                           "standard input (-) can be read by one process only, but %d train "
                           "together; save the data in a file that all of them see",
                           r->ranks);
    return KM_OK;
}

int km_request_files(struct km_request *r, char *const *train_paths, size_t n_train,
                     char *const *test_paths, size_t n_test, const char *content_type,
                     struct km_settings *settings, struct km_err *err)
{
    int rc = check_stdin(r, train_paths, n_train, test_paths, n_test, err);

    if (rc == KM_OK)
        rc = add_paths(&r->problems, &r->train, train_paths, n_train, err);
    if (rc)
        return rc;
    rc = add_paths(&r->problems, &r->test, test_paths, n_test, err);
    if (rc)
        return rc;
    if (n_train == 0)
        km_problem(&r->problems, "There is no file to train on: name at least one");
    if (!content_type)
        rc = km_guess_content_type(&content_type, &r->train.files, r->ranks, &r->problems, err);
    if (rc)
        return rc;
    if (km_content_type_parse(content_type, &r->train.format, r->train.content_type,
                              sizeof(r->train.content_type), km_log_warning, err))
        km_problem(&r->problems, "%s", err->msg);
    r->test.format = r->train.format; /* parsed once, so that what it warns of is told once */
    memcpy(r->test.content_type, r->train.content_type, sizeof(r->test.content_type));
    rc = finish(r, settings, KM_NEED_K, err);
    return rc ? rc : log_request(r, settings, err);
}
