#!/usr/bin/env python3
# tableprobe.py SOURCE ... - which sources reach a server over loopback: a line
# "SOURCE pass" or "SOURCE block" for each, in order.
#
# Nobody can wait for a packet that never comes. So each is followed by one from
# the server's own address, which must always pass, on the same processor: when
# that one is here, the other is here or never will be.
import os
import socket
import sys

FREEBIND = {socket.AF_INET: (socket.IPPROTO_IP, 15),
            socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}
HERE = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def client(family, source):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(*FREEBIND[family], 1)
    s.bind((source, 0))
    return s


for source in sys.argv[1:]:
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((HERE[family], 0))
    server.settimeout(60)
    for who, text in ((source, b"probe"), (HERE[family], b"mark")):
        with client(family, who) as c:
            try:
                c.sendto(text, server.getsockname())
            except PermissionError:  # a local rule for out
                pass
    got = server.recv(16)
    print(source, "block" if got == b"mark" else "pass")
    server.close()
