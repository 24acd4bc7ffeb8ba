/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/agent.h"

#include "base/mem.h"
#include "dist/launch/message.h"
#include "dist/launch/net.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_AGENT 255 /* as ssh's own failures */

static int fail(const char *what)
{
    fprintf(stderr, "kmeans launch-agent: %s\n", what);
    return EXIT_AGENT;
}

/* The words of the command with blanks between them, as ssh does it. */
static char *join(int argc, char **argv)
{
    size_t n = 1, used = 0;
    char *text;

    for (int i = 0; i < argc; i++)
        n += strlen(argv[i]) + 1;
    text = km_alloc(n, 1);
    for (int i = 0; text && i < argc; i++)
        used += (size_t)snprintf(text + used, n - used, "%s%s", i ? " " : "", argv[i]);
    return text;
}

/* Waits for the daemon's end: as long as the job takes, or until the supervisor has gone. */
static int wait_for_status(struct km_link *l)
{
    struct km_frame f;
    int over = 0;

    for (;;) {
        struct pollfd p = {l->fd, (short)(POLLIN | (km_link_pending(l) ? POLLOUT : 0)), 0};

        if (km_link_next(l, &f) > 0 && f.type == KM_MSG_STATUS)
            return (int)(km_frame_u32(&f) & 255);
        if (over)
            return fail("the supervisor has ended");
        poll(&p, 1, -1);
        over = km_link_fill(l) || km_link_flush(l);
    }
}

int km_agent_main(int argc, char **argv)
{
    const char *name = getenv("KM_SUPERVISOR");
    struct km_link l;
    char *command;
    int fd;

    if (argc < 3 || !name)
        return fail("mpirun calls this, as HOST COMMAND..., under `kmeans train`");
    signal(SIGPIPE, SIG_IGN);
    command = join(argc - 2, argv + 2);
    fd = command ? km_net_local_connect(name) : -1;
    if (fd < 0)
        return fail("the supervisor cannot be reached");
    km_link_open(&l, fd, 1024);
    km_link_begin(&l, KM_MSG_AGENT);
    km_link_put_text(&l, argv[1]);
    km_link_put_text(&l, command);
    km_link_end(&l);
    return km_link_flush(&l) ? fail("the supervisor does not listen") : wait_for_status(&l);
}
