# SPDX-License-Identifier: Apache-2.0
"""Runs the image for the tests."""
import datetime
import json
import re
import subprocess

from harness import Run


def docker(*args, check=True, timeout=300):
    """docker ARGS; what it printed."""
    process = subprocess.run(["docker"] + [str(a) for a in args], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, timeout=timeout)
    if check and process.returncode:
        raise RuntimeError("docker %s: %s" % (" ".join(map(str, args)), process.stderr.decode()))
    return process.stdout.decode("utf-8", "replace")


def inspect(name, what):
    return json.loads(docker("inspect", "-f", "{{json %s}}" % what, name))


def run(image, *args, options=(), timeout=300):
    """A container that ends by itself: exit code and output."""
    process = subprocess.run(
        ["docker", "run", "--rm"] + [str(o) for o in options] + [image] + list(args),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
    return Run(process)


class Container:
    """A container in the background, removed at the end of the block."""

    def __init__(self, image, *args, options=()):
        self.id = docker("run", "-d", *options, image, *args).strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        docker("rm", "-f", self.id, check=False)

    def wait(self, timeout=120):
        return int(docker("wait", self.id, timeout=timeout))

    def log(self, *args):
        process = subprocess.run(["docker", "logs", *args, self.id], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, timeout=60)
        return process.stdout.decode("utf-8", "replace")


def seconds(text):
    """Of a time as Docker writes it."""
    whole, rest = re.match(r"(.*?)(\.\d+)?Z", text).groups()
    return datetime.datetime.fromisoformat(whole + "+00:00").timestamp() + float(rest or 0)
