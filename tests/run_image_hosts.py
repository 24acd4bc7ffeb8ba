# SPDX-License-Identifier: Apache-2.0
"""The image on two and three hosts: requests of users, and what may happen to them."""
import json
import os
import re
import shutil
import sys
import threading
import time
from pathlib import Path

import numpy as np

import oracle
from docker_jobs import Container, docker, inspect, seconds
from harness import Tests

ROOT = Path(__file__).parent.parent
REQUESTS = ROOT / "../shared/requests"
BEST_OF_LLOYD = 39.0222  # ten full runs from k-means++ starts on MNIST's 50,000 rows, float64
ENDS_TOGETHER = 2  # seconds from the first host's end to the last's
NOTICED = 20  # seconds from a host's death to the end of all
NARROW = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
HARMLESS = "setpgid|local probe returned unhandled shell"  # a race of PRRTE's, and a user without a name
SMALL = {"k": "5", "feature_dim": "20", "mini_batch_size": "100"}
LONG = {**SMALL, "epochs": "1000000"}
HEAD = "s3://bucket/prefix"


class Host:
    """The folder of one host, and what `docker run` mounts of it."""

    def __init__(self, folder, name):
        self.name = name
        self.root = folder / name
        for part in "input/config", "input/data", "model", "output/data":
            (self.root / part).mkdir(parents=True)
        self.model = self.root / "model"
        self.failure = self.root / "output/failure"
        self.mounts = ["-v", "%s:/opt/ml" % self.root]

    def config(self, name, content, separators=(",", ":")):
        (self.root / "input/config" / (name + ".json")).write_text(json.dumps(content, separators=separators))

    def open(self):
        """Any user may write the outputs."""
        for path in [self.root, *self.root.rglob("*")]:
            path.chmod(0o777 if path.is_dir() else 0o644)


class Job:
    """Hosts on a network of their own."""

    count = 0

    def __init__(self, t, image, names, folder=None):
        Job.count += 1
        self.t, self.image = t, image
        self.folder = folder or t.place()
        self.network = "kmeans-test-%d-%d" % (os.getpid(), Job.count)
        self.hosts = [Host(self.folder, name) for name in names]
        self.containers = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for c in self.containers:
            docker("rm", "-f", c.id, check=False)
        docker("network", "rm", self.network, check=False)

    def start(self, *args, options=(), internal=False, waits=()):
        """Seconds to wait before each host's start: `waits`."""
        docker("network", "create", *(["--internal"] if internal else []), self.network)
        for i, host in enumerate(self.hosts):
            host.open()
            time.sleep(waits[i] if waits else 0)
            place = ["--network", self.network, "--network-alias", host.name]
            self.containers.append(Container(self.image, *args, options=place + host.mounts + list(options)))

    def until(self, text, limit=60):
        """Waits until the leader's log has the text."""
        deadline = time.monotonic() + limit
        while text not in self.containers[0].log() and time.monotonic() < deadline:
            time.sleep(0.2)
        self.t.check(text in self.containers[0].log(), "the leader says '%s'\n%s" % (text, self.told()))

    def wait(self, limit=90):
        """Exit codes of all hosts."""
        deadline = time.monotonic() + limit
        for c in self.containers:
            while inspect(c.id, ".State.Running") and time.monotonic() < deadline:
                time.sleep(0.1)
        return [inspect(c.id, ".State.ExitCode") if not inspect(c.id, ".State.Running") else None
                for c in self.containers]

    def ended(self):
        return [seconds(inspect(c.id, ".State.FinishedAt")) for c in self.containers]

    def told(self):
        return "\n".join("    %s: %s" % (h.name, line) for h, c in zip(self.hosts, self.containers)
                         for line in c.log().splitlines()[-12:])

    def succeeded(self, what, codes=None):
        """All ended well and together, after the leader's last write, with one model."""
        t = self.t
        codes = codes or self.wait()
        if not t.same(codes, [0] * len(codes), "%s: exit codes\n%s" % (what, self.told())):
            return None
        if t.verbose:
            for c in self.containers:
                print(c.log("-t"))
        ends = self.ended()
        t.check(max(ends) - min(ends) <= ENDS_TOGETHER, "%s: the hosts ended %.1f s apart" % (what, max(ends) - min(ends)))
        folders = {h.model.resolve() for h in self.hosts}
        files = [f for folder in folders for f in folder.rglob("*")]
        if not t.same([f.name for f in files], ["model_algo-1"], "%s: models" % what):
            return None
        t.check(min(ends) >= files[0].stat().st_mtime, "%s: a host ended before the model was written" % what)
        t.same([h.name for h in self.hosts if h.failure.exists()], [], "%s: failure files" % what)
        logs = [c.log() for c in self.containers]
        said = [line for log in logs for line in log.splitlines() if "mpirun: " in line and not re.search(HARMLESS, line)]
        t.same(said, [], "%s: what mpirun says" % what)
        t.same([log.count("train data_msd <loss>") for log in logs], [1] + [0] * (len(logs) - 1),
               "%s: quality lines" % what)
        return oracle.read_model(files[0])

    def failed(self, what, code, *words):
        """All end with one code and one text."""
        t = self.t
        codes = self.wait()
        t.same(codes, [code] * len(codes), "%s: exit codes\n%s" % (what, self.told()))
        texts = {h.failure.read_text() if h.failure.exists() else None for h in self.hosts}
        if t.same(len(texts), 1, "%s: failure texts %s" % (what, texts)):
            for word in words:
                t.check(word in (min(texts) or ""), "%s: '%s' in the failure text %s" % (what, word, texts))


def platform(job, request, objects):
    """What the platform makes of a request: objects are (key, path) in the order of their keys."""
    names = [h.name for h in job.hosts]
    channel = request["InputDataConfig"][0]
    source = channel["DataSource"]["S3DataSource"]
    name = channel["ChannelName"]
    config = {"TrainingInputMode": request["AlgorithmSpecification"]["TrainingInputMode"],
              "S3DistributionType": source["S3DataDistributionType"],
              "RecordWrapperType": channel.get("RecordWrapperType", "None")}
    if "ContentType" in channel:
        config["ContentType"] = channel["ContentType"]
    for number, host in enumerate(job.hosts):
        group = {"instance_group_name": "homogeneousCluster", "instance_type": "ml.c4.8xlarge", "hosts": names[::-1]}
        host.config("hyperparameters", request["HyperParameters"])
        host.config("inputdataconfig", {name: config})
        host.config("resourceconfig", {
            "current_group_name": "homogeneousCluster", "current_host": host.name,
            "current_instance_type": "ml.c4.8xlarge", "hosts": names, "instance_groups": [group],
            "network_interface_name": "eth0"})
        host.config("init-config", {"inputMode": "FILE", "hostConfig": {"clusterSize": len(names), "hostNumber": number + 1},
                                    "jobRunInfo": {"jobRunNumber": 1}})
        host.config("trainingjobconfig", request)
        host.config("metric-definition-regex", [])
        host.config("upstreamoutputdataconfig", [])
        folder = host.root / "input/data" / name
        folder.mkdir()
        keys = [HEAD] + ["%s/%s" % (HEAD, key) for key, _ in objects]
        (host.root / "input/data" / (name + "-manifest")).write_text("\n".join(keys) + "\n")
        for i, (key, path) in enumerate(objects):
            if config["S3DistributionType"] == "FullyReplicated" or i % len(names) == number:
                os.link(path, folder / key)
    return job


def request_of(hyperparameters, distribution="ShardedByS3Key"):
    return {"AlgorithmSpecification": {"TrainingInputMode": "File"}, "HyperParameters": hyperparameters,
            "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": {
                "S3DataDistributionType": distribution}}}]}


class Cases:
    def __init__(self, t, image):
        self.t, self.image = t, image
        self.images = None

    def rows(self, name, x):
        path = self.t.folder / name
        if not path.exists():
            oracle.write_recordio(path, x)
        return path

    def small(self, parts, seed=1):
        """A file for each part, of so many rows of five clusters; and all rows."""
        random = np.random.default_rng(seed)
        at = random.standard_normal((5, 20)) * 5
        out, everything = [], []
        for i, n in enumerate(parts):
            x = (at[random.integers(0, 5, n)] + random.standard_normal((n, 20))).astype("f4")
            everything.append(x)
            path = self.t.folder / ("small-%d-%d-%d" % (seed, i, n))
            oracle.write_recordio(path, x) if n else path.write_bytes(b"")
            out.append(("part-%05d" % i, path))
        return out, np.concatenate(everything)

    def job(self, hyperparameters=SMALL, parts=(2000, 2000), names=("algo-1", "algo-2"), **more):
        objects, x = self.small(parts)
        job = Job(self.t, self.image, names)
        return platform(job, request_of(hyperparameters, **more), objects), x

    def good(self, what, c, x):
        if c is not None:
            ratio = oracle.msd(x, c) / oracle.best_of_lloyd(x, 5)[0]
            self.t.check(ratio <= 1.01, "%s: %.4f of the best of Lloyd's runs" % (what, ratio))

    def mnist(self):
        if self.images is None:
            source = ROOT / "examples/mnist/data/train-images-idx3-ubyte.gz"
            self.images = oracle.read_idx(str(source))[:50000].astype("f4") / 256
        return self.images

    def users_request(self, file, objects):
        if not (REQUESTS / file).exists():
            print("skipped: %s, there are no requests beside this tree" % file)
            return
        request = json.loads((REQUESTS / file).read_text())
        names = ["algo-%d" % (i + 1) for i in range(request["ResourceConfig"]["InstanceCount"])]
        with platform(Job(self.t, self.image, names), request, objects) as job:
            began = time.monotonic()
            job.start("train")
            codes = job.wait()
            took = time.monotonic() - began
            c = job.succeeded(file, codes)
            if c is None:
                return
            msd = oracle.msd(self.mnist(), c)
            print("%s: %.2f s, msd %.5f of the best of ten Lloyd runs" % (file, took, msd / BEST_OF_LLOYD))
            self.t.check(msd / BEST_OF_LLOYD <= 1.005, "%s: msd %.5f of the best" % (file, msd / BEST_OF_LLOYD))
            said = float(re.search(r"train data_msd <loss>=(\S+)", job.containers[0].log())[1])
            self.t.near(said, msd, 1e-5, "%s: data_msd" % file)

    # The cases.

    def mnist_lowlevel(self):
        """FullyReplicated, one object."""
        self.users_request("mnist-lowlevel.json", [("data", self.rows("mnist", self.mnist()))])

    def shards(self):
        x = self.mnist()
        return [("matrix_%d.pbr" % i, self.rows("mnist-%d" % i, x[i * 25000 : (i + 1) * 25000])) for i in range(2)]

    def mnist_highlevel(self):
        """A manifest, sharded."""
        self.users_request("mnist-highlevel.json", self.shards())

    def terraform(self):
        """The same, three epochs."""
        self.users_request("terraform.json", self.shards())

    def uneven(self):
        """Three hosts, shards of very different size, one of 0 bytes; host names that are all the same."""
        job, x = self.job(parts=(3000, 40, 0, 1500, 7), names=("algo-1", "algo-2", "algo-3"))
        with job:
            job.start("train", options=["--hostname", "aws"])
            self.good("uneven shards", job.succeeded("uneven shards"), x)

    def empty_shard(self):
        """One object, two hosts: the second has an empty folder. And the leader's is the last to start."""
        job, x = self.job(parts=(3000,))
        with job:
            job.hosts.reverse()
            job.start("train", waits=(0, 2))
            job.hosts.reverse()
            job.containers.reverse()
            self.good("an empty shard", job.succeeded("an empty shard"), x)

    def narrow(self):
        """No root, no capability, a read-only root, a network without a way out, small shared memory."""
        job, x = self.job()
        with job:
            job.start(options=NARROW + ["--user", "12345:54321", "--shm-size", "64m"], internal=True)
            self.good("a narrow place", job.succeeded("a narrow place"), x)

    def local_mode(self, version):
        """As the SDK's local mode: the first host that ends takes the others with it."""
        names = ["algo-1-x7k2p", "algo-2-9qw3e"] if version == 2 else ["algo-1", "algo-2"]
        objects, x = self.small((3000,))
        job = Job(self.t, self.image, names)
        model, data = job.folder / "model", job.folder / "data"
        model.mkdir(mode=0o777)
        data.mkdir()
        os.link(objects[0][1], data / "rows.pbr")
        for host in job.hosts:
            host.config("hyperparameters", SMALL, separators=(", ", ": "))
            host.config("inputdataconfig", {"train": {"TrainingInputMode": "File"}}, separators=(", ", ": "))
            host.config("resourceconfig", {
                "current_host": host.name, "hosts": names, "current_instance_type": "local",
                "network_interface_name": "eth0" if version == 2 else "ethwe"}, separators=(", ", ": "))
            shutil.rmtree(host.model)
            host.model = model
            host.mounts = [o for v in (
                "%s/input:/opt/ml/input" % host.root, "%s:/opt/ml/input/data/train" % data, "%s:/opt/ml/model" % model,
                "%s/output:/opt/ml/output" % host.root, "%s/output/data:/opt/ml/output/data" % host.root)
                for o in ("-v", v)]
        what = "local mode of v%d" % version
        with job:
            job.start(*(["train"] if version == 2 else []), options=["-t"] if version == 2 else [])
            stops = [threading.Thread(target=self.abort_on_exit, args=(job, i)) for i in range(len(names))]
            for thread in stops:
                thread.start()
            codes = job.wait()
            for thread in stops:
                thread.join()
            self.good(what, job.succeeded(what, codes), x)

    @staticmethod
    def abort_on_exit(job, i):
        docker("wait", job.containers[i].id)
        for c in job.containers:
            docker("stop", "-t", "10", c.id, check=False)

    def local_mode_2(self):
        self.local_mode(2)

    def local_mode_3(self):
        self.local_mode(3)

    def stopped(self, which):
        job, x = self.job(LONG)
        with job:
            job.start("train")
            job.until("#progress_metric")
            began = time.monotonic()
            threads = [threading.Thread(target=docker, args=("stop", "-t", "20", job.containers[i].id)) for i in which]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            codes = job.wait()
            took = time.monotonic() - began
            self.t.check(took < 10, "docker stop of %s: gone after %.1f s" % (which, took))
            self.good("docker stop of %s" % (which,), job.succeeded("docker stop of %s" % (which,), codes), x)

    def stop_all(self):
        self.stopped((0, 1))

    def stop_worker(self):
        self.stopped((1,))

    def bad_row(self):
        """A bad file on one host: the same text and code on all."""
        job, _ = self.job()
        (job.hosts[1].root / "input/data/train/part-00001").unlink()
        (job.hosts[1].root / "input/data/train/part-00001").write_bytes(b"no record at all")
        with job:
            job.start("train")
            job.failed("a bad file", 2, "algo-2: ", "part-00001")

    def worker_killed(self):
        """A container that is killed."""
        job, _ = self.job(LONG)
        with job:
            job.start("train")
            job.until("#progress_metric")
            began = time.time()
            docker("kill", job.containers[1].id)
            codes = job.wait()
            self.t.same(codes[0], 3, "a worker was killed: exit code\n" + job.told())
            self.t.check(job.ended()[0] - began <= NOTICED, "a worker was killed: the leader ended %.1f s later" % (
                job.ended()[0] - began))
            text = job.hosts[0].failure.read_text() if job.hosts[0].failure.exists() else ""
            self.t.check("algo-2: " in text, "a worker was killed: failure text '%s'" % text)

    def unplugged(self):
        """A host that is cut off the network."""
        job, _ = self.job(LONG)
        with job:
            job.start("train")
            job.until("#progress_metric")
            began = time.time()
            docker("network", "disconnect", "-f", job.network, job.containers[1].id)
            codes = job.wait()
            self.t.same(codes, [3, 3], "a host was unplugged: exit codes\n" + job.told())
            took = max(job.ended()) - began
            self.t.check(took <= NOTICED, "a host was unplugged: all ended %.1f s later" % took)
            text = job.hosts[0].failure.read_text() if job.hosts[0].failure.exists() else ""
            self.t.check("algo-2: " in text, "a host was unplugged: failure text '%s'" % text)


ALL = ("mnist_lowlevel mnist_highlevel terraform uneven empty_shard narrow local_mode_2 local_mode_3 stop_all "
       "stop_worker bad_row worker_killed unplugged").split()


def main():
    build, image, *wanted = sys.argv[1:]
    t = Tests(build)
    t.verbose = "KM_VERBOSE" in os.environ
    cases = Cases(t, image)
    for name in wanted or ALL:
        start = time.monotonic()
        getattr(cases, name)()
        print("%s: %.1f s" % (name, time.monotonic() - start), flush=True)
    t.end()


main()
