/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/copies.h"

#include <stddef.h>
#include <stdlib.h>

static int is_above(const char *value, long least)
{
    return value && strtol(value, NULL, 10) > least;
}

const char *km_copies_said(char *(*get)(const char *name))
{
    static const char *const around[] = {"PMI_SIZE", "SLURM_STEP_NUM_TASKS"};

    if (is_above(get("OMPI_COMM_WORLD_SIZE"), 1))
        return "OMPI_COMM_WORLD_SIZE";
    if (is_above(get("PMIX_RANK"), 0)) /* rank 0 may be the only one */
        return "PMIX_RANK";
    if (get("OMPI_COMM_WORLD_SIZE"))
        return NULL;
    for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++)
        if (is_above(get(around[i]), 1))
            return around[i];
    return NULL;
}

int km_copies_check(char *(*get)(const char *name), struct km_err *err)
{
    const char *name = km_copies_said(get);

    if (!name)
        return KM_OK;
    return km_fail(
        err, KM_E_INPUT,
        "a launcher started this program several times (%s is %.20s), but it is alone and "
        "knows of no other copy: each would read all data and write the same model. Start "
        "it as mpirun -n N kmeans train ..., with the mpirun of Open MPI (in a Slurm "
        "allocation in place of srun, or srun --mpi=pmix); for a model of its own in each "
        "task unset %s and give each another output",
        name, get(name), name);
}
