/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For run_ranks.sh: trains the same job again and again, alone or as one of several ranks, and each
 * time another allocation of one rank fails, the first, the second, and so on, until none is left:
 * all ranks must end with the same code and the same text, which names the host. Arguments: the
 * root of the job, and the step from one allocation to the next (1). With a third, N, it is the
 * communicator whose N-th allocation fails.
 */
#include "base/log.h"
#include "base/mem.h"
#include "train/train.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trial {
    const char *root;
    struct km_machine m;
    int rank, ranks;
    struct km_err err;
    int rc;
};

/* The request and the job, as the verb train goes about them. */
static void train(struct trial *t)
{
    struct km_request *r = NULL;
    struct km_settings *settings = NULL;
    struct km_config config;
    char host[32];

    snprintf(host, sizeof(host), "algo-%d", t->rank + 1);
    memset(&t->err, 0, sizeof(t->err));
    km_config_load(&config, t->root);
    t->rc = km_settings_open(&settings, &t->err);
    r = t->rc ? NULL : km_alloc(1, sizeof(*r));
    if (t->rc == KM_OK && !r)
        t->rc = km_fail(&t->err, KM_E_MEM, "no memory for the request");
    if (t->rc == KM_OK)
        t->rc = km_request_init(r, t->root, &t->err);
    if (t->rc == KM_OK && t->ranks > 1)
        km_request_rank(r, t->rank, t->ranks);
    if (t->rc == KM_OK)
        t->rc = km_request_read(r, t->root, &config, settings, &t->err);
    if (t->rc == KM_OK)
        t->rc = km_pool_open(&t->m.pool, 2, &t->err);
    t->rc = km_comm_agree(t->m.comm, t->rc, host, &t->err);
    if (t->rc == KM_OK)
        t->rc = km_train(r, &t->m, NULL, &t->err);
    km_pool_close(t->m.pool);
    t->m.pool = NULL;
    if (r)
        km_request_done(r);
    km_config_done(&config);
    km_settings_close(settings);
    km_free(r);
}

static int wrong(const struct trial *t, int who, size_t n, const char *what)
{
    fprintf(stderr, "FAILED: rank %d, allocation %zu of rank %d: %s; code %d, '%s'\n", t->rank, n,
            who, what, t->rc, t->rc ? t->err.msg : "");
    return 1;
}

/* What all ranks must have in common. */
static int check(struct trial *t, int who, size_t n)
{
    struct {
        int rc;
        char msg[KM_ERR_MAX];
    } leader = {.rc = t->rc};
    char host[32] = "";
    struct km_err err;

    if (t->rc)
        memcpy(leader.msg, t->err.msg, sizeof(leader.msg));
    if (km_comm_broadcast(t->m.comm, &leader, sizeof(leader), 0, &err))
        return wrong(t, who, n, err.msg);
    if (leader.rc != t->rc || (t->rc && strcmp(leader.msg, t->err.msg) != 0))
        return wrong(t, who, n, "not what the leader has");
    if (t->ranks > 1)
        snprintf(host, sizeof(host), "algo-%d: ", who + 1);
    if (t->rc && (t->rc != KM_E_MEM || strncmp(t->err.msg, host, strlen(host)) != 0))
        return wrong(t, who, n, "not a lack of memory, or not of that host");
    return 0;
}

/* All fail when one has no memory for the communicator. */
static int fail_at_open(const char *n)
{
    const char *rank = getenv("OMPI_COMM_WORLD_RANK"), *size = getenv("OMPI_COMM_WORLD_SIZE");
    struct km_comm *comm;
    struct km_err err = {0};
    char words[64];
    int rc;

    if (size && strtol(rank, NULL, 10) == strtol(size, NULL, 10) - 1)
        km_alloc_fail_at(strtoul(n, NULL, 10));
    rc = km_comm_open(&comm, &err);
    snprintf(words, sizeof(words), "algo-%s: no memory to talk to", size);
    if (rc == KM_E_MEM && strncmp(err.msg, words, strlen(words)) == 0)
        return 0;
    fprintf(stderr, "FAILED: rank %s: code %d, '%s'\n", rank, rc, err.msg);
    return 1;
}

int main(int argc, char **argv)
{
    struct trial t = {.root = argv[1]};
    size_t step = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    struct km_err err;
    int failed = 0;

    km_log_level(KM_ERROR);
    if (argc > 3 &&
        getenv("OMPI_COMM_WORLD_RANK")) /* of the communicator itself, on the last rank */
        return fail_at_open(argv[3]);
    if (argc < 2 || !step || !freopen("/dev/null", "w", stdout) ||
        km_kernels_pick(&t.m.kern, NULL, &err) || km_comm_open(&t.m.comm, &err))
        return 1;
    t.rank = km_comm_rank(t.m.comm);
    t.ranks = km_comm_size(t.m.comm);
    for (int who = t.ranks - 1; who >= 0; who--) {
        double more = 1;
        size_t n = 1, told = 0;

        for (; more > 0; n += step) {
            km_alloc_fail_at(t.rank == who ? n : 0);
            train(&t);
            more = km_alloc_fail_at(0) >= n && t.rank == who; /* it was there to fail */
            told += t.rc != KM_OK;
            if (km_comm_sum(t.m.comm, &more, 1, &err))
                return wrong(&t, who, n, err.msg);
            failed += check(&t, who, n);
        }
        if (t.rc)
            failed += wrong(&t, who, n, "a job with all its memory fails");
        if (t.rank == 0)
            fprintf(stderr, "rank %d: %zu allocations failed, and all were told\n", who, told);
    }
    km_comm_close(t.m.comm);
    return failed > 0;
}
