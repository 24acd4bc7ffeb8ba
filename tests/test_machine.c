/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine lets this process use. */
#include "tests/test.h"

#include "base/machine.h"
#include "base/mem.h"

#include <sched.h>
#include <unistd.h>

static void cpus_are_at_least_one_and_at_most_what_the_mask_allows(void **state)
{
    cpu_set_t set;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
    assert_true(km_cpus() >= 1);
    assert_true(km_cpus() <= CPU_COUNT(&set));
}

static void a_mask_of_one_cpu_is_one_cpu(void **state)
{
    cpu_set_t all, one;
    int cpus;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    cpus = km_cpus();
    assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
    assert_int_equal(cpus, 1);
}

static void available_memory_is_some_and_no_more_than_the_machine_has(void **state)
{
    uint64_t available = km_memory_available();
    uint64_t total = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

    (void)state;
    assert_true(available > 0);
    assert_true(available <= total);
}

static void peak_memory_grows_by_what_is_touched(void **state)
{
    size_t bytes = (size_t)64 << 20;
    uint64_t before = km_memory_peak();
    volatile char *p = km_alloc(bytes, 1);

    (void)state;
    assert_non_null((const void *)(uintptr_t)p);
    assert_true(km_memory_peak() < before + bytes / 2); /* a large block costs nothing untouched */
    for (size_t i = 0; i < bytes; i += 4096)
        p[i] = 1;
    assert_true(km_memory_peak() >= before + bytes / 2);
    km_free((void *)(uintptr_t)p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpus_are_at_least_one_and_at_most_what_the_mask_allows),
        cmocka_unit_test(a_mask_of_one_cpu_is_one_cpu),
        cmocka_unit_test(available_memory_is_some_and_no_more_than_the_machine_has),
        cmocka_unit_test(peak_memory_grows_by_what_is_touched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
