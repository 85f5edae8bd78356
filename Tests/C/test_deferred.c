/* Deferred responses whose channel ends, crashes of detached ones, and what a host may read meanwhile. */
#include "test.h"

/* The lines of the log whose text, with its fields, contains one of these open `seen`. */
typedef struct watch {
  const char *message, *value;
  gate_t *seen;
} watch_t;

static void watch_log(const synq_log_record_t *record, void *user) {
  watch_t *watch = user;
  if (strcmp(record->message, watch->message) != 0) return;
  int found = watch->value == NULL;
  for (size_t i = 0; record->fields[i] != NULL; i++) {
    if (watch->value != NULL && strcmp(record->fields[i], watch->value) == 0) found = 1;
  }
  if (found) gate_add(watch->seen);
}

typedef struct host {
  watch_t watch;
  gate_t *deferred_it, *may_return, *closed;
  synq_deferred_t *deferred;
  const synq_value_t *payload, *assigns;
  char reason[64];
} host_t;

static int defer_and_wait(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  host_t *host = user;
  int mode = strcmp(event, "detached") == 0 ? SYNQ_DEFER_DETACHED : SYNQ_DEFER_IN_ORDER;
  if (strcmp(event, "next") == 0) return SYNQ_OK;
  host->payload = payload;
  CHECK_OK(synq_socket_defer(socket, mode, &host->deferred));
  CHECK_OK(synq_socket_set_int(socket, "/a", 1));
  host->assigns = synq_socket_all_assigns(socket);
  gate_add(host->deferred_it);
  gate_wait(host->may_return, 1);
  return SYNQ_OK;
}

static void note_close(synq_socket_t *socket, const char *reason, void *user) {
  host_t *host = user;
  (void)socket;
  snprintf(host->reason, sizeof host->reason, "%s", reason);
  gate_add(host->closed);
}

static synq_server_t *serve(host_t *host, synq_delivery_t delivery) {
  static const char *const track[] = {"a", NULL};
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = NULL;
  host->watch.seen = gate_new();
  host->deferred_it = gate_new();
  host->may_return = gate_new();
  host->closed = gate_new();
  options.delivery = delivery;
  options.loops = 1; /* what follows a line of the log there is in order with the next line */
  options.log_level = SYNQ_LOG_DEBUG;
  options.log = watch_log;
  options.user = &host->watch;
  channel.track = track;
  channel.handle_event = defer_and_wait;
  channel.before_close = note_close;
  channel.user = host;
  CHECK_OK(synq_server_new(&server, &options));
  CHECK_OK(synq_server_channel(server, "t:*", &channel));
  CHECK_OK(synq_server_start(server));
  return server;
}

static void end(host_t *host, synq_server_t *server) {
  CHECK_OK(synq_server_free(server));
  gate_free(host->watch.seen);
  gate_free(host->deferred_it);
  gate_free(host->may_return);
  gate_free(host->closed);
}

/* The payload; of a channel that waits also the assigns that were read after the defer. */
static void what_was_lent_is_there_until_the_finish(host_t *host, int is_in_order) {
  const char *text = NULL;
  int64_t number = 0;
  CHECK_OK(synq_value_get_text(host->payload, "", &text, NULL));
  CHECK_TEXT("{\"p\":[1,2]}", text);
  if (!is_in_order) return;
  CHECK_OK(synq_value_get_int(host->assigns, "/a", &number));
  CHECK(number == 1);
}

/* The client is lost while the callback that deferred has not returned yet: nobody else would end the wait. */
static void a_deferred_is_given_up_while_its_callback_returns(void) {
  host_t host = {.watch.message = "the connection is closed"};
  synq_server_t *server = serve(&host, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"in_order\",{\"p\":[1,2]}]");
  gate_wait(host.deferred_it, 1);
  CHECK(synq_deferred_is_open(host.deferred) == 1);
  client_free(client);
  gate_wait(host.watch.seen, 1);
  /* The log's line comes before the channel is told, on the same thread: one more round of it. */
  client_free(client_new(synq_server_port(server)));
  gate_wait(host.watch.seen, 2);
  CHECK(synq_deferred_is_open(host.deferred) == 0);
  gate_add(host.may_return);
  gate_wait(host.closed, 1);
  CHECK_TEXT("shutdown:closed", host.reason);
  what_was_lent_is_there_until_the_finish(&host, 1);
  CHECK_CODE(SYNQ_ECLOSED, "", synq_deferred_finish(host.deferred));
  end(&host, server);
}

static void what_a_callback_was_lent_outlives_its_channel(void) {
  static const char *const events[] = {"in_order", "detached"};
  for (int i = 0; i < 2; i++) {
    char text[64];
    host_t host = {.watch.message = "the connection is closed"};
    synq_server_t *server = serve(&host, SYNQ_WORKERS);
    client_t *client = client_new(synq_server_port(server));
    gate_add(host.may_return);
    client_join(client, "t:1");
    snprintf(text, sizeof text, "[\"1\",\"2\",\"t:1\",\"%s\",{\"p\":[1,2]}]", events[i]);
    client_send(client, text);
    gate_wait(host.deferred_it, 1);
    client_free(client);
    gate_wait(host.closed, 1);
    CHECK(i == 1 || synq_deferred_is_open(host.deferred) == 0);
    what_was_lent_is_there_until_the_finish(&host, i == 0);
    synq_deferred_finish(host.deferred);
    end(&host, server);
  }
}

static void a_crash_of_a_detached_deferred_names_its_cause(void) {
  for (int delivery = SYNQ_WORKERS; delivery <= SYNQ_INLINE; delivery++) {
    host_t host = {.watch = {.message = "the channel crashed", .value = "it burnt down"}};
    synq_server_t *server = serve(&host, (synq_delivery_t)delivery);
    client_t *client = client_new(synq_server_port(server));
    synq_stats_t stats = SYNQ_STATS_INIT;
    gate_add(host.may_return);
    client_join(client, "t:1");
    client_send(client, "[\"1\",\"2\",\"t:1\",\"detached\",{}]");
    client_send(client, "[\"1\",\"3\",\"t:1\",\"next\",{}]");
    CHECK(client_await(client, "\"3\"") != NULL);
    CHECK_OK(synq_deferred_crash(host.deferred, "it burnt down"));
    CHECK(client_await(client, "phx_error") != NULL);
    gate_wait(host.closed, 1);
    CHECK_TEXT("crashed", host.reason);
    CHECK(gate_count(host.watch.seen) == 1);
    CHECK_OK(synq_server_stats(server, &stats));
    CHECK(stats.crashes == 1);
    CHECK_CODE(SYNQ_ECLOSED, "", synq_deferred_crash(host.deferred, "again"));
    client_free(client);
    end(&host, server);
  }
}

const test_t deferred_tests[] = {
    {"a_deferred_is_given_up_while_its_callback_returns", a_deferred_is_given_up_while_its_callback_returns},
    {"what_a_callback_was_lent_outlives_its_channel", what_a_callback_was_lent_outlives_its_channel},
    {"a_crash_of_a_detached_deferred_names_its_cause", a_crash_of_a_detached_deferred_names_its_cause},
    {NULL, NULL},
};
