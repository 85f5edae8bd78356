/* ledger:* and /ledger, which no recording knows: a count that all members of a topic share, and the books of the host
 * itself, so that a test which breaks connections can see that nothing is lost, left over or told twice.
 *
 * Events: `add` replies with the new count, and every member's state shows it; `report` replies with the books; `flood
 * {bytes, times}` broadcasts. Whoever joined ledger:watch gets the event `closed` for each before_close.
 */
#define _GNU_SOURCE /* mallinfo2 */
#include "host.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct tally {
  struct tally *next;
  int64_t count;
  char topic[];
} tally_t;

typedef struct page {
  tally_t *tally;
  int closed;
} page_t;

/* Callbacks run on several threads; `lock` guards all of these. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tally_t *tallies;
static int64_t opened, closed, closed_again, freed;

static void free_page(void *page) {
  pthread_mutex_lock(&lock);
  freed++;
  pthread_mutex_unlock(&lock);
  free(page);
}

/* The tally of a topic, with the lock held; NULL when memory is out. */
static tally_t *find_tally(const char *topic) {
  for (tally_t *tally = tallies; tally != NULL; tally = tally->next) {
    if (strcmp(tally->topic, topic) == 0) return tally;
  }
  tally_t *tally = calloc(1, sizeof *tally + strlen(topic) + 1);
  if (tally == NULL) return NULL;
  strcpy(tally->topic, topic);
  tally->next = tallies;
  return tallies = tally;
}

static int authorize(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  page_t *page = calloc(1, sizeof *page);
  (void)params, (void)user;
  if (page == NULL) return SYNQ_ENOMEM;
  pthread_mutex_lock(&lock);
  page->tally = find_tally(topic);
  opened++;
  pthread_mutex_unlock(&lock);
  return synq_socket_set_data(socket, page, free_page);
}

static int64_t count_of(synq_socket_t *socket, int increment) {
  page_t *page = synq_socket_data(socket);
  if (page == NULL || page->tally == NULL) return -1;
  pthread_mutex_lock(&lock);
  int64_t count = page->tally->count += increment;
  pthread_mutex_unlock(&lock);
  return count;
}

static int init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_set_int(socket, "/count", count_of(socket, 0));
}

static int report(synq_socket_t *socket, synq_server_t *server) {
  synq_stats_t stats = SYNQ_STATS_INIT;
  int result = synq_server_stats(server, &stats);
  if (result != SYNQ_OK) return result;
  struct mallinfo2 memory = mallinfo2();
  pthread_mutex_lock(&lock);
  json_t *books =
      json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "opened", (json_int_t)opened, "closed", (json_int_t)closed,
                "closed_again", (json_int_t)closed_again, "freed", (json_int_t)freed, "connections",
                (json_int_t)stats.connections, "channels", (json_int_t)stats.channels, "crashes",
                (json_int_t)stats.crashes, "bytes", (json_int_t)(memory.uordblks + memory.hblkhd));
  pthread_mutex_unlock(&lock);
  return synq_socket_reply(socket, "ok", books);
}

static int flood(synq_socket_t *socket, const synq_value_t *payload) {
  int64_t bytes = 0, times = 0;
  int result = synq_value_get_int(payload, "/bytes", &bytes);
  if (result == SYNQ_OK) result = synq_value_get_int(payload, "/times", &times);
  if (result != SYNQ_OK) return result;
  if (bytes < 0 || bytes > 1 << 20) return SYNQ_EINVAL;
  char *text = malloc((size_t)bytes + 3);
  if (text == NULL) return SYNQ_ENOMEM;
  memset(text, 'x', (size_t)bytes + 2);
  text[0] = text[bytes + 1] = '"';
  for (int64_t i = 0; i < times && result == SYNQ_OK; i++) {
    result = synq_socket_broadcast_from_text(socket, "flood", text, (size_t)bytes + 2);
  }
  free(text);
  return result;
}

static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *server) {
  if (strcmp(event, "report") == 0) return report(socket, server);
  if (strcmp(event, "flood") == 0) return flood(socket, payload);
  if (strcmp(event, "add") != 0) return synq_socket_reply_error(socket, "unknown_event", event, NULL);
  int64_t count = count_of(socket, 1);
  int result = synq_socket_reply(socket, "ok", json_pack("{s:I}", "count", (json_int_t)count));
  return result != SYNQ_OK ? result : synq_socket_publish(socket, "added", json_object());
}

static int handle_message(synq_socket_t *socket, const char *topic, const char *message, const synq_value_t *payload,
                          void *user) {
  (void)topic, (void)message, (void)payload, (void)user;
  return synq_socket_set_int(socket, "/count", count_of(socket, 0));
}

static void before_close(synq_socket_t *socket, const char *reason, void *server) {
  page_t *page = synq_socket_data(socket);
  const char *topic = synq_socket_topic(socket);
  pthread_mutex_lock(&lock);
  closed++;
  if (page == NULL || page->closed++ > 0) closed_again++;
  pthread_mutex_unlock(&lock);
  if (strcmp(topic, "ledger:watch") == 0) return;
  (void)synq_server_broadcast(server, "ledger:watch", "closed",
                              json_pack("{s:s, s:s}", "topic", topic, "reason", reason));
}

int host_add_ledger(synq_server_t *server) {
  static const char *const count[] = {"count", NULL};
  static const char *const anywhere[] = {"*", NULL};
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  limits.max_outbound_bytes = 200000;
  limits.longpoll_session_timeout_ms = 1000;
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  mount.origins = anywhere;
  mount.longpoll_window_ms = 250;
  mount.limits = &limits;
  int result = synq_server_mount(server, "/ledger", &mount);
  if (result != SYNQ_OK) return result;

  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.track = count;
  channel.authorize = authorize;
  channel.init = init;
  channel.handle_event = handle_event;
  channel.handle_message = handle_message;
  channel.before_close = before_close;
  channel.user = server;
  return synq_server_channel(server, "ledger:*", &channel);
}

void host_free_ledger(void) {
  while (tallies != NULL) {
    tally_t *tally = tallies;
    tallies = tally->next;
    free(tally);
  }
}
