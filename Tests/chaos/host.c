/* The server that chaos.py attacks: chaos-host [inline|workers]. Prints its port; the topic "stats:*" tells what it counts. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <synq.h>
#include <time.h>

static synq_server_t *server;

static int counter_init(synq_socket_t *s, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_set_int(s, "/count", 0);
}

/* "inc" counts; "wait" blocks as a query to a database does. */
static int counter_event(synq_socket_t *s, const char *event, const synq_value_t *payload, void *user) {
  const struct timespec pause = {.tv_nsec = 300000000};
  (void)payload, (void)user;
  if (strcmp(event, "wait") == 0) nanosleep(&pause, NULL);
  return synq_socket_increment(s, "/count", 1, NULL);
}

static int room_init(synq_socket_t *s, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_assign(s, "messages", json_array());
}

/* "say" publishes to all members, "shout" broadcasts to all clients. */
static int room_event(synq_socket_t *s, const char *event, const synq_value_t *payload, void *user) {
  const char *text;
  int result = synq_value_get_text(payload, "", &text, NULL);
  (void)user;
  if (result != SYNQ_OK) return result;
  return strcmp(event, "say") == 0 ? synq_socket_publish_text(s, "said", text, SYNQ_NUL_TERMINATED)
                                   : synq_socket_broadcast_text(s, "shouted", text, SYNQ_NUL_TERMINATED);
}

static int room_message(synq_socket_t *s, const char *topic, const char *message, const synq_value_t *payload,
                        void *user) {
  int result = synq_socket_insert_value(s, "/messages/0", payload, "");
  (void)topic, (void)message, (void)user;
  /* Only what is beyond twenty is removed: not there is no error. */
  if (result == SYNQ_OK) result = synq_socket_remove(s, "/messages/20");
  return result == SYNQ_ENOTFOUND ? SYNQ_OK : result;
}

static int doc_init(synq_socket_t *s, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_assign_text(s, "doc", "null", 4);
}

static int doc_event(synq_socket_t *s, const char *event, const synq_value_t *payload, void *user) {
  (void)event, (void)user;
  return synq_socket_set_value(s, "/doc", payload, "/doc");
}

/* Each event sets as many timers as it may. */
static int timer_event(synq_socket_t *s, const char *event, const synq_value_t *payload, void *user) {
  (void)event, (void)payload, (void)user;
  for (int i = 0; i < 1000; i++)
    if (synq_socket_send_after_text(s, 3600000, "later", "{\"a\":[1,2,3]}", 13) != SYNQ_OK) break;
  return SYNQ_OK;
}

static int timer_message(synq_socket_t *s, const char *topic, const char *message, const synq_value_t *payload,
                         void *user) {
  (void)s, (void)topic, (void)message, (void)payload, (void)user;
  return SYNQ_OK;
}

static int stats_event(synq_socket_t *s, const char *event, const synq_value_t *payload, void *user) {
  synq_stats_t stats = SYNQ_STATS_INIT;
  int result = synq_server_stats(server, &stats);
  (void)event, (void)payload, (void)user;
  if (result != SYNQ_OK) return result;
#ifdef CHAOS_BEFORE_QUEUED_MESSAGES
  const json_int_t queued = 0;
#else
  const json_int_t queued = (json_int_t)stats.queued_messages;
#endif
  return synq_socket_reply(s, "ok",
                           json_pack("{s:I, s:I, s:I}", "connections", (json_int_t)stats.connections, "channels",
                                     (json_int_t)stats.channels, "queued", queued));
}

int main(int count, char **arguments) {
  const char *counted[] = {"count", NULL}, *messages[] = {"messages", NULL}, *doc[] = {"doc", NULL};
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  synq_channel_options_t counter = SYNQ_CHANNEL_OPTIONS_INIT, room = counter, document = counter, timer = counter,
                         stats = counter;
  options.loops = 2;
  options.delivery = count > 1 && strcmp(arguments[1], "inline") == 0 ? SYNQ_INLINE : SYNQ_WORKERS;
  options.log_level = SYNQ_LOG_OFF;
  counter.track = counted;
  counter.init = counter_init;
  counter.handle_event = counter_event;
  room.track = messages;
  room.init = room_init;
  room.handle_event = room_event;
  room.handle_message = room_message;
  document.track = doc;
  document.init = doc_init;
  document.handle_event = doc_event;
  timer.handle_event = timer_event;
  timer.handle_message = timer_message;
  stats.handle_event = stats_event;
  mount.compress = 1;
  if (synq_server_new(&server, &options) || synq_server_channel(server, "counter:*", &counter) ||
      synq_server_channel(server, "room:*", &room) || synq_server_channel(server, "doc:*", &document) ||
      synq_server_channel(server, "timer:*", &timer) || synq_server_channel(server, "stats:*", &stats) ||
      synq_server_mount(server, "/socket", &mount) || synq_server_start(server)) {
    fprintf(stderr, "%s\n", synq_error_message());
    return 1;
  }
  printf("%d\n", synq_server_port(server));
  fflush(stdout);
  return synq_server_run(server) == SYNQ_OK ? 0 : 1;
}
