/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of mpirun and of the daemons. */
#include "tests/test.h"

#include "base/mem.h"
#include "dist/launch/environment.h"

/* The value of a name; NULL: it is not there. */
static const char *value(const struct km_environment *e, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < e->n; i++)
        if (strncmp(e->v[i], name, n) == 0 && e->v[i][n] == '=')
            return e->v[i] + n + 1;
    return NULL;
}

static void a_name_has_one_value_the_last(void **state)
{
    struct km_environment e = {0};
    char name[32];

    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "NAME%d", i % 100);
        km_environment_set(&e, name, i < 100 ? "first" : "last");
    }
    assert_int_equal(e.n, 100);
    assert_null(e.v[100]);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "NAME%d", i);
        assert_string_equal(value(&e, name), "last");
    }
    km_environment_set(&e, "NAME", ""); /* a beginning of other names */
    assert_string_equal(value(&e, "NAME"), "");
    assert_int_equal(e.n, 101);
    km_environment_done(&e);
}

static void what_disturbs_is_not_inherited(void **state)
{
    struct km_environment e = {0};

    (void)state;
    setenv("OMPI_MCA_btl_tcp_if_exclude", "eth0", 1);
    setenv("KM_TEST_KEPT", "kept", 1);
    km_environment_inherit(&e);
    assert_null(value(&e, "OMPI_MCA_btl_tcp_if_exclude"));
    assert_string_equal(value(&e, "KM_TEST_KEPT"), "kept");
    km_environment_done(&e);
}

static void mpi_gets_our_words_in_place_of_inherited_ones(void **state)
{
    struct km_environment e = {0};

    (void)state;
    setenv("OMPI_MCA_btl", "openib", 1);
    setenv("HOME", "/nowhere", 1);
    km_environment_mpi(&e, "127.0.0.0/8", "/tmp/folder", "@local");
    assert_string_equal(value(&e, "OMPI_MCA_btl"), "self,tcp");
    assert_string_equal(value(&e, "HOME"), "/tmp/folder");
    assert_string_equal(value(&e, "TMPDIR"), "/tmp/folder");
    assert_string_equal(value(&e, "KM_SUPERVISOR"), "@local");
    assert_string_equal(value(&e, "OMPI_MCA_btl_tcp_if_include"), "127.0.0.0/8");
    assert_string_equal(value(&e, "PRTE_MCA_prte_if_include"), "lo");
    km_environment_done(&e);
    unsetenv("OMPI_MCA_btl_tcp_if_include");
    km_environment_mpi(&e, "", "/tmp/folder", "@local");
    assert_null(value(&e, "OMPI_MCA_btl_tcp_if_include"));
    km_environment_done(&e);
}

static void no_memory_is_remembered(void **state)
{
    struct km_environment e = {0};

    (void)state;
    km_alloc_fail_at(1);
    km_environment_set(&e, "A", "1");
    km_alloc_fail_at(0);
    km_environment_set(&e, "B", "2");
    assert_int_equal(e.failed, 1);
    assert_string_equal(value(&e, "B"), "2");
    km_environment_done(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_one_value_the_last),
        cmocka_unit_test(what_disturbs_is_not_inherited),
        cmocka_unit_test(mpi_gets_our_words_in_place_of_inherited_ones),
        cmocka_unit_test(no_memory_is_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
