/* SPDX-License-Identifier: Apache-2.0 */
/* The communicator: of one process as it is, of several when run under mpirun (tests/run_ranks.py).
 */
#include "tests/test.h"

#include "base/mem.h"
#include "dist/comm.h"
#include <stdlib.h>
#include <string.h>

/* MPI starts once in a process, so all tests share one. */
static struct km_comm *comm;

static int open_comm(void **state)
{
    struct km_err err;

    (void)state;
    return km_comm_open(&comm, &err);
}

static int close_comm(void **state)
{
    (void)state;
    km_comm_close(comm);
    km_comm_close(NULL);
    return 0;
}

/* What rank r has at place i: numbers whose sum depends on the order they are added in. */
static double value(int r, size_t i)
{
    return (double)(i % 1000 + 1) / 3 * (r % 2 ? -1e10 : 1 + 1e-9 * r);
}

static void one_process_is_rank_0_of_1(void **state)
{
    const char *size = getenv("OMPI_COMM_WORLD_SIZE"), *rank = getenv("OMPI_COMM_WORLD_RANK");

    (void)state;
    assert_int_equal(km_comm_size(comm), size ? strtol(size, NULL, 10) : 1);
    assert_int_equal(km_comm_rank(comm), rank ? strtol(rank, NULL, 10) : 0);
}

static void a_sum_adds_rank_after_rank_on_each_rank_whatever_its_length(void **state)
{
    static const size_t lengths[] = {0, 1, 2, 7, 1000, 70001, ((size_t)1 << 22) + 3};
    struct km_err err;

    (void)state;
    for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
        size_t n = lengths[l], wrong = 0;
        double *v = km_alloc(n, sizeof(*v));

        for (size_t i = 0; i < n; i++)
            v[i] = value(km_comm_rank(comm), i);
        assert_ok(km_comm_sum(comm, v, n, &err), err);
        for (size_t i = 0; i < n; i++) {
            double expected = value(0, i);

            for (int r = 1; r < km_comm_size(comm); r++)
                expected += value(r, i);
            wrong += memcmp(&v[i], &expected, sizeof(expected)) != 0;
        }
        assert_int_equal(wrong, 0);
        km_free(v);
    }
}

/* Few values go from each to each; of many, each value to the rank that sums it up, and back. */
static void bytes_that_were_sent_are_counted(void **state)
{
    static const size_t lengths[] = {0, 1000, 70001};
    double size = km_comm_size(comm);
    struct km_err err;

    (void)state;
    for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
        double *v = km_alloc(lengths[l], sizeof(*v)), n = (double)lengths[l], sent;
        uint64_t before = km_comm_sent(comm);

        assert_ok(km_comm_sum(comm, v, lengths[l], &err), err);
        sent = (double)(km_comm_sent(comm) - before);
        assert_ok(km_comm_sum(comm, &sent, 1, &err), err);
        assert_true(sent == 8 * n * (size - 1) * (n * size <= 32768 ? size : 2));
        km_free(v);
    }
}

static void bits_that_any_rank_has_set_are_set_on_all(void **state)
{
    static const size_t lengths[] = {0, 1, 1000, 70001};
    struct km_err err;

    (void)state;
    for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
        size_t n = lengths[l], wrong = 0;
        uint64_t *v = km_alloc(n, sizeof(*v)), mine = (uint64_t)1 << 63 >> km_comm_rank(comm);

        for (size_t i = 0; i < n; i++) /* among them patterns of NaN */
            v[i] = mine | i << 44;
        assert_ok(km_comm_or(comm, v, n, &err), err);
        for (size_t i = 0; i < n; i++) {
            uint64_t expected = i << 44;

            for (int r = 0; r < km_comm_size(comm); r++)
                expected |= (uint64_t)1 << 63 >> r;
            wrong += v[i] != expected;
        }
        assert_int_equal(wrong, 0);
        km_free(v);
    }
}

static void the_least_of_all_ranks_is_known_to_all(void **state)
{
    double least;
    struct km_err err;

    (void)state;
    assert_ok(km_comm_least(comm, 5.5 - km_comm_rank(comm), &least, &err), err);
    assert_true(least == 6.5 - km_comm_size(comm));
}

static void a_broadcast_gives_everybody_what_the_root_has(void **state)
{
    size_t n = 100003;
    char *bytes = km_alloc(n, 1);
    struct km_err err;

    (void)state;
    for (int root = 0; root < km_comm_size(comm); root++) {
        size_t wrong = 0;

        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)(i * 7 + (size_t)km_comm_rank(comm));
        assert_ok(km_comm_broadcast(comm, bytes, n, root, &err), err);
        for (size_t i = 0; i < n; i++)
            wrong += bytes[i] != (char)(i * 7 + (size_t)root);
        assert_int_equal(wrong, 0);
    }
    km_free(bytes);
}

/* Rank r has r * 5000 bytes, so that rank 0 has none. */
static void bytes_of_different_length_are_gathered_in_rank_order(void **state)
{
    size_t size = (size_t)km_comm_size(comm), own = (size_t)km_comm_rank(comm), wrong = 0;
    size_t *part = km_alloc(size + 1, sizeof(*part));
    struct km_err err;
    char *all;

    (void)state;
    assert_ok(km_comm_offsets(comm, own * 5000, part, &err), err);
    for (size_t r = 0; r <= size; r++)
        assert_int_equal(part[r], 5000 * (r * (r - 1) / 2));
    all = km_alloc(part[size], 1);
    memset(all + part[own], (int)own, own * 5000);
    assert_ok(km_comm_gather(comm, all, part, &err), err);
    for (size_t r = 0; r < size; r++)
        for (size_t i = part[r]; i < part[r + 1]; i++)
            wrong += all[i] != (char)r;
    assert_int_equal(wrong, 0);
    km_free(all);
    km_free(part);
}

static void ranks_that_all_did_well_agree_on_that(void **state)
{
    struct km_err err = {0};

    (void)state;
    assert_int_equal(km_comm_agree(comm, KM_OK, "algo-1", &err), KM_OK);
    assert_int_equal(km_comm_agree(comm, KM_MORE, "algo-1", &err), KM_MORE);
}

static void the_lowest_rank_that_failed_speaks_for_all(void **state)
{
    int rank = km_comm_rank(comm), last = km_comm_size(comm) - 1, rc = KM_OK;
    char host[32], expected[64];
    struct km_err err = {0};

    (void)state;
    snprintf(host, sizeof(host), "algo-%d", rank + 1);
    if (rank >= last - 1) /* the last two */
        rc = km_fail(&err, KM_E_INPUT, "row %d is bad", rank);
    assert_int_equal(km_comm_agree(comm, rc, host, &err), KM_E_INPUT);
    snprintf(expected, sizeof(expected), "algo-%d: row %d is bad", last, last - 1);
    assert_string_equal(err.msg, last ? expected : "row 0 is bad");
    assert_int_equal(err.code, KM_E_INPUT);
    assert_int_equal(km_comm_agree(comm, KM_OK, host, &err), KM_OK);
}

static void no_memory_is_an_error_with_a_text(void **state)
{
    struct km_comm *other;
    struct km_err err = {0};

    (void)state;
    km_alloc_fail_at(1);
    assert_int_equal(km_comm_open(&other, &err), KM_E_MEM);
    km_alloc_fail_at(0);
    assert_contains(err.msg, "no memory");
    assert_null(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_is_rank_0_of_1),
        cmocka_unit_test(a_sum_adds_rank_after_rank_on_each_rank_whatever_its_length),
        cmocka_unit_test(bytes_that_were_sent_are_counted),
        cmocka_unit_test(bits_that_any_rank_has_set_are_set_on_all),
        cmocka_unit_test(the_least_of_all_ranks_is_known_to_all),
        cmocka_unit_test(a_broadcast_gives_everybody_what_the_root_has),
        cmocka_unit_test(bytes_of_different_length_are_gathered_in_rank_order),
        cmocka_unit_test(ranks_that_all_did_well_agree_on_that),
        cmocka_unit_test(the_lowest_rank_that_failed_speaks_for_all),
        cmocka_unit_test(no_memory_is_an_error_with_a_text),
    };

    return cmocka_run_group_tests(tests, open_comm, close_comm);
}
