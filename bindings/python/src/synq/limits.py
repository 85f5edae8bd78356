"""What a server counts, and what it allows."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits against clients that ask for too much; 0 is the default. Beyond one a client gets an error reply
    that names it, or is disconnected with the close code given here."""

    max_connections: int = 0  #: in all: 503. Default 100,000
    max_connections_per_address: int = 0  #: of an IPv4 address or a /64: 503, long poll 429. Default 10,000
    handshake_timeout_ms: int = 0  #: from accept to upgrade; in connect: 503. Default 10,000
    idle_timeout_ms: int = 0  #: without a byte from the client: close 1002. Default 60,000
    max_header_bytes: int = 0  #: of an HTTP request: 431. Default 16,384
    max_frame_bytes: int = 0  #: of one WebSocket frame: close 1009. Default: a whole message
    max_message_bytes: int = 0  #: all its frames: close 1009, long poll 413. Default 1,000,000
    max_fragments: int = 0  #: frames of one message: close 1009. Default 1,024
    max_channels: int = 0  #: joined at once by one connection: an error. Default 100
    max_queued_events: int = 0  #: of one channel, while its handler runs: an error. Default 1,000
    max_topic_bytes: int = 0  #: an error. Default 1,024
    max_event_bytes: int = 0  #: an error. Default 256
    max_ref_bytes: int = 0  #: close 1008. Default 256
    max_json_depth: int = 0  #: of a message: an error; without a ref close 1011. Default 128
    max_messages_per_second: int = 0  #: of one connection: an error, or close 1008. Default: no limit
    max_joins_per_second: int = 0  #: of one connection, on average: an error. Default: no limit
    max_outbound_bytes: int = 0  #: for a client that does not read: close 1013. Default 8,000,000
    max_patch_bytes: int = 0  #: a longer one is sent as the full state. Default 8,000,000
    max_json_nodes: int = 0  #: values in a message: as max_json_depth. Default 100,000
    max_pending_replies: int = 0  #: owed to a connection, detached: an error. Default 1,000
    max_inflate_ratio: int = 0  #: of a compressed message beyond 64 kB: close 1009. Default 100
    max_longpoll_sessions: int = 0  #: of one mount: status 429. Default 10,000
    max_longpoll_batch: int = 0  #: messages of one request: status 413. Default 100
    max_longpoll_queue_bytes: int = 0  #: for the next poll: the session ends. Default 1,048,576
    max_longpoll_body_bytes: int = 0  #: of one request: status 413. Default: max_message_bytes
    longpoll_session_timeout_ms: int = 0  #: without a request: the session ends. Default 20,000
    keep_alive_timeout_ms: int = 0  #: of an HTTP connection without a request. Default 30,000
    close_timeout_ms: int = 0  #: for a peer to close its side: it is cut off. Default 5,000
    drain_batch: int = 0  #: connections that a stop ends at once. Default 1,000
    drain_pause_ms: int = 0  #: from one batch of a stop to the next. Default 100
    max_queued_messages: int = 0  #: of one channel, while its handler runs: a crash. Default 10,000
    max_queued_bytes: int = 0  #: of a connection's events, likewise: an error. Default 16,000,000
    max_timers: int = 0  #: of one channel, not due yet: LimitError. Default 1,000
    max_subscriptions: int = 0  #: of one channel: LimitError. Default 1,000
    message_timeout_ms: int = 0  #: for a message to arrive: close 1008. Default 60,000
    #: held for all clients: the largest holders are closed with 1013. Default: a quarter of what there is
    max_memory_mb: int = 0
    max_memory_mb_per_address: int = 0  #: of an IPv4 address or a /64, likewise. Default: half of that


class Stats(NamedTuple):
    """Counters of a server."""

    connections: int  #: open now
    channels: int  #: joined now
    connections_total: int  #: since the start
    messages_in: int  #: messages from clients since the start
    messages_out: int  #: messages to clients since the start
    bytes_out: int  #: of those messages
    callbacks: int  #: callbacks run since the start
    crashes: int  #: callbacks that failed
    queued_messages: int  #: published, sent and intercepted, that wait for a handler's end now
