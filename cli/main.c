/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One binary, several verbs. Called as `train` (a link of that name on the image's PATH is the old
 * convention), or inside a container without a verb, it trains: the platform may start the image
 * without the word (ContainerEntrypoint, ContainerArguments).
 */
#include "base/aside.h"
#include "base/crash.h"
#include "cli/bench.h"
#include "cli/convert.h"
#include "cli/nearest.h"
#include "dist/launch/launch.h"
#include "train/verb.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
};

static const struct verb verbs[] = {
    {"train", km_train_main},
    {"convert", km_convert_main},
    {"bench", km_bench_main},
    {"launch-agent", km_agent_main}, /* for mpirun only, so neither in `words` nor in the help */
};
#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static const char *const words[] = {"train", "convert", "bench", "help", NULL};

static const char usage[] =
    "kmeans " KM_VERSION ": k-means clustering, a drop-in for the SageMaker built-in algorithm\n"
    "\n"
    "  kmeans train --k 10 --output model.tar.gz data.csv    cluster files\n"
    "  kmeans train --root DIR                               run a job laid out as under /opt/ml\n"
    "  kmeans convert --scale 1/256 images.gz --output train.recordio\n"
    "\n"
    "Verbs:\n"
    "  train     find the centers of the data, write the model\n"
    "  convert   idx, CSV or RecordIO-protobuf into RecordIO-protobuf or CSV\n"
    "  bench     rates of this machine, shape by shape, beside what it could do at most\n"
    "  help      this text; help VERB: all about one verb (also: kmeans VERB --help)\n"
    "\n"
    "  kmeans --version   the version\n";

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
    const char *near = km_nearest_word(name, words);

    fprintf(stderr, "kmeans: unknown verb \"%s\"", name);
    if (near)
        fprintf(stderr, "; did you mean \"%s\"?\n", near);
    else
        fprintf(stderr, "; the verbs are train, convert, bench and help\n");
    return 2;
}

static int help(int argc, char **argv)
{
    const struct verb *verb;
    char option[] = "--help";

    if (argc < 2) {
        fputs(usage, stdout);
        return 0;
    }
    verb = find_verb(argv[1]);
    if (!verb)
        return unknown_verb(argv[1]);
    return verb->run(2, (char *[]){argv[1], option, NULL});
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
        return verb->run(argc - 1, argv + 1);
    }
    if (argc < 2) {
        if (argc == 1 && in_container())
            return train(argc, argv);
        fputs(usage, stderr);
        return 2;
    }
    if (strcmp(argv[1], "help") == 0)
        return help(argc - 1, argv + 1);
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
     * Without the libraries' exit handlers: OpenBLAS's waits for the threads that it started when it
     * was loaded, and where address space is short (ulimit -v) one of them tries for ever to get its
     * memory, so that a finished job would not end. The leak check is an exit handler, too; what a read
     * that never ends still uses is no leak.
     */
    fflush(NULL);
    km_crash_wait();
#ifdef __SANITIZE_ADDRESS__
    if (!km_aside_left())
        return code;
#endif
    _exit(code);
}
