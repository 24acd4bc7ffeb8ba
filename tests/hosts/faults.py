# SPDX-License-Identifier: Apache-2.0
"""Hosts, ranks, daemons and supervisors that are late, die, hang or are slow."""
import os
import signal
import subprocess
import time

from hosts import disk
from hosts.cluster import LONG, Cluster, rows_of, split, stop_all
from hosts.pipes import Pipe, Trickle, recordio
from hosts.scenario import scenario

X = rows_of(20000)
LIMIT = 20  # seconds within which all end after a death
MPI_DAEMON = "orted", "prted"
# Under Open MPI 5 another rank may abort before mpirun has told the signal (docs/hosts.md).
OPEN_MPI_4 = "(Open MPI) 4." in subprocess.run(["mpirun", "--version"], stdout=subprocess.PIPE, text=True).stdout
KILLED = "killed by signal 9" if OPEN_MPI_4 else "killed"


def long_job(t, hosts=3, **hyperparameters):
    """Hosts in the pass of a job that does not end by itself, and costs no core."""
    cluster = Cluster(t, [[]] * hosts, hyperparameters={"mini_batch_size": "500", **hyperparameters})
    cluster.trickle = Trickle(cluster, X)
    cluster.start()
    flows = cluster.until(cluster.trickle.flows)
    good = t.check(flows and not cluster.ended(), "all hosts are in the pass", cluster)
    return cluster if good else None


def busy_job(t, hosts=3, **hyperparameters):
    """The same, and it computes all the time."""
    cluster = Cluster(t, split(X, hosts), hyperparameters={**LONG, **hyperparameters})
    cluster.start()
    return cluster if cluster.running() else None


@scenario("a worker never comes", always=True)
def worker_never_comes(t):
    cluster = Cluster(t, split(X, 3), hyperparameters={"launch_timeout": "8"})
    cluster.start(cluster[1], cluster[2])
    took = cluster.failed("a worker never comes", 3, "did not come within 8 s", seconds=16,
                          of=[cluster[1], cluster[2]], to_blame=cluster[3])
    t.check(took > 6, "a worker never comes: waits for it, %.1f s" % took, cluster)


@scenario("the leader never comes")
def leader_never_comes(t):
    cluster = Cluster(t, split(X, 3), hyperparameters={"launch_timeout": "8"})
    cluster.start(cluster[2], cluster[3])
    took = cluster.failed("the leader never comes", 3, "did not come within 8 s", seconds=16,
                          of=[cluster[2], cluster[3]], to_blame=cluster[1])
    t.check(took > 6, "the leader never comes: waits for it, %.1f s" % took, cluster)


@scenario("a name that never resolves")
def name_never_resolves(t):
    cluster = Cluster(t, split(X, 2), hyperparameters={"launch_timeout": "6"})
    cluster.resolve("algo-1")
    cluster.start()
    cluster.failed("a name that never resolves", 3, "did not come within 6 s", seconds=16,
                   of=[cluster[1]], to_blame=cluster[2])
    cluster.wait(10)
    t.same(cluster[2].code, 3, "a name that never resolves: the host of this name ends, too", cluster)


@scenario("the network of a worker is gone: packets are lost without a word")
def worker_cut_off(t):
    cluster = long_job(t)
    if not cluster:
        return
    cluster.network.cut(cluster[2].machine)
    cluster.failed("a worker is cut off", 3, "not heard from", seconds=LIMIT,
                   of=[cluster[1], cluster[3]], to_blame=cluster[2])
    cluster.wait(5)
    t.same(cluster[2].code, 3, "the worker that is cut off ends, too", cluster)
    t.check("algo-1: not heard from" in (cluster[2].failure or ""),
            "the worker that is cut off names the leader: %r" % cluster[2].failure, cluster)


@scenario("the network of the leader is gone")
def leader_cut_off(t):
    cluster = long_job(t)
    if not cluster:
        return
    cluster.network.cut(cluster[1].machine)
    cluster.failed("the leader is cut off", 3, "not heard from", seconds=LIMIT,
                   of=[cluster[2], cluster[3]], to_blame=cluster[1])
    cluster.wait(5)
    t.same(cluster[1].code, 3, "the leader that is cut off ends, too", cluster)
    t.check("not heard from" in (cluster[1].failure or ""),
            "the leader that is cut off names a worker: %r" % cluster[1].failure, cluster)


@scenario("the network is gone for five seconds: the job goes on")
def short_outage(t):
    cluster = long_job(t)
    if not cluster:
        return
    cluster.network.cut(cluster[2].machine)
    time.sleep(5)
    cluster.network.mend(cluster[2].machine)
    time.sleep(6)
    t.same([h.code for h in cluster.hosts], [None] * 3, "an outage of 5 s: all go on", cluster)
    stop_all(cluster, "an outage of 5 s, then SIGTERM", X)


def killed(t, what, victim, code, *words, to_blame=2, hosts=3, of=(1, 2, 3)):
    cluster = long_job(t, hosts)
    if not cluster:
        return None
    pid = victim(cluster)
    if not t.check(pid, what + ": there is such a process", cluster):
        return None
    os.kill(pid, signal.SIGKILL)
    took = cluster.failed(what, code, *words, seconds=LIMIT, of=[cluster[i] for i in of],
                          to_blame=cluster[to_blame])
    t.check(took < 5, "%s: a death that is seen takes no %.1f s" % (what, took), cluster)
    return cluster


@scenario("a worker's rank is killed", always=True)
def rank_killed(t):
    killed(t, "a worker's rank is killed", lambda c: c[2].rank(), 3, KILLED)


@scenario("the leader's rank is killed")
def leaders_rank_killed(t):
    killed(t, "the leader's rank is killed", lambda c: c[1].rank(), 3, KILLED, to_blame=1)


@scenario("a worker's MPI daemon is killed")
def daemon_killed(t):
    killed(t, "an MPI daemon is killed", lambda c: c[3].named(*MPI_DAEMON), 3, "MPI daemon", to_blame=3)


@scenario("the leader's mpirun is killed")
def mpirun_killed(t):
    killed(t, "mpirun is killed", lambda c: c[1].named("mpirun", "prterun", "orterun"), 3, "mpirun",
           to_blame=1)


@scenario("a worker's supervisor, PID 1, is killed, and its container with it", always=True)
def supervisor_killed(t):
    killed(t, "a supervisor is killed", lambda c: c[3].supervisor(), 3, "supervisor", to_blame=3,
           of=(1, 2))


@scenario("the leader's supervisor is killed")
def leaders_supervisor_killed(t):
    killed(t, "the leader's supervisor is killed", lambda c: c[1].supervisor(), 3, "supervisor",
           to_blame=1, of=(2, 3))


def crashed(t, what, number, victim, where, log):
    """A crash of our own code is told on all hosts, and where it was on the host where it was."""
    if t.sanitized:
        print("  skipped: the sanitizers tell of crashes themselves")
        return
    cluster = long_job(t)
    if not cluster:
        return
    victim = victim(cluster)
    if not t.check(victim, what + ": there is such a process", cluster):
        return
    os.kill(victim, number)
    text = "the program crashed (signal %d %s" % (number, where)
    took = cluster.failed(what, 1, "Algorithm Error: ", text, "); please report this", seconds=LIMIT,
                          to_blame=log(cluster))
    t.check(took < 5, "%s: a crash takes no %.1f s" % (what, took), cluster)
    cluster.said(r"ERROR \d+\] signal %d \(SIG.*build id \w{40}; return addresses: .*kmeans\+0x" % number,
                 log(cluster), 1)
    left = [h.job.leftovers() for h in cluster.hosts]
    t.same(left, [["output/failure"]] * 3, what + ": files left", cluster)


@scenario("a worker's rank, or the leader's, crashes")
def rank_crashes(t):
    crashed(t, "a worker's rank crashes", signal.SIGSEGV, lambda c: c[3].rank(), "in the pass, row ",
            lambda c: c[3])
    crashed(t, "the leader's rank crashes", signal.SIGABRT, lambda c: c[1].rank(), "in the pass, row ",
            lambda c: c[1])


@scenario("a worker's supervisor, or the leader's, crashes")
def supervisor_crashes(t):
    crashed(t, "a worker's supervisor crashes", signal.SIGSEGV, lambda c: c[2].supervisor(),
            "in the supervisor", lambda c: c[2])
    crashed(t, "the leader's supervisor crashes", signal.SIGBUS, lambda c: c[1].supervisor(),
            "in the supervisor", lambda c: c[1])


@scenario("a worker's rank is killed while it waits for rows, before the first exchange")
def rank_killed_early(t):
    cluster = Cluster(t, [X, []])
    silent = Pipe(cluster[2])
    cluster.start()
    cluster.until(lambda: cluster[2].rank())
    time.sleep(1)
    if t.check(cluster[2].signal(signal.SIGKILL, cluster[2].rank()), "there is a rank", cluster):
        cluster.failed("a rank is killed early", 3, KILLED, to_blame=cluster[2])
    silent.close()


@scenario("a worker's rank is killed, and its supervisor tells later than mpirun ends the others")
def rank_killed_told_late(t):
    cluster = long_job(t, 2)
    if not cluster:
        return
    cluster[2].signal(signal.SIGSTOP)
    cluster[2].signal(signal.SIGKILL, cluster[2].rank())
    time.sleep(0.5)
    cluster[2].signal(signal.SIGCONT)
    cluster.failed("a rank is killed, told late", 3, KILLED, to_blame=cluster[2])


@scenario("a supervisor is killed while all wait for a host that has not come yet")
def killed_while_waiting(t):
    for victim, others in (2, (1, 3)), (1, (2, 3)):
        cluster = Cluster(t, split(X, 4))
        cluster.start(*cluster.hosts[:3])
        cluster.said("algo-1 has come", cluster[2])
        cluster.said("algo-1 has come", cluster[3])
        cluster[victim].signal(signal.SIGKILL)
        cluster.failed("algo-%d is killed while all wait" % victim, 3, "supervisor", seconds=LIMIT,
                       of=[cluster[i] for i in others], to_blame=cluster[victim])


@scenario("a host dies and another comes just after: it is told, too")
def late_after_a_death(t):
    cluster = Cluster(t, split(X, 3))
    cluster.start(cluster[1], cluster[2])
    cluster.said("algo-1 has come", cluster[2])
    cluster[2].signal(signal.SIGKILL)
    time.sleep(1)
    cluster.start(cluster[3])
    cluster.failed("a death, then somebody comes", 3, "supervisor", seconds=LIMIT,
                   of=[cluster[1], cluster[3]], to_blame=cluster[2])


@scenario("a worker or the leader dies at any moment of the start")
def killed_at_the_start(t):
    for i, delay in enumerate((0.1, 0.3, 0.5, 0.8, 1.2)):
        cluster = Cluster(t, split(X, 3), hyperparameters={**LONG, "launch_timeout": "10"})
        cluster.start()
        time.sleep(delay)
        victim = cluster[1 + i % 3]
        cluster.until(victim.supervisor)
        victim.signal(signal.SIGKILL)
        cluster.wait(LIMIT)
        for host in cluster.hosts:  # who was not connected yet has another text
            if host is not victim:
                cluster.failed("%s dies after %g s, %s" % (victim.name, delay, host.name), 3,
                               seconds=0, of=[host], to_blame=victim)


@scenario("a host without an MPI daemon, or without mpirun")
def no_daemon(t):
    for number, programs in (2, ("orted", "prted")), (1, ("mpirun", "orterun", "prterun")):
        cluster = Cluster(t, split(X, 3))
        cluster[number].mounts = "".join(
            "file=$(command -v %s) && mount --bind /dev/null $(readlink -f $file) || true\n" % p
            for p in programs)
        cluster.start()
        cluster.failed("algo-%d without %s" % (number, programs[0]), 3, "is not in PATH", seconds=LIMIT,
                       to_blame=cluster[number])


@scenario("the leader cannot write the model: nobody says that all went well")
def no_place_for_model(t):
    cluster = Cluster(t, split(X, 3))
    cluster[1].mounts = "mount -t tmpfs -o ro tmpfs /opt/ml/model"
    cluster.start()
    cluster.failed("no place for the model", 3, "model", seconds=30, to_blame=cluster[1])


@scenario("a rank is stopped, but alive")
def rank_stopped(t):
    cluster = long_job(t, 3, stall_timeout="6")
    if not cluster:
        return
    cluster[2].signal(signal.SIGSTOP, cluster[2].rank())
    took = cluster.failed("a rank is stopped", 3, "no progress for 6 s while", seconds=6 + LIMIT,
                          to_blame=cluster[2])
    t.check(took > 5, "a rank is stopped: it has its 6 s: %.1f" % took, cluster)


@scenario("the leader's rank is stopped, but alive")
def leaders_rank_stopped(t):
    cluster = long_job(t, 2, stall_timeout="6")
    if not cluster:
        return
    cluster[1].signal(signal.SIGSTOP, cluster[1].rank())
    cluster.failed("the leader's rank is stopped", 3, "no progress for 6 s while", seconds=6 + LIMIT,
                   to_blame=cluster[1])


@scenario("a worker's supervisor is stopped: it is not heard from")
def supervisor_stopped(t):
    cluster = long_job(t, 3)
    if not cluster:
        return
    cluster[3].signal(signal.SIGSTOP)
    cluster.failed("a supervisor is stopped", 3, "not heard from", seconds=LIMIT,
                   of=[cluster[1], cluster[2]], to_blame=cluster[3])


@scenario("a rank is blocked in a read: a FIFO into which nobody writes any more")
def read_blocked(t):
    cluster = long_job(t, 2, stall_timeout="6")
    if not cluster:
        return
    cluster.trickle.dry.add(2)
    cluster.failed("a read is blocked", 3, "no progress for 6 s while reading", seconds=6 + LIMIT,
                   to_blame=cluster[2])


@scenario("a file system hangs: a read of a regular file never comes back", always=True)
def disk_hangs(t):
    if not disk.possible():
        print("skipped: disk_hangs, there is no /dev/fuse")
        return
    cluster = Cluster(t, [X, []], hyperparameters={"stall_timeout": "6"})
    file = disk.Disk(cluster[2].job.data("rows"), recordio(t, X), 300000)
    cluster.start()
    t.check(cluster.until(lambda: file.waits), "a disk hangs: it is read", cluster)
    cluster.failed("a disk hangs", 3, "no progress for 6 s while reading", seconds=6 + LIMIT,
                   to_blame=cluster[2])


@scenario("a peer of a tenth of the speed: the job goes on, a warning names it", seconds=90)
def straggler(t):
    cluster = busy_job(t, 3, stall_timeout="10")
    if not cluster:
        return
    rank = cluster[2].rank()
    end = time.monotonic() + 75
    while time.monotonic() < end and "host algo-2 is slow" not in cluster[1].log:
        os.kill(rank, signal.SIGSTOP)
        time.sleep(0.45)
        os.kill(rank, signal.SIGCONT)
        time.sleep(0.05)
    cluster.said(r"WARNING.*host algo-2 is slow: \S+ rows/s, the median host \S+", cluster[1], 1)
    others = [h.name for h in cluster.hosts for n in (1, 3) if "host algo-%d is slow" % n in h.log]
    t.same(others, [], "a slow peer: the others are not called slow", cluster)
    t.same([h.code for h in cluster.hosts], [None] * 3, "a slow peer: all go on", cluster)
    stop_all(cluster, "a slow peer, then SIGTERM", X)


@scenario("bad data on one host", always=True)
def bad_data(t):
    cluster = Cluster(t, split(X, 3))
    with open(cluster[2].job.data("rows"), "ab") as f:
        f.write(b"no record")
    cluster.start()
    cluster.failed("bad data", 2, "rows", to_blame=cluster[2])


@scenario("a bad hyperparameter on all hosts, or on one", always=True)
def bad_request(t):
    cluster = Cluster(t, split(X, 3), hyperparameters={"k": "none"})
    cluster.start()
    cluster.failed("a bad hyperparameter", 2, "'k'", seconds=10)
    cluster = Cluster(t, split(X, 3))
    cluster[3].job.config("hyperparameters", '{"k": "none", "feature_dim": "5"}')
    cluster.start()
    cluster.failed("a bad hyperparameter on one host", 2, "'k'", to_blame=cluster[3])


@scenario("hosts that do not agree on the list of hosts")
def other_list(t):
    cluster = Cluster(t, split(X, 2), hyperparameters={"launch_timeout": "6"})
    names = ["algo-1", "algo-2", "algo-3"]
    cluster[2].job.config("resourceconfig", {"current_host": "algo-2", "hosts": names})
    cluster.start()
    t.check(cluster.wait(16), "another list of hosts: all end", cluster)
    t.check(all(h.code and h.failure for h in cluster.hosts), "another list of hosts: an error", cluster)
