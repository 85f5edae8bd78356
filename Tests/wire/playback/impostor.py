"""A server without logic that says what a script says: for tests of the player."""

import json
import socket
import threading
from base64 import b64encode
from hashlib import sha1
from typing import Any

from .connection import TEXT, ClosedError, Connection
from .message import V1, Message
from .recording import RECEIVE, SEND, Recording, Step

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Impostor:
    """Accepts one connection and plays the server's part of `steps`, which hold text messages only."""

    def __init__(self, recording: Recording, steps: list[Step]) -> None:
        self.recording, self.steps = recording, steps
        self.sent: list[str] = []  # what the player sent, up to the end of the script
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(10)
        self.port: int = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "Impostor":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.thread.join()
        self.listener.close()

    def _serve(self) -> None:
        tcp, _ = self.listener.accept()
        tcp.settimeout(10)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = Connection(tcp)
        try:
            self._upgrade(peer)
            for step in self.steps:
                if step.kind == SEND:
                    frame = peer.receive_frame()
                    self.sent.append(frame.payload.decode())
                elif step.kind == RECEIVE and step.message is not None:
                    self._say(peer, step.message)
            while (frame := peer.receive_frame()).opcode == TEXT:
                self._say_goodbye(peer, json.loads(frame.payload))
        except (ClosedError, OSError):  # the player went away, having seen enough
            pass
        finally:
            peer.close()

    @staticmethod
    def _upgrade(peer: Connection) -> None:
        head = peer.head()
        key = next(line.split(": ")[1] for line in head if line.lower().startswith("sec-websocket-key"))
        accept = b64encode(sha1((key + GUID).encode()).digest()).decode()
        peer.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )

    @staticmethod
    def _say(peer: Connection, message: Message) -> None:
        if message.vsn == V1:
            value: Any = {"topic": message.topic, "event": message.event, "ref": message.ref}
            value["payload"] = message.payload
        else:
            value = [message.join_ref, message.ref, message.topic, message.event, message.payload]
        peer.send_frame(TEXT, json.dumps(value).encode(), masked=False)

    def _say_goodbye(self, peer: Connection, message: list[Any]) -> None:
        join_ref, ref, topic, event = message[:4]
        self._say(peer, Message(join_ref, ref, topic, "phx_reply", {"status": "ok", "response": {}}))
        if event == "phx_leave":
            self._say(peer, Message(join_ref, join_ref, topic, "phx_close", {}))
