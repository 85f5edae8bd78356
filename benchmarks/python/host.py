"""The bench host in Python: the channels `counter:*` and `big:*` of the C host, on the package `synq`."""

import argparse

import synq

ITEMS = [
    {"id": i, "title": f"Item number {i}", "done": False, "tags": [f"tag{i % 10}"] * 3} for i in range(1000)
]


@synq.channel("counter:*", track=["count"])
class Counter(synq.Channel):
    def init(self):
        self.assigns.count = 0

    @synq.event("inc")
    def inc(self):
        self.assigns.count += 1


@synq.channel("big:*", track=["items"])
class Big(synq.Channel):
    def init(self):
        self.assigns.items = ITEMS

    @synq.event("toggle")
    def toggle(self, payload):
        item = self.assigns.items[payload["i"]]
        item.done = not item.done


@synq.channel("counter:*", track=["count"])
class AsyncCounter(synq.Channel):
    async def init(self):
        self.assigns.count = 0

    @synq.event("inc")
    async def inc(self):
        self.assigns.count += 1


@synq.channel("big:*", track=["items"])
class AsyncBig(synq.Channel):
    async def init(self):
        self.assigns.items = ITEMS

    @synq.event("toggle")
    async def toggle(self, payload):
        item = self.assigns.items[payload["i"]]
        item.done = not item.done


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--async", dest="is_async", action="store_true", help="handlers are async def")
    parser.add_argument("--loops", type=int, default=0, help="threads that serve connections")
    options = parser.parse_args()
    channels = [AsyncCounter, AsyncBig] if options.is_async else [Counter, Big]
    server = synq.Server(port=options.port, channels=channels, loops=options.loops)
    server.run(started=lambda: print(f"listening on http://127.0.0.1:{server.port}", flush=True))


main()
