"""Drives socketio_host.py over plain sockets (Engine.IO 4): each connection sends `inc` when the last
one's acknowledgement and patch are there. Prints one line of JSON like the load generator in C."""

import argparse
import json
import os
import select
import socket
import time
from pathlib import Path

HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MASK = b"\0\0\0\0"


def frame(text):
    data = text.encode()
    assert len(data) < 126
    return bytes([0x81, 0x80 | len(data)]) + MASK + data


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        self.socket.sendall(HANDSHAKE.encode())
        while b"\r\n\r\n" not in self.pending:
            self.read()
        self.pending = self.pending.partition(b"\r\n\r\n")[2]
        self.sent = self.count = 0
        self.acknowledged = False
        self.wait(b"0{")
        self.socket.sendall(frame("40"))
        self.wait(b"40")

    def read(self):
        received = self.socket.recv(65536)
        if not received:
            raise SystemExit("the server has closed a connection")
        self.pending += received

    def wait(self, start):
        while True:
            for message in self.messages():
                if message.startswith(start):
                    return
            self.read()

    def messages(self):
        while len(self.pending) >= 2:
            length, at = self.pending[1], 2
            if length == 126:
                length, at = int.from_bytes(self.pending[2:4], "big"), 4
            if len(self.pending) < at + length:
                return
            message, self.pending = self.pending[at : at + length], self.pending[at + length :]
            yield message

    def send(self):
        self.socket.sendall(frame(f'42{self.sent}["inc",{{}}]'))
        self.sent += 1
        self.acknowledged = False

    def receive(self):
        """Reads what is there, and says how many events it completed."""
        self.read()
        done = 0
        for message in self.messages():
            if message == b"2":
                self.socket.sendall(frame("3"))
            elif message.startswith(f"43{self.sent - 1}[".encode()):
                self.acknowledged = True
            elif message.startswith(b'42["patch"'):
                self.count += 1
                assert json.loads(message[2:])[1]["operations"][0]["value"] == self.count
            if self.acknowledged and self.count == self.sent:
                done += 1
                self.send()
        return done


def cpu_ns(pid):
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--warm", type=float, default=0.5)
    options = parser.parse_args()
    connections = [Connection(options.port) for _ in range(options.connections)]
    poller = select.epoll()
    by_descriptor = {one.socket.fileno(): one for one in connections}
    for one in connections:
        poller.register(one.socket, select.EPOLLIN)
        one.send()

    def drive(seconds):
        events, started = 0, time.monotonic()
        while time.monotonic() - started < seconds:
            for descriptor, _ in poller.poll():
                events += by_descriptor[descriptor].receive()
        return events, time.monotonic() - started

    drive(options.warm)
    before = cpu_ns(options.pid)
    events, seconds = drive(options.seconds)
    used = cpu_ns(options.pid) - before
    result = {
        "events": events,
        "events_per_s": round(events / seconds),
        "cpu_us": round(used / events / 1000, 2),
    }
    print(json.dumps(result), flush=True)
    os._exit(0)


main()
