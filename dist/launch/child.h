/* SPDX-License-Identifier: Apache-2.0 */
/* Private to dist/launch: mpirun or the MPI daemon, as a child of the supervisor. */
#ifndef KM_LAUNCH_CHILD_H
#define KM_LAUNCH_CHILD_H

#include "base/err.h"
#include "dist/launch/environment.h"
#include <stddef.h>
#include <sys/types.h>

struct km_child {
    const char *name;  /* for the log */
    pid_t pid;         /* 0: never started */
    int ended, status; /* as of waitpid */
    int out;           /* its standard output and error */
    char line[1024];   /* of it, in the making */
    size_t line_n;
    char first[256]; /* the first line that says something */
    char death[512]; /* mpirun's sentence on the rank that it saw end first; "": none */
    int in_death;    /* it goes on in the next line */
};

/** The program's path as found in PATH, to be freed with km_free; NULL: it is not there. */
char *km_child_find(const char *program);

/**
 * Starts path with argv and e, input from nowhere, output to our log by km_child_read. It dies when
 * this process does.
 */
int km_child_start(struct km_child *c, const char *path, char *const *argv,
                   const struct km_environment *e, struct km_err *err);

/** Logs the lines that have come; closes the pipe at its end. */
void km_child_read(struct km_child *c);

/** "status 1", or "killed by signal 9 (SIGKILL)". */
const char *km_child_text(char out[64], int status);

#endif
