"""The functions of include/synq.h for ctypes, one to one, each below its C prototype. No logic;
tests/test_header.py compares all of it with the header."""

from __future__ import annotations

from ctypes import (
    POINTER,
    c_char_p,
    c_double,
    c_int,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any, NamedTuple

from ._ffi import (
    channel_options,
    connection_p,
    deferred_p,
    destroy_fn,
    fetch_p,
    json_p,
    link_options,
    link_p,
    link_request,
    mount_options,
    server_options,
    server_p,
    size_out,
    socket_p,
    stats,
    text_out,
    update_done_fn,
    update_fn,
    user_p,
    value_p,
)


class Prototype(NamedTuple):
    """How a function is called. `waits`: it may block or take long, so Python's lock is released meanwhile;
    the others are short, and keeping the lock spares them a switch of threads (5 ms when another Python
    thread is busy)."""

    result: Any
    arguments: tuple[Any, ...]
    waits: bool = False


FUNCTIONS: dict[str, Prototype] = {
    # int synq_version(void);
    "synq_version": Prototype(c_int, ()),
    # const char *synq_strerror(int code);
    "synq_strerror": Prototype(c_char_p, (c_int,)),
    # const char *synq_error_message(void);
    "synq_error_message": Prototype(c_char_p, ()),
    # int synq_crash(const char *cause);
    "synq_crash": Prototype(c_int, (c_char_p,)),
    # -- Reading values
    # int synq_value_kind(const synq_value_t *value, const char *pointer);
    "synq_value_kind": Prototype(c_int, (value_p, c_char_p)),
    # int64_t synq_value_size(const synq_value_t *value, const char *pointer);
    "synq_value_size": Prototype(c_int64, (value_p, c_char_p)),
    # int synq_value_get_int(const synq_value_t *value, const char *pointer, int64_t *out);
    "synq_value_get_int": Prototype(c_int, (value_p, c_char_p, POINTER(c_int64))),
    # int synq_value_get_real(const synq_value_t *value, const char *pointer, double *out);
    "synq_value_get_real": Prototype(c_int, (value_p, c_char_p, POINTER(c_double))),
    # int synq_value_get_bool(const synq_value_t *value, const char *pointer, int *out);
    "synq_value_get_bool": Prototype(c_int, (value_p, c_char_p, POINTER(c_int))),
    # int synq_value_get_string(const synq_value_t *value, const char *pointer, const char **out,
    #                           size_t *length);
    "synq_value_get_string": Prototype(c_int, (value_p, c_char_p, text_out, size_out)),
    # int synq_value_get_bytes(const synq_value_t *value, const void **out, size_t *length);
    "synq_value_get_bytes": Prototype(c_int, (value_p, text_out, size_out)),
    # int synq_value_get_text(const synq_value_t *value, const char *pointer, const char **out,
    #                         size_t *length);
    "synq_value_get_text": Prototype(c_int, (value_p, c_char_p, POINTER(c_char_p), size_out)),
    # int synq_value_get_json(const synq_value_t *value, const char *pointer, json_t **out);
    "synq_value_get_json": Prototype(c_int, (value_p, c_char_p, POINTER(json_p))),
    # int synq_value_member(const synq_value_t *value, const char *pointer, size_t index, const char **name,
    #                       size_t *length, const synq_value_t **out);
    "synq_value_member": Prototype(
        c_int, (value_p, c_char_p, c_size_t, POINTER(c_char_p), size_out, POINTER(value_p))
    ),
    # int synq_value_read(const synq_value_t *value, const synq_field_t *fields, size_t count);
    "synq_value_read": Prototype(c_int, (value_p, c_void_p, c_size_t)),
    # int synq_value_diff(const synq_value_t *from, const synq_value_t *to, json_t **out);
    "synq_value_diff": Prototype(c_int, (value_p, value_p, POINTER(json_p)), waits=True),
    # int synq_value_diff_text(const synq_value_t *from, const synq_value_t *to, const char **out,
    #                          size_t *length);
    "synq_value_diff_text": Prototype(c_int, (value_p, value_p, POINTER(c_char_p), size_out), waits=True),
    # -- Server
    # int synq_server_new(synq_server_t **out, const synq_server_options_t *options);
    "synq_server_new": Prototype(c_int, (POINTER(server_p), POINTER(server_options))),
    # int synq_server_channel(synq_server_t *server, const char *pattern,
    #                         const synq_channel_options_t *options);
    "synq_server_channel": Prototype(c_int, (server_p, c_char_p, POINTER(channel_options))),
    # int synq_server_mount(synq_server_t *server, const char *path, const synq_mount_options_t *options);
    "synq_server_mount": Prototype(c_int, (server_p, c_char_p, POINTER(mount_options))),
    # int synq_server_static(synq_server_t *server, const char *prefix, const char *directory);
    "synq_server_static": Prototype(c_int, (server_p, c_char_p, c_char_p)),
    # int synq_server_start(synq_server_t *server);
    "synq_server_start": Prototype(c_int, (server_p,), waits=True),
    # int synq_server_start_links(synq_server_t *server);
    "synq_server_start_links": Prototype(c_int, (server_p,), waits=True),
    # int synq_server_port(const synq_server_t *server);
    "synq_server_port": Prototype(c_int, (server_p,)),
    # int synq_server_run(synq_server_t *server);
    "synq_server_run": Prototype(c_int, (server_p,), waits=True),
    # int synq_server_poll(synq_server_t *server, int timeout_ms, int max);
    "synq_server_poll": Prototype(c_int, (server_p, c_int, c_int), waits=True),
    # int synq_server_fd(synq_server_t *server);
    "synq_server_fd": Prototype(c_int, (server_p,)),
    # int synq_server_stop(synq_server_t *server, int timeout_ms);
    "synq_server_stop": Prototype(c_int, (server_p, c_int), waits=True),
    # int synq_server_wait(synq_server_t *server, int timeout_ms);
    "synq_server_wait": Prototype(c_int, (server_p, c_int), waits=True),
    # int synq_server_free(synq_server_t *server);
    "synq_server_free": Prototype(c_int, (server_p,), waits=True),
    # int synq_server_broadcast(synq_server_t *server, const char *topic, const char *event, json_t *payload);
    "synq_server_broadcast": Prototype(c_int, (server_p, c_char_p, c_char_p, json_p), waits=True),
    # int synq_server_broadcast_text(synq_server_t *server, const char *topic, const char *event,
    #                                const char *text, size_t length);
    "synq_server_broadcast_text": Prototype(
        c_int, (server_p, c_char_p, c_char_p, c_char_p, c_size_t), waits=True
    ),
    # int synq_server_broadcast_binary(synq_server_t *server, const char *topic, const char *event,
    #                                  const void *bytes, size_t length);
    "synq_server_broadcast_binary": Prototype(
        c_int, (server_p, c_char_p, c_char_p, c_char_p, c_size_t), waits=True
    ),
    # int synq_server_publish(synq_server_t *server, const char *topic, const char *message, json_t *payload);
    "synq_server_publish": Prototype(c_int, (server_p, c_char_p, c_char_p, json_p), waits=True),
    # int synq_server_publish_text(synq_server_t *server, const char *topic, const char *message,
    #                              const char *text, size_t length);
    "synq_server_publish_text": Prototype(
        c_int, (server_p, c_char_p, c_char_p, c_char_p, c_size_t), waits=True
    ),
    # int synq_server_update(synq_server_t *server, const char *topic, int mode, synq_update_fn update,
    #                        void *user, synq_update_done_fn done);
    "synq_server_update": Prototype(
        c_int, (server_p, c_char_p, c_int, update_fn, user_p, update_done_fn), waits=True
    ),
    # int64_t synq_server_channel_count(synq_server_t *server, const char *topic);
    "synq_server_channel_count": Prototype(c_int64, (server_p, c_char_p)),
    # int synq_server_publish_latest(synq_server_t *server, const char *topic, const char *message,
    #                                const char *key, json_t *payload);
    "synq_server_publish_latest": Prototype(
        c_int, (server_p, c_char_p, c_char_p, c_char_p, json_p), waits=True
    ),
    # int synq_server_publish_latest_text(synq_server_t *server, const char *topic, const char *message,
    #                                     const char *key, const char *text, size_t length);
    "synq_server_publish_latest_text": Prototype(
        c_int, (server_p, c_char_p, c_char_p, c_char_p, c_char_p, c_size_t), waits=True
    ),
    # int synq_server_disconnect(synq_server_t *server, const char *id);
    "synq_server_disconnect": Prototype(c_int, (server_p, c_char_p), waits=True),
    # int synq_server_reload_tls(synq_server_t *server);
    "synq_server_reload_tls": Prototype(c_int, (server_p,), waits=True),
    # int synq_server_metrics_text(synq_server_t *server, char **out, size_t *length);
    "synq_server_metrics_text": Prototype(c_int, (server_p, POINTER(c_void_p), size_out)),
    # int synq_server_stats(synq_server_t *server, synq_stats_t *out);
    "synq_server_stats": Prototype(c_int, (server_p, POINTER(stats)), waits=True),
    # -- Connections
    # const char *synq_connection_header(synq_connection_t *connection, const char *name);
    "synq_connection_header": Prototype(c_char_p, (connection_p, c_char_p)),
    # const char *synq_connection_peer(synq_connection_t *connection);
    "synq_connection_peer": Prototype(c_char_p, (connection_p,)),
    # const char *synq_connection_token(synq_connection_t *connection);
    "synq_connection_token": Prototype(c_char_p, (connection_p,)),
    # int synq_connection_set_id(synq_connection_t *connection, const char *id);
    "synq_connection_set_id": Prototype(c_int, (connection_p, c_char_p)),
    # int synq_connection_assign(synq_connection_t *connection, const char *name, json_t *value);
    "synq_connection_assign": Prototype(c_int, (connection_p, c_char_p, json_p)),
    # int synq_connection_assign_text(synq_connection_t *connection, const char *name, const char *text,
    #                                 size_t length);
    "synq_connection_assign_text": Prototype(c_int, (connection_p, c_char_p, c_char_p, c_size_t)),
    # int synq_connection_set_data(synq_connection_t *connection, void *data, synq_destroy_fn destroy);
    "synq_connection_set_data": Prototype(c_int, (connection_p, user_p, destroy_fn)),
    # int synq_connection_refuse(synq_connection_t *connection, int status, const char *body);
    "synq_connection_refuse": Prototype(c_int, (connection_p, c_int, c_char_p)),
    # int synq_connection_defer(synq_connection_t *connection);
    "synq_connection_defer": Prototype(c_int, (connection_p,)),
    # int synq_connection_finish(synq_connection_t *connection, int result);
    "synq_connection_finish": Prototype(c_int, (connection_p, c_int), waits=True),
    # void *synq_connection_link_user(synq_connection_t *connection);
    "synq_connection_link_user": Prototype(user_p, (connection_p,)),
    # -- Links
    # int synq_link_open(synq_server_t *server, const synq_link_request_t *request,
    #                    const synq_link_options_t *options, synq_link_t **out);
    "synq_link_open": Prototype(
        c_int, (server_p, POINTER(link_request), POINTER(link_options), POINTER(link_p))
    ),
    # int synq_link_receive(synq_link_t *link, int is_binary, const void *bytes, size_t length);
    "synq_link_receive": Prototype(c_int, (link_p, c_int, c_char_p, c_size_t)),
    # int synq_link_sent(synq_link_t *link, size_t length);
    "synq_link_sent": Prototype(c_int, (link_p, c_size_t)),
    # int synq_link_lost(synq_link_t *link, int code);
    "synq_link_lost": Prototype(c_int, (link_p, c_int)),
    # -- Sockets: what a channel is
    # const char *synq_socket_topic(synq_socket_t *socket);
    "synq_socket_topic": Prototype(c_char_p, (socket_p,)),
    # const char *synq_socket_join_ref(synq_socket_t *socket);
    "synq_socket_join_ref": Prototype(c_char_p, (socket_p,)),
    # const char *synq_socket_id(synq_socket_t *socket);
    "synq_socket_id": Prototype(c_char_p, (socket_p,)),
    # const char *synq_socket_peer(synq_socket_t *socket);
    "synq_socket_peer": Prototype(c_char_p, (socket_p,)),
    # const char *synq_socket_header(synq_socket_t *socket, const char *name);
    "synq_socket_header": Prototype(c_char_p, (socket_p, c_char_p)),
    # const synq_value_t *synq_socket_params(synq_socket_t *socket);
    "synq_socket_params": Prototype(value_p, (socket_p,)),
    # int synq_socket_set_data(synq_socket_t *socket, void *data, synq_destroy_fn destroy);
    "synq_socket_set_data": Prototype(c_int, (socket_p, user_p, destroy_fn)),
    # void *synq_socket_data(synq_socket_t *socket);
    "synq_socket_data": Prototype(user_p, (socket_p,)),
    # void *synq_socket_connection_data(synq_socket_t *socket);
    "synq_socket_connection_data": Prototype(user_p, (socket_p,)),
    # -- Sockets: assigns
    # const synq_value_t *synq_socket_all_assigns(synq_socket_t *socket);
    "synq_socket_all_assigns": Prototype(value_p, (socket_p,)),
    # int synq_socket_assign(synq_socket_t *socket, const char *name, json_t *value);
    "synq_socket_assign": Prototype(c_int, (socket_p, c_char_p, json_p)),
    # int synq_socket_assign_text(synq_socket_t *socket, const char *name, const char *text, size_t length);
    "synq_socket_assign_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_set(synq_socket_t *socket, const char *pointer, json_t *value);
    "synq_socket_set": Prototype(c_int, (socket_p, c_char_p, json_p)),
    # int synq_socket_set_text(synq_socket_t *socket, const char *pointer, const char *text, size_t length);
    "synq_socket_set_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_set_int(synq_socket_t *socket, const char *pointer, int64_t value);
    "synq_socket_set_int": Prototype(c_int, (socket_p, c_char_p, c_int64)),
    # int synq_socket_set_real(synq_socket_t *socket, const char *pointer, double value);
    "synq_socket_set_real": Prototype(c_int, (socket_p, c_char_p, c_double)),
    # int synq_socket_set_bool(synq_socket_t *socket, const char *pointer, int value);
    "synq_socket_set_bool": Prototype(c_int, (socket_p, c_char_p, c_int)),
    # int synq_socket_set_string(synq_socket_t *socket, const char *pointer, const char *text, size_t length);
    "synq_socket_set_string": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_insert(synq_socket_t *socket, const char *pointer, json_t *value);
    "synq_socket_insert": Prototype(c_int, (socket_p, c_char_p, json_p)),
    # int synq_socket_insert_text(synq_socket_t *socket, const char *pointer, const char *text,
    #                             size_t length);
    "synq_socket_insert_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_append(synq_socket_t *socket, const char *pointer, json_t *value);
    "synq_socket_append": Prototype(c_int, (socket_p, c_char_p, json_p)),
    # int synq_socket_append_text(synq_socket_t *socket, const char *pointer, const char *text,
    #                             size_t length);
    "synq_socket_append_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_set_value(synq_socket_t *socket, const char *pointer, const synq_value_t *value,
    #                             const char *from);
    "synq_socket_set_value": Prototype(c_int, (socket_p, c_char_p, value_p, c_char_p)),
    # int synq_socket_insert_value(synq_socket_t *socket, const char *pointer, const synq_value_t *value,
    #                             const char *from);
    "synq_socket_insert_value": Prototype(c_int, (socket_p, c_char_p, value_p, c_char_p)),
    # int synq_socket_append_value(synq_socket_t *socket, const char *pointer, const synq_value_t *value,
    #                             const char *from);
    "synq_socket_append_value": Prototype(c_int, (socket_p, c_char_p, value_p, c_char_p)),
    # int synq_socket_merge(synq_socket_t *socket, const char *pointer, json_t *members);
    "synq_socket_merge": Prototype(c_int, (socket_p, c_char_p, json_p)),
    # int synq_socket_merge_text(synq_socket_t *socket, const char *pointer, const char *text, size_t length);
    "synq_socket_merge_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_patch(synq_socket_t *socket, const char *pointer, json_t *patch);
    "synq_socket_patch": Prototype(c_int, (socket_p, c_char_p, json_p)),
    # int synq_socket_patch_text(synq_socket_t *socket, const char *pointer, const char *text, size_t length);
    "synq_socket_patch_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_remove(synq_socket_t *socket, const char *pointer);
    "synq_socket_remove": Prototype(c_int, (socket_p, c_char_p)),
    # int synq_socket_increment(synq_socket_t *socket, const char *pointer, int64_t by, int64_t *out);
    "synq_socket_increment": Prototype(c_int, (socket_p, c_char_p, c_int64, POINTER(c_int64))),
    # -- Sockets: answering the client
    # int synq_socket_push(synq_socket_t *socket, const char *event, json_t *payload);
    "synq_socket_push": Prototype(c_int, (socket_p, c_char_p, json_p)),
    # int synq_socket_push_text(synq_socket_t *socket, const char *event, const char *text, size_t length);
    "synq_socket_push_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_push_binary(synq_socket_t *socket, const char *event, const void *bytes, size_t length);
    "synq_socket_push_binary": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_reply(synq_socket_t *socket, const char *status, json_t *payload);
    "synq_socket_reply": Prototype(c_int, (socket_p, c_char_p, json_p)),
    # int synq_socket_reply_text(synq_socket_t *socket, const char *status, const char *text, size_t length);
    "synq_socket_reply_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_reply_binary(synq_socket_t *socket, const char *status, const void *bytes,
    #                              size_t length);
    "synq_socket_reply_binary": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_reply_error(synq_socket_t *socket, const char *code, const char *message,
    #                             json_t *details);
    "synq_socket_reply_error": Prototype(c_int, (socket_p, c_char_p, c_char_p, json_p)),
    # int synq_socket_reply_error_text(synq_socket_t *socket, const char *code, const char *message,
    #                                  const char *details, size_t length);
    "synq_socket_reply_error_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_state_message(synq_socket_t *socket, const char *event, json_t *payload);
    "synq_socket_state_message": Prototype(c_int, (socket_p, c_char_p, json_p)),
    # int synq_socket_state_message_text(synq_socket_t *socket, const char *event, const char *text,
    #                                    size_t length);
    "synq_socket_state_message_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_stop(synq_socket_t *socket, const char *reason);
    "synq_socket_stop": Prototype(c_int, (socket_p, c_char_p)),
    # -- Sockets: responding later
    # int synq_socket_defer(synq_socket_t *socket, int mode, synq_deferred_t **out);
    "synq_socket_defer": Prototype(c_int, (socket_p, c_int, POINTER(deferred_p))),
    # int synq_deferred_finish(synq_deferred_t *deferred);
    "synq_deferred_finish": Prototype(c_int, (deferred_p,)),
    # int synq_deferred_reply(synq_deferred_t *deferred, const char *status, json_t *payload);
    "synq_deferred_reply": Prototype(c_int, (deferred_p, c_char_p, json_p)),
    # int synq_deferred_reply_text(synq_deferred_t *deferred, const char *status, const char *text,
    #                              size_t length);
    "synq_deferred_reply_text": Prototype(c_int, (deferred_p, c_char_p, c_char_p, c_size_t)),
    # int synq_deferred_reply_binary(synq_deferred_t *deferred, const char *status, const void *bytes,
    #                                size_t length);
    "synq_deferred_reply_binary": Prototype(c_int, (deferred_p, c_char_p, c_char_p, c_size_t)),
    # int synq_deferred_reply_error(synq_deferred_t *deferred, const char *code, const char *message,
    #                               json_t *details);
    "synq_deferred_reply_error": Prototype(c_int, (deferred_p, c_char_p, c_char_p, json_p)),
    # int synq_deferred_reply_error_text(synq_deferred_t *deferred, const char *code, const char *message,
    #                                    const char *details, size_t length);
    "synq_deferred_reply_error_text": Prototype(c_int, (deferred_p, c_char_p, c_char_p, c_char_p, c_size_t)),
    # int synq_deferred_crash(synq_deferred_t *deferred, const char *cause);
    "synq_deferred_crash": Prototype(c_int, (deferred_p, c_char_p)),
    # int synq_deferred_is_open(const synq_deferred_t *deferred);
    "synq_deferred_is_open": Prototype(c_int, (deferred_p,)),
    # -- Sockets: messages between channels
    # int synq_socket_update(synq_socket_t *socket, synq_update_fn update, void *user,
    #                        synq_update_done_fn done);
    "synq_socket_update": Prototype(c_int, (socket_p, update_fn, user_p, update_done_fn)),
    # int synq_socket_send(synq_socket_t *socket, const char *message, json_t *payload);
    "synq_socket_send": Prototype(c_int, (socket_p, c_char_p, json_p)),
    # int synq_socket_send_text(synq_socket_t *socket, const char *message, const char *text, size_t length);
    "synq_socket_send_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_send_after(synq_socket_t *socket, uint32_t delay_ms, const char *message,
    #                            json_t *payload);
    "synq_socket_send_after": Prototype(c_int, (socket_p, c_uint32, c_char_p, json_p)),
    # int synq_socket_send_after_text(synq_socket_t *socket, uint32_t delay_ms, const char *message,
    #                                 const char *text, size_t length);
    "synq_socket_send_after_text": Prototype(c_int, (socket_p, c_uint32, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_start_timer(synq_socket_t *socket, uint32_t delay_ms, const char *message,
    #                             json_t *payload, uint64_t *timer);
    "synq_socket_start_timer": Prototype(c_int, (socket_p, c_uint32, c_char_p, json_p, POINTER(c_uint64))),
    # int synq_socket_start_timer_text(synq_socket_t *socket, uint32_t delay_ms, const char *message,
    #                                  const char *text, size_t length, uint64_t *timer);
    "synq_socket_start_timer_text": Prototype(
        c_int, (socket_p, c_uint32, c_char_p, c_char_p, c_size_t, POINTER(c_uint64))
    ),
    # int synq_socket_cancel_timer(synq_socket_t *socket, uint64_t timer);
    "synq_socket_cancel_timer": Prototype(c_int, (socket_p, c_uint64)),
    # int synq_socket_broadcast(synq_socket_t *socket, const char *event, json_t *payload);
    "synq_socket_broadcast": Prototype(c_int, (socket_p, c_char_p, json_p)),
    # int synq_socket_broadcast_text(synq_socket_t *socket, const char *event, const char *text,
    #                                size_t length);
    "synq_socket_broadcast_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_broadcast_binary(synq_socket_t *socket, const char *event, const void *bytes,
    #                                  size_t length);
    "synq_socket_broadcast_binary": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_broadcast_from(synq_socket_t *socket, const char *event, json_t *payload);
    "synq_socket_broadcast_from": Prototype(c_int, (socket_p, c_char_p, json_p)),
    # int synq_socket_broadcast_from_text(synq_socket_t *socket, const char *event, const char *text,
    #                                     size_t length);
    "synq_socket_broadcast_from_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_broadcast_from_binary(synq_socket_t *socket, const char *event, const void *bytes,
    #                                       size_t length);
    "synq_socket_broadcast_from_binary": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_publish(synq_socket_t *socket, const char *message, json_t *payload);
    "synq_socket_publish": Prototype(c_int, (socket_p, c_char_p, json_p)),
    # int synq_socket_publish_text(synq_socket_t *socket, const char *message, const char *text,
    #                              size_t length);
    "synq_socket_publish_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_publish_from(synq_socket_t *socket, const char *message, json_t *payload);
    "synq_socket_publish_from": Prototype(c_int, (socket_p, c_char_p, json_p)),
    # int synq_socket_publish_from_text(synq_socket_t *socket, const char *message, const char *text,
    #                                   size_t length);
    "synq_socket_publish_from_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_publish_latest(synq_socket_t *socket, const char *message, const char *key,
    #                                json_t *payload);
    "synq_socket_publish_latest": Prototype(c_int, (socket_p, c_char_p, c_char_p, json_p)),
    # int synq_socket_publish_latest_text(synq_socket_t *socket, const char *message, const char *key,
    #                                     const char *text, size_t length);
    "synq_socket_publish_latest_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_char_p, c_size_t)),
    # int synq_socket_subscribe(synq_socket_t *socket, const char *topic);
    "synq_socket_subscribe": Prototype(c_int, (socket_p, c_char_p)),
    # int synq_socket_unsubscribe(synq_socket_t *socket, const char *topic);
    "synq_socket_unsubscribe": Prototype(c_int, (socket_p, c_char_p)),
    # -- Presence
    # int synq_presence_track(synq_socket_t *socket, const char *key, json_t *meta, char *ref);
    "synq_presence_track": Prototype(c_int, (socket_p, c_char_p, json_p, c_char_p)),
    # int synq_presence_track_text(synq_socket_t *socket, const char *key, const char *text, size_t length,
    #                              char *ref);
    "synq_presence_track_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t, c_char_p)),
    # int synq_presence_update(synq_socket_t *socket, const char *key, json_t *meta, char *ref);
    "synq_presence_update": Prototype(c_int, (socket_p, c_char_p, json_p, c_char_p)),
    # int synq_presence_update_text(synq_socket_t *socket, const char *key, const char *text, size_t length,
    #                               char *ref);
    "synq_presence_update_text": Prototype(c_int, (socket_p, c_char_p, c_char_p, c_size_t, c_char_p)),
    # int synq_presence_untrack(synq_socket_t *socket, const char *key);
    "synq_presence_untrack": Prototype(c_int, (socket_p, c_char_p)),
    # int synq_presence_show(synq_socket_t *socket);
    "synq_presence_show": Prototype(c_int, (socket_p,)),
    # int synq_presence_list(synq_socket_t *socket, json_t **out);
    "synq_presence_list": Prototype(c_int, (socket_p, POINTER(json_p))),
    # int synq_presence_list_text(synq_socket_t *socket, char **out, size_t *length);
    "synq_presence_list_text": Prototype(c_int, (socket_p, text_out, size_out)),
    # int synq_presence_get(synq_socket_t *socket, const char *key, json_t **out);
    "synq_presence_get": Prototype(c_int, (socket_p, c_char_p, POINTER(json_p))),
    # int synq_presence_get_text(synq_socket_t *socket, const char *key, char **out, size_t *length);
    "synq_presence_get_text": Prototype(c_int, (socket_p, c_char_p, text_out, size_out)),
    # int synq_server_presence_list(synq_server_t *server, const char *topic, json_t **out);
    "synq_server_presence_list": Prototype(c_int, (server_p, c_char_p, POINTER(json_p)), waits=True),
    # int synq_server_presence_list_text(synq_server_t *server, const char *topic, char **out,
    #                                    size_t *length);
    "synq_server_presence_list_text": Prototype(c_int, (server_p, c_char_p, text_out, size_out), waits=True),
    # int synq_server_presence_get(synq_server_t *server, const char *topic, const char *key, json_t **out);
    "synq_server_presence_get": Prototype(c_int, (server_p, c_char_p, c_char_p, POINTER(json_p)), waits=True),
    # int synq_server_presence_get_text(synq_server_t *server, const char *topic, const char *key, char **out,
    #                                   size_t *length);
    "synq_server_presence_get_text": Prototype(
        c_int, (server_p, c_char_p, c_char_p, text_out, size_out), waits=True
    ),
    # int synq_fetch_finish(synq_fetch_t *fetch, json_t *additions);
    "synq_fetch_finish": Prototype(c_int, (fetch_p, json_p)),
    # int synq_fetch_finish_text(synq_fetch_t *fetch, const char *text, size_t length);
    "synq_fetch_finish_text": Prototype(c_int, (fetch_p, c_char_p, c_size_t)),
    # int synq_fetch_fail(synq_fetch_t *fetch, const char *cause);
    "synq_fetch_fail": Prototype(c_int, (fetch_p, c_char_p)),
    # -- The patch engine alone
    # int synq_patch_diff(const json_t *from, const json_t *to, json_t **out);
    "synq_patch_diff": Prototype(c_int, (json_p, json_p, POINTER(json_p)), waits=True),
    # int synq_patch_diff_text(const char *from, size_t from_length, const char *to, size_t to_length,
    #                          char **out, size_t *out_length);
    "synq_patch_diff_text": Prototype(
        c_int, (c_char_p, c_size_t, c_char_p, c_size_t, text_out, size_out), waits=True
    ),
    # int synq_patch_apply(const json_t *document, const json_t *patch, json_t **out);
    "synq_patch_apply": Prototype(c_int, (json_p, json_p, POINTER(json_p)), waits=True),
    # int synq_patch_apply_text(const char *document, size_t document_length, const char *patch,
    #                           size_t patch_length, char **out, size_t *out_length);
    "synq_patch_apply_text": Prototype(
        c_int, (c_char_p, c_size_t, c_char_p, c_size_t, text_out, size_out), waits=True
    ),
    # void synq_free(void *memory);
    "synq_free": Prototype(None, (c_void_p,)),
}
