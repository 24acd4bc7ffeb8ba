/* SPDX-License-Identifier: Apache-2.0 */
/* Private to dist/launch: mpirun or the MPI daemon, as a child of the supervisor; and who is left at the end. */
#ifndef KM_LAUNCH_CHILD_H
#define KM_LAUNCH_CHILD_H

#include "base/err.h"
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

/** NAME=VALUE texts for a child. */
struct km_environment {
    char **v;
    size_t n, room;
    int failed;
};

/** Adds NAME=VALUE; replaces an earlier one. */
void km_environment_set(struct km_environment *e, const char *name, const char *value);
/** Adds our own environment, without what would disturb (another launch's variables). */
void km_environment_inherit(struct km_environment *e);
void km_environment_done(struct km_environment *e);

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

/** The parent of a process, and its state as /proc/PID/stat names it ('T': stopped); 0: it is gone. */
pid_t km_process_look(pid_t pid, char *state);

/** Kills all that descend from this process and waits for them, for at most `seconds`. */
void km_children_end(double seconds);

/** Removes a folder and all in it. */
void km_folder_remove(const char *path);

#endif
