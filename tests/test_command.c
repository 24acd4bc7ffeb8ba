/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of the MPI daemon, as both versions of mpirun write it. */
#include "tests/test.h"

#include "dist/launch/command.h"

#define OPEN_MPI_4                                                                                 \
    " orted -mca ess \"env\" -mca ess_base_jobid \"2147221504\" -mca ess_base_vpid 1 "             \
    "-mca ess_base_num_procs \"3\" -mca orte_node_regex \"algo-[1:1-3]@0(3)\" "                    \
    "-mca orte_hnp_uri \"2147221504.0;tcp://10.0.0.1:35431\" -mca plm \"rsh\" "                    \
    "-mca btl_tcp_if_include \"10.0.0.0/16\""
#define OPEN_MPI_5                                                                                 \
    "PRTE_PREFIX=/usr;export PRTE_PREFIX;LD_LIBRARY_PATH=/usr/lib:/a/b:$LD_LIBRARY_PATH;"          \
    "export LD_LIBRARY_PATH;/usr/bin/prted --daemonize --allow-run-as-root --prtemca ess \"env\" " \
    "--prtemca ess_base_nspace \"prterun-3a-13@0\" --prtemca ess_base_vpid 2 "                     \
    "--prtemca prte_hnp_uri \"prterun-3a-13@0.0;tcp://172.19.0.2:45441:16\" "                      \
    "--prtemca PREFIXES \"errmgr,ess\" --prtemca pmix_session_server \"1\" --prtemca plm \"ssh\""

/* The words with blanks between them. */
static const char *words_of(const char *line)
{
    static char text[2000];
    struct km_command c;
    struct km_err err;

    assert_ok(km_command_parse(&c, line, &err), err);
    text[0] = 0;
    for (int i = 0; i < c.argc; i++) {
        strncat(text, i ? " " : "", sizeof(text) - strlen(text) - 1);
        strncat(text, c.argv[i], sizeof(text) - strlen(text) - 1);
    }
    assert_null(c.argv[c.argc]);
    km_command_done(&c);
    return text;
}

static void daemons_of_open_mpi_4_are_started(void **state)
{
    (void)state;
    assert_string_equal(words_of(OPEN_MPI_4),
                        "orted -mca ess env -mca ess_base_jobid 2147221504 -mca ess_base_vpid 1 "
                        "-mca ess_base_num_procs 3 -mca orte_node_regex algo-[1:1-3]@0(3) "
                        "-mca orte_hnp_uri 2147221504.0;tcp://10.0.0.1:35431 -mca plm rsh");
}

static void daemons_of_open_mpi_5_are_started(void **state)
{
    (void)state;
    assert_string_equal(words_of(OPEN_MPI_5),
                        "prted --prtemca ess env --prtemca ess_base_nspace prterun-3a-13@0 "
                        "--prtemca ess_base_vpid 2 --prtemca prte_hnp_uri "
                        "prterun-3a-13@0.0;tcp://172.19.0.2:45441:16 --prtemca plm ssh");
}

static void other_commands_are_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "PATH=/tmp;export PATH;",
        "PATH=/tmp;export PATH;/tmp/evil",
        "PATH=/tmp;export HOME;prted",
        "PATH=/tmp;rm -r /;export PATH;prted",
        "PATH=/tmp prted",
        "sh -c prted",
        "prted; reboot",
        "prted --prtemca ess $(reboot)",
        "prted --prtemca ess \"`reboot`\"",
        "prted --prtemca ess \"env",
        "prted --prtemca ess",
        "prted --prtemca e/ss env",
        "prted --debug",
        "prted extra",
        OPEN_MPI_4 " --tree-spawn",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct km_command c;
        struct km_err err = {0};
        int rc = km_command_parse(&c, lines[i], &err);

        if (rc != KM_E_INPUT)
            fail_msg("accepted: %s", lines[i]);
        assert_contains(err.msg, "was refused: ");
        km_command_done(&c);
    }
}

static void every_beginning_of_a_command_is_safe(void **state)
{
    char line[sizeof(OPEN_MPI_5)];

    (void)state;
    for (size_t n = 0; n < strlen(OPEN_MPI_5); n++) {
        struct km_command c;
        struct km_err err = {0};

        memcpy(line, OPEN_MPI_5, n);
        line[n] = 0;
        km_command_parse(&c, line, &err);
        km_command_done(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(daemons_of_open_mpi_4_are_started),
        cmocka_unit_test(daemons_of_open_mpi_5_are_started),
        cmocka_unit_test(other_commands_are_refused),
        cmocka_unit_test(every_beginning_of_a_command_is_safe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
