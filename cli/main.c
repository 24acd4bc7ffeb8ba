/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One binary, several verbs. Called as `train` (a link of that name on the image's PATH is the old
 * convention), or inside a container without a verb, it trains: the platform may start the image
 * without the word (ContainerEntrypoint, ContainerArguments).
 */
#include "base/aside.h"
#include "base/crash.h"
#include "base/nearest.h"
#include "cli/bench.h"
#include "cli/convert.h"
#include "dist/launch/agent.h"
#include "train/verb.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct verb {
    const char *name;
    const char *help;                  /* one line; NULL: not for users */
    int (*run)(int argc, char **argv); /* NULL: help, which knows the others */
};

static const struct verb verbs[] = {
    {"train", "find the centers of the data, write the model", km_train_main},
    {"convert", "idx, CSV or RecordIO-protobuf into RecordIO-protobuf or CSV", km_convert_main},
    {"bench", "rates of this machine, shape by shape, beside what it could do at most",
     km_bench_main},
    {"help", "this text; help VERB: all about one verb (also: kmeans VERB --help)", NULL},
    {"launch-agent", NULL, km_agent_main}, /* for mpirun only */
};
#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void print_usage(FILE *out)
{
    fputs("kmeans " KM_VERSION
          ": k-means clustering, a drop-in for the SageMaker built-in algorithm\n"
          "\n"
          "  kmeans train --k 10 --output model.tar.gz data.csv    cluster files\n"
          "  kmeans train --root DIR                               run a job laid out as under "
          "/opt/ml\n"
          "  kmeans convert --scale 1/256 images.gz --output train.recordio\n"
          "\n"
          "Verbs:\n",
          out);
    for (size_t i = 0; i < N_VERBS; i++)
        if (verbs[i].help)
            fprintf(out, "  %-9s %s\n", verbs[i].name, verbs[i].help);
    fputs("\n  kmeans --version   the version\n", out);
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < N_VERBS; i++)
        if (strcmp(name, verbs[i].name) == 0)
            return &verbs[i];
    return NULL;
}

static int in_container(void)
{
    return getpid() == 1 || access("/opt/ml/input/config", F_OK) == 0;
}

static int unknown_verb(const char *name)
{
    const char *words[N_VERBS + 1] = {NULL}, *near;
    size_t n = 0;

    for (size_t i = 0; i < N_VERBS; i++)
        if (verbs[i].help)
            words[n++] = verbs[i].name;
    near = km_nearest_word(name, words);
    fprintf(stderr, "kmeans: unknown verb \"%s\"", name);
    if (near)
        fprintf(stderr, "; did you mean \"%s\"?\n", near);
    for (size_t i = 0; !near && i < n; i++)
        fprintf(stderr, "%s%s%s",
                i == 0      ? "; the verbs are "
                : i + 1 < n ? ", "
                            : " and ",
                words[i], i + 1 < n ? "" : "\n");
    return 2;
}

static int help(int argc, char **argv)
{
    const struct verb *verb = argc < 2 ? NULL : find_verb(argv[1]);
    char option[] = "--help";

    if (argc >= 2 && !verb)
        return unknown_verb(argv[1]);
    if (verb && verb->run)
        return verb->run(2, (char *[]){argv[1], option, NULL});
    print_usage(stdout);
    return 0;
}

/* argv[0] of km_train_main is "train", whatever this program was called as. */
static int train(int argc, char **argv)
{
    char name[] = "train";

    argv[0] = name;
    return km_train_main(argc, argv);
}

static int dispatch(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "kmeans";
    const struct verb *verb;

    if (strcmp(name, "train") == 0) {
        int twice = argc > 1 && strcmp(argv[1], "train") == 0; /* the platform's own argument */

        return train(argc - twice, argv + twice);
    }
    if (argc > 1 && (verb = find_verb(argv[1]))) {
        km_crash_verb(verb->name);
        return verb->run ? verb->run(argc - 1, argv + 1) : help(argc - 1, argv + 1);
    }
    if (argc < 2) {
        if (argc == 1 && in_container())
            return train(argc, argv);
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help(1, argv);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts("kmeans " KM_VERSION);
        return 0;
    }
    if (argv[1][0] == '-' && in_container())
        return train(argc, argv);
    return unknown_verb(argv[1]);
}

int main(int argc, char **argv)
{
    int code;

    km_crash_open();
    signal(SIGXFSZ, SIG_IGN); /* a file beyond `ulimit -f` is an error of its write (EFBIG) */
    code = dispatch(argc, argv);

    /*
     * Without the libraries' exit handlers: one of them may wait for a thread that was left behind.
     * The leak check is an exit handler, too; what a read that never ends still uses is no leak.
     */
    fflush(NULL);
    km_crash_wait();
#ifdef __SANITIZE_ADDRESS__
    if (!km_aside_left())
        return code;
#endif
    _exit(code);
}
