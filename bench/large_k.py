#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many clusters: the objective and the CPU seconds of `kmeans train` beside FAISS and superkmeans, all on one thread.

    bench/large_k.py [--kmeans build/kmeans] [--mnist train-images-idx3-ubyte.gz] [--only WORD] [--seeds 2] [--peers faiss,superkmeans]
                     [--more "--refine_passes 4"]

FAISS runs 25 iterations over all rows (max_points_per_centroid = n), superkmeans as it comes. The objective is the mean squared distance
of all rows, by differences in float64, computed here for everybody. CPU seconds (user and system) are those of the call alone for the
peers, whose rows are in memory already, and of the whole job for kmeans: reading, training, scores. Results of peers are kept in
out/large_k.json (delete it to measure them again). Needs numpy, faiss-cpu and superkmeans (PyPI); about ten minutes.
"""
import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests"))
import data  # noqa: E402
import oracle  # noqa: E402

KEPT = os.path.join(ROOT, "out", "large_k.json")


def mixture(n, d, clusters, apart, sizes=None):
    def make(rng):
        centers = rng.normal(0, apart, (clusters, d)).astype("f4")
        share = None if sizes is None else sizes(rng, clusters)
        x = centers[rng.choice(clusters, n, p=share)]
        return x + rng.standard_normal((n, d), "f4")
    return make


def uneven(rng, clusters):
    share = rng.exponential(1, clusters)
    return share / share.sum()


SETS = {
    "MNIST, k=1000": (1000, None),
    "100k x 96, 2,000 uneven clusters that overlap, k=1000": (1000, mixture(100000, 96, 2000, 0.35, uneven)),
    "100k x 128, 1,000 equal clusters, k=1000": (1000, mixture(100000, 128, 1000, 0.5)),
    "50k x 64, 3,000 uneven clusters, k=4096": (4096, mixture(50000, 64, 3000, 0.6, uneven)),
    "20k x 16, 300 uneven clusters, k=500": (500, mixture(20000, 16, 300, 1.5, uneven)),
    "500k x 8, 3,000 uneven clusters, k=2000": (2000, mixture(500000, 8, 3000, 4, uneven)),
    "200k x 54, 400 uneven clusters, k=256": (256, mixture(200000, 54, 400, 0.8, uneven)),
}


def rows_of(name, args):
    if SETS[name][1]:
        return SETS[name][1](np.random.default_rng(11))
    with gzip.open(args.mnist) as f:
        return np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 784).astype("f4") / np.float32(256)


def run_peer():
    """In a process of its own: peer, file, k, seed."""
    peer, path, k, seed = sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    x = np.load(path)
    if peer == "faiss":
        import faiss
        faiss.omp_set_num_threads(1)
        est = faiss.Kmeans(x.shape[1], k, niter=25, seed=seed + 1, max_points_per_centroid=len(x), min_points_per_centroid=1)
    else:
        import superkmeans
        est = superkmeans.SuperKMeans(k, x.shape[1], n_threads=1, seed=seed + 1)
    before = time.process_time()
    c = est.train(x)
    used = time.process_time() - before
    c = est.centroids if peer == "faiss" else c
    print(json.dumps([data.objective(x, np.ascontiguousarray(c, dtype="f4")), used]))


def peer(name, folder, k, seed, which):
    kept = {}
    if os.path.exists(KEPT):
        with open(KEPT) as f:
            kept = json.load(f)
    key = f"{name}, {which}, {seed}"
    if key not in kept:
        env = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
        run = subprocess.run([sys.executable, __file__, "--peer", which, folder + "/x.npy", str(k), str(seed)], env=env,
                             stdout=subprocess.PIPE, text=True, check=True)
        kept[key] = json.loads(run.stdout.splitlines()[-1])
        os.makedirs(os.path.dirname(KEPT), exist_ok=True)
        with open(KEPT, "w") as f:
            json.dump(kept, f, indent=1)
    return kept[key]


def ours(args, folder, x, k, seed):
    before = os.times()
    run = subprocess.run([args.kmeans, "train", "--k", str(k), "--seed", str(seed), "--threads", "1", "--output", folder + "/model",
                          *args.more.split(), folder + "/rows"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return data.objective(x, oracle.read_model(folder + "/model")), cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kmeans", default=os.path.join(ROOT, "build", "kmeans"))
    parser.add_argument("--mnist", default="")
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--peers", default="faiss,superkmeans")
    parser.add_argument("--more", default="", help="hyperparameters for kmeans")
    args = parser.parse_args()
    peers = [p for p in args.peers.split(",") if p]
    print("| rows | who | msd, each seed | CPU s | over FAISS: msd, CPU |\n|---|---|---|---|---|", flush=True)
    for name, (k, make) in SETS.items():
        if args.only not in name or (make is None and not args.mnist):
            continue
        x = np.ascontiguousarray(rows_of(name, args))
        base = None
        with tempfile.TemporaryDirectory() as folder:
            np.save(folder + "/x.npy", x)
            oracle.write_recordio(folder + "/rows", x)
            for who in [*peers, "kmeans"]:
                runs = [ours(args, folder, x, k, s) if who == "kmeans" else peer(name, folder, k, s, who) for s in range(args.seeds)]
                loss, cpu = np.mean([r[0] for r in runs]), min(r[1] for r in runs)
                base = (loss, cpu) if who == "faiss" else base
                print("| %s | %s | %s | %.2f | %s |" % (name, who + (" " + args.more if args.more and who == "kmeans" else ""), " ".join("%.5g" % r[0] for r in runs), cpu,
                      "%.4f, %.2f" % (loss / base[0], cpu / base[1]) if base else ""), flush=True)


if __name__ == "__main__":
    run_peer() if sys.argv[1:2] == ["--peer"] else main()
