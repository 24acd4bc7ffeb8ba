# SPDX-License-Identifier: Apache-2.0
"""Strangers at the launch port: scanners, garbage, many connections, somebody who says he leads."""
import os
import re
import socket
import time

from hosts.cluster import Cluster, rows_of, split
from hosts.network import inside
from hosts.scenario import scenario

X = rows_of(6000)
PORT = 7070
GARBAGE = [
    b"", b"\0", b"\n", b"GET / HTTP/1.1\r\nHost: algo-2\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x11" * 200, b"\xff" * 70000,
    b"kmeans" + b"\0" * 500, os.urandom(4096),
]


def connect(address, port=PORT, seconds=5):
    s = socket.socket()
    s.settimeout(seconds)
    s.connect((address, port))
    return s


def tell(s, data):
    try:
        s.sendall(data)
    except OSError:
        pass


def closed(s, seconds):
    """Whether the other side ends the connection within this time; what it said before."""
    s.settimeout(seconds)
    said = b""
    try:
        while True:
            got = s.recv(4096)
            if not got:
                return True, said
            said += got
    except socket.timeout:
        return False, said
    except OSError:
        return True, said


def memory(pid):
    """Resident, in kB, and descriptors."""
    with open("/proc/%d/status" % pid) as f:
        resident = int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])
    return resident, len(os.listdir("/proc/%d/fd" % pid))


def waiting(t, hosts=2, stranger="stranger", **hyperparameters):
    """Workers that wait for the leader, and a stranger on their network."""
    cluster = Cluster(t, split(X, hosts), hyperparameters=hyperparameters)
    cluster.network.plug(stranger, 200)
    cluster.start(*cluster.hosts[1:])
    def listens():
        try:
            with inside(stranger):
                connect(cluster.network.address["h2"], seconds=1).close()
            return True
        except OSError:
            return False
    t.check(cluster.until(listens, 10), "the worker listens", cluster)
    return cluster, cluster.network.address["h2"]


def then_trains(t, cluster, what):
    """The leader comes, and all is well."""
    t.same(cluster[2].code, None, what + ": the worker still waits", cluster)
    cluster.start(cluster[1])
    cluster.succeeded(what)
    cluster.near_best(what, X)
    lines = [line for line in cluster[2].log.splitlines() if "launch port" in line]
    return lines


@scenario("a port scanner, and garbage from a foreign address", always=True)
def garbage(t):
    cluster, worker = waiting(t)
    with inside("stranger"):
        for data in GARBAGE:
            s = connect(worker)
            tell(s, data)
            done, said = closed(s, 3)
            t.check(done, "garbage %r: closed" % data[:20], cluster)
            t.same(said, b"", "garbage %r: no answer" % data[:20], cluster)
            s.close()
    lines = then_trains(t, cluster, "garbage")
    t.check(any(re.search(r"WARNING.*refused \d+ connections?, the last from 10\.77\.0\.200", line)
                for line in lines), "garbage: a line in the log: %r" % lines, cluster)
    t.check(len(lines) <= 4, "garbage: few lines in the log: %r" % lines, cluster)


@scenario("10,000 foreign connections, hundreds at a time", always=True)
def many_connections(t):
    cluster, worker = waiting(t)
    pid = cluster[2].supervisor()
    before = memory(pid)
    most = 0
    with inside("stranger"):
        held = []
        for i in range(10000):
            try:
                held.append(connect(worker, seconds=2))
            except OSError:
                pass
            if len(held) >= 300:
                for s in held:
                    s.close()
                held = []
            if i % 250 == 0:
                resident, files = memory(pid)
                most = max(most, files)
        for s in held:
            s.close()
    resident, files = memory(pid)
    t.check(resident - before[0] < 4096, "10,000 connections: %d kB more" % (resident - before[0]), cluster)
    t.check(most - before[1] < 300, "10,000 connections: %d files at most" % most, cluster)
    lines = then_trains(t, cluster, "10,000 connections")
    t.check(1 <= len(lines) <= 12, "10,000 connections: few lines in the log: %d" % len(lines), cluster)


@scenario("connections from the leader's address that do not greet as the leader does", always=True)
def impostor(t):
    cluster, worker = waiting(t)
    with inside("h1"):
        silent = connect(worker)
        for data in GARBAGE:
            s = connect(worker)
            tell(s, data)
            done, _ = closed(s, 20)
            t.check(done, "an impostor says %r: closed" % data[:20], cluster)
            s.close()
        t.check(closed(silent, 20)[0], "an impostor says nothing: closed", cluster)
        started = [p for p in cluster[2].processes() if p.inner != 1]
        t.same(started, [], "an impostor: nothing was started", cluster)
    then_trains(t, cluster, "an impostor")


@scenario("a stranger holds connections open while the leader comes")
def held_open(t):
    cluster, worker = waiting(t, 3)
    with inside("stranger"):
        held = []
        for _ in range(400):
            try:
                held.append(connect(worker, seconds=1))
            except OSError:
                break
    then_trains(t, cluster, "connections held open")
    for s in held:
        s.close()


@scenario("something else listens where the worker will: the leader goes on trying")
def other_service(t):
    cluster = Cluster(t, split(X, 2))
    address = cluster.network.address["h2"]
    with inside("h2"):
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, PORT))
    server.listen(5)
    server.settimeout(10)
    cluster.start(cluster[1])
    try:
        s, _ = server.accept()
        tell(s, b"SSH-2.0-OpenSSH_9.6\r\n")
        time.sleep(1)
        s.close()
        s, _ = server.accept()
        s.close()
    except OSError:
        t.check(False, "another service: the leader comes to it, and again", cluster)
    server.close()
    t.same(cluster[1].code, None, "another service: the leader waits", cluster)
    cluster.start(cluster[2])
    cluster.succeeded("another service")


@scenario("during the job the launch port is of no use to anybody")
def port_while_running(t):
    from hosts.cluster import LONG, stop_all
    cluster = Cluster(t, split(X, 3), hyperparameters=LONG)
    cluster.network.plug("stranger", 200)
    cluster.start()
    if not cluster.running():
        return
    for where in "stranger", "h1":
        with inside(where):
            for machine in "h1", "h2", "h3":
                for data in GARBAGE[1:4]:
                    try:
                        s = connect(cluster.network.address[machine], seconds=2)
                    except OSError:
                        continue  # nobody listens: as good
                    tell(s, data)
                    t.check(closed(s, 20)[0], "in the job, %s to %s: closed" % (where, machine), cluster)
                    s.close()
    t.same([h.code for h in cluster.hosts], [None] * 3, "in the job, strangers: all go on", cluster)
    stop_all(cluster, "in the job, strangers", X)
