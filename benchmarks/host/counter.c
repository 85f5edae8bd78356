#include "channels.h"

#include <string.h>

static int init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_set_int(socket, "/count", 0);
}

static int set(synq_socket_t *socket, const synq_value_t *payload) {
  const char *text;
  size_t length;
  int result = synq_value_get_text(payload, "/count", &text, &length);
  return result == SYNQ_OK ? synq_socket_set_text(socket, "/count", text, length) : result;
}

/* Other events (`raise`, `bad_return`, `exit_normal`, `exit_shutdown`) fail, and the channel with them. */
static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)user;
  if (strcmp(event, "inc") == 0) return synq_socket_increment(socket, "/count", 1, NULL);
  if (strcmp(event, "same") == 0) return SYNQ_OK;
  if (strcmp(event, "set") == 0) return set(socket, payload);
  return SYNQ_CRASH;
}

synq_channel_options_t counter_channel(void) {
  static const char *const track[] = {"count", NULL};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.track = track;
  channel.init = init;
  channel.handle_event = handle_event;
  return channel;
}
