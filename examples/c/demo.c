/* A chat room with a shared counter: everything that a program does with libsynq, in one file.
 *
 *   cc demo.c -o demo $(pkg-config --cflags --libs synq) -pthread && ./demo --port 4000
 *
 * Tracked, so on every client's screen: room, count, members, messages, seconds.
 * Not tracked, so never on the wire: secret.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <synq.h>
#include <sys/stat.h>
#include <time.h>

enum { MAX_ROOMS = 1000, MAX_NAME_BYTES = 120, MAX_TEXT_CHARACTERS = 500, KEPT_MESSAGES = 50 };

/* --------------------------------------------------------------------------------------------- the program's own data
 * Rooms live here and stay when the last member leaves. Callbacks of different channels run in parallel, hence the
 * lock. The arrays are never changed, only replaced: whoever took a reference under the lock may read on without it. */

typedef struct room {
  char *topic;
  int64_t count;
  int64_t last_message_id;
  json_t *members;  /* [{id, name}], in order of arrival */
  json_t *messages; /* [{id, from, text}], oldest first */
} room_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static room_t rooms[MAX_ROOMS];
static size_t room_count;
static int64_t last_member_id;
static time_t started; /* when the program did, by the clock that nobody sets */

static int64_t seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec;
}

/* The room of a topic, made when there is none; NULL when there are too many. Call it with the lock held. */
static room_t *room_at(const char *topic) {
  for (size_t i = 0; i < room_count; i++) {
    if (strcmp(rooms[i].topic, topic) == 0) return &rooms[i];
  }
  char *copy = room_count < MAX_ROOMS ? strdup(topic) : NULL;
  if (copy == NULL) return NULL;
  rooms[room_count] = (room_t){.topic = copy, .members = json_array(), .messages = json_array()};
  return &rooms[room_count++];
}

/* A new array: `old` from index `from` on, without the element whose "id" is `without` (may be NULL), then `added`
 * (stolen, may be NULL). */
static json_t *replaced(const json_t *old, size_t from, const char *without, json_t *added) {
  json_t *array = json_array();
  for (size_t i = from; i < json_array_size(old); i++) {
    json_t *element = json_array_get(old, i);
    const char *id = json_string_value(json_object_get(element, "id"));
    if (without == NULL || id == NULL || strcmp(id, without) != 0) json_array_append(array, element);
  }
  if (added != NULL) json_array_append_new(array, added);
  return array;
}

static void replace(json_t **array, json_t *by) {
  json_decref(*array);
  *array = by;
}

/* --------------------------------------------------------------------------------------------------------- the channel
 * A client's channel keeps one pointer with the library: the member of a room that the client is. */

typedef struct member {
  room_t *room;
  char id[24];
  char name[MAX_NAME_BYTES + 1];
} member_t;

static const char *name_in(const synq_value_t *params) {
  const char *name;
  return synq_value_get_string(params, "/user", &name, NULL) == SYNQ_OK && *name != '\0' ? name : "guest";
}

/* Sets the tracked assigns to what the room holds now. What has not changed is not sent. */
static int show(synq_socket_t *socket) {
  const member_t *member = synq_socket_data(socket);
  if (member == NULL) return SYNQ_OK; /* init will */
  pthread_mutex_lock(&lock);
  room_t *room = member->room;
  int64_t count = room->count;
  json_t *members = json_incref(room->members), *messages = json_incref(room->messages);
  pthread_mutex_unlock(&lock);

  int result = synq_socket_set_int(socket, "/count", count);
  int members_result = synq_socket_assign(socket, "members", members); /* steals the reference in any case */
  int messages_result = synq_socket_assign(socket, "messages", messages);
  return result != SYNQ_OK ? result : members_result != SYNQ_OK ? members_result : messages_result;
}

/* Shows this client its room and tells the other members to look again. The message carries no values: two of them may
 * overtake each other, and whoever looks sees the latest. */
static int show_all(synq_socket_t *socket) {
  int result = show(socket);
  if (result != SYNQ_OK) return result;
  return synq_socket_publish_from_text(socket, "changed", "{}", SYNQ_NUL_TERMINATED);
}

static int authorize(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)user;
  if (strlen(name_in(params)) > MAX_NAME_BYTES) {
    return synq_socket_reply_error(socket, "name_too_long", "The name has more than 120 bytes", NULL);
  }
  pthread_mutex_lock(&lock);
  room_t *room = room_at(topic);
  pthread_mutex_unlock(&lock);
  return room != NULL ? SYNQ_OK : synq_socket_reply_error(socket, "too_many_rooms", NULL, NULL);
}

static int init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)user;
  member_t *member = calloc(1, sizeof *member);
  if (member == NULL) return SYNQ_ENOMEM;
  int result = synq_socket_set_data(socket, member, free); /* freed when the channel ends, or now if this fails */
  if (result != SYNQ_OK) return result;

  snprintf(member->name, sizeof member->name, "%s", name_in(params));
  pthread_mutex_lock(&lock);
  room_t *room = member->room = room_at(topic); /* authorize saw to it that there is one */
  snprintf(member->id, sizeof member->id, "%lld", (long long)++last_member_id);
  replace(&room->members,
          replaced(room->members, 0, NULL, json_pack("{s:s, s:s}", "id", member->id, "name", member->name)));
  pthread_mutex_unlock(&lock);

  /* Values by json_t, by text, and by type. */
  if ((result = synq_socket_assign(socket, "room", json_string(topic + strlen("room:")))) != SYNQ_OK ||
      (result = synq_socket_assign_text(socket, "secret", "\"the cake is a lie\"", SYNQ_NUL_TERMINATED)) != SYNQ_OK ||
      (result = synq_socket_set_int(socket, "/seconds", seconds_now() - started)) != SYNQ_OK ||
      (result = synq_socket_subscribe(socket, "clock")) != SYNQ_OK || (result = show_all(socket)) != SYNQ_OK) {
    return result;
  }
  char text[MAX_NAME_BYTES + 16];
  snprintf(text, sizeof text, "Welcome, %s!", member->name);
  return synq_socket_push(socket, "welcome", json_pack("{s:s}", "text", text));
}

static int say(synq_socket_t *socket, const synq_value_t *payload) {
  const char *text = "";
  size_t length = 0, characters = 0;
  int blank = 1;
  (void)synq_value_get_string(payload, "/text", &text, &length); /* no text is an empty one */
  for (size_t i = 0; i < length; i++) {
    characters += ((unsigned char)text[i] & 0xC0) != 0x80; /* UTF-8: all but continuation bytes start a character */
    blank = blank && strchr(" \t\r\n", text[i]) != NULL && text[i] != '\0';
  }
  if (blank) return synq_socket_reply_error(socket, "empty_message", "A message needs a text", NULL);
  if (characters > MAX_TEXT_CHARACTERS) {
    return synq_socket_reply_error(socket, "message_too_long", "A message has at most 500 characters",
                                   json_pack("{s:I}", "characters", (json_int_t)characters));
  }

  const member_t *member = synq_socket_data(socket);
  pthread_mutex_lock(&lock);
  room_t *room = member->room;
  int64_t id = ++room->last_message_id;
  size_t kept = json_array_size(room->messages);
  json_t *message = json_pack("{s:I, s:s, s:s%}", "id", (json_int_t)id, "from", member->name, "text", text, length);
  replace(&room->messages, replaced(room->messages, kept < KEPT_MESSAGES ? 0 : 1, NULL, message));
  pthread_mutex_unlock(&lock);

  int result = show_all(socket);
  return result != SYNQ_OK ? result : synq_socket_reply(socket, "ok", json_pack("{s:I}", "id", (json_int_t)id));
}

static int inc(synq_socket_t *socket) {
  const member_t *member = synq_socket_data(socket);
  pthread_mutex_lock(&lock);
  int64_t count = ++member->room->count;
  pthread_mutex_unlock(&lock);

  int result = show_all(socket);
  if (result != SYNQ_OK) return result;
  char text[48];
  int length = snprintf(text, sizeof text, "{\"count\":%lld}", (long long)count);
  return synq_socket_reply_text(socket, "ok", text, (size_t)length);
}

static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)user;
  if (strcmp(event, "inc") == 0) return inc(socket);
  if (strcmp(event, "say") == 0) return say(socket, payload);
  if (strcmp(event, "crash") == 0) return synq_crash("on purpose"); /* this channel ends, its client joins again */
  return synq_socket_reply_error(socket, "unknown_event", event, NULL);
}

static int handle_message(synq_socket_t *socket, const char *topic, const char *message, const synq_value_t *payload,
                          void *user) {
  int64_t seconds;
  (void)message, (void)user;
  if (strcmp(topic, "clock") != 0) return show(socket);
  int result = synq_value_get_int(payload, "/seconds", &seconds);
  return result != SYNQ_OK ? result : synq_socket_set_int(socket, "/seconds", seconds);
}

static void before_close(synq_socket_t *socket, const char *reason, void *user) {
  const member_t *member = synq_socket_data(socket);
  (void)reason, (void)user;
  if (member == NULL) return; /* init did not come so far */
  pthread_mutex_lock(&lock);
  replace(&member->room->members, replaced(member->room->members, 0, member->id, NULL));
  pthread_mutex_unlock(&lock);
  (void)synq_socket_publish_from_text(socket, "changed", "{}", SYNQ_NUL_TERMINATED);
}

/* ------------------------------------------------------------------------------------------------------ the program */

/* A thread of ours: once a second it tells the time to all channels, until a signal says that it is enough. */
static void *clock_until_signal(void *server) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  while (sigtimedwait(&signals, NULL, &(struct timespec){.tv_sec = 1}) < 0) {
    json_t *payload = json_pack("{s:I}", "seconds", (json_int_t)(seconds_now() - started));
    (void)synq_server_publish(server, "clock", "tick", payload);
  }
  (void)synq_server_stop(server, 1000); /* every before_close runs; who takes longer than a second is cut off */
  return NULL;
}

/* Serves a directory, if it is there or was asked for. */
static int serve_files(synq_server_t *server, const char *prefix, const char *asked, const char *otherwise) {
  struct stat info;
  if (asked == NULL && stat(otherwise, &info) != 0) return SYNQ_OK;
  return synq_server_static(server, prefix, asked != NULL ? asked : otherwise);
}

int main(int argc, char **argv) {
  const char *web = NULL, *synq_js = NULL;
  long port = 4000;
  for (int i = 1; i < argc; i += 2) {
    char *end = "";
    if (i + 1 < argc && strcmp(argv[i], "--port") == 0) {
      port = strtol(argv[i + 1], &end, 10);
    } else if (i + 1 < argc && strcmp(argv[i], "--web") == 0) {
      web = argv[i + 1];
    } else if (i + 1 < argc && strcmp(argv[i], "--synq-js") == 0) {
      synq_js = argv[i + 1];
    } else {
      end = "?";
    }
    if (*end != '\0' || port < 0 || port > 65535) {
      fprintf(stderr, "usage: demo [--port N] [--web DIR] [--synq-js DIR]\n");
      return 2;
    }
  }

  /* Before any thread is made: each inherits the mask, so that only clock_until_signal() gets these. */
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
  started = seconds_now();

  static const char *const tracked[] = {"room", "count", "members", "messages", "seconds", NULL};
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = NULL;
  options.port = (uint16_t)port;
  channel.track = tracked;
  channel.authorize = authorize;
  channel.init = init;
  channel.handle_event = handle_event;
  channel.handle_message = handle_message;
  channel.before_close = before_close;
  pthread_t thread;
  if (synq_server_new(&server, &options) || synq_server_channel(server, "room:*", &channel) ||
      serve_files(server, "/", web, "examples/web") || serve_files(server, "/synq/", synq_js, "bindings/browser") ||
      synq_server_start(server)) {
    fprintf(stderr, "demo: %s\n", synq_error_message());
    synq_server_free(server);
    return 1;
  }
  printf("listening on http://127.0.0.1:%d/\n", synq_server_port(server));
  fflush(stdout);

  if (pthread_create(&thread, NULL, clock_until_signal, server) != 0) return 1;
  (void)synq_server_run(server); /* until the thread stops it */
  pthread_join(thread, NULL);
  synq_server_free(server);
  for (size_t i = 0; i < room_count; i++) {
    free(rooms[i].topic);
    json_decref(rooms[i].members);
    json_decref(rooms[i].messages);
  }
  return 0;
}
