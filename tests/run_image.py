# SPDX-License-Identifier: Apache-2.0
"""The image: what is in it, how its programs are linked, one-host jobs in containers."""
import gzip
import json
import os
import re
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np

import oracle
from docker_jobs import Container, docker, inspect, run, seconds
from harness import Job, Tests

MOST_BYTES = 25e6  # compressed
PROGRAMS = {"kmeans", "mpirun", "mpirun.openmpi", "prte", "prterun", "prted"}
CORES = "Prescott Core2 Nehalem Sandybridge Haswell Zen SkylakeX Cooperlake".split()
CHANNEL = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
ROOT = Path(__file__).parent.parent


class Image:
    """The image under test; its one layer, unpacked in a folder."""

    def __init__(self, t, name):
        self.name = name
        self.folder = t.place()
        save = self.folder / "image.tar"
        docker("save", "-o", save, name)
        with tarfile.open(save) as tar:
            manifest = json.load(tar.extractfile("manifest.json"))[0]
            self.layers = manifest["Layers"]
            layer = tar.extractfile(self.layers[0]).read()
        self.packed = len(gzip.compress(layer, 6))
        (self.folder / "layer.tar").write_bytes(layer)
        self.tree = self.folder / "tree"
        with tarfile.open(self.folder / "layer.tar") as tar:
            self.members = tar.getmembers()
            tar.extractall(self.tree, members=[m for m in self.members if not m.isdev()])


def readelf(*args):
    return subprocess.run(["readelf", "-W", *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=True).stdout


def is_elf(path):
    return path.is_file() and not path.is_symlink() and path.open("rb").read(4) == b"\x7fELF"


def contents(t, image):
    """Just what runs, from packages that are named, all of one time."""
    t.same(len(image.layers), 1, "layers")
    print("%.1f MB compressed" % (image.packed / 1e6))
    t.check(image.packed <= MOST_BYTES, "%.1f MB compressed" % (image.packed / 1e6))
    for m in image.members:
        t.check(not m.mode & 0o6000, "%s is setuid or setgid" % m.name)
        t.check(m.uid == 0 and m.gid == 0, "%s belongs to %d:%d" % (m.name, m.uid, m.gid))
    t.same(len({m.mtime for m in image.members}), 1, "times of the files")
    t.same({p.name for p in (image.tree / "usr/bin").iterdir()}, PROGRAMS, "usr/bin")
    t.same(oct(next(m.mode & 0o7777 for m in image.members if m.name == "tmp")), "0o1777", "mode of /tmp")
    for m in image.members:
        name = Path(m.name).name
        bad = re.fullmatch(r"(ba|da|z|k)?sh|busybox|apt.*|dpkg|perl.*|python.*|ssh.*|.*\.(a|h|py|sh|pem|key)", name)
        t.check(not bad or m.isdir(), "%s is in the image" % m.name)
        if m.isfile():
            data = (image.tree / m.name).read_bytes()
            t.check(not re.search(rb"-----BEGIN [A-Z ]*PRIVATE KEY", data), "%s holds a private key" % m.name)
    objects = {p.name for p in image.tree.rglob("*.so*")}
    for path in filter(is_elf, image.tree.rglob("*")):
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", readelf("-d", path))
        t.same([n for n in needed if n not in objects], [], "%s: missing objects" % path.name)


def labels(t, image):
    version = re.search(r"project\(kmeans VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    found = inspect(image.name, ".Config")
    t.same(found["Entrypoint"], ["/usr/bin/kmeans"], "entry point")
    t.same(found["Cmd"], ["train"], "command")
    t.same(found.get("User", ""), "", "user")
    t.same(found["Labels"]["org.opencontainers.image.version"], version, "version in the labels")
    t.same(found["Labels"]["org.opencontainers.image.licenses"], "Apache-2.0", "licence in the labels")
    plain = re.search(r"ARG VERSION=(\S+)", (ROOT / "Dockerfile").read_text())[1]
    t.same(plain, version, "version in the Dockerfile")
    t.same(run(image.name, "--version").out, "kmeans %s\n" % version, "kmeans --version")
    t.check("kmeans train" in run(image.name, "--help").out, "kmeans --help")
    for program, word in ("mpirun", "Open MPI"), ("prterun", "PRRTE"), ("prted", "PRRTE"):
        said = run(image.name, "--version", options=["--entrypoint", "/usr/bin/" + program])
        t.check(said.code == 0 and word in said.out, "%s --version" % program, said)


def hardening(t, image, build):
    for path in image.tree / "usr/bin/kmeans", next(image.tree.rglob("libopenblas.so.0")):
        dynamic, segments = readelf("-d", path), readelf("-l", path)
        t.check("GNU_RELRO" in segments and "BIND_NOW" in dynamic, "%s: full RELRO" % path.name)
        t.check(re.search(r"GNU_STACK.* RW +0x", segments), "%s: no executable stack" % path.name)
        t.check(not re.search(r"TEXTREL|RPATH|RUNPATH", dynamic), "%s: TEXTREL or RPATH" % path.name)
    kmeans = image.tree / "usr/bin/kmeans"
    t.check("Flags:" in readelf("-d", kmeans) and "PIE" in readelf("-d", kmeans), "kmeans: PIE")
    symbols = readelf("--dyn-syms", kmeans)
    t.check("__stack_chk_fail" in symbols, "kmeans: canaries")
    t.check(len(set(re.findall(r"__\w+_chk\b", symbols)) - {"__stack_chk_fail"}) >= 3, "kmeans: FORTIFY")
    flags = [p.read_text() for p in Path(build).glob("CMakeFiles/km*.dir/flags.make")]
    t.check(len(flags) >= 6, "folders of flags: %d" % len(flags))
    for text in flags:
        for flag in "-D_FORTIFY_SOURCE=3", "-fstack-protector-strong", "-fstack-clash-protection", "-fPIE|-fPIC":
            t.check(re.search(flag, text), "a library is built without " + flag)
    if os.uname().machine == "x86_64":
        bare = [p.name for p in Path(build).glob("CMakeFiles/km*.dir/**/*.o")
                if not re.search(r"IBT, SHSTK", readelf("-n", p))]
        t.same(bare, [], "objects of ours without the marks of CET")
        marked = "SHSTK" in readelf("-n", kmeans)
        print("kmeans as a whole %s marked for CET" % ("is" if marked else "(the C library's start-up files) is not"))


def bill(t, image, build):
    """The packages of the SBOM are those that the image's files are from."""
    sbom = json.loads((Path(build) / "image/kmeans.spdx.json").read_text())
    named = {p["name"] for p in sbom["packages"]} - {"kmeans"}
    t.check(len(named) >= 20, "packages in the SBOM: %d" % len(named))
    t.same({p.name for p in (image.tree / "var/lib/dpkg/status.d").iterdir()}, named, "packages in status.d")
    related = {r["relatedSpdxElement"] for r in sbom["relationships"] if r["relationshipType"] == "CONTAINS"}
    t.same(len(related), len(named), "packages related to kmeans")
    for p in sbom["packages"]:
        t.check(p["versionInfo"], "%s has a version" % p["name"])
    ours = re.compile(r"/?(usr/bin/(kmeans|mpirun)|.*/libopenblas\.so\.0|etc/(passwd|group|nsswitch\.conf)|lib|lib64"
                      r"|usr/share/doc/kmeans/(copyright|time)|var/lib/dpkg/status\.d/.*)")
    files = [m.name for m in image.members if not m.isdir() and not ours.fullmatch(m.name)]
    stage = docker("build", "-q", "--target", "build", "--build-arg", "SOURCE_DATE_EPOCH=%d" % image.members[0].mtime,
                   ROOT).strip().splitlines()[-1]
    command = ["docker", "run", "--rm", "-i", stage, "sh", "-c", "xargs -n 1 dpkg -S"]
    names = [re.sub(r"^usr/lib64/", "/usr/lib64/", "/" + f) for f in files if "/doc/" not in f]
    owners = subprocess.run(command, input="\n".join(names), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, timeout=120)
    found = {line.split(":")[0] for line in owners.stdout.splitlines()}
    t.same(sorted(found | {"libopenblas-pthread-dev"}), sorted(named), "packages of the image's files")
    t.same(owners.stderr.count("no path found"), 0, "files of no package: " + owners.stderr)


def rebuilt(t, image):
    """Built again from the same packages: the same layer, bit by bit, whatever was built here before.

    A label of its own (CREATED) and a value of REBUILD that no build had keep the builder from giving back what
    it has in its cache.
    """
    layers = inspect(image.name, ".RootFS.Layers")
    stamp = image.members[0].mtime
    t.same((image.tree / "usr/share/doc/kmeans/time").read_text(), "SOURCE_DATE_EPOCH=%d\n" % stamp, "time in the image")
    for epoch, same in (stamp, True), (stamp + 60, False):
        arguments = ["REBUILD=%d" % time.time_ns(), "CREATED=%d" % time.time_ns()] if same else []
        arguments.append("SOURCE_DATE_EPOCH=%d" % epoch)
        again = docker("build", "-q", *[a for b in arguments for a in ("--build-arg", b)], ROOT, timeout=600)
        again = again.strip().splitlines()[-1]
        t.same(inspect(again, ".RootFS.Layers") == layers, same, "a second build of time %d has the same layers" % epoch)
        docker("rmi", again, check=False)


def job_of(t, hyperparameters, channels={"train": CHANNEL}, resources=None):
    job = Job(t, hyperparameters, channels, resources)
    for path in [job.root] + list(job.root.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o644)
    return job


def mount(job):
    return ["-v", "%s:/opt/ml" % job.root]


def small_job(t, n=2000, d=20, **more):
    random = np.random.default_rng(1)
    at = 5 * random.standard_normal((5, d))  # clusters that rounding cannot change
    x = (at[random.integers(0, 5, n)] + random.standard_normal((n, d))).astype("f4")
    job = job_of(t, {"k": "5", "feature_dim": str(d), "mini_batch_size": "100", **more})
    oracle.write_recordio(job.data("rows"), x)
    return job


def mnist(t, image):
    """The MNIST job, in a container and outside."""
    rows = t.folder / "mnist.recordio"
    source = ROOT / "examples/mnist/data/train-images-idx3-ubyte.gz"
    t.run("convert", "--rows", "0:50000", "--scale", "1/256", source, "--output", rows)
    job = job_of(t, {"k": "10", "feature_dim": "784", "mini_batch_size": "500"})
    os.link(rows, job.data("train.recordio"))

    def inside():
        started = time.monotonic()
        with Container(image.name, "train", options=mount(job)) as c:
            t.same(c.wait(), 0, "MNIST in a container: " + c.log()[-2000:])
            whole = time.monotonic() - started
            return seconds(inspect(c.id, ".State.FinishedAt")) - seconds(inspect(c.id, ".State.StartedAt")), whole

    def outside():
        started = time.monotonic()
        t.same(job.train().code, 0, "MNIST outside")
        return time.monotonic() - started

    times = [(*inside(), outside()) for _ in range(4)]
    there, whole, here = (min(column) for column in zip(*times))
    print("MNIST: %.2f s in a container, %.2f s with Docker's part, %.2f s outside" % (there, whole, here))
    t.check(there - here <= 1, "MNIST takes %.2f s longer in a container" % (there - here))


def first_line(t, image):
    took = []
    for _ in range(5):
        with Container(image.name, "train", options=mount(small_job(t))) as c:
            t.same(c.wait(), 0, "a small job: " + c.log())
            took.append(seconds(c.log("-t").split()[0]) - seconds(inspect(c.id, ".State.StartedAt")))
    print("first line %.0f ms after the container's start" % (1e3 * min(took)))
    t.check(min(took) <= 0.3, "first line after %s s" % took)


def stopped(t, image):
    """`docker stop`: a model, and exit code 0, in time."""
    job = small_job(t, n=20000, epochs="1000000")
    with Container(image.name, options=mount(job)) as c:
        deadline = time.monotonic() + 60
        while "progress" not in c.log() and time.monotonic() < deadline:
            time.sleep(0.2)
        started = time.monotonic()
        docker("stop", c.id)
        took = time.monotonic() - started
        t.check(took < 10, "gone %.1f s after docker stop" % took)
        t.same(inspect(c.id, ".State.ExitCode"), 0, "exit code after docker stop: " + c.log()[-2000:])
    t.same(oracle.read_model(job.model).shape, (5, 20), "model after docker stop")


def ways(t, image):
    """The ways in which a platform starts it, and users it may be."""
    narrow = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
              "--network", "none", "--shm-size", "64m"]
    models = set()
    for what, args, options in (
        ("train", ["train"], []),
        ("no argument", [], []),
        ("a terminal", ["train"], ["-t"]),
        ("an unknown user", ["train"], ["--user", "12345:54321"]),
        ("a read-only root", ["train"], narrow),
        ("an unknown user on a read-only root", [], narrow + ["--user", "12345:54321"]),
        ("a working folder", ["train"], ["-w", "/opt/ml"]),
        ("another host name", ["train"], ["--hostname", "aws"]),
    ):
        job = small_job(t)
        done = run(image.name, *args, options=mount(job) + options)
        t.same(done.code, 0, what, done)
        t.same(job.leftovers(), ["model/model_algo-1"], "files after: " + what)
        models.add(job.model.read_bytes() if job.model.exists() else b"")
    t.same(len(models), 1, "models of the same job")


def failing(t, image):
    job = small_job(t, kk="5")
    done = run(image.name, "train", options=mount(job))
    t.same(done.code, 2, "exit code of a bad request", done)
    t.check("'kk'" in job.failure.read_text() and len(job.failure.read_text()) <= 1024, "failure file of a bad request")
    job = small_job(t)
    job.data("rows").write_bytes(b"no record")
    done = run(image.name, "train", options=mount(job) + ["--user", "12345"])
    t.same(done.code, 2, "exit code of bad data", done)
    t.check("rows" in job.failure.read_text(), "failure file of bad data")


def blas(t, image):
    """sgemm as cut out of OpenBLAS, by each of its kernels that this CPU can run, on many threads."""
    expected = metric(t, run(image.name, options=mount(small_job(t, d=100))))
    for core in CORES:
        job = small_job(t, d=100)
        done = run(image.name, options=mount(job) + ["-e", "KM_ISA=blas", "-e", "OPENBLAS_CORETYPE=" + core,
                                                     "-e", "KM_THREADS=16"])
        t.same(done.code, 0, "OpenBLAS as for " + core, done)
        t.check("kernels blas" in done.out and core.lower() in done.lines[0].lower(), "OpenBLAS is told " + core, done)
        t.near(metric(t, done), expected, 1e-5, "msd with OpenBLAS as for " + core, done)


def metric(t, done):
    found = re.search(r"train data_msd <loss>=(\S+)", done.out)
    t.check(found, "there is a data_msd", done)
    return float(found[1]) if found else 0


def main():
    build, name, *wanted = sys.argv[1:]
    t = Tests(build)
    image = Image(t, name)
    for part, args in (
        (contents, ()), (labels, ()), (hardening, (build,)), (bill, (build,)), (rebuilt, ()), (ways, ()),
        (failing, ()), (stopped, ()), (first_line, ()), (blas, ()), (mnist, ()),
    ):
        start = time.monotonic()
        if wanted and part.__name__ not in wanted:
            continue
        part(t, image, *args)
        print("%s: %.1f s" % (part.__name__, time.monotonic() - start), flush=True)
    t.end()


main()
