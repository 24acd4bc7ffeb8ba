/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/seat.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "base/stop.h"
#include "dist/launch/crashed.h"
#include "dist/launch/limits.h"
#include "dist/launch/message.h"
#include "dist/launch/net.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_BYTES  ((size_t)1 << 20) /* of a message from the supervisor: our command line */
#define MOST_ARGS   4096
#define EXIT_ORPHAN 3

/* The process has one seat. The lock is for what is sent: by the thread, and by km_seat_end. */
static struct km_link link_of = {.fd = -1};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int taken;
static atomic_int said;

/* Waits until there is something to read; 0, or -1: too long. */
static int wait_input(double until)
{
    struct pollfd p = {link_of.fd, POLLIN, 0};
    double left = until - km_now();

    return left > 0 && (poll(&p, 1, (int)(left * 1000) + 1) >= 0 || errno == EINTR) ? 0 : -1;
}

/* Takes the supervisor's output, which it sends in front of everything else. */
static int take_output(double until)
{
    int rc;

    do
        rc = wait_input(until) ? -1 : km_net_take_output(link_of.fd);
    while (rc > 0);
    return rc;
}

/* Makes the command line that the supervisor was called with ours. It lives as long as we do. */
static int take_arguments(struct km_frame *f, int *argc, char ***argv)
{
    char folder[PATH_MAX], network[KM_NETWORK_TEXT], *text = km_alloc(MOST_BYTES, 1);
    uint32_t n;
    char **v;

    km_frame_text(f, network, sizeof(network));
    if (network[0]) /* mpirun handed on the leader's, which may be another one */
        setenv("OMPI_MCA_btl_tcp_if_include", network, 1);
    km_frame_text(f, folder, sizeof(folder));
    n = km_frame_u32(f);
    if (!text || f->failed || n < 1 || n > MOST_ARGS || !(v = km_alloc(n + 1, sizeof(*v)))) {
        km_free(text);
        return -1;
    }
    for (uint32_t i = 0; i < n && !f->failed; i++) {
        km_frame_text(f, text, MOST_BYTES);
        v[i] = km_strdup(text);
        f->failed |= !v[i];
    }
    km_free(text);
    if (km_frame_done(f) || chdir(folder))
        return -1;
    *argc = (int)n;
    *argv = v;
    return 0;
}

static int take(void *arg, struct km_frame *f)
{
    (void)arg;
    if (f->type == KM_MSG_STOP)
        km_stop_ask();
    return 0;
}

/* Nobody watches over us any more: the end. */
static void serve(void)
{
    pthread_mutex_lock(&lock);
    if (km_link_serve(&link_of, take, NULL))
        _exit(EXIT_ORPHAN);
    pthread_mutex_unlock(&lock);
}

static void beat(void)
{
    struct km_pulse pulse = km_pulse_look();

    pthread_mutex_lock(&lock);
    if (!said)
        km_put_pulse(&link_of, &pulse);
    km_link_flush(&link_of);
    pthread_mutex_unlock(&lock);
}

/* The thread that talks with the supervisor, until the process ends. */
static void *talk(void *arg)
{
    double next = km_now();

    (void)arg;
    km_crash_thread();
    serve(); /* what came together with the welcome */
    for (;;) {
        struct pollfd p = {link_of.fd, POLLIN, 0};
        double left = next - km_now();

        if (poll(&p, 1, left > 0 ? (int)(left * 1000) + 1 : 0) > 0)
            serve();
        if (km_now() < next)
            continue;
        next += KM_BEAT_SECONDS;
        beat();
    }
    return NULL;
}

static int start_thread(void)
{
    sigset_t old;
    pthread_attr_t attr;
    pthread_t thread;
    int rc;

    km_crash_block_others(&old); /* signals are for the other threads */
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    rc = pthread_create(&thread, &attr, talk, NULL);
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

/* In the handler of a crash: neither the lock nor the link's memory. Frames do not mix: each is
 * sent whole. */
static void tell_crash(const char *text)
{
    if (!atomic_exchange(&said, 1))
        km_crashed_tell(link_of.fd, KM_MSG_FAIL, text);
}

int km_seat_take(int *argc, char ***argv, struct km_err *err)
{
    const char *name = getenv("KM_SUPERVISOR");
    double until = km_now() + KM_SEAT_SECONDS;
    struct km_frame f;
    int fd, got = 0;

    if (!name || !*name)
        return KM_OK;
    fd = km_net_local_connect(name);
    if (fd < 0)
        return km_fail_errno(err, "the supervisor %.80s cannot be reached", name);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nor do we outlive the MPI daemon, even if we hang */
    km_link_open(&link_of, fd, MOST_BYTES);
    km_put_nothing(&link_of, KM_MSG_JOIN);
    if (km_link_flush(&link_of) || take_output(until))
        return km_fail(err, KM_E_SYS, "the supervisor does not answer");
    while ((got = km_link_next(&link_of, &f)) == 0)
        if (wait_input(until) || km_link_fill(&link_of))
            return km_fail(err, KM_E_SYS, "the supervisor does not answer");
    if (got < 0 || f.type != KM_MSG_WELCOME || take_arguments(&f, argc, argv))
        return km_fail(err, KM_E_SYS, "the supervisor's answer cannot be understood");
    if (start_thread())
        return km_fail(err, KM_E_MEM, "no thread to talk with the supervisor");
    /* The wish to stop comes from the supervisor; a signal comes from mpirun, which wants us to
     * end. */
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    km_crash_hook(tell_crash);
    taken = 1;
    return KM_OK;
}

int km_seat_taken(void)
{
    return taken;
}

void km_seat_end(const struct km_err *err)
{
    double until = km_now() + KM_SEAT_SECONDS;

    if (!taken)
        return;
    pthread_mutex_lock(&lock);
    if (!atomic_exchange(&said, 1))
        km_put_reason(&link_of, KM_MSG_FAIL, err);
    while (km_link_flush(&link_of) == 0 && km_link_pending(&link_of) && km_now() < until) {
        struct pollfd p = {link_of.fd, POLLOUT, 0};

        poll(&p, 1, 100);
    }
    pthread_mutex_unlock(&lock);
    /* Who fails because another rank is gone leaves it to that one to tell mpirun why. */
    while (err->code == KM_E_PEER && km_now() < until)
        poll(NULL, 0, 100);
}
