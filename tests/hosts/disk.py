# SPDX-License-Identifier: Apache-2.0
"""A regular file whose reads wait in the kernel, as those of a network file system do that hangs.

The kernel's FUSE protocol (linux/fuse.h), as far as one file that is its own root needs it.
"""
import ctypes
import os
import struct
import threading

libc = ctypes.CDLL(None, use_errno=True)
GETATTR, OPEN, READ, INIT = 3, 14, 15, 26
INTERRUPT = 36
NO_REPLY = 2, 42  # forget, forget many
DIRECT_IO = 1
EINTR, ENOSYS = 4, 38


def possible():
    return os.path.exists("/dev/fuse")


class Disk:
    """The file `path`, with `data`. Bytes from `hangs_at` on never come."""

    def __init__(self, path, data, hangs_at):
        self.data, self.hangs_at = data, hangs_at
        self.waits = False  # somebody reads what never comes
        path.touch()
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        options = "fd=%d,rootmode=100000,user_id=0,group_id=0,allow_other" % self.fd
        if libc.mount(b"disk", str(path).encode(), b"fuse", 0, options.encode()):
            raise OSError(ctypes.get_errno(), "mount of a FUSE file")
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                request = os.read(self.fd, 1 << 18)
            except OSError:
                return
            _, what, unique = struct.unpack_from("<IIQ", request)
            error, body = 0, b""
            if what == INTERRUPT:  # somebody who waits for a read gets a signal
                error, unique = -EINTR, struct.unpack_from("<Q", request, 40)[0]
            elif what not in NO_REPLY:
                body = self.answer(what, request[40:])
                error, body = (-ENOSYS, b"") if body == b"?" else (0, body)
            if error or body:
                self.reply(unique, error, body)

    def reply(self, unique, error, body):
        try:
            os.write(self.fd, struct.pack("<IiQ", 16 + len(body), error, unique) + body)
        except OSError:
            pass  # the one who asked is gone

    def answer(self, what, body):
        """b"": none, now or ever; b"?": such a call is not known."""
        if what == INIT:
            return struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 1, 1, 4096, 1, 0, 0, 0)
        if what == GETATTR:
            attr = struct.pack("<QQQQQQIIIIIIIIII", 1, len(self.data), 0, 0, 0, 0, 0, 0, 0,
                               0o100444, 1, 0, 0, 0, 4096, 0)
            return struct.pack("<QII", 3600, 0, 0) + attr
        if what == OPEN:
            return struct.pack("<QII", 1, DIRECT_IO, 0)
        if what == READ:
            _, at, size = struct.unpack_from("<QQI", body)
            if at >= self.hangs_at:
                self.waits = True
                return b""
            return self.data[at:min(at + size, self.hangs_at)]
        return b"?"
