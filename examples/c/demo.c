/* A chat room with a shared counter: everything that a program does with libsynq, in one file.
 *
 *   cc demo.c -o demo $(pkg-config --cflags --libs synq) -pthread && ./demo --port 4000
 *
 * The room owns its state, and all of its clients see it:
 *   shared and tracked   room, count, members, messages
 *   shared               last_member, last_message: the server's alone
 *   tracked              seconds, for each client
 *   neither              secret: never on the wire
 * Callbacks of a room run one at a time, so there is no lock here, and nobody is told that something changed.
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

/* A room stays for a minute after its last client has left. */
enum { MAX_NAME_BYTES = 120, MAX_TEXT_CHARACTERS = 500, KEPT_MESSAGES = 50, LINGER_MS = 60000 };

static time_t started; /* when the program did, by the clock that nobody sets */

static int64_t seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec;
}

/* ------------------------------------------------------------------------------------------------------------ the room */

/* The first client comes: what the room begins with. */
static int open_room(synq_socket_t *room, const char *topic, void *user) {
  (void)user;
  int result;
  /* Values by json_t, by text, and by type. */
  if ((result = synq_socket_assign(room, "room", json_string(topic + strlen("room:")))) != SYNQ_OK ||
      (result = synq_socket_set_int(room, "/count", 0)) != SYNQ_OK ||
      (result = synq_socket_assign(room, "members", json_array())) != SYNQ_OK ||
      (result = synq_socket_assign_text(room, "messages", "[]", SYNQ_NUL_TERMINATED)) != SYNQ_OK ||
      (result = synq_socket_set_int(room, "/last_member", 0)) != SYNQ_OK) {
    return result;
  }
  return synq_socket_set_int(room, "/last_message", 0);
}

/* --------------------------------------------------------------------------------------------------------- the channel
 * A client's channel keeps one pointer with the library: the member of the room that the client is. */

typedef struct member {
  int64_t id;
  char name[MAX_NAME_BYTES + 1];
} member_t;

static const char *name_in(const synq_value_t *params) {
  const char *name;
  return synq_value_get_string(params, "/user", &name, NULL) == SYNQ_OK && *name != '\0' ? name : "guest";
}

static int authorize(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)user;
  if (strlen(name_in(params)) > MAX_NAME_BYTES) {
    return synq_socket_reply_error(socket, "name_too_long", "The name has more than 120 bytes", NULL);
  }
  return SYNQ_OK;
}

static int init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)user;
  member_t *member = calloc(1, sizeof *member);
  if (member == NULL) return SYNQ_ENOMEM;
  int result = synq_socket_set_data(socket, member, free); /* freed when the channel ends, or now if this fails */
  if (result != SYNQ_OK) return result;

  snprintf(member->name, sizeof member->name, "%s", name_in(params));
  if ((result = synq_socket_increment(socket, "/last_member", 1, &member->id)) != SYNQ_OK) return result;
  char id[24];
  snprintf(id, sizeof id, "%lld", (long long)member->id);
  if ((result = synq_socket_append(socket, "/members", json_pack("{s:s, s:s}", "id", id, "name", member->name))) !=
          SYNQ_OK ||
      (result = synq_socket_assign_text(socket, "secret", "\"the cake is a lie\"", SYNQ_NUL_TERMINATED)) != SYNQ_OK ||
      (result = synq_socket_set_int(socket, "/seconds", seconds_now() - started)) != SYNQ_OK ||
      (result = synq_socket_subscribe(socket, "clock")) != SYNQ_OK) {
    return result;
  }
  char text[MAX_NAME_BYTES + 16];
  snprintf(text, sizeof text, "Welcome, %s!", member->name);
  return synq_socket_push(socket, "welcome", json_pack("{s:s}", "text", text));
}

static int say(synq_socket_t *socket, const synq_value_t *payload) {
  const char *text = "";
  size_t length = 0, characters = 0;
  int blank = 1, result;
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
  int64_t id;
  if ((result = synq_socket_increment(socket, "/last_message", 1, &id)) != SYNQ_OK) return result;
  json_t *message = json_pack("{s:I, s:s, s:s%}", "id", (json_int_t)id, "from", member->name, "text", text, length);
  if ((result = synq_socket_append(socket, "/messages", message)) != SYNQ_OK) return result;
  if (synq_value_size(synq_socket_all_assigns(socket), "/messages") > KEPT_MESSAGES &&
      (result = synq_socket_remove(socket, "/messages/0")) != SYNQ_OK) {
    return result;
  }
  return synq_socket_reply(socket, "ok", json_pack("{s:I}", "id", (json_int_t)id));
}

static int inc(synq_socket_t *socket) {
  int64_t count;
  int result = synq_socket_increment(socket, "/count", 1, &count);
  if (result != SYNQ_OK) return result;
  return synq_socket_reply(socket, "ok", json_pack("{s:I}", "count", (json_int_t)count));
}

static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)user;
  if (strcmp(event, "inc") == 0) return inc(socket);
  if (strcmp(event, "say") == 0) return say(socket, payload);
  if (strcmp(event, "crash") == 0) return synq_crash("on purpose"); /* this channel ends, its client joins again */
  return synq_socket_reply_error(socket, "unknown_event", event, NULL);
}

/* The clock ticks: this client's time. */
static int handle_message(synq_socket_t *socket, const char *topic, const char *message, const synq_value_t *payload,
                          void *user) {
  (void)topic, (void)message, (void)user;
  return synq_socket_set_value(socket, "/seconds", payload, "/seconds");
}

static void before_close(synq_socket_t *socket, const char *reason, void *user) {
  const member_t *member = synq_socket_data(socket);
  const synq_value_t *room = synq_socket_all_assigns(socket);
  (void)reason, (void)user;
  if (member == NULL) return; /* init did not come so far */
  for (int64_t i = 0, count = synq_value_size(room, "/members"); i < count; i++) {
    char pointer[48];
    const char *id;
    snprintf(pointer, sizeof pointer, "/members/%lld/id", (long long)i);
    if (synq_value_get_string(room, pointer, &id, NULL) != SYNQ_OK || strtoll(id, NULL, 10) != member->id) continue;
    snprintf(pointer, sizeof pointer, "/members/%lld", (long long)i);
    (void)synq_socket_remove(socket, pointer);
    return;
  }
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
  static const char *const shared[] = {"room", "count", "members", "messages", "last_member", "last_message", NULL};
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = NULL;
  options.port = (uint16_t)port;
  channel.track = tracked;
  channel.shared = shared;
  channel.open_topic = open_room;
  channel.linger_ms = LINGER_MS;
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
  return 0;
}
