/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/mpirun.h"

#include <stdio.h>
#include <string.h>

static void find_network(struct km_supervisor *s, const struct km_address *own, int fd)
{
    struct km_address used, named;
    int has_used = km_net_own(fd, &used) == 0;
    const char *interface = s->plan->interface;

    if (own && has_used && km_address_is_loopback(own) && !km_address_is_loopback(&used))
        own = NULL;
    if (own && km_net_network(own, s->network) == 0)
        return;
    if (interface && km_net_of_interface(interface, &named) == 0 &&
        km_net_network(&named, s->network) == 0)
        return;
    if (!has_used || km_net_network(&used, s->network))
        s->network[0] = 0;
}

/*
 * "localhost:1,algo-2:1": one rank on each host, in this order. The leader goes by a name that
 * mpirun knows as its own even where the real one leads to no address of this host.
 */
static char *host_list(const struct km_launch *plan)
{
    size_t n = sizeof("localhost:1,"), used = 0;
    char *list;

    for (size_t i = 1; i < plan->n_hosts; i++)
        n += strlen(plan->hosts[i]) + 3;
    list = km_alloc(n, 1);
    for (size_t i = 0; list && i < plan->n_hosts; i++)
        used += (size_t)snprintf(list + used, n - used, "%s%s:1", i ? "," : "",
                                 i ? plan->hosts[i] : "localhost");
    return list;
}

static void set_agent(const struct km_supervisor *s, struct km_environment *e)
{
    char agent[sizeof(s->exe) + 16], hosts[32];

    snprintf(agent, sizeof(agent), "%s launch-agent", s->exe);
    snprintf(hosts, sizeof(hosts), "%zu", s->plan->n_hosts);
    km_environment_set(e, "OMPI_MCA_plm_rsh_agent", agent);
    km_environment_set(e, "OMPI_MCA_plm_rsh_no_tree_spawn", "1");
    km_environment_set(e, "OMPI_MCA_plm_rsh_num_concurrent", hosts);
    km_environment_set(e, "PRTE_MCA_plm_ssh_agent", agent);
    km_environment_set(e, "PRTE_MCA_plm_ssh_no_tree_spawn", "1");
    km_environment_set(e, "PRTE_MCA_plm_ssh_num_concurrent", hosts);
}

int km_mpirun_start(struct km_supervisor *s, const struct km_address *own, int fd,
                    struct km_err *err)
{
    char *hosts = host_list(s->plan), count[32];
    char *argv[] = {"mpirun", "--host", hosts, "-np",  count,   "--bind-to",
                    "none",   "--wdir", "/",   s->exe, "train", NULL};
    int rc;

    if (!hosts)
        return km_fail(err, KM_E_MEM, "no memory for the names of %zu hosts", s->plan->n_hosts);
    snprintf(count, sizeof(count), "%zu", s->plan->n_hosts);
    find_network(s, own, fd);
    rc = km_supervisor_start(s, argv, set_agent, err);
    km_free(hosts);
    return rc;
}
