# SPDX-License-Identifier: Apache-2.0
"""Runs kmeans for the tests: what a run left behind, a job's folder, checks that are counted."""
import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT_SECONDS = 240


class Run:
    """One run: exit code, standard output and error, as text and as lines."""

    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout.decode("utf-8", "replace")
        self.err = process.stderr.decode("utf-8", "replace")
        self.lines = self.out.splitlines()

    def told(self):
        """What to show of a run that went wrong."""
        bad = [line for line in self.lines if " ERROR " in line or " WARNING " in line]
        shown = ["exit code %d" % self.code] + bad[-8:] + self.err[-3000:].splitlines()
        return "\n    ".join(shown)


class Tests:
    """The kmeans binary of a build folder, a folder to work in, and the count of checks."""

    def __init__(self, build):
        self.kmeans = (Path(build) / "kmeans").resolve()
        self.sanitized = b"__asan_" in self.kmeans.read_bytes()
        self.folder = Path(tempfile.mkdtemp(prefix="kmeans-test-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.folders = 0
        self.passed = 0
        self.failed = 0

    def is_first_build(self):
        """Whether this is the release build with gcc; the others repeat only a part (first_build.sh)."""
        cache = (self.kmeans.parent / "CMakeCache.txt").read_text()
        return os.environ.get("KM_EVERY_BUILD") == "1" or bool(
            re.search(r"(?m)^CMAKE_BUILD_TYPE:\w+=Release$", cache)
            and re.search(r"(?m)^CMAKE_C_COMPILER:\w+=.*/(gcc|cc)$", cache))

    def check(self, good, what, run=None):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED: %s%s" % (what, "\n    " + run.told() if run else ""), flush=True)
        return good

    def same(self, found, expected, what, run=None):
        return self.check(
            found == expected, "%s: found %r, expected %r" % (what, found, expected), run
        )

    def near(self, found, expected, tolerance, what, run=None):
        """Relative to what is expected."""
        good = abs(found - expected) <= tolerance * abs(expected)
        return self.check(good, "%s: found %r, expected %r" % (what, found, expected), run)

    def place(self):
        """An empty folder of its own."""
        self.folders += 1
        path = self.folder / str(self.folders)
        path.mkdir()
        return path

    def run(self, *args, program=None, env=None, timeout=LIMIT_SECONDS, **others):
        """kmeans ARGS with nothing of ours inherited from the environment but `env`."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("KM_", "OMP_"))}
        process = subprocess.run(
            [str(program or self.kmeans)] + [str(a) for a in args],
            stdin=others.pop("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**clean, **(env or {})},
            timeout=timeout,
            **others,
        )
        return Run(process)

    def levels(self):
        """Names that KM_ISA may have on this machine: the program itself lists them, best first.

        Under sanitizers, which are slow, the first and the last.
        """
        run = self.run("train", "--root", self.place(), env={"KM_ISA": "?"})
        names = run.lines[-1].split(" can run are: ")[1].replace(",", " ").split()
        return [names[0], names[-1]] if self.sanitized else names

    def end(self):
        """The last line of a script; the exit code."""
        if self.failed:
            print("%d FAILED, %d passed" % (self.failed, self.passed))
            sys.exit(1)
        print("%d passed" % self.passed)


class Job:
    """A training job as the platform lays it out."""

    def __init__(self, tests, hyperparameters, channels=None, resources=None):
        """channels None: no inputdataconfig.json; a text in place of an object is written as is."""
        self.tests = tests
        self.root = tests.place()
        for name in "input/config", "input/data/train", "model", "output":
            (self.root / name).mkdir(parents=True)
        self.config("hyperparameters", hyperparameters)
        self.config("inputdataconfig", channels)
        self.config("resourceconfig", resources)
        self.failure = self.root / "output/failure"
        self.model = self.root / "model/model_algo-1"

    def config(self, name, content):
        if content is None:
            return
        text = content if isinstance(content, (str, bytes)) else json.dumps(content)
        data = text if isinstance(text, bytes) else text.encode()
        (self.root / "input/config" / (name + ".json")).write_bytes(data)

    def data(self, name, channel="train"):
        """The path of a data file; its folder is made."""
        path = self.root / "input/data" / channel / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def train(self, *args, **others):
        return self.tests.run("train", "--root", self.root, *args, **others)

    def leftovers(self):
        """What lies in model/ and output/."""
        return sorted(
            str(p.relative_to(self.root))
            for folder in ("model", "output")
            for p in (self.root / folder).rglob("*")
        )
