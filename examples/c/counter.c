/* The smallest server: every client of "counter:*" has a counter, kept here and shown there.
 *
 *   cc counter.c -o counter $(pkg-config --cflags --libs synq) && ./counter
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <synq.h>

/* A client has joined: these assigns are its first state. */
static int init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_assign(socket, "count", json_integer(0));
}

/* A client sent an event. What it changes reaches the client as a patch, after the reply. */
static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  int64_t count, by = 1;
  (void)user;

  if (strcmp(event, "inc") == 0) {
    (void)synq_value_get_int(payload, "/by", &by); /* optional: {"by": 5} */
    int result = synq_socket_increment(socket, "/count", by, &count);
    if (result == SYNQ_ERANGE) return synq_socket_reply_error(socket, "too_large", "The count is full", NULL);
    if (result != SYNQ_OK) return result;
    return synq_socket_reply(socket, "ok", json_pack("{s:I}", "count", (json_int_t)count));
  }
  return synq_socket_reply_error(socket, "unknown_event", event, NULL);
}

int main(int argc, char **argv) {
  synq_server_t *server = NULL;
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t counter = SYNQ_CHANNEL_OPTIONS_INIT;
  const char *track[] = {"count", NULL};

  options.port = argc > 1 ? (uint16_t)atoi(argv[1]) : 4000;
  counter.track = track;
  counter.init = init;
  counter.handle_event = handle_event;
  if (synq_server_new(&server, &options) || synq_server_channel(server, "counter:*", &counter) ||
      synq_server_start(server)) {
    fprintf(stderr, "counter: %s\n", synq_error_message());
    synq_server_free(server);
    return 1;
  }
  printf("listening on http://127.0.0.1:%d/\n", synq_server_port(server));
  fflush(stdout);
  int result = synq_server_run(server); /* until the process is interrupted */
  synq_server_free(server);
  return result == SYNQ_OK ? 0 : 1;
}
