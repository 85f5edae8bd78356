#include "channels.h"

#include <stdbool.h>
#include <string.h>

enum { KEPT = 20 };

/* The value at the pointer, or null. */
static json_t *part(const synq_value_t *value, const char *pointer) {
  json_t *json = NULL;
  return synq_value_get_json(value, pointer, &json) == SYNQ_OK ? json : json_null();
}

static int init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)user;
  int result;
  if ((result = synq_socket_assign(socket, "room", json_string(strchr(topic, ':') + 1))) != SYNQ_OK ||
      (result = synq_socket_assign(socket, "user", part(params, "/user"))) != SYNQ_OK ||
      (result = synq_socket_assign(socket, "topic", json_string(topic))) != SYNQ_OK)
    return result;
  return synq_socket_assign(socket, "messages", json_array());
}

static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)user;
  if (strcmp(event, "say") != 0) return SYNQ_CRASH;
  json_t *message = json_pack("{s:o, s:o, s:o}", "id", part(payload, "/id"), "from",
                              part(synq_socket_all_assigns(socket), "/user"), "text", part(payload, "/text"));
  return synq_socket_publish(socket, "said", message);
}

/* Runs for each member: what is only passed on is not converted. */
static int handle_message(synq_socket_t *socket, const char *topic, const char *message, const synq_value_t *payload,
                          void *user) {
  (void)topic, (void)message, (void)user;
  int result = synq_socket_insert_value(socket, "/messages/0", payload, "");
  if (result != SYNQ_OK) return result;
  bool is_full = synq_value_size(synq_socket_all_assigns(socket), "/messages") > KEPT;
  return is_full ? synq_socket_remove(socket, "/messages/20") : SYNQ_OK;
}

synq_channel_options_t room_channel(void) {
  static const char *const track[] = {"room", "user", "topic", "messages", NULL};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.track = track;
  channel.init = init;
  channel.handle_event = handle_event;
  channel.handle_message = handle_message;
  return channel;
}
