"""peers.py - a client and a server on both sides of a firewall, for tests.

peers.py CLIENT SERVER: files of two network namespaces. Does what the lines of
its input say and answers each with one line:

    tcp NAME ADDRESS PORT SOURCEPORT    connect; the server echoes
    udp NAME ADDRESS PORT SOURCEPORT    the same; nothing is sent yet
    say NAME SECONDS                    send a byte, wait for its echo
    end NAME                            close from the client's side
    ping ADDRESS ID                     one echo request and its answer

"ok", "none" when nothing came back in time, or the error's name.
"""
import ctypes
import errno
import os
import select
import socket
import struct
import sys
import threading

LIBC = ctypes.CDLL(None, use_errno=True)
PATIENCE = 60  # seconds for what must succeed


def enter(path):
    fd = os.open(path, os.O_RDONLY)
    if LIBC.setns(fd, 0x40000000) != 0:
        sys.exit("setns: " + os.strerror(ctypes.get_errno()))
    os.close(fd)


def echo(conn):
    with conn:
        while data := conn.recv(4096):
            conn.sendall(data)


def accept(listener):
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=echo, args=(conn,), daemon=True).start()


def answer(sock):
    while True:
        data, who = sock.recvfrom(4096)
        sock.sendto(data, who)


def serve():
    for port in (22, 8080):
        s = socket.create_server(("::", port), family=socket.AF_INET6,
                                 dualstack_ipv6=True)
        threading.Thread(target=accept, args=(s,), daemon=True).start()
    for family, address in ((socket.AF_INET, "0.0.0.0"),
                            (socket.AF_INET6, "::")):
        s = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((address, 53))
        threading.Thread(target=answer, args=(s,), daemon=True).start()


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def came(sock, seconds):
    return "ok" if select.select([sock], [], [], seconds)[0] else "none"


def ping(address, ident):
    def packet(check):
        return struct.pack("!BBHHH", 8, 0, check, ident, 1)

    words = struct.unpack("!4H", packet(0))
    check = ~(sum(words) % 0xffff) & 0xffff
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    s.sendto(packet(check), (address, 0))
    return came(s, PATIENCE)


class Client:
    def __init__(self):
        self.sock = {}

    def open(self, kind, name, address, port, source):
        s = socket.socket(family_of(address), kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.settimeout(PATIENCE)
        s.bind(("", int(source)))
        s.connect((address, int(port)))
        self.sock[name] = s
        return "ok"

    def tcp(self, *words):
        return self.open(socket.SOCK_STREAM, *words)

    def udp(self, *words):
        return self.open(socket.SOCK_DGRAM, *words)

    def say(self, name, seconds):
        s = self.sock[name]
        s.send(b"x")
        got = came(s, float(seconds))
        if got == "ok":
            s.recv(4096)
        return got

    def end(self, name):
        self.sock.pop(name).close()
        return "ok"

    def ping(self, address, ident):
        return ping(address, int(ident))


def main():
    enter(sys.argv[2])
    serve()
    enter(sys.argv[1])
    client = Client()
    print("ready", flush=True)
    for line in sys.stdin:
        verb, *words = line.split()
        try:
            said = getattr(client, verb)(*words)
        except OSError as e:
            said = errno.errorcode.get(e.errno, str(e))
        print(said, flush=True)


main()
