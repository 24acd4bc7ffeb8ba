/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a request. What is wrong with it becomes a problem in the settings and reading goes on,
 * so that a user learns everything from one failed job. Only what leaves no way to go on (no
 * memory, a folder that the machine will not show) returns at once.
 */
#include "train/request.h"

#include "base/aside.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "dist/comm.h"
#include "train/hosts.h"
#include "train/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG "input/config/"
#define DATA   "input/data/"

#define PATH_BYTES 4096

/* What travels through the steps of reading. */
struct reading {
    struct km_request *r;
    const char *root;
    struct km_settings *settings;
};

/* ROOT/rest; a path that does not fit gives an empty one, which no file has. */
static void under_root(char path[PATH_BYTES], const char *root, const char *rest, const char *end)
{
    if (snprintf(path, PATH_BYTES, "%s/%s%s", root, rest, end) >= PATH_BYTES)
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
    under_root(r->failure_path, root, "output/failure", "");
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
}

/*
 * Loads a file of ROOT/input/config. KM_OK with *object, which is NULL if the file is missing;
 * KM_E_INPUT if it is bad and that is now among the problems; KM_E_MEM.
 */
static int load_config(const struct reading *in, const char *name, json_t **object,
                       struct km_err *err)
{
    char path[PATH_BYTES];
    int rc;

    under_root(path, in->root, CONFIG, name);
    rc = km_json_load(path, object, err);
    if (rc == KM_OK || rc == KM_E_MEM)
        return rc;
    km_settings_problem(in->settings, "%s", err->msg);
    return KM_E_INPUT;
}

static int read_hyperparameters(const struct reading *in, struct km_err *err)
{
    char path[PATH_BYTES];
    char *provided;
    int rc;

    under_root(path, in->root, CONFIG, "hyperparameters.json");
    rc = km_settings_read(in->settings, path, err);
    if (rc)
        return rc;
    provided = km_settings_provided_json(in->settings);
    if (!provided)
        return km_fail(err, KM_E_MEM, "no memory to show the hyperparameters");
    km_log(KM_INFO, "Reading provided configuration from %s: %s", path, provided);
    km_free(provided);
    return KM_OK;
}

/* Several hosts, but nobody started this process as one of theirs: the names are not fit for it. */
static void explain_hosts(const struct reading *in, const json_t *object)
{
    const char **names;
    struct km_err why;
    size_t n, self;

    if (km_hosts_read(object, &names, &n, &self, &why))
        km_settings_problem(in->settings, "%s", why.msg);
    else
        km_settings_problem(
            in->settings, "The request asks for %zu hosts, but one trains alone%s", n,
            km_comm_can_join() ? "" : ": this program was built without MPI (KM_MPI=OFF)");
    km_free(names);
}

static int read_resources(const struct reading *in, struct km_err *err)
{
    const json_t *host, *hosts;
    json_t *object;
    int rc = load_config(in, "resourceconfig.json", &object, err);

    if (rc || !object)
        return rc == KM_E_INPUT ? KM_OK : rc;
    host = json_object_get(object, "current_host");
    hosts = json_object_get(object, "hosts");
    if (json_is_string(host) && json_string_length(host))
        snprintf(in->r->host, sizeof(in->r->host), "%s", json_string_value(host));
    else if (host)
        km_settings_problem(in->settings,
                            "resourceconfig.json: current_host is not the name of a host");
    if (hosts && !json_is_array(hosts))
        km_settings_problem(in->settings, "resourceconfig.json: hosts is not a list of names");
    else if (json_array_size(hosts) > 1 && in->r->ranks == 1)
        explain_hosts(in, object);
    else if (hosts && in->r->ranks > 1 && json_array_size(hosts) != (size_t)in->r->ranks)
        km_settings_problem(
            in->settings, "resourceconfig.json names %zu host(s), but %d processes train together",
            json_array_size(hosts), in->r->ranks);
    json_decref(object);
    return KM_OK;
}

/* A text of a channel's configuration; NULL if there is none. What is no text is a problem. */
static const char *channel_text(const struct reading *in, const struct km_channel *c,
                                const json_t *config, const char *key)
{
    const json_t *v = json_object_get(config, key);

    if (!v || json_is_null(v) || json_is_string(v))
        return json_string_value(v);
    km_settings_problem(in->settings, "inputdataconfig.json: %s of channel '%s' is not a string",
                        key, c->name);
    return NULL;
}

/* Whether a setting of a channel is missing or one of those that we can do; else it is a problem.
 */
static int check_choice(const struct reading *in, const struct km_channel *c, const json_t *config,
                        const char *key, const char *const *can, const char *later)
{
    const char *text = channel_text(in, c, config, key);

    if (!text)
        return 1;
    for (; *can; can++)
        if (strcasecmp(text, *can) == 0)
            return 1;
    km_settings_problem(in->settings, "%s '%.100s' of channel '%s' is not supported: use %s", key,
                        text, c->name, later);
    return 0;
}

/* Returns whether the channel has a folder: in Pipe mode there is none to look at. */
static int read_channel_config(const struct reading *in, struct km_channel *c, const json_t *config,
                               struct km_err *err)
{
    static const char *const modes[] = {"File", "FastFile", NULL};
    static const char *const none[] = {"None", NULL};
    static const char *const ways[] = {"FullyReplicated", "ShardedByS3Key", NULL};
    const char *way;
    int has_folder;

    if (config && !json_is_object(config))
        km_settings_problem(in->settings,
                            "inputdataconfig.json: channel '%s' is not an object {...}", c->name);
    has_folder = check_choice(in, c, config, "TrainingInputMode", modes, "'File' or 'FastFile'");
    check_choice(in, c, config, "RecordWrapperType", none, "'None'");
    check_choice(in, c, config, "CompressionType", none,
                 "'None', with files that are not compressed");
    check_choice(in, c, config, "S3DistributionType", ways,
                 "'FullyReplicated' or 'ShardedByS3Key'");
    way = json_string_value(json_object_get(config, "S3DistributionType"));
    /* Where nobody says it (local mode), every host has all the data, as the platform's own default. */
    c->replicated = !way || strcasecmp(way, ways[0]) == 0;
    if (km_content_type_parse(channel_text(in, c, config, "ContentType"), &c->format,
                              c->content_type, sizeof(c->content_type), err))
        km_settings_problem(in->settings, "%s (channel '%s')", err->msg, c->name);
    return has_folder;
}

/* The first few entries of a folder, to show what is there instead of data. */
static void describe_folder(const char *path, char *text, size_t size)
{
    DIR *dir = opendir(path);
    const struct dirent *e;
    size_t used = 0;
    int n = 0;

    snprintf(text, size, "it is empty");
    while (dir && used < size && (e = readdir(dir))) {
        struct stat st;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (n++ == 3) {
            snprintf(text + used, size - used, ", ...");
            break;
        }
        used += (size_t)snprintf(text + used, size - used, "%s'%.60s'",
                                 n > 1 ? ", " : "skipped: ", e->d_name);
        if (used < size && fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            used +=
                (size_t)snprintf(text + used, size - used, " (%lld bytes)", (long long)st.st_size);
    }
    if (dir)
        closedir(dir);
}

/* Lists the files of one path of a channel. Bad input becomes a problem; so does no file, but with
 * may_be_empty. */
static int add_files(struct km_settings *settings, struct km_channel *c, const char *path,
                     int may_be_empty, struct km_err *err)
{
    size_t before = c->files.n;
    char found[512];
    int rc = km_files_add(&c->files, path, err);

    if (rc == KM_E_INPUT) {
        km_settings_problem(settings, "Unable to read data channel '%s': %s", c->name, err->msg);
        return KM_OK;
    }
    if (rc)
        return rc;
    if (c->files.n == before && !may_be_empty) {
        describe_folder(path, found, sizeof(found));
        km_settings_problem(settings,
                            "Unable to read data channel '%s': no data in %s (%s). Names that "
                            "begin with '.' or '_' or end in '_$folder$' and files of 0 bytes are "
                            "no data",
                            c->name, path, found);
    }
    return KM_OK;
}

static int read_channel(const struct reading *in, struct km_channel *c, const json_t *config,
                        struct km_err *err)
{
    char path[PATH_BYTES];
    struct stat st;

    c->present = 1;
    if (!read_channel_config(in, c, config, err))
        return KM_OK;
    under_root(path, in->root, DATA, c->name);
    if (stat(path, &st) == 0 || errno != ENOENT)
        return add_files(in->settings, c, path, in->r->ranks > 1, err);
    if (in->r->ranks > 1) /* fewer files than hosts */
        return KM_OK;
    km_settings_problem(in->settings,
                        "Unable to read data channel '%s': the folder %s is missing. Please verify "
                        "the correct data channel configuration is provided",
                        c->name, path);
    return KM_OK;
}

/* Names of channels that we have no use for, and of all. */
static int check_names(const struct reading *in, const json_t *channels, struct km_err *err)
{
    struct km_text unknown = {0}, all = {0};
    const char *name;
    const json_t *v;

    json_object_foreach((json_t *)channels, name, v)
    {
        km_text_add(&all, "%s'%.100s'", all.n ? ", " : "", name);
        if (strcmp(name, "train") != 0 && strcmp(name, "test") != 0)
            km_text_add(&unknown, "%s'%.100s'", unknown.n ? ", " : "", name);
    }
    if (unknown.n && !unknown.failed)
        km_settings_problem(in->settings,
                            "Additional channels are not allowed (%s was unexpected): the channels "
                            "are 'train' and 'test'",
                            unknown.s);
    if (!json_object_get(channels, "train") && !all.failed)
        km_settings_problem(in->settings,
                            "The required channel 'train' is missing: the request has %s", all.s);
    km_free(unknown.s);
    km_free(all.s);
    if (unknown.failed || all.failed)
        return km_fail(err, KM_E_MEM, "no memory for the names of the channels");
    return KM_OK;
}

/* The folders that exist, where no configuration names the channels. */
static int read_folders(const struct reading *in, struct km_err *err)
{
    struct km_channel *channel[] = {&in->r->train, &in->r->test};
    char path[PATH_BYTES];

    for (int i = 0; i < 2; i++) {
        struct stat st;
        int rc = KM_OK;

        under_root(path, in->root, DATA, channel[i]->name);
        if (stat(path, &st) == 0)
            rc = read_channel(in, channel[i], NULL, err);
        else if (i == 0)
            km_settings_problem(in->settings,
                                "The required channel 'train' is missing: inputdataconfig.json "
                                "names no channel, and the folder %s is missing",
                                path);
        if (rc)
            return rc;
    }
    return KM_OK;
}

static int read_channels(const struct reading *in, struct km_err *err)
{
    struct km_channel *channel[] = {&in->r->train, &in->r->test};
    json_t *channels;
    int rc = load_config(in, "inputdataconfig.json", &channels, err);

    if (rc)
        return rc == KM_E_INPUT ? KM_OK : rc;
    if (json_object_size(channels) == 0) {
        json_decref(channels);
        return read_folders(in, err);
    }
    rc = check_names(in, channels, err);
    for (int i = 0; i < 2 && rc == KM_OK; i++) {
        const json_t *config = json_object_get(channels, channel[i]->name);

        if (config)
            rc = read_channel(in, channel[i], config, err);
    }
    json_decref(channels);
    return rc;
}

/* Fails here rather than after an hour of training. */
static int check_model_folder(struct km_request *r, const char *root, struct km_err *err)
{
    char folder[PATH_BYTES], trial[PATH_BYTES];
    int fd;

    under_root(folder, root, "model", "");
    under_root(trial, root, "model/", ".km-trial-XXXXXX");
    under_root(r->model_path, root, "model/", "model_algo-1");
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
static int finish(struct km_request *r, struct km_settings *settings, int need_feature_dim,
                  struct km_err *err)
{
    const char *ignored = km_settings_ignored(settings);
    int rc;

    if (ignored[0])
        km_log(KM_INFO, "Ignored hyperparameters, which mean nothing here: %s", ignored);
    rc = km_settings_finish(settings, need_feature_dim, &r->params, err);
    r->train.format.feature_dim = (size_t)r->params.feature_dim;
    r->test.format.feature_dim = (size_t)r->params.feature_dim;
    return rc;
}

int km_request_read(struct km_request *r, const char *root, struct km_settings *settings,
                    struct km_err *err)
{
    struct reading in = {r, root, settings};
    struct stat st;
    int rc;

    if (stat(root, &st))
        return km_fail(err, KM_E_INPUT,
                       "%s: cannot be opened (%s), expected the folder with " CONFIG
                       "hyperparameters.json",
                       root, strerror(errno));
    rc = read_hyperparameters(&in, err);
    if (rc)
        return rc;
    rc = read_resources(&in, err);
    if (rc)
        return rc;
    rc = read_channels(&in, err);
    if (rc)
        return rc;
    rc = finish(r, settings, 1, err);
    if (rc)
        return rc;
    rc = check_model_folder(r, root, err);
    if (rc)
        return rc;
    return log_request(r, settings, err);
}

/* A look at the first bytes of a file, which outlives its caller if it is left behind. */
struct first_bytes {
    const char *path;
    const char *content_type;
    int rc;
    struct km_err err;
};

/* RecordIO files begin with a number that no CSV file begins with. */
static void guess_content_type(void *arg)
{
    static const unsigned char magic[] = {0x0a, 0x23, 0xd7, 0xce};
    struct first_bytes *f = arg;
    const unsigned char *p;
    struct km_stream *s = NULL;
    size_t got;

    f->rc = km_stream_keep(f->path, &f->err); /* a pipe shows its first bytes once */
    if (f->rc == KM_OK)
        f->rc = km_stream_open(&s, f->path, &f->err);
    if (f->rc == KM_OK)
        f->rc = km_stream_peek(s, sizeof(magic), &p, &got, &f->err);
    if (f->rc == KM_OK)
        f->content_type = got >= sizeof(magic) && memcmp(p, magic, sizeof(magic)) == 0
                              ? "application/x-recordio-protobuf"
                              : "text/csv;label_size=0";
    km_stream_close(s);
}

/* Waits for the first bytes, but not for longer than the job may. */
static int look_at_bytes(const char *path, const char **content_type, struct km_err *err)
{
    struct first_bytes *f = km_alloc(1, sizeof(*f));
    int rc;

    if (!f)
        return km_fail(err, KM_E_MEM, "%s: no memory to look at it", path);
    f->path = path;
    rc = km_aside(guess_content_type, f, err);
    if (rc == KM_MORE)
        return km_fail(
            err, KM_E_SYS,
            "the job was asked to stop while waiting for the first bytes of %s, so there "
            "is no model",
            path);
    if (rc == KM_OK && (rc = f->rc))
        *err = f->err;
    *content_type = f->content_type;
    km_free(f);
    return rc;
}

/* The content type of files that nobody described. On several ranks a pipe's first bytes come to one
 * of them only. */
static int find_content_type(const struct km_request *r, struct km_settings *settings,
                             const char **content_type, struct km_err *err)
{
    const struct km_files *files = &r->train.files;
    struct stat st;

    *content_type = NULL;
    if (files->n == 0)
        return KM_OK;
    if (r->ranks == 1 || (stat(files->path[0], &st) == 0 && S_ISREG(st.st_mode)))
        return look_at_bytes(files->path[0], content_type, err);
    km_settings_problem(settings,
                        "%s: the content type of what is no regular file must be given: "
                        "application/x-recordio-protobuf or text/csv;label_size=0",
                        files->path[0]);
    return KM_OK;
}

/* What a command line names is the same for all ranks. */
static int add_paths(struct km_settings *settings, struct km_channel *c, char *const *paths,
                     size_t n, struct km_err *err)
{
    c->present = n > 0;
    c->replicated = 1;
    for (size_t i = 0; i < n; i++) {
        int rc = add_files(settings, c, paths[i], 0, err);

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
        rc = add_paths(settings, &r->train, train_paths, n_train, err);
    if (rc)
        return rc;
    rc = add_paths(settings, &r->test, test_paths, n_test, err);
    if (rc)
        return rc;
    if (n_train == 0)
        km_settings_problem(settings, "There is no file to train on: name at least one");
    if (!content_type)
        rc = find_content_type(r, settings, &content_type, err);
    if (rc)
        return rc;
    if (km_content_type_parse(content_type, &r->train.format, r->train.content_type,
                              sizeof(r->train.content_type), err))
        km_settings_problem(settings, "%s", err->msg);
    r->test.format = r->train.format; /* parsed once, so that what it warns of is told once */
    memcpy(r->test.content_type, r->train.content_type, sizeof(r->test.content_type));
    rc = finish(r, settings, 0, err);
    return rc ? rc : log_request(r, settings, err);
}
