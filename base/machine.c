/* SPDX-License-Identifier: Apache-2.0 */
#include "base/machine.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

/* The quota of cgroup v2 (cpu.max) or v1, in CPUs rounded up; a large number when there is none. */
static int cgroup_cpus(void)
{
    long long quota = -1, period = 0;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");

    if (f) {
        if (fscanf(f, "%lld %lld", &quota, &period) != 2)
            quota = -1; /* "max": no limit */
        fclose(f);
    } else {
        FILE *q = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re");
        FILE *t = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "re");

        if (!q || !t || fscanf(q, "%lld", &quota) != 1 || fscanf(t, "%lld", &period) != 1)
            quota = -1;
        if (q)
            fclose(q);
        if (t)
            fclose(t);
    }
    if (quota <= 0 || period <= 0)
        return INT32_MAX;
    return (int)((quota + period - 1) / period);
}

int km_cpus(void)
{
    cpu_set_t set;
    int cpus = 1;
    int quota = cgroup_cpus();

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        cpus = CPU_COUNT(&set);
    return cpus < quota ? cpus : quota;
}

/* The first number in a file; 0 when there is none ("max", or no such file). */
static uint64_t number_in(const char *path)
{
    unsigned long long v = 0;
    FILE *f = fopen(path, "re");

    if (!f)
        return 0;
    if (fscanf(f, "%llu", &v) != 1)
        v = 0;
    fclose(f);
    return v;
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
    uint64_t available = line_in("/proc/meminfo", "MemAvailable:"), limit, used;

    if (!available)
        available = UINT64_MAX;
    limit = number_in("/sys/fs/cgroup/memory.max");
    used = number_in("/sys/fs/cgroup/memory.current");
    if (!limit) {
        limit = number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes");
        used = number_in("/sys/fs/cgroup/memory/memory.usage_in_bytes");
    }
    if (limit && limit - (used < limit ? used : limit) < available)
        available = limit - (used < limit ? used : limit);
    return available;
}

uint64_t km_memory_peak(void)
{
    return line_in("/proc/self/status", "VmHWM:");
}
