# SPDX-License-Identifier: Apache-2.0
"""Data on which k-means goes wrong: sentinels, far groups, heavy tails, many clusters, tiny values.

For three seeds each the msd of the model, by differences in float64, must be no more than its bar times the best that is
known: Lloyd from the planted centers, or the best of several runs of Lloyd from greedy k-means++; and `train data_msd` must be
that of the written model. Where rows come through a FIFO and are more than the sample has room for, that is an estimate: it must be
within four of the standard errors that are told with it, and these must be small.
"""
import os
import re
import subprocess
import sys

import numpy as np

import oracle
from harness import Tests

SEEDS = 3


def dist2(x, c):
    """By differences: nothing cancels, whatever the scale."""
    return np.stack([((x - one) ** 2).sum(1) for one in c], 1)


def lloyd(x, c, most=200):
    before = np.inf
    for _ in range(most):
        d2 = dist2(x, c)
        label = d2.argmin(1)
        loss = d2[np.arange(len(x)), label].mean()
        if not loss < before * (1 - 1e-9):
            break
        before = loss
        c = np.stack([x[label == j].mean(0) if (label == j).any() else c[j] for j in range(len(c))])
    return loss


def greedy(x, k, rng):
    c = x[rng.integers(len(x))][None]
    d2 = dist2(x, c)[:, 0]
    for _ in range(1, k):
        total = d2.sum()
        rows = rng.choice(len(x), 2 + int(np.log(k)), p=d2 / total) if total > 0 else [0]
        left = [np.minimum(d2, dist2(x, x[i][None])[:, 0]) for i in rows]
        best = int(np.argmin([one.sum() for one in left]))
        c, d2 = np.vstack([c, x[rows[best]]]), left[best]
    return c


def best_of(x, k, runs=10):
    return min(lloyd(x, greedy(x, k, np.random.default_rng(run))) for run in range(runs))


def planted(rng, centers, each, spread):
    centers = np.asarray(centers, "f8")
    x = np.repeat(centers, each, 0) + rng.normal(0, spread, (len(centers) * each, centers.shape[1]))
    return x, centers


def sets():
    """Name, rows, k, planted centers or None, bar."""
    rng = np.random.default_rng(11)
    x, c = planted(rng, [[v] * 4 for v in (0.2, 0.5, 0.9, -9999)], 500, 0.02)
    x[1500:] = -9999
    yield "a sentinel beside fine structure", x, 4, c, 1.001
    x, c = planted(rng, [[g + v, v] for g in (0, 1e4) for v in (0, 1, 2)], 500, 0.05)
    yield "two groups 1e4 apart", x, 6, c, 1.001
    x = np.array([[0.0], [1.0]] * 500 + [[1000.0], [2000.0], [3000.0]])
    yield "far single values", x, 5, np.array([[0.0], [1], [1000], [2000], [3000]]), 1
    x = rng.normal(0, 1, (5000, 3))
    x[:5] *= 1000
    yield "five far rows", x, 8, None, 1.02
    yield "lognormal", np.exp(2 * rng.normal(size=(6000, 1))), 8, None, 1.01
    yield "Pareto", rng.pareto(1.2, (6000, 2)), 8, None, 1.01
    yield "Cauchy", rng.standard_cauchy((6000, 2)), 6, None, 1.01
    x, c = planted(rng, rng.uniform(-10, 10, (200, 3)), 10, 0.1)
    yield "200 blobs in 2,000 rows", x, 200, c, 1.01
    x, c = planted(rng, [[4 * i, 4 * j] for i in range(10) for j in range(10)], 100, 0.7)
    yield "a grid of 100 clusters", x, 100, c, 1.01
    x, c = planted(rng, rng.uniform(-10, 10, (200, 8)), 100, 0.3)
    yield "200 clusters in 8 dimensions", x, 200, c, 1.001
    x, c = planted(rng, np.array([[1.0, 2], [3, 4], [5, 1]]) * 1e-25, 300, 1e-26)
    yield "values of 1e-25", x, 3, c, 1.001
    x, c = planted(rng, [[v, v, v] for v in (1e6, 1e6 + 3, 1e6 + 7)], 300, 0.3)
    yield "far from the origin", x, 3, c, 1.01  # float32 models have steps of 1/16 there
    yield "fewer distinct rows than k", np.arange(3.0).repeat(100)[:, None], 5, np.array([[0.0], [1], [2]]), 1


def streams():
    """The same of more rows than the sample has room for: name, rows, k, bar. Files are read again for data_msd alone."""
    rng = np.random.default_rng(12)
    x = rng.normal(0, 1, (200000, 4))
    x[rng.choice(len(x), 10, replace=False)] = np.repeat(rng.normal(0, 1e4, (2, 4)), 5, 0) + rng.normal(0, 1, (10, 4))
    yield "ten far rows of 200,000", x, 4, 1.003
    x = rng.normal(0, 1, (200000, 3))
    x[-200:] += [[300, 0, 0]]
    yield "a far cluster at the end", x, 5, 1.01
    x = rng.normal(0, 1, (200000, 4))
    x[rng.choice(len(x), 4, replace=False), 2] = -999999
    yield "four sentinels", x, 4, 1.01
    x = np.sort(np.exp(2 * rng.normal(size=(200000, 1))), 0)
    yield "lognormal, sorted", x, 8, 1.01
    yield "Pareto", rng.pareto(1.2, (200000, 2)), 8, 1.01
    x = np.repeat(rng.uniform(-10, 10, (8, 4)), 25000, 0) + rng.normal(0, 0.3, (200000, 4))
    yield "sorted by cluster", x, 8, 1.003


def fifos():
    """Of few rows for each center in the sample, which they are then nearer to than others are: name, rows, k, refine_rows."""
    rng = np.random.default_rng(14)
    yield "uniform", rng.uniform(-1, 1, (100000, 32)), 50, 3000
    c = rng.normal(0, 1.5, (60, 40))
    yield "overlapping blobs", c[rng.integers(0, 60, 80000)] + rng.normal(0, 1, (80000, 40)), 100, 4000
    yield "Student's t", rng.standard_t(2.5, (200000, 16)), 20, 1000
    x = rng.normal(0, 1, (120000, 20))
    x[rng.choice(len(x), 10, replace=False)] *= 1000
    yield "far rows", x, 10, 2000
    x = np.zeros((180000, 60))
    np.add.at(x, (np.arange(len(x))[:, None], rng.zipf(1.3, (len(x), 8)) % 60), 1)
    yield "bags of words", x, 20, 2000


def sparse_sets():
    """Rows of 12 values among 200: name, rows, k, planted centers or None, bar."""
    rng = np.random.default_rng(13)

    def rows(n, k, share=None):
        column = np.stack([rng.choice(200, 12, replace=False) for _ in range(k)])
        value = rng.normal(3, 1, (k, 12))
        label = rng.choice(k, n, p=share)
        x, c = np.zeros((n, 200)), np.zeros((k, 200))
        np.put_along_axis(c, column, value, 1)
        np.put_along_axis(x, column[label], value[label] + rng.normal(0, 0.5, (n, 12)), 1)
        return x, c

    x, c = rows(4000, 80)
    yield "80 clusters, sparse", x, 80, c, 1.001
    share = 1 / np.arange(1, 41) ** 1.2
    x, c = rows(6000, 40, share / share.sum())
    yield "sizes as Zipf's, sparse", x, 40, c, 1.001
    x, c = rows(5000, 5)
    x[:3] *= 1000
    yield "three far rows, sparse", x, 8, None, 1.001


def check(t, name, x, k, start, bar):
    x = x.astype("f4")
    np.random.default_rng(1).shuffle(x)
    compare(t, name, x, k, best_of_planted(x, k, start), bar)


def best_of_planted(x, k, start):
    wide = x.astype("f8")
    return best_of(wide, k) if start is None else lloyd(wide, start)


def write_sparse(path, x):
    with open(path, "wb") as f:
        for row in x:
            at = np.flatnonzero(row)
            f.write(oracle.frame(oracle.sparse_record(at, row[at], x.shape[1])))


def compare(t, name, x, k, best, bar, *more):
    folder = t.place()
    if "--force_dense" in more:
        write_sparse(folder / "rows", x)
    else:
        oracle.write_recordio(folder / "rows", x)
    wide = x.astype("f8")
    ratios = []
    for seed in range(SEEDS):
        what = "%s, seed %d" % (name, seed)
        run = t.run("train", "--k", k, "--seed", seed, *more, "--output", folder / "model", folder / "rows")
        if not t.check(run.code == 0, what + ": trains", run):
            continue
        model = oracle.read_model(folder / "model").astype("f8")
        msd = dist2(wide, model).min(1).mean()
        told = float(re.search(r"train data_msd <loss>=(\S+)", run.out)[1])
        ratios.append(msd / best if best > 0 else 1 + msd)
        t.check(msd <= bar * best, "%s: msd %.9g, the best known is %.9g" % (what, msd, best), run)
        t.check(abs(told - msd) <= 1e-6 * msd,  # rows less their origin are float32
                 "%s: told %.12g, the model has %.12g" % (what, told, msd), run)
    print("%-34s k=%-4d %s" % (name, k, " ".join("%.4f" % r for r in ratios)), flush=True)


def through_fifo(t, folder, *args):
    """Trains on the rows of `folder`, which can be read only once."""
    os.mkfifo(folder / "fifo")
    writer = subprocess.Popen(["cp", folder / "rows", folder / "fifo"])
    run = t.run("train", "--content-type", "application/x-recordio-protobuf", "--output", folder / "model", *args, folder / "fifo")
    writer.wait()
    (folder / "fifo").unlink()
    return run


def msd_of(x, c):
    """By differences, to the three centers that products say are nearest."""
    x, c = x.astype("f8"), c.astype("f8")
    score = (c * c).sum(1) / 2 - x @ c.T
    near = np.argpartition(score, 2, 1)[:, :3]
    return np.min([((x - c[near[:, t]]) ** 2).sum(1) for t in range(3)], 0).mean()


def check_estimate(t, name, x, k, rows):
    folder = t.place()
    more = ["--force_dense", "false"] if name == "bags of words" else []
    (write_sparse if more else oracle.write_recordio)(folder / "rows", x)
    off = []
    for seed in range(SEEDS):
        what = "%s through a FIFO, seed %d" % (name, seed)
        run = through_fifo(t, folder, "--k", k, "--seed", seed, "--refine_rows", rows, "--feature_dim", x.shape[1], *more)
        if not t.check(run.code == 0, what + ": trains", run):
            continue
        told = float(re.search(r"train data_msd <loss>=(\S+)", run.out)[1])
        error = float(re.search(r"its standard error is (\S+)", run.out)[1])
        msd = msd_of(x, oracle.read_model(folder / "model"))
        off.append((told - msd) / error)
        t.check(0 < error < 0.005 * msd, "%s: the standard error told is %.3g of %.6g" % (what, error, msd), run)
        t.check(abs(off[-1]) < 4, "%s: told %.6g, the model has %.6g, standard error %.2g" % (what, told, msd, error), run)
    print("%-34s k=%-4d standard errors off: %s" % (name + ", a FIFO", k, " ".join("%.1f" % v for v in off)), flush=True)


def main():
    t = Tests(sys.argv[1])
    for name, x, k, rows in fifos():
        check_estimate(t, name, x.astype("f4"), k, rows)
    for case in sets():
        check(t, *case)
    for name, x, k, start, bar in sparse_sets():
        x = x.astype("f4")
        compare(t, name, x, k, best_of_planted(x, k, start), bar, "--force_dense", "false", "--feature_dim", 200)
    for name, x, k, bar in streams():
        x = x.astype("f4")
        compare(t, name + ", a sample", x, k, best_of(x.astype("f8"), k, 3), bar, "--refine_rows", 10000)
    t.end()


main()
