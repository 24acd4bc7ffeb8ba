#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Data on which k-means goes wrong, beside scikit-learn: sentinels, far groups, heavy tails, many clusters, grids.

    bench/hard.py [--kmeans build/kmeans] [--seeds 3] [--runs 10] [--only WORD]

For each set the msd of the written model on all rows, recomputed here in float64 by differences, over the best of RUNS runs of
scikit-learn's KMeans (n_init=1, k-means++, the rows as they are); `train data_msd` over that msd; and the CPU seconds of the job
on one thread. The best of scikit-learn is kept in out/hard.json. Needs numpy and scikit-learn (PyPI), some minutes.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from sklearn.cluster import KMeans

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests"))
import oracle  # noqa: E402

KEPT = os.path.join(ROOT, "out", "hard.json")


def msd(x, c):
    """By differences, to the nearest three that products say, so that nothing cancels."""
    origin = np.median(x, 0)
    x, c = x.astype("f8") - origin, c.astype("f8") - origin
    total = 0.0
    for i in range(0, len(x), 20000):
        rows = x[i : i + 20000]
        score = (c * c).sum(1) / 2 - rows @ c.T
        near = np.argpartition(score, min(2, len(c) - 1), 1)[:, :3]
        total += np.min([((rows - c[near[:, t]]) ** 2).sum(1) for t in range(near.shape[1])], 0).sum()
    return total / len(x)


def around(rng, centers, n, spread):
    centers = np.asarray(centers, "f8")
    return centers[rng.integers(0, len(centers), n)] + rng.normal(0, spread, (n, centers.shape[1]))


def far(rng, n, d, rows, by):
    x = rng.normal(0, 1, (n, d))
    x[:rows] = rng.normal(0, 1, (rows, d)) * by
    return x


def zipf(rng):
    share = 1 / np.arange(1, 65) ** 1.2
    centers = rng.normal(0, 3, (64, 8))
    return centers[rng.choice(64, 200000, p=share / share.sum())] + rng.normal(0, 0.5, (200000, 8))


def sine(rng):
    t = np.arange(100000) % 100
    return np.stack([2 * np.pi * t, 10 * np.sin(2 * np.pi * t / 12.5)], 1) + rng.normal(0, 1, (100000, 2))


def wide(rng):
    centers = rng.normal(0, 1, (100, 54)) * np.exp(rng.normal(0, 1, 54))
    return centers[rng.integers(0, 100, 100000)] + rng.normal(0, 1, (100000, 54)) * np.exp(rng.normal(0, 0.7, 54))


SETS = {
    "20k x 4, 3 clusters and -9999, k=4": (4, lambda r: np.vstack([r.normal(v, 0.02, (5000, 4)) for v in (0.2, 0.5, 0.9)]
                                                        + [np.full((5000, 4), -9999.0)])),
    "10k x 3, two groups 1e4 apart, k=6": (6, lambda r: np.vstack([g + around(r, 2 * r.normal(0, 1, (3, 3)), 5000, 0.05)
                                                                   for g in (0, 1e4)])),
    "5,000 x 3, five rows far away, k=8": (8, lambda r: far(r, 5000, 3, 5, 1000)),
    "300k x 4, ten rows far away, k=12": (12, lambda r: far(r, 300000, 4, 10, 1e4)),
    "9,000 x 1, lognormal, k=8": (8, lambda r: np.exp(2 * r.normal(size=(9000, 1)))),
    "200k x 2, lognormal, k=30": (30, lambda r: np.exp(2 * r.normal(size=(200000, 2)))),
    "20k x 2, Pareto 1.2, k=8": (8, lambda r: r.pareto(1.2, (20000, 2))),
    "20k x 4, Student t2, k=6": (6, lambda r: r.standard_t(2, (20000, 4))),
    "200k x 10, Student t2.5, k=50": (50, lambda r: r.standard_t(2.5, (200000, 10))),
    "20k x 2, Cauchy, k=6": (6, lambda r: r.standard_cauchy((20000, 2))),
    "100k x 3, Cauchy, k=20": (20, lambda r: r.standard_cauchy((100000, 3))),
    "2,000 x 3, 200 blobs, k=200": (200, lambda r: around(r, r.uniform(-10, 10, (200, 3)), 2000, 0.2)),
    "30k x 2, 10 x 10 grid, k=100": (100, lambda r: around(r, [[4 * i, 4 * j] for i in range(10) for j in range(10)], 30000, 0.7)),
    "100k x 8, well separated, k=50": (50, lambda r: around(r, r.uniform(-10, 10, (50, 8)), 100000, 0.3)),
    "100k x 8, well separated, k=200": (200, lambda r: around(r, r.uniform(-10, 10, (200, 8)), 100000, 0.3)),
    "100k x 2, sine of 100, k=100": (100, sine),
    "200k x 8, Zipf sizes, k=64": (64, zipf),
    "100k x 54, 100 uneven clusters, k=30": (30, wide),
}


def best_of(name, x, k, runs):
    kept = {}
    if os.path.exists(KEPT):
        with open(KEPT) as f:
            kept = json.load(f)
    key = "%s, %d runs" % (name, runs)
    if key not in kept:
        kept[key] = min(msd(x, KMeans(k, n_init=1, random_state=s).fit(x.astype("f8")).cluster_centers_) for s in range(runs))
        os.makedirs(os.path.dirname(KEPT), exist_ok=True)
        with open(KEPT, "w") as f:
            json.dump(kept, f)
    return kept[key]


def train(kmeans, folder, k, seed):
    before = os.times().children_user
    run = subprocess.run([kmeans, "train", "--k", str(k), "--seed", str(seed), "--threads", "1", "--output", folder + "/model",
                          folder + "/rows"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    told = float(re.search(r"train data_msd <loss>=(\S+)", run.stdout)[1])
    return told, os.times().children_user - before


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kmeans", default=os.path.join(ROOT, "build", "kmeans"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    print("| rows | msd over the best of %d of scikit-learn, each seed | told / true | CPU s |" % args.runs)
    print("|---|---|---|---|", flush=True)
    for name, (k, make) in SETS.items():
        if args.only not in name:
            continue
        rng = np.random.default_rng(7)
        x = make(rng).astype("f4")
        rng.shuffle(x)
        best = best_of(name, x, k, args.runs)
        ratios, told, cpu = [], [], []
        with tempfile.TemporaryDirectory() as folder:
            oracle.write_recordio(folder + "/rows", x)
            for seed in range(args.seeds):
                said, seconds = train(args.kmeans, folder, k, seed)
                found = msd(x, oracle.read_model(folder + "/model"))
                ratios.append(found / best)
                told.append(said / found)
                cpu.append(seconds)
        print("| %s | %s | %.6f | %.2f |" % (name, " ".join("%.4f" % r for r in ratios), max(told, key=lambda v: abs(v - 1)),
                                           statistics.median(cpu)), flush=True)


main()
