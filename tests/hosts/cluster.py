# SPDX-License-Identifier: Apache-2.0
"""A request on several hosts: laid out, started, watched, judged."""
import re
import signal
import time

import numpy as np

import oracle
from harness import Job
from hosts.host import Host, processes
from hosts.network import Network, clear

HYPERPARAMETERS = {"k": "4", "feature_dim": "5", "mini_batch_size": "250"}
LONG = {"mini_batch_size": "500", "epochs": "1000000"}  # ends only when asked to
SUCCESS_SECONDS = 60
GONE_SECONDS = 2


def rows_of(n, d=5, clusters=4, seed=0):
    random = np.random.default_rng(seed)
    place = np.random.default_rng(77).normal(size=(clusters, d)) * 5
    return (place[random.integers(clusters, size=n)] + random.normal(size=(n, d))).astype("f4")


def split(x, hosts):
    """Shards of uneven size."""
    ends = [len(x) * (i + 1) * (i + 2) // (hosts * (hosts + 1)) for i in range(hosts)]
    return [x[a:b] for a, b in zip([0] + ends, ends)]


def channel(way):
    return {"TrainingInputMode": "File", "S3DistributionType": way, "RecordWrapperType": "None"}


class Cluster:
    """Hosts algo-1 .. algo-N (or with other names) with the addresses 10.77.0.11 .. on one network."""

    def __init__(self, t, train, test=None, hyperparameters=None, replicated=False, names=None,
                 interface="eth0", channels=None, resources=None):
        """train, test: rows of each host."""
        way = "FullyReplicated" if replicated else "ShardedByS3Key"
        names = names or ["algo-%d" % (i + 1) for i in range(len(train))]
        if channels is None:
            channels = {"train": channel(way), **({"test": channel(way)} if test is not None else {})}
        self.t = t
        clear()
        self.network = Network(interface=interface)
        self.etc = t.place()
        self.hosts = []
        self.shown = self.polled = None
        self.lag = 0
        for i, name in enumerate(names):
            resource = {"current_host": name, "hosts": names, "network_interface_name": "eth0"}
            job = Job(t, {**HYPERPARAMETERS, **(hyperparameters or {})}, channels,
                      {**resource, **(resources or {})})
            for rows, folder in (train, "train"), (test, "test"):
                if rows is not None and len(rows[i]):
                    oracle.write_recordio(job.data("rows", folder), rows[i])
            self.network.plug("h%d" % (i + 1), 11 + i)
            self.hosts.append(Host("h%d" % (i + 1), name, job, self.etc))
        self.resolve(*names)
        self.write("resolv.conf", "")
        self.write("nsswitch.conf", "hosts: files dns\npasswd: files\ngroup: files\n")

    def __getitem__(self, name):
        """algo-NAME."""
        return self.hosts[name - 1]

    def write(self, file, text):
        """In place: the file is mounted into the containers."""
        with open(self.etc / file, "w") as f:
            f.write(text)

    def resolve(self, *names):
        """These names resolve from now on, and no others."""
        known = ["127.0.0.1 localhost"] + [
            "%s %s" % (self.network.address[h.machine], h.name) for h in self.hosts if h.name in names]
        self.write("hosts", "\n".join(known) + "\n")

    def start(self, *which, args=(), env=None):
        """Starts these hosts, or all."""
        for host in which or self.hosts:
            host.start(self.t.kmeans, "--threads", "1", *args, env=env)

    def wait(self, seconds, of=None):
        """Waits until these hosts, or all that were started, have ended; whether they have."""
        until = time.monotonic() + seconds
        self.polled = None
        while True:
            self.poll()
            if all(h.code is not None for h in of or self.hosts if h.process):
                return True
            if time.monotonic() > until:
                return False
            time.sleep(0.05)

    def until(self, what, seconds=30):
        """Waits for `what` to be true, unless a host ends; its value."""
        end = time.monotonic() + seconds
        while True:
            found = what()
            if found or self.ended() or time.monotonic() > end:
                return found
            self.poll()
            time.sleep(0.05)

    def poll(self):
        """Looks at all hosts; notes how late it does so on a busy machine."""
        now = time.monotonic()
        if self.polled:
            self.lag = max(self.lag, now - self.polled - 0.05)
        for host in self.hosts:
            host.poll()
        self.polled = now

    def said(self, pattern, host, seconds=30):
        """Waits until the log of a host has this."""
        found = self.until(lambda: re.search(pattern, host.log), seconds)
        return self.t.check(found, "%s says %r" % (host.name, pattern), self)

    def ended(self):
        """Whether one has."""
        return any(h.code is not None for h in self.hosts)

    def running(self, seconds=30):
        """Waits until each host is in the pass."""
        def in_pass():
            return all("#progress_metric" in h.log for h in self.hosts)
        found = self.until(in_pass, seconds)
        return self.t.check(found and not self.ended(), "all hosts are in the pass", self)

    def signal(self, number, *which):
        for host in which or self.hosts:
            host.signal(number)

    def told(self):
        """What to show when something went wrong."""
        shown = []
        for host in self.hosts:
            shown.append("-- %s: exit code %s, failure file %r" % (host.name, host.code, host.failure))
            lines = [line for line in host.log.splitlines() if not line.startswith("#metrics")]
            shown += ["%s| %s" % (host.name, line) for line in lines[-25:]]
        if shown == self.shown:
            return "(as above)"
        self.shown = shown
        return "\n    ".join(shown)

    def succeeded(self, what, seconds=SUCCESS_SECONDS, leftovers=None):
        """All end with 0, the model lies on the leader alone, nobody lingers and nobody leaves early."""
        t = self.t
        t.check(self.wait(seconds), "%s: all hosts end within %g s" % (what, seconds), self)
        t.same([h.code for h in self.hosts], [0] * len(self.hosts), what + ": exit codes", self)
        left = [h.job.leftovers() for h in self.hosts]
        expected = [["model/model_algo-1"]] + [[]] * (len(self.hosts) - 1)
        t.same(left, expected if leftovers is None else leftovers, what + ": files written", self)
        if self.hosts[0].job.model.exists():
            written = self.hosts[0].job.model.stat().st_mtime
            early = [h.name for h in self.hosts if h.end_clock and h.end_clock < written]
            t.same(early, [], what + ": hosts that left before the last write", self)
        self.ended_together(what, self.hosts)
        return self

    def failed(self, what, code, *words, seconds=20, of=None, to_blame=None):
        """These hosts, or all started, end with this code and one text, which has these words."""
        t = self.t
        hosts = [h for h in of or self.hosts if h.process]
        start = time.monotonic()
        t.check(self.wait(seconds, hosts), "%s: all hosts end within %g s" % (what, seconds), self)
        took = time.monotonic() - start
        t.same([h.code for h in hosts], [code] * len(hosts), what + ": exit codes", self)
        texts = [h.failure for h in hosts]
        t.same(texts, texts[:1] * len(texts), what + ": the same text on all hosts", self)
        for text in texts[:1]:
            for word in words:
                t.check(text and word in text, "%s: %r says %r" % (what, text, word), self)
            if to_blame:
                t.check(re.match(r"(\w+ Error: )?%s: " % to_blame.name, text or ""),
                        "%s: %r begins with %s" % (what, text, to_blame.name), self)
            t.check(text and len(text) <= 1024, what + ": length of the text")
        models = [h.name for h in hosts if h.job.model.exists()]
        t.same(models, [], what + ": no model", self)
        self.ended_together(what, hosts)
        print("  %s: %.1f s, %r" % (what, took, (texts or [None])[0]))
        return took

    def ended_together(self, what, hosts):
        ends = [h.end_time for h in hosts if h.end_time]
        ranks = [h.last_rank for h in hosts if h.last_rank]
        if len(hosts) > 1 and ends and ranks:
            lingered = max(ends) - max(ranks)
            print("  %s: all gone %.2f s after the last rank" % (what, lingered))
            self.t.check(lingered <= GONE_SECONDS + self.lag, "%s: all gone %.2f s after the last rank"
                         % (what, lingered), self)
        for host in hosts:
            host.kill()
        left = list(processes()) if len(hosts) == len(self.hosts) else []
        self.t.same(left, [], what + ": processes left", self)

    def end(self):
        for host in self.hosts:
            host.kill()

    def model(self):
        return oracle.read_model(self.hosts[0].job.model)

    def bytes(self):
        path = self.hosts[0].job.model
        return path.read_bytes() if path.exists() else None

    def near_best(self, what, x, factor=1.05):
        """The model is about as good as the best of ten runs of Lloyd."""
        if not self.t.check(self.hosts[0].job.model.exists(), what + ": there is a model"):
            return
        ratio = oracle.msd(x, self.model()) / oracle.best_of_lloyd(x, len(self.model()), runs=4)[0]
        self.t.check(ratio < factor, "%s: msd is %g of the best" % (what, ratio), self)


def stop_all(cluster, what, x=None, seconds=10, which=(), number=signal.SIGTERM):
    """Asks these hosts, or all, to stop; all leave with a model in time."""
    cluster.signal(number, *which)
    cluster.succeeded(what, seconds)
    if x is not None:
        cluster.near_best(what, x, 1.2)
