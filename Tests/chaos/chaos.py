#!/usr/bin/env python3
"""Random attacks by several connections, while others measure how long they wait.

    Tests/chaos/chaos.py HOST [--seconds N] [--delivery workers] [--only ATTACK] [--seed N]

HOST is the program of host.c. Attackers are processes of their own, each with one attack after the other
from ATTACKS; so are the victims, who count on topics of theirs. At the end all attackers leave. Fails when a
victim waited longer than --worst-ms, when the server held more than --memory-mb, or when not everything is
back within 10 s of the end.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from client import Client, frame, push

TEXT = '{"text":"' + "a" * 100 + '"}'


def say_to_a_room(port: int, dice: random.Random) -> None:
    """Messages to a room come faster than its members can take them."""
    room = f"room:{dice.randrange(3)}"
    members = [Client(port) for _ in range(dice.choice([5, 40, 80]))]
    for member in members:
        member.join(room)
        threading.Thread(target=member.drain, args=(5,), daemon=True).start()
    burst = push(room, dice.choice(["say", "shout"]), TEXT) * 500
    for _ in range(dice.randrange(1, 6)):
        members[0].send(burst)
    time.sleep(dice.random())
    for member in members:
        member.close()


def set_timers(port: int, dice: random.Random) -> None:
    """Each event sets a thousand timers, and the client leaves."""
    for _ in range(20):
        client = Client(port)
        client.join("timer:1")
        client.call("timer:1", "set")
        client.close()


def block_threads(port: int, dice: random.Random) -> None:
    """Callbacks of many channels of one connection block."""
    client = Client(port)
    topics = [f"counter:{dice.random()}" for _ in range(12)]
    for topic in topics:
        client.join(topic)
    client.send(b"".join(push(topic, "wait") * 2 for topic in topics))
    client.drain(dice.random())
    client.close()


def replace_a_state(port: int, dice: random.Random) -> None:
    """A large state of nested lists is replaced by one in which every value differs."""
    client = Client(port)
    client.join("doc:1")
    for value in range(3):
        state = [value] * 700
        for _ in range(100):
            state = [state] + [value] * 700
        client.send(push("doc:1", "set", str(state).replace(" ", "")))
    client.drain(dice.random() * 2)
    client.close()


def never_read(port: int, dice: random.Random) -> None:
    """A member that reads nothing gets large broadcasts."""
    room = f"room:{dice.random()}"
    lazy = [Client(port, receive_buffer=4096) for _ in range(10)]
    for member in lazy:
        member.join(room)
    sender = Client(port)
    sender.join(room)
    threading.Thread(target=sender.drain, args=(5,), daemon=True).start()
    big = push(room, "shout", '{"text":"' + "b" * 200_000 + '"}')
    try:
        for _ in range(40):
            sender.send(big)
    except OSError:
        pass
    time.sleep(dice.random())
    for member in [*lazy, sender]:
        member.close()


def ask_and_never_read(port: int, dice: random.Random) -> None:
    """Many HTTP requests in one connection, whose answers are not read."""
    client = Client.__new__(Client)
    import socket

    client.socket = socket.create_connection(("127.0.0.1", port))
    client.socket.settimeout(1)
    try:
        for _ in range(40):
            client.send(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n" * 250)
    except OSError:
        pass
    client.close()


def join_with_much(port: int, dice: random.Random) -> None:
    """Joins with large params."""
    client = Client(port)
    params = '{"a":"' + "c" * 900_000 + '"}'
    for number in range(30):
        client.send(push(f"counter:{number}", "phx_join", params, f'"{number}"'))
    client.drain(dice.random() * 2)
    client.close()


def push_and_close(port: int, dice: random.Random) -> None:
    """Events, and a close behind them."""
    for _ in range(50):
        client = Client(port)
        client.send(push("counter:x", "phx_join", ref='"1"') + push("counter:x", "inc") * 20)
        if dice.random() < 0.5:
            client.send(frame(b"\x03\xe8", 8))
        client.close()


def send_garbage(port: int, dice: random.Random) -> None:
    """What is no message, no frame and no JSON."""
    for _ in range(20):
        client = Client(port)
        client.join("counter:g")
        client.send(
            dice.choice([dice.randbytes(5000), frame("[" * 200), frame("{"), push("counter:g", "inc")[:9]])
        )
        client.close()


ATTACKS: dict[str, Callable[[int, random.Random], None]] = {
    attack.__name__: attack
    for attack in (
        say_to_a_room, set_timers, block_threads, replace_a_state, never_read, ask_and_never_read,
        join_with_much, push_and_close, send_garbage,
    )
}  # fmt: skip


def attacker(port: int, seed: int, until: float, names: list[str]) -> None:
    dice = random.Random(seed)
    while time.monotonic() < until:
        try:
            ATTACKS[dice.choice(names)](port, dice)
        except (OSError, EOFError, ValueError):
            pass  # the server closed the connection, as it should


def victim(port: int, number: int, until: float, results: Any) -> None:
    """The longest that an event took, in seconds; a connection that is lost counts as for ever."""
    worst, count, client = 0.0, 0, Client(port, timeout=60)
    try:
        client.join(f"counter:victim{number}")
        while time.monotonic() < until:
            begun = time.monotonic()
            client.call(f"counter:victim{number}", "inc")
            worst, count = max(worst, time.monotonic() - begun), count + 1
            time.sleep(0.01)
    except (OSError, EOFError, ValueError):
        worst = float("inf")
    results.put((worst, count))


class Server:
    def __init__(self, host: str, delivery: str) -> None:
        self.process = subprocess.Popen([host, delivery], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    @property
    def memory(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0

    def stats(self) -> dict[str, int]:
        client = Client(self.port)
        client.join("stats:1")
        stats: dict[str, int] = client.call("stats:1", "get")
        client.close()
        return stats


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("host")
    options.add_argument("--seconds", type=float, default=120)
    options.add_argument("--delivery", default="workers")
    options.add_argument("--only", choices=ATTACKS)
    options.add_argument("--attackers", type=int, default=3)
    options.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options.add_argument("--worst-ms", type=float, default=100)
    options.add_argument("--memory-mb", type=float, default=512)
    given = options.parse_args()
    names = (
        [given.only]
        if given.only
        else [name for name in ATTACKS if name != "block_threads" or given.delivery != "inline"]
    )
    server = Server(given.host, given.delivery)
    before, peak = server.memory, 0.0
    until = time.monotonic() + given.seconds
    results: Any = multiprocessing.Queue()
    victims = [
        multiprocessing.Process(target=victim, args=(server.port, number, until, results))
        for number in range(4)
    ]
    attackers = [
        multiprocessing.Process(target=attacker, args=(server.port, given.seed + number, until, names))
        for number in range(given.attackers)
    ]
    for process in [*victims, *attackers]:
        process.start()
    while time.monotonic() < until:
        peak = max(peak, server.memory)
        time.sleep(0.05)
    measured = [results.get() for _ in victims]
    for process in attackers:
        process.join(10)
        process.kill()
    ended, stats = time.monotonic(), server.stats()
    while stats != {"connections": 1, "channels": 1, "queued": 0} and time.monotonic() - ended < 10:
        time.sleep(0.1)
        stats = server.stats()
    settled = time.monotonic() - ended
    worst = max(worst for worst, _ in measured) * 1000
    faults = []
    if server.process.poll() is not None:
        faults.append(f"the server ended with {server.process.returncode}")
    if worst > given.worst_ms:
        faults.append(f"a victim waited {worst:.0f} ms, more than {given.worst_ms:.0f}")
    if peak > given.memory_mb:
        faults.append(f"the server held {peak:.0f} MB, more than {given.memory_mb:.0f}")
    if stats != {"connections": 1, "channels": 1, "queued": 0}:
        faults.append(f"10 s after the end there is {stats}")
    print(
        f"{given.only or 'all attacks'}, {given.delivery}, {given.seconds:.0f} s, seed {given.seed}: "
        f"victims asked {sum(count for _, count in measured)} times and waited {worst:.0f} ms at most; "
        f"memory {before:.0f} MB before, {peak:.0f} MB at most, {server.memory:.0f} MB after; "
        f"everything was back after {settled:.1f} s"
    )
    server.process.kill()
    server.process.wait()
    for fault in faults:
        print("FAULT:", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
