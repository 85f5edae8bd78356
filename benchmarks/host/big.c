#include "channels.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS = 1000, ITEM_BYTES = 128, DONE_BYTES = 5 };

/* The list as text, all not done, and where in it each `done` stands. `true` is padded to the length of
 * `false`, so that one can be written over the other. */
typedef struct {
  char *text;
  size_t length;
  size_t done_at[ITEMS];
} list_t;

static const list_t *first_list(void) {
  static list_t list;
  if (list.text != NULL) return &list;
  char *text = malloc(ITEMS * ITEM_BYTES);
  size_t length = 0;
  if (text == NULL) return NULL;
  for (int i = 0; i < ITEMS; i++) {
    length += (size_t)snprintf(text + length, ITEM_BYTES,
                               "%c{\"id\":%d,\"title\":\"Item number %d\",\"done\":", i == 0 ? '[' : ',', i, i);
    list.done_at[i] = length;
    length += (size_t)snprintf(text + length, ITEM_BYTES, "false,\"tags\":[\"tag%d\",\"tag%d\",\"tag%d\"]}", i % 10,
                               i % 10, i % 10);
  }
  text[length++] = ']';
  list.text = text;
  list.length = length;
  return &list;
}

static bool is_toggle(const char *event, const synq_value_t *payload, int64_t *index) {
  return strcmp(event, "toggle") == 0 && synq_value_get_int(payload, "/i", index) == SYNQ_OK;
}

static int init_items(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  const list_t *list = first_list();
  return synq_socket_assign_text(socket, "items", list->text, list->length);
}

/* By pointer. */

static int toggle_at_pointer(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)user;
  int64_t index;
  int done;
  char pointer[48];
  if (!is_toggle(event, payload, &index)) return SYNQ_CRASH;
  if (index < 0 || index >= ITEMS) return SYNQ_OK;
  snprintf(pointer, sizeof pointer, "/items/%lld/done", (long long)index);
  int result = synq_value_get_bool(synq_socket_all_assigns(socket), pointer, &done);
  return result == SYNQ_OK ? synq_socket_set_bool(socket, pointer, !done) : result;
}

/* By the whole list: each channel has its own text, as a host would that renders its list anew each time. */

static int init_text(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  const list_t *list = first_list();
  char *text = malloc(list->length);
  if (text == NULL) return SYNQ_ENOMEM;
  memcpy(text, list->text, list->length);
  int result = synq_socket_set_data(socket, text, free);
  return result == SYNQ_OK ? init_items(socket, topic, params, user) : result;
}

static int toggle_whole(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)user;
  const list_t *list = first_list();
  char *text = synq_socket_data(socket);
  int64_t index;
  if (text == NULL || !is_toggle(event, payload, &index)) return SYNQ_CRASH;
  if (index < 0 || index >= ITEMS) return SYNQ_OK;
  char *done = text + list->done_at[index];
  memcpy(done, *done == 't' ? "false" : "true ", DONE_BYTES);
  return synq_socket_assign_text(socket, "items", text, list->length);
}

static synq_channel_options_t channel_of(synq_init_fn init, synq_handle_event_fn handle_event) {
  static const char *const track[] = {"items", NULL};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  /* Made before the server has threads: they only read it. */
  if (first_list() == NULL) abort();
  channel.track = track;
  channel.init = init;
  channel.handle_event = handle_event;
  return channel;
}

synq_channel_options_t big_channel(void) {
  return channel_of(init_items, toggle_at_pointer);
}

synq_channel_options_t bigtext_channel(void) {
  return channel_of(init_text, toggle_whole);
}
