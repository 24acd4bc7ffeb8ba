/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/environment.h"

#include "base/mem.h"
#include "dist/launch/net.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Takes over text, which km_alloc gave. */
static void append(struct km_environment *e, char *text)
{
    if (!text || km_grow(&e->v, e->n, &e->room, 2, sizeof(*e->v))) {
        e->failed = 1;
        km_free(text);
        return;
    }
    e->v[e->n++] = text;
    e->v[e->n] = NULL;
}

void km_environment_set(struct km_environment *e, const char *name, const char *value)
{
    size_t n = strlen(name), room = n + strlen(value) + 2, i = 0;
    char *text = km_alloc(room, 1);

    if (text)
        snprintf(text, room, "%s=%s", name, value);
    while (i < e->n && (strncmp(e->v[i], name, n) != 0 || e->v[i][n] != '='))
        i++;
    if (!text || i == e->n) {
        append(e, text);
        return;
    }
    km_free(e->v[i]);
    e->v[i] = text;
}

/* An include and an exclude list together are an error for MPI; ours is the include list. */
static int disturbs(const char *text)
{
    static const char end[] = "_if_exclude";
    size_t n = strcspn(text, "="), m = sizeof(end) - 1;

    return n > m && strncmp(text + n - m, end, m) == 0;
}

void km_environment_inherit(struct km_environment *e)
{
    for (char **v = environ; *v; v++)
        if (!disturbs(*v))
            append(e, km_strdup(*v));
}

void km_environment_mpi(struct km_environment *e, const char *network, const char *folder,
                        const char *local)
{
    static const char *const fixed[][2] = {
        /* one rank on each host, so no shared memory; and TCP is what all networks have */
        {"OMPI_MCA_pml", "ob1"},
        {"OMPI_MCA_btl", "self,tcp"},
        {"OMPI_MCA_orte_keep_fqdn_hostnames", "1"},
        {"PRTE_MCA_prte_keep_fqdn_hostnames", "1"},
        /* the rank has threads on all CPUs */
        {"OMPI_MCA_hwloc_base_binding_policy", "none"},
        {"PRTE_MCA_hwloc_default_binding_policy", "none"},
        /* a rank that is to be killed has nothing to wait for */
        {"OMPI_MCA_odls_base_sigkill_timeout", "0"},
        {"PRTE_MCA_odls_base_sigkill_timeout", "0"},
        /* a hint for whoever installs PMIx */
        {"PMIX_MCA_pcompress_base_silence_warning", "1"},
        {"OMPI_ALLOW_RUN_AS_ROOT", "1"},
        {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
        {"PRTE_ALLOW_RUN_AS_ROOT", "1"},
        {"PRTE_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
    };
    char interface[KM_INTERFACE_NAME];

    km_environment_inherit(e);
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        km_environment_set(e, fixed[i][0], fixed[i][1]);
    if (network[0]) {
        km_environment_set(e, "OMPI_MCA_btl_tcp_if_include", network);
        km_environment_set(e, "OMPI_MCA_oob_tcp_if_include", network);
    }
    /* PRRTE 3.0 finds no interface of any network; it knows their names */
    if (network[0] && km_net_interface(network, interface) == 0)
        km_environment_set(e, "PRTE_MCA_prte_if_include", interface);
    km_environment_set(e, "KM_SUPERVISOR", local);
    km_environment_set(e, "TMPDIR", folder);
    km_environment_set(e, "HOME", folder); /* PMIx crashes where a uid without a name has none */
}

void km_environment_done(struct km_environment *e)
{
    for (size_t i = 0; i < e->n; i++)
        km_free(e->v[i]);
    km_free(e->v);
    memset(e, 0, sizeof(*e));
}
