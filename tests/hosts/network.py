# SPDX-License-Identifier: Apache-2.0
"""Machines as network namespaces: each has a cable to one switch, which is a bridge of its own.

Everything lives in the namespaces of the calling process, and so ends with it.
"""
import contextlib
import ctypes
import os
import subprocess
import threading

NET = "10.77.0."
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def ip(*lines):
    """Runs `ip` with the words of each line."""
    for line in lines:
        subprocess.run(["ip"] + line.split(), check=True)


def clear():
    """Takes all machines away."""
    if os.path.isdir("/run/netns"):
        ip(*("netns delete " + name for name in os.listdir("/run/netns")))


class Network:
    def __init__(self, bridge="bridge", net=NET, interface="eth0"):
        self.bridge, self.net, self.interface = bridge, net, interface
        self.address = {}
        if not os.path.exists("/run/netns/switch"):
            ip("netns add switch", "-n switch link set lo up")
        ip("-n switch link add %s type bridge forward_delay 0" % bridge,
           "-n switch link set %s up" % bridge)

    def plug(self, machine, number):
        """Gives a machine, a new one perhaps, the address with this number."""
        self.address[machine] = self.net + str(number)
        port = self.port(machine)
        if not os.path.exists("/run/netns/" + machine):
            ip("netns add " + machine, "-n %s link set lo up" % machine)
        ip("link add %s netns switch type veth peer name %s netns %s"
           % (port, self.interface, machine),
           "-n switch link set %s master %s up" % (port, self.bridge),
           "-n %s address add %s/24 dev %s" % (machine, self.address[machine], self.interface),
           "-n %s link set %s up" % (machine, self.interface))
        return self.address[machine]

    def port(self, machine):
        return "p%s.%s" % (self.address[machine].rsplit(".")[-1], self.interface)

    def cut(self, machine):
        """From now on what the machine sends and what others send to it is lost without a word."""
        ip("-n switch link set %s nomaster" % self.port(machine))

    def mend(self, machine):
        ip("-n switch link set %s master %s" % (self.port(machine), self.bridge))


@contextlib.contextmanager
def inside(machine):
    """Sockets made by this thread meanwhile are the machine's."""
    here = os.open("/proc/%d/task/%d/ns/net" % (os.getpid(), threading.get_native_id()), os.O_RDONLY)
    there = os.open("/run/netns/" + machine, os.O_RDONLY)
    try:
        enter(there)
        yield
    finally:
        enter(here)
        os.close(here)
        os.close(there)


def enter(namespace):
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
