/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "dist/copies.h"

static const char *const *variables; /* "NAME=value", ..., NULL */

static char *get(const char *name)
{
    size_t n = strlen(name);

    for (const char *const *v = variables; *v; v++)
        if (strncmp(*v, name, n) == 0 && (*v)[n] == '=')
            return (char *)*v + n + 1;
    return NULL;
}

static void tasks_of_a_launcher_are_seen(void **state)
{
    static const struct {
        const char *variables[5];
        const char *said;
    } cases[] = {
        {{NULL}, NULL},
        {{"SLURM_STEP_NUM_TASKS=2"}, "SLURM_STEP_NUM_TASKS"},
        {{"SLURM_STEP_NUM_TASKS=1"}, NULL},
        {{"SLURM_NTASKS=8"}, NULL}, /* of the allocation: also in its batch script */
        {{"SLURM_STEP_NUM_TASKS=1", "SLURM_NTASKS=8"}, NULL},
        {{"SLURM_STEP_NUM_TASKS="}, NULL},
        {{"SLURM_STEP_NUM_TASKS=many"}, NULL},
        {{"PMI_SIZE=4", "PMI_RANK=0"}, "PMI_SIZE"},
        {{"PMI_SIZE=1"}, NULL},
        {{"PMIX_RANK=1"}, "PMIX_RANK"},
        {{"PMIX_RANK=0"}, NULL},
        {{"PMIX_RANK=0", "SLURM_STEP_NUM_TASKS=3"}, "SLURM_STEP_NUM_TASKS"},
        {{"OMPI_COMM_WORLD_SIZE=3", "PMIX_RANK=0"}, "OMPI_COMM_WORLD_SIZE"},
        {{"OMPI_COMM_WORLD_SIZE=1", "PMIX_RANK=0"}, NULL},
        /* mpirun -n 1 on a host whose daemon srun has started */
        {{"OMPI_COMM_WORLD_SIZE=1", "PMIX_RANK=0", "SLURM_STEP_NUM_TASKS=2", "PMI_SIZE=2"}, NULL},
    };
    struct km_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        variables = cases[i].variables;
        if (cases[i].said) {
            assert_string_equal(km_copies_said(get), cases[i].said);
            assert_int_equal(km_copies_check(get, &err), KM_E_INPUT);
            assert_contains(err.msg, cases[i].said);
            assert_contains(err.msg, "mpirun -n N kmeans train");
        } else {
            assert_null(km_copies_said(get));
            assert_ok(km_copies_check(get, &err), err);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tasks_of_a_launcher_are_seen)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
