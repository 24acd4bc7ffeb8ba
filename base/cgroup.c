/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/self/cgroup says in which group of a hierarchy we are, /proc/self/mountinfo which part of
 * the hierarchy is mounted where. Version 2 has one hierarchy for everything, version 1 one for
 * each controller. With our group /a/b:
 *
 *   mounted is /     at M: M/a/b, M/a, M count (a host; a container with a namespace of its own,
 *                          where its group is called /)
 *   mounted is /a/b  at M: M counts (a container without such a namespace)
 *   mounted is /c or /.. : M counts, for want of better (moved elsewhere, or mounted from outside)
 */
#include "base/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH   1024
#define FOLDER (3 * PATH) /* the test's root, the mount point, our group */
#define LINE   4096

/* The first number in a file of a folder; 0 when there is none ("max", or no such file). */
static uint64_t number_in(const char *folder, const char *name)
{
    unsigned long long v = 0;
    char path[FOLDER + 64];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%llu", &v) != 1)
        v = 0;
    fclose(f);
    return v;
}

/* The sum of the numbers of two lines "name number" of memory.stat. */
static uint64_t memory_stat(const char *folder, const char *one, const char *other)
{
    char path[FOLDER + 64], name[64];
    unsigned long long v;
    uint64_t sum = 0;
    FILE *f;

    snprintf(path, sizeof(path), "%s/memory.stat", folder);
    f = fopen(path, "re");
    while (f && fscanf(f, "%63s %llu", name, &v) == 2)
        if (strcmp(name, one) == 0 || strcmp(name, other) == 0)
            sum += v;
    if (f)
        fclose(f);
    return sum;
}

/* ---- one group ---- */

static void take_cpus(struct km_cgroup *g, uint64_t quota, uint64_t period)
{
    uint64_t cpus;

    if (quota == 0 || period == 0 || quota > INT64_MAX) /* version 1 writes -1 for none */
        return;
    cpus = (quota - 1) / period + 1;
    if (cpus < (uint64_t)g->cpus)
        g->cpus = (int)cpus;
}

/* Pages of files count as used, but are given up for whoever needs memory, as in MemAvailable. */
static void take_memory(struct km_cgroup *g, uint64_t limit, uint64_t used, uint64_t files)
{
    if (limit == 0)
        return;
    used -= files < used ? files : used;
    limit -= used < limit ? used : limit;
    if (limit < g->memory)
        g->memory = limit;
}

static void read_v2(struct km_cgroup *g, const char *folder)
{
    char path[FOLDER + 64];
    unsigned long long quota, period;
    FILE *f;

    snprintf(path, sizeof(path), "%s/cpu.max", folder);
    f = fopen(path, "re");
    if (f && fscanf(f, "%llu %llu", &quota, &period) == 2) /* "max 100000" has one word first */
        take_cpus(g, quota, period);
    if (f)
        fclose(f);
    take_memory(g, number_in(folder, "memory.max"), number_in(folder, "memory.current"),
                memory_stat(folder, "inactive_file", "active_file"));
}

static void read_v1_cpu(struct km_cgroup *g, const char *folder)
{
    take_cpus(g, number_in(folder, "cpu.cfs_quota_us"), number_in(folder, "cpu.cfs_period_us"));
}

static void read_v1_memory(struct km_cgroup *g, const char *folder)
{
    take_memory(g, number_in(folder, "memory.limit_in_bytes"),
                number_in(folder, "memory.usage_in_bytes"),
                memory_stat(folder, "total_inactive_file", "total_active_file"));
}

/* ---- where our group is ---- */

/* Whether a word stands in a list with commas. */
static int has_word(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (;; list++) {
        if (strncmp(list, word, n) == 0 && (list[n] == ',' || list[n] == '\0'))
            return 1;
        list = strchr(list, ',');
        if (!list)
            return 0;
    }
}

/* Our group in the hierarchy of a controller ("": version 2): "/a/b", "" at the top. 0: no such. */
static int group_of(char *group, const char *root, const char *controller)
{
    char line[LINE], path[PATH];
    int found = 0;
    FILE *f;

    snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
    f = fopen(path, "re");
    while (f && !found && fgets(line, sizeof(line), f)) {
        char *list = strchr(line, ':'), *at = list ? strchr(list + 1, ':') : NULL;

        if (!at)
            continue;
        *at++ = '\0';
        at[strcspn(at, "\n")] = '\0';
        found = *controller ? has_word(list + 1, controller) : list[1] == '\0';
        if (found)
            snprintf(group, PATH, "%s", strcmp(at, "/") == 0 ? "" : at);
    }
    if (f)
        fclose(f);
    return found;
}

/* Takes \040 and the like back to what they stand for, in place. */
static void unescape(char *s)
{
    char *to = s;

    while (*s) {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
            *to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 4;
        } else {
            *to++ = *s++;
        }
    }
    *to = '\0';
}

/* A line of mountinfo: "36 35 98:0 ROOT POINT options [tags] - TYPE source SUPER-OPTIONS". */
static int is_mount_of(const char *line, const char *controller, char *mounted, char *point)
{
    char type[32], options[LINE];
    const char *rest = strstr(line, " - ");

    if (!rest || sscanf(line, "%*s %*s %*s %1023s %1023s", mounted, point) != 2 ||
        sscanf(rest, " - %31s %*s %4095s", type, options) != 2)
        return 0;
    unescape(mounted);
    unescape(point);
    if (strcmp(mounted, "/") == 0)
        *mounted = '\0';
    return *controller ? strcmp(type, "cgroup") == 0 && has_word(options, controller)
                       : strcmp(type, "cgroup2") == 0;
}

/*
 * The folder of our group, and how much of it is the mount point, beyond which nothing is known. A
 * mount that holds our group is better than the first that does not.
 */
static int folder_of(char *folder, size_t *top, const char *root, const char *controller)
{
    char line[LINE], path[PATH], group[PATH], mounted[PATH], point[PATH];
    int found = 0, fits = 0;
    FILE *f;

    if (!group_of(group, root, controller))
        return 0;
    snprintf(path, sizeof(path), "%s/proc/self/mountinfo", root);
    f = fopen(path, "re");
    while (f && !fits && fgets(line, sizeof(line), f)) {
        size_t n;

        if (!is_mount_of(line, controller, mounted, point))
            continue;
        n = strlen(mounted);
        fits = strncmp(group, mounted, n) == 0 && (group[n] == '/' || group[n] == '\0') &&
               !strstr(group, "/..");
        if (!fits && found)
            continue;
        found = 1;
        *top = (size_t)snprintf(folder, FOLDER, "%s%s", root, point);
        snprintf(folder + *top, FOLDER - *top, "%s", fits ? group + n : "");
    }
    if (f)
        fclose(f);
    return found;
}

/* All groups from ours up to the top that is mounted. */
static void climb(struct km_cgroup *g, const char *root, const char *controller,
                  void (*take)(struct km_cgroup *, const char *))
{
    char folder[FOLDER];
    size_t top;

    if (!folder_of(folder, &top, root, controller))
        return;
    for (;;) {
        take(g, folder);
        if (strlen(folder) <= top)
            return;
        *strrchr(folder, '/') = '\0';
    }
}

void km_cgroup_read(struct km_cgroup *g, const char *root)
{
    *g = (struct km_cgroup){.cpus = INT_MAX, .memory = UINT64_MAX};
    climb(g, root, "", read_v2);
    climb(g, root, "cpu", read_v1_cpu);
    climb(g, root, "memory", read_v1_memory);
}
