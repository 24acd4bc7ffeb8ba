# SPDX-License-Identifier: Apache-2.0
"""Crashes of every kind in every part: one failure text, one line with addresses, nothing left behind."""
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import oracle
from harness import Job, Run, Tests
from ranks import HYPERPARAMETERS, Cluster, channel, finish, rows_of

LIMIT = 10.0  # seconds; no crash may hang
LOG = r"\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d ERROR \d+\] "


def build_id(t):
    notes = subprocess.run(["readelf", "-n", str(t.kmeans)], stdout=subprocess.PIPE, text=True).stdout
    return re.search(r"Build ID: (\w+)", notes)[1]


def preload(t, crash, **more):
    return {"LD_PRELOAD": str(t.kmeans.parent / "tests/libcrash_at.so"), "KM_CRASH": crash, **more}


def job_of(t, rows=20000, **hyperparameters):
    job = Job(t, {**HYPERPARAMETERS, **hyperparameters}, {"train": channel("FullyReplicated")})
    if rows:
        oracle.write_recordio(job.data("rows"), rows_of(rows))
    return job


def functions(t, line, program="kmeans"):
    """The functions of the program that lie on the way to the crash."""
    found = re.findall(r"\b%s\+(0x\w+)" % re.escape(program), line)
    if not found:
        return []
    out = subprocess.run(["addr2line", "-f", "-i", "-e", str(t.kmeans)] + found, stdout=subprocess.PIPE,
                         text=True).stdout
    return out.splitlines()[::2]


def told(t, what, run, number, where, job=None, host="", prefix=LOG, out=None, calls=()):
    """The text stands in the failure file (where there is one), and in the log with the addresses.

    where: a pattern. calls: functions of ours that are among the callers.
    """
    out = run.out if out is None else out
    text = r"Algorithm Error: %sthe program crashed \(signal %d%s\); please report this" % (
        re.escape(host), number, where)
    t.same(run.code, 1, what + ": exit code", run)
    if job:
        failure = job.failure.read_text() if job.failure.exists() else None
        t.check(failure and len(failure) <= 1024 and re.fullmatch(text, failure),
                "%s: failure file %r, expected %r" % (what, failure, text), run)
    t.same(len(re.findall("^%s%s$" % (prefix, text), out, re.M)), 1, what + ": lines of the text", run)
    lines = re.findall("^%ssignal %d \\(SIG.*$" % (prefix, number), out, re.M)
    if not t.same(len(lines), 1, what + ": lines of the addresses", run):
        return ""
    t.check("build id %s;" % build_id(t) in lines[0], what + ": build id in " + lines[0])
    if calls is not None:
        found = functions(t, lines[0])
        t.check(found and all(c in found for c in calls), "%s: calls %s in %s of %s"
                % (what, calls, found, lines[0]))
    return lines[0]


def crash(t, what, how, number, where, job=None, left=("output/failure",), calls=(), env=None, epochs=1):
    job = job or job_of(t, 100000, mini_batch_size="5000", epochs=str(epochs))
    start = time.monotonic()
    run = job.train("--threads", "2", env=preload(t, how, **(env or {})), timeout=60)
    took = time.monotonic() - start
    line = told(t, what, run, number, where, job, calls=calls)
    t.same(job.leftovers(), sorted(left), what + ": files left", run)
    print("%-50s %.2f s" % (what, took), flush=True)
    return line


PASS = r" in the pass, row [0-9,]+"
BLAS = {"KM_ISA": "blas"}


def kinds(t):
    """Every signal, in a thread of the pool, before the pass ends: other work may leave the pool little to do."""
    for how, number in (("segv", signal.SIGSEGV), ("bus", signal.SIGBUS), ("ill", signal.SIGILL),
                        ("fpe", signal.SIGFPE), ("abort", signal.SIGABRT), ("overflow", signal.SIGSEGV)):
        line = crash(t, "%s in the pool" % how, how + " sgemm 3", number, PASS,
                     calls=("run_tasks", "worker_main"), env=BLAS, epochs=1000)
        if how == "segv":
            t.check("at address 0x0;" in line, "the address is told: " + line)
    line = crash(t, "a call of no function", "null sgemm 3", signal.SIGSEGV, PASS, calls=None, env=BLAS, epochs=1000)
    t.check("return addresses: 0x0 libcrash_at.so+0x" in line, "who called it is told: " + line)
    crash(t, "a broken heap, its lock held", "heap sgemm 3", signal.SIGABRT, PASS, env=BLAS, epochs=1000,
          calls=("worker_main",))
    crash(t, "two threads at the same time", "two sgemm 3", signal.SIGSEGV, PASS, env=BLAS, epochs=1000, calls=None)
    crash(t, "a stack that cannot be walked", "again sgemm 3", signal.SIGILL, PASS, env=BLAS, epochs=1000, calls=None)


def places(t):
    """In the threads that read, and in the last steps of the model."""
    crash(t, "the first look", "segv read 1", signal.SIGSEGV, " in the first look at the data", calls=("run",))
    crash(t, "a stack overflow in the first look", "overflow read 1", signal.SIGSEGV,
          " in the first look at the data", calls=("run",))
    crash(t, "the reader", "segv read 6", signal.SIGSEGV, PASS, calls=("read_ahead",),
          job=job_of(t, 200000))
    crash(t, "a stack overflow in the reader", "overflow read 6", signal.SIGSEGV, PASS, calls=("read_ahead",),
          job=job_of(t, 200000))
    crash(t, "before the model has its name", "segv rename 1", signal.SIGSEGV, " while the model was written",
          calls=("km_train_main", "main"))
    crash(t, "a stack overflow in the main thread", "overflow rename 1", signal.SIGSEGV,
          " while the model was written", calls=("main",))
    crash(t, "after the model has its name", "segv fsync 2", signal.SIGSEGV, " while the model was written",
          left=("model/model_algo-1", "output/failure"), calls=("km_writer_commit",))
    job = job_of(t)
    (job.root / "output").rmdir()
    crash(t, "no folder for the failure file", "segv rename 1", signal.SIGSEGV, " while the model was written",
          job=job)


class Process:
    def __init__(self, t, job, *args):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("KM_", "OMP_"))}
        self.t, self.text = t, ""
        self.process = subprocess.Popen([str(t.kmeans), "train", "--root", str(job.root), "--threads", "2",
                                         *args], env=clean, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait_for(self, words, seconds=30):
        end = time.time() + seconds
        while words not in self.text and time.time() < end:
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                got = os.read(self.process.stdout.fileno(), 65536)
                if not got:
                    break
                self.text += got.decode()
        return self.t.check(words in self.text, "the log says %r: %s" % (words, self.text[-500:]))

    def end(self, number=None):
        if number:
            os.kill(self.process.pid, number)
        out, err = self.process.communicate(timeout=LIMIT)
        return Run(subprocess.CompletedProcess("", self.process.returncode, self.text.encode() + out, err))


def from_outside(t):
    """Signals that somebody sends, in a stage that lasts; and the exact row."""
    job = job_of(t, 0)
    shutil.rmtree(job.root / "input/data/train")
    os.mkfifo(job.root / "input/data/train")
    process = Process(t, job)
    process.wait_for("memory:")
    with open(job.root / "input/data/train", "wb") as f:
        oracle.write_recordio(job.root / "whole", rows_of(3000))
        f.write((job.root / "whole").read_bytes())
        f.flush()
        time.sleep(1)
        run = process.end(signal.SIGSEGV)
    line = told(t, "kill -SEGV in the pass", run, 11, " in the pass, row 3,001", job)
    t.check("sent by process %d;" % os.getpid() in line, "the sender is told: " + line)
    endless = {"k": "300", "extra_center_factor": "10", "local_lloyd_num_trials": "10000",
               "local_lloyd_tol": "0"}
    for number in signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT:
        job = job_of(t, **endless)
        process = Process(t, job)
        process.wait_for("shrinking 3000 centers")
        run = process.end(number)
        told(t, "kill -%d in the shrink" % number, run, number, " in the shrink", job)
        t.same(job.leftovers(), ["output/failure"], "kill in the shrink: files left", run)


def slow_reader(t):
    """Nobody reads the log: the failure file is there, and the process ends."""
    job = job_of(t, epochs="1000000")
    process = Process(t, job)
    process.wait_for("Iter ")
    os.kill(process.process.pid, signal.SIGSTOP)
    fd = os.open("/proc/%d/fd/1" % process.process.pid, os.O_WRONLY | os.O_NONBLOCK)
    try:
        while True:
            os.write(fd, b"x" * 4096)
    except BlockingIOError:
        os.close(fd)
    os.kill(process.process.pid, signal.SIGCONT)
    os.kill(process.process.pid, signal.SIGSEGV)
    try:
        code = process.process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        process.process.kill()
        code = None
    t.same(code, 1, "nobody reads the log: exit code")
    t.check("the program crashed (signal 11 in the pass, row " in
            (job.failure.read_text() if job.failure.exists() else ""), "nobody reads the log: failure file")


def other_verbs(t):
    """convert and bench: standard error, no half shard."""
    folder = t.place()
    (folder / "input/data").mkdir(parents=True)
    rows = folder / "input/data/rows"
    oracle.write_recordio(rows, rows_of(20000))
    run = t.run("convert", rows, "--output", folder / "out.csv", "--shards", "20", env=preload(t, "segv read 3"))
    told(t, "convert", run, 11, "", prefix="kmeans convert: ", out=run.err, calls=("km_convert_main",))
    t.same(run.out, "", "convert: nothing on standard output")
    t.same([p.name for p in folder.iterdir()], ["input"], "convert: files left")
    run = t.run("bench", "--help", env=preload(t, "segv none 1"))
    t.same(run.code, 0, "the library alone does nothing", run)
    run = t.run("train", rows, "--k", "3", "--output", folder / "model.tar.gz", env=preload(t, "segv rename 1"))
    told(t, "files on a command line, archive", run, 11, " while the model was written", calls=("main",))
    t.check(not any("ignore" in p.name for p in folder.iterdir()), "an archive: files left", run)


def ranks(t):
    """Under a plain mpirun the crashing rank tells, not MPI, and mpirun ends the others."""
    if not shutil.which("mpirun"):
        print("no mpirun: ranks are left out")
        return
    cluster = Cluster(t, [rows_of(3000), rows_of(3000)], hyperparameters={"epochs": "1000000"})
    process = cluster.start()
    end = time.time() + 30
    while (None in cluster.ranks()) and time.time() < end:
        time.sleep(0.05)
    time.sleep(2)
    os.kill(cluster.ranks()[1], signal.SIGSEGV)
    run = finish(process, 30)
    told(t, "a rank under mpirun", run, 11, PASS, cluster.jobs[1], "algo-2: ")
    t.check("Signal: Segmentation fault" not in run.err, "MPI says nothing of its own", run)


def main():
    t = Tests(sys.argv[1])
    if t.sanitized:
        print("skipped: the sanitizers tell of crashes themselves")
        sys.exit(77)
    for tool in "readelf", "addr2line":
        if not shutil.which(tool):
            print("skipped: there is no " + tool)
            sys.exit(77)
    only = sys.argv[2:]
    for part in kinds, places, from_outside, slow_reader, other_verbs, ranks:
        if not only or part.__name__ in only:
            part(t)
    t.end()


main()
