"""Joins, leaves and events through a Python server, and what stays of them: memory and objects at intervals.

    python3 soak.py [--joins 100000] [--events 1000000] [--async]

The clients run in a process of their own. A line for each tenth: resident memory, and the objects that the
garbage collector knows. Fails when the end has 4 MB or 100 objects more than four tenths of the joins had.
"""

import argparse
import gc
import multiprocessing
import sys
import threading
from pathlib import Path

import synq
from synq.testing import Client

CLIENTS = 20
BURST = 50


def channel(is_async):
    if is_async:

        class Counter(synq.Channel):
            async def init(self):
                self.assigns.count = 0
                self.assigns.items = [{"id": 1, "done": False}]

            @synq.event("inc")
            async def inc(self, payload):
                self.assigns.count += payload["by"]
                self.assigns.items[0].done = not self.assigns.items[0].done
                return {"count": self.assigns.count}

            async def before_close(self):
                pass
    else:

        class Counter(synq.Channel):
            def init(self):
                self.assigns.count = 0
                self.assigns.items = [{"id": 1, "done": False}]

            @synq.event("inc")
            def inc(self, payload):
                self.assigns.count += payload["by"]
                self.assigns.items[0].done = not self.assigns.items[0].done
                return {"count": self.assigns.count}

            def before_close(self):
                pass

    return synq.channel("counter:*", track=["count", "items"])(Counter)


def resident_kb():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def clients(port, joins, events, report):
    """A tenth of the work, ten times, with a word after each."""
    for _ in range(10):
        with Client("127.0.0.1", port) as client:
            for number in range(joins // 10):
                client.join(f"counter:{number % CLIENTS}").leave()
                client.frames.clear()
        report.send("joins")
    for _ in range(10):
        with Client("127.0.0.1", port) as client:
            counter = client.join("counter:events")
            for _ in range(events // 10 // BURST):
                refs = [counter.push("inc", {"by": 1}) for _ in range(BURST)]
                for ref in refs:
                    counter.expect_reply(ref, "ok")
                counter._inbox.clear()
                client.frames.clear()
        report.send("events")
    report.close()


def watch(server, reports, rows):
    try:
        while True:
            work = reports.recv()
            gc.collect()
            row = (work, resident_kb(), len(gc.get_objects()), server.stats())
            rows.append(row)
            print(f"{work:8} {row[1]:>9} kB {row[2]:>9} objects  {row[3].callbacks:>9} callbacks", flush=True)
    except EOFError:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--joins", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--async", dest="is_async", action="store_true", help="handlers are async def")
    options = parser.parse_args()
    server = synq.Server(channels=[channel(options.is_async)]).start()
    reports, report = multiprocessing.get_context("spawn").Pipe(duplex=False)
    arguments = (server.port, options.joins, options.events, report)
    process = multiprocessing.get_context("spawn").Process(target=clients, args=arguments)
    process.start()
    report.close()
    rows = []
    watcher = threading.Thread(target=watch, args=(server, reports, rows))
    watcher.start()
    server.run()
    watcher.join()
    process.join()
    grown_kb, grown_objects = rows[-1][1] - rows[3][1], rows[-1][2] - rows[3][2]
    print(f"since the fourth line: {grown_kb} kB, {grown_objects} objects")
    sys.exit(grown_kb > 4096 or grown_objects > 100 or process.exitcode != 0)


if __name__ == "__main__":
    main()
