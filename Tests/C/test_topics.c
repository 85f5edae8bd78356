/* Topics with shared assigns: their life, updates from anywhere, and what is refused. */
#define _POSIX_C_SOURCE 200809L
#include "test.h"

#include <pthread.h>
#include <stdlib.h>

static int set_n(synq_socket_t *socket, const char *topic, void *user) {
  (void)topic, (void)user;
  return synq_socket_set_int(socket, "/n", 0);
}

static int inc(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)event, (void)payload, (void)user;
  return synq_socket_increment(socket, "/n", 1, NULL);
}

static synq_server_t *board_with(synq_channel_options_t *options, synq_delivery_t delivery) {
  static const char *const names[] = {"n", NULL};
  options->track = options->shared = names;
  options->open_topic = set_n;
  if (options->handle_event == NULL) options->handle_event = inc;
  return server_with(options, delivery);
}

/* -------------------------------------------------------------------------------------------------------- updates */

typedef struct update {
  gate_t *done;
  int result;
} update_t;

static int add_ten(synq_socket_t *socket, void *user) {
  (void)user;
  CHECK_CODE(SYNQ_ESTATE, "no client", synq_socket_push_text(socket, "e", "{}", SYNQ_NUL_TERMINATED));
  CHECK_TEXT("t:1", synq_socket_topic(socket));
  return synq_socket_increment(socket, "/n", 10, NULL);
}

static int fail_after_a_change(synq_socket_t *socket, void *user) {
  (void)user;
  CHECK_OK(synq_socket_increment(socket, "/n", 100, NULL));
  return SYNQ_ERANGE;
}

static void note_result(int result, void *user) {
  update_t *update = user;
  update->result = result;
  gate_add(update->done);
}

static void updates_reach_all_members_in_every_delivery(void) {
  const synq_delivery_t deliveries[] = {SYNQ_WORKERS, SYNQ_INLINE};
  for (size_t i = 0; i < 2; i++) {
    synq_channel_options_t options = SYNQ_CHANNEL_OPTIONS_INIT;
    synq_server_t *server = board_with(&options, deliveries[i]);
    update_t update = {gate_new(), 1};
    client_t *ann = client_new(synq_server_port(server)), *bob = client_new(synq_server_port(server));
    client_join(ann, "t:1");
    client_join(bob, "t:1");
    CHECK(client_await(ann, "\"version\":0") != NULL && client_await(bob, "\"version\":0") != NULL);
    CHECK(synq_server_channel_count(server, "t:1") == 2);
    CHECK_OK(synq_server_update(server, "t:1", SYNQ_UPDATE_IF_OPEN, add_ten, &update, note_result));
    gate_wait(update.done, 1);
    CHECK(update.result == SYNQ_OK);
    const char *patch = "{\"operations\":[{\"op\":\"replace\",\"path\":\"/n\",\"value\":10}],\"version\":1}";
    CHECK(client_await(ann, patch) != NULL && client_await(bob, patch) != NULL);
    /* What fails changes nothing, and `done` has its result. */
    CHECK_OK(synq_server_update(server, "t:1", SYNQ_UPDATE_IF_OPEN, fail_after_a_change, &update, note_result));
    gate_wait(update.done, 2);
    CHECK(update.result == SYNQ_ERANGE);
    client_send(ann, "[\"1\",\"2\",\"t:1\",\"inc\",{}]");
    CHECK(client_await(bob, "\"value\":11}],\"version\":2}") != NULL);
    client_free(ann);
    client_free(bob);
    CHECK_OK(synq_server_free(server));
    gate_free(update.done);
  }
}

static void done_is_called_once_whatever_becomes_of_the_update(void) {
  synq_channel_options_t options = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = board_with(&options, SYNQ_WORKERS);
  update_t update = {gate_new(), 1};
  CHECK_CODE(SYNQ_ENOTFOUND, "nobody is in",
             synq_server_update(server, "t:1", SYNQ_UPDATE_IF_OPEN, add_ten, &update, note_result));
  CHECK(gate_count(update.done) == 1 && update.result == SYNQ_ENOTFOUND);
  CHECK_CODE(SYNQ_EINVAL, "no channel",
             synq_server_update(server, "x", SYNQ_UPDATE_OPEN, add_ten, &update, note_result));
  CHECK_CODE(SYNQ_EINVAL, "update: is NULL",
             synq_server_update(server, "t:1", SYNQ_UPDATE_OPEN, NULL, &update, note_result));
  CHECK_CODE(SYNQ_EINVAL, "mode", synq_server_update(server, "t:1", 7, add_ten, &update, note_result));
  CHECK(gate_count(update.done) == 4);
  CHECK_OK(synq_server_update(server, "t:1", SYNQ_UPDATE_OPEN, add_ten, &update, note_result));
  gate_wait(update.done, 5);
  CHECK(update.result == SYNQ_OK);
  CHECK_OK(synq_server_stop(server, 1000));
  CHECK_OK(synq_server_wait(server, -1));
  CHECK(synq_server_update(server, "t:1", SYNQ_UPDATE_OPEN, add_ten, &update, note_result) < 0);
  CHECK(gate_count(update.done) == 6);
  CHECK_OK(synq_server_free(server));
  gate_free(update.done);
}

static int update_itself(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)event, (void)payload;
  CHECK_CODE(SYNQ_ESTATE, "has the topic's turn",
             synq_server_update(user, "t:1", SYNQ_UPDATE_IF_OPEN, add_ten, NULL, NULL));
  CHECK_CODE(SYNQ_ESTATE, "runs here", synq_socket_update(socket, add_ten, NULL, NULL));
  CHECK_OK(synq_server_update(user, "t:2", SYNQ_UPDATE_OPEN, (synq_update_fn)fail_after_a_change, NULL, NULL));
  return SYNQ_OK;
}

static void a_callback_updates_other_topics_and_not_its_own(void) {
  synq_channel_options_t options = SYNQ_CHANNEL_OPTIONS_INIT;
  options.handle_event = update_itself;
  synq_server_t *server = board_with(&options, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"go\",{}]");
  CHECK(client_await(client, "\"status\":\"ok\"") != NULL);
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

/* ------------------------------------------------------------------------------------- setters from another thread */

static void *set_from_elsewhere(void *socket) {
  CHECK_CODE(SYNQ_ESTATE, "update", synq_socket_set_int(socket, "/n", 7));
  return NULL;
}

static int let_another_thread_set(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)event, (void)payload, (void)user;
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, set_from_elsewhere, socket) == 0);
  pthread_join(thread, NULL);
  return SYNQ_OK;
}

static void a_setter_on_another_thread_is_refused_also_while_a_callback_runs(void) {
  synq_channel_options_t options = SYNQ_CHANNEL_OPTIONS_INIT;
  options.handle_event = let_another_thread_set;
  synq_server_t *server = board_with(&options, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"go\",{}]");
  CHECK(client_await(client, "\"status\":\"ok\"") != NULL);
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

/* -------------------------------------------------------------------------------------------------------- options */

static void options_that_need_shared_assigns_are_refused_without(void) {
  synq_channel_options_t options = SYNQ_CHANNEL_OPTIONS_INIT;
  static const char *const twice[] = {"a", "a", NULL};
  synq_server_t *server = NULL;
  CHECK_OK(synq_server_new(&server, NULL));
  options.linger_ms = 5;
  CHECK_CODE(SYNQ_EINVAL, "linger", synq_server_channel(server, "a", &options));
  options.linger_ms = 0;
  options.open_topic = set_n;
  CHECK_CODE(SYNQ_EINVAL, "open_topic", synq_server_channel(server, "a", &options));
  options.open_topic = NULL;
  options.shared = twice;
  CHECK_CODE(SYNQ_EINVAL, "shared", synq_server_channel(server, "a", &options));
  CHECK_OK(synq_server_free(server));
}

const test_t topic_tests[] = {
    {"updates_reach_all_members_in_every_delivery", updates_reach_all_members_in_every_delivery},
    {"done_is_called_once_whatever_becomes_of_the_update", done_is_called_once_whatever_becomes_of_the_update},
    {"a_callback_updates_other_topics_and_not_its_own", a_callback_updates_other_topics_and_not_its_own},
    {"a_setter_on_another_thread_is_refused_also_while_a_callback_runs",
     a_setter_on_another_thread_is_refused_also_while_a_callback_runs},
    {"options_that_need_shared_assigns_are_refused_without", options_that_need_shared_assigns_are_refused_without},
    {NULL, NULL}};
