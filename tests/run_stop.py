# SPDX-License-Identifier: Apache-2.0
"""Wherever a job is when it is asked to stop: gone within 10 s, with a model if it has seen enough rows."""
import os
import select
import shutil
import signal
import subprocess
import sys
import time

import oracle
from harness import Job, Run, Tests
from ranks import HYPERPARAMETERS, Cluster, channel, finish, rows_of

LIMIT = 10.0  # seconds from the signal to the end
NO_ROW = "asked to stop"


class Process:
    """A running job whose log is followed."""

    def __init__(self, t, jobs, process):
        self.t, self.jobs, self.process, self.text = t, jobs, process, ""

    def wait_for(self, words, seconds=30):
        """Reads on until the log says so."""
        end = time.time() + seconds
        while words not in self.text and time.time() < end:
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                got = os.read(self.process.stdout.fileno(), 65536)
                if not got:
                    break
                self.text += got.decode()
        return self.t.check(words in self.text, "the log says %r: %s" % (words, self.text[-500:]))

    def stop(self, what, pids, number=signal.SIGTERM):
        asked = time.time()
        for pid in pids:
            os.kill(pid, number)
        try:
            out, err = self.process.communicate(timeout=2 * LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
        took = time.time() - asked
        run = Run(subprocess.CompletedProcess("", self.process.returncode, self.text.encode() + out, err))
        self.t.check(took < LIMIT, "%s: gone after %.1f s" % (what, took), run)
        print("%-50s %.2f s" % (what, took), flush=True)
        return run

    def ends_well(self, what, pids=None):
        run = self.stop(what, pids or [self.process.pid])
        self.t.same(run.code, 0, what + ": exit code", run)
        self.t.check(self.jobs[0].model.exists(), what + ": there is a model", run)
        self.t.check(not any(j.failure.exists() for j in self.jobs), what + ": no failure file", run)
        return run

    def ends_without_model(self, what, pids=None, words=NO_ROW):
        run = self.stop(what, pids or [self.process.pid])
        self.t.same(run.code, 3, what + ": exit code", run)
        texts = [j.failure.read_text() if j.failure.exists() else None for j in self.jobs]
        self.t.same(texts, texts[:1] * len(texts), what + ": the same text", run)
        self.t.check(texts[0] and words in texts[0], "%s: %r" % (what, texts[0]), run)
        self.t.check(not self.jobs[0].model.exists(), what + ": no model", run)
        return run


def slow_environment(t):
    return {"LD_PRELOAD": str(t.kmeans.parent / "tests/libslow_read.so"),
            "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0"}


def one_host(t, train, test=None, slow=False, **hyperparameters):
    """A job on one host, under way. train, test: call with the job, make the data."""
    channels = {"train": channel("FullyReplicated")}
    if test:
        channels["test"] = channel("FullyReplicated")
    job = Job(t, {**HYPERPARAMETERS, **hyperparameters}, channels)
    for make in filter(None, (train, test)):
        make(job)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("KM_", "OMP_"))}
    process = subprocess.Popen(
        [str(t.kmeans), "train", "--root", str(job.root), "--threads", "2"],
        env={**clean, **(slow_environment(t) if slow else {})},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    return Process(t, [job], process)


def standard_input(t):
    """Bytes of which some, a part of a row, or none have come."""
    for sent in b"", b"1,2", b"1,2\n":
        ours, theirs = os.pipe()
        process = subprocess.Popen(
            [str(t.kmeans), "train", "--k", "2", "--output", str(t.place() / "m"), "-"],
            stdin=ours, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        os.write(theirs, sent)
        run = Process(t, [], process)
        run.wait_for("kmeans ")
        time.sleep(0.3)
        what = "standard input of which %r has come" % sent
        done = run.stop(what, [process.pid])
        t.same(done.code, 3, what + ": exit code", done)
        t.check("ERROR" in done.out and NO_ROW in done.out, what + ": why", done)
        os.close(ours)
        os.close(theirs)


def fifo(job, name="rows"):
    """In place of the train channel's folder: a channel that is a FIFO."""
    folder = job.root / "input/data/train"
    shutil.rmtree(folder)
    os.mkfifo(folder)
    return folder


def write_slow(path, rows, seen):
    """A file of which `seen` rows can be read."""
    whole = path.parent.parent / "whole"
    oracle.write_recordio(whole, rows)
    bytes_of_row = whole.stat().st_size // len(rows)
    whole.rename(path.with_name("rows.%d.slow" % (seen * bytes_of_row)))


def fifos(t):
    run = one_host(t, fifo)
    run.wait_for("memory:")
    run.ends_without_model("a FIFO that nobody writes")
    run = one_host(t, fifo)
    run.wait_for("memory:")
    with open(run.jobs[0].root / "input/data/train", "wb") as f:
        whole = run.jobs[0].root / "whole"
        oracle.write_recordio(whole, rows_of(2000))
        f.write(whole.read_bytes())
        f.flush()
        time.sleep(0.7)
        run.ends_well("a FIFO whose writer waits")


def slow_files(t):
    rows = rows_of(60000)
    run = one_host(t, lambda j: write_slow(j.data("rows"), rows, 0), slow=True)
    run.wait_for("Reading provided")
    time.sleep(0.5)
    run.ends_without_model("a file server gone at the first byte")
    run = one_host(t, lambda j: write_slow(j.data("rows"), rows, 1), slow=True)
    run.wait_for("Reading provided")
    time.sleep(0.5)
    run.ends_without_model("a file server gone behind the first row")
    run = one_host(t, lambda j: write_slow(j.data("rows"), rows, 50000), slow=True)
    run.wait_for("Iter ")
    time.sleep(0.5)
    run.ends_well("a file server gone in the pass")
    run = one_host(t, lambda j: oracle.write_recordio(j.data("rows"), rows[:5000]),
                   lambda j: write_slow(j.data("rows", "test"), rows, 5000), slow=True)
    run.wait_for("wrote")
    run.ends_well("a file server gone in the test channel")
    t.check("test msd" not in run.text, "half a test channel is not scored")


def phases(t):
    """Where the time is the computer's, not a file's."""
    rows = rows_of(20000)
    data = lambda j: oracle.write_recordio(j.data("rows"), rows)
    run = one_host(t, data, epochs="1000000")
    run.wait_for("Iter 10:")
    run.ends_well("in the pass")
    many = lambda j: oracle.write_recordio(j.data("rows"), rows_of(300000))
    run = one_host(t, many, k="1000", refine_rows="2000")
    run.wait_for("iteration(s) over all rows", 90)  # sanitizers are slow
    time.sleep(0.1)
    run.ends_well("in the iterations over all rows")
    run = one_host(t, data, k="300", extra_center_factor="10", local_lloyd_num_trials="10000", local_lloyd_tol="0")
    run.wait_for("shrinking 3000 centers")
    time.sleep(0.5)
    run.ends_well("in the shrink")
    run = one_host(t, data, lambda j: oracle.write_recordio(j.data("rows", "test"), rows_of(2000000)), k="50")
    run.wait_for("wrote ")
    run.ends_well("in the scores")


def second_signal(t):
    run = one_host(t, lambda j: oracle.write_recordio(j.data("rows"), rows_of(20000)),
                   k="300", extra_center_factor="10", local_lloyd_num_trials="10000", local_lloyd_tol="0")
    run.wait_for("shrinking 3000 centers")
    os.kill(run.process.pid, signal.SIGTERM)
    time.sleep(0.3)
    started = time.time()
    run = run.stop("a second signal", [run.process.pid])
    t.same(run.code, -signal.SIGTERM, "a second signal ends at once", run)
    t.check(time.time() - started < 1, "a second signal ends at once", run)


def cluster_with_fifo(t, host, rows, **hyperparameters):
    """Two hosts; one reads a FIFO that nobody writes."""
    shards = [[], []]
    shards[1 - host] = rows
    cluster = Cluster(t, shards, hyperparameters=hyperparameters)
    fifo(cluster.jobs[host])
    return cluster


def ranks_of(t, cluster, seconds=30):
    end = time.time() + seconds
    while None in cluster.ranks() and time.time() < end:
        time.sleep(0.05)
    return cluster.ranks()


def hosts(t):
    """Two ranks: both are asked, as the supervisors do, or only one."""
    if not shutil.which("mpirun"):
        print("skipped: hosts, there is no mpirun")
        return
    rows = rows_of(3000)
    for host in 0, 1:
        cluster = cluster_with_fifo(t, host, rows)
        run = Process(t, cluster.jobs, cluster.start())
        run.wait_for("memory:")
        time.sleep(0.5)
        run.ends_well("host %d waits for a FIFO, the other for it" % (host + 1), ranks_of(t, cluster))
    cluster = cluster_with_fifo(t, 1, [])
    fifo(cluster.jobs[0])
    run = Process(t, cluster.jobs, cluster.start())
    run.wait_for("memory:")
    time.sleep(0.5)
    run.ends_without_model("two hosts wait for FIFOs", ranks_of(t, cluster))
    endless = {"k": "300", "extra_center_factor": "10", "local_lloyd_num_trials": "10000", "local_lloyd_tol": "0"}
    for asked, shrink in ([0], {}), ([1], endless), ([0, 1], {}):
        cluster = Cluster(t, [rows, rows[:500]], hyperparameters={"epochs": "1000000", **shrink})
        run = Process(t, cluster.jobs, cluster.start())
        run.wait_for("Iter 10:")
        pids = ranks_of(t, cluster)
        done = run.ends_well("in the pass, host %s asked" % asked, [pids[i] for i in asked])
        t.same(done.out.count("asked to stop: the pass ends"), 2, "all leave the pass", done)
    cluster = Cluster(t, [rows, rows], hyperparameters=endless)
    run = Process(t, cluster.jobs, cluster.start())
    run.wait_for("shrinking 3000 centers")
    time.sleep(0.5)
    run.ends_well("in the shrink of two hosts", ranks_of(t, cluster))


def main():
    t = Tests(sys.argv[1])
    only = sys.argv[2:]
    for part in standard_input, fifos, slow_files, phases, second_signal, hosts:
        if not only or part.__name__ in only:
            part(t)
    t.end()


main()
