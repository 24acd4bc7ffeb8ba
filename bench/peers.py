#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One peer in a process of its own: bench/compare.py starts it and paces it line by line.

    peers.py sklearn|intelex|faiss THREADS

Says which OpenBLAS kernels it got. On standard input: `load FILE K BATCH`, `rep METHOD SECONDS`,
`objective METHOD`; each is answered with one JSON line. A file is an array, or, of sparse rows, as
scipy.sparse.save_npz writes it. A rep measures passes (assignment and update) for about that many
seconds and gives the seconds of each; warm-up and start are outside. One thread is timed by its CPU
time, as `kmeans bench` does.
"""
import json
import os
import sys
import time
import warnings

import numpy as np
import scipy.sparse
import threadpoolctl

import data

warnings.filterwarnings("ignore")

# The OpenBLAS that a library computes with, by a part of its path.
LOADED = {"sklearn": "scipy", "faiss": "faiss", "intelex": "none: it has its own MKL"}

SLOW = 0.5  # seconds; what takes longer warms up while it is timed
DISTURBED = 5  # times that a difference may come out wrong


class Peer:
    def __init__(self, threads):
        self.threads = threads
        self.clock = time.process_time if threads == 1 else time.perf_counter
        self.path = self.x = self.c = None
        self.k = self.batch = 0
        self.state = {}

    def load(self, path, k, batch):
        if path != self.path:  # several shapes have the same rows
            self.x = scipy.sparse.load_npz(path) if path.endswith(".npz") else np.load(path)
            self.path, self.n = path, self.x.shape[0]
        self.k, self.batch, self.state = k, batch, {}
        self.c = data.start(self.x, k)

    def repeat(self, one, seconds):
        """Seconds of each call, at least one and about `seconds` in all."""
        times = []
        begin = self.clock()
        one()  # warm: what waited for its turn has cold caches, and may have lost pages
        first = self.clock() - begin
        if first > SLOW:
            return [first]
        while not times or sum(times) < seconds:
            begin = self.clock()
            one()
            times.append(self.clock() - begin)
        return times

    def difference(self, run, seconds):
        """Seconds of an iteration of a fit that cannot be entered: long run minus short run."""
        def timed(iterations):
            begin = self.clock()
            done = run(iterations)
            return self.clock() - begin, done

        warm, _ = timed(1)
        if "iterations" not in self.state:
            more = 1
            if warm < SLOW:
                (short, _), (long, done) = timed(1), timed(3)
                one = max((long - short) / max(done - 1, 1), short / 20)
                more = int(min(max(max(seconds, short / 2) / one, 2), 20))
            self.state["iterations"] = more
        for _ in range(DISTURBED):
            short, first = timed(1)
            long, done = timed(1 + self.state["iterations"])
            if long > short:
                return [(long - short) / (done - first)]
        sys.exit(f"{DISTURBED} times a long fit took no longer than a short one: the machine is too busy to measure")


class Sklearn(Peer):
    def __init__(self, threads):
        super().__init__(threads)
        from sklearn.cluster import KMeans, MiniBatchKMeans, _k_means_lloyd, kmeans_plusplus
        from threadpoolctl import ThreadpoolController

        self.iterations = (_k_means_lloyd.lloyd_iter_chunked_dense,
                           _k_means_lloyd.lloyd_iter_chunked_sparse)
        self.MiniBatchKMeans, self.KMeans, self.plusplus = MiniBatchKMeans, KMeans, kmeans_plusplus
        self.pools = ThreadpoolController()

    def lloyd_step(self):
        if "lloyd" not in self.state:
            n = self.n
            self.state["lloyd"] = (
                np.ones(n, np.float32), np.empty_like(self.c), np.zeros(self.k, np.float32),
                np.full(n, -1, np.int32), np.zeros(self.k, np.float32))
        weight, new, in_clusters, labels, shift = self.state["lloyd"]
        old = self.state.setdefault("old", self.c.copy())
        iteration = self.iterations[scipy.sparse.issparse(self.x)]
        iteration(self.x, weight, old, new, in_clusters, labels, shift, self.threads)
        return new

    def estimator(self, **more):
        return self.MiniBatchKMeans(self.k, init=self.c, n_init=1, batch_size=self.batch,
                                    compute_labels=False, random_state=0, **more)

    def epoch(self, est):
        for i in range(0, self.n, self.batch):
            est.partial_fit(self.x[i:i + self.batch])
        return est

    def rep(self, method, seconds):
        if method == "lloyd":
            # as fit does it: threads over chunks, BLAS on one
            with self.pools.limit(limits=1, user_api="blas"):
                return self.repeat(self.lloyd_step, seconds)
        if method == "minibatch":
            if "est" not in self.state:
                self.state["est"] = self.epoch(self.estimator())
            return self.repeat(lambda: self.epoch(self.state["est"]), seconds)
        if method == "plusplus":
            return self.repeat(lambda: self.plusplus(self.x, self.k, random_state=0), seconds)
        est = {"fit": lambda: self.KMeans(self.k, n_init=1, random_state=0),
               "fit-minibatch": lambda: self.MiniBatchKMeans(self.k, random_state=0)}[method]
        return self.repeat(lambda: self.state.__setitem__(method, est().fit(self.x)), seconds)

    def objective(self, method):
        if method == "lloyd":
            self.state["old"] = self.c.copy()
            with self.pools.limit(limits=1, user_api="blas"):
                return data.objective(self.x, self.lloyd_step())
        if method == "plain":  # MiniBatch without moving poor centers to random rows
            est = self.epoch(self.estimator(reassignment_ratio=0))
            return data.objective(self.x, est.cluster_centers_)
        if method == "minibatch":
            return data.objective(self.x, self.epoch(self.estimator()).cluster_centers_)
        return data.objective(self.x, self.state[method].cluster_centers_)


class Intelex(Peer):
    def __init__(self, threads):
        super().__init__(threads)
        from sklearnex.cluster import KMeans

        self.KMeans = KMeans

    def fit(self, iterations):
        return self.KMeans(self.k, init=self.c, n_init=1, max_iter=iterations, tol=0,
                           algorithm="lloyd").fit(self.x)

    def rep(self, method, seconds):
        return self.difference(lambda m: self.fit(m).n_iter_, seconds)

    def objective(self, method):
        return data.objective(self.x, np.ascontiguousarray(self.fit(1).cluster_centers_))


class Faiss(Peer):
    def __init__(self, threads):
        super().__init__(threads)
        import faiss

        faiss.omp_set_num_threads(threads)
        self.faiss = faiss

    def fit(self, iterations):
        n, d = self.x.shape
        est = self.faiss.Clustering(d, self.k)
        est.niter = iterations
        est.nredo = 1
        est.max_points_per_centroid = n  # no sub-sampling
        est.min_points_per_centroid = 1
        self.faiss.copy_array_to_vector(self.c.ravel(), est.centroids)
        est.train(self.x, self.faiss.IndexFlatL2(d))
        return est

    def rep(self, method, seconds):
        return self.difference(lambda m: self.fit(m) and m, seconds)

    def objective(self, method):
        c = self.faiss.vector_to_array(self.fit(1).centroids).reshape(self.k, -1)
        return data.objective(self.x, c)


def main():
    name, threads = sys.argv[1], int(sys.argv[2])
    if threads == 1:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is not an answer
    peer = {"sklearn": Sklearn, "intelex": Intelex, "faiss": Faiss}[name](threads)
    blas = sorted({p["architecture"] for p in threadpoolctl.threadpool_info()
                   if p.get("internal_api") == "openblas" and LOADED[name] in p["filepath"]})
    print(json.dumps(blas), file=answers, flush=True)
    for line in sys.stdin:
        verb, *args = line.split()
        if verb == "load":
            peer.load(args[0], int(args[1]), int(args[2]))
            answer = "loaded"
        elif verb == "rep":
            answer = peer.rep(args[0], float(args[1]))
        else:
            answer = peer.objective(args[0])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
