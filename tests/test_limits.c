/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the times of the launch and of the exchange relate, where they are in two layers. What holds
 * within dist/launch is asserted in dist/launch/limits.h, and so by each build.
 */
#include "tests/test.h"

#include "dist/comm.h"
#include "dist/launch/limits.h"

static_assert(KM_STOP_SECONDS + KM_MOST_SETTLE_SECONDS < KM_COMM_STOP_SECONDS,
              "a supervisor, which knows who is to blame, gives up before MPI does");
static_assert(KM_COMM_STOP_SECONDS < KM_PLATFORM_SECONDS, "and MPI before the platform kills");

/* Reads the definition of a time; 0: the line is none. */
static int read_time(const char *line, char name[64], double *value)
{
    int n = sscanf(line, "#define %63s %lf", name, value);

    if (n < 1 || (!strstr(name, "_SECONDS") && !strstr(name, "_MS")))
        return 0;
    assert_int_equal(n, 2);
    return 1;
}

/* A row of the page's table that begins with the name, and has the value. */
static int page_has(const char *page, const char *name, double value)
{
    char row[100];

    snprintf(row, sizeof(row), "| `%s` | %g %s |", name, value, strstr(name, "_MS") ? "ms" : "s");
    return strstr(page, row) != NULL;
}

static char *read_page(void)
{
    static char page[100000];
    FILE *f = fopen(KM_SOURCE "/docs/hosts.md", "r");

    assert_non_null(f);
    assert_in_range(fread(page, 1, sizeof(page) - 1, f), 1000, sizeof(page) - 2);
    fclose(f);
    return page;
}

static void each_time_stands_in_the_page_for_operators(void **state)
{
    const char *page = read_page();
    FILE *f = fopen(KM_SOURCE "/dist/launch/limits.h", "r");
    char line[200], name[64];
    double value;
    int n = 0, rows = 0;

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        if (!read_time(line, name, &value))
            continue;
        n++;
        if (!page_has(page, name, value))
            fail_msg("docs/hosts.md has no row for %s, %g", name, value);
    }
    fclose(f);
    assert_true(n > 20);
    for (const char *p = page; (p = strstr(p, "| `KM_")) != NULL; p++)
        rows++;
    assert_int_equal(rows, n + 1); /* that of dist/comm.h, too */
    assert_true(page_has(page, "KM_COMM_STOP_SECONDS", KM_COMM_STOP_SECONDS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_time_stands_in_the_page_for_operators),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
