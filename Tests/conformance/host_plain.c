/* plain:* and exact: channels without a state, as any Phoenix application has them. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is(const char *text, const char *other) {
  return strcmp(text, other) == 0;
}

static int reply(synq_socket_t *socket, const char *status, const char *text) {
  return synq_socket_reply_text(socket, status, text, SYNQ_NUL_TERMINATED);
}

/* Replies with a text that it frees; NULL, for a payload that has no text, is a failure. */
static int reply_made(synq_socket_t *socket, const char *status, char *text) {
  int result = text == NULL ? SYNQ_CRASH : reply(socket, status, text);
  free(text);
  return result;
}

/* The topic says how joining it goes. */
static int authorize(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  const char *kind = strchr(topic, ':');
  (void)user;
  if (kind == NULL) return SYNQ_OK;
  kind++;
  if (is(kind, "refuse_map") || is(kind, "refuse_string")) {
    int result = reply(socket, "error", is(kind, "refuse_map") ? "{\"reason\":\"unauthorized\"}" : "\"unauthorized\"");
    return result != SYNQ_OK ? result : SYNQ_REFUSE;
  }
  if (is(kind, "with_reply")) return reply_made(socket, "ok", host_wrap("{\"hello\":\"you\",\"got\":", params, "}"));
  if (is(kind, "binary_reply")) return synq_socket_reply_binary(socket, "ok", "\1\2\3", 3);
  if (is(kind, "raise") || is(kind, "exit") || is(kind, "bad_return")) return SYNQ_CRASH;
  if (is(kind, "slow")) {
    synq_deferred_t *deferred;
    int result = synq_socket_defer(socket, SYNQ_DEFER_IN_ORDER, &deferred);
    return result != SYNQ_OK ? result : host_reply_later(deferred, 300, "ok", "{}");
  }
  return SYNQ_OK;
}

/* ------------------------------------------------------------------------------- events, by the first word of the name */

static int handle_reply(synq_socket_t *socket, const char *event, const synq_value_t *payload) {
  if (is(event, "reply_ok")) return reply(socket, "ok", "{}");
  if (is(event, "reply_error")) return reply(socket, "error", "{}");
  if (is(event, "reply_other")) return reply(socket, "maybe", "{\"a\":1}");
  if (is(event, "reply_ok_map")) return reply_made(socket, "ok", host_wrap("{\"echo\":", payload, "}"));
  if (is(event, "reply_ok_list")) return reply_made(socket, "ok", host_wrap("[1,", payload, "]"));
  if (is(event, "reply_ok_string")) return reply(socket, "ok", "\"str\"");
  if (is(event, "reply_ok_nil")) return reply(socket, "ok", "null");
  if (is(event, "reply_error_map")) {
    return reply_made(socket, "error", host_wrap("{\"reason\":\"bad\",\"echo\":", payload, "}"));
  }
  if (is(event, "reply_binary")) return synq_socket_reply_binary(socket, "ok", "\0\1\2\377", 4);
  if (is(event, "reply_error_binary")) return synq_socket_reply_binary(socket, "error", "err", 3);
  return SYNQ_CRASH;
}

static int handle_push(synq_socket_t *socket, const char *event, const synq_value_t *payload) {
  if (is(event, "push_binary")) return synq_socket_push_binary(socket, "bin", "\11\10\7", 3);
  if (is(event, "push_text")) {
    char *text = host_wrap("{\"p\":", payload, "}");
    int result = text == NULL ? SYNQ_CRASH : synq_socket_push_text(socket, "pushed", text, SYNQ_NUL_TERMINATED);
    free(text);
    return result;
  }
  if (is(event, "push_then_reply")) {
    int result = synq_socket_push_text(socket, "before", "{\"n\":1}", SYNQ_NUL_TERMINATED);
    return result != SYNQ_OK ? result : reply(socket, "ok", "{\"n\":2}");
  }
  return SYNQ_CRASH;
}

static int handle_broadcast(synq_server_t *server, synq_socket_t *socket, const char *event,
                            const synq_value_t *payload) {
  if (is(event, "broadcast_binary")) return synq_socket_broadcast_binary(socket, "bcb", "\7\7", 2);
  if (is(event, "endpoint_broadcast_to")) {
    const char *topic = host_string(payload, "/topic"), *name = host_string(payload, "/event"), *text;
    int result = synq_value_get_text(payload, "/payload", &text, NULL);
    if (result == SYNQ_OK) result = synq_server_broadcast_text(server, topic, name, text, SYNQ_NUL_TERMINATED);
    /* Phoenix's sockets listen on their id for this event; here disconnecting is a call of its own. */
    if (result == SYNQ_OK && is(name, "disconnect")) result = synq_server_disconnect(server, topic);
    return result;
  }
  char *text = host_wrap("{\"p\":", payload, "}");
  int result = SYNQ_CRASH;
  if (text == NULL) return result;
  if (is(event, "broadcast")) result = synq_socket_broadcast_text(socket, "bc", text, SYNQ_NUL_TERMINATED);
  if (is(event, "broadcast_from")) result = synq_socket_broadcast_from_text(socket, "bcf", text, SYNQ_NUL_TERMINATED);
  if (is(event, "broadcast_intercepted")) {
    result = synq_socket_broadcast_text(socket, "shout", text, SYNQ_NUL_TERMINATED);
  }
  if (is(event, "endpoint_broadcast")) {
    result = synq_server_broadcast_text(server, synq_socket_topic(socket), "ep_bc", text, SYNQ_NUL_TERMINATED);
  }
  free(text);
  return result;
}

/* stop_normal, stop_shutdown, stop_shutdown_tuple and stop_other, each also with the ending _reply. */
static int handle_stop(synq_socket_t *socket, const char *event) {
  const char *reason = event + strlen("stop_");
  const char *ending = strstr(reason, "_reply");
  int result = ending == NULL ? SYNQ_OK : reply(socket, "ok", "{\"bye\":true}");
  if (result != SYNQ_OK) return result;
  if (strncmp(reason, "shutdown_tuple", strlen("shutdown_tuple")) == 0) {
    return synq_socket_stop(socket, "shutdown:because");
  }
  if (strncmp(reason, "shutdown", strlen("shutdown")) == 0) return synq_socket_stop(socket, "shutdown");
  return synq_socket_stop(socket, strncmp(reason, "normal", strlen("normal")) == 0 ? "normal" : "other");
}

/* Events on the bytes of a binary message; with anything else they say so. */
static int handle_binary(synq_socket_t *socket, const char *event, const synq_value_t *payload) {
  const void *bytes;
  size_t length;
  if (synq_value_get_bytes(payload, &bytes, &length) != SYNQ_OK) {
    return reply_made(socket, "error", host_wrap("{\"not_binary\":", payload, "}"));
  }
  if (is(event, "echo_binary")) return synq_socket_reply_binary(socket, "ok", bytes, length);
  return reply_made(socket, "ok", host_format("{\"size\":%zu}", length));
}

/* Whatever it does not know (raise, throw, exit_normal, bad_return and so on) fails, as it did in the recordings. */
static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *server) {
  if (is(event, "noreply")) return SYNQ_OK;
  if (strncmp(event, "reply_", 6) == 0) return handle_reply(socket, event, payload);
  if (strncmp(event, "push_", 5) == 0) return handle_push(socket, event, payload);
  if (strncmp(event, "stop_", 5) == 0) return handle_stop(socket, event);
  if (is(event, "echo_binary") || is(event, "size_of")) return handle_binary(socket, event, payload);
  if (strncmp(event, "broadcast", 9) == 0 || strncmp(event, "endpoint_broadcast", 18) == 0) {
    return handle_broadcast(server, socket, event, payload);
  }
  if (is(event, "async_reply")) {
    synq_deferred_t *deferred;
    int result = synq_socket_defer(socket, SYNQ_DEFER_DETACHED, &deferred);
    return result != SYNQ_OK ? result : host_reply_later(deferred, 50, "ok", "{\"later\":true}");
  }
  if (is(event, "disconnect_me")) {
    const char *id = synq_socket_id(socket);
    return id == NULL ? SYNQ_CRASH : synq_server_disconnect(server, id);
  }
  return SYNQ_CRASH;
}

/* The intercepted broadcast comes here, and goes on under another name. */
static int handle_message(synq_socket_t *socket, const char *topic, const char *message, const synq_value_t *payload,
                          void *user) {
  const char *p;
  (void)topic, (void)user;
  if (!is(message, "shout")) return SYNQ_OK;
  int result = synq_value_get_text(payload, "/p", &p, NULL);
  if (result != SYNQ_OK) return result;
  char *text = host_format("{\"intercepted\":true,\"p\":%s}", p);
  result = text == NULL ? SYNQ_ENOMEM : synq_socket_push_text(socket, "shout_intercepted", text, SYNQ_NUL_TERMINATED);
  free(text);
  return result;
}

int host_add_plain(synq_server_t *server) {
  static const char *const intercept[] = {"shout", NULL};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.authorize = authorize;
  channel.handle_event = handle_event;
  channel.handle_message = handle_message;
  channel.intercept = intercept;
  channel.user = server;
  int result = synq_server_channel(server, "plain:*", &channel);
  return result != SYNQ_OK ? result : synq_server_channel(server, "exact", &channel);
}
