/* SPDX-License-Identifier: Apache-2.0 */
/* The communicator of one process. */
#include "tests/test.h"

#include "base/mem.h"
#include "dist/comm.h"

static void one_process_is_rank_0_of_1(void **state)
{
    struct km_comm *comm;
    struct km_err err;

    (void)state;
    assert_ok(km_comm_open(&comm, &err), err);
    assert_int_equal(km_comm_rank(comm), 0);
    assert_int_equal(km_comm_size(comm), 1);
    km_comm_close(comm);
    km_comm_close(NULL);
}

static void the_sum_over_one_rank_is_what_it_has(void **state)
{
    double v[] = {1.5, -2, 1e300, 0}, expected[] = {1.5, -2, 1e300, 0};
    struct km_comm *comm;
    struct km_err err;

    (void)state;
    assert_ok(km_comm_open(&comm, &err), err);
    assert_ok(km_comm_sum(comm, v, 4, &err), err);
    assert_memory_equal(v, expected, sizeof(v));
    assert_ok(km_comm_sum(comm, NULL, 0, &err), err);
    km_comm_close(comm);
}

static void no_memory_is_an_error_with_a_text(void **state)
{
    struct km_comm *comm;
    struct km_err err = {0};

    (void)state;
    km_alloc_fail_at(1);
    assert_int_equal(km_comm_open(&comm, &err), KM_E_MEM);
    km_alloc_fail_at(0);
    assert_contains(err.msg, "no memory");
    assert_null(comm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_is_rank_0_of_1),
        cmocka_unit_test(the_sum_over_one_rank_is_what_it_has),
        cmocka_unit_test(no_memory_is_an_error_with_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
