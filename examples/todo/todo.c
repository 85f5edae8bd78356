/* A to-do list with a search, and a board for everybody, as docs/side-by-side.md shows them.
 *
 *   cc todo.c -o todo $(pkg-config --cflags --libs synq) -pthread && ./todo 4000
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <synq.h>

static synq_server_t *server;

static int authorize(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  const char *key;
  (void)topic, (void)user;
  if (synq_value_get_string(params, "/key", &key, NULL) == SYNQ_OK && strcmp(key, "sesame") == 0) {
    return SYNQ_OK;
  }
  return synq_socket_reply_error(socket, "unauthorized", "The key is wrong", NULL);
}

static int init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  int result = synq_socket_assign(socket, "items", json_array());
  if (result == SYNQ_OK) result = synq_socket_assign(socket, "query", json_string(""));
  if (result == SYNQ_OK) result = synq_socket_assign(socket, "found", json_array());
  /* not tracked, so it stays here */
  if (result == SYNQ_OK) result = synq_socket_assign(socket, "last_id", json_integer(0));
  return result;
}

static int add(synq_socket_t *socket, const synq_value_t *payload) {
  const char *title;
  int64_t id;
  if (synq_value_get_string(payload, "/title", &title, NULL) != SYNQ_OK || *title == '\0') {
    return synq_socket_reply_error(socket, "empty_title", "A task needs a title", NULL);
  }
  int result = synq_socket_increment(socket, "/last_id", 1, &id);
  if (result != SYNQ_OK) return result;
  result = synq_socket_append(socket, "/items", json_pack("{s:I, s:s, s:b}", "id", id, "title", title, "done", 0));
  if (result != SYNQ_OK) return result;
  (void)synq_socket_broadcast_from(socket, "added", json_pack("{s:s}", "title", title));
  return synq_socket_reply(socket, "ok", json_pack("{s:I}", "id", id));
}

/* The place of the task with this id, or -1. */
static int64_t find(const synq_value_t *assigns, int64_t wanted) {
  int64_t count = synq_value_size(assigns, "/items"), id;
  char pointer[64];
  for (int64_t i = 0; i < count; i++) {
    snprintf(pointer, sizeof pointer, "/items/%lld/id", (long long)i);
    if (synq_value_get_int(assigns, pointer, &id) == SYNQ_OK && id == wanted) return i;
  }
  return -1;
}

static int toggle(synq_socket_t *socket, const synq_value_t *payload) {
  const synq_value_t *assigns = synq_socket_all_assigns(socket);
  int64_t id = 0;
  int done = 0;
  char pointer[64];
  (void)synq_value_get_int(payload, "/id", &id);
  int64_t index = find(assigns, id);
  if (index < 0) return synq_socket_reply_error(socket, "not_found", "There is no such task", NULL);
  snprintf(pointer, sizeof pointer, "/items/%lld/done", (long long)index);
  (void)synq_value_get_bool(assigns, pointer, &done);
  return synq_socket_set_bool(socket, pointer, !done);
}

static int search(synq_socket_t *socket, const synq_value_t *payload) {
  const char *text, *title;
  if (synq_value_get_string(payload, "/text", &text, NULL) != SYNQ_OK) {
    return synq_socket_reply_error(socket, "invalid_payload", synq_error_message(), NULL);
  }
  const synq_value_t *assigns = synq_socket_all_assigns(socket);
  int64_t count = synq_value_size(assigns, "/items"), id;
  json_t *found = json_array();
  char pointer[64];
  for (int64_t i = 0; i < count; i++) {
    snprintf(pointer, sizeof pointer, "/items/%lld/title", (long long)i);
    if (synq_value_get_string(assigns, pointer, &title, NULL) != SYNQ_OK || !strstr(title, text)) continue;
    snprintf(pointer, sizeof pointer, "/items/%lld/id", (long long)i);
    if (synq_value_get_int(assigns, pointer, &id) == SYNQ_OK) json_array_append_new(found, json_integer(id));
  }
  int result = synq_socket_assign(socket, "found", found);
  return result == SYNQ_OK ? synq_socket_assign(socket, "query", json_string(text)) : result;
}

typedef struct export {
  synq_deferred_t *deferred;
  json_t *items;
} export_t;

/* On a thread of this program; the channel goes on meanwhile. */
static void *write_export(void *data) {
  export_t *export = data;
  char *text = NULL;
  size_t length = 0, index;
  json_t *item;
  FILE *out = open_memstream(&text, &length);
  if (out) {
    json_array_foreach(export->items, index, item) {
      int done = json_is_true(json_object_get(item, "done"));
      fprintf(out, "[%c] %s\n", done ? 'x' : ' ', json_string_value(json_object_get(item, "title")));
    }
    fclose(out);
  }
  if (text) {
    (void)synq_deferred_reply(export->deferred, "ok", json_pack("{s:s%}", "text", text, length));
  } else {
    (void)synq_deferred_crash(export->deferred, "there is no memory for the export");
  }
  json_decref(export->items);
  free(text);
  free(export);
  return NULL;
}

static int begin_export(synq_socket_t *socket) {
  pthread_t thread;
  export_t *export = calloc(1, sizeof *export);
  if (!export) return SYNQ_ENOMEM;
  int result = synq_value_get_json(synq_socket_all_assigns(socket), "/items", &export->items);
  if (result == SYNQ_OK) result = synq_socket_defer(socket, SYNQ_DEFER_DETACHED, &export->deferred);
  if (result == SYNQ_OK) {
    if (pthread_create(&thread, NULL, write_export, export) == 0) return pthread_detach(thread), SYNQ_OK;
    (void)synq_deferred_crash(export->deferred, "there is no thread for the export");
  }
  json_decref(export->items);
  free(export);
  return SYNQ_CRASH;
}

static int open_board(synq_socket_t *board, const char *topic, void *user) {
  (void)topic, (void)user;
  int result = synq_socket_assign(board, "cards", json_array());
  return result == SYNQ_OK ? synq_socket_assign(board, "last_id", json_integer(0)) : result;
}

static int init_board(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_assign(socket, "filter", json_string("all")); /* not shared: this client's own */
}

/* In the turn of the board, which the event of a member has, and so does an update. */
static int put_card(synq_socket_t *board, void *title) {
  int64_t id;
  int result = synq_socket_increment(board, "/last_id", 1, &id);
  if (result != SYNQ_OK) return result;
  return synq_socket_append(board, "/cards", json_pack("{s:I, s:s}", "id", id, "title", (const char *)title));
}

static int handle_board(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  const char *text;
  (void)user;
  if (strcmp(event, "add") == 0) {
    if (synq_value_get_string(payload, "/title", &text, NULL) == SYNQ_OK) return put_card(socket, (void *)text);
    return synq_socket_reply_error(socket, "invalid_payload", synq_error_message(), NULL);
  }
  if (strcmp(event, "filter") == 0) {
    if (synq_value_get_string(payload, "/show", &text, NULL) == SYNQ_OK) {
      return synq_socket_assign(socket, "filter", json_string(text));
    }
    return synq_socket_reply_error(socket, "invalid_payload", synq_error_message(), NULL);
  }
  return synq_socket_reply_error(socket, "unknown_event", event, NULL);
}

static void was_shared(int result, void *title) {
  if (result != SYNQ_OK) fprintf(stderr, "todo: not shared: %s\n", synq_strerror(result));
  free(title);
}

static int share(synq_socket_t *socket, const synq_value_t *payload) {
  const char *title;
  if (synq_value_get_string(payload, "/title", &title, NULL) != SYNQ_OK) {
    return synq_socket_reply_error(socket, "invalid_payload", synq_error_message(), NULL);
  }
  return synq_server_update(server, "board:home", SYNQ_UPDATE_OPEN, put_card, strdup(title), was_shared);
}

static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)user;
  if (strcmp(event, "add") == 0) return add(socket, payload);
  if (strcmp(event, "toggle") == 0) return toggle(socket, payload);
  if (strcmp(event, "search") == 0) return search(socket, payload);
  if (strcmp(event, "export") == 0) return begin_export(socket);
  if (strcmp(event, "share") == 0) return share(socket, payload);
  return synq_socket_reply_error(socket, "unknown_event", event, NULL);
}

static void before_close(synq_socket_t *socket, const char *reason, void *user) {
  (void)user;
  (void)synq_socket_broadcast_from(socket, "left", json_pack("{s:s}", "reason", reason));
}

int main(int argc, char **argv) {
  static const char *const track[] = {"items", "query", "found", NULL};
  static const char *const board_track[] = {"cards", "filter", NULL};
  static const char *const board_shared[] = {"cards", "last_id", NULL};
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t todo = SYNQ_CHANNEL_OPTIONS_INIT, board = SYNQ_CHANNEL_OPTIONS_INIT;
  options.port = argc > 1 ? (uint16_t)atoi(argv[1]) : 4000;
  todo.track = track;
  todo.authorize = authorize;
  todo.init = init;
  todo.handle_event = handle_event;
  todo.before_close = before_close;
  board.track = board_track;
  board.shared = board_shared;
  board.linger_ms = 60000;
  board.open_topic = open_board;
  board.init = init_board;
  board.handle_event = handle_board;
  if (synq_server_new(&server, &options) || synq_server_channel(server, "todo:*", &todo) ||
      synq_server_channel(server, "board:*", &board) || synq_server_start(server)) {
    fprintf(stderr, "todo: %s\n", synq_error_message());
    synq_server_free(server);
    return 1;
  }
  printf("listening on http://127.0.0.1:%d/\n", synq_server_port(server));
  fflush(stdout);
  int result = synq_server_run(server); /* until the process is interrupted */
  synq_server_free(server);
  return result == SYNQ_OK ? 0 : 1;
}
