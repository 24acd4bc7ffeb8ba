#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole training runs at random, each beside the same run at level generic.

    tests/sweep.py build-asan/kmeans --runs 300 [--seed S] [--seconds T] [--jobs N]
    tests/sweep.py build-asan/kmeans --seed S --only I       repeats one run

Every run draws its rows, hyperparameters, format, threads, kernel level (the families of CPUs are levels as
well) and OpenBLAS core, with sizes around every boundary that a formula in the code has. It must end with
exit code 0, write nothing to standard error (where sanitizers report), tell the msd of its own model, and leave
the same bytes of a model as level generic on one thread. Rows are blobs (k clusters, hundreds of times as far apart
as they are wide) or loose (without structure, with many ties, or with fewer clusters than k asks for).

The build is to be one with sanitizers. Needs numpy. 300 runs are two minutes on two cores; a night of them:
tests/sweep.py build-asan/kmeans --runs 20000 --seed $RANDOM
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

import oracle

EXACT = 1e-5  # what is told of the model
LIMIT_SECONDS = 300
# Multiply-adds of one pass; at level generic under sanitizers a third of a second.
MOST_WORK = 1e8

# Where a formula of the code changes: a row narrower than a vector, a panel, a tile, a block, a form (16, 64, 128), the 64
# numbers of a stride in 8 bits, rows that would alias (1024).
FEATURES = [1, 2, 3, 4, 5, 7, 8, 9, 14, 15, 16, 17, 24, 30, 31, 32, 33, 47, 48, 63, 64, 65, 80, 96, 127, 128, 129, 130,
            191, 192, 193, 255, 256, 257, 511, 512, 783, 784, 785, 1007, 1008, 1023, 1024, 1025, 1040]
# Panels of 16 and what is left of one, tiles of 48, lanes of 64, chunks of 144, 288 and 384, the first that are screened.
CENTERS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 25, 31, 32, 33, 40, 47, 48, 49, 50, 63, 64, 65, 80, 96, 97, 100, 112, 127,
           128, 129, 143, 144, 145, 160, 192, 256, 287, 288, 289, 383, 384, 385, 400, 500, 640, 767, 768, 769, 783, 784, 785,
           800, 1000, 1024, 1600, 1700, 1712, 1713, 1728]
# Where both matter: forms A, B and C, panels left over, slices of panels; and the first and last of each screen.
SHAPES = [(63, 15), (63, 16), (64, 15), (64, 16), (128, 15), (128, 16), (129, 15), (129, 16), (129, 24), (129, 25), (130, 40),
          (784, 335), (257, 1024), (1040, 256), (15, 1700), (15, 1728), (16, 768), (16, 784), (16, 800), (16, 1000), (16, 1728),
          (17, 400), (30, 200), (32, 160), (54, 100), (64, 96), (80, 64), (104, 48), (105, 48), (128, 48), (129, 47), (784, 48)]
# Tiles and blocks of rows, the most of a call.
ROWS = [1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 95, 96, 97, 127, 128, 129, 191, 192, 193, 500, 1000,
        1007, 1008, 1009, 2015, 2016, 2017, 4096, 5000]

CORES = {"generic": ["PRESCOTT", "NEHALEM"], "avx2": ["HASWELL", "ZEN"], "avx512": ["SKYLAKEX"]}


class Case:
    """What one run does: everything follows from (seed, number)."""

    def __init__(self, seed, number, levels):
        self.number = number
        self.rng = np.random.default_rng([seed, number])
        self.kind = self.pick(["blobs", "blobs", "blobs", "loose", "loose"])
        self.level = levels[number % (len(levels) - 1)] if number % 30 else levels[-1]
        self.core = None
        if self.level == "blas" and platform.machine() == "x86_64":
            self.core = self.pick([None] + [c for l in levels + ["generic"] for c in CORES.get(l, [])])
        self.threads = int(self.pick([1, 1, 2, 3, 5]))
        self.sparse = self.rng.random() < 0.25
        self.sizes()
        self.options()
        self.layout()

    def pick(self, values):
        return values[self.rng.integers(len(values))]

    def near(self, values, most):
        """One of the values up to a limit, at times a neighbour or any number."""
        fit = [v for v in values if v <= most]
        if not fit or self.rng.random() < 0.15:
            return int(self.rng.integers(1, most + 1))
        return int(self.pick(fit))

    def sizes(self):
        """d, K = k * factor and n within MOST_WORK."""
        self.d = self.near(FEATURES, 1040)
        if self.sparse:
            self.d = self.near([30, 63, 64, 65, 100, 257, 1000, 1024, 3000, 10000], 10000)
            self.d = max(self.d, 12)
        self.nnz = max(1, min(self.d // 10, int(self.rng.integers(1, 60)))) if self.sparse else self.d
        shape = self.pick(SHAPES) if self.rng.random() < 0.3 and not self.sparse else None
        while True:
            centers = self.near(CENTERS, 1728)
            if shape:
                self.d = self.nnz = shape[0]
                centers = shape[1]
            self.factor = int(self.pick([f for f in range(1, 33) if centers % f == 0]))
            self.k = centers // self.factor
            if self.kind == "blobs" and self.d == 1 and self.k > 200:
                continue  # more of them in a line are closer than float32 scores can tell
            self.centers = self.k * self.factor
            most = int(min(30000, MOST_WORK / (self.centers * self.nnz), 3e6 / self.d))
            if most >= self.k and self.centers * self.d <= 1e6:
                break
        # groups of rows begin at 4 * 8 rows for each center, and are 64 at the most
        edges = ROWS + [self.k, self.k + 1, self.centers] + [f * self.centers + off for f in (32, 64, 512) for off in (-1, 0, 1)]
        self.n = max(self.near(edges, most), self.k)

    def options(self):
        """Hyperparameters; those that cost much only where there is little to do."""
        work = self.centers * self.nnz * self.n
        epochs = int(self.pick([1, 1, 2, 3])) if work < MOST_WORK / 4 else 1
        trials = MOST_WORK / (20 * self.centers * self.k * self.d)
        sampled = int(2 * MOST_WORK / (400 * self.k * self.nnz))  # rows that a refinement may have
        whole = sampled >= self.n
        batch = self.near(sorted({48, 95, 96, 97, 500, 1007, 1008, 1009, 5000, self.n, self.n + 1, self.centers,
                                  max(self.n // 2, 1), max(self.n // 3, 1)}), self.n + 1)
        self.init = self.pick(["random", "kmeans++"])
        sample = self.pick([0, None, None] if whole else [0, sampled if sampled >= self.k else 0])
        if self.kind == "blobs":
            # All clusters are seen in the first mini-batch, and (nearly always) have a center.
            batch = max(batch, min(self.n, 2 * self.k))
            if self.factor < np.log(self.k) + 8:
                self.init = "kmeans++"
            # Which rows k-means++ takes once each cluster has one is a matter of rounding; only refined it does not matter.
            if self.init == "kmeans++" and self.factor > 1:
                sample = None if whole else sample
                if not whole:
                    self.factor, self.centers = 1, self.k
        self.o = {"k": self.k, "extra_center_factor": self.factor, "mini_batch_size": batch, "epochs": epochs,
                  "init_method": self.init, "seed": int(self.rng.integers(1000))}
        if self.factor == 10 and self.rng.random() < 0.5:
            self.o["extra_center_factor"] = "auto"
        if sample is not None:
            self.o["refine_rows"] = sample
        if trials < 100 or self.rng.random() < 0.3:
            self.o["local_lloyd_num_trials"] = int(np.clip(trials, 1, self.pick([1, 2, 3, 10])))
        if self.rng.random() < 0.3:
            self.o["half_life_time_size"] = int(self.pick([1, 48, self.n, 10 * self.n]))
            if self.kind == "blobs":  # nothing is forgotten within a cluster but by the same factor: as long as it counts
                self.o["half_life_time_size"] = 10 * self.n
        # Which of the K are copies of each other is a matter of rounding, and random starts are of those that differ.
        if self.rng.random() < 0.3 and (self.kind == "loose" or self.factor == 1 or sample is None):
            self.o["local_lloyd_init_method"] = self.pick(["random", "kmeans++"])
        if self.rng.random() < 0.2 and self.kind == "loose":
            self.o["local_lloyd_max_iter"] = int(self.pick([1, 2, 7]))
        if self.rng.random() < 0.3:
            self.o["feature_dim"] = self.d

    def layout(self):
        """Format and files."""
        forms = ["f4", "f4", "f8"] + (["csv"] * 3 if self.n * self.d < 100000 else [])
        self.form = "sparse" if self.sparse else self.pick(forms)
        if self.sparse:
            self.o["force_dense"] = self.pick(["true", "false", "false"])
        self.files = min(int(self.pick([1, 1, 2, 3])), self.n)
        self.label = self.form == "csv" and self.rng.random() < 0.3
        self.test = self.rng.random() < 0.2

    def blobs(self):
        """The rows of k clusters in turn, float32; neighbours are 250 to 1000 widths apart."""
        apart = 250 * 4 ** self.rng.random()
        width = int(min(self.d, 3))
        side = int(np.ceil(self.k ** (1 / width))) + 1
        cells = self.rng.choice(side ** width, self.k, replace=False)
        center = self.rng.uniform(-1, 1, (self.k, self.d))
        for t in range(width):  # distinct cells of a grid
            center[:, t] = cells // side ** t % side - side / 2 + self.rng.uniform(-0.2, 0.2, self.k)
        rows = np.arange(self.n) % self.k
        if self.sparse:
            mask = np.zeros((self.k, self.d), bool)
            for j in range(self.k):
                mask[j, self.rng.choice(self.d, self.nnz, replace=False)] = True
            center = np.where(mask, 1 + 3 * self.rng.random((self.k, self.d)), 0)
            return self.spread(apart * center, rows) * mask[rows]
        offset = self.pick([0, 0, 10, 100]) * self.rng.normal(size=self.d)
        return self.spread(apart * (center + offset), rows)

    def spread(self, center, rows):
        return center[rows] + self.rng.normal(size=(self.n, self.d))

    def loose(self):
        shape = (self.n, self.d)
        how = self.pick(["normal", "normal", "integers", "few", "offset", "tails", "equal"])
        if how == "integers":
            x = self.rng.integers(-2, 3, shape).astype(float)
        elif how == "few":  # fewer different rows than centers
            x = self.rng.normal(size=shape)[self.rng.integers(max(self.k // 2, 1), size=self.n)]
        elif how == "offset":
            x = 1e4 + self.rng.normal(size=shape)
        elif how == "tails":
            x = self.rng.standard_t(2.5, shape)
        elif how == "equal":
            x = np.full(shape, 3.25)
        else:
            x = self.rng.normal(size=shape)
        if self.sparse:
            x = np.where(self.rng.random(shape) < self.nnz / self.d, x, 0)
        return x

    def write(self, folder):
        """The rows as files in a folder of their own; returns them as they are read."""
        x = (self.blobs() if self.kind == "blobs" else self.loose()).astype("f4")
        for f, part in enumerate(np.array_split(x, self.files)):
            path = folder / ("part-%d" % f)
            if self.form == "csv":
                rows = np.column_stack([np.arange(len(part)) % 7, part]) if self.label else part
                np.savetxt(path, rows, fmt="%.9g", delimiter=",")
            elif self.form == "sparse":
                with open(path, "wb") as out:
                    for row in part:
                        keys = np.flatnonzero(row)
                        out.write(oracle.frame(oracle.sparse_record(keys, row[keys], self.d)))
            else:
                oracle.write_recordio(path, part, self.form)
        return x

    def command(self, kmeans, folder, out, reference):
        env = {"KM_ISA": "generic" if reference else self.level}
        if self.core and not reference:
            env["OPENBLAS_CORETYPE"] = self.core
        args = [str(kmeans), "train", "--output", str(out), "--threads", str(1 if reference else self.threads)]
        for name, value in self.o.items():
            args += ["--" + name, str(value)]
        if self.form == "csv":
            args += ["--content-type", "text/csv;label_size=%d" % self.label]
        if self.test:
            args += ["--test", str(folder / "part-0")]
        return env, args + [str(folder)]

    def told(self):
        return "%s, level %s%s, %d threads, %d x %d %s in %d files, K %d, %s" % (
            self.kind, self.level, " (%s)" % self.core if self.core else "", self.threads, self.n, self.d, self.form,
            self.files, self.centers, " ".join("%s=%s" % item for item in self.o.items()))


def run(case, kmeans, folder, out, reference):
    env, args = case.command(kmeans, folder, out, reference)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("KM_", "OMP_", "OPENBLAS_"))}
    clean.setdefault("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1")
    clean.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    shown = "%s %s" % (" ".join("%s=%s" % item for item in env.items()), shlex.join(args))
    try:
        done = subprocess.run(args, env={**clean, **env}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        return None, ["no end after %d s: %s" % (LIMIT_SECONDS, shown)]
    log = done.stdout.decode("utf-8", "replace")
    if done.returncode or done.stderr:
        last = [line for line in log.splitlines() if " ERROR " in line][-2:]
        text = done.stderr.decode("utf-8", "replace")[:3000].splitlines()
        return None, ["exit code %d, %d bytes on standard error: %s" % (done.returncode, len(done.stderr), shown)] + last + text
    return log, []


def score(x, model):
    """The mean squared distance by differences in float64."""
    total, model = 0.0, model.astype("f8")
    for i in range(0, len(x), 500):
        rows = x[i:i + 500].astype("f8")
        # which is nearest, from numbers near zero; then by differences
        origin = rows[0]
        a, b = rows - origin, model - origin
        order = (b * b).sum(1) / 2 - a @ b.T
        label = order.argmin(1)
        total += ((rows - model[label]) ** 2).sum()
    return total / len(x)


def compare(case, folder, kmeans):
    """The problems of a case."""
    data = folder / "rows"
    data.mkdir()
    x = case.write(data)
    # a model of float32 is no better than this, nor are rows of float32 relative to an origin
    floor = case.d * (2.0 ** -23 * max(float(np.abs(x).max()), 1e-30)) ** 2
    found, models = {}, {}
    for reference in True, False:
        out = folder / ("generic" if reference else "level")
        log, problems = run(case, kmeans, data, out, reference)
        if problems:
            return problems
        model = models[reference] = oracle.read_model(out)
        if model.shape != (case.k, case.d) or not np.isfinite(model).all():
            return ["the model is %s, or not finite" % (model.shape,)]
        found[reference] = score(x, model)
        told = re.search(r", train data_msd <loss>=(\S+)", log)
        rounding = EXACT * found[reference] + 2 * (found[reference] * floor) ** 0.5 + floor
        if case.kind == "loose":  # it is of the centers that are nearest as far as float32 can tell
            rounding += 2.0 ** -20 * float((x.astype("f8") ** 2).sum(1).max())
        if told and "estimated" not in log and not abs(float(told.group(1)) - found[reference]) <= rounding:
            return ["told data_msd %s, found %.9g (%s)" % (told.group(1), found[reference], out.name)]
    if models[False].tobytes() != models[True].tobytes():
        return ["another model than at level generic: objectives %.9g and %.9g" % (found[False], found[True])]
    return []


def one(seed, number, kmeans, levels, keep):
    case = Case(seed, number, levels)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="kmeans-sweep-"))
    try:
        problems = compare(case, folder, kmeans)
    except Exception as e:  # of ours, or a model file that is none
        problems = ["%s: %s" % (type(e).__name__, e)]
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return case, problems


def levels_of(kmeans):
    """The program itself lists them, best first; generic, the last, is what the others are compared with."""
    out = subprocess.run([kmeans, "bench", "--quick"], env={**os.environ, "KM_ISA": "?"}, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True).stdout
    return out.split(" can run are: ")[1].replace(",", " ").split()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kmeans")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("KM_TEST_SEED", 1)))
    parser.add_argument("--seconds", type=float, default=float("inf"), help="start no run after this time")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="runs side by side")
    parser.add_argument("--only", type=int, help="the number of the one run; its files are kept")
    o = parser.parse_args()
    kmeans = pathlib.Path(o.kmeans).resolve()
    if b"__asan_" not in kmeans.read_bytes():
        print("note: %s has no sanitizers" % kmeans)
    levels = levels_of(kmeans)
    print("seed %d, levels %s" % (o.seed, " ".join(levels)), flush=True)
    numbers = range(o.runs) if o.only is None else [o.only]
    start, failed, runs = time.monotonic(), 0, collections.Counter()

    def begin(number):
        return one(o.seed, number, kmeans, levels, o.only is not None) if time.monotonic() - start < o.seconds else None

    with concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
        for done in pool.map(begin, numbers):
            if done is None:
                continue
            case, problems = done
            runs[case.kind, case.level] += 1
            if problems or o.only is not None:
                print("run %d: %s" % (case.number, case.told()))
            if problems:
                failed += 1
                print("FAILED: %s\n  again: tests/sweep.py %s --seed %d --only %d" % (
                    "\n    ".join(problems), shlex.quote(o.kmeans), o.seed, case.number), flush=True)
    print("%d runs (%s) in %.0f s, %d FAILED" % (sum(runs.values()), ", ".join(
        "%s %d" % (level, sum(n for (_, l), n in runs.items() if l == level)) for level in levels),
        time.monotonic() - start, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
