/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/command.h"

#include "base/mem.h"
#include <string.h>

/* Longest value: the names of all hosts, and of all addresses of the leader. */
#define MOST_NAME 64

/* Options that set a parameter: a name and a value follow. */
static const char *const setters[] = {"-mca",      "--mca",      "-prtemca",  "--prtemca",
                                      "-pmixmca",  "--pmixmca",  "-gpmixmca", "--gpmixmca",
                                      "-gprtemca", "--gprtemca", NULL};

/* Options without a value that mean nothing here: the daemon stays our child, and its environment
 * says who may run it. */
static const char *const idle[] = {"--daemonize", "-daemonize", "--allow-run-as-root", NULL};

/* Names that tell a daemon which job it belongs to and where mpirun is; others are left out. */
static const char *const needed[] = {
    "ess",
    "ess_base_jobid",
    "ess_base_nspace",
    "ess_base_vpid",
    "ess_base_num_procs",
    "orte_node_regex",
    "orte_hnp_uri",
    "orte_parent_uri",
    "orte_keep_fqdn_hostnames",
    "prte_node_regex",
    "prte_hnp_uri",
    "prte_parent_uri",
    "prte_keep_fqdn_hostnames",
    "plm",
    "pmix",
    "hwloc_base_binding_policy",
    NULL,
};

static int is_one_of(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(*list, word) == 0)
            return 1;
    return 0;
}

static int refuse(struct km_err *err, const char *what)
{
    return km_fail(err, KM_E_INPUT, "the command of the MPI daemon was refused: %s", what);
}

/*
 * Reads one word of the line at *s to *out, as a shell would: blanks end it, "..." and '...' keep
 * them, a backslash takes the next character as it is. What else a shell would act upon is refused.
 */
static int read_word(const char **s, char **out, struct km_err *err)
{
    const char *p = *s;
    char quote = 0, *o = *out;

    for (; *p && (quote || *p != ' '); p++) {
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
            return refuse(err, "a character that is not printable");
        if (quote ? *p == quote : *p == '"' || *p == '\'') {
            quote = quote ? 0 : *p;
            continue;
        }
        if (*p == '\\' && quote != '\'') {
            if (!p[1])
                return refuse(err, "a backslash at its end");
            p++;
        } else if (quote != '\'' && strchr(quote ? "$`" : "$`;&|<>(){}*?~#!\n", *p)) {
            return refuse(err, "a character that only a shell understands");
        }
        *o++ = *p;
    }
    if (quote)
        return refuse(err, "a quote is not closed");
    *o++ = 0;
    *s = p;
    *out = o;
    return KM_OK;
}

static int split(struct km_command *c, const char *line, struct km_err *err)
{
    char *out = c->memory;

    for (;;) {
        int rc;

        line += strspn(line, " ");
        if (!*line)
            break;
        if (c->argc == KM_COMMAND_ARGS)
            return refuse(err, "too many words");
        c->argv[c->argc++] = out;
        rc = read_word(&line, &out, err);
        if (rc)
            return rc;
    }
    c->argv[c->argc] = NULL;
    return c->argc ? KM_OK : refuse(err, "it is empty");
}

static int is_name(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return n > 0 && n <= MOST_NAME && s[n] == 0;
}

static int check(struct km_command *c, struct km_err *err)
{
    char *slash = strrchr(c->argv[0], '/');
    int kept = 1;

    if (slash)
        c->argv[0] = slash + 1;
    if (strcmp(c->argv[0], "orted") != 0 && strcmp(c->argv[0], "prted") != 0)
        return refuse(err, "the program is neither orted nor prted");
    for (int i = 1; i < c->argc; i++) {
        char *option = c->argv[i];

        if (is_one_of(option, idle))
            continue;
        if (!is_one_of(option, setters))
            return refuse(err, "an option that a daemon does not need");
        if (i + 2 >= c->argc)
            return refuse(err, "a setting without a value");
        if (!is_name(c->argv[i + 1]))
            return refuse(err, "a setting whose name is none");
        if (is_one_of(c->argv[i + 1], needed)) {
            c->argv[kept++] = option;
            c->argv[kept++] = c->argv[i + 1];
            c->argv[kept++] = c->argv[i + 2];
        }
        i += 2;
    }
    c->argc = kept;
    c->argv[kept] = NULL;
    return KM_OK;
}

/*
 * Behind "NAME=VALUE;export NAME;", with which Open MPI 5 begins: where its files are on the other
 * host. This host knows that itself.
 */
static const char *skip_paths(const char *line)
{
    static const char export[] = ";export ";

    for (;;) {
        size_t name = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
        const char *p = line + name;

        if (name == 0 || *p != '=')
            return line;
        p += strcspn(p, ";");
        if (strncmp(p, export, strlen(export)) != 0)
            return line;
        p += strlen(export);
        if (strncmp(p, line, name) != 0 || p[name] != ';')
            return line;
        line = p + name + 1;
    }
}

int km_command_parse(struct km_command *c, const char *line, struct km_err *err)
{
    int rc;

    memset(c, 0, sizeof(*c));
    if (strlen(line) > KM_COMMAND_BYTES)
        return refuse(err, "it is too long");
    c->memory = km_alloc(strlen(line) + 1, 1);
    if (!c->memory)
        return km_fail(err, KM_E_MEM, "no memory for the command of the MPI daemon");
    rc = split(c, skip_paths(line), err);
    return rc ? rc : check(c, err);
}

void km_command_done(struct km_command *c)
{
    km_free(c->memory);
    c->memory = NULL;
    c->argc = 0;
}
