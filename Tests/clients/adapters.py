"""Clients that others wrote, behind one face, so that one conversation can be held with each.

Nothing here repairs a client: what one cannot do (join with params, show the response of an error) is told by
its attributes, and the conversation asks less of it.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from chunnel.channel import ChannelJoinFailure
from chunnel.socket import Socket as ChunnelSocket
from phoenix_channels_python_client import PHXChannelsClient, ReconnectPolicy
from phoenix_channels_python_client.exceptions import PHXTopicError
from phoenix_channels_python_client.protocol_handler import PhoenixChannelsProtocolVersion
from phoenix_channels_python_client.utils import make_message
from phxsocket import Client as PhxsocketClient
from phxsocket.channel import ChannelConnectError


class RefusedError(Exception):
    """The server refused a join."""


class Adapter(ABC):
    """One client with one channel. `incoming` gets (event, payload) of everything but replies."""

    sends_params = True
    shows_error_response = True
    rejoins_by_itself = False
    hears_unmatched_topics = True

    def __init__(self, url: str) -> None:
        self.url = url
        self.incoming: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    @abstractmethod
    async def connect(self) -> None: ...

    @abstractmethod
    async def join(self, topic: str, params: dict[str, Any]) -> None: ...

    @abstractmethod
    async def push(self, event: str, payload: dict[str, Any]) -> tuple[str, Any]:
        """Gives status and response of the reply."""

    @abstractmethod
    async def push_without_reply(self, event: str, payload: dict[str, Any]) -> None: ...

    @abstractmethod
    async def leave(self) -> None: ...

    @abstractmethod
    async def close(self) -> None: ...


class Phxsocket(Adapter):
    """phxsocket: version 1, on threads."""

    async def connect(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.client = PhxsocketClient(f"{self.url}/websocket")
        await asyncio.to_thread(self.client.connect)

    async def join(self, topic: str, params: dict[str, Any]) -> None:
        self.channel = self.client.channel(topic, params)
        self.channel.on_message = self._receive
        try:
            await asyncio.to_thread(self.channel.join)
        except ChannelConnectError as error:
            raise RefusedError(str(error)) from error

    def _receive(self, _: Any, event: str, payload: Any) -> None:
        self.loop.call_soon_threadsafe(self.incoming.put_nowait, (event, payload))

    async def push(self, event: str, payload: dict[str, Any]) -> tuple[str, Any]:
        sent = self.channel.push(event, payload, reply=True)
        reply = await asyncio.to_thread(sent.wait_for_response)
        return reply["status"], reply["response"]

    async def push_without_reply(self, event: str, payload: dict[str, Any]) -> None:
        self.channel.push(event, payload)

    async def leave(self) -> None:
        # Its own leave() calls something that is not there; the push in it is what works.
        status, _ = await self.push("phx_leave", {})
        assert status == "ok"

    async def close(self) -> None:
        await asyncio.to_thread(self.client.close)


class Chunnel(Adapter):
    """chunnel: version 1, refs that are numbers."""

    shows_error_response = False

    async def connect(self) -> None:
        self.socket = ChunnelSocket(f"{self.url}/websocket", {})
        with redirect_stdout(StringIO()):  # it prints its URL
            await self.socket.connect()
        self.receiver: asyncio.Task[None] | None = None

    async def join(self, topic: str, params: dict[str, Any]) -> None:
        self.channel = self.socket.channel(topic, params)
        try:
            await self.channel.join()
        except ChannelJoinFailure as error:
            raise RefusedError from error
        if self.receiver is not None:
            self.receiver.cancel()
        self.receiver = asyncio.create_task(self._receive(self.channel))

    async def _receive(self, channel: Any) -> None:
        while True:
            message = await channel.receive()
            self.incoming.put_nowait((message.event, message.payload))

    async def push(self, event: str, payload: dict[str, Any]) -> tuple[str, Any]:
        sent = await self.channel.push(event, payload)
        try:
            return "ok", await sent.response()
        except Exception as error:  # it has no class of its own
            if str(error) != "Response not ok!":
                raise
            return "error", None

    async def push_without_reply(self, event: str, payload: dict[str, Any]) -> None:
        await self.channel.push(event, payload)

    async def leave(self) -> None:
        await self.channel.leave()

    async def close(self) -> None:
        if self.receiver is not None:
            self.receiver.cancel()
        await self.socket.disconnect()


class PhoenixChannels(Adapter):
    """phoenix-channels-python-client: both versions. It joins without params, and again by itself."""

    sends_params = False
    rejoins_by_itself = True
    hears_unmatched_topics = False  # their reply has no join_ref, and it waits for one with its own
    version = PhoenixChannelsProtocolVersion.V2

    async def connect(self) -> None:
        logging.getLogger("phoenix_channels_python_client").setLevel(logging.CRITICAL)
        self.client = PHXChannelsClient(
            f"{self.url}/websocket",
            "a-key",
            protocol_version=self.version,
            reconnect_policy=ReconnectPolicy(base_delay_s=0, max_delay_s=0),
        )
        self.replies: dict[str, asyncio.Future[Any]] = {}
        self.ref = 1000
        await self.client.__aenter__()

    async def join(self, topic: str, params: dict[str, Any]) -> None:
        self.topic = topic
        try:
            await self.client.subscribe_to_topic(topic, self._receive)
        except PHXTopicError as error:
            raise RefusedError(str(error)) from error

    async def _receive(self, message: Any) -> None:
        if str(message.event) == "phx_reply":
            if waiting := self.replies.pop(message.ref, None):
                waiting.set_result(message.payload)
        else:
            self.incoming.put_nowait((str(message.event), message.payload))

    async def push(self, event: str, payload: dict[str, Any]) -> tuple[str, Any]:
        self.ref += 1
        waiting = self.replies[str(self.ref)] = asyncio.get_running_loop().create_future()
        await self.push_without_reply(event, payload)
        reply = await waiting
        return reply["status"], reply["response"]

    async def push_without_reply(self, event: str, payload: dict[str, Any]) -> None:
        join_ref = self.client.get_current_subscriptions()[self.topic].join_ref
        message = make_message(event, self.topic, str(self.ref), payload, join_ref)
        assert self.client.connection is not None
        await self.client.get_protocol_handler().send_message(self.client.connection, message)

    async def leave(self) -> None:
        await self.client.unsubscribe_from_topic(self.topic)

    async def close(self) -> None:
        await self.client.shutdown("the test is over")


class PhoenixChannelsV1(PhoenixChannels):
    hears_unmatched_topics = True
    version = PhoenixChannelsProtocolVersion.V1


ADAPTERS = [Phxsocket, Chunnel, PhoenixChannels, PhoenixChannelsV1]
