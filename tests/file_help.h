/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of tests with folders and files. */
#ifndef KM_TESTS_FILE_HELP_H
#define KM_TESTS_FILE_HELP_H

#include "tests/test.h"

#include <dirent.h>
#include <unistd.h>

/** FOLDER/NAME, in static storage until the next call. */
static inline const char *at(const char *folder, const char *name)
{
    static char path[4096];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static inline void put_file(const char *folder, const char *name, const char *text)
{
    FILE *f = fopen(at(folder, name), "wb");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/** Names in a folder, without . and .. */
static inline int count_names(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

/** Fails unless the file holds this text, of less than 100 characters. */
static inline void assert_text(const char *path, const char *text)
{
    char got[100] = "";
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    assert_int_equal(fread(got, 1, sizeof(got) - 1, f), strlen(text));
    assert_string_equal(got, text);
    fclose(f);
}

/** Replaces standard input; what it was is restored by passing the result on. */
static inline int put_stdin(int fd)
{
    int before = dup(STDIN_FILENO);

    assert_true(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
    close(fd);
    return before;
}

#endif
