/* SPDX-License-Identifier: Apache-2.0 */
#include "train/config.h"

#include "train/json.h"

#include <stdio.h>
#include <string.h>

static void load(struct km_config_file *f, const char *root, const char *name)
{
    int n = snprintf(f->path, sizeof(f->path), "%s/input/config/%s", root, name);

    if (n >= (int)sizeof(f->path))
        f->path[0] = '\0';
    f->err.code = KM_OK;
    f->err.code = km_json_load(f->path, &f->object, &f->err);
}

void km_config_load(struct km_config *c, const char *root)
{
    load(&c->hyperparameters, root, "hyperparameters.json");
    load(&c->channels, root, "inputdataconfig.json");
    load(&c->resources, root, "resourceconfig.json");
}

int km_config_check(const struct km_config_file *file, struct km_problems *problems,
                    struct km_err *err)
{
    if (file->err.code == KM_E_MEM) {
        *err = file->err;
        return KM_E_MEM;
    }
    if (file->err.code)
        km_problem(problems, "%s", file->err.msg);
    return KM_OK;
}

void km_config_done(struct km_config *c)
{
    json_decref(c->hyperparameters.object);
    json_decref(c->channels.object);
    json_decref(c->resources.object);
    memset(c, 0, sizeof(*c));
}
