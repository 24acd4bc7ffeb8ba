/* SPDX-License-Identifier: Apache-2.0 */
#include "train/resources.h"

#include "base/mem.h"
#include "dist/comm.h"

#include <stdio.h>
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

int km_resources_hosts(const json_t *object, const char ***names, size_t *n, size_t *self,
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

size_t km_resources_size(const json_t *object)
{
    return json_array_size(json_object_get(object, "hosts"));
}

/* Several hosts, but nobody started this process as one of theirs: the names are not fit for it. */
static void explain_hosts(const json_t *object, struct km_problems *problems)
{
    const char **names;
    struct km_err why;
    size_t n, self;

    if (km_resources_hosts(object, &names, &n, &self, &why))
        km_problem(problems, "%s", why.msg);
    else
        km_problem(problems, "The request asks for %zu hosts, but one trains alone%s", n,
                   km_comm_can_join() ? "" : ": this program was built without MPI (KM_MPI=OFF)");
    km_free(names);
}

int km_resources_check(const struct km_config_file *file, int ranks, char *host, size_t size,
                       struct km_problems *problems, struct km_err *err)
{
    const json_t *self = json_object_get(file->object, "current_host");
    const json_t *hosts = json_object_get(file->object, "hosts");
    size_t n = json_array_size(hosts);
    int rc = km_config_check(file, problems, err);

    if (json_is_string(self) && json_string_length(self))
        snprintf(host, size, "%s", json_string_value(self));
    else if (self)
        km_problem(problems, "resourceconfig.json: current_host is not the name of a host");
    if (hosts && !json_is_array(hosts))
        km_problem(problems, "resourceconfig.json: hosts is not a list of names");
    else if (n > 1 && ranks == 1)
        explain_hosts(file->object, problems);
    else if (hosts && ranks > 1 && n != (size_t)ranks)
        km_problem(problems,
                   "resourceconfig.json names %zu host(s), but %d processes train together", n,
                   ranks);
    return rc;
}
