# SPDX-License-Identifier: Apache-2.0
"""Hosts that train together, each a process under a plain mpirun with a folder of its own."""
import os
import subprocess
from pathlib import Path

import numpy as np

import oracle
from harness import Job, Run

MPIRUN = """mpirun --allow-run-as-root --oversubscribe --bind-to none
 --mca pml ob1 --mca btl self,tcp --mca btl_tcp_if_include lo --mca oob_tcp_if_include lo""".split()
HYPERPARAMETERS = {"k": "4", "feature_dim": "5", "mini_batch_size": "250"}


def rows_of(n, d=5, clusters=4, seed=0):
    random = np.random.default_rng(seed)
    place = np.random.default_rng(77).normal(size=(clusters, d)) * 5
    return (place[random.integers(clusters, size=n)] + random.normal(size=(n, d))).astype("f4")


def channel(way):
    return {"TrainingInputMode": "File", "S3DistributionType": way, "RecordWrapperType": "None"}


def split(x, hosts):
    """Shards of uneven size."""
    ends = [len(x) * (i + 1) * (i + 2) // (hosts * (hosts + 1)) for i in range(hosts)]
    return [x[a:b] for a, b in zip([0] + ends, ends)]


class Cluster:
    """A request as the platform lays it out on each of its hosts."""

    def __init__(self, t, train, test=None, hyperparameters=None, replicated=False):
        """train, test: rows of each host, or, replicated, of all; an int is the number of hosts."""
        way = "FullyReplicated" if replicated else "ShardedByS3Key"
        channels = {"train": channel(way)}
        if test is not None:
            channels["test"] = channel(way)
        names = ["algo-%d" % (i + 1) for i in range(len(train))]
        self.t = t
        self.jobs = []
        for host, rows in zip(names, train):
            resources = {"current_host": host, "hosts": names}
            job = Job(t, {**HYPERPARAMETERS, **(hyperparameters or {})}, channels, resources)
            if len(rows):
                oracle.write_recordio(job.data("rows"), rows)
            self.jobs.append(job)
        for job, rows in zip(self.jobs, test if test is not None else []):
            if len(rows):
                oracle.write_recordio(job.data("rows", "test"), rows)

    def command(self, *args, program=None):
        command = list(MPIRUN)
        for job in self.jobs:
            command += [":"] if job is not self.jobs[0] else []
            command += ["-np", "1", program or self.t.kmeans, "train", "--root", job.root, "--threads", "1", *args]
        return [str(c) for c in command]

    def start(self, *args, **others):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("KM_", "OMP_"))}
        env = {**clean, "ASAN_OPTIONS": "detect_leaks=0", **others.pop("env", {})}
        return subprocess.Popen(
            self.command(*args, **others), env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )

    def train(self, what, *args):
        run = finish(self.start(*args))
        self.t.check(run.code == 0, what + ": trains", run)
        self.t.check(self.jobs[0].model.exists(), what + ": the leader wrote the model", run)
        others = [job.leftovers() for job in self.jobs[1:]]
        self.t.same(others, [[]] * len(others), what + ": the others wrote nothing", run)
        return run

    def ranks(self):
        """The processes, by host; None for one that is not there."""
        found = dict.fromkeys(range(len(self.jobs)))
        for p in Path("/proc").iterdir():
            words = command_line(p).split("\0") if p.name.isdigit() else []
            for i, job in enumerate(self.jobs):
                if str(job.root) in words and "mpirun" not in words[0]:
                    found[i] = int(p.name)
        return list(found.values())

    def bytes(self):
        return self.jobs[0].model.read_bytes()

    def model(self):
        return oracle.read_model(self.jobs[0].model)


def finish(process, timeout=240):
    process.out, process.err = process.communicate(timeout=timeout)
    return Run(subprocess.CompletedProcess("", process.returncode, process.out, process.err))


def failed(t, cluster, what, code, *words, model=False, options=()):
    """All hosts fail with the same text, which has these words; there is a model if it was written before."""
    run = finish(cluster.start(*options))
    t.same(run.code, code, what + ": exit code", run)
    texts = [job.failure.read_text() if job.failure.exists() else None for job in cluster.jobs]
    t.same(texts, texts[:1] * len(texts), what + ": the same text on all hosts", run)
    for word in words:
        t.check(texts[0] and word in texts[0], "%s: %r says %r" % (what, texts[0], word), run)
    t.same(cluster.jobs[0].model.exists(), model, what + ": whether there is a model", run)
    return run


def command_line(process):
    try:
        return (process / "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""
