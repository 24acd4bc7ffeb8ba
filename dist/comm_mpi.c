/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire over MPI; the only file that knows MPI. Every exchange is started and then asked after,
 * so that waiting for a slower host costs no core: MPI itself would spin.
 */
#include "base/clock.h"
#include "base/crash.h"
#include "base/stop.h"
#include "dist/comm.h"
#include "dist/wire.h"

#include <mpi.h>
#include <sched.h>

/*
 * Hosts are hardly ever ready at the same time: awake for the first millisecond, then asleep
 * between two looks, longer the longer it takes. Bytes flow only while MPI is asked after them, so
 * a large exchange stays awake for longer, and never sleeps long: 128 KiB with each look are more
 * than 10 Gbit/s.
 */
#define AWAKE_SECONDS       1e-3
#define LARGE_AWAKE_SECONDS 50e-3
#define SHORT_SLEEP         20e-6
#define LONG_SLEEP          1e-3
#define LARGE_BYTES         65536

static int fail(int code, const char *what, struct km_err *err)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int n;

    MPI_Error_string(code, text, &n);
    return km_fail(err, KM_E_PEER, "%s between the hosts failed: %s", what, text);
}

/* Waits for an exchange that was started with result `code`. */
static int wait_for(int code, MPI_Request *request, int large, const char *what, struct km_err *err)
{
    double start = km_now(), awake = large ? LARGE_AWAKE_SECONDS : AWAKE_SECONDS;
    int done = 0;

    while (code == MPI_SUCCESS) {
        double waited;

        code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (done || code != MPI_SUCCESS)
            break;
        if (km_stop_seconds() > KM_COMM_STOP_SECONDS)
            return km_fail(err, KM_E_PEER,
                           "the job was asked to stop, but another host did not answer within %d s",
                           KM_COMM_STOP_SECONDS);
        waited = km_now() - start;
        if (waited < awake)
            sched_yield();
        else if (large || waited / 16 < SHORT_SLEEP)
            km_sleep(SHORT_SLEEP);
        else
            km_sleep(waited / 16 < LONG_SLEEP ? waited / 16 : LONG_SLEEP);
    }
    return code == MPI_SUCCESS ? KM_OK : fail(code, what, err);
}

int km_wire_joins(void)
{
    return 1;
}

int km_wire_open(int *rank, int *size, struct km_err *err)
{
    int got, code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &got);

    if (code != MPI_SUCCESS)
        return km_fail(err, KM_E_SYS, "MPI cannot be started (code %d)", code);
    km_crash_again();
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN); /* MPI's own way is to abort */
    MPI_Comm_rank(MPI_COMM_WORLD, rank);
    MPI_Comm_size(MPI_COMM_WORLD, size);
    return KM_OK;
}

void km_wire_close(void)
{
    MPI_Finalize();
}

int km_wire_all(const double *mine, double *all, int n, struct km_err *err)
{
    MPI_Request request;
    int code = MPI_Iallgather(mine, n, MPI_DOUBLE, all, n, MPI_DOUBLE, MPI_COMM_WORLD, &request);

    return wait_for(code, &request, 0, "an exchange", err);
}

int km_wire_deal(const double *v, const struct km_wire_cut *give, double *got,
                 const struct km_wire_cut *take, struct km_err *err)
{
    MPI_Request request;
    int code = MPI_Ialltoallv(v, give->n, give->at, MPI_DOUBLE, got, take->n, take->at, MPI_DOUBLE,
                              MPI_COMM_WORLD, &request);

    return wait_for(code, &request, 1, "an exchange", err);
}

int km_wire_collect(double *v, const struct km_wire_cut *cut, struct km_err *err)
{
    MPI_Request request;
    int code = MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, v, cut->n, cut->at, MPI_DOUBLE,
                               MPI_COMM_WORLD, &request);

    return wait_for(code, &request, 1, "an exchange", err);
}

int km_wire_broadcast(void *bytes, int n, int root, struct km_err *err)
{
    MPI_Request request;
    int code = MPI_Ibcast(bytes, n, MPI_BYTE, root, MPI_COMM_WORLD, &request);

    return wait_for(code, &request, n >= LARGE_BYTES, "a broadcast", err);
}
