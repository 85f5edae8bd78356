/* Channels about joining, initialising and pushing: auth, init and event, for clients of seance and of live_state. */
#include "host.h"

#include <string.h>

static int is(const char *text, const char *other) {
  return strcmp(text, other) == 0;
}

/* -------------------------------------------------------------- auth: {"password": "secret"}, else a refusal by `kind` */

static int auth_authorize(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  const char *kind = host_string(params, "/kind");
  (void)topic, (void)user;
  if (is(host_string(params, "/password"), "secret")) return SYNQ_OK;
  if (is(kind, "string")) return synq_socket_reply_error(socket, "unauthorized", "Go away!", NULL);
  if (is(kind, "map")) {
    return synq_socket_reply_error(socket, "forbidden", NULL,
                                   json_pack("{s:s, s:i}", "reason", "forbidden", "code", 7));
  }
  if (is(kind, "atom")) return synq_socket_reply_error(socket, "forbidden", NULL, NULL);
  return SYNQ_CRASH;
}

static int auth_init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_set_bool(socket, "/authorized", 1);
}

/* ----------------------------------------------------------------------------- init: what it gives is told by `kind` */

static const char *const init_track[] = {"via", "a", "b", "c", "n", "x", "y", NULL};

static int init_init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  const char *kind = host_string(params, "/kind");
  (void)topic, (void)user;
  if (is(kind, "socket")) return synq_socket_set_string(socket, "/via", "socket", SYNQ_NUL_TERMINATED);
  if (is(kind, "string")) return synq_socket_reply_error(socket, "init_failed", "you stink", NULL);
  if (is(kind, "map")) {
    return synq_socket_reply_error(socket, "not_found", "no such thing",
                                   json_pack("{s:s, s:i}", "reason", "no such thing", "code", 404));
  }
  /* A state that is no object: assigns have names, so a host of libsynq cannot even say it. */
  if (is(kind, "notmap")) return synq_socket_reply_error(socket, "init_failed", "the state is not an object", NULL);
  return SYNQ_CRASH;
}

/* "set" makes the payload the whole state. */
static int init_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)user;
  if (is(event, "touch")) return SYNQ_OK;
  if (!is(event, "set")) return SYNQ_CRASH;
  for (size_t i = 0; init_track[i] != NULL; i++) {
    char pointer[8] = "/";
    const char *text;
    strcat(pointer, init_track[i]);
    int result = synq_value_get_text(payload, pointer, &text, NULL);
    if (result == SYNQ_OK) {
      result = synq_socket_set_text(socket, pointer, text, SYNQ_NUL_TERMINATED);
    } else if (result == SYNQ_ENOTFOUND) {
      result = synq_socket_remove(socket, pointer);
    }
    if (result != SYNQ_OK && result != SYNQ_ENOTFOUND) return result;
  }
  return SYNQ_OK;
}

/* --------------------------------------------------------------------------- event: {n}, and events of the server */

static int event_init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_set_int(socket, "/n", 0);
}

static int event_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  const char *text = "{}";
  int result = SYNQ_OK;
  (void)user;
  if (is(event, "one")) {
    result = synq_value_get_text(payload, "", &text, NULL);
    if (result == SYNQ_OK) result = synq_socket_push_text(socket, "ev1", text, SYNQ_NUL_TERMINATED);
  } else if (is(event, "two")) {
    result = synq_socket_push(socket, "ev1", json_pack("{s:i}", "a", 1));
    if (result == SYNQ_OK) result = synq_socket_push(socket, "ev2", json_pack("{s:[i, i]}", "b", 1, 2));
  } else if (is(event, "three_tuple")) {
    result = synq_socket_push_text(socket, "ev3", text, SYNQ_NUL_TERMINATED);
  } else if (!is(event, "none")) {
    return SYNQ_CRASH;
  }
  return result != SYNQ_OK ? result : synq_socket_increment(socket, "/n", 1, NULL);
}

static int event_message(synq_socket_t *socket, const char *topic, const char *message, const synq_value_t *payload,
                         void *user) {
  (void)topic, (void)message, (void)payload, (void)user;
  return synq_socket_push(socket, "from_message", json_pack("{s:i}", "x", 1));
}

/* ------------------------------------------------------------------------------------------------------------------ */

int host_add_lifecycles(synq_server_t *server) {
  static const char *const authorized[] = {"authorized", NULL};
  static const char *const n[] = {"n", NULL};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.track = authorized;
  channel.authorize = auth_authorize;
  channel.init = auth_init;
  int result = host_add_pair(server, "sauth:*", "lauth:*", &channel);
  if (result != SYNQ_OK) return result;

  channel = (synq_channel_options_t)SYNQ_CHANNEL_OPTIONS_INIT;
  channel.track = init_track;
  channel.init = init_init;
  channel.handle_event = init_event;
  result = host_add_pair(server, "sinit:*", "linit:*", &channel);
  if (result != SYNQ_OK) return result;

  channel = (synq_channel_options_t)SYNQ_CHANNEL_OPTIONS_INIT;
  channel.track = n;
  channel.init = event_init;
  channel.handle_event = event_event;
  channel.handle_message = event_message;
  return host_add_pair(server, "sevent:*", "levent:*", &channel);
}
