/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/processes.h"

#include "base/clock.h"
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t km_process_look(pid_t pid, char *state)
{
    char path[64], text[512];
    const char *p;
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    p = strrchr(text, ')'); /* the name before it may hold anything */
    if (!p || strlen(p) < 5)
        return 0;
    *state = p[2];
    return (pid_t)strtol(p + 4, NULL, 10);
}

/* Kills our children of the moment; whose parents die become ours, as we are their reaper. */
static void kill_children(void)
{
    DIR *dir = opendir("/proc");
    const struct dirent *e;

    while (dir && (e = readdir(dir))) {
        int number = isdigit((unsigned char)e->d_name[0]);
        pid_t pid = number ? (pid_t)strtol(e->d_name, NULL, 10) : 0;
        char state;

        if (pid > 0 && km_process_look(pid, &state) == getpid())
            kill(pid, SIGKILL);
    }
    if (dir)
        closedir(dir);
}

void km_processes_end(double seconds)
{
    double until = km_now() + seconds;

    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);

        if (pid > 0)
            continue;
        if (pid < 0 || km_now() > until) /* none left, or not to be killed (it waits for a disk) */
            break;
        kill_children();
        km_sleep(0.002);
    }
}
