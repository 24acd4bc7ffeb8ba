/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes behind a digit as one of the three JSON files of a request, the others being as they should
 * (0: the hyperparameters, 1: the channels, else the hosts): a request, or a list of problems.
 */
#include "tests/fuzz/fuzz.h"

#include "base/log.h"
#include "base/mem.h"
#include "train/request.h"

#include <ftw.h>
#include <sys/stat.h>

static char root[64];

static const char *const names[] = {"hyperparameters", "inputdataconfig", "resourceconfig"};
static const char *const good[] = {
    "{\"k\": \"2\", \"feature_dim\": \"3\"}",
    "{\"train\": {\"ContentType\": \"text/csv\", \"TrainingInputMode\": \"File\"}}",
    "{\"current_host\": \"algo-1\", \"hosts\": [\"algo-1\"]}"};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st, (void)type, (void)f;
    return remove(path);
}

static void remove_all(void)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, const void *bytes, size_t n)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/input/%s", root, name);
    f = fopen(path, "wb");
    MUST(f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0, "cannot write %s", path);
}

static void make_folders(void)
{
    static const char *const folders[] = {
        "input", "input/config", "input/data", "input/data/train", "output", "model"};
    char path[256];

    snprintf(root, sizeof(root), "%s/kmeans-fuzz-XXXXXX", "/tmp");
    MUST(mkdtemp(root), "cannot make %s", root);
    atexit(remove_all);
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
        MUST(mkdir(path, 0755) == 0, "%s", path);
    }
    put("data/train/rows.csv", "1,2,3\n", 6);
    km_log_level(KM_ERROR);
}

static void read_request(void)
{
    struct km_request *r = km_alloc(1, sizeof(*r));
    struct km_settings *settings;
    struct km_config config;
    struct km_err err;
    int rc;

    MUST(r && km_settings_open(&settings, &err) == KM_OK, "no memory");
    MUST(km_request_init(r, root, &err) == KM_OK, "%s", err.msg);
    km_config_load(&config, root);
    rc = km_request_read(r, root, &config, settings, &err);
    MUST(rc == KM_OK || (rc == KM_E_INPUT && r->problems.list.n > 0), "%d: %s", rc, err.msg);
    MUST(rc != KM_OK || (r->params.k > 0 && r->params.feature_dim > 0), "no k");
    for (size_t i = 0; i < r->problems.list.n; i++)
        MUST(r->problems.list.s[i][0], "problem %zu has no words", i);
    km_request_done(r);
    km_config_done(&config);
    km_settings_close(settings);
    km_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    size_t which;

    if (n == 0)
        return 0;
    if (!root[0])
        make_folders();
    which = bytes[0] == '0' ? 0 : bytes[0] == '1' ? 1 : 2;
    for (size_t i = 0; i < 3; i++) {
        char name[64];

        snprintf(name, sizeof(name), "config/%s.json", names[i]);
        if (i == which)
            put(name, bytes + 1, n - 1);
        else
            put(name, good[i], strlen(good[i]));
    }
    read_request();
    return 0;
}
