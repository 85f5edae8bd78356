/* Every function of synq.h that can fail, with the arguments that it takes: what test_errors.c gives wrong ones, one at
 * a time. X(id, function, arguments that may be wrong, call). */
#ifndef FUNCTIONS_H
#define FUNCTIONS_H

#include "test.h"

/* What a function is called with. */
typedef struct arguments {
  void *handle; /* a server, socket, connection, deferred or value */
  const char *name, *pointer, *text;
  size_t length; /* of `text` and `bytes` */
  const void *bytes;
  int has_json;
  const json_t *borrowed;
  const synq_value_t *value;
  void *out;
} arguments_t;

enum {
  HANDLE = 1 << 0,
  NAME = 1 << 1, /* not NULL, not empty, UTF-8 */
  STRING = 1 << 2, /* not NULL, UTF-8 */
  POINTER = 1 << 3, /* a JSON Pointer to something */
  EDIT = 1 << 4, /* likewise, into an assign */
  TEXT = 1 << 5, /* JSON text */
  LENGTH = 1 << 6, /* text that need not be JSON */
  BYTES = 1 << 7,
  JSON = 1 << 8, /* a json_t that is stolen */
  BORROWED = 1 << 9, /* one that is not */
  VALUE = 1 << 10,
  OUT = 1 << 11,
  INSIDE = 1 << 12, /* only inside a callback: else SYNQ_ESTATE */
  LENT = 1 << 13 /* gives NULL when it fails, and no code */
};

#define STOLEN (a->has_json ? json_object() : NULL)

#define SERVER_FUNCTIONS(X) \
  X(server_channel, synq_server_channel, HANDLE | NAME, (a->handle, a->name, &channel_options)) \
  X(server_channel_options, synq_server_channel, OUT, (a->handle, "a", a->out)) \
  X(server_mount, synq_server_mount, HANDLE | NAME, (a->handle, a->name, NULL)) \
  X(server_static, synq_server_static, HANDLE | NAME, (a->handle, a->name, ".")) \
  X(server_static_directory, synq_server_static, NAME, (a->handle, "/", a->name)) \
  X(server_start, synq_server_start, HANDLE, (a->handle)) \
  X(server_start_links, synq_server_start_links, HANDLE, (a->handle)) \
  X(link_open, synq_link_open, HANDLE | OUT, (a->handle, &link_request, &link_options, a->out)) \
  X(server_port, synq_server_port, HANDLE, (a->handle)) \
  X(server_run, synq_server_run, HANDLE, (a->handle)) \
  X(server_poll, synq_server_poll, HANDLE, (a->handle, 0, 0)) \
  X(server_fd, synq_server_fd, HANDLE, (a->handle)) \
  X(server_stop, synq_server_stop, HANDLE, (a->handle, 0)) \
  X(server_wait, synq_server_wait, HANDLE, (a->handle, 0)) \
  X(server_broadcast, synq_server_broadcast, HANDLE | NAME | JSON, (a->handle, "t", a->name, STOLEN)) \
  X(server_broadcast_text, synq_server_broadcast_text, HANDLE | NAME | TEXT, \
    (a->handle, "t", a->name, a->text, a->length)) \
  X(server_broadcast_topic, synq_server_broadcast_text, NAME, (a->handle, a->name, "e", a->text, a->length)) \
  X(server_broadcast_binary, synq_server_broadcast_binary, HANDLE | NAME | BYTES, \
    (a->handle, "t", a->name, a->bytes, a->length)) \
  X(server_publish, synq_server_publish, HANDLE | NAME | JSON, (a->handle, "t", a->name, STOLEN)) \
  X(server_presence_list, synq_server_presence_list, HANDLE | NAME | OUT, (a->handle, a->name, a->out)) \
  X(server_presence_list_text, synq_server_presence_list_text, HANDLE | NAME | OUT, \
    (a->handle, a->name, a->out, NULL)) \
  X(server_presence_get, synq_server_presence_get, HANDLE | NAME | OUT, (a->handle, a->name, "k", a->out)) \
  X(server_presence_get_key, synq_server_presence_get, STRING, (a->handle, "t", a->name, a->out)) \
  X(server_presence_get_text, synq_server_presence_get_text, HANDLE | NAME | OUT, \
    (a->handle, a->name, "k", a->out, NULL)) \
  X(server_publish_text, synq_server_publish_text, HANDLE | NAME | TEXT, \
    (a->handle, "t", a->name, a->text, a->length)) \
  X(server_publish_latest, synq_server_publish_latest, HANDLE | NAME | JSON, (a->handle, "t", a->name, "k", STOLEN)) \
  X(server_publish_latest_text, synq_server_publish_latest_text, HANDLE | NAME | TEXT, \
    (a->handle, "t", a->name, "k", a->text, a->length)) \
  X(server_publish_latest_key, synq_server_publish_latest_text, NAME, \
    (a->handle, "t", "m", a->name, a->text, a->length)) \
  X(server_publish_topic, synq_server_publish_text, NAME, (a->handle, a->name, "e", a->text, a->length)) \
  X(server_disconnect, synq_server_disconnect, HANDLE | NAME, (a->handle, a->name)) \
  X(server_reload_tls, synq_server_reload_tls, HANDLE, (a->handle)) \
  X(server_update, synq_server_update, HANDLE | NAME, \
    (a->handle, a->name, SYNQ_UPDATE_IF_OPEN, update_nothing, NULL, NULL)) \
  X(server_update_function, synq_server_update, OUT, \
    (a->handle, "t", SYNQ_UPDATE_IF_OPEN, a->out == NULL ? NULL : update_nothing, NULL, NULL)) \
  X(server_channel_count, synq_server_channel_count, HANDLE | NAME, (a->handle, a->name)) \
  X(server_metrics_text, synq_server_metrics_text, HANDLE | OUT, (a->handle, a->out, NULL)) \
  X(server_stats, synq_server_stats, HANDLE | OUT, (a->handle, a->out == NULL ? NULL : &stats))

#define CONNECTION_FUNCTIONS(X) \
  X(connection_header, synq_connection_header, HANDLE | NAME | LENT, (a->handle, a->name)) \
  X(connection_peer, synq_connection_peer, HANDLE | LENT, (a->handle)) \
  X(connection_token, synq_connection_token, HANDLE | LENT, (a->handle)) \
  X(connection_set_id, synq_connection_set_id, HANDLE | NAME, (a->handle, a->name)) \
  X(connection_assign, synq_connection_assign, HANDLE | NAME | JSON, (a->handle, a->name, STOLEN)) \
  X(connection_assign_text, synq_connection_assign_text, HANDLE | NAME | TEXT, \
    (a->handle, a->name, a->text, a->length)) \
  X(connection_set_data, synq_connection_set_data, HANDLE, (a->handle, NULL, NULL)) \
  X(connection_refuse, synq_connection_refuse, HANDLE, (a->handle, 403, NULL)) \
  X(connection_link_user, synq_connection_link_user, HANDLE | LENT, (a->handle)) \
  X(connection_defer, synq_connection_defer, HANDLE, (a->handle)) \
  X(connection_finish, synq_connection_finish, HANDLE, (a->handle, 0))

#define SOCKET_FUNCTIONS(X) \
  X(socket_topic, synq_socket_topic, HANDLE | LENT, (a->handle)) \
  X(socket_join_ref, synq_socket_join_ref, HANDLE | LENT, (a->handle)) \
  X(socket_id, synq_socket_id, HANDLE | LENT, (a->handle)) \
  X(socket_peer, synq_socket_peer, HANDLE | LENT, (a->handle)) \
  X(socket_header, synq_socket_header, HANDLE | NAME | LENT, (a->handle, a->name)) \
  X(socket_params, synq_socket_params, HANDLE | LENT | INSIDE, (a->handle)) \
  X(socket_data, synq_socket_data, HANDLE | LENT, (a->handle)) \
  X(socket_connection_data, synq_socket_connection_data, HANDLE | LENT, (a->handle)) \
  X(socket_set_data, synq_socket_set_data, HANDLE, (a->handle, NULL, NULL)) \
  X(socket_all_assigns, synq_socket_all_assigns, HANDLE | LENT | INSIDE, (a->handle)) \
  X(socket_assign, synq_socket_assign, HANDLE | NAME | JSON | INSIDE, (a->handle, a->name, STOLEN)) \
  X(socket_assign_text, synq_socket_assign_text, HANDLE | NAME | TEXT | INSIDE, \
    (a->handle, a->name, a->text, a->length)) \
  X(socket_set, synq_socket_set, HANDLE | EDIT | JSON | INSIDE, (a->handle, a->pointer, STOLEN)) \
  X(socket_set_text, synq_socket_set_text, HANDLE | EDIT | TEXT | INSIDE, (a->handle, a->pointer, a->text, a->length)) \
  X(socket_set_int, synq_socket_set_int, HANDLE | EDIT | INSIDE, (a->handle, a->pointer, 1)) \
  X(socket_set_real, synq_socket_set_real, HANDLE | EDIT | INSIDE, (a->handle, a->pointer, 1.5)) \
  X(socket_set_bool, synq_socket_set_bool, HANDLE | EDIT | INSIDE, (a->handle, a->pointer, 1)) \
  X(socket_set_string, synq_socket_set_string, HANDLE | EDIT | LENGTH | INSIDE, \
    (a->handle, a->pointer, a->text, a->length)) \
  X(socket_merge, synq_socket_merge, HANDLE | POINTER | JSON | INSIDE, (a->handle, a->pointer, STOLEN)) \
  X(socket_merge_text, synq_socket_merge_text, HANDLE | POINTER | TEXT | INSIDE, \
    (a->handle, a->pointer, a->text, a->length)) \
  X(socket_patch, synq_socket_patch, HANDLE | POINTER | JSON | INSIDE, (a->handle, a->pointer, STOLEN)) \
  X(socket_patch_text, synq_socket_patch_text, HANDLE | POINTER | TEXT | INSIDE, \
    (a->handle, a->pointer, a->text, a->length)) \
  X(socket_insert, synq_socket_insert, HANDLE | EDIT | JSON | INSIDE, (a->handle, a->pointer, STOLEN)) \
  X(socket_insert_text, synq_socket_insert_text, HANDLE | EDIT | TEXT | INSIDE, \
    (a->handle, a->pointer, a->text, a->length)) \
  X(socket_append, synq_socket_append, HANDLE | EDIT | JSON | INSIDE, (a->handle, a->pointer, STOLEN)) \
  X(socket_append_text, synq_socket_append_text, HANDLE | EDIT | TEXT | INSIDE, \
    (a->handle, a->pointer, a->text, a->length)) \
  X(socket_set_value, synq_socket_set_value, HANDLE | EDIT | VALUE | INSIDE, (a->handle, a->pointer, a->value, "")) \
  X(socket_insert_value, synq_socket_insert_value, HANDLE | EDIT | VALUE | INSIDE, \
    (a->handle, a->pointer, a->value, "")) \
  X(socket_append_value, synq_socket_append_value, HANDLE | EDIT | VALUE | INSIDE, \
    (a->handle, a->pointer, a->value, "")) \
  X(socket_remove, synq_socket_remove, HANDLE | EDIT | INSIDE, (a->handle, a->pointer)) \
  X(socket_increment, synq_socket_increment, HANDLE | EDIT | INSIDE, (a->handle, a->pointer, 1, NULL)) \
  X(socket_push, synq_socket_push, HANDLE | NAME | JSON, (a->handle, a->name, STOLEN)) \
  X(socket_push_text, synq_socket_push_text, HANDLE | NAME | TEXT, (a->handle, a->name, a->text, a->length)) \
  X(socket_push_binary, synq_socket_push_binary, HANDLE | NAME | BYTES, (a->handle, a->name, a->bytes, a->length)) \
  X(socket_reply, synq_socket_reply, HANDLE | NAME | JSON | INSIDE, (a->handle, a->name, STOLEN)) \
  X(socket_reply_text, synq_socket_reply_text, HANDLE | NAME | TEXT | INSIDE, \
    (a->handle, a->name, a->text, a->length)) \
  X(socket_reply_binary, synq_socket_reply_binary, HANDLE | NAME | BYTES | INSIDE, \
    (a->handle, a->name, a->bytes, a->length)) \
  X(socket_reply_error, synq_socket_reply_error, HANDLE | NAME | INSIDE, (a->handle, a->name, NULL, NULL)) \
  X(socket_reply_error_text, synq_socket_reply_error_text, HANDLE | NAME | INSIDE, \
    (a->handle, a->name, NULL, NULL, 0)) \
  X(socket_state_message, synq_socket_state_message, HANDLE | NAME | JSON | INSIDE, (a->handle, a->name, STOLEN)) \
  X(socket_state_message_text, synq_socket_state_message_text, HANDLE | NAME | TEXT | INSIDE, \
    (a->handle, a->name, a->text, a->length)) \
  X(socket_stop, synq_socket_stop, HANDLE | NAME, (a->handle, a->name)) \
  X(socket_defer, synq_socket_defer, HANDLE | OUT | INSIDE, (a->handle, 0, a->out == NULL ? NULL : &deferred)) \
  X(socket_send, synq_socket_send, HANDLE | NAME | JSON, (a->handle, a->name, STOLEN)) \
  X(socket_send_text, synq_socket_send_text, HANDLE | NAME | TEXT, (a->handle, a->name, a->text, a->length)) \
  X(socket_send_after, synq_socket_send_after, HANDLE | NAME | JSON, (a->handle, 0, a->name, STOLEN)) \
  X(socket_send_after_text, synq_socket_send_after_text, HANDLE | NAME | TEXT, \
    (a->handle, 0, a->name, a->text, a->length)) \
  X(socket_start_timer, synq_socket_start_timer, HANDLE | NAME | JSON | OUT, \
    (a->handle, 0, a->name, STOLEN, a->out == NULL ? NULL : (uint64_t[1]){0})) \
  X(socket_start_timer_text, synq_socket_start_timer_text, HANDLE | NAME | TEXT | OUT, \
    (a->handle, 0, a->name, a->text, a->length, a->out == NULL ? NULL : (uint64_t[1]){0})) \
  X(socket_cancel_timer, synq_socket_cancel_timer, HANDLE, (a->handle, 1)) \
  X(socket_broadcast, synq_socket_broadcast, HANDLE | NAME | JSON, (a->handle, a->name, STOLEN)) \
  X(socket_broadcast_text, synq_socket_broadcast_text, HANDLE | NAME | TEXT, (a->handle, a->name, a->text, a->length)) \
  X(socket_broadcast_binary, synq_socket_broadcast_binary, HANDLE | NAME | BYTES, \
    (a->handle, a->name, a->bytes, a->length)) \
  X(socket_broadcast_from, synq_socket_broadcast_from, HANDLE | NAME | JSON, (a->handle, a->name, STOLEN)) \
  X(socket_broadcast_from_text, synq_socket_broadcast_from_text, HANDLE | NAME | TEXT, \
    (a->handle, a->name, a->text, a->length)) \
  X(socket_broadcast_from_binary, synq_socket_broadcast_from_binary, HANDLE | NAME | BYTES, \
    (a->handle, a->name, a->bytes, a->length)) \
  X(socket_publish, synq_socket_publish, HANDLE | NAME | JSON, (a->handle, a->name, STOLEN)) \
  X(socket_publish_text, synq_socket_publish_text, HANDLE | NAME | TEXT, (a->handle, a->name, a->text, a->length)) \
  X(socket_publish_latest, synq_socket_publish_latest, HANDLE | NAME | JSON, (a->handle, a->name, "k", STOLEN)) \
  X(socket_publish_latest_text, synq_socket_publish_latest_text, HANDLE | NAME | TEXT, \
    (a->handle, a->name, "k", a->text, a->length)) \
  X(socket_publish_latest_key, synq_socket_publish_latest_text, NAME, (a->handle, "m", a->name, a->text, a->length)) \
  X(socket_publish_from, synq_socket_publish_from, HANDLE | NAME | JSON, (a->handle, a->name, STOLEN)) \
  X(socket_publish_from_text, synq_socket_publish_from_text, HANDLE | NAME | TEXT, \
    (a->handle, a->name, a->text, a->length)) \
  X(socket_subscribe, synq_socket_subscribe, HANDLE | NAME, (a->handle, a->name)) \
  X(socket_unsubscribe, synq_socket_unsubscribe, HANDLE | NAME, (a->handle, a->name)) \
  X(socket_update, synq_socket_update, HANDLE | OUT, (a->handle, a->out == NULL ? NULL : update_nothing, NULL, NULL)) \
  X(presence_track, synq_presence_track, HANDLE | STRING | JSON, (a->handle, a->name, STOLEN, NULL)) \
  X(presence_track_text, synq_presence_track_text, HANDLE | STRING | TEXT, \
    (a->handle, a->name, a->text, a->length, NULL)) \
  X(presence_update, synq_presence_update, HANDLE | STRING | JSON, (a->handle, a->name, STOLEN, NULL)) \
  X(presence_update_text, synq_presence_update_text, HANDLE | STRING | TEXT, \
    (a->handle, a->name, a->text, a->length, NULL)) \
  X(presence_untrack, synq_presence_untrack, HANDLE | STRING, (a->handle, a->name)) \
  X(presence_show, synq_presence_show, HANDLE, (a->handle)) \
  X(presence_list, synq_presence_list, HANDLE | OUT, (a->handle, a->out)) \
  X(presence_list_text, synq_presence_list_text, HANDLE | OUT, (a->handle, a->out, NULL)) \
  X(presence_get, synq_presence_get, HANDLE | STRING | OUT, (a->handle, a->name, a->out)) \
  X(presence_get_text, synq_presence_get_text, HANDLE | STRING | OUT, (a->handle, a->name, a->out, NULL))

#define FETCH_FUNCTIONS(X) \
  X(fetch_finish, synq_fetch_finish, HANDLE | JSON, (a->handle, STOLEN)) \
  X(fetch_finish_text, synq_fetch_finish_text, HANDLE | TEXT, (a->handle, a->text, a->length)) \
  X(fetch_fail, synq_fetch_fail, HANDLE | STRING, (a->handle, a->name))

#define LINK_FUNCTIONS(X) \
  X(link_receive, synq_link_receive, HANDLE | BYTES, (a->handle, 1, a->bytes, a->length)) \
  X(link_sent, synq_link_sent, HANDLE, (a->handle, 0)) \
  X(link_lost, synq_link_lost, HANDLE, (a->handle, 0))

#define DEFERRED_FUNCTIONS(X) \
  X(deferred_finish, synq_deferred_finish, HANDLE, (a->handle)) \
  X(deferred_reply, synq_deferred_reply, HANDLE | NAME | JSON, (a->handle, a->name, STOLEN)) \
  X(deferred_reply_text, synq_deferred_reply_text, HANDLE | NAME | TEXT, (a->handle, a->name, a->text, a->length)) \
  X(deferred_reply_binary, synq_deferred_reply_binary, HANDLE | NAME | BYTES, \
    (a->handle, a->name, a->bytes, a->length)) \
  X(deferred_reply_error, synq_deferred_reply_error, HANDLE | NAME, (a->handle, a->name, NULL, NULL)) \
  X(deferred_reply_error_text, synq_deferred_reply_error_text, HANDLE | NAME, (a->handle, a->name, NULL, NULL, 0)) \
  X(deferred_crash, synq_deferred_crash, HANDLE | STRING, (a->handle, a->name))

/* `out` is large enough for any of them. */
#define VALUE_FUNCTIONS(X) \
  X(value_kind, synq_value_kind, HANDLE | POINTER, (a->handle, a->pointer)) \
  X(value_size, synq_value_size, HANDLE | POINTER, (a->handle, a->pointer)) \
  X(value_get_int, synq_value_get_int, HANDLE | POINTER | OUT, (a->handle, a->pointer, a->out)) \
  X(value_get_real, synq_value_get_real, HANDLE | POINTER | OUT, (a->handle, a->pointer, a->out)) \
  X(value_get_bool, synq_value_get_bool, HANDLE | POINTER | OUT, (a->handle, a->pointer, a->out)) \
  X(value_get_string, synq_value_get_string, HANDLE | POINTER | OUT, (a->handle, a->pointer, a->out, NULL)) \
  X(value_get_text, synq_value_get_text, HANDLE | POINTER | OUT, (a->handle, a->pointer, a->out, NULL)) \
  X(value_get_json, synq_value_get_json, HANDLE | POINTER | OUT, (a->handle, a->pointer, a->out)) \
  X(value_get_bytes, synq_value_get_bytes, HANDLE | OUT, (a->handle, a->out, &size)) \
  X(value_get_bytes_length, synq_value_get_bytes, OUT, (a->handle, &pointer_out, a->out)) \
  X(value_member, synq_value_member, HANDLE | POINTER, (a->handle, a->pointer, 0, NULL, NULL, NULL)) \
  X(value_read, synq_value_read, HANDLE, (a->handle, fields, 1)) \
  X(value_diff, synq_value_diff, HANDLE | VALUE | OUT, (a->handle, a->value, a->out)) \
  X(value_diff_text, synq_value_diff_text, HANDLE | VALUE | OUT, (a->handle, a->value, a->out, NULL)) \
  X(patch_diff, synq_patch_diff, BORROWED | OUT, (a->borrowed, some_json, a->out)) \
  X(patch_diff_to, synq_patch_diff, BORROWED, (some_json, a->borrowed, a->out)) \
  X(patch_diff_text, synq_patch_diff_text, TEXT | OUT, (a->text, a->length, "{}", 2, a->out, NULL)) \
  X(patch_diff_text_to, synq_patch_diff_text, TEXT, ("{}", 2, a->text, a->length, a->out, NULL)) \
  X(patch_apply, synq_patch_apply, BORROWED | OUT, (a->borrowed, some_json, a->out)) \
  X(patch_apply_patch, synq_patch_apply, BORROWED, (some_json, a->borrowed, a->out)) \
  X(patch_apply_text, synq_patch_apply_text, TEXT | OUT, (a->text, a->length, "[]", 2, a->out, NULL)) \
  X(patch_apply_text_patch, synq_patch_apply_text, TEXT, ("{}", 2, a->text, a->length, a->out, NULL))

#endif
