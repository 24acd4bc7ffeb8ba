# SPDX-License-Identifier: Apache-2.0
"""FIFOs among the files of a host: reads wait until something is fed, slowly or never."""
import errno
import os
import threading
import time

import oracle

CAPACITY = 65536  # of a pipe; more was fed: it is read


def recordio(t, rows):
    path = t.place() / "rows"
    oracle.write_recordio(path, rows)
    return path.read_bytes()


class Pipe:
    """A FIFO that stays open for writing; what does not fit is lost, as a whole."""

    def __init__(self, host, channel="train"):
        path = host.job.root / "input/data" / channel
        path.rmdir()
        os.mkfifo(path)
        self.file = os.open(path, os.O_RDWR | os.O_NONBLOCK)  # does not wait for a reader
        self.fed = 0

    def feed(self, data):
        """At most 4096 bytes, which a pipe takes as a whole or not at all; whether it did."""
        try:
            self.fed += os.write(self.file, data)
            return True
        except OSError as e:
            if e.errno != errno.EAGAIN:
                raise
            return False

    def close(self):
        if self.file is not None:
            os.close(self.file)
            self.file = None


class Trickle:
    """Feeds rows to all hosts of a cluster without end, so that a pass lasts and costs no core."""

    def __init__(self, cluster, x, rows_per_second=2000):
        data = recordio(cluster.t, x)
        self.frame = len(data) // len(x)
        self.some = 4096 // self.frame
        self.data, self.pause = data, self.some / rows_per_second
        self.pipes = [Pipe(host) for host in cluster.hosts]
        self.dry = set()  # numbers of hosts that get no more
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        turn = 0
        step = self.some * self.frame
        while True:
            at = turn * step % (len(self.data) - step + 1) // self.frame * self.frame
            ahead = min(p.fed for p in self.pipes) < 3 * CAPACITY
            for i, pipe in enumerate(self.pipes):
                if i + 1 not in self.dry:
                    pipe.feed(self.data[at:at + step])
            turn += 1
            time.sleep(0.002 if ahead else self.pause)

    def flows(self):
        """All hosts have read from their pipes."""
        return all(p.fed > 2 * CAPACITY for p in self.pipes)
