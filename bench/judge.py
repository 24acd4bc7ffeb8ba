# SPDX-License-Identifier: Apache-2.0
"""What bench/hard.py and bench/many.py judge the program by: the objective in float64, jobs on one or several hosts, and figures of
opponents that are kept in out/ from run to run."""
import json
import os
import re
import subprocess
import sys

import numpy as np
from sklearn.cluster import KMeans

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests"))
import oracle  # noqa: E402

MPIRUN = """mpirun --allow-run-as-root --oversubscribe --bind-to none
 --mca pml ob1 --mca btl self,tcp --mca btl_tcp_if_include lo --mca oob_tcp_if_include lo""".split()
BLOCK = 1 << 22  # numbers of a block of float64 rows or scores


def msd(x, c):
    """By differences, to the nearest three that products say, so that nothing cancels; in blocks."""
    origin = np.median(x[:: max(1, len(x) // 100000)], 0).astype("f8")
    c = c.astype("f8") - origin
    half, total, step = (c * c).sum(1) / 2, 0.0, max(1, BLOCK // max(c.shape))
    for i in range(0, len(x), step):
        rows = x[i : i + step] - origin
        near = np.argpartition(half - rows @ c.T, min(2, len(c) - 1), 1)[:, :3]
        total += np.min([((rows - c[near[:, t]]) ** 2).sum(1) for t in range(near.shape[1])], 0).sum()
    return total / len(x)


def sklearn(x, k, seed, start=None, tol=1e-4):
    """The centers of one run, from k-means++ or from `start`."""
    return KMeans(k, n_init=1, random_state=seed, tol=tol, init="k-means++" if start is None else start).fit(x).cluster_centers_


def kept(file, key, compute):
    """compute(), or what it was before: in out/FILE."""
    path = os.path.join(ROOT, "out", file)
    table = {}
    if os.path.exists(path):
        with open(path) as f:
            table = json.load(f)
    if key not in table:
        table[key] = compute()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            json.dump(table, f, indent=1)
    return table[key]


class Data:
    """Rows in files: one, or one for each host."""

    def __init__(self, kmeans, folder, x, shards=None):
        self.kmeans, self.x, self.folder = kmeans, x, folder
        self.hosts = ["algo-%d" % (i + 1) for i in range(len(shards or []))]
        if not self.hosts:
            oracle.write_recordio(folder + "/rows", x)
        for host, rows in zip(self.hosts, shards or []):
            for name in "input/config", "input/data/train", "model", "output":
                os.makedirs(os.path.join(folder, host, name))
            with open(os.path.join(folder, host, "input/config/resourceconfig.json"), "w") as f:
                json.dump({"current_host": host, "hosts": self.hosts}, f)
            with open(os.path.join(folder, host, "input/config/inputdataconfig.json"), "w") as f:
                json.dump({"train": {"TrainingInputMode": "File", "S3DistributionType": "ShardedByS3Key", "RecordWrapperType": "None"}}, f)
            if len(rows):
                oracle.write_recordio(os.path.join(folder, host, "input/data/train/rows"), rows)

    def train(self, k, seed, *more):
        """The centers, `train data_msd`, and CPU seconds of all hosts."""
        one = [self.kmeans, "train", "--k", str(k), "--seed", str(seed), "--threads", "1", *more]
        if self.hosts:
            for host in self.hosts:
                with open(os.path.join(self.folder, host, "input/config/hyperparameters.json"), "w") as f:
                    json.dump({"k": str(k), "feature_dim": str(self.x.shape[1])}, f)
            command, model = list(MPIRUN), os.path.join(self.folder, self.hosts[0], "model/model_algo-1")
            for host in self.hosts:
                command += [":"] if host != self.hosts[0] else []
                command += ["-np", "1", *one, "--root", os.path.join(self.folder, host)]
        else:
            model = self.folder + "/model"
            command = one + ["--output", model, self.folder + "/rows"]
        before = os.times().children_user
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if run.returncode:
            sys.exit("%s\n%s" % (" ".join(command), run.stdout))
        told = re.search(r"train data_msd <loss>=(\S+)", run.stdout)[1]
        return oracle.read_model(model), float(told), os.times().children_user - before


def shards_of(x, hosts):
    """A share for each host, of uneven size, in the order of the rows; None for one host."""
    if hosts == 1:
        return None
    ends = [len(x) * (i + 1) * (i + 2) // (hosts * (hosts + 1)) for i in range(hosts)]
    return [x[a:b] for a, b in zip([0] + ends, ends)]
