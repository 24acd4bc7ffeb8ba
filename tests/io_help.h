/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of the io tests: files of given bytes, and rows as text. */
#ifndef KM_TESTS_IO_HELP_H
#define KM_TESTS_IO_HELP_H

#include "tests/test.h"

#include "io/file.h"

/** Path of a file of this name in a new folder; static storage of four paths in turn. */
static inline const char *test_path(const char *name)
{
    static char paths[4][300];
    static char folder[256];
    static int turn;
    char *path = paths[turn++ % 4];

    if (!folder[0])
        snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

/** Writes n bytes as a file, and returns its path. */
static inline const char *test_file(const char *name, const void *bytes, size_t n)
{
    const char *path = test_path(name);
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

/** Seed of the random tests: $KM_TEST_SEED, or 1; printed. */
static inline uint64_t test_seed(void)
{
    const char *text = getenv("KM_TEST_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : 1;

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

#endif
