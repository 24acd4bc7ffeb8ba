/* SPDX-License-Identifier: Apache-2.0 */
#include "train/hosts.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "dist/comm.h"
#include "dist/launch/launch.h"
#include "train/json.h"

#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 255
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts the names and checks them; they stand on mpirun's command line. */
static int read_names(const json_t *list, const char **names, struct km_err *err)
{
    size_t n = json_array_size(list);

    for (size_t i = 0; i < n; i++) {
        names[i] = json_string_value(json_array_get(list, i));
        if (!names[i] || !names[i][0] || strlen(names[i]) > NAME_BYTES ||
            names[i][strspn(names[i], NAME_CHARS)])
            return km_fail(err, KM_E_INPUT,
                           "resourceconfig.json: entry %zu of hosts is not the name of a host",
                           i + 1);
    }
    qsort(names, n, sizeof(*names), by_bytes);
    for (size_t i = 1; i < n; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            return km_fail(err, KM_E_INPUT, "resourceconfig.json: hosts has %s twice", names[i]);
    return KM_OK;
}

static int find_self(const char *const *names, size_t n, const char *host, size_t *self,
                     struct km_err *err)
{
    for (size_t i = 0; host && i < n; i++)
        if (strcmp(names[i], host) == 0) {
            *self = i;
            return KM_OK;
        }
    return km_fail(err, KM_E_INPUT,
                   "resourceconfig.json: current_host '%.100s' is not one of the %zu hosts",
                   host ? host : "", n);
}

/* The settings of the launch; whatever is wrong with them, the ranks will report. */
static int read_settings(struct km_launch *plan, const char *root, struct km_settings *settings,
                         struct km_err *err)
{
    char path[4096];
    int rc;

    if (snprintf(path, sizeof(path), "%s/input/config/hyperparameters.json", root) >=
        (int)sizeof(path))
        return km_fail(err, KM_E_INPUT, "the path %.200s... is too long", root);
    rc = km_settings_read(settings, path, err);
    plan->port = (int)km_settings_integer(settings, "launch_port");
    plan->timeout = (double)km_settings_integer(settings, "launch_timeout");
    plan->stall = (double)km_settings_integer(settings, "stall_timeout");
    return rc;
}

int km_hosts_read(const json_t *object, const char ***names, size_t *n, size_t *self,
                  struct km_err *err)
{
    const json_t *list = json_object_get(object, "hosts");
    int rc;

    *n = json_array_size(list);
    *names = km_alloc(*n, sizeof(**names));
    if (!*names)
        return km_fail(err, KM_E_MEM, "no memory for the names of %zu hosts", *n);
    rc = read_names(list, *names, err);
    if (rc == KM_OK)
        rc = find_self(*names, *n, json_string_value(json_object_get(object, "current_host")), self,
                       err);
    if (rc) {
        km_free(*names);
        *names = NULL;
    }
    return rc;
}

static int run(struct km_request *r, const char *root, struct km_settings *settings,
               struct km_launch *plan, struct km_err *err)
{
    int rc = read_settings(plan, root, settings, err);

    if (rc)
        return rc;
    snprintf(r->host, sizeof(r->host), "%s", plan->hosts[plan->self]);
    km_crash_host(r->host);
    km_crash_stage("in the supervisor", 0);
    km_log(KM_INFO, "kmeans %s: host %s of %zu hosts, %s leads", KM_VERSION, r->host, plan->n_hosts,
           plan->hosts[0]);
    return km_launch_run(plan, err);
}

int km_hosts_train(struct km_request *r, const char *root, struct km_settings *settings,
                   char *const *argv, int *several, struct km_err *err)
{
    char path[4096];
    struct km_launch plan = {.args = argv};
    const char **names = NULL;
    json_t *object = NULL;
    int rc = KM_OK;

    *several = 0;
    if (!km_comm_can_join())
        return KM_OK;
    if (snprintf(path, sizeof(path), "%s/input/config/resourceconfig.json", root) >=
            (int)sizeof(path) ||
        km_json_load(path, &object, err))
        return KM_OK;
    if (json_array_size(json_object_get(object, "hosts")) > 1 &&
        km_hosts_read(object, &names, &plan.n_hosts, &plan.self, err) == KM_OK) {
        *several = 1;
        plan.hosts = names;
        plan.interface = json_string_value(json_object_get(object, "network_interface_name"));
        rc = run(r, root, settings, &plan, err);
    }
    km_free(names);
    json_decref(object);
    return rc;
}
