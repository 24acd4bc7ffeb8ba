# SPDX-License-Identifier: Apache-2.0
"""Containers on a network, and what can happen to them: runs scenarios, several at a time.

Each scenario is a process in PID, mount and network namespaces of its own, so that nothing of it
outlives it, however it ends.
"""
import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time

from harness import Tests
from hosts import faults, stops, strangers, works  # noqa: F401: they fill the list
from hosts.scenario import Options, scenarios

ALONE = "unshare --pid --fork --kill-child --mount --net --mount-proc".split()
PR_SET_PDEATHSIG = 1
LIMIT_SECONDS = 240


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def possible():
    """Why there can be no namespaces here, or None."""
    probe = "mount -t tmpfs tmpfs /run && ip netns add n1 && ip -n n1 link add bridge0 type bridge && " \
        "ip link add veth1 netns n1 type veth peer name veth2 && " \
        "ip netns exec n1 unshare --pid --fork true"
    try:
        done = subprocess.run(ALONE + ["sh", "-c", probe], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as e:
        return str(e)
    return done.stdout.decode("utf-8", "replace").strip() or "no namespaces" if done.returncode else None


def run_one(build, name):
    """One scenario, in namespaces of its own."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)  # for ip netns
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    t = Tests(build)
    scenarios[name](t)
    t.end()


class Running:
    def __init__(self, name, args, folder):
        self.name, self.out, self.begin = name, folder / name, time.monotonic()
        command = ALONE + [sys.executable, "-B", __file__, args.build, name, "--inside", "--late",
                           str(args.late)]
        with open(self.out, "wb") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                env={**os.environ, "TMPDIR": str(folder)}, preexec_fn=die_with_parent)

    def ended(self):
        if self.process.poll() is None and time.monotonic() > self.begin + LIMIT_SECONDS:
            self.process.kill()
            self.process.wait()
        return self.process.poll() is not None

    def report(self, loud):
        took = time.monotonic() - self.begin
        good = self.process.returncode == 0
        text = self.out.read_text(errors="replace").rstrip()
        last = text.splitlines()[-1] if text else ""
        print("%s %s: %.1f s, %s" % ("ok" if good else "NOT OK", self.name, took, last), flush=True)
        if loud or not good:
            print(text, flush=True)
        else:
            print("".join(l + "\n" for l in text.splitlines() if "skipped: " in l), end="", flush=True)
        return good


def run_all(args, names):
    t = Tests(args.build)
    waiting = sorted(names, key=lambda n: -scenarios[n].seconds)
    running, bad = [], []
    while waiting or running:
        while waiting and len(running) < args.jobs:
            running.append(Running(waiting.pop(0), args, t.folder))
        time.sleep(0.05)
        for r in [r for r in running if r.ended()]:
            running.remove(r)
            if not r.report(args.verbose):
                bad.append(r.name)
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the build folder")
    parser.add_argument("scenario", nargs="*", help="default: those of this build; or \"all\"")
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--late", type=float, default=Options.late,
                        help="seconds by which hosts and names come late (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=6, help="scenarios at a time")
    parser.add_argument("--verbose", action="store_true", help="what good scenarios say, too")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    unknown = [n for n in args.scenario if n not in scenarios and n != "all"]
    if unknown:
        parser.error("no scenario %s; there are %s" % (unknown[0], " ".join(scenarios)))
    if args.list:
        for name, f in scenarios.items():
            print("%-26s %s" % (name, f.about))
        return
    Options.late = args.late
    if args.inside:
        run_one(args.build, args.scenario[0])
        return
    why = possible()
    if why:
        print("skipped: %s" % why)
        sys.exit(77)
    names = args.scenario or [n for n, f in scenarios.items()
                              if f.always or Tests(args.build).is_first_build()]
    if names == ["all"]:
        names = list(scenarios)
    elif not args.scenario and len(names) < len(scenarios):
        print("skipped: %d scenarios that run beside the release build with gcc" % (len(scenarios) - len(names)))
    begin = time.monotonic()
    bad = run_all(args, names)
    print("%d scenarios in %.0f s, %d failed %s"
          % (len(names), time.monotonic() - begin, len(bad), " ".join(bad)))
    sys.exit(1 if bad else 0)


main()
