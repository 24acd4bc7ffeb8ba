# SPDX-License-Identifier: Apache-2.0
"""SIGTERM to the leader, to a worker or to all, whatever they do at that moment."""
import signal
import socket
import time

from hosts import disk
from hosts.cluster import LONG, Cluster, rows_of, split, stop_all
from hosts.faults import X, busy_job, long_job
from hosts.network import inside
from hosts.pipes import Pipe, recordio
from hosts.scenario import scenario

WHO = {"leader": (1,), "worker": (2,), "all": (1, 2, 3)}


def which(cluster, who):
    return [cluster[i] for i in WHO[who]]


@scenario("asked to stop in the pass: the leader", always=True)
def stop_leader(t):
    cluster = busy_job(t)
    if cluster:
        stop_all(cluster, "SIGTERM to the leader", X, which=which(cluster, "leader"))


@scenario("asked to stop in the pass: a worker")
def stop_worker(t):
    cluster = long_job(t)
    if cluster:
        stop_all(cluster, "SIGTERM to a worker", X, which=which(cluster, "worker"))


@scenario("asked to stop in the pass: all, by SIGTERM and by SIGINT")
def stop_everybody(t):
    cluster = busy_job(t)
    if cluster:
        stop_all(cluster, "SIGTERM to all", X)
    cluster = long_job(t)
    if cluster:
        stop_all(cluster, "SIGINT to a worker", X, which=[cluster[3]], number=signal.SIGINT)


@scenario("asked to stop while hosts wait for a peer", always=True)
def stop_waiting(t):
    for who in 1, 2:
        cluster = Cluster(t, split(X, 3))
        cluster.start(cluster[1], cluster[2])
        time.sleep(3)
        what = "SIGTERM to algo-%d, which waits for a peer" % who
        cluster.signal(signal.SIGTERM, cluster[who])
        cluster.failed(what, 3, seconds=8, of=[cluster[1], cluster[2]])
    cluster = Cluster(t, split(X, 2))
    cluster.start(cluster[2])
    time.sleep(2)
    cluster.signal(signal.SIGTERM, cluster[2])
    cluster.failed("SIGTERM to a worker that waits for the leader", 3, seconds=3, of=[cluster[2]])


@scenario("asked to stop at any moment of the start")
def stop_at_the_start(t):
    for i, delay in enumerate((0, 0.2, 0.4, 0.7, 1.1)):
        cluster = Cluster(t, split(X, 3), hyperparameters={**LONG, "launch_timeout": "6"})
        cluster.start()
        one = cluster[1 + i % 3]
        what = "SIGTERM to %s after %g s" % (one.name, delay)
        cluster.said("algo-1 leads", one)  # before, nobody hears: it is PID 1
        time.sleep(delay)
        one.signal(signal.SIGTERM)
        # A host that nobody is connected to yet can tell nobody: the others wait for it in vain.
        t.check(cluster.wait(16), what + ": all hosts end", cluster)
        codes = [h.code for h in cluster.hosts]
        t.check(codes in ([0, 0, 0], [3, 3, 3]), "%s: exit codes %r" % (what, codes), cluster)
        t.same(cluster[1].job.model.exists(), codes[0] == 0, what + ": there is a model", cluster)
        t.same([h.failure is None for h in cluster.hosts], [codes[0] == 0] * 3,
               what + ": failure files", cluster)
        print("  %s: %r, %r" % (what, codes, cluster[1].failure))
        cluster.ended_together(what, cluster.hosts)


@scenario("asked to stop while a name is looked up, and the name server is silent")
def stop_in_look_up(t):
    cluster = Cluster(t, split(X, 2))
    address = cluster.network.plug("sink", 250)
    with inside("sink"):
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind((address, 53))
    cluster.resolve()
    cluster.write("resolv.conf", "nameserver %s\noptions timeout:30 attempts:5\n" % address)
    cluster.start()
    time.sleep(4)
    silent.settimeout(1)
    t.check(silent.recv(512), "look-ups: there is one")
    t.same([h.code for h in cluster.hosts], [None] * 2, "look-ups: both wait", cluster)
    cluster.signal(signal.SIGTERM)
    for host in cluster.hosts:  # not connected yet: each ends for itself
        cluster.failed("SIGTERM in a look-up", 3, "asked to stop", seconds=6, of=[host])


@scenario("asked to stop while a rank is blocked in a read")
def stop_reading(t):
    for who in 1, 2:
        cluster = long_job(t, 2)
        if cluster:
            cluster.trickle.dry.add(2)
            time.sleep(3)
            stop_all(cluster, "SIGTERM to algo-%d, algo-2 is blocked in a read" % who,
                     which=[cluster[who]])


@scenario("asked to stop while a read of a regular file never comes back")
def stop_disk_hangs(t):
    if not disk.possible():
        print("skipped: stop_disk_hangs, there is no /dev/fuse")
        return
    for hosts in 1, 2:
        cluster = Cluster(t, [X, []][2 - hosts:])
        file = disk.Disk(cluster[hosts].job.data("rows"), recordio(t, X), 300000)
        cluster.start()
        t.check(cluster.until(lambda: file.waits), "a disk hangs: it is read", cluster)
        time.sleep(1)
        stop_all(cluster, "SIGTERM to one of %d hosts, a disk hangs" % hosts, X,
                 which=[cluster[1]])


@scenario("asked to stop before a host, or all, have seen a first row")
def stop_before_rows(t):
    for rows, what in ([X, []], "one host has no row yet"), ([[], []], "no host has a row yet"):
        cluster = Cluster(t, rows)
        pipes = [Pipe(h) for h, x in zip(cluster.hosts, rows) if not len(x)]
        cluster.start()
        cluster.until(lambda: all(h.rank() for h in cluster.hosts))
        time.sleep(2)
        if len(pipes) == 1:
            stop_all(cluster, "SIGTERM when " + what, which=[cluster[1]])
        else:
            cluster.signal(signal.SIGTERM, cluster[2])
            cluster.failed("SIGTERM when " + what, 3, "stop", seconds=10)
        for pipe in pipes:
            pipe.close()


@scenario("asked to stop in the shrink")
def stop_shrinking(t):
    x = rows_of(20000, d=20, clusters=30)
    cluster = Cluster(t, split(x, 3), hyperparameters={
        "k": "30", "feature_dim": "20", "extra_center_factor": "60", "mini_batch_size": "500",
        "local_lloyd_num_trials": "10000", "local_lloyd_max_iter": "10000", "local_lloyd_tol": "0", "refine_rows": "0"})
    cluster.start()
    if cluster.said("processed a total of|shrink", cluster[3]):
        time.sleep(2)
        stop_all(cluster, "SIGTERM in the shrink", which=[cluster[2]])
        cluster.near_best("SIGTERM in the shrink", x, 1.3)


@scenario("asked to stop while a rank is paused for 12 s: late, but with a model")
def stop_paused(t):
    cluster = long_job(t, 2)
    if not cluster:
        return
    paused = cluster[2].rank()
    cluster[2].signal(signal.SIGSTOP, paused)
    cluster.signal(signal.SIGTERM, cluster[1])
    time.sleep(12)
    cluster[2].signal(signal.SIGCONT, paused)
    cluster.succeeded("SIGTERM while a rank is paused", 10)


@scenario("a second signal ends the process at once")
def second_signal(t):
    cluster = long_job(t, 2)
    if not cluster:
        return
    cluster[1].signal(signal.SIGSTOP, cluster[1].rank())  # nothing ends by itself
    for host in cluster.hosts:
        host.signal(signal.SIGTERM)
        host.signal(signal.SIGTERM)
        time.sleep(0.2)
        host.signal(signal.SIGTERM)
    t.check(cluster.wait(2), "a second signal: gone within 2 s", cluster)
    t.check(all(h.code for h in cluster.hosts), "a second signal: no success: %r"
            % [h.code for h in cluster.hosts], cluster)


@scenario("asked to stop, one host, as PID 1", always=True)
def stop_one_host(t):
    cluster = Cluster(t, [X], hyperparameters=LONG)
    cluster.start()
    time.sleep(2)
    stop_all(cluster, "SIGTERM to the only host", X)
