/* board:*: one state for all that are in the topic: {items: [], n: 0}. */
#include "host.h"

#include <stdio.h>
#include <string.h>

static int open_board(synq_socket_t *socket, const char *topic, void *user) {
  (void)topic, (void)user;
  int result = synq_socket_assign_text(socket, "items", "[]", SYNQ_NUL_TERMINATED);
  return result != SYNQ_OK ? result : synq_socket_set_int(socket, "/n", 0);
}

/* "add {title}" appends {title, done: false}. */
static int add(synq_socket_t *socket, const synq_value_t *payload) {
  const char *title;
  if (synq_value_get_string(payload, "/title", &title, NULL) != SYNQ_OK)
    return synq_socket_reply_error(socket, "invalid_payload", synq_error_message(), NULL);
  return synq_socket_append(socket, "/items", json_pack("{s:s, s:b}", "title", title, "done", 0));
}

/* "toggle {i}" flips `done` of one item. */
static int toggle(synq_socket_t *socket, const synq_value_t *payload) {
  char pointer[48];
  int64_t index;
  int done;
  if (synq_value_get_int(payload, "/i", &index) != SYNQ_OK)
    return synq_socket_reply_error(socket, "invalid_payload", synq_error_message(), NULL);
  snprintf(pointer, sizeof pointer, "/items/%lld/done", (long long)index);
  if (index < 0 || synq_value_get_bool(synq_socket_all_assigns(socket), pointer, &done) != SYNQ_OK)
    return synq_socket_reply_error(socket, "no_such_item", NULL, NULL);
  return synq_socket_set_bool(socket, pointer, !done);
}

static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)user;
  int result = SYNQ_OK;
  if (strcmp(event, "add") == 0) {
    result = add(socket, payload);
  } else if (strcmp(event, "toggle") == 0) {
    result = toggle(socket, payload);
  } else if (strcmp(event, "inc") == 0) {
    result = synq_socket_increment(socket, "/n", 1, NULL);
  } else if (strcmp(event, "crash") == 0) {
    /* What it changes is undone. */
    result = synq_socket_increment(socket, "/n", 1000, NULL);
    if (result == SYNQ_OK) return synq_crash("a crash was asked for");
  } else {
    return synq_socket_reply_error(socket, "unknown_event", event, NULL);
  }
  return result;
}

int host_add_board(synq_server_t *server) {
  static const char *const names[] = {"items", "n", NULL};
  synq_channel_options_t options = SYNQ_CHANNEL_OPTIONS_INIT;
  options.track = names;
  options.shared = names;
  options.open_topic = open_board;
  options.handle_event = handle_event;
  return synq_server_channel(server, "board:*", &options);
}
