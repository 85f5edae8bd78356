/* Clients that join and leave, a million times by default, and the memory of the server meanwhile: it must stay flat.
 *
 *   soak [CYCLES]
 *
 * Each cycle joins a topic, sends an event, and leaves or loses its connection, by turns; every tenth joins with a
 * deferred response that is finished after its channel has ended. Prints the resident memory after each tenth, and fails
 * when it grew by more than 5 % and 2 MB after the first. */
#define _POSIX_C_SOURCE 200809L
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

atomic_int test_failures;

static _Atomic(synq_deferred_t *) open_deferred;

static int init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_assign_text(socket, "a", "{\"list\":[1,2,3]}", SYNQ_NUL_TERMINATED);
}

static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)payload, (void)user;
  if (strcmp(event, "later") == 0) {
    synq_deferred_t *deferred = NULL;
    int result = synq_socket_defer(socket, SYNQ_DEFER_DETACHED, &deferred);
    open_deferred = deferred;
    return result;
  }
  return synq_socket_append_text(socket, "/a/list", "4", 1);
}

static void before_close(synq_socket_t *socket, const char *reason, void *user) {
  (void)socket, (void)reason, (void)user;
}

static long resident_kilobytes(void) {
  long size = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%ld %ld", &size, &resident) != 2) exit(1);
  fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void cycle(client_t *client, long number) {
  const char *event = number % 10 == 0 ? "later" : "add";
  char text[96];
  client_send(client, "[\"1\",\"1\",\"t:1\",\"phx_join\",{}]");
  snprintf(text, sizeof text, "[\"1\",\"2\",\"t:1\",\"%s\",{\"n\":%ld}]", event, number);
  client_send(client, text);
  client_send(client, "[\"1\",\"3\",\"t:1\",\"phx_leave\",{}]");
  if (client_await(client, "phx_close") == NULL) exit(1);
  if (open_deferred != NULL) synq_deferred_finish(open_deferred);
  open_deferred = NULL;
}

int main(int argc, char **argv) {
  static const char *const track[] = {"a", NULL};
  long cycles = argc > 1 ? atol(argv[1]) : 1000000, first = 0, last = 0;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_stats_t stats = SYNQ_STATS_INIT;
  channel.track = track;
  channel.init = init;
  channel.handle_event = handle_event;
  channel.before_close = before_close;
  synq_server_t *server = server_with(&channel, SYNQ_INLINE);
  client_t *client = client_new(synq_server_port(server));
  for (long number = 1; number <= cycles; number++) {
    cycle(client, number);
    if (number % 100 == 0) { /* a connection that is lost, with a channel */
      client_t *lost = client_new(synq_server_port(server));
      client_join(lost, "t:1");
      client_free(lost);
    }
    if (number % (cycles / 10) != 0) continue;
    last = resident_kilobytes();
    if (first == 0) first = last;
    printf("%ld cycles: %ld kB\n", number, last);
    fflush(stdout);
  }
  client_free(client);
  synq_server_stats(server, &stats);
  synq_server_free(server);
  int is_flat = last - first <= 2048 && (last - first) * 20 <= first;
  printf("%ld callbacks, %ld kB more after the first tenth: %s\n", (long)stats.callbacks, last - first,
         is_flat ? "flat" : "NOT flat");
  return is_flat && atomic_load(&test_failures) == 0 ? 0 : 1;
}
