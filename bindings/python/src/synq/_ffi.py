"""include/synq.h for ctypes, one to one: constants, structs and callback types; _functions.py has the
functions. No logic; tests/test_header.py compares all of it with the header."""

from __future__ import annotations

import ctypes
from ctypes import (
    CFUNCTYPE,
    POINTER,
    c_char_p,
    c_int,
    c_size_t,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)

# Version
VERSION_MAJOR = 0
VERSION_MINOR = 1
VERSION_PATCH = 0
VERSION_HEX = (VERSION_MAJOR << 16) | (VERSION_MINOR << 8) | VERSION_PATCH

# Errors
OK = 0
EINVAL = -1
ENOMEM = -2
ECLOSED = -3
ESTATE = -4
EJSON = -5
EPOINTER = -6
ENOTFOUND = -7
ETYPE = -8
ERANGE = -9
EADDRINUSE = -10
EIO = -11
EFORKED = -12
EPATCH = -13
ELIMIT = -14
EVERSION = -15
ETIMEDOUT = -16

# What only callbacks return
CRASH = -100
REFUSE = -101

PRESENCE_REF_BYTES = 17

NUL_TERMINATED = ctypes.c_size_t(-1).value

# synq_kind_t
NULL = 1
BOOL = 2
INTEGER = 3
REAL = 4
STRING = 5
ARRAY = 6
OBJECT = 7
BINARY = 8

# What synq_link_receive() gives where no more should be read
LINK_WAIT = 1

# How synq_server_update() treats a topic that nobody is in
UPDATE_IF_OPEN = 0
UPDATE_OPEN = 1

# synq_switch_t
ON = 1
OFF = 2

# synq_delivery_t
WORKERS = 0
INLINE = 1
POLLED = 2

# synq_log_level_t
LOG_DEBUG = 1
LOG_INFO = 2
LOG_WARNING = 3
LOG_ERROR = 4
LOG_OFF = 5

# synq_tls_version_t
TLS_1_2 = 12
TLS_1_3 = 13

# synq_dialect_t
DIALECT_SYNQ = 0
DIALECT_LIVE_STATE = 1
DIALECT_LIVE_VIEW_MODEL = 2
DIALECT_SEANCE = 3

# The modes of synq_socket_defer
DEFER_IN_ORDER = 0
DEFER_DETACHED = 1

# Handles and values are addresses: int in Python, None for NULL.
server_p = c_void_p
socket_p = c_void_p
connection_p = c_void_p
deferred_p = c_void_p
fetch_p = c_void_p
link_p = c_void_p
value_p = c_void_p
json_p = c_void_p
user_p = c_void_p
strings_p = POINTER(c_char_p)
# `const char **` where the text is read by its length: an address, which ctypes does not turn into bytes.
text_out = POINTER(c_void_p)
size_out = POINTER(c_size_t)

# typedef void (*synq_destroy_fn)(void *user);
destroy_fn = CFUNCTYPE(None, user_p)
# typedef int (*synq_authorize_fn)(synq_socket_t *socket, const char *topic, const synq_value_t *params,
#                                  void *user);
authorize_fn = CFUNCTYPE(c_int, socket_p, c_char_p, value_p, user_p)
# typedef int (*synq_init_fn)(synq_socket_t *socket, const char *topic, const synq_value_t *params,
#                             void *user);
init_fn = CFUNCTYPE(c_int, socket_p, c_char_p, value_p, user_p)
# typedef int (*synq_handle_event_fn)(synq_socket_t *socket, const char *event, const synq_value_t *payload,
#                                     void *user);
handle_event_fn = CFUNCTYPE(c_int, socket_p, c_char_p, value_p, user_p)
# typedef int (*synq_handle_message_fn)(synq_socket_t *socket, const char *topic, const char *message,
#                                       const synq_value_t *payload, void *user);
handle_message_fn = CFUNCTYPE(c_int, socket_p, c_char_p, c_char_p, value_p, user_p)
# typedef void (*synq_before_close_fn)(synq_socket_t *socket, const char *reason, void *user);
before_close_fn = CFUNCTYPE(None, socket_p, c_char_p, user_p)
# typedef int (*synq_new_state_fn)(synq_socket_t *socket, const synq_value_t *state, uint32_t version,
#                                  void *user);
new_state_fn = CFUNCTYPE(c_int, socket_p, value_p, c_uint32, user_p)
# typedef int (*synq_update_state_fn)(synq_socket_t *socket, const synq_value_t *from, const synq_value_t *to,
#                                     uint32_t version, void *user);
update_state_fn = CFUNCTYPE(c_int, socket_p, value_p, value_p, c_uint32, user_p)
# typedef int (*synq_fetch_presence_fn)(synq_fetch_t *fetch, const char *topic, const synq_value_t *presences,
#                                       void *user);
fetch_presence_fn = CFUNCTYPE(c_int, fetch_p, c_char_p, value_p, user_p)
# typedef void (*synq_presence_changed_fn)(const char *topic, const char *key, int is_present, void *user);
presence_changed_fn = CFUNCTYPE(None, c_char_p, c_char_p, c_int, user_p)
# typedef int (*synq_open_topic_fn)(synq_socket_t *socket, const char *topic, void *user);
open_topic_fn = CFUNCTYPE(c_int, socket_p, c_char_p, user_p)
# typedef void (*synq_close_topic_fn)(synq_socket_t *socket, const char *topic, void *user);
close_topic_fn = CFUNCTYPE(None, socket_p, c_char_p, user_p)
# typedef int (*synq_update_fn)(synq_socket_t *socket, void *user);
update_fn = CFUNCTYPE(c_int, socket_p, user_p)
# typedef void (*synq_update_done_fn)(int result, void *user);
update_done_fn = CFUNCTYPE(None, c_int, user_p)
# typedef int (*synq_connect_fn)(synq_connection_t *connection, const synq_value_t *params, void *user);
connect_fn = CFUNCTYPE(c_int, connection_p, value_p, user_p)
# typedef int (*synq_check_origin_fn)(const char *origin, void *user);
check_origin_fn = CFUNCTYPE(c_int, c_char_p, user_p)

# typedef void (*synq_link_accepted_fn)(synq_link_t *link, const char *subprotocol, void *user);
link_accepted_fn = CFUNCTYPE(None, link_p, c_char_p, user_p)
# typedef void (*synq_link_refused_fn)(synq_link_t *link, int status, const char *body, void *user);
link_refused_fn = CFUNCTYPE(None, link_p, c_int, c_char_p, user_p)
# typedef void (*synq_link_send_fn)(synq_link_t *link, int is_binary, const void *bytes, size_t length,
#                                   void *user);
link_send_fn = CFUNCTYPE(None, link_p, c_int, c_void_p, c_size_t, user_p)
# typedef void (*synq_link_resume_fn)(synq_link_t *link, void *user);
link_resume_fn = CFUNCTYPE(None, link_p, user_p)
# typedef void (*synq_link_close_fn)(synq_link_t *link, int code, const char *reason, void *user);
link_close_fn = CFUNCTYPE(None, link_p, c_int, c_char_p, user_p)


class log_record(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("level", c_int), ("message", c_char_p), ("fields", strings_p)]


# typedef void (*synq_log_fn)(const synq_log_record_t *record, void *user);
log_fn = CFUNCTYPE(None, POINTER(log_record), user_p)


# synq_limits_t: the members behind its size, each a uint32_t
LIMITS = (
    "max_connections max_connections_per_address handshake_timeout_ms idle_timeout_ms max_header_bytes "
    "max_frame_bytes max_message_bytes max_fragments max_channels max_queued_events max_topic_bytes "
    "max_event_bytes max_ref_bytes max_json_depth max_messages_per_second max_joins_per_second "
    "max_outbound_bytes max_patch_bytes max_json_nodes max_pending_replies max_inflate_ratio "
    "max_longpoll_sessions max_longpoll_batch max_longpoll_queue_bytes max_longpoll_body_bytes "
    "longpoll_session_timeout_ms keep_alive_timeout_ms close_timeout_ms drain_batch drain_pause_ms "
    "max_queued_messages max_queued_bytes max_timers max_subscriptions message_timeout_ms max_memory_mb "
    "max_memory_mb_per_address"
)


class limits(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        *((name, c_uint32) for name in LIMITS.split()),
    ]


class server_options(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("host", c_char_p),
        ("port", c_uint16),
        ("delivery", c_int),
        ("workers", c_uint32),
        ("loops", c_uint32),
        ("limits", POINTER(limits)),
        ("tls_certificate", c_char_p),
        ("tls_key", c_char_p),
        ("log_level", c_int),
        ("log", log_fn),
        ("user", user_p),
        ("destroy", destroy_fn),
        ("tls_minimum_version", c_int),
        ("allowed_hosts", strings_p),
        ("metrics", c_char_p),
        ("health", c_char_p),
        ("cluster", c_char_p),
    ]


class channel_options(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("track", strings_p),
        ("authorize", authorize_fn),
        ("init", init_fn),
        ("handle_event", handle_event_fn),
        ("handle_message", handle_message_fn),
        ("before_close", before_close_fn),
        ("user", user_p),
        ("destroy", destroy_fn),
        ("max_version", c_uint32),
        ("dialect", c_int),
        ("ignore_keys", strings_p),
        ("intercept", strings_p),
        ("allow_prototype_keys", c_int),
        ("new_state", new_state_fn),
        ("update_state", update_state_fn),
        ("fetch_presence", fetch_presence_fn),
        ("presence_changed", presence_changed_fn),
        ("max_presence_keys", c_uint32),
        ("max_presence_bytes", c_uint32),
        ("shared", strings_p),
        ("open_topic", open_topic_fn),
        ("close_topic", close_topic_fn),
        ("linger_ms", c_uint32),
        ("patch_interval_ms", c_uint32),
        ("presence", c_char_p),
    ]


class mount_options(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("origins", strings_p),
        ("connect", connect_fn),
        ("user", user_p),
        ("destroy", destroy_fn),
        ("subprotocols", strings_p),
        ("longpoll", c_int),
        ("longpoll_window_ms", c_uint32),
        ("pattern", c_char_p),
        ("limits", POINTER(limits)),
        ("compress", c_int),
        ("check_origin", check_origin_fn),
    ]


class link_request(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("path", c_char_p),
        ("mount", c_char_p),
        ("query", c_char_p),
        ("headers", strings_p),
        ("host", c_char_p),
        ("peer", c_char_p),
        ("subprotocols", strings_p),
    ]


class link_options(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("accepted", link_accepted_fn),
        ("refused", link_refused_fn),
        ("send", link_send_fn),
        ("resume", link_resume_fn),
        ("close", link_close_fn),
        ("user", user_p),
        ("destroy", destroy_fn),
    ]


class stats(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("connections", c_uint64),
        ("channels", c_uint64),
        ("connections_total", c_uint64),
        ("messages_in", c_uint64),
        ("messages_out", c_uint64),
        ("bytes_out", c_uint64),
        ("callbacks", c_uint64),
        ("crashes", c_uint64),
        ("queued_messages", c_uint64),
    ]
