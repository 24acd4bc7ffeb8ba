/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of control groups, read from a /proc and /sys of the test's own. */
#include "tests/test.h"

#include "base/cgroup.h"
#include <limits.h>

/* Writes a file of the fake machine, and the folders on the way to it. */
static void put(const char *root, const char *name, const char *text)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", root, name);
    for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); *at++ = '/') {
        *at = '\0';
        mkdir(path, 0700);
    }
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* A machine with version 2 whose groups are mounted as `mounted`, and this process in `group`. */
static const char *machine_v2(const char *group, const char *mounted)
{
    const char *root = test_folder();
    char line[256];

    snprintf(line, sizeof(line), "0::%s\n", group);
    put(root, "proc/self/cgroup", line);
    snprintf(line, sizeof(line),
             "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
             "35 24 0:29 %s /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
             mounted);
    put(root, "proc/self/mountinfo", line);
    return root;
}

/* The same with version 1: a hierarchy each for CPUs and for memory. */
static const char *machine_v1(const char *group, const char *mounted)
{
    const char *root = test_folder();
    char line[512];

    snprintf(line, sizeof(line),
             "9:name=systemd:/elsewhere\n5:cpuset:/wrong\n4:memory:%s\n3:cpu,cpuacct:%s\n0::/\n",
             group, group);
    put(root, "proc/self/cgroup", line);
    snprintf(line, sizeof(line),
             "30 25 0:26 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
             "32 25 0:28 %s /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
             "33 25 0:29 %s /sys/fs/cgroup/memory rw shared:1 master:2 - cgroup cgroup rw,memory\n",
             mounted, mounted);
    put(root, "proc/self/mountinfo", line);
    return root;
}

static struct km_cgroup read_at(const char *root)
{
    struct km_cgroup g;

    km_cgroup_read(&g, root);
    return g;
}

#define G "sys/fs/cgroup/"

static void without_limits_there_are_none(void **state)
{
    const char *root = machine_v2("/a", "/");
    struct km_cgroup g;

    (void)state;
    put(root, G "a/cpu.max", "max 100000\n");
    put(root, G "a/memory.max", "max\n");
    put(root, G "a/memory.current", "4096\n");
    g = read_at(root);
    assert_int_equal(g.cpus, INT_MAX);
    assert_true(g.memory == UINT64_MAX);
    g = read_at(test_folder()); /* neither /proc nor /sys */
    assert_int_equal(g.cpus, INT_MAX);
    assert_true(g.memory == UINT64_MAX);
}

static void a_quota_is_rounded_up_to_whole_cpus(void **state)
{
    static const struct {
        const char *text;
        int cpus;
    } cases[] = {{"100000 100000", 1}, {"100001 100000", 2},    {"1000 100000", 1},
                 {"250000 100000", 3}, {"max 100000", INT_MAX}, {"", INT_MAX}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *root = machine_v2("/a", "/");

        put(root, G "a/cpu.max", cases[i].text);
        assert_int_equal(read_at(root).cpus, cases[i].cpus);
    }
}

static void the_tightest_group_on_the_way_up_counts(void **state)
{
    const char *root = machine_v2("/a/b/c", "/");
    struct km_cgroup g;

    (void)state;
    put(root, G "a/b/c/cpu.max", "800000 100000");
    put(root, G "a/b/cpu.max", "200000 100000");
    put(root, G "a/cpu.max", "300000 100000");
    put(root, G "a/b/c/memory.max", "max");
    put(root, G "a/b/memory.max", "9000000");
    put(root, G "a/b/memory.current", "1000000");
    put(root, G "a/memory.max", "10000000");
    put(root, G "a/memory.current", "5000000"); /* neighbours of /a/b have 4 MB of these */
    put(root, G "x/cpu.max", "10000 100000");   /* not on the way */
    put(root, "sys/fs/cpu.max", "10000 100000");
    g = read_at(root);
    assert_int_equal(g.cpus, 2);
    assert_true(g.memory == 5000000);
}

static void a_container_with_a_namespace_sees_its_group_as_the_top(void **state)
{
    const char *root = machine_v2("/", "/");
    struct km_cgroup g;

    (void)state;
    put(root, G "cpu.max", "400000 100000");
    put(root, G "memory.max", "1000");
    put(root, G "memory.current", "300");
    g = read_at(root);
    assert_int_equal(g.cpus, 4);
    assert_true(g.memory == 700);
}

static void a_container_without_a_namespace_is_shown_its_own_part(void **state)
{
    const char *root = machine_v2("/docker/abc/inner", "/docker/abc");

    (void)state;
    put(root, G "cpu.max", "300000 100000");
    put(root, G "inner/cpu.max", "500000 100000");
    put(root, G "docker/abc/cpu.max", "100000 100000"); /* of other containers inside of this one */
    assert_int_equal(read_at(root).cpus, 3);
    root = machine_v2("/docker/abcdef", "/docker/abc"); /* not inside of it, in spite of the name */
    put(root, G "cpu.max", "300000 100000");
    put(root, G "def/cpu.max", "100000 100000");
    assert_int_equal(read_at(root).cpus, 3);
}

static void a_group_outside_of_what_is_mounted_is_judged_by_the_mount(void **state)
{
    const char *root = machine_v2("/../other", "/");

    (void)state;
    put(root, G "cpu.max", "300000 100000");
    put(root, "sys/fs/other/cpu.max", "100000 100000");
    assert_int_equal(read_at(root).cpus, 3);
    root = machine_v2("/", "/../..");
    put(root, G "cpu.max", "500000 100000");
    assert_int_equal(read_at(root).cpus, 5);
}

static void the_mount_that_holds_our_group_is_taken(void **state)
{
    const char *root = machine_v2("/a/b", "/");

    (void)state;
    put(root, "proc/self/mountinfo",
        "35 24 0:29 /z /mnt/part rw - cgroup2 cgroup2 rw\n"
        "36 24 0:29 /a /mnt/with\\040space rw - cgroup2 cgroup2 rw\n");
    put(root, "mnt/part/cpu.max", "100000 100000");
    put(root, "mnt/with space/b/cpu.max", "700000 100000");
    put(root, "mnt/with space/cpu.max", "600000 100000");
    assert_int_equal(read_at(root).cpus, 6);
}

static void version_1_has_a_hierarchy_for_each(void **state)
{
    const char *root = machine_v1("/a/b", "/");
    struct km_cgroup g;

    (void)state;
    put(root, G "cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
    put(root, G "cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
    put(root, G "cpu,cpuacct/a/cpu.cfs_quota_us", "150000\n");
    put(root, G "cpu,cpuacct/a/cpu.cfs_period_us", "50000\n");
    put(root, G "memory/a/b/memory.limit_in_bytes", "9223372036854771712\n"); /* no limit */
    put(root, G "memory/a/b/memory.usage_in_bytes", "1000\n");
    put(root, G "memory/a/memory.limit_in_bytes", "8000\n");
    put(root, G "memory/a/memory.usage_in_bytes", "9000\n");
    put(root, G "memory/a/memory.stat",
        "cache 7000\ninactive_file 1\ntotal_inactive_file 2000\ntotal_active_file 500\n");
    g = read_at(root);
    assert_int_equal(g.cpus, 3);
    assert_true(g.memory == 8000 - (9000 - 2500));
}

static void version_1_in_a_container_shows_its_own_part(void **state)
{
    const char *root = machine_v1("/docker/abc", "/docker/abc");

    (void)state;
    put(root, G "cpu,cpuacct/cpu.cfs_quota_us", "200000");
    put(root, G "cpu,cpuacct/cpu.cfs_period_us", "100000");
    put(root, G "memory/memory.limit_in_bytes", "5000");
    put(root, G "memory/memory.usage_in_bytes", "6000");
    assert_int_equal(read_at(root).cpus, 2);
    assert_true(read_at(root).memory == 0); /* more is used than allowed: nothing is left */
}

static void pages_of_files_are_not_lost(void **state)
{
    const char *root = machine_v2("/job", "/");

    (void)state;
    put(root, G "job/memory.max", "1000");
    put(root, G "job/memory.current", "990"); /* after a read of a large file */
    put(root, G "job/memory.stat",
        "anon 90\nfile 900\ninactive_file 700\nactive_file 150\nslab 5\n");
    assert_true(read_at(root).memory == 1000 - (990 - 850));
    put(root, G "job/memory.stat", "inactive_file 2000\n"); /* read at another moment */
    assert_true(read_at(root).memory == 1000);
}

static void files_of_another_kind_are_no_limit(void **state)
{
    const char *root = test_folder();

    (void)state;
    put(root, "proc/self/cgroup", "\n:\n0:\nnonsense\n0::/a\n");
    put(root, "proc/self/mountinfo",
        "\n - \n1 2 3 - cgroup2\n35 24 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
    put(root, G "a/cpu.max", "many");
    put(root, G "cpu.max", "200000 0");
    put(root, G "a/memory.max", "-");
    assert_int_equal(read_at(root).cpus, INT_MAX);
    assert_true(read_at(root).memory == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_limits_there_are_none),
        cmocka_unit_test(a_quota_is_rounded_up_to_whole_cpus),
        cmocka_unit_test(the_tightest_group_on_the_way_up_counts),
        cmocka_unit_test(a_container_with_a_namespace_sees_its_group_as_the_top),
        cmocka_unit_test(a_container_without_a_namespace_is_shown_its_own_part),
        cmocka_unit_test(a_group_outside_of_what_is_mounted_is_judged_by_the_mount),
        cmocka_unit_test(the_mount_that_holds_our_group_is_taken),
        cmocka_unit_test(version_1_has_a_hierarchy_for_each),
        cmocka_unit_test(version_1_in_a_container_shows_its_own_part),
        cmocka_unit_test(pages_of_files_are_not_lost),
        cmocka_unit_test(files_of_another_kind_are_no_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
