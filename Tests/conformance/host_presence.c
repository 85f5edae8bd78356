/* presence:* and presencef:*: who is here, as Phoenix.Presence has it; presencef:* adds to each key what `fetch` finds. */
#include "host.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The key that a value names: a string, or any other value as its text; "" when there is none. */
static char *key_of(const synq_value_t *value, const char *pointer) {
  const char *text;
  if (synq_value_get_string(value, pointer, &text, NULL) == SYNQ_OK) return strdup(text);
  return strdup(synq_value_get_text(value, pointer, &text, NULL) == SYNQ_OK ? text : "");
}

static const char *meta_of(const synq_value_t *value, const char *pointer, const char *otherwise) {
  const char *text;
  return synq_value_get_text(value, pointer, &text, NULL) == SYNQ_OK ? text : otherwise;
}

/* The params are needed again: the message to itself carries them. */
static int authorize(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)user;
  char *key = key_of(params, "/user");
  if (key == NULL) return SYNQ_ENOMEM;
  int result = synq_socket_set_data(socket, key, free);
  if (result != SYNQ_OK) return result;
  return synq_socket_send_text(socket, "after_join", meta_of(params, "/meta", "{\"status\":\"online\"}"),
                               SYNQ_NUL_TERMINATED);
}

static int handle_message(synq_socket_t *socket, const char *topic, const char *message, const synq_value_t *payload,
                          void *user) {
  (void)topic, (void)message, (void)user;
  return synq_presence_track_text(socket, synq_socket_data(socket), meta_of(payload, "", "{}"), SYNQ_NUL_TERMINATED,
                                  NULL);
}

static int reply(synq_socket_t *socket, const char *status, const char *name, const char *value) {
  char *text = host_format("{\"%s\":\"%s\"}", name, value);
  int result = text == NULL ? SYNQ_ENOMEM : synq_socket_reply_text(socket, status, text, SYNQ_NUL_TERMINATED);
  free(text);
  return result;
}

/* What track and update answer. */
static int reply_ref(synq_socket_t *socket, int result, const char *ref) {
  if (result == SYNQ_OK) return reply(socket, "ok", "ref", ref);
  if (result == SYNQ_ENOTFOUND) return reply(socket, "error", "reason", "nopresence");
  if (result == SYNQ_ESTATE) return reply(socket, "error", "reason", "already_tracked");
  return result;
}

static int reply_list(synq_socket_t *socket) {
  char *list;
  int result = synq_presence_list_text(socket, &list, NULL);
  if (result != SYNQ_OK) return result;
  result = synq_socket_reply_text(socket, "ok", list, SYNQ_NUL_TERMINATED);
  synq_free(list);
  return result;
}

static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  char ref[SYNQ_PRESENCE_REF_BYTES];
  const char *key = synq_socket_data(socket);
  (void)user;
  if (strcmp(event, "update") == 0) {
    int result = synq_presence_update_text(socket, key, meta_of(payload, "", "{}"), SYNQ_NUL_TERMINATED, ref);
    return reply_ref(socket, result, ref);
  }
  if (strcmp(event, "track") == 0) {
    char *other = key_of(payload, "/user");
    if (other == NULL) return SYNQ_ENOMEM;
    int result = synq_presence_track_text(socket, other, meta_of(payload, "/meta", "{}"), SYNQ_NUL_TERMINATED, ref);
    free(other);
    return reply_ref(socket, result, ref);
  }
  if (strcmp(event, "untrack") == 0) {
    int result = synq_presence_untrack(socket, key);
    return result == SYNQ_ENOTFOUND ? SYNQ_OK : result;
  }
  if (strcmp(event, "list") == 0) return reply_list(socket);
  if (strcmp(event, "stop") == 0) return synq_socket_stop(socket, "normal");
  return synq_crash("an event that the recorded channel fails on");
}

/* Each key gets its name in capitals. */
static int fetch(synq_fetch_t *fetch, const char *topic, const synq_value_t *presences, void *user) {
  json_t *keys, *metas, *additions = json_object();
  const char *key;
  (void)topic, (void)user;
  if (synq_value_get_json(presences, "", &keys) != SYNQ_OK) keys = NULL;
  json_object_foreach(keys, key, metas) {
    char *name = strdup(key);
    for (char *at = name; at != NULL && *at != '\0'; at++) *at = (char)toupper((unsigned char)*at);
    json_object_set_new(additions, key, json_pack("{s:{s:s}}", "user", "name", name));
    free(name);
  }
  json_decref(keys);
  return synq_fetch_finish(fetch, additions);
}

int host_add_presence(synq_server_t *server) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.authorize = authorize;
  channel.handle_event = handle_event;
  channel.handle_message = handle_message;
  int result = synq_server_channel(server, "presence:*", &channel);
  channel.fetch_presence = fetch;
  return result != SYNQ_OK ? result : synq_server_channel(server, "presencef:*", &channel);
}
