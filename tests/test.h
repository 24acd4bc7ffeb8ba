/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes: cmocka behind the headers that it needs, and small helpers. */
#ifndef KM_TESTS_TEST_H
#define KM_TESTS_TEST_H

/* cmocka.h needs these four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "base/err.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** Fails the test with the error's text unless rc is 0. */
#define assert_ok(rc, err)                                                                         \
    do {                                                                                           \
        if ((rc) != 0)                                                                             \
            fail_msg("%d: %s", (rc), (err).msg);                                                   \
    } while (0)

/** Fails unless text contains part. */
#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (!strstr((text), (part)))                                                               \
            fail_msg("\"%s\" is not in \"%s\"", (part), (text));                                   \
    } while (0)

static char test_folder_all[200]; /* holds the folders of this process */

static inline int test_folder_remove(const char *path, const struct stat *st, int type,
                                     struct FTW *f)
{
    (void)st, (void)type, (void)f;
    return remove(path);
}

static inline void test_folder_clean(void)
{
    nftw(test_folder_all, test_folder_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/** A new empty folder under $TMPDIR or /tmp, removed when the process ends; the path is static. */
static inline const char *test_folder(void)
{
    static char path[256];
    static int number;
    const char *base = getenv("TMPDIR");

    if (number == 0) {
        snprintf(test_folder_all, sizeof(test_folder_all), "%s/kmeans-test-XXXXXX",
                 base ? base : "/tmp");
        /* open to other users: some tests drop root's rights */
        if (!mkdtemp(test_folder_all) || chmod(test_folder_all, 0755))
            fail_msg("cannot make %s", test_folder_all);
        atexit(test_folder_clean);
    }
    snprintf(path, sizeof(path), "%s/%d", test_folder_all, ++number);
    if (mkdir(path, 0755))
        fail_msg("cannot make %s", path);
    return path;
}

#endif
