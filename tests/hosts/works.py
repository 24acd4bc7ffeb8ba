# SPDX-License-Identifier: Apache-2.0
"""Requests that must succeed: 1 to 5 hosts, odd names and networks, late hosts, small machines."""
import re
import time

import oracle
from hosts.cluster import Cluster, rows_of, split, stop_all, LONG
from hosts.network import Network, ip
from hosts.scenario import Options, scenario

X, TEST = rows_of(6000), rows_of(301, seed=1)


def metric(t, cluster, name, expected, tolerance, what):
    """The quality metric stands once in all logs, in the leader's, with this value."""
    found = [(h.name, host, float(value)) for h in cluster.hosts for host, value in
             re.findall(r"#quality_metric: host=(\S+), %s <loss>=(\S+)" % name, h.log)]
    leader = cluster.hosts[0].name
    t.same([f[:2] for f in found], [(leader, leader)], "%s: %s, once" % (what, name), cluster)
    if found:
        t.near(found[0][2], expected, tolerance, "%s: %s" % (what, name), cluster)


def right(t, cluster, what, rows=len(X)):
    """Trains, and the model and the scores are those of X and TEST."""
    cluster.start()
    cluster.succeeded(what)
    if cluster.bytes():
        c = cluster.model()
        metric(t, cluster, "train data_msd", oracle.msd(X, c), 1e-5, what)
        metric(t, cluster, "test msd", oracle.msd(TEST, c), 1e-5, what)
    cluster.near_best(what, X)
    seen = [int(n) for h in cluster.hosts
            for n in re.findall(r"processed a total of (\d+) examples", h.log)]
    t.same(sum(seen), rows, what + ": rows of all hosts", cluster)
    return cluster


@scenario("one host: no MPI, nothing on the network", always=True)
def one_host(t):
    cluster = right(t, Cluster(t, [X], [TEST]), "one host")
    t.check("mpirun" not in cluster[1].log, "one host: no word of mpirun", cluster)
    alone = cluster.bytes()
    job = Cluster(t, [X], [TEST], names=["algo-1-x7k2p"])
    job.start()
    job.succeeded("one host, another name")
    t.same(job.bytes(), alone, "one host, another name: the same model")


@scenario("two hosts, sharded", always=True)
def two_hosts(t):
    right(t, Cluster(t, split(X, 2), split(TEST, 2)), "two hosts")


@scenario("three hosts, sharded, twice: the same bits")
def three_hosts(t):
    first = right(t, Cluster(t, split(X, 3), split(TEST, 3)), "three hosts")
    met = re.search(r"all 3 hosts have met after (\S+) s", first[1].log)
    t.check(met, "three hosts: the leader says when they have met", first)
    again = right(t, Cluster(t, split(X, 3), split(TEST, 3)), "three hosts, again")
    t.same(again.bytes(), first.bytes(), "three hosts: the same bits again")


@scenario("five hosts, sharded")
def five_hosts(t):
    right(t, Cluster(t, split(X, 5), split(TEST, 5)), "five hosts")


@scenario("the data replicated on three hosts")
def replicated(t):
    right(t, Cluster(t, [X] * 3, [TEST] * 3, replicated=True), "replicated")


@scenario("nothing on one host, or on the leader")
def empty_shards(t):
    right(t, Cluster(t, [X[:2000], [], X[2000:]], [[], TEST, []]), "an empty shard")
    right(t, Cluster(t, [[], X], [TEST, []]), "nothing on the leader")


@scenario("hosts that sort otherwise than they stand; the leader is the first of the sorted")
def order(t):
    """algo-10 sorts before algo-2; the list of each host is in the order of the platform."""
    names = ["algo-10", "algo-2", "algo-9"]
    cluster = Cluster(t, split(X, 3), split(TEST, 3), names=names)
    for host in cluster.hosts:
        host.job.config("resourceconfig", {"current_host": host.name, "hosts": names[::-1]})
    right(t, cluster, "sorted by bytes")


@scenario("names that resolve late", seconds=90)
def late_names(t):
    cluster = Cluster(t, split(X, 3), split(TEST, 3))
    cluster.resolve()
    cluster.start()
    time.sleep(Options.late / 2)
    cluster.resolve("algo-1", "algo-3")
    time.sleep(Options.late / 2)
    cluster.resolve("algo-1", "algo-2", "algo-3")
    cluster.succeeded("late names", 90)
    t.check("waiting for algo-2" in cluster[1].log, "late names: the leader says so", cluster)


def late_hosts(t, what, *when):
    """when: for each host the share of Options.late at which it starts."""
    cluster = Cluster(t, split(X, 3), split(TEST, 3))
    begin = time.monotonic()
    for share, host in sorted(zip(when, cluster.hosts), key=lambda p: p[0]):
        time.sleep(max(0, begin + share * Options.late - time.monotonic()))
        cluster.start(host)
    cluster.succeeded(what, 60 + Options.late)
    return cluster


@scenario("hosts start late: the leader first, then the others one after another", seconds=90)
def leader_first(t):
    cluster = late_hosts(t, "the leader first", 0, 0.1, 1)
    t.check(re.search(r"waiting for algo-3 \(\d+ s of 900 s\)", cluster[1].log),
            "the leader first: it says whom it waits for", cluster)


@scenario("hosts start late: the leader last", seconds=90)
def leader_last(t):
    cluster = late_hosts(t, "the leader last", 1, 0, 0)
    for host in cluster.hosts[1:]:
        t.check(re.search(r"waiting for algo-1 \(\d+ s of 900 s\)", host.log),
                "the leader last: %s says whom it waits for" % host.name, cluster)


@scenario("the host name is on all hosts the same, or another one than in `hosts`", always=True)
def host_names(t):
    cluster = Cluster(t, split(X, 3), split(TEST, 3))
    for host in cluster.hosts:
        host.hostname = "aws"
    right(t, cluster, "the same host name everywhere")
    cluster = Cluster(t, split(X, 2), split(TEST, 2))
    cluster[1].hostname, cluster[2].hostname = "algo-1", "algo-2.compute.internal"
    right(t, cluster, "the host name is the name, with and without a domain")


@scenario("several interfaces, docker0 with one address on all hosts, an interface that is not there")
def interfaces(t):
    cluster = Cluster(t, split(X, 3), split(TEST, 3), interface="ens5",
                      resources={"network_interface_name": "ethwe"})
    other = Network("other", "10.99.0.", "aaa0")
    for i, host in enumerate(cluster.hosts):
        other.plug(host.machine, 11 + i)
        ip("-n %s link add docker0 type bridge" % host.machine,
           "-n %s address add 172.17.0.1/16 dev docker0" % host.machine,
           "-n %s link set docker0 up" % host.machine)
        other.cut(host.machine)  # looks well, and leads nowhere
    right(t, cluster, "several interfaces")


@scenario("the own name resolves to 127.0.1.1: the interface that the request names is taken")
def loopback_name(t):
    cluster = Cluster(t, split(X, 2), split(TEST, 2))
    for i, host in enumerate(cluster.hosts):
        host.etc = t.place()
        for name in "resolv.conf", "nsswitch.conf":
            (host.etc / name).write_bytes((cluster.etc / name).read_bytes())
        (host.etc / "hosts").write_text("127.0.0.1 localhost\n" + "".join(
            "%s %s\n" % ("127.0.1.1" if h is host else cluster.network.address[h.machine], h.name)
            for h in cluster.hosts))
    right(t, cluster, "the own name is a loopback address")


@scenario("read-only root but for /opt/ml and /tmp; /dev/shm of 64 MB (as on all hosts here)")
def read_only(t):
    cluster = Cluster(t, split(X, 3), split(TEST, 3))
    for host in cluster.hosts:
        host.way = "ro"
    right(t, cluster, "read-only root")


@scenario("any uid, with folders that it may write to")
def other_uid(t):
    cluster = Cluster(t, split(X, 2), split(TEST, 2))
    for host in cluster.hosts:
        host.uid = 12345
        for folder in "model", "output":
            (host.job.root / folder).chmod(0o777)
    right(t, cluster, "uid 12345")


def local_mode(t, names, interface, request, args, hyperparameters=None):
    """As the SDK's local mode lays a job out: all see all data, one model folder for all."""
    rows = [X] + [[]] * (len(names) - 1)
    request = {"train": request, "test": request}
    tests = [TEST] + rows[1:]
    cluster = Cluster(t, rows, tests, names=names, channels=request, interface="eth0",
                      resources={"network_interface_name": interface}, hyperparameters=hyperparameters)
    root = cluster.hosts[0].job.root
    for host in cluster.hosts:
        host.args = list(args)
        if host is not cluster.hosts[0]:
            host.mounts = "mount --bind %s/model /opt/ml/model\n" % root
            host.mounts += "mkdir -p /opt/ml/input/data/train /opt/ml/input/data/test\n"
            for folder in "train", "test":
                host.mounts += "mount --bind %s/input/data/%s /opt/ml/input/data/%s\n" % (
                    root, folder, folder)
        host.job.model = cluster.hosts[0].job.model
    return cluster


NAMES = ["algo-1-x7k2p", "algo-2-x7k2p"]


@scenario("the SDK's local mode, version 2: one model folder, names with a suffix, few settings",
          always=True)
def local_mode_2(t):
    right(t, local_mode(t, NAMES, "eth0", {"TrainingInputMode": "File"}, ["train"]), "local mode 2")


@scenario("the SDK's local mode, version 3: no argument, an interface that is not there")
def local_mode_3(t):
    names = ["algo-1", "algo-2"]
    request = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"}
    right(t, local_mode(t, names, "ethwe", request, []), "local mode 3")


@scenario("local mode: on SIGTERM all are gone within 10 s, the worker not before the last write")
def local_mode_stop(t):
    cluster = local_mode(t, NAMES, "eth0", {"TrainingInputMode": "File"}, ["train"], LONG)
    cluster.start()
    if not cluster.running():
        return
    stop_all(cluster, "local mode, SIGTERM to all", X)


@scenario("a large model: exchanges of 16 MB through sockets, /dev/shm is of 64 MB", seconds=90)
def large_exchange(t):
    x = rows_of(1500, d=2000, seed=3)
    cluster = Cluster(t, split(x, 3), hyperparameters={
        "k": "100", "feature_dim": "2000", "mini_batch_size": "500", "extra_center_factor": "10",
        "local_lloyd_num_trials": "1", "local_lloyd_max_iter": "3"})
    cluster.start()
    cluster.succeeded("a large model", 90)


