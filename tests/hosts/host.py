# SPDX-License-Identifier: Apache-2.0
"""A container: `kmeans train` as PID 1 of PID, mount, UTS and IPC namespaces of its own, on a machine.

It has /opt/ml, a /tmp and 64 MB of /dev/shm of its own, and lacks the rights that containers lack.
"""
import os
import re
import signal
import subprocess
import time
from pathlib import Path

# What a container runtime does; $1: the root folder, $2: kmeans, $3: the folder of hosts and
# resolv.conf, $4: host name, $5: mounts to add, $6: "ro" or "rw", $7: uid, then the command.
SET_UP = """
set -e
mount -t proc proc /proc
mount -t tmpfs -o size=64m,mode=1777 tmpfs /dev/shm
mount -t tmpfs tmpfs /opt
mkdir /opt/ml /opt/bin
touch /opt/bin/kmeans
mount --bind "$2" /opt/bin/kmeans
mount --rbind "$1" /opt/ml
for file in hosts resolv.conf nsswitch.conf; do mount --bind "$3/$file" /etc/$file; done
hostname "$4"
eval "$5"
mount -t tmpfs -o mode=1777 tmpfs /tmp
if [ "$6" = ro ]; then
    cut -d ' ' -f 5 /proc/self/mountinfo | sort -ru | while read mount; do
        case $mount in
        /proc* | /dev* | /tmp | /opt/ml*) ;;
        *) mount -o remount,ro,bind "$mount" 2>/dev/null || [ "$mount" != / ] ;;
        esac
    done
    ! touch /here 2>/dev/null
fi
uid=$7
shift 7
cd /
lost=-sys_admin,-sys_ptrace,-sys_nice,-sys_resource,-net_admin,-sys_module
[ "$uid" = 0 ] || exec setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$@"
exec setpriv --bounding-set $lost -- "$@"
"""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Process:
    """A process of a container, seen from outside."""

    def __init__(self, pid):
        folder = Path("/proc/%d" % pid)
        self.pid = pid
        self.args = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")[:-1]
        status = (folder / "status").read_text()
        self.state = re.search(r"State:\s+(\S)", status)[1]
        self.inner = int(re.search(r"NSpid:.*\s(\d+)", status)[1])
        self.space = os.readlink(folder / "ns/pid")

    @property
    def name(self):
        return os.path.basename(self.args[0]) if self.args else ""

    @property
    def is_rank(self):
        return self.name == "kmeans" and self.args[1:2] == ["train"] and self.inner != 1

    def __repr__(self):
        return "%d(%d) %s %s" % (self.pid, self.inner, self.state, " ".join(self.args)[:90])


def processes():
    """All that live in the namespace of this process and below."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            process = Process(int(pid))
        except OSError:
            continue
        if process.state not in "ZX" and process.pid != os.getpid():
            yield process


class Host:
    def __init__(self, machine, name, job, etc):
        """etc: a folder with hosts, resolv.conf and nsswitch.conf."""
        self.machine, self.name, self.job, self.etc = machine, name, job, etc
        self.out = Path(str(job.root) + ".out")
        self.hostname = "ip-10-0-%d-7" % (hash(name) % 200)
        self.mounts = ""
        self.way = "rw"
        self.uid = 0
        self.args = ["train"]
        self.process = None
        self.code = None
        self.start_time = self.end_time = self.end_clock = self.last_rank = None
        self.space = None

    def start(self, kmeans, *args, env=None):
        command = ["ip", "netns", "exec", self.machine, "unshare", "--pid", "--fork", "--kill-child",
                   "--mount", "--uts", "--ipc", "sh", "-c", SET_UP, "sh", self.job.root, kmeans,
                   self.etc, self.hostname, self.mounts, self.way, self.uid,
                   "/opt/bin/kmeans", *self.args, *args]
        environment = {"PATH": PATH, "ASAN_OPTIONS": "detect_leaks=0", "TRAINING_JOB_NAME": "test",
                       **(env or {})}
        with open(self.out, "ab") as out:
            self.process = subprocess.Popen(
                [str(c) for c in command], env=environment, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.start_time = time.monotonic()

    @property
    def log(self):
        return self.out.read_text(errors="replace") if self.out.exists() else ""

    @property
    def failure(self):
        return self.job.failure.read_text() if self.job.failure.exists() else None

    def poll(self):
        """Notes whether it has ended, and when its rank was last seen."""
        if not self.process or self.code is not None:
            return
        code = self.process.poll()
        if code is not None:
            self.code, self.end_time, self.end_clock = code, time.monotonic(), time.time()
        elif self.rank():
            self.last_rank = time.monotonic()

    def processes(self):
        if not self.space:
            # ip and unshare become their commands without a fork but for the container's PID 1.
            mine = [p for p in processes() if p.inner == 1 and parent(p.pid) == self.process.pid]
            if not mine or mine[0].name != "kmeans":
                return []
            self.space = mine[0].space
        return [p for p in processes() if p.space == self.space]

    def one(self, what):
        found = [p for p in self.processes() if what(p)]
        return found[0].pid if found else None

    def supervisor(self):
        return self.one(lambda p: p.inner == 1)

    def rank(self):
        return self.one(lambda p: p.is_rank)

    def named(self, *names):
        """The pid of the program that has one of these names."""
        return self.one(lambda p: p.name in names)

    def signal(self, number, pid=None):
        """To PID 1, or to another process; whether there was one."""
        pid = pid or self.supervisor()
        if pid:
            os.kill(pid, number)
        return bool(pid)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGKILL)
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def parent(pid):
    try:
        return int(Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None
