/* What a callback does after it has deferred its response: nothing of it is lost, and nothing is answered twice. */
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

typedef struct host {
  synq_socket_t *socket;
  _Atomic(synq_deferred_t *) deferred;
  gate_t *returning;
} host_t;

static synq_server_t *serve(host_t *host, synq_handle_event_fn handle_event) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.handle_event = handle_event;
  channel.user = host;
  host->returning = gate_new();
  return server_with(&channel, SYNQ_WORKERS);
}

/* ------------------------------------------------------------------------------------------------ two responses */

static int reply_after_defer(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  host_t *host = user;
  synq_deferred_t *deferred = NULL;
  (void)event, (void)payload;
  CHECK_OK(synq_socket_defer(socket, SYNQ_DEFER_IN_ORDER, &deferred));
  CHECK_OK(synq_socket_reply_text(socket, "ok", "{\"set\":1}", SYNQ_NUL_TERMINATED));
  CHECK_CODE(SYNQ_ESTATE, "set already", synq_socket_reply_text(socket, "ok", "{}", 2));
  host->deferred = deferred;
  gate_add(host->returning);
  return SYNQ_OK;
}

static void a_reply_that_was_set_goes_out_with_the_finish(void) {
  host_t host = {NULL, NULL, NULL};
  synq_server_t *server = serve(&host, reply_after_defer);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  for (int i = 0; i < 2; i++) {
    client_send(client, "[\"1\",\"2\",\"t:1\",\"e\",{}]");
    gate_wait(host.returning, i + 1);
    if (i == 1) { /* a second response is refused, and the channel waits as before */
      CHECK_CODE(SYNQ_ESTATE, "set already", synq_deferred_reply_text(host.deferred, "ok", "{}", 2));
      CHECK_CODE(SYNQ_ESTATE, "set already", synq_deferred_reply_error(host.deferred, "no", NULL, NULL));
      CHECK(synq_deferred_is_open(host.deferred) == 1);
    }
    CHECK_OK(synq_deferred_finish(host.deferred));
    CHECK_TEXT("[\"1\",\"2\",\"t:1\",\"phx_reply\",{\"status\":\"ok\",\"response\":{\"set\":1}}]",
               client_receive(client, NULL));
    CHECK_CODE(SYNQ_ECLOSED, "finished before", synq_deferred_finish(host.deferred));
  }
  client_free(client);
  CHECK_OK(synq_server_free(server));
  gate_free(host.returning);
}

/* --------------------------------------------------------------------------------------------------- two defers */

static int defer_twice(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  host_t *host = user;
  synq_deferred_t *first = NULL, *second = NULL;
  int mode = strcmp(event, "detached") == 0 ? SYNQ_DEFER_DETACHED : SYNQ_DEFER_IN_ORDER;
  (void)payload;
  CHECK_OK(synq_socket_defer(socket, mode, &first));
  CHECK_CODE(SYNQ_ESTATE, "deferred already", synq_socket_defer(socket, SYNQ_DEFER_DETACHED, &second));
  CHECK_CODE(SYNQ_ESTATE, "deferred already", synq_socket_defer(socket, SYNQ_DEFER_IN_ORDER, &second));
  CHECK(second == NULL);
  host->socket = socket;
  host->deferred = first;
  gate_add(host->returning);
  return SYNQ_OK;
}

static void a_callback_defers_once(void) {
  host_t host = {NULL, NULL, NULL};
  synq_deferred_t *second = NULL;
  synq_server_t *server = serve(&host, defer_twice);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"in order\",{}]");
  gate_wait(host.returning, 1);
  CHECK_CODE(SYNQ_ESTATE, "deferred already", synq_socket_defer(host.socket, SYNQ_DEFER_DETACHED, &second));
  CHECK_OK(synq_deferred_reply_text(host.deferred, "ok", "[1]", 3));
  CHECK(client_await(client, "\"response\":[1]") != NULL);
  client_send(client, "[\"1\",\"3\",\"t:1\",\"detached\",{}]");
  gate_wait(host.returning, 2);
  CHECK_OK(synq_deferred_reply_text(host.deferred, "ok", "[2]", 3));
  CHECK(client_await(client, "\"response\":[2]") != NULL);
  client_free(client);
  CHECK_OK(synq_server_free(server));
  gate_free(host.returning);
}

/* ------------------------------------------------------------------------------------------- results after a defer */

static int defer_and_refuse(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  host_t *host = user;
  synq_deferred_t *deferred = NULL;
  (void)params;
  CHECK_OK(synq_socket_defer(socket, SYNQ_DEFER_IN_ORDER, &deferred));
  host->deferred = deferred;
  if (strcmp(topic, "t:finished") == 0) CHECK_OK(synq_deferred_finish(deferred));
  return SYNQ_REFUSE;
}

static void a_refusal_after_a_defer_decides_at_once(void) {
  static const char *const topics[] = {"t:waits", "t:finished"};
  for (int i = 0; i < 2; i++) {
    host_t host = {NULL, NULL, NULL};
    char text[64];
    synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
    channel.authorize = defer_and_refuse;
    channel.user = &host;
    synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
    client_t *client = client_new(synq_server_port(server));
    snprintf(text, sizeof text, "[\"1\",\"1\",\"%s\",\"phx_join\",{}]", topics[i]);
    client_send(client, text);
    const char *answer = client_receive(client, NULL);
    CHECK(answer != NULL && strstr(answer, "\"unauthorized\"") != NULL);
    CHECK(synq_deferred_is_open(host.deferred) == 0);
    CHECK_CODE(SYNQ_ECLOSED, "", synq_deferred_finish(host.deferred));
    client_free(client);
    CHECK_OK(synq_server_free(server));
  }
}

static int finish_and_fail(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  synq_deferred_t *deferred = NULL;
  (void)event, (void)payload, (void)user;
  CHECK_OK(synq_socket_defer(socket, SYNQ_DEFER_IN_ORDER, &deferred));
  CHECK_OK(synq_deferred_reply_text(deferred, "ok", "{}", 2));
  return SYNQ_CRASH;
}

static void a_failure_after_the_finish_is_not_lost(void) {
  char *answer = in_callback(finish_and_fail, "{}");
  CHECK(strstr(answer, "phx_error") != NULL);
  free(answer);
}

/* --------------------------------------------------------------------------------------------------- the order */

static int push_around_a_finish(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  synq_deferred_t *deferred = NULL;
  (void)event, (void)payload, (void)user;
  CHECK_OK(synq_socket_push_text(socket, "first", "{}", 2));
  CHECK_OK(synq_socket_defer(socket, SYNQ_DEFER_IN_ORDER, &deferred));
  CHECK_OK(synq_deferred_reply_text(deferred, "ok", "{}", 2));
  CHECK_OK(synq_socket_push_text(socket, "second", "{}", 2));
  return SYNQ_OK;
}

static void pushes_keep_their_order_around_an_early_finish(void) {
  host_t host = {NULL, NULL, NULL};
  synq_server_t *server = serve(&host, push_around_a_finish);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"e\",{}]");
  CHECK(strstr(client_receive(client, NULL), "\"first\"") != NULL);
  CHECK(strstr(client_receive(client, NULL), "\"second\"") != NULL);
  CHECK(strstr(client_receive(client, NULL), "\"phx_reply\"") != NULL);
  client_free(client);
  CHECK_OK(synq_server_free(server));
  gate_free(host.returning);
}

static int push_and_defer(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  host_t *host = user;
  synq_deferred_t *deferred = NULL;
  (void)event, (void)payload;
  CHECK_OK(synq_socket_push_text(socket, "pushed", "{}", 2));
  CHECK_OK(synq_socket_defer(socket, SYNQ_DEFER_IN_ORDER, &deferred));
  host->deferred = deferred;
  return SYNQ_OK;
}

enum { rounds = 5000 };

/* Finishes each deferred a little later than the one before, so that some are finished just as the callback returns. */
static void *finish_at_once(void *user) {
  host_t *host = user;
  for (int i = 0; i < rounds; i++) {
    synq_deferred_t *deferred;
    for (int spin = 0; (deferred = atomic_exchange(&host->deferred, NULL)) == NULL; spin++) {
      if (spin % 100 == 99) sched_yield(); /* where threads run one at a time, as under valgrind */
    }
    for (volatile int spin = 0; spin < i % 1000; spin++) continue;
    CHECK_OK(synq_deferred_finish(deferred));
  }
  return NULL;
}

static void a_reply_never_overtakes_what_was_pushed(void) {
  host_t host = {NULL, NULL, NULL};
  pthread_t thread;
  int overtaken = 0;
  synq_server_t *server = serve(&host, push_and_defer);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  CHECK(pthread_create(&thread, NULL, finish_at_once, &host) == 0);
  for (int i = 0; i < rounds; i++) {
    client_send(client, "[\"1\",\"2\",\"t:1\",\"e\",{}]");
    const char *first = client_receive(client, NULL);
    if (first == NULL || strstr(first, "\"pushed\"") == NULL) overtaken++;
    CHECK(client_receive(client, NULL) != NULL);
  }
  CHECK(overtaken == 0);
  pthread_join(thread, NULL);
  client_free(client);
  CHECK_OK(synq_server_free(server));
  gate_free(host.returning);
}

const test_t response_tests[] = {
    {"a_reply_that_was_set_goes_out_with_the_finish", a_reply_that_was_set_goes_out_with_the_finish},
    {"a_callback_defers_once", a_callback_defers_once},
    {"a_refusal_after_a_defer_decides_at_once", a_refusal_after_a_defer_decides_at_once},
    {"a_failure_after_the_finish_is_not_lost", a_failure_after_the_finish_is_not_lost},
    {"pushes_keep_their_order_around_an_early_finish", pushes_keep_their_order_around_an_early_finish},
    {"a_reply_never_overtakes_what_was_pushed", a_reply_never_overtakes_what_was_pushed},
    {NULL, NULL},
};
