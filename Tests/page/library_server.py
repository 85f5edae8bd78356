"""A server of the library itself for the tests of synq.js: bytes, and a socket that wants a session's cookie.

python3 library_server.py [--port 0]
"""

import argparse
from pathlib import Path

import synq

HERE = Path(__file__).resolve().parent


@synq.channel("files:*", track=["params", "sizes"])
class Files(synq.Channel):
    def init(self, params: dict):
        self.assigns.params = params
        self.assigns.sizes = []

    @synq.event("upload")
    def upload(self, payload: bytes):
        self.assigns.sizes.append(len(payload))
        self.push("copy", payload)
        return payload[::-1]

    @synq.event("everybody")
    def everybody(self, payload: bytes):
        self.broadcast("copy", payload)


def connect(connection, _params):
    if connection.cookies.get("session") != "ada":
        return connection.refuse(401)
    return True


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
static = {"/client/": HERE / "client", "/synq/": synq.browser_files()}
server = synq.Server(port=parser.parse_args().port, channels=[Files], static=static)
server.mount("/private", connect=connect)
server.run(started=lambda: print(f"listening on http://127.0.0.1:{server.port}/", flush=True))
