# SPDX-License-Identifier: Apache-2.0
"""Jobs on sparse records: the same centers as on the same rows written out, and what memory they take."""
import re
import resource
import subprocess
import sys
import tarfile

import numpy as np

import oracle
from harness import Tests


def write_sparse(path, x):
    with open(path, "wb") as f:
        for row in x:
            keys = np.flatnonzero(row)
            f.write(oracle.frame(oracle.sparse_record(keys, row[keys], x.shape[1])))


def topics(n, d, k, nnz, rng):
    """Rows of k kinds, each with columns of its own; one row is all zero."""
    x = np.zeros((n, d), "f4")
    width = d // k
    for i in range(n):
        x[i, i % k * width + rng.choice(width, nnz, replace=False)] = rng.random(nnz) + 0.5
    x[n // 2] = 0
    return x


def train(t, data, k, *options, env=None):
    out = t.place() / "model.tar.gz"
    run = t.run("train", "--k", k, "--output", out, *options, data, env=env)
    t.check(run.code == 0, "train %s %s" % (data.name, " ".join(map(str, options))), run)
    path = t.place() / "model"
    path.write_bytes(tarfile.open(out).extractfile("model_algo-1").read())
    return run, path


def metric(run, name):
    found = re.search(r"#quality_metric: host=\S+, %s <loss>=(\S+)" % name, run.out)
    return float(found.group(1)) if found else float("nan")


def matched(a, b):
    """The largest difference between centers, each with the nearest of the other model."""
    dist = np.abs(a[:, None] - b[None]).max(2)
    return max(dist.min(0).max(), dist.min(1).max())


def same_as_dense(t, folder, rng):
    k = 8
    x = topics(4000, 400, k, 9, rng)
    write_sparse(folder / "sparse.pbr", x)
    oracle.write_recordio(folder / "dense.pbr", x)
    for options in (
        ["--refine_rows", 0],
        [],
        ["--init_method", "kmeans++", "--epochs", 2, "--mini_batch_size", 700],
        ["--half_life_time_size", 3000, "--mini_batch_size", 500],
        ["--extra_center_factor", 1, "--refine_rows", 0],
    ):
        test = ["--test", folder / "sparse.pbr"]
        s, s_path = train(t, folder / "sparse.pbr", k, *options, *test)
        d, d_path = train(t, folder / "dense.pbr", k, *options, "--test", folder / "dense.pbr")
        what = " ".join(map(str, options)) or "no options"
        t.check("clustered as sparse" in s.out, what + ": the log says sparse", s)
        t.check("rows are sparse" not in d.out, what + ": dense records are dense", d)
        sm, dm = oracle.read_model(s_path), oracle.read_model(d_path)
        t.check(matched(sm, dm) < 1e-4, "%s: centers differ by %g" % (what, matched(sm, dm)))
        t.near(metric(s, "train data_msd"), metric(d, "train data_msd"), 1e-5, what + ": data_msd")
        t.near(metric(s, "train data_msd"), oracle.msd(x, sm), 1e-5, what + ": data_msd is right")
        t.near(metric(s, "test msd"), oracle.msd(x, sm), 1e-5, what + ": test msd")
        for level in t.levels():
            _, path = train(t, folder / "sparse.pbr", k, *options, *test, env={"KM_ISA": level})
            t.near(oracle.msd(x, oracle.read_model(path)), oracle.msd(x, sm), 1e-3, level)
        bytes_of = set()
        for threads in 1, 2, 3, 5:
            _, path = train(t, folder / "sparse.pbr", k, *options, "--threads", threads)
            bytes_of.add(path.read_bytes())
        t.same(len(bytes_of), 1, what + ": models on 1, 2, 3 and 5 threads")


def mixed(t, folder, rng):
    """Dense records among sparse ones, a dense test channel, a sample smaller than the data."""
    x = topics(4000, 400, 8, 9, rng)
    write_sparse(folder / "a.pbr", x[:3000])
    oracle.write_recordio(folder / "b.pbr", x[3000:])
    oracle.write_recordio(folder / "b8.pbr", x[3000:], "f8")
    (folder / "mixed.pbr").write_bytes(
        (folder / "a.pbr").read_bytes() + (folder / "b.pbr").read_bytes()
    )
    np.savetxt(folder / "test.csv", x[:500], fmt="%.9g", delimiter=",")
    run, path = train(t, folder / "mixed.pbr", 8, "--refine_rows", 1000)
    t.check("clustered as sparse" in run.out, "mixed records", run)
    t.near(metric(run, "train data_msd"), oracle.msd(x, oracle.read_model(path)), 1e-5, "mixed")
    run, path = train(t, folder / "a.pbr", 8, "--test", folder / "b8.pbr")
    t.near(metric(run, "test msd"), oracle.msd(x[3000:], oracle.read_model(path)), 1e-5, "f8 test")


def piped(t, folder, rng):
    """From a pipe of which nothing is said: sparse rows are seen, and the model is that of the file."""
    write_sparse(folder / "rows.pbr", topics(4000, 400, 8, 9, rng))
    _, path = train(t, folder / "rows.pbr", 8)
    with subprocess.Popen(["cat", str(folder / "rows.pbr")], stdout=subprocess.PIPE) as cat:
        run = t.run("train", "--k", 8, "--output", folder / "m", "-", stdin=cat.stdout)
    t.check(run.code == 0 and "clustered as sparse" in run.out, "sparse rows from a pipe", run)
    t.same((folder / "m").read_bytes(), path.read_bytes(), "sparse rows from a pipe: the model")


def break_even(t, folder, rng):
    """Much that is not 0 is written out, unless force_dense is false."""
    x = np.where(rng.random((500, 40)) < 0.5, rng.random((500, 40)), 0).astype("f4")
    write_sparse(folder / "full.pbr", x)
    run, auto = train(t, folder / "full.pbr", 3)
    t.check("written out, which is faster" in run.out, "half full rows are written out", run)
    run, sparse = train(t, folder / "full.pbr", 3, "--force_dense", "false")
    t.check("clustered as sparse" in run.out, "force_dense=false keeps them sparse", run)
    a, b = oracle.read_model(auto), oracle.read_model(sparse)
    t.near(oracle.msd(x, b), oracle.msd(x, a), 1e-3, "the same either way")


def errors(t, folder):
    d = 1000
    good = [oracle.frame(oracle.sparse_record([1, 5], [1, 2], d)) for _ in range(30)]
    for name, bad, told in (
        ("key", oracle.sparse_record([1, d], [1, 2], d), "key 1000 of a sparse row"),
        ("twice", oracle.sparse_record([7, 7], [1, 2], d), "key 7 twice"),
        ("shape", oracle.sparse_record([1], [1], d + 1), "1001 features, but the first row of "),
        ("nan", oracle.sparse_record([1, 4], [1, float("nan")], d), "value 5 is NaN"),
        ("count", oracle.sparse_record([1, 4], [1], d), "2 keys and 1 values"),
    ):
        path = folder / (name + ".pbr")
        path.write_bytes(b"".join(good) + oracle.frame(bad))
        run = t.run("train", "--k", 2, "--output", folder / "m.tar.gz", path)
        t.same(run.code, 2, "exit code of a bad " + name)
        t.check("record 31" in run.out and told in run.out, "bad %s is named" % name, run)


def memory(t, folder, rng):
    """20,000 rows of 100,000 features: 8 GB if they were written out."""
    n, d, nnz, k = 20000, 100000, 65, 10
    with open(folder / "wide.pbr", "wb") as f:
        for _ in range(n):
            keys = np.unique((d ** rng.random(nnz)).astype(int))
            f.write(oracle.frame(oracle.sparse_record(keys, rng.random(len(keys)), d)))
    run, _ = train(t, folder / "wide.pbr", k, "--local_lloyd_num_trials", 2, "--threads", 2)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print("20,000 x 100,000, K=100: at most %.0f MB" % peak)
    t.check(t.sanitized or peak < 275, "peak memory %.0f MB" % peak, run)


def main():
    t = Tests(sys.argv[1])
    rng = np.random.default_rng(1)
    same_as_dense(t, t.place(), rng)
    mixed(t, t.place(), rng)
    piped(t, t.place(), rng)
    break_even(t, t.place(), rng)
    errors(t, t.place())
    memory(t, t.place(), rng)
    t.end()


main()
