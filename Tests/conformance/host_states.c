/* Channels with a state: counter, big, room, roll and patch, each for clients of seance and of live_state. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is(const char *event, const char *name) {
  return strcmp(event, name) == 0;
}

/* Sets an assign to a part of the payload, numbers as they are written. */
static int assign_part(synq_socket_t *socket, const char *name, const synq_value_t *payload, const char *pointer) {
  const char *text;
  int result = synq_value_get_text(payload, pointer, &text, NULL);
  return result != SYNQ_OK ? result : synq_socket_assign_text(socket, name, text, SYNQ_NUL_TERMINATED);
}

/* ------------------------------------------------------------------------------------------------- counter: {count} */

static int counter_init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_set_int(socket, "/count", 0);
}

/* Events that it does not know, "raise" and "bad_return" among them, fail, as they did in the recordings. */
static int counter_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)user;
  if (is(event, "inc")) return synq_socket_increment(socket, "/count", 1, NULL);
  if (is(event, "same")) return SYNQ_OK;
  if (is(event, "set")) return assign_part(socket, "count", payload, "/count");
  return SYNQ_CRASH;
}

/* -------------------------------------------------------------------------------- big: {items: 1,000 times an object} */

static int big_init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  json_t *items = json_array();
  for (int i = 0; i < 1000; i++) {
    char title[32], tags[3][16];
    snprintf(title, sizeof title, "Item number %d", i);
    snprintf(tags[0], sizeof tags[0], "tag%d", i % 7);
    snprintf(tags[1], sizeof tags[1], "tag%d", i % 11);
    snprintf(tags[2], sizeof tags[2], "tag%d", i % 13);
    json_array_append_new(items, json_pack("{s:i, s:s, s:b, s:[s, s, s]}", "id", i, "title", title, "done", 0, "tags",
                                           tags[0], tags[1], tags[2]));
  }
  return synq_socket_assign(socket, "items", items);
}

/* "toggle" flips `done` of one item; an index beyond the list flips nothing. */
static int big_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  char pointer[48];
  int64_t index;
  int done;
  (void)user;
  if (!is(event, "toggle") || synq_value_get_int(payload, "/i", &index) != SYNQ_OK) return SYNQ_CRASH;
  snprintf(pointer, sizeof pointer, "/items/%lld/done", (long long)index);
  int result = synq_value_get_bool(synq_socket_all_assigns(socket), pointer, &done);
  if (result == SYNQ_ENOTFOUND) return SYNQ_OK;
  return result != SYNQ_OK ? result : synq_socket_set_bool(socket, pointer, !done);
}

/* ---------------------------------------------------------------- room: {room, user, topic, messages}, newest first */

static int room_init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  const char *name = strchr(topic, ':');
  int result;
  (void)user;
  if ((result = synq_socket_assign(socket, "room", json_string(name == NULL ? topic : name + 1))) != SYNQ_OK ||
      (result = assign_part(socket, "user", params, "/user")) != SYNQ_OK ||
      (result = synq_socket_set_string(socket, "/topic", topic, SYNQ_NUL_TERMINATED)) != SYNQ_OK) {
    return result;
  }
  return synq_socket_assign_text(socket, "messages", "[]", SYNQ_NUL_TERMINATED);
}

/* "say" publishes {id, from, text} to all members, this one too. */
static int room_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  json_t *id = NULL, *text = NULL, *from = NULL;
  (void)user;
  if (!is(event, "say")) return SYNQ_CRASH;
  if (synq_value_get_json(payload, "/id", &id) != SYNQ_OK) id = json_null();
  if (synq_value_get_json(payload, "/text", &text) != SYNQ_OK) text = json_null();
  if (synq_value_get_json(synq_socket_all_assigns(socket), "/user", &from) != SYNQ_OK) from = json_null();
  return synq_socket_publish(socket, "said", json_pack("{s:o, s:o, s:o}", "id", id, "from", from, "text", text));
}

/* Puts the message before the others and keeps 20. */
static int room_message(synq_socket_t *socket, const char *topic, const char *message, const synq_value_t *payload,
                        void *user) {
  const char *text;
  (void)topic, (void)message, (void)user;
  int result = synq_value_get_text(payload, "", &text, NULL);
  if (result == SYNQ_OK) result = synq_socket_insert_text(socket, "/messages/0", text, SYNQ_NUL_TERMINATED);
  if (result != SYNQ_OK || synq_value_size(synq_socket_all_assigns(socket), "/messages") <= 20) return result;
  return synq_socket_remove(socket, "/messages/20");
}

/* ------------------------------------------------------------------------------- roll: {n}, whose versions end at 3 */

static int roll_init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_set_int(socket, "/n", 0);
}

static int roll_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)payload, (void)user;
  return is(event, "inc") ? synq_socket_increment(socket, "/n", 1, NULL) : SYNQ_CRASH;
}

/* ------------------------------------------------------------------------------------- patch: {doc}, any document */

/* What values of other types than JSON's come out as. */
static const char typed[] = "{\"date\":\"2024-01-02\",\"time\":\"03:04:05.678\",\"naive\":\"2024-01-02T03:04:05\","
                            "\"utc\":\"2024-01-02T03:04:05.123Z\",\"atom\":\"abc\",\"nil\":null,\"t\":true,"
                            "\"float\":1.0,\"exp\":1.0e22,\"small\":1.0e-7,\"int\":1,\"big\":12345678901234567890,"
                            "\"str\":\"a\\\"b\\\\c/\\n\\t<>&'\xE2\x80\xA8\xC3\xA9\xF0\x9F\x98\x80\\u0001\x7F\"}";

static int patch_init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)user;
  return assign_part(socket, "doc", params, "/doc");
}

static int patch_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)user;
  if (is(event, "set")) return assign_part(socket, "doc", payload, "/doc");
  if (is(event, "typed")) return synq_socket_assign_text(socket, "doc", typed, sizeof typed - 1);
  return SYNQ_CRASH;
}

/* ------------------------------------------------------------------------------------------------------------------ */

int host_add_states(synq_server_t *server) {
  static const char *const count[] = {"count", NULL};
  static const char *const items[] = {"items", NULL};
  static const char *const room[] = {"room", "user", "topic", "messages", NULL};
  static const char *const n[] = {"n", NULL};
  static const char *const doc[] = {"doc", NULL};
  const struct {
    const char *seance, *live_state;
    const char *const *track;
    synq_init_fn init;
    synq_handle_event_fn event;
    synq_handle_message_fn message;
    uint32_t max_version;
  } channels[] = {
      {"counter:*", "lcounter:*", count, counter_init, counter_event, NULL, 0},
      {"big:*", "lbig:*", items, big_init, big_event, NULL, 0},
      {"room:*", "lroom:*", room, room_init, room_event, room_message, 0},
      {"sroll:*", "lroll:*", n, roll_init, roll_event, NULL, 3},
      {"spatch:*", "lpatch:*", doc, patch_init, patch_event, NULL, 0},
  };
  for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
    synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
    channel.track = channels[i].track;
    channel.init = channels[i].init;
    channel.handle_event = channels[i].event;
    channel.handle_message = channels[i].message;
    channel.max_version = channels[i].max_version;
    int result = host_add_pair(server, channels[i].seance, channels[i].live_state, &channel);
    if (result != SYNQ_OK) return result;
  }
  return SYNQ_OK;
}
