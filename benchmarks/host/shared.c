#include "channels.h"

#include <stdbool.h>
#include <string.h>

enum { KEPT = 20 };

static int open_topic(synq_socket_t *socket, const char *topic, void *user) {
  (void)user;
  int result = synq_socket_assign(socket, "room", json_string(strchr(topic, ':') + 1));
  if (result == SYNQ_OK) result = synq_socket_assign(socket, "topic", json_string(topic));
  return result == SYNQ_OK ? synq_socket_assign(socket, "messages", json_array()) : result;
}

/* Runs once, whoever many are in the room. */
static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)user;
  if (strcmp(event, "say") != 0) return SYNQ_CRASH;
  int result = synq_socket_insert_value(socket, "/messages/0", payload, "");
  if (result != SYNQ_OK) return result;
  bool is_full = synq_value_size(synq_socket_all_assigns(socket), "/messages") > KEPT;
  return is_full ? synq_socket_remove(socket, "/messages/20") : SYNQ_OK;
}

synq_channel_options_t shared_channel(void) {
  static const char *const names[] = {"room", "topic", "messages", NULL};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.track = names;
  channel.shared = names;
  channel.open_topic = open_topic;
  channel.handle_event = handle_event;
  return channel;
}
