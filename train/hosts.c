/* SPDX-License-Identifier: Apache-2.0 */
#include "train/hosts.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "dist/comm.h"
#include "dist/launch/launch.h"
#include "train/resources.h"

#include <stdio.h>

/* The settings of the launch; whatever is wrong with them, the ranks will report. */
static int read_settings(struct km_launch *plan, const struct km_config *config,
                         struct km_settings *settings, struct km_problems *problems,
                         struct km_err *err)
{
    const struct km_config_file *file = &config->hyperparameters;
    int rc = km_config_check(file, problems, err);

    if (rc == KM_OK)
        rc = km_settings_take(settings, file->object, err);
    plan->port = (int)km_settings_integer(settings, "launch_port");
    plan->timeout = (double)km_settings_integer(settings, "launch_timeout");
    plan->stall = (double)km_settings_integer(settings, "stall_timeout");
    return rc;
}

static int run(struct km_request *r, const struct km_config *config, struct km_settings *settings,
               struct km_launch *plan, struct km_err *err)
{
    int rc = read_settings(plan, config, settings, &r->problems, err);

    if (rc)
        return rc;
    snprintf(r->host, sizeof(r->host), "%s", plan->hosts[plan->self]);
    km_crash_host(r->host);
    km_crash_stage("in the supervisor", 0);
    km_log(KM_INFO, "kmeans %s: host %s of %zu hosts, %s leads", KM_VERSION, r->host, plan->n_hosts,
           plan->hosts[0]);
    return km_launch_run(plan, err);
}

int km_hosts_train(struct km_request *r, const struct km_config *config,
                   struct km_settings *settings, char *const *argv, int *several,
                   struct km_err *err)
{
    const json_t *object = config->resources.object;
    struct km_launch plan = {.args = argv};
    const char **names;
    int rc;

    *several = km_comm_can_join() && km_resources_size(object) > 1 &&
               km_resources_hosts(object, &names, &plan.n_hosts, &plan.self, err) == KM_OK;
    if (!*several)
        return KM_OK;
    plan.hosts = names;
    plan.interface = json_string_value(json_object_get(object, "network_interface_name"));
    rc = run(r, config, settings, &plan, err);
    km_free(names);
    return rc;
}
