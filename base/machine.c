/* SPDX-License-Identifier: Apache-2.0 */
#include "base/machine.h"

#include "base/cgroup.h"
#include <sched.h>
#include <stdio.h>
#include <string.h>

/* More CPUs than a cpu_set_t has room for: sched_getaffinity fails on a set that is too small. */
#define MOST_CPUS 16384

int km_cpus(void)
{
    unsigned long mask[MOST_CPUS / 8 / sizeof(unsigned long)] = {0};
    struct km_cgroup group;
    int cpus = 1;

    if (sched_getaffinity(0, sizeof(mask), (cpu_set_t *)mask) == 0)
        cpus = CPU_COUNT_S(sizeof(mask), (cpu_set_t *)mask);
    km_cgroup_read(&group, "");
    return cpus < group.cpus ? cpus : group.cpus;
}

/* A line such as "MemAvailable:  123 kB" in bytes; 0 when there is none. */
static uint64_t line_in(const char *path, const char *name)
{
    unsigned long long kib = 0;
    size_t n = strlen(name);
    char line[128];
    FILE *f = fopen(path, "re");

    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, name, n) == 0 && sscanf(line + n, "%llu kB", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return (uint64_t)kib << 10;
}

uint64_t km_memory_available(void)
{
    uint64_t available = line_in("/proc/meminfo", "MemAvailable:");
    struct km_cgroup group;

    km_cgroup_read(&group, "");
    if (available && available < group.memory)
        return available;
    return group.memory;
}

uint64_t km_memory_peak(void)
{
    return line_in("/proc/self/status", "VmHWM:");
}
