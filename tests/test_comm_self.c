/* SPDX-License-Identifier: Apache-2.0 */
/* The wire of a build without MPI, linked in place of that with MPI (tests/CMakeLists.txt). */
#include "tests/test.h"

#include "dist/comm.h"
#include "dist/wire.h"
#include <stdlib.h>

static void one_rank_hears_what_it_says(void **state)
{
    double v[3] = {1, 2, 3}, got[3] = {0};
    int n = 2, at = 1, zero = 0;
    struct km_wire_cut give = {&n, &at}, take = {&n, &zero};
    struct km_err err;

    (void)state;
    assert_ok(km_wire_all(v, got, 3, &err), err);
    assert_memory_equal(got, v, sizeof(v));
    assert_ok(km_wire_deal(v, &give, got, &take, &err), err);
    assert_true(got[0] == 2 && got[1] == 3);
    assert_ok(km_wire_collect(v, &give, &err), err);
    assert_ok(km_wire_broadcast(v, sizeof(v), 0, &err), err);
    assert_true(v[0] == 1 && v[1] == 2 && v[2] == 3);
}

static void mpirun_with_one_process_is_one_rank(void **state)
{
    struct km_comm *comm;
    struct km_err err;

    (void)state;
    setenv("OMPI_COMM_WORLD_SIZE", "1", 1);
    assert_ok(km_comm_open(&comm, &err), err);
    assert_int_equal(km_comm_rank(comm), 0);
    assert_int_equal(km_comm_size(comm), 1);
    km_comm_close(comm);
    unsetenv("OMPI_COMM_WORLD_SIZE");
}

static void one_of_several_processes_is_refused(void **state)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
    struct km_comm *comm;

    (void)state;
    assert_false(km_comm_can_join());
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct km_err err = {0};

        setenv(names[i], "3", 1);
        assert_int_equal(km_comm_open(&comm, &err), KM_E_INPUT);
        assert_null(comm);
        assert_contains(err.msg, names[i]);
        assert_contains(err.msg, "built without MPI");
        unsetenv(names[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_rank_hears_what_it_says),
        cmocka_unit_test(mpirun_with_one_process_is_one_rank),
        cmocka_unit_test(one_of_several_processes_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
