/* SPDX-License-Identifier: Apache-2.0 */
#include "train/channels.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/content_type.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define PATH_BYTES 4096

/* What travels through the steps of reading. */
struct reading {
    struct km_channel *channel[2];
    const char *root;
    int ranks;
    struct km_problems *problems;
};

/* The folder of a channel; a path that does not fit gives an empty one, which no file has. */
static void path_of(char path[PATH_BYTES], const struct reading *in, const struct km_channel *c)
{
    if (snprintf(path, PATH_BYTES, "%s/input/data/%s", in->root, c->name) >= PATH_BYTES)
        path[0] = '\0';
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

int km_channel_add(struct km_problems *problems, struct km_channel *c, const char *path,
                   int may_be_empty, struct km_err *err)
{
    size_t before = c->files.n;
    char found[512];
    int rc = km_files_add(&c->files, path, err);

    if (rc == KM_E_INPUT) {
        km_problem(problems, "Unable to read data channel '%s': %s", c->name, err->msg);
        return KM_OK;
    }
    if (rc)
        return rc;
    if (c->files.n == before && !may_be_empty) {
        describe_folder(path, found, sizeof(found));
        km_problem(problems,
                   "Unable to read data channel '%s': no data in %s (%s). Names that "
                   "begin with '.' or '_' or end in '_$folder$' and files of 0 bytes are "
                   "no data",
                   c->name, path, found);
    }
    return KM_OK;
}

/* A text of a channel's configuration; NULL if there is none. What is no text is a problem. */
static const char *channel_text(const struct reading *in, const struct km_channel *c,
                                const json_t *config, const char *key)
{
    const json_t *v = json_object_get(config, key);

    if (!v || json_is_null(v) || json_is_string(v))
        return json_string_value(v);
    km_problem(in->problems, "inputdataconfig.json: %s of channel '%s' is not a string", key,
               c->name);
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
    km_problem(in->problems, "%s '%.100s' of channel '%s' is not supported: use %s", key, text,
               c->name, later);
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
        km_problem(in->problems, "inputdataconfig.json: channel '%s' is not an object {...}",
                   c->name);
    has_folder = check_choice(in, c, config, "TrainingInputMode", modes, "'File' or 'FastFile'");
    check_choice(in, c, config, "RecordWrapperType", none, "'None'");
    check_choice(in, c, config, "CompressionType", none,
                 "'None', with files that are not compressed");
    check_choice(in, c, config, "S3DistributionType", ways,
                 "'FullyReplicated' or 'ShardedByS3Key'");
    way = json_string_value(json_object_get(config, "S3DistributionType"));
    /* Where nobody says it (local mode), every host has all the data, as the platform's own
     * default. */
    c->replicated = !way || strcasecmp(way, ways[0]) == 0;
    if (km_content_type_parse(channel_text(in, c, config, "ContentType"), &c->format,
                              c->content_type, sizeof(c->content_type), km_log_warning, err))
        km_problem(in->problems, "%s (channel '%s')", err->msg, c->name);
    return has_folder;
}

static int read_channel(const struct reading *in, struct km_channel *c, const json_t *config,
                        struct km_err *err)
{
    char path[PATH_BYTES];
    struct stat st;

    c->present = 1;
    if (!read_channel_config(in, c, config, err))
        return KM_OK;
    path_of(path, in, c);
    if (stat(path, &st) == 0 || errno != ENOENT)
        return km_channel_add(in->problems, c, path, in->ranks > 1, err);
    if (in->ranks > 1) /* fewer files than hosts */
        return KM_OK;
    km_problem(in->problems,
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
        km_problem(in->problems,
                   "Additional channels are not allowed (%s was unexpected): the channels "
                   "are 'train' and 'test'",
                   unknown.s);
    if (!json_object_get(channels, "train") && !all.failed)
        km_problem(in->problems, "The required channel 'train' is missing: the request has %s",
                   all.s);
    km_free(unknown.s);
    km_free(all.s);
    if (unknown.failed || all.failed)
        return km_fail(err, KM_E_MEM, "no memory for the names of the channels");
    return KM_OK;
}

/* The folders that exist, where no configuration names the channels. */
static int read_folders(const struct reading *in, struct km_err *err)
{
    char path[PATH_BYTES];

    for (int i = 0; i < 2; i++) {
        struct stat st;
        int rc = KM_OK;

        path_of(path, in, in->channel[i]);
        if (stat(path, &st) == 0)
            rc = read_channel(in, in->channel[i], NULL, err);
        else if (i == 0)
            km_problem(in->problems,
                       "The required channel 'train' is missing: inputdataconfig.json "
                       "names no channel, and the folder %s is missing",
                       path);
        if (rc)
            return rc;
    }
    return KM_OK;
}

int km_channels_read(struct km_channel *const channel[2], const struct km_config_file *file,
                     const char *root, int ranks, struct km_problems *problems, struct km_err *err)
{
    struct reading in = {{channel[0], channel[1]}, root, ranks, problems};
    int rc = km_config_check(file, problems, err);

    if (rc || file->err.code)
        return rc;
    if (json_object_size(file->object) == 0)
        return read_folders(&in, err);
    rc = check_names(&in, file->object, err);
    for (int i = 0; i < 2 && rc == KM_OK; i++) {
        const json_t *config = json_object_get(file->object, channel[i]->name);

        if (config)
            rc = read_channel(&in, channel[i], config, err);
    }
    return rc;
}
