# SPDX-License-Identifier: BSD-2-Clause
# try.py NAME ... - make each named call and print "NAME: ok" or its errno's
# name. Runs in jails whose root is the host's, where python3 is.
import ctypes
import errno
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)
page = ctypes.create_string_buffer(4096)
KEY = 0x6A01


def made(family, kind, protocol):
    socket.socket(family, kind, protocol).close()
    return 0


def bound(port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("0.0.0.0", port))
    return 0


CALLS = {
    "shmget": lambda: libc.shmget(0, 4096, 0o1600),
    "semget": lambda: libc.semget(0, 1, 0o1600),
    "msgget": lambda: libc.msgget(0, 0o1600),
    "shm-of-host": lambda: libc.shmget(KEY, 0, 0),
    "mlock": lambda: libc.mlock(page, 4096),
    "sethostname": lambda: libc.sethostname(b"changed", 7),
    "mount-tmpfs": lambda: libc.mount(b"none", b"/mnt", b"tmpfs", 0, None),
    "ptrace": lambda: libc.ptrace(0, 0, 0, 0),
    "newuser": lambda: libc.unshare(0x10000000),
    "chown": lambda: libc.chown(sys.argv[0].encode(), 1, 1),
    "settime": lambda: libc.clock_settime(0, ctypes.byref((ctypes.c_long * 2)(1, 0))),
    "syslog": lambda: libc.klogctl(3, page, 10),
    "quotactl": lambda: libc.quotactl(0x800002 << 8, b"/dev/none", 0, None),
    "ip4": lambda: made(socket.AF_INET, socket.SOCK_STREAM, 0),
    "ip6": lambda: made(socket.AF_INET6, socket.SOCK_STREAM, 0),
    "raw": lambda: made(socket.AF_INET, socket.SOCK_RAW, 1),
    "ping": lambda: made(socket.AF_INET, socket.SOCK_DGRAM, 1),
    "packet": lambda: made(socket.AF_PACKET, socket.SOCK_RAW, 0),
    "vsock": lambda: made(socket.AF_VSOCK, socket.SOCK_STREAM, 0),
    "netfilter": lambda: made(socket.AF_NETLINK, socket.SOCK_RAW, 12),
    "port80": lambda: bound(80),
    "port8080": lambda: bound(8080),
}

for name in sys.argv[1:]:
    ctypes.set_errno(0)
    try:
        code = ctypes.get_errno() if CALLS[name]() == -1 else 0
    except OSError as e:
        code = e.errno
    print(f"{name}: {errno.errorcode[code] if code else 'ok'}")
